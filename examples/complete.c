/* Completes images of which a part is known.
 *
 *     complete MODEL IMAGES MASK OUT.png
 *
 * MASK is a PNG of the model's size: white is known, black is drawn. OUT.png shows each image and, beside it,
 * SAMPLES ways in which it may have been. */
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 8, SAMPLES = 4 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "complete: %s\n", prnn_message(ctx));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: complete MODEL IMAGES MASK OUT.png\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &c);

    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = c.levels;
    options.height = c.height;
    options.width = c.width;
    options.channels = c.channels;
    options.limit = IMAGES;
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[2], &options, &data));

    size_t count = prnn_data_count(data), indices[IMAGES];
    size_t pixels = (size_t)c.height * (size_t)c.width, bytes = pixels * (size_t)c.channels;
    uint8_t *images = malloc(count * bytes), *known = malloc(pixels);
    uint8_t *completed = malloc(count * SAMPLES * bytes), *sheet = malloc(count * (SAMPLES + 1) * bytes);
    for (size_t i = 0; i < count; i++) {
        indices[i] = i;
    }
    must(ctx, prnn_data_read(ctx, data, indices, count, 0, 0, images));
    must(ctx, prnn_read_mask(ctx, argv[3], c.height, c.width, known));
    must(ctx, prnn_complete(ctx, model, images, count, known, SAMPLES, NULL, completed));

    /* A row of the sheet for each image. */
    for (size_t i = 0; i < count; i++) {
        uint8_t *row = sheet + i * (SAMPLES + 1) * bytes;
        memcpy(row, images + i * bytes, bytes);
        memcpy(row + bytes, completed + i * SAMPLES * bytes, SAMPLES * bytes);
    }
    must(ctx, prnn_write_png(ctx, argv[4], sheet, count * (SAMPLES + 1), c.height, c.width, c.channels,
                             c.levels, SAMPLES + 1));
    free(images);
    free(known);
    free(completed);
    free(sheet);
    prnn_data_free(data);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}

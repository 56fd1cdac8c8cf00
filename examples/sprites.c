/* Learns images of few colours as numbers of colours, and draws new ones in them.
 *
 *     sprites IMAGES STEPS FOLDER OUT.png
 *
 * The model keeps the palette in its metadata, beside what training notes of itself and what one adds. */
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 16 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "sprites: %s\n", prnn_message(ctx));
        exit(1);
    }
}

/* A model for images of this set: a level a colour. */
static prnn_model *make_model(prnn_context *ctx, const prnn_data *data) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model *model;
    config.kind = PRNN_CNN;
    config.height = prnn_data_height(data);
    config.width = prnn_data_width(data);
    config.levels = prnn_data_levels(data);
    config.layers = 4;
    must(ctx, prnn_model_create(ctx, &config, 1, &model));
    return model;
}

static void draw(prnn_context *ctx, const prnn_model *model, const char *path) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(model, &config);
    uint8_t *images = malloc((size_t)COUNT * (size_t)config.height * (size_t)config.width);
    if (!images) {
        fprintf(stderr, "sprites: not enough memory\n");
        exit(1);
    }
    must(ctx, prnn_sample(ctx, model, COUNT, NULL, images));
    must(ctx, prnn_write_palette_png(ctx, path, images, COUNT, config.height, config.width,
                                     prnn_model_palette(model), 0));
    free(images);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: sprites IMAGES STEPS FOLDER OUT.png\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.paletted = true; /* the palette is that of all images; options.palette gives one */
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[1], &options, &data));
    printf("%d colours\n", prnn_data_palette(data)->count);

    prnn_model *model = make_model(ctx, data);
    must(ctx, prnn_model_set_metadata(ctx, model, "title", "Sprites"));
    prnn_train_options training = PRNN_TRAIN_OPTIONS_INIT;
    training.steps = strtoull(argv[2], NULL, 10);
    training.out = argv[3];
    must(ctx, prnn_train(ctx, model, data, NULL, &training));
    for (size_t i = 0; i < prnn_model_metadata_count(model); i++) {
        const char *key = prnn_model_metadata_key(model, i);
        printf("%s: %s\n", key, prnn_model_metadata(model, key));
    }
    draw(ctx, model, argv[4]);

    prnn_model_free(model);
    prnn_data_free(data);
    prnn_context_free(ctx);
    return 0;
}

/* Says how likely a model finds pictures, each as large as it is.
 *
 *     sizes MODEL FOLDER
 *
 * Pictures of one size are a data set, and go through the model at that size; they are read some at a time.
 */
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 16 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "sizes: %s\n", prnn_message(ctx));
        exit(1);
    }
}

/* Some pictures of one size: all of a data set. */
static void evaluate(prnn_context *ctx, const prnn_model *model, const prnn_data *data) {
    size_t n = prnn_data_count(data), indices[CHUNK];
    int height = prnn_data_height(data), width = prnn_data_width(data);
    uint8_t *images = malloc(n * (size_t)height * (size_t)width * (size_t)prnn_data_channels(data));
    double nats[CHUNK];
    prnn_model *resized;
    for (size_t i = 0; i < n; i++) {
        indices[i] = i;
    }
    must(ctx, prnn_model_resize(ctx, model, height, width, &resized));
    must(ctx, prnn_data_read(ctx, data, indices, n, 0, 0, images));
    must(ctx, prnn_evaluate(ctx, resized, images, n, NULL, nats, NULL));
    for (size_t i = 0; i < n; i++) {
        printf("%s: %d x %d, %.2f nats, %.4f bits/dim\n", prnn_data_name(data, i), height, width, nats[i],
               prnn_bits_per_dim(resized, nats[i]));
    }
    prnn_model_free(resized);
    free(images);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: sizes MODEL FOLDER\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &c);

    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = c.levels;
    options.channels = c.channels;
    prnn_listing *pictures;
    must(ctx, prnn_listing_open(ctx, argv[2], &options, &pictures));
    for (size_t group = 0; group < prnn_listing_group_count(pictures); group++) {
        size_t count;
        prnn_listing_group(pictures, group, &count);
        for (size_t first = 0; first < count; first += CHUNK) {
            prnn_data *data;
            must(ctx, prnn_listing_data(ctx, pictures, group, first, CHUNK, &data));
            evaluate(ctx, model, data);
            prnn_data_free(data);
        }
    }
    prnn_listing_free(pictures);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}

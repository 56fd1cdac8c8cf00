/* Says how likely a model finds images.
 *
 *     evaluate MODEL IMAGES
 *
 * IMAGES is what prnn_data_open reads: a folder of pictures, a .npy file, ... The images are read some at a
 * time, so there may be more of them than fit into memory. */
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 64 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "evaluate: %s\n", prnn_message(ctx));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: evaluate MODEL IMAGES\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &c);

    /* Images as the model wants them; those of another size are cut and resampled. */
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = c.levels;
    options.height = c.height;
    options.width = c.width;
    options.channels = c.channels;
    options.fit = PRNN_FIT_RESIZE;
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[2], &options, &data));

    size_t count = prnn_data_count(data), indices[CHUNK];
    uint8_t *images = malloc((size_t)CHUNK * (size_t)c.height * (size_t)c.width * (size_t)c.channels);
    double nats[CHUNK], total = 0;
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t n = count - first < CHUNK ? count - first : CHUNK;
        for (size_t i = 0; i < n; i++) {
            indices[i] = first + i;
        }
        must(ctx, prnn_data_read(ctx, data, indices, n, 0, 0, images));
        must(ctx, prnn_evaluate(ctx, model, images, n, NULL, nats, NULL));
        for (size_t i = 0; i < n; i++) {
            printf("image %zu: %.2f nats, %.4f bits/dim\n", first + i, nats[i],
                   prnn_bits_per_dim(model, nats[i]));
            total += nats[i];
        }
    }
    printf("mean: %.2f nats\n", total / (double)count);
    free(images);
    prnn_data_free(data);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}

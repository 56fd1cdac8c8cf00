/* Draws images from a model and writes each as a PNG.
 *
 *     sample MODEL COUNT SEED FOLDER
 *
 * FOLDER/0.png, 1.png, ...: image i is a function of the model, the seed and i, so a program that is stopped
 * can go on where it was (first). */
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "sample: %s\n", prnn_message(ctx));
        exit(1);
    }
}

static bool show(void *user, const prnn_progress *p) {
    (void)user;
    fprintf(stderr, "%d of %d images, %.1f a second\n", (int)p->done, (int)p->total, p->images_per_second);
    return true; /* false: stop */
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: sample MODEL COUNT SEED FOLDER\n");
        return 2;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &c);

    size_t bytes = (size_t)c.height * (size_t)c.width * (size_t)c.channels;
    uint8_t *images = malloc(count * bytes);
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = strtoull(argv[3], NULL, 10);
    options.progress = show;
    must(ctx, prnn_sample(ctx, model, count, &options, images));

    for (size_t i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%zu.png", argv[4], i);
        must(ctx,
             prnn_write_png(ctx, path, images + i * bytes, 1, c.height, c.width, c.channels, c.levels, 0));
    }
    free(images);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}

/* Trains a small PixelCNN on images.
 *
 *     train IMAGES STEPS FOLDER
 *
 * FOLDER gets the model (model.safetensors), the log (metrics.csv) and a checkpoint: started again with a
 * larger number of steps, the program goes on where it was, as if it had never ended. */
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "train: %s\n", prnn_message(ctx));
        exit(1);
    }
}

static bool show(void *user, const prnn_progress *p) {
    (void)user;
    if (strcmp(p->phase, "train") == 0 && p->done > 0) {
        printf("step %d of %d: %.2f nats an image\n", (int)p->done, (int)p->total, p->train_nats);
    }
    return true; /* false: stop, with a checkpoint */
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: train IMAGES STEPS FOLDER\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();

    prnn_data_options images = PRNN_DATA_OPTIONS_INIT;
    images.levels = 2;   /* black and white */
    images.channels = 1; /* height and width: as the first image has them */
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[1], &images, &data));

    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = PRNN_CNN;
    config.height = prnn_data_height(data);
    config.width = prnn_data_width(data);
    config.channels = prnn_data_channels(data);
    config.levels = prnn_data_levels(data);
    config.layers = 4;
    prnn_model *model;
    must(ctx, prnn_model_create(ctx, &config, 1, &model));

    char checkpoint[4096];
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", argv[3]);
    FILE *before = fopen(checkpoint, "rb");
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    options.steps = strtoull(argv[2], NULL, 10);
    options.out = argv[3];
    options.resume = before != NULL;
    options.progress = show;
    if (before) {
        fclose(before);
    }
    /* Without images for validation the model is that of the last step. */
    must(ctx, prnn_train(ctx, model, data, NULL, &options));

    prnn_model_free(model);
    prnn_data_free(data);
    prnn_context_free(ctx);
    return 0;
}

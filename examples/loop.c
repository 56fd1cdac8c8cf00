/* A training loop of one's own, which ends when the validation does not become better.
 *
 *     loop IMAGES FOLDER
 *
 * Trains a small Row LSTM a step at a time and looks at the validation every 10 steps. FOLDER gets the best
 * model, the log and a checkpoint. */
#include <math.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_STEPS = 200, EVERY = 10, PATIENCE = 2 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "loop: %s\n", prnn_message(ctx));
        exit(1);
    }
}

/* Steps until the validation does not become better any more, or all are done. */
static void train(prnn_context *ctx, prnn_trainer *trainer) {
    double best = INFINITY, nats;
    bool done = false;
    for (int step = 1, worse = 0; !done && worse < PATIENCE; step++) {
        must(ctx, prnn_trainer_step(ctx, trainer, &nats, &done));
        if (step % EVERY == 0) {
            must(ctx, prnn_trainer_validate(ctx, trainer, &nats));
            worse = nats < best ? 0 : worse + 1;
            best = fmin(best, nats);
            printf("step %d: validation %.2f nats an image\n", step, nats);
        }
    }
    must(ctx, prnn_trainer_save(ctx, trainer)); /* whatever happens now, it can be resumed */
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: loop IMAGES FOLDER\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();

    /* The first image is kept for validation. */
    prnn_data_options images = PRNN_DATA_OPTIONS_INIT;
    prnn_data *train_set, *valid_set;
    images.levels = 2;
    images.channels = 1;
    images.first = 1;
    must(ctx, prnn_data_open(ctx, argv[1], &images, &train_set));
    images.first = 0;
    images.limit = 1;
    must(ctx, prnn_data_open(ctx, argv[1], &images, &valid_set));

    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = PRNN_ROW;
    config.height = prnn_data_height(train_set);
    config.width = prnn_data_width(train_set);
    config.channels = 1;
    config.levels = 2;
    config.layers = 2;
    config.hidden = 16;
    prnn_model *model;
    must(ctx, prnn_model_create(ctx, &config, 1, &model));

    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    options.steps = MOST_STEPS;
    options.valid_every = MOST_STEPS; /* this program decides when */
    options.out = argv[2];
    prnn_trainer *trainer;
    must(ctx, prnn_trainer_create(ctx, model, train_set, valid_set, &options, &trainer));
    train(ctx, trainer);
    prnn_trainer_free(trainer);

    prnn_model_free(model);
    prnn_data_free(valid_set);
    prnn_data_free(train_set);
    prnn_context_free(ctx);
    return 0;
}

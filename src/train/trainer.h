/* The state of a training run: everything that a checkpoint keeps, and what is made from it. */
#ifndef PRNN_TRAIN_TRAINER_H
#define PRNN_TRAIN_TRAINER_H

#include "base/clock.h"
#include "model/gradient.h"
#include "model/model.h"

#include <stdio.h>

/* What a checkpoint keeps beside the blocks of weights. */
typedef struct prnn_train_state {
    uint64_t step;                /* updates done */
    uint64_t validated, logged;   /* step of the last validation and line of the log */
    double seconds;               /* of training so far, over all runs */
    double nats_sum, images;      /* training likelihood since the last line of the log */
    double last_nats;             /* its mean at that line */
    double valid_nats, best_nats; /* NaN: none yet */
    uint64_t best_step;
    uint64_t metrics_bytes; /* length of metrics.csv */
} prnn_train_state;

typedef struct prnn_trainer {
    prnn_context *ctx;
    prnn_train_options options;
    prnn_model *model;
    const prnn_data *train, *valid;
    uint64_t train_print, valid_print; /* their fingerprints */
    prnn_gradient_engine *engine;

    size_t parameters;
    float *weights, *gradient, *moment1, *moment2;
    double *squares; /* of pieces of the gradient */
    float *ema;      /* NULL without */
    float *best;     /* of the best validation; NULL without a validation set */
    prnn_train_state state;

    uint64_t steps, steps_per_epoch, valid_every, log_every;
    uint64_t *order; /* of the images in epoch `order_epoch` */
    uint64_t order_epoch;
    size_t *indices;
    uint8_t *images; /* of a batch, or of a piece of the validation set */

    char *model_path, *checkpoint_path, *metrics_path;
    FILE *metrics;
    int lock;                   /* of the folder; -1: none */
    double run_began, saved_at; /* clock */
    double step_seconds;        /* spent in steps of this run */
    double step_images;
} prnn_trainer;

/* checkpoint.c: out/checkpoint.safetensors. */
prnn_status prnn_checkpoint_save(prnn_trainer *t);
/* *found: whether there was one. Refuses one of another network, other data or other options. */
prnn_status prnn_checkpoint_load(prnn_trainer *t, bool *found);

/* metrics.c: out/metrics.csv. Opening cuts it to the length that the state remembers (0: a new file). */
prnn_status prnn_metrics_open(prnn_trainer *t);
prnn_status prnn_metrics_write(prnn_trainer *t, double epoch, double rate, bool validated);

/* Images validated between two calls of progress. */
enum { PRNN_VALID_PIECE = 64 };

/* need.c: bytes that a training asks for. */
typedef struct prnn_trainer_needs {
    size_t parameters; /* how many */
    size_t model;      /* of prnn_model_create */
    size_t own;        /* of the trainer's blocks */
    size_t validation; /* on one thread; 0 without one */
    prnn_need gradient;
    int workers; /* that the gradient would like */
} prnn_trainer_needs;

prnn_status prnn_trainer_need(prnn_context *ctx, const prnn_config *config, const prnn_train_options *options,
                              size_t images, bool valid, prnn_trainer_needs *needs);

/* PRNN_ERROR_MEMORY if there is not so much, on one thread at least; `new_model`: the model is to be made
 * too. */
prnn_status prnn_trainer_afford(prnn_context *ctx, const prnn_trainer_needs *needs, bool new_model,
                                int batch);

/* Images of the largest batch of a set of `images`, and for how many a trainer has room. */
size_t prnn_trainer_batch(const prnn_train_options *options, size_t images);
size_t prnn_trainer_room(size_t batch);

/* PRNN_ERROR_DIVERGED if a weight or a moment is not finite. */
prnn_status prnn_trainer_check_weights(const prnn_trainer *t);

/* The weights that are validated and saved: the moving average, or the weights themselves. */
static inline const float *prnn_trainer_result(const prnn_trainer *t) {
    return t->ema ? t->ema : t->weights;
}

#endif

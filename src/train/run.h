/* A training run while it lasts: everything that a checkpoint keeps, and what is made from it. */
#ifndef PRNN_TRAIN_RUN_H
#define PRNN_TRAIN_RUN_H

#include "model/gradient.h"
#include "model/model.h"
#include "train/folder.h"
#include "train/teacher.h"
#include "train/timetable.h"

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
    uint64_t metrics_bytes;             /* length of metrics.csv */
    uint64_t not_lower, overfitted;     /* as prnn_progress has them */
    double between_sum, between_images; /* training likelihood since the last validation */
    double between_nats;                /* its mean between the two before; NaN: none */
} prnn_train_state;

struct prnn_trainer {
    /* What was asked: */
    prnn_context *ctx;
    const prnn_device *device;
    const char *arithmetic; /* of the context when the run began */
    int rank, ranks;        /* the same */
    prnn_train_options options;
    prnn_timetable table;
    prnn_model *model;
    const prnn_data *train, *valid;    /* `valid` may be NULL */
    uint64_t train_print, valid_print; /* their fingerprints */

    /* What a checkpoint keeps: */
    size_t parameters;
    prnn_block weights, moment1, moment2;
    prnn_block ema;  /* no memory without */
    prnn_block best; /* of the best validation; no memory without a validation set */
    prnn_train_state state;

    /* What a step works with: */
    prnn_gradient_engine *engine;
    prnn_block gradient;
    double *scratch;          /* of its norm */
    prnn_polar_list matrices; /* muon's */
    uint64_t *order;          /* of the images in epoch `order_epoch` */
    uint64_t order_epoch;
    size_t *indices;
    uint8_t *images;        /* of a batch, or of a piece of the validation set */
    uint8_t *scratch_image; /* of images that are mirrored and moved */
    prnn_teacher teacher;   /* what makes soft targets; of zeros without */
    double *nats;           /* of a piece of every rank */

    prnn_run_folder folder;
    FILE *metrics;
    bool log_without_exchange;  /* its lines end before that column: an older version began it */
    double run_began, saved_at; /* clock */
    uint64_t run_steps;         /* updates of this run */
    double step_seconds;        /* spent in steps of this run */
    double step_images;
    prnn_due due;  /* after the present step, and not done yet */
    bool busy;     /* a validation is under way: its callback may not change anything */
    bool diverged; /* there is no way on */
    bool rescued;  /* a rank was lost, and what could be saved was */

    unsigned number; /* of this training among those that made the model, from 1 on (provenance.c) */
};

/* run.c: memory for a run whose first part is filled in, and the fingerprints; free it also after a
 * failure. */
prnn_status prnn_run_allocate(prnn_trainer *t);
void prnn_run_free(prnn_trainer *t);

/* The weights that are validated and saved: the moving average, or the weights themselves. */
prnn_block prnn_run_result(const prnn_trainer *t);

/* The weights of a block become the model's. */
prnn_status prnn_run_assign(prnn_trainer *t, prnn_block weights);

/* The learning rate of the update after `step` of them. */
double prnn_run_rate(const prnn_trainer *t, uint64_t step);

/* Tells the caller's progress callback; false: stop. `total` may be 0; `speed`: images per second. */
bool prnn_run_tell(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total, double seconds,
                   double speed);
/* The same as a struct. */
prnn_progress prnn_run_progress(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total,
                                double seconds, double speed);

/* PRNN_ERROR_DIVERGED: after `step` updates `what`, in words, is `value`. */
prnn_status prnn_run_diverged(prnn_trainer *t, const char *what, double value, uint64_t step);
/* The same if a weight or a moment is not finite. */
prnn_status prnn_run_check_weights(prnn_trainer *t);

/* provenance.c: where the model comes from, in its metadata. Counts the trainings in them: this one is the
 * next, or, where it goes on, the last of them. Fails, before any work, as the functions below would. */
prnn_status prnn_provenance_begin(prnn_trainer *t, bool goes_on);

/* Fails, too, where the environment says no date that can be read. */
prnn_status prnn_provenance_check(prnn_context *ctx);

/* *made, which is empty, becomes the model's metadata with what this training says of weights that had `step`
 * updates and, unless it is NaN, the validation `nats`. */
prnn_status prnn_provenance_make(const prnn_trainer *t, uint64_t step, double nats, prnn_metadata *made);

/* These become the model's. */
prnn_status prnn_provenance_set(prnn_trainer *t, uint64_t step, double nats);

/* together.c: refuses ranks that are not about to do the same. */
prnn_status prnn_run_compare(prnn_trainer *t);
/* Everybody gets what rank 0 has loaded: *found, and with that state and blocks. */
prnn_status prnn_run_follow(prnn_trainer *t, bool *found);

/* Files are those of rank 0: on another one nothing is written, and all is well; but checks of weights are
 * made everywhere. */

/* checkpoint.c: out/checkpoint.safetensors. */
prnn_status prnn_checkpoint_save(prnn_trainer *t);
/* The same, without a word to the other ranks. */
prnn_status prnn_checkpoint_write(prnn_trainer *t);
/* *found: whether there was one. Refuses one of another network, other data or other options. */
prnn_status prnn_checkpoint_load(prnn_trainer *t, bool *found);

/* What must be the same for a run to go on as if it had never stopped, and on all ranks; returns how many.
 * The texts live in `list`. */
enum { PRNN_SETTINGS = 48, PRNN_SETTING = 32 };
typedef struct prnn_setting {
    const char *name;
    char value[PRNN_SETTING];
} prnn_setting;
size_t prnn_checkpoint_settings(const prnn_trainer *t, prnn_setting list[PRNN_SETTINGS]);

/* The blocks of weights that a checkpoint keeps; returns how many. */
enum { PRNN_BLOCKS = 5 };
typedef struct prnn_named_block {
    const char *name;
    prnn_block block;
} prnn_named_block;
size_t prnn_checkpoint_blocks(const prnn_trainer *t, prnn_named_block list[PRNN_BLOCKS]);

/* metrics.c: out/metrics.csv. Opening cuts it to the length that the state remembers (0: a new file). */
prnn_status prnn_metrics_open(prnn_trainer *t);
/* Removes a log without a line, which a run that was killed at its start left. */
void prnn_metrics_sweep(const prnn_trainer *t);
prnn_status prnn_metrics_write(prnn_trainer *t, bool validated);

/* validation.c: the likelihood of all validation images under the present result, which may be the best so
 * far. PRNN_STOPPED: the caller said so, and nothing has changed. In any case, failures included, the model
 * then has the weights of the best validation, if there was one. */
prnn_status prnn_validation_run(prnn_trainer *t);

#endif

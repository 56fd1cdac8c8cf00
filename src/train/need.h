/* What a training needs, known before any of it is asked for. */
#ifndef PRNN_TRAIN_NEED_H
#define PRNN_TRAIN_NEED_H

#include "model/model.h"

/* Images that a rank validates between two calls of progress. */
enum { PRNN_VALID_PIECE = 64 };

/* Bytes that a training asks for. */
typedef struct prnn_trainer_needs {
    size_t parameters; /* how many */
    size_t model;      /* of prnn_model_create */
    size_t own;        /* of the trainer's blocks */
    size_t evaluation; /* of a validation and of the teacher, on one thread; 0 without either */
    prnn_need gradient;
    int workers; /* that the gradient would like */
    /* Of the memory of a device that is apart, the largest batch for which it has room, and whether that is
     * less than what is wanted. */
    size_t apart;
    int fits;
    bool too_many;
    bool taught; /* a part of it all is the teacher's */
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

/* Images that all ranks validate between two calls of progress. */
size_t prnn_trainer_nats(const prnn_context *ctx);

#endif

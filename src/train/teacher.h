/* What makes soft targets for a training: other models, which say of each value what they expect of it, given
 * those before it (docs/equations.md, "Soft targets"). */
#ifndef PRNN_TRAIN_TEACHER_H
#define PRNN_TRAIN_TEACHER_H

#include "model/model.h"
#include "ranks/ranks.h"

/* Without a teacher, zeros. */
typedef struct prnn_teacher {
    const prnn_ensemble *models;
    const prnn_network *student;
    double weight;
    uint64_t print;                  /* a hash of the networks and weights of its models, never 0 */
    double *nats;                    /* [batch] */
    float *logits;                   /* of the present one of its models, of a batch */
    struct prnn_teacher_room *rooms; /* [room_count], a thread one */
    int room_count;
    float *soft; /* of a batch, as prnn_pictures has them */
} prnn_teacher;

/* Refuses a teacher of other images than a network's, and one for a network that cannot follow it. */
prnn_status prnn_teacher_check_config(prnn_context *ctx, const prnn_train_options *options,
                                      const prnn_config *config);
/* The same of a model, which has a palette too, and cannot teach itself. */
prnn_status prnn_teacher_check(prnn_context *ctx, const prnn_train_options *options, const prnn_model *model);

/* For batches of at most `batch` images of a network; nothing without a teacher. Close it, whatever this
 * returns. */
prnn_status prnn_teacher_open(prnn_context *ctx, const prnn_train_options *options,
                              const prnn_network *student, size_t batch, prnn_teacher *teacher);
void prnn_teacher_close(prnn_teacher *teacher);

/* Bytes that it allocates. */
size_t prnn_teacher_bytes(const prnn_context *ctx, const prnn_train_options *options,
                          const prnn_network *student, size_t batch);

/* Fills in `soft` for a part of the images of a batch. */
prnn_status prnn_teacher_ask(prnn_context *ctx, prnn_teacher *teacher, const uint8_t *images,
                             prnn_share part);

#endif

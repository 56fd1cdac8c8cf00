/* What images are measured under: one model or an ensemble, or a chain of models. */
#ifndef PIXELRNN_CLI_SESSION_SUBJECT_H
#define PIXELRNN_CLI_SESSION_SUBJECT_H

#include "options/members.h"

#include <pixelrnn/pixelrnn.h>

typedef struct subject {
    members names;           /* of all its models: their files */
    prnn_ensemble *ensemble; /* of one model or more; NULL: a chain of several */
    prnn_chain *chain;       /* or the first model of the ensemble, which all others are like */
} subject;

/* Loads what some operands name: one of them a model or, if the command takes these, an ensemble; several a
 * chain. 0 or an exit code after a message; free with subject_free in any case. */
int subject_load(prnn_context *ctx, const struct command *command, const char *const *operands, size_t count,
                 subject *s);
void subject_free(subject *s);

/* The file of its last model, for messages. */
const char *subject_last(const subject *s);

/* How many models there are, and model i. */
size_t subject_count(const subject *s);
const prnn_model *subject_model(const subject *s, size_t i);

/* Whether it is an ensemble of more than one. */
bool subject_is_mixed(const subject *s);

/* It is of images of another size from now on: a chain cannot be, nor can conditional models. */
int subject_resize(prnn_context *ctx, subject *s, int height, int width);
/* Why not; EXIT_OK: it can. */
int subject_check_resizable(const subject *s);

/* prnn_ensemble_evaluate or prnn_chain_evaluate; parts (n, subject_count), unless NULL: the nats of each
 * image under each model of an ensemble, or what is new in each scale of a chain. With new_only an ensemble,
 * too, does without the values that small images give. */
prnn_status subject_evaluate(prnn_context *ctx, const subject *s, const uint8_t *images, size_t n,
                             bool new_only, double *nats, double *parts, float *values);

#endif

/* The networks once more, written down from docs/equations.md as plainly as they can be: one number after the
 * other, in double precision, with every weight of a file, masked or not. It knows no masks, kernels or
 * regions, so what it cannot see no other program sees that takes the file as it is; and it is slow. */
#ifndef PRNN_CHECK_PLAIN_H
#define PRNN_CHECK_PLAIN_H

#include "model/model.h"

typedef struct prnn_plain prnn_plain;

/* For one thread. `model` says the config and the tensors; the weights are `parameters`, in its layout. Both
 * must stay. Free with prnn_plain_free. */
prnn_status prnn_plain_create(prnn_context *ctx, const prnn_model *model, const float *parameters,
                              prnn_plain **plain);
void prnn_plain_free(prnn_plain *plain);

/* Logits (H, W, C, M) of one image (H, W, C), given the small image (s, s, C) of a conditional model (else
 * not looked at). They stay until the next call. */
const double *prnn_plain_logits(prnn_plain *plain, const uint8_t *image, const uint8_t *small);

#endif

/* The upsampling network of conditional models (paper section 3.4, docs/equations.md): transposed
 * convolutions, 4x4 with stride 2, each followed by a ReLU, from a small image to a map of features of the
 * large image's size. It runs once per image, before the first row. */
#ifndef PRNN_LAYERS_UPSAMPLER_H
#define PRNN_LAYERS_UPSAMPLER_H

#include "layers/product.h"

typedef struct prnn_upsampler {
    int stages;
    struct prnn_upsampler_stage *stage;
    prnn_map *small; /* the small image, scaled like the input: C features */
    prnn_map *result,
        *dresult;           /* c features in the size of the large one, and the gradient by them (training) */
    prnn_features features; /* of the result */
} prnn_upsampler;

/* Plans the upsampler of the plan's config, which has a condition; NULL after a failure. */
prnn_upsampler *prnn_plan_upsampler(prnn_plan *plan);

/* Before the small image is written: what lies outside the maps. */
void prnn_upsampler_begin(const prnn_upsampler *upsampler, const prnn_pass *pass);
/* From `small` to `result`. */
void prnn_upsampler_forward(const prnn_upsampler *upsampler, const prnn_pass *pass);

/* Before layers add to `dresult`. */
void prnn_upsampler_begin_backward(const prnn_upsampler *upsampler, const prnn_pass *pass);
/* From `dresult` to the gradient by the weights. */
void prnn_upsampler_backward(const prnn_upsampler *upsampler, const prnn_pass *pass);

#endif

/* The registry of output distributions: one file and one line of the table each. A head turns the logits of
 * a pixel into a distribution over the levels of each channel (SPEC "The distribution"). */
#ifndef PRNN_HEADS_HEAD_H
#define PRNN_HEADS_HEAD_H

#include "layers/map.h"

typedef struct prnn_head_kind {
    bool (*handles)(const prnn_config *config);

    /* Layout of the logits of a pixel, and how many there are per value (M). */
    prnn_features (*features)(const prnn_config *config);
    int (*logits_per_value)(const prnn_config *config);

    /* nats[position * C + channel] = -log p(values[...]) for `positions` pixels with rows of logits. With
     * scale != 0 the logits become scale times the gradient by them. */
    void (*nll)(const prnn_kernels *kernels, prnn_features features, int levels, float *logits,
                size_t positions, const uint8_t *values, float scale, float *nats);

    /* Draws a level of one channel of one pixel by inversion: the smallest level whose cumulated probability
     * exceeds `uniform` in [0, 1). The logarithms of the probabilities are divided by `temperature`. -1: the
     * logits are not finite. */
    int (*draw)(const prnn_kernels *kernels, prnn_features features, int levels, const float *logits,
                int channel, double temperature, double uniform);

    /* log_p[0..K-1]: logarithms of the probabilities of the levels of one value, plus any number, from its M
     * logits. */
    void (*log_p)(const prnn_kernels *kernels, prnn_features features, int levels, const float *logits,
                  double *log_p);
} prnn_head_kind;

const prnn_head_kind *prnn_head_kind_of(const prnn_config *config);

extern const prnn_head_kind prnn_bernoulli, prnn_softmax, prnn_logistic_mixture;

/* draw() for one softmax, of `levels` logits padded to a multiple of PRNN_PANEL. *uniform becomes the place
 * of the number in what belongs to the level, 0 to 1: a uniform number again. */
int prnn_draw_level(const prnn_kernels *kernels, const float *logits, int levels, double temperature,
                    double *uniform);

#endif

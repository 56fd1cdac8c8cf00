/* Two levels: one logit per value, p(1) = sigmoid(logit). */

#include "heads/head.h"

#include <math.h>

static bool handles(const prnn_config *config) {
    return config->levels == 2;
}

static prnn_features features(const prnn_config *config) {
    return (prnn_features){1, config->channels, PRNN_PANEL, config->channels, false};
}

static int logits_per_value(const prnn_config *config) {
    (void)config;
    return 1;
}

static void nll(const prnn_kernels *kernels, prnn_features f, int levels, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    (void)kernels;
    (void)levels;
    for (size_t m = 0; m < positions; m++, logits += f.stride) {
        for (int c = 0; c < f.size; c++) {
            float x = logits[c], v = values[m * (size_t)f.size + (size_t)c];
            float e = expf(-fabsf(x));
            nats[m * (size_t)f.size + (size_t)c] = fmaxf(x, 0) - x * v + log1pf(e);
            if (scale != 0) {
                logits[c] = scale * ((x >= 0 ? 1 : e) / (1 + e) - v);
            }
        }
        for (int i = f.size; i < f.stride && scale != 0; i++) {
            logits[i] = 0;
        }
    }
}

static int draw(prnn_features f, int levels, const float *logits, int channel, double temperature,
                double uniform) {
    (void)f;
    (void)levels;
    double x = logits[channel] / temperature;
    if (isnan(x)) {
        return -1;
    }
    /* Level 0 has probability 1 / (1 + e^x). */
    return uniform * (1 + exp(x)) >= 1;
}

const prnn_head_kind prnn_bernoulli = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
};

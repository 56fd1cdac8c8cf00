/* Up to 256 levels: a softmax over one logit per level, for each channel (paper section 3.3 and 5.3). */

#include "heads/head.h"

#include <math.h>

static bool handles(const prnn_config *config) {
    return config->levels > 2;
}

static prnn_features features(const prnn_config *config) {
    int padded = (config->levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    return (prnn_features){config->channels, config->levels, padded, config->channels, true};
}

static int logits_per_value(const prnn_config *config) {
    return config->levels;
}

static void nll(const prnn_kernels *kernels, prnn_features f, int levels, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    for (size_t v = 0; v < positions * (size_t)f.blocks; v++, logits += f.stride) {
        nats[v] = kernels->softmax_nll(logits, levels, values[v], scale);
    }
}

static int draw(prnn_features f, int levels, const float *logits, int channel, double temperature,
                double uniform) {
    const float *x = logits + channel * f.stride;
    double highest = x[0], p[256], total = 0;
    for (int k = 1; k < levels; k++) {
        highest = x[k] > highest ? x[k] : highest;
    }
    for (int k = 0; k < levels; k++) {
        p[k] = exp((x[k] - highest) / temperature);
        total += p[k];
    }
    if (!isfinite(total)) {
        return -1;
    }
    double left = uniform * total;
    int last = 0; /* rounding may leave a little beyond the last level with probability */
    for (int k = 0; k < levels; k++) {
        if (p[k] > 0) {
            last = k;
            if (left < p[k]) {
                return k;
            }
        }
        left -= p[k];
    }
    return last;
}

const prnn_head_kind prnn_softmax = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
};

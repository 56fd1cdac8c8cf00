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

enum { BLOCK = PRNN_PANEL };

/* The sum of BLOCK weights, in four parts that a compiler makes a vector of. */
static double block_sum(const float *p) {
    float s[4] = {0};
    for (int i = 0; i < BLOCK; i += 4) {
        for (int j = 0; j < 4; j++) {
            s[j] += p[i + j];
        }
    }
    return (double)((s[0] + s[1]) + (s[2] + s[3]));
}

/* Finds the block that the uniform number falls into, then the level in it. */
static int draw(const prnn_kernels *kernels, prnn_features f, int levels, const float *logits, int channel,
                double temperature, double uniform) {
    float p[256];
    double sums[256 / BLOCK], total = 0;
    int blocks = f.stride / BLOCK;
    kernels->softmax_weights(logits + channel * f.stride, levels, (float)(1 / temperature), p);
    for (int b = 0; b < blocks; b++) {
        total += sums[b] = block_sum(p + b * BLOCK);
    }
    if (!isfinite(total)) {
        return -1;
    }
    double left = uniform * total;
    int b = 0;
    while (b < blocks - 1 && left >= sums[b]) {
        left -= sums[b++];
    }
    int last = 0; /* rounding may leave a little beyond the last level with probability */
    for (int k = b * BLOCK; k < levels; k++) {
        if (p[k] > 0) {
            last = k;
            if (left < (double)p[k]) {
                return k;
            }
        }
        left -= (double)p[k];
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

/* Up to 256 levels: a mixture of logistic distributions, of which each level gets what lies in its bin, for
 * each channel (docs/equations.md). It has the order of the levels built in, which a softmax has to learn;
 * paper section 5.3 compares such a head with the softmax. */

#include "base/real.h"
#include "heads/head.h"

#include <string.h>

/* Logits of weights, means, log-scales. */
enum { RUNS = 3 };

static bool handles(const prnn_config *config) {
    return config->levels > 2 && config->output == PRNN_LOGISTICS;
}

static prnn_features features(const prnn_config *config) {
    int padded = (config->components + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    return (prnn_features){RUNS * config->channels, config->components, padded, config->channels, true};
}

static int logits_per_value(const prnn_config *config) {
    return RUNS * config->components;
}

/* Where all parameters are 0, the means are spread over -1 .. 1, and scales of a quarter of the distance
 * between them make every level about equally likely. */
static prnn_logistics mixture_of(prnn_features f, int levels) {
    prnn_logistics m = {.components = f.size, .levels = levels, .log_scale = -(float)prnn_log(2.0 * f.size)};
    for (int j = 0; j < f.size; j++) {
        m.centres[j] = (float)(2 * j + 1 - f.size) / (float)f.size;
    }
    return m;
}

static void nll(const prnn_kernels *kernels, prnn_features f, int levels, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    prnn_logistics mixture = mixture_of(f, levels);
    for (size_t v = 0; v < positions * (size_t)f.groups; v++, logits += RUNS * f.stride) {
        nats[v] = kernels->logistics_nll(&mixture, logits, values[v], scale);
    }
}

/* Levels of a block. */
enum { BLOCK = PRNN_PANEL };

/* First a block, then a level of it: the same level as by all of them, from a part of their probabilities. */
static int draw_in_blocks(const prnn_kernels *kernels, const prnn_logistics *mixture, const float *parameters,
                          double uniform) {
    float logs[BLOCK];
    int levels = mixture->levels, blocks = (levels + BLOCK - 1) / BLOCK;
    kernels->logistics_log_p(mixture, parameters, (prnn_bins){0, BLOCK, blocks}, logs);
    int block = prnn_draw_level(kernels, logs, blocks, 1, &uniform);
    if (block < 0) {
        return -1;
    }
    int first = block * BLOCK, count = levels - first < BLOCK ? levels - first : BLOCK;
    kernels->logistics_log_p(mixture, parameters, (prnn_bins){first, 1, count}, logs);
    return first + prnn_draw_level(kernels, logs, count, 1, &uniform);
}

static int draw(const prnn_kernels *kernels, prnn_features f, int levels, const float *logits, int channel,
                double temperature, double uniform) {
    prnn_logistics mixture = mixture_of(f, levels);
    const float *parameters = logits + channel * RUNS * f.stride;
    float logs[256];
    if (temperature == 1) {
        return draw_in_blocks(kernels, &mixture, parameters, uniform);
    }
    kernels->logistics_log_p(&mixture, parameters, (prnn_bins){0, 1, levels}, logs);
    return prnn_draw_level(kernels, logs, levels, temperature, &uniform);
}

static void log_p(const prnn_kernels *kernels, prnn_features f, int levels, const float *logits,
                  double *logs) {
    prnn_logistics mixture = mixture_of(f, levels);
    float padded[RUNS * PRNN_MOST_COMPONENTS] = {0}, single[256];
    for (int run = 0; run < RUNS; run++) {
        memcpy(padded + run * f.stride, logits + run * f.size, (size_t)f.size * sizeof *padded);
    }
    kernels->logistics_log_p(&mixture, padded, (prnn_bins){0, 1, levels}, single);
    for (int k = 0; k < levels; k++) {
        logs[k] = (double)single[k];
    }
}

const prnn_head_kind prnn_logistic_mixture = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
    .log_p = log_p,
};

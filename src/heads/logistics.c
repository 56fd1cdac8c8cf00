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
static prnn_logistics mixture_of(const prnn_head *head) {
    int n = head->features.size;
    prnn_logistics m = {.components = n, .levels = head->levels, .log_scale = -(float)prnn_log(2.0 * n)};
    for (int j = 0; j < n; j++) {
        m.centres[j] = (float)(2 * j + 1 - n) / (float)n;
    }
    return m;
}

static void nll(const prnn_kernels *kernels, const prnn_head *head, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    prnn_logistics mixture = mixture_of(head);
    size_t run = (size_t)head->features.stride, n = positions * (size_t)head->features.groups;
    for (size_t v = 0; v < n; v++, logits += RUNS * run) {
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

static int draw_level(const prnn_kernels *kernels, const prnn_logistics *mixture, const float *parameters,
                      double temperature, double uniform) {
    float logs[256];
    if (temperature == 1) {
        return draw_in_blocks(kernels, mixture, parameters, uniform);
    }
    kernels->logistics_log_p(mixture, parameters, (prnn_bins){0, 1, mixture->levels}, logs);
    return prnn_draw_level(kernels, logs, mixture->levels, temperature, &uniform);
}

static bool draw(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int images,
                 const prnn_draw *draw) {
    prnn_logistics mixture = mixture_of(head);
    size_t width = (size_t)prnn_features_width(head->features);
    bool finite = true;
    logits += draw->channel * RUNS * head->features.stride;
    for (size_t i = 0; i < (size_t)images; i++, logits += width) {
        int level = draw_level(kernels, &mixture, logits, draw->temperature, draw->uniforms[i]);
        finite &= level >= 0;
        draw->levels[i * draw->distance] = (uint8_t)(level < 0 ? 0 : level);
    }
    return finite;
}

/* Of all levels, from M logits; `logs` has room for 256. */
static void all_log_p(const prnn_kernels *kernels, const prnn_head *head, const float *logits, float *logs) {
    prnn_logistics mixture = mixture_of(head);
    prnn_features f = head->features;
    float padded[RUNS * PRNN_MOST_COMPONENTS] = {0};
    for (int run = 0; run < RUNS; run++) {
        memcpy(padded + run * f.stride, logits + run * f.size, (size_t)f.size * sizeof *padded);
    }
    kernels->logistics_log_p(&mixture, padded, (prnn_bins){0, 1, head->levels}, logs);
}

static void log_p(const prnn_kernels *kernels, const prnn_head *head, const float *logits, double *logs) {
    float single[256];
    all_log_p(kernels, head, logits, single);
    for (int k = 0; k < head->levels; k++) {
        logs[k] = (double)single[k];
    }
}

static prnn_information information(const prnn_kernels *kernels, const prnn_head *head, const float *logits) {
    float logs[256];
    all_log_p(kernels, head, logits, logs);
    return prnn_softmax_information(kernels, logs, head->levels);
}

const prnn_head_kind prnn_logistic_mixture = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
    .log_p = log_p,
    .information = information,
};

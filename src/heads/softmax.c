/* Up to 256 levels: a softmax over one logit per level, for each channel (paper section 3.3 and 5.3). */

#include "heads/head.h"

#include <string.h>

static bool handles(const prnn_config *config) {
    return config->levels > 2 && config->output == PRNN_SOFTMAX;
}

static prnn_features features(const prnn_config *config) {
    int padded = (config->levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    return (prnn_features){config->channels, config->levels, padded, config->channels, true};
}

static int logits_per_value(const prnn_config *config) {
    return config->levels;
}

static void nll(const prnn_kernels *kernels, const prnn_head *head, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    size_t stride = (size_t)head->features.stride, n = positions * (size_t)head->features.blocks;
    for (size_t v = 0; v < n; v++, logits += stride) {
        nats[v] = kernels->softmax_nll(logits, head->levels, values[v], scale);
    }
}

static bool draw(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int images,
                 const prnn_draw *draw) {
    size_t width = (size_t)prnn_features_width(head->features);
    bool finite = true;
    logits += draw->channel * head->features.stride;
    for (size_t i = 0; i < (size_t)images; i++, logits += width) {
        double uniform = draw->uniforms[i];
        int level = prnn_draw_level(kernels, logits, head->levels, draw->temperature, &uniform);
        finite &= level >= 0;
        draw->levels[i * draw->distance] = (uint8_t)(level < 0 ? 0 : level);
    }
    return finite;
}

static void log_p(const prnn_kernels *kernels, const prnn_head *head, const float *logits, double *logs) {
    (void)kernels;
    for (int k = 0; k < head->levels; k++) {
        logs[k] = (double)logits[k];
    }
}

static prnn_information information(const prnn_kernels *kernels, const prnn_head *head, const float *logits) {
    float padded[256] = {0};
    memcpy(padded, logits, (size_t)head->levels * sizeof *padded);
    return prnn_softmax_information(kernels, padded, head->levels);
}

const prnn_head_kind prnn_softmax = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
    .log_p = log_p,
    .information = information,
};

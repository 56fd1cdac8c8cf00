/* Up to 256 levels: a softmax over one logit per level, for each channel (paper section 3.3 and 5.3). */

#include "heads/head.h"

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

static void nll(const prnn_kernels *kernels, prnn_features f, int levels, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    for (size_t v = 0; v < positions * (size_t)f.blocks; v++, logits += f.stride) {
        nats[v] = kernels->softmax_nll(logits, levels, values[v], scale);
    }
}

static int draw(const prnn_kernels *kernels, prnn_features f, int levels, const float *logits, int channel,
                double temperature, double uniform) {
    return prnn_draw_level(kernels, logits + channel * f.stride, levels, temperature, &uniform);
}

static void log_p(const prnn_kernels *kernels, prnn_features f, int levels, const float *logits,
                  double *logs) {
    (void)kernels;
    (void)f;
    for (int k = 0; k < levels; k++) {
        logs[k] = (double)logits[k];
    }
}

const prnn_head_kind prnn_softmax = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
    .log_p = log_p,
};

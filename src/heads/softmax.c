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

/* Levels of a block. */
enum { BLOCK = PRNN_PANEL };

/* The levels' probabilities as integers, 2^22 for the highest, which is the precision that floats have. */
typedef struct weights {
    uint32_t level[256], block[256 / BLOCK];
    uint64_t total;
} weights;

static bool weigh(const prnn_kernels *kernels, const prnn_head *head, const float *logits, weights *w) {
    float padded[256], p[256];
    size_t levels = (size_t)head->levels, blocks = (levels + BLOCK - 1) / BLOCK;
    if (!prnn_all_finite(logits, levels)) {
        return false;
    }
    memset(padded + (blocks - 1) * BLOCK, 0, BLOCK * sizeof *padded);
    memcpy(padded, logits, levels * sizeof *padded);
    kernels->softmax_weights(padded, head->levels, 1, p);
    w->total = 0;
    for (size_t b = 0; b < blocks; b++) {
        w->block[b] = 0;
        for (size_t k = b * BLOCK; k < (b + 1) * BLOCK; k++) {
            w->level[k] = (uint32_t)(int32_t)(p[k] * (1 << 22));
            w->block[b] += w->level[k];
        }
        w->total += w->block[b];
    }
    return true;
}

/* That of level k, below which all others weigh `below`. */
static prnn_interval interval_from(const prnn_head *head, const weights *w, uint64_t below, int k) {
    uint32_t start = prnn_interval_start(head, below, w->total, k);
    return (prnn_interval){start, prnn_interval_start(head, below + w->level[k], w->total, k + 1) - start};
}

static bool interval(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int level,
                     prnn_interval *interval) {
    weights w;
    uint64_t below = 0;
    if (!weigh(kernels, head, logits, &w)) {
        return false;
    }
    for (int k = 0; k < level; k++) {
        below += w.level[k];
    }
    *interval = interval_from(head, &w, below, level);
    return true;
}

/* First the block, then the level in it. */
static int level_at(const prnn_kernels *kernels, const prnn_head *head, const float *logits, uint32_t number,
                    prnn_interval *interval) {
    weights w;
    uint64_t below = 0;
    int k = 0;
    if (!weigh(kernels, head, logits, &w)) {
        return -1;
    }
    while (k + BLOCK < head->levels &&
           /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): k < levels */
           prnn_interval_start(head, below + w.block[k / BLOCK], w.total, k + BLOCK) <= number) {
        below += w.block[k / BLOCK];
        k += BLOCK;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): k < levels */
    while (k + 1 < head->levels && prnn_interval_start(head, below + w.level[k], w.total, k + 1) <= number) {
        below += w.level[k++];
    }
    *interval = interval_from(head, &w, below, k);
    return k;
}

const prnn_head_kind prnn_softmax = {
    .handles = handles,
    .features = features,
    .logits_per_value = logits_per_value,
    .nll = nll,
    .draw = draw,
    .log_p = log_p,
    .information = information,
    .interval = interval,
    .level_at = level_at,
};

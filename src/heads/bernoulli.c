/* Two levels: one logit per value, p(1) = sigmoid(logit). */

#include "base/memory.h"
#include "base/real.h"
#include "heads/head.h"

#include <math.h>
#include <string.h>

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

/* Logits and values are gathered from their rows, some at a time. */
static void nll(const prnn_kernels *kernels, const prnn_head *head, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats) {
    enum { SOME = 16 * PRNN_PANEL };
    size_t channels = (size_t)head->features.size, stride = (size_t)head->features.stride;
    size_t n = positions * channels;
    for (size_t begin = 0; begin < n; begin += SOME) {
        size_t count = n - begin < SOME ? n - begin : SOME;
        float x[SOME] = {0}, v[SOME] = {0}, result[SOME];
        for (size_t i = 0; i < count; i++) {
            x[i] = logits[(begin + i) / channels * stride + (begin + i) % channels];
            v[i] = values[begin + i];
        }
        kernels->bernoulli_nll(prnn_round_up(count, PRNN_PANEL), x, v, scale, result);
        memcpy(nats + begin, result, count * sizeof *nats);
        for (size_t i = 0; i < count && scale != 0; i++) {
            logits[(begin + i) / channels * stride + (begin + i) % channels] = x[i];
        }
    }
    for (size_t m = 0; m < positions && scale != 0; m++) {
        memset(logits + m * stride + channels, 0, (stride - channels) * sizeof *logits);
    }
}

static bool draw(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int images,
                 const prnn_draw *draw) {
    (void)kernels;
    bool finite = true;
    for (size_t i = 0; i < (size_t)images; i++, logits += head->features.stride) {
        double x = logits[draw->channel] / draw->temperature;
        bool is_number = isfinite(logits[draw->channel]);
        finite &= is_number;
        /* Level 0 has probability 1 / (1 + e^x). */
        draw->levels[i * draw->distance] = is_number && draw->uniforms[i] * (1 + prnn_exp(x)) >= 1;
    }
    return finite;
}

static void log_p(const prnn_kernels *kernels, const prnn_head *head, const float *logits, double *logs) {
    (void)kernels;
    (void)head;
    logs[0] = 0;
    logs[1] = (double)logits[0];
}

/* The likelier level has -log p = log(1 + e^-|x|), the other one |x| more. */
static prnn_information information(const prnn_kernels *kernels, const prnn_head *head, const float *logits) {
    (void)kernels;
    (void)head;
    double x = fabs((double)logits[0]), e = prnn_exp(-x), p = 1 / (1 + e), other = e / (1 + e);
    return (prnn_information){prnn_log(1 + e) + other * x, p * other * x * x};
}

/* Level 0 has weight 2^38 / (1 + e^x). */
static uint32_t boundary(const prnn_head *head, float logit) {
    const double total = (double)((uint64_t)1 << 38);
    uint64_t weight = (uint64_t)(total / (1 + prnn_exp((double)logit)));
    return prnn_interval_start(head, weight, (uint64_t)1 << 38, 1);
}

static bool interval(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int level,
                     prnn_interval *interval) {
    (void)kernels;
    if (!isfinite(logits[0])) {
        return false;
    }
    uint32_t middle = boundary(head, logits[0]);
    *interval =
        level ? (prnn_interval){middle, (1u << PRNN_INTERVAL_BITS) - middle} : (prnn_interval){0, middle};
    return true;
}

static int level_at(const prnn_kernels *kernels, const prnn_head *head, const float *logits, uint32_t number,
                    prnn_interval *found) {
    if (!isfinite(logits[0])) {
        return -1;
    }
    int level = number >= boundary(head, logits[0]);
    return interval(kernels, head, logits, level, found) ? level : -1;
}

const prnn_head_kind prnn_bernoulli = {
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

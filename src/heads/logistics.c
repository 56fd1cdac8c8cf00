/* Up to 256 levels: a mixture of logistic distributions, of which each level gets what lies in its bin, for
 * each channel (docs/equations.md). It has the order of the levels built in, which a softmax has to learn;
 * paper section 5.3 compares such a head with the softmax. */

#include "base/real.h"
#include "heads/head.h"
#include "heads/logistic_table.h"

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

/* ----------------------------------------------------------------------------------- in integers */

/* Bits of the sum of all weights. */
enum { WEIGHT_BITS = 22 };

/* A mixture whose weights are integers; means and scales in levels. */
typedef struct mixture {
    const prnn_head *head;
    uint64_t weight[PRNN_MOST_COMPONENTS];
    double mean[PRNN_MOST_COMPONENTS], rate[PRNN_MOST_COMPONENTS];
} mixture;

/* What rounding leaves goes to the largest. */
static void share_weights(const prnn_kernels *kernels, int n, const float *logits, uint64_t *weight) {
    float padded[PRNN_MOST_COMPONENTS] = {0}, p[PRNN_MOST_COMPONENTS];
    const double whole = 1 << WEIGHT_BITS;
    double sum = 0;
    uint64_t left = 1 << WEIGHT_BITS;
    int largest = 0;
    memcpy(padded, logits, (size_t)n * sizeof *padded);
    kernels->softmax_weights(padded, n, 1, p);
    for (int j = 0; j < n; j++) {
        sum += (double)p[j];
        largest = p[j] > p[largest] ? j : largest;
    }
    for (int j = 0; j < n; j++) {
        weight[j] = (uint64_t)((double)p[j] * (whole / sum));
        left -= weight[j];
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): 1 component or more */
    weight[largest] += left;
}

/* The same means and scales as the kernels have (prnn_logistics), in double precision. */
static bool mix(const prnn_kernels *kernels, const prnn_head *head, const float *logits, mixture *m) {
    int n = head->features.size;
    const double half = 0.5 * (head->levels - 1), part = 1.0 / n;
    if (!prnn_all_finite(logits, (size_t)RUNS * (size_t)n)) {
        return false;
    }
    m->head = head;
    share_weights(kernels, n, logits, m->weight);
    for (int j = 0; j < n; j++) {
        double mean = (double)logits[n + j], t = (double)logits[2 * n + j];
        double scale = (double)PRNN_LEAST_SCALE + prnn_exp(t < 30 ? t : 30) * (0.5 * part);
        m->mean[j] = ((2 * j + 1 - n) * part + mean + 1) * half;
        m->rate[j] = 1 / (scale * half);
    }
    return true;
}

/* The first number of level k: what all components have below it. Never decreases with k, as each operation
 * does not. */
static uint32_t start_of(const mixture *m, int k) {
    const int more = WEIGHT_BITS + PRNN_LOGISTIC_BITS - 36; /* bits too many for a product with 2^24 */
    uint64_t sum = 0;
    if (k <= 0 || k >= m->head->levels) {
        return k <= 0 ? 0 : 1u << PRNN_INTERVAL_BITS;
    }
    for (int j = 0; j < m->head->features.size; j++) {
        sum += m->weight[j] * prnn_logistic((k - 0.5 - m->mean[j]) * m->rate[j]);
    }
    return prnn_interval_start(m->head, sum >> more, (uint64_t)1 << 36, k);
}

static bool interval(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int level,
                     prnn_interval *interval) {
    mixture m;
    if (!mix(kernels, head, logits, &m)) {
        return false;
    }
    uint32_t start = start_of(&m, level);
    *interval = (prnn_interval){start, start_of(&m, level + 1) - start};
    return true;
}

/* By bisection: eight sums for 256 levels. */
static int level_at(const prnn_kernels *kernels, const prnn_head *head, const float *logits, uint32_t number,
                    prnn_interval *interval) {
    mixture m;
    int level = 0, above = head->levels;
    uint32_t start = 0, end = 1u << PRNN_INTERVAL_BITS;
    if (!mix(kernels, head, logits, &m)) {
        return -1;
    }
    while (above - level > 1) {
        int middle = (level + above) / 2;
        uint32_t at = start_of(&m, middle);
        if (at <= number) {
            level = middle;
            start = at;
        } else {
            above = middle;
            end = at;
        }
    }
    *interval = (prnn_interval){start, end - start};
    return level;
}

const prnn_head_kind prnn_logistic_mixture = {
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

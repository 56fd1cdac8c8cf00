/* The registry of output distributions: one file and one line of the table each. A head turns the logits of
 * a pixel into a distribution over the levels of each channel (docs/equations.md). */
#ifndef PRNN_HEADS_HEAD_H
#define PRNN_HEADS_HEAD_H

#include "kernels/features.h"

typedef struct prnn_head_kind prnn_head_kind;

/* The output of a network. */
typedef struct prnn_head {
    const prnn_head_kind *kind;
    prnn_features features; /* layout of the logits of a pixel */
    int levels;             /* K */
    int per_value;          /* M, logits per value */
} prnn_head;

/* A draw: for each image a level of one channel of a pixel, by inversion: the smallest level whose cumulated
 * probability exceeds a uniform number in [0, 1). */
typedef struct prnn_draw {
    int row, col, channel;
    double temperature;     /* divides the logarithms of the probabilities */
    const double *uniforms; /* one an image */
    uint8_t *levels;        /* of image i at i * distance */
    size_t distance;
} prnn_draw;

/* What a distribution expects of the information content -log p of its value, in nats. */
typedef struct prnn_information {
    double entropy, variance; /* the mean is the entropy */
} prnn_information;

/* A distribution over levels in integers, for coding: of the numbers 0 .. 2^24 - 1 each level has an
 * interval, from below to above, in the order of the levels. None is empty, and their sizes are the
 * probabilities so nearly that coding with them costs about 0.0005 % more than the likelihood says. They are
 * made of logits by operations that give the same bits everywhere. */
enum { PRNN_INTERVAL_BITS = 24 };

typedef struct prnn_interval {
    uint32_t start, size;
} prnn_interval;

struct prnn_head_kind {
    bool (*handles)(const prnn_config *config);
    prnn_features (*features)(const prnn_config *config);
    int (*logits_per_value)(const prnn_config *config);

    /* On the CPU, of positions (a pixel of an image) with rows of prnn_features_width logits: */

    /* nats[position * C + channel] = -log p(values[...]). With scale != 0 the logits become scale times the
     * gradient by them. */
    void (*nll)(const prnn_kernels *kernels, const prnn_head *head, float *logits, size_t positions,
                const uint8_t *values, float scale, float *nats);

    /* Draws for one position an image. false: some logits are not finite, which draw level 0. */
    bool (*draw)(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int images,
                 const prnn_draw *draw);

    /* log_p[0..K-1]: logarithms of the probabilities of the levels of one value, plus any number, from its M
     * logits. */
    void (*log_p)(const prnn_kernels *kernels, const prnn_head *head, const float *logits, double *log_p);

    /* Of one value, from its M logits. NaN where these are not finite. */
    prnn_information (*information)(const prnn_kernels *kernels, const prnn_head *head, const float *logits);

    /* The interval of a level of one value, from its M logits. false: they are not finite. */
    bool (*interval)(const prnn_kernels *kernels, const prnn_head *head, const float *logits, int level,
                     prnn_interval *interval);

    /* The other way: the level whose interval has a number. -1: the logits are not finite. */
    int (*level_at)(const prnn_kernels *kernels, const prnn_head *head, const float *logits, uint32_t number,
                    prnn_interval *interval);
};

/* The head of a config that prnn_config_check has passed. */
prnn_head prnn_head_of(const prnn_config *config);

extern const prnn_head_kind prnn_bernoulli, prnn_softmax, prnn_logistic_mixture;

/* Draws from one softmax, of `levels` logits padded to a multiple of PRNN_PANEL. *uniform becomes the place
 * of the number in what belongs to the level, 0 to 1: a uniform number again. -1: the logits are not finite.
 */
int prnn_draw_level(const prnn_kernels *kernels, const float *logits, int levels, double temperature,
                    double *uniform);

/* Of a softmax of `levels` logits, padded to a multiple of PRNN_PANEL with any numbers. Its sums are in
 * double precision, over the levels in a fixed order. */
prnn_information prnn_softmax_information(const prnn_kernels *kernels, const float *logits, int levels);

/* Whether n numbers are finite. */
bool prnn_all_finite(const float *x, size_t n);

/* The first number of level k, `weight` being the weight of the levels below it and `total` that of all,
 * which is less than 2^39: each level gets 1, and what is left is shared out by weight. */
static inline uint32_t prnn_interval_start(const prnn_head *head, uint64_t weight, uint64_t total, int k) {
    uint32_t shared = (1u << PRNN_INTERVAL_BITS) - (uint32_t)head->levels;
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): of the highest level it is not 0 */
    return (uint32_t)(weight * shared / total) + (uint32_t)k;
}

#endif

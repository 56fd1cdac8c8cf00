#include "heads/head.h"
#include "base/real.h"

#include <math.h>
#include <string.h>

static const prnn_head_kind *const kinds[] = {&prnn_bernoulli, &prnn_softmax, &prnn_logistic_mixture};

prnn_head prnn_head_of(const prnn_config *config) {
    const prnn_head_kind *kind = kinds[0];
    for (size_t i = 1; i < sizeof kinds / sizeof *kinds && !kind->handles(config); i++) {
        kind = kinds[i];
    }
    return (prnn_head){kind, kind->features(config), config->levels, kind->logits_per_value(config)};
}

/* In integers, which compilers make vectors of. */
bool prnn_all_finite(const float *x, size_t n) {
    const uint32_t infinite = 0x7f800000;
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        found |= (bits & infinite) == infinite;
    }
    return !found;
}

/* ----------------------------------------------------------------------------------- inversion */

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
int prnn_draw_level(const prnn_kernels *kernels, const float *logits, int levels, double temperature,
                    double *uniform) {
    float p[256];
    double sums[256 / BLOCK], total = 0;
    int blocks = (levels + BLOCK - 1) / BLOCK;
    kernels->softmax_weights(logits, levels, (float)(1 / temperature), p);
    for (int b = 0; b < blocks; b++) {
        total += sums[b] = block_sum(p + b * BLOCK);
    }
    if (!isfinite(total)) {
        return -1;
    }
    double left = *uniform * total;
    int b = 0;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): b < blocks */
    while (b < blocks - 1 && left >= sums[b]) {
        left -= sums[b++];
    }
    int last = 0; /* rounding may leave a little beyond the last level with probability */
    for (int k = b * BLOCK; k < levels; k++) {
        if (p[k] > 0) {
            last = k;
            if (left < (double)p[k]) {
                *uniform = left / (double)p[k];
                return k;
            }
        }
        left -= (double)p[k];
    }
    *uniform = 1;
    return last;
}

/* --------------------------------------------------------------------------------- information */

enum { PARTS = 4 };

static double parts_sum(const double s[PARTS]) {
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* What is less adds nothing: however far down a level is, kernels give it a weight of about 1e-38. */
static const float least_weight = 1e-30f;

/* With weights w = e^d, where d is a logit less the highest, -log p = log sum(w) - d. */
prnn_information prnn_softmax_information(const prnn_kernels *kernels, const float *logits, int levels) {
    float w[256], highest = logits[0];
    double d[256] = {0}, sum[PARTS] = {0}, first[PARTS] = {0}, second[PARTS] = {0};
    int padded = (levels + BLOCK - 1) / BLOCK * BLOCK;
    for (int k = 1; k < levels; k++) {
        highest = logits[k] > highest ? logits[k] : highest;
    }
    kernels->softmax_weights(logits, levels, 1, w); /* 0 in the padding */
    for (int k = 0; k < padded; k += PARTS) {
        for (int j = 0; j < PARTS; j++) {
            d[k + j] = w[k + j] > least_weight ? (double)(logits[k + j] - highest) : 0;
            sum[j] += (double)w[k + j];
            first[j] += (double)w[k + j] * d[k + j];
        }
    }
    double total = parts_sum(sum), mean = parts_sum(first) / total;
    for (int k = 0; k < padded; k += PARTS) {
        for (int j = 0; j < PARTS; j++) {
            second[j] += (double)w[k + j] * ((d[k + j] - mean) * (d[k + j] - mean));
        }
    }
    return (prnn_information){prnn_log(total) - mean, parts_sum(second) / total};
}

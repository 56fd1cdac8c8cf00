/* All that depends on the processor: one table of functions, filled by one file per instruction set.
 *
 * Matrices of activations have one row per position (a pixel of an image) and one column per feature,
 * columns padded to a multiple of PRNN_PANEL, so that no kernel has a tail of columns. Rows may be any
 * distance (`stride`, in floats) apart. Every element of a result is summed in the same order whatever
 * the number of rows, so one pixel alone gives the same bits as a whole image. */
#ifndef PRNN_KERNELS_KERNELS_H
#define PRNN_KERNELS_KERNELS_H

#include "config/config.h"

/* Columns of a panel: the unit in which weights are packed and masks are skipped. */
#define PRNN_PANEL 16

/* Most taps of a product: two 7x7 convolutions. */
#define PRNN_MOST_TAPS 98

/* Most rows that go through the scratch memory at a time. */
#define PRNN_SCRATCH_ROWS 64

/* Most panels of a strip. */
#define PRNN_STRIP 4

/* A run of input features that a strip reads: `count` features from `first`, of tap `tap`. */
typedef struct prnn_segment {
    uint32_t tap, first, count;
} prnn_segment;

/* Panels of a product that read the same features, so that a kernel may compute them together. Panel v is
 * columns column + v * step .. + PRNN_PANEL - 1; its packed block, at + v * size, is PRNN_PANEL biases, then
 * one row of PRNN_PANEL weights for each feature of the segments. Features that the mask hides from all its
 * columns are not there. */
typedef struct prnn_strip {
    uint32_t first_segment, segments;
    uint32_t panels;     /* 1 .. PRNN_STRIP */
    uint32_t depth;      /* features of the segments */
    size_t column, step; /* in columns */
    size_t at, size;     /* in floats of the packed weights */
} prnn_strip;

/* The structure of a masked matrix; the weights are in a packed block beside it. */
typedef struct prnn_matrix {
    prnn_strip *strips;
    int strip_count;
    prnn_segment *segments;
    bool biased; /* else all biases are zero, and have no gradient */
    int taps;
    uint32_t *features; /* [taps]: of each tap the strips read the first so many, at most */
    size_t weights;     /* packed rows in all panels: a measure of the arithmetic */
} prnn_matrix;

/* Where a tap reads: position m at at + m * stride. */
typedef struct prnn_source {
    const float *at;
    size_t stride;
} prnn_source;

/* A set of strips: list[0..count-1], ascending. */
typedef struct prnn_strip_list {
    const int *list;
    int count;
} prnn_strip_list;

/* A product to compute, of `rows` positions. */
typedef struct prnn_factors {
    const prnn_matrix *matrix;
    const float *packed;
    const prnn_source *taps;
    size_t rows;
    prnn_strip_list strips;
    float *scratch; /* prnn_scratch_floats(matrix); NULL for tables without `prepare` */
} prnn_factors;

/* Where a product goes: out = relu?(bias + add + sources * weights); add may be out or NULL. */
typedef struct prnn_target {
    float *out;
    size_t stride;
    const float *add;
    size_t add_stride;
    bool relu;
} prnn_target;

/* Where a product that gives the gates of LSTM cells goes (docs/equations.md, paper eq. 3). A strip is
 * PRNN_PANEL hidden features: its panels are the gates o, f, i, g of these. Rows of gates and add are 4 *
 * hidden floats, the others `hidden`, which is padded. */
typedef struct prnn_cells {
    size_t hidden;
    const float *add; /* a part of the gates, before their nonlinearities; may be `gates` or NULL */
    const float *cell_before;
    float *gates; /* after their nonlinearities; NULL: not kept */
    float *cell, *state;
} prnn_cells;

/* The reverse: a product gives the gradient by the states, or a part of it. Layouts as in prnn_cells. */
typedef struct prnn_cell_gradients {
    size_t hidden;
    ptrdiff_t ahead;  /* positions from each one to the one to prefetch, which comes soon */
    const float *add; /* the other part of the gradient by the states, or NULL */
    const float *gates, *cell_before, *cell; /* of the forward pass */
    float *dcell;  /* in: gradient by the cells from later steps; out: by the cells before */
    float *dgates; /* by the gates before their nonlinearities */
} prnn_cell_gradients;

/* out = a * add + b * (left * right), or left * right where `add` is NULL: rows x columns (a multiple of
 * PRNN_PANEL), each a sum over `depth` terms in their order. */
typedef struct prnn_dense {
    size_t rows, columns, depth;
    const float *left, *right, *add;
    size_t left_stride, right_stride, add_stride;
    float a, b;
    float *out; /* none of the others */
    size_t out_stride;
} prnn_dense;

/* One step of an optimizer: see train/optimizer.h for the formulas. */
typedef struct prnn_step {
    float rate, beta1, beta2, epsilon;
    float scale;              /* of the gradient */
    float correct1, correct2; /* Adam's bias corrections */
    float keep;               /* of the average: ema = keep * ema + (1 - keep) * weight */
    float decay;              /* the part of each weight that is taken away first */
} prnn_step;

/* n weights, with any n; `ema` may be NULL, a moment that the formula does not have too. */
typedef struct prnn_state {
    size_t n;
    const float *gradient;
    float *weights, *moment1, *moment2, *ema;
} prnn_state;

/* Which features are dropped: each has 16 bits of a block of random ones (base/random.h), eight features a
 * block, from block `index` of a seed and an upper half of the counter on. A feature whose bits are below
 * `below` is dropped, the others are multiplied by `scale`. */
typedef struct prnn_drops {
    uint64_t seed, high, index;
    uint32_t below;
    float scale;
} prnn_drops;

/* e^-7: the least scale of a logistic distribution, where levels lie in -1 .. 1. */
#define PRNN_LEAST_SCALE 9.1188197e-4f

/* A mixture of logistic distributions over the bins of `levels` levels, 3 to 256 (docs/equations.md). Its
 * parameters are three runs, each padded to a multiple of PRNN_PANEL: `components` logits of weights, means m
 * and log-scales t. The mean of component j is centres[j] + m, its scale PRNN_LEAST_SCALE + exp(log_scale +
 * t). Pads of centres are 0. */
typedef struct prnn_logistics {
    int components, levels;
    float centres[PRNN_MOST_COMPONENTS], log_scale;
} prnn_logistics;

/* `count` runs of `span` levels each, from level `first` on; the last may be shorter. */
typedef struct prnn_bins {
    int first, span, count;
} prnn_bins;

typedef struct prnn_kernels {
    const char *name;
    bool (*supported)(void);

    /* Puts the packed weights of a matrix into the form in which this table's products read them, in place;
     * NULL: they are as they come. */
    void (*prepare)(const prnn_matrix *matrix, float *packed);

    /* Columns of the listed strips. */
    void (*product)(const prnn_factors *factors, const prnn_target *target);
    void (*product_lstm)(const prnn_factors *factors, const prnn_cells *cells);
    void (*product_lstm_gradient)(const prnn_factors *factors, const prnn_cell_gradients *cells);

    /* gradient (packed like the weights) += sources' * dout, and the biases' += column sums of dout; of all
     * strips, whatever is listed, which together have every column of dout from 0 on. */
    void (*product_gradient)(const prnn_factors *factors, const float *dout, size_t stride, float *gradient);

    /* In fp32 in every table. */
    void (*dense)(const prnn_dense *product);

    /* Elementwise over n floats (a multiple of PRNN_PANEL). */
    void (*relu)(size_t n, const float *x, float *y);                  /* y = max(x, 0) */
    void (*relu_gradient)(size_t n, const float *y, float *dy);        /* dy = y > 0 ? dy : 0 */
    void (*add)(size_t n, const float *a, const float *b, float *sum); /* sum = a + b */

    /* out = add + x, of x what is kept; add may be NULL, and out x or add. */
    void (*dropout)(const prnn_drops *drops, size_t n, const float *x, const float *add, float *out);

    /* Softmax over `levels` logits (padded to a multiple of PRNN_PANEL, pads overwritten): returns
     * -log p(target). With scale != 0 the logits become scale * (p - onehot(target)). */
    float (*softmax_nll)(float *logits, int levels, int target, float scale);

    /* p[k] = exp((logits[k] - the highest) * sharpness) for k < levels, and 0 in the padding. */
    void (*softmax_weights)(const float *logits, int levels, float sharpness, float *p);

    /* Two levels: nats[i] = -log p(v[i]) with p(1) = sigmoid(x[i]), v 0 or 1. With scale != 0, x becomes
     * scale * (p(1) - v). n is a multiple of PRNN_PANEL. */
    void (*bernoulli_nll)(size_t n, float *x, const float *v, float scale, float *nats);

    /* A mixture of logistics: returns -log p(level). With scale != 0 the parameters become scale times the
     * gradient by them, 0 in the pads. All that is finite gives finite numbers. */
    float (*logistics_nll)(const prnn_logistics *mixture, float *parameters, int level, float scale);

    /* log_p[i] = log p(the levels of bin i); the pads are written too. */
    void (*logistics_log_p)(const prnn_logistics *mixture, const float *parameters, prnn_bins bins,
                            float *log_p);

    /* Optimizers, one pass over everything. */
    void (*rmsprop)(const prnn_step *step, const prnn_state *state);
    void (*adam)(const prnn_step *step, const prnn_state *state);
    void (*sgd)(const prnn_step *step, const prnn_state *state);
} prnn_kernels;

/* The best table for this processor, or the one that prnn_context_set_cpu chose. */
const prnn_kernels *prnn_kernels_of(prnn_context *ctx);

/* Table i of this build, best first; NULL after the last. For tests and benchmarks. */
const prnn_kernels *prnn_kernels_at(int i);

/* The table with the same instruction set whose products round their factors to bf16 and sum in fp32; NULL if
 * the build or the processor has none. */
const prnn_kernels *prnn_kernels_in_bf16(const prnn_kernels *kernels);

/* Length of the scratch memory of prnn_factors, for tables with `prepare`. */
size_t prnn_scratch_floats(const prnn_matrix *matrix);

extern const prnn_kernels prnn_kernels_generic, prnn_kernels_avx2, prnn_kernels_avx512,
    prnn_kernels_avx512bf16, prnn_kernels_neon;

#endif

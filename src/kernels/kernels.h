/* The only door to a processor: one table of functions, filled by one file per instruction set.
 *
 * Matrices of activations have one row per position (a pixel of an image) and one column per feature,
 * columns padded to a multiple of PRNN_PANEL, so that no kernel has a tail of columns. Rows may be any
 * distance (`stride`, in floats) apart. Every element of a result is summed in the same order whatever
 * the number of rows, so one pixel alone gives the same bits as a whole image. */
#ifndef PRNN_KERNELS_KERNELS_H
#define PRNN_KERNELS_KERNELS_H

#include "base/context.h"

/* Columns of a panel: the unit in which weights are packed and masks are skipped. */
#define PRNN_PANEL 16

/* A run of input features that one panel reads: `count` features from `first`, of tap `tap`. */
typedef struct prnn_segment {
    uint32_t tap, first, count;
} prnn_segment;

/* PRNN_PANEL columns of a product. Its packed block is PRNN_PANEL biases, then one row of PRNN_PANEL
 * weights for each feature of its segments. What the mask closes for all its columns is not there. */
typedef struct prnn_panel {
    uint32_t first_segment, segments;
    size_t at; /* of its block in the packed weights, in floats */
} prnn_panel;

/* The structure of a masked matrix; the weights are in a packed block beside it. */
typedef struct prnn_matrix {
    prnn_panel *panels;
    int panel_count;
    prnn_segment *segments;
    size_t weights; /* packed rows in all panels: a measure of the arithmetic */
} prnn_matrix;

/* Where a tap reads: position m at at + m * stride. */
typedef struct prnn_source {
    const float *at;
    size_t stride;
} prnn_source;

/* A set of panels: list[0..count-1], ascending. */
typedef struct prnn_panel_list {
    const int *list;
    int count;
} prnn_panel_list;

/* Where a product goes: out = relu?(bias + add + sources * weights); add may be out or NULL. */
typedef struct prnn_target {
    float *out;
    size_t stride;
    const float *add;
    size_t add_stride;
    bool relu;
} prnn_target;

typedef struct prnn_kernels {
    const char *name;
    bool (*supported)(void);

    /* Columns of the listed panels, for `rows` positions. */
    void (*product)(const prnn_matrix *matrix, const float *packed, const prnn_source *taps, size_t rows,
                    prnn_panel_list panels, const prnn_target *target);

    /* gradient (packed like the weights) += sources' * dout, and the biases' += column sums of dout. */
    void (*product_gradient)(const prnn_matrix *matrix, const prnn_source *taps, size_t rows,
                             const float *dout, size_t stride, float *gradient);

    /* LSTM cell (SPEC "LSTM cell", paper eq. 3), features first .. first + count - 1 (multiples of
     * PRNN_PANEL) of `hidden` (padded). gates: rows of 4 * hidden, blocks o f i g; in: before, out: after
     * their nonlinearities. cell_before, cell, state: rows of `hidden`, at those strides. */
    void (*lstm)(size_t rows, size_t hidden, size_t first, size_t count, float *gates,
                 const float *cell_before, float *cell, float *state);

    /* Its reverse. gates, cell_before, cell: as lstm left them; dstate: gradient by the state; dcell: in:
     * gradient by the cell from later steps, out: by cell_before; dgates: by the gates before their
     * nonlinearities. All rows are dense (hidden, or 4 * hidden). */
    void (*lstm_gradient)(size_t rows, size_t hidden, const float *gates, const float *cell_before,
                          const float *cell, const float *dstate, float *dcell, float *dgates);

    /* Elementwise over n floats (a multiple of PRNN_PANEL). */
    void (*relu)(size_t n, const float *x, float *y);                  /* y = max(x, 0) */
    void (*relu_gradient)(size_t n, const float *y, float *dy);        /* dy = y > 0 ? dy : 0 */
    void (*add)(size_t n, const float *a, const float *b, float *sum); /* sum = a + b */

    /* Softmax over `levels` logits (padded to a multiple of PRNN_PANEL, pads overwritten): returns
     * -log p(target). With scale != 0 the logits become scale * (p - onehot(target)). */
    float (*softmax_nll)(float *logits, int levels, int target, float scale);
} prnn_kernels;

/* The best table for this processor, or the one that prnn_context_set_cpu chose. */
const prnn_kernels *prnn_kernels_of(prnn_context *ctx);

/* Table i of this build, best first; NULL after the last. For tests and benchmarks. */
const prnn_kernels *prnn_kernels_at(int i);

extern const prnn_kernels prnn_kernels_generic, prnn_kernels_avx2, prnn_kernels_avx512;

#endif

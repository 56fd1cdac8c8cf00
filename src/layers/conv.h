/* Masked convolutions: which weights exist, and what they see. */
#ifndef PRNN_LAYERS_CONV_H
#define PRNN_LAYERS_CONV_H

#include "layers/plan.h"

/* What the centre tap lets through, by colour group: docs/equations.md. */
typedef enum prnn_mask {
    PRNN_MASK_NONE, /* all taps, all groups: state-to-state */
    PRNN_MASK_A,    /* earlier groups */
    PRNN_MASK_B     /* earlier groups and the own one */
} prnn_mask;

#define PRNN_MAX_TAPS 49 /* of a convolution */

typedef enum prnn_bias {
    PRNN_BIAS_NONE,
    PRNN_BIAS_ZERO,  /* begins at zero */
    PRNN_BIAS_FORGET /* of gates: begins at 1 for the forget gate, so that cells remember */
} prnn_bias;

typedef struct prnn_conv_tap {
    int kernel;   /* place in the kernel, row * kernel_cols + column */
    int row, col; /* what it sees: the pixel at this distance */
    bool centre;
} prnn_conv_tap;

typedef struct prnn_conv {
    int weight, bias; /* parameters; bias -1: none */
    prnn_features in, out;
    prnn_mask mask;
    int kernel_size; /* rows * columns */
    bool in_first;   /* the weight is [in, out, rows, cols], as of transposed convolutions */
    int taps;
    prnn_conv_tap tap[PRNN_MAX_TAPS];
} prnn_conv;

/* Plans the parameters `name`.weight [out, in, rows, cols] and, unless NONE, `name`.bias [out]. The taps are
 * those that `mask` leaves unmasked, around the centre of the kernel. */
prnn_conv prnn_conv_plan(prnn_plan *plan, const char *name, prnn_mask mask, prnn_features in,
                         prnn_features out, int rows, int cols, prnn_bias bias, double gain);

/* The same weights with one tap only, kernel place `kernel`, which sees the pixel at (row, col). */
prnn_conv prnn_conv_one_tap(const prnn_conv *conv, int kernel, int row, int col);

/* The same weights, whose taps all see pixels of row `row`. */
prnn_conv prnn_conv_in_row(const prnn_conv *conv, int row);

/* Whether a tap lets an input of colour group `from` through to an output of group `to`. */
bool prnn_conv_lets(const prnn_conv *conv, const prnn_conv_tap *tap, int from, int to);

/* Number of the parameter that is the weight from feature `in` to feature `out`. */
int32_t prnn_conv_weight(const prnn_plan *plan, const prnn_conv *conv, const prnn_conv_tap *tap, int in,
                         int out);

#endif

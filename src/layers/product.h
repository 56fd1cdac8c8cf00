/* Masked convolutions, and the products that compute them, their transposes and their gradients.
 *
 * A prnn_conv says which weights exist: a parameter, a mask and the taps that are open. A prnn_product sums
 * several of them with the same outputs into one pass over a region (the input-to-state and state-to-state
 * convolutions of a gate, say), forwards; or several with the same inputs, transposed, for the way back. All
 * are packed into strips of panels that contain only what the masks leave open. */
#ifndef PRNN_LAYERS_PRODUCT_H
#define PRNN_LAYERS_PRODUCT_H

#include "layers/plan.h"

/* What the centre tap lets through, by colour group: SPEC "Masks". */
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
 * those that `mask` opens, around the centre of the kernel. */
prnn_conv prnn_conv_plan(prnn_plan *plan, const char *name, prnn_mask mask, prnn_features in,
                         prnn_features out, int rows, int cols, prnn_bias bias, double gain);

/* The same weights with one tap only, kernel place `kernel`, which sees the pixel at (row, col). */
prnn_conv prnn_conv_one_tap(const prnn_conv *conv, int kernel, int row, int col);

typedef struct prnn_product_tap {
    const prnn_map *map;
    int row, col;
} prnn_product_tap;

typedef struct prnn_product {
    prnn_matrix matrix;
    bool transposed;
    int terms;
    prnn_conv *conv; /* [terms] */
    int taps;
    prnn_product_tap *tap;
    prnn_strip_list strips[4]; /* [0]: all; [1 + b]: those with features of colour group b */
} prnn_product;

/* One term of a product: a convolution and the map that it reads (transposed: the map of the gradient by
 * its outputs). */
typedef struct prnn_term {
    const prnn_conv *conv;
    const prnn_map *map;
} prnn_term;

/* Sum of terms with the same `out` features, biases included. */
prnn_product *prnn_plan_product(prnn_plan *plan, int terms, const prnn_term *term);

/* Sum of the transposed terms with the same `in` features: gradients by outputs to gradients by inputs.
 * NULL in a plan without training. */
prnn_product *prnn_plan_transposed(prnn_plan *plan, int terms, const prnn_term *term);

/* Tells the visitor of each packed float of a product (see prnn_plan_visit). */
void prnn_product_visit(const prnn_plan *plan, const prnn_product *product,
                        const prnn_packed_visitor *visitor);

/* out = relu?(add + product) on a region; `add` may be NULL or `out`. Here and in prnn_product_gradient, rows
 * that lie behind each other go through the kernel as one. */
void prnn_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                      const prnn_map *out, const prnn_map *add, bool relu);

/* LSTM cells of a region of one row, whose gates are add + product (SPEC "LSTM cell"); `out` features of the
 * product are gates, prnn_plan_features(plan, 4, h). */
typedef struct prnn_lstm {
    const prnn_map *add;   /* a part of the gates; may be `gates` or NULL */
    const prnn_map *gates; /* after their nonlinearities; NULL: not kept */
    const prnn_map *cell, *state;
    int before_row, before_col; /* where the cell before is: distance in rows and columns */
} prnn_lstm;

void prnn_product_lstm(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                       const prnn_lstm *lstm);

/* Its reverse: add + product is the gradient by the states of the region, of which come those by the gates.
 * `dcell` is the gradient by the cells from later steps, and becomes that by the cells before; it is dense, a
 * row of features a position of the region. */
void prnn_product_lstm_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                                const prnn_lstm *lstm, const prnn_map *add, float *dcell,
                                const prnn_map *dgates);

/* Adds the gradient by the weights and biases of a region to pass->gradient; `dout` is the gradient by the
 * outputs there. */
void prnn_product_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout);

#endif

/* What a device computes: sums of masked convolutions, and the LSTM cells that they feed. */
#ifndef PRNN_DEVICE_PRODUCT_H
#define PRNN_DEVICE_PRODUCT_H

#include "device/map.h"

/* What a tap of a convolution sees: the pixel of a map at this distance. */
typedef struct prnn_product_tap {
    const prnn_map *map;
    int row, col;
} prnn_product_tap;

/* A sum of masked convolutions with the same outputs, or of transposed ones with the same inputs, over strips
 * of panels that contain only what the masks leave unmasked. layers/product.h plans them. */
typedef struct prnn_product {
    prnn_matrix matrix;
    bool transposed; /* its weights are in the packed backward block */
    int taps;
    prnn_product_tap *tap;
    prnn_strip_list strips[4]; /* [0]: all; [1 + b]: those with features of colour group b */
    /* What the plan made it from: */
    int terms;
    struct prnn_conv *conv; /* [terms] */
} prnn_product;

/* Which cell of an LSTM comes before a cell: the one above it, to its left, or to its right. */
typedef enum prnn_order { PRNN_DOWNWARDS, PRNN_RIGHTWARDS, PRNN_LEFTWARDS } prnn_order;

/* LSTM cells (docs/equations.md, paper eq. 3). Their gates are the sum of what a row may read all at once
 * (`part_of`, which goes to `part` first) and of what needs the cells before (`step_of`). So a row of cells
 * is one step downwards, and as many as it has pixels along the row.
 *
 * Backward, the gradient by the states of a row is the sum of what the row below and the layer's output give
 * (`dpart_of`, which reads `dgates` of the row below, and a map that is added to it; into `dpart`), and of
 * `dstep_of`. */
typedef struct prnn_lstm {
    prnn_order order;
    const prnn_product *part_of; /* NULL: none */
    const prnn_product *step_of;
    const prnn_map *part;
    const prnn_map *gates; /* after their nonlinearities; may be `part`; NULL: not kept */
    const prnn_map *cell, *state;

    /* Training only: */
    const prnn_product *dpart_of; /* NULL: the row below gives nothing */
    const prnn_product *dstep_of;
    const prnn_map *dpart;
    const prnn_map *dgates; /* by the gates before their nonlinearities */
    /* By the cells from later steps; becomes that by the cells before. Downwards it has the width of the
     * image and is carried from row to row; else it has one pixel a row, which is 0 where a row begins. */
    const prnn_map *dcell;
} prnn_lstm;

#endif

/* How the features of a pixel are laid out in columns. */
#ifndef PRNN_KERNELS_FEATURES_H
#define PRNN_KERNELS_FEATURES_H

#include "kernels/kernels.h"

/* `blocks` runs of `size` features, each padded to `stride` columns. A feature belongs to a colour group by
 * its place in its block (docs/equations.md), or, for the logits of a head, by its block. */
typedef struct prnn_features {
    int blocks, size, stride;
    int groups; /* C */
    bool group_by_block;
} prnn_features;

/* Blocks of the features that are gates of LSTM cells: o, f, i, g. */
#define PRNN_GATES 4

static inline int prnn_features_width(prnn_features f) {
    return f.blocks * f.stride;
}

/* Feature number of a column, or -1 for a column of padding. */
static inline int prnn_features_number(prnn_features f, int column) {
    int in_block = column % f.stride;
    return in_block < f.size ? column / f.stride * f.size + in_block : -1;
}

/* The other way: the column of a feature number. */
static inline int prnn_features_column(prnn_features f, int number) {
    return number / f.size * f.stride + number % f.size;
}

static inline int prnn_features_group(prnn_features f, int column) {
    return f.group_by_block ? column / f.stride * f.groups / f.blocks : column % f.stride * f.groups / f.size;
}

#endif

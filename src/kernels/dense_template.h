/* Products of dense matrices in fp32, whatever the other products round: tiles (tile.h) one panel wide. */
#ifndef PRNN_KERNELS_DENSE_TEMPLATE_H
#define PRNN_KERNELS_DENSE_TEMPLATE_H

#include "kernels/tile.h"

/* Rows of the right matrix that are put side by side, so that they stay in the first cache for all tiles. */
enum { DENSE_DEPTH = 256 };

/* A panel of so many of these rows, from row `from` on. */
typedef struct dense_slice {
    const prnn_dense *of;
    const float *right;
    size_t column, from, depth;
} dense_slice;

/* Between two slices of a panel the sums lie in the result. */
INLINE void dense_tile(int R, int N, const dense_slice *s, size_t m) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    const prnn_dense *d = s->of;
    const float *x = d->left + m * d->left_stride + s->from, *y = s->right;
    float *out = d->out + m * d->out_stride + s->column;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            sum[i][n] = s->from ? load(out + (size_t)i * d->out_stride + (size_t)n * VECTOR) : splat(0);
        }
    }
    for (size_t k = 0; k < s->depth; k++, y += PRNN_PANEL) {
        vf b[MOST_VECTORS];
        UNROLL for (int n = 0; n < N; n++) {
            b[n] = load(y + n * VECTOR);
        }
        UNROLL for (int i = 0; i < R; i++) {
            vf a = splat(x[(size_t)i * d->left_stride + k]);
            UNROLL for (int n = 0; n < N; n++) {
                sum[i][n] = vfma(a, b[n], sum[i][n]);
            }
        }
    }
    bool add = d->add && s->from + s->depth == d->depth;
    for (int i = 0; i < R; i++) {
        for (int n = 0; n < N; n++) {
            size_t at = s->column + (size_t)n * VECTOR;
            vf z = sum[i][n];
            if (add) {
                z = vfma(splat(d->b), z, d->a * load(d->add + (m + (size_t)i) * d->add_stride + at));
            }
            store(out + (size_t)i * d->out_stride + (size_t)n * VECTOR, z);
        }
    }
}

TILES(dense_tiles, dense_tile, ONE_PANEL_ROWS, VECTORS)

static void dense(const prnn_dense *d) {
    float right[DENSE_DEPTH * PRNN_PANEL];
    for (size_t column = 0; column < d->columns; column += PRNN_PANEL) {
        size_t from = 0;
        do {
            size_t depth = d->depth - from < DENSE_DEPTH ? d->depth - from : DENSE_DEPTH;
            for (size_t k = 0; k < depth; k++) {
                memcpy(right + k * PRNN_PANEL, d->right + (from + k) * d->right_stride + column,
                       PRNN_PANEL * sizeof *right);
            }
            dense_slice slice = {d, right, column, from, depth};
            for_tiles(&dense_tiles, &slice, 0, d->rows);
            from += DENSE_DEPTH;
        } while (from < d->depth);
    }
}

#endif

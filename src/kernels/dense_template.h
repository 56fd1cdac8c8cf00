/* Products of dense matrices in fp32, whatever the other products round: tiles (tile.h) one panel wide. */
#ifndef PRNN_KERNELS_DENSE_TEMPLATE_H
#define PRNN_KERNELS_DENSE_TEMPLATE_H

#include "kernels/tile.h"

/* The columns of a panel. */
typedef struct dense_slice {
    const prnn_dense *of;
    size_t column;
} dense_slice;

INLINE void dense_tile(int R, int N, const dense_slice *s, size_t m) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    const prnn_dense *d = s->of;
    const float *x = d->left + m * d->left_stride, *y = d->right + s->column;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            sum[i][n] = splat(0);
        }
    }
    for (size_t k = 0; k < d->depth; k++, y += d->right_stride) {
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
    for (int i = 0; i < R; i++) {
        size_t row = m + (size_t)i;
        for (int n = 0; n < N; n++) {
            size_t at = s->column + (size_t)n * VECTOR;
            vf z = sum[i][n];
            if (d->add) {
                z = vfma(splat(d->b), z, d->a * load(d->add + row * d->add_stride + at));
            }
            store(d->out + row * d->out_stride + at, z);
        }
    }
}

TILES(dense_tiles, dense_tile, ONE_PANEL_ROWS, VECTORS)

static void dense(const prnn_dense *d) {
    for (size_t column = 0; column < d->columns; column += PRNN_PANEL) {
        dense_slice slice = {d, column};
        for_tiles(&dense_tiles, &slice, 0, d->rows);
    }
}

#endif

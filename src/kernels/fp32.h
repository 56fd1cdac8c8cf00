/* What tiles (tile.h) multiply: floats, where they are. bf16.h defines the same for pairs of bf16. */
#ifndef PRNN_KERNELS_FP32_H
#define PRNN_KERNELS_FP32_H

#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* Bytes of a feature in memory; terms of a sum that one multiply_add() adds to it. */
enum { FEATURE = sizeof(float), TERMS = 1 };

/* Rows that a product takes at a time, at most, and those that a gradient does. */
enum { PRODUCT_ROWS = 256, GRADIENT_ROWS = 128 };

/* The terms at x, in all lanes. */
INLINE vf broadcast(const char *x) {
    return splat(*(const float *)x);
}

INLINE vf multiply_add(vf sum, vf x, vf y) {
    return vfma(y, x, sum);
}

/* The taps of a product, for rows begin .. end - 1; `own` is memory for what is not in place. */
INLINE const prnn_source *product_taps(const prnn_factors *f, size_t begin, size_t end, prnn_source *own) {
    (void)begin, (void)end, (void)own;
    return f->taps;
}

/* Of `rows` rows from row `begin` on: puts the taps into `taps` and returns dout, which begins there. */
INLINE prnn_source gradient_factors(const prnn_factors *f, prnn_source dout, size_t begin, size_t rows,
                                    prnn_source *taps) {
    (void)rows;
    for (int t = 0; t < f->matrix->taps; t++) {
        taps[t] = (prnn_source){f->taps[t].at + begin * f->taps[t].stride, f->taps[t].stride};
    }
    return dout;
}

#endif

/* What the tiles of product_template.h multiply: floats, where they are. */
#ifndef PRNN_KERNELS_FP32_H
#define PRNN_KERNELS_FP32_H

#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* Bytes of a feature, and features that a multiply-add takes at once. */
enum { FEATURE = sizeof(float), AT_ONCE = 1 };

/* Rows that a product takes at a time, at most, and those that a gradient does. */
enum { PRODUCT_ROWS = 256, GRADIENT_ROWS = 128 };

INLINE vf broadcast(const char *x) {
    return splat(*(const float *)x);
}

INLINE vf multiply_add(vf sum, vf x, vf y) {
    return vfma(y, x, sum);
}

/* The sources of rows begin .. end - 1; `own` is memory for such that are not in place. */
INLINE const prnn_source *sources_of(const prnn_factors *f, size_t begin, size_t end, prnn_source *own) {
    (void)begin, (void)end, (void)own;
    return f->taps;
}

/* The sources of `rows` rows from row `begin` on, into `own`; returns `dout`, the gradient by the results of
 * these rows. */
INLINE prnn_source gradient_sources_of(const prnn_factors *f, prnn_source dout, size_t begin, size_t rows,
                                       prnn_source *own) {
    (void)rows;
    for (int t = 0; t < f->matrix->taps; t++) {
        own[t] = (prnn_source){f->taps[t].at + begin * f->taps[t].stride, f->taps[t].stride};
    }
    return dout;
}

#endif

/* What tiles (tile.h) multiply, with AVX512_BF16: pairs of bf16 numbers, each in the place
 * of a float, whose two products are added to a sum in fp32. Weights are packed in pairs of features by
 * `prepare`; sources are rounded into the scratch memory, rows of features for products, pairs of rows for
 * gradients. */
#ifndef PRNN_KERNELS_BF16_H
#define PRNN_KERNELS_BF16_H

#include "kernels/kernels.h"
#include "kernels/vectors.h"

enum { FEATURE = sizeof(uint16_t), TERMS = 2 };
enum { PRODUCT_ROWS = PRNN_SCRATCH_ROWS, GRADIENT_ROWS = PRNN_SCRATCH_ROWS };

INLINE vf broadcast(const char *x) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return (vf)_mm512_set1_epi32(pair);
}

INLINE vf multiply_add(vf sum, vf x, vf y) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)y);
}

static size_t padded_to(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* n <= 16 floats, and zeros. */
INLINE vf load_first(const float *x, size_t n) {
    return n >= 16 ? load(x) : (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), x);
}

/* Two rows of 16 as 16 pairs. */
INLINE vf pairs_of(vf first, vf second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23,
                                           7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vf)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
}

/* Rows k and k + 1 of a panel become one of pairs; what is written never passes what is read. */
static void prepare_panel(const prnn_matrix *matrix, const prnn_strip *strip, float *block) {
    const float *from = block + PRNN_PANEL;
    float *to = block + PRNN_PANEL;
    for (uint32_t s = 0; s < strip->segments; s++) {
        uint32_t count = matrix->segments[strip->first_segment + s].count;
        for (uint32_t k = 0; k < count; k += 2) {
            vf second = k + 1 < count ? load(from + (k + 1) * PRNN_PANEL) : splat(0);
            store(to, pairs_of(load(from + k * PRNN_PANEL), second));
            to += PRNN_PANEL;
        }
        from += (size_t)count * PRNN_PANEL;
    }
}

static void prepare(const prnn_matrix *matrix, float *packed) {
    for (int s = 0; s < matrix->strip_count; s++) {
        const prnn_strip *strip = &matrix->strips[s];
        for (uint32_t v = 0; v < strip->panels; v++) {
            prepare_panel(matrix, strip, packed + strip->at + v * strip->size);
        }
    }
}

/* Rows begin .. end - 1 of all sources, rounded. A row has its features and at least one zero, which is
 * beside the last of an odd number. (The last feature of an odd segment that ends earlier has its neighbour
 * beside it, whose weight is zero, like all that are masked within a panel.) */
static const prnn_source *product_taps(const prnn_factors *f, size_t begin, size_t end, prnn_source *own) {
    uint16_t *to = (uint16_t *)f->scratch;
    for (int t = 0; t < f->matrix->taps; t++) {
        size_t n = f->matrix->features[t], stride = padded_to(n + 1, 16);
        /* As if the rows before `begin` were there too: tiles count from the first row of all. */
        own[t] = (prnn_source){(const float *)((uintptr_t)to - begin * stride * FEATURE), stride};
        for (size_t m = begin; m < end; m++, to += stride) {
            const float *from = f->taps[t].at + m * f->taps[t].stride;
            for (size_t k = 0; k <= n; k += 16) {
                __m256bh x = _mm512_cvtneps_pbh((__m512)load_first(from + k, n - k));
                memcpy(to + k, &x, sizeof x);
            }
        }
    }
    return own;
}

/* Pairs of rows of n columns; an odd last row has a zero row beside it. Returns what follows them. */
static float *pair_rows(const float *from, size_t stride, size_t rows, size_t n, float *to) {
    for (size_t m = 0; m < rows; m += 2, from += 2 * stride, to += padded_to(n, 16)) {
        for (size_t k = 0; k < n; k += 16) {
            vf second = m + 1 < rows ? load_first(from + stride + k, n - k) : splat(0);
            store(to + k, pairs_of(load_first(from + k, n - k), second));
        }
    }
    return to;
}

/* Rows in pairs: a sum over rows takes two of them at a time. */
static prnn_source gradient_factors(const prnn_factors *f, prnn_source dout, size_t begin, size_t rows,
                                    prnn_source *taps) {
    float *to = f->scratch;
    size_t width = 0;
    for (int t = 0; t < f->matrix->taps; t++) {
        size_t n = f->matrix->features[t];
        taps[t] = (prnn_source){to, padded_to(n, 16)};
        to = pair_rows(f->taps[t].at + begin * f->taps[t].stride, f->taps[t].stride, rows, n, to);
    }
    for (int s = 0; s < f->matrix->strip_count; s++) {
        width += f->matrix->strips[s].panels * PRNN_PANEL;
    }
    pair_rows(dout.at, dout.stride, rows, width, to);
    return (prnn_source){to, width};
}

#endif

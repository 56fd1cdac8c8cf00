/* The gradient by the weights of a masked matrix: for each feature k of a strip, and each of its columns c,
 *
 *   gradient[k][c] += sum over positions m of source[m][k] * dout[m][c]
 *
 * in tiles (tile.h) that have features for rows: R of one segment, by N vectors of columns. The inner loop
 * goes over the positions; at each, x[i] are R neighbouring numbers of the source, and b[n] are N vectors of
 * dout. */
#ifndef PRNN_KERNELS_GRADIENT_TEMPLATE_H
#define PRNN_KERNELS_GRADIENT_TEMPLATE_H

#include "kernels/tile.h"

/* The slice that gradient_tile() knows: the features of a segment, by one or two panels. */
typedef struct gradient_slice {
    prnn_source source, dout;
    size_t rows;     /* of both */
    size_t step;     /* from a panel to the next one, in columns of dout */
    float *gradient; /* by the first feature, in the first panel */
    size_t size;     /* from a panel to the next one, in floats of the gradient */
} gradient_slice;

/* The gradient of a large network is far away: it is prefetched at the beginning, and needed at the end. */
INLINE void gradient_tile(int R, int N, const gradient_slice *s, size_t first) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    float *gradient = s->gradient + first * PRNN_PANEL;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            __builtin_prefetch(gradient + i * PRNN_PANEL + vector_at(n, VECTORS, s->size), 1);
            sum[i][n] = splat(0);
        }
    }
    const float *a = s->source.at + first, *d = s->dout.at;
    size_t a_stride = s->source.stride, d_stride = s->dout.stride, step = s->step;
    for (size_t m = s->rows; m > 0; m--) {
        vf b[MOST_VECTORS];
        UNROLL for (int n = 0; n < N; n++) {
            b[n] = load(d + vector_at(n, VECTORS, step));
        }
        UNROLL for (int i = 0; i < R; i++) {
            vf x = broadcast((const char *)(a + i));
            UNROLL for (int n = 0; n < N; n++) {
                sum[i][n] = multiply_add(sum[i][n], x, b[n]);
            }
        }
        STEP(a, a_stride);
        STEP(d, d_stride);
    }
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            float *at = gradient + i * PRNN_PANEL + vector_at(n, VECTORS, s->size);
            store(at, load(at) + sum[i][n]);
        }
    }
}

TILES(one_panel_gradient, gradient_tile, ONE_PANEL_ROWS, VECTORS)
TILES(two_panels_gradient, gradient_tile, TWO_PANEL_ROWS, 2 * VECTORS)

/* A panel's rows, one behind the other: where they are apart by a power of two, few of them fit L1. */
INLINE prnn_source gathered(prnn_source from, size_t rows, float *to) {
    for (size_t m = 0; m < rows; m++) {
        memcpy(to + m * PRNN_PANEL, from.at + m * from.stride, PRNN_PANEL * sizeof(float));
    }
    return (prnn_source){to, PRNN_PANEL};
}

/* `taps` and `dout` as multiply_add() takes them, `rows` of each. */
static void gradient_strip(const prnn_matrix *matrix, const prnn_strip *strip, const prnn_source *taps,
                           prnn_source dout, size_t rows, float *gradient) {
    gradient_slice part = {.rows = rows, .step = strip->step, .size = strip->size};
    float columns[GRADIENT_ROWS * PRNN_PANEL];
    for (uint32_t v = 0; v < strip->panels;) {
        bool wide = strip->panels - v >= 2 && 2 * TWO_PANEL_ROWS > ONE_PANEL_ROWS;
        part.dout.at = dout.at + strip->column + v * strip->step;
        part.dout.stride = dout.stride;
        if (!wide && strip->depth >= 64 && rows >= 32) { /* many tiles read them */
            part.dout = gathered(part.dout, rows, columns);
        }
        part.gradient = gradient + strip->at + v * strip->size + PRNN_PANEL;
        for (uint32_t s = 0; s < strip->segments; s++) {
            const prnn_segment *segment = &matrix->segments[strip->first_segment + s];
            const prnn_source *tap = &taps[segment->tap];
            part.source = (prnn_source){tap->at + segment->first, tap->stride};
            for_tiles(wide ? &two_panels_gradient : &one_panel_gradient, &part, 0, segment->count);
            part.gradient += (size_t)segment->count * PRNN_PANEL;
        }
        v += wide ? 2 : 1;
    }
}

/* Four sums in flight, and added at the end. */
static void column_sums(prnn_source dout, size_t rows, float *sums) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
        vf s[4] = {load(sums + v * VECTOR), splat(0), splat(0), splat(0)};
        const float *d = dout.at + v * VECTOR;
        size_t m = 0;
        for (; m + 4 <= rows; m += 4) {
            UNROLL for (int i = 0; i < 4; i++) {
                s[i] += load(d + (m + (size_t)i) * dout.stride);
            }
        }
        for (; m < rows; m++) {
            s[0] += load(d + m * dout.stride);
        }
        store(sums + v * VECTOR, (s[0] + s[1]) + (s[2] + s[3]));
    }
}

static void bias_gradient(const prnn_matrix *matrix, prnn_source dout, size_t rows, float *gradient) {
    for (int s = 0; s < matrix->strip_count && matrix->biased; s++) {
        const prnn_strip *strip = &matrix->strips[s];
        for (uint32_t v = 0; v < strip->panels; v++) {
            prnn_source columns = {dout.at + strip->column + v * strip->step, dout.stride};
            column_sums(columns, rows, gradient + strip->at + v * strip->size);
        }
    }
}

/* By blocks of rows, which stay in a cache while all strips read them. */
static void product_gradient(const prnn_factors *f, const float *dout, size_t stride, float *gradient) {
    prnn_source taps[PRNN_MOST_TAPS];
    for (size_t begin = 0; begin < f->rows; begin += GRADIENT_ROWS) {
        size_t rows = begin + GRADIENT_ROWS < f->rows ? GRADIENT_ROWS : f->rows - begin;
        prnn_source block = {dout + begin * stride, stride};
        prnn_source factor = gradient_factors(f, block, begin, rows, taps);
        bias_gradient(f->matrix, block, rows, gradient); /* after that, which has it in a cache */
        for (int i = 0; i < f->matrix->strip_count; i++) {
            gradient_strip(f->matrix, &f->matrix->strips[i], taps, factor, (rows + TERMS - 1) / TERMS,
                           gradient);
        }
    }
}

#endif

/* Products of masked matrices, and what follows them: written once for all instruction sets.
 *
 * A tile is some rows of some panels, in registers. Its inner loop has as few addresses as can be (a pointer
 * for three rows, one for the weights), since an x86-64 has registers for no more: with them the
 * multiply-adds run at the processor's peak. Beside VECTOR an instruction set says (up to MOST_ROWS, as a
 * number)
 * - TILE_ROWS: of a tile of one panel, whose TILE_ROWS * PRNN_PANEL / VECTOR sums fit the registers;
 * - WIDE_ROWS: of a tile of two panels, which reads its rows half as often;
 * - STRIP_ROWS: of a tile of four panels; few rows, and yet enough sums in flight; 0: too many;
 * - CELL_ROWS: of a tile of four vectors, one of each gate. */
#ifndef PRNN_KERNELS_PRODUCT_TEMPLATE_H
#define PRNN_KERNELS_PRODUCT_TEMPLATE_H

#include "kernels/kernels.h"

/* Rows of sources and of a gradient by the results, whose outer products are to be summed. */
typedef struct outer_factors {
    const prnn_source *taps;
    const float *dout;
    size_t stride, rows;
} outer_factors;

#ifdef PRNN_BF16
#include "kernels/bf16.h"
#else
#include "kernels/fp32.h"
#endif

#define VECTORS (PRNN_PANEL / VECTOR) /* of a panel */
enum { MOST_ROWS = 8, MOST_SUMS = PRNN_STRIP * VECTORS };

/* Where the weights of a tile are: vectors of the panels of a strip, `per` of each panel in turn (all, or
 * one). */
typedef struct part {
    const prnn_strip *strip;
    const prnn_segment *segments;
    const float *block; /* of the first panel, from its first vector on */
} part;

INLINE size_t offset_of(const part *p, int n, int per) {
    return (size_t)(n / per) * p->strip->size + (size_t)(n % per) * VECTOR;
}

/* Moves a pointer. The empty statement hides from the compiler where it comes from: it would rather keep a
 * pointer for each row, and has no registers for them. */
#define STEP(pointer, by)                                                                                    \
    do {                                                                                                     \
        pointer += (by);                                                                                     \
        __asm__("" : "+r"(pointer));                                                                         \
    } while (0)

/* sum[i][n] += row m + i of the sources times vector n of the weights, for R rows and N vectors, `per` of
 * them from each panel. All loops but that over k unroll. */
INLINE void accumulate(int R, int N, int per, vf (*restrict sum)[MOST_SUMS], const part *p,
                       const prnn_source *taps, size_t m) {
    const float *w = p->block + PRNN_PANEL;
    size_t size = p->strip->size;
    for (uint32_t s = 0; s < p->strip->segments; s++) {
        const prnn_segment *segment = &p->segments[s];
        const prnn_source *tap = &taps[segment->tap];
        size_t stride = tap->stride * FEATURE, count = (segment->count + AT_ONCE - 1) / AT_ONCE;
        const char *a0 = (const char *)tap->at + m * stride + segment->first * FEATURE;
        const char *a3 = a0 + 3 * stride, *a6 = a3 + 3 * stride;
        do {
            vf b[MOST_SUMS];
            UNROLL for (int n = 0; n < N; n++) {
                b[n] = load(w + (size_t)(n / per) * size + (size_t)(n % per) * VECTOR);
            }
            UNROLL for (int i = 0; i < R; i++) {
                const char *a = i < 3 ? a0 : i < 6 ? a3 : a6;
                vf x = broadcast(a + (size_t)(i % 3) * stride);
                UNROLL for (int n = 0; n < N; n++) {
                    sum[i][n] = multiply_add(sum[i][n], x, b[n]);
                }
            }
            STEP(w, PRNN_PANEL);
            STEP(a0, sizeof(float));
            if (R > 3) {
                STEP(a3, sizeof(float));
            }
            if (R > 6) {
                STEP(a6, sizeof(float));
            }
        } while (--count);
    }
}

/* Rows of the tile that begins where `left` rows are left: full tiles, and the last two as even as can be,
 * since a tile of one or two rows has too few independent sums in flight. */
INLINE size_t tile_size(size_t left, size_t most) {
    return left <= most ? left : left < 2 * most ? (left + 1) / 2 : most;
}

/* Rows that go through all strips before the next rows do: few where all weights stay in the first cache,
 * else as many as keep the rows themselves in the second. */
static size_t row_block(const prnn_matrix *matrix) {
    enum { FEW = 24, LEAST = 48 };
    if (matrix->weights * PRNN_PANEL * sizeof(float) <= 16 << 10) {
        return FEW;
    }
    size_t panels = 0;
    for (int i = 0; i < matrix->strip_count; i++) {
        panels += matrix->strips[i].panels;
    }
    size_t rows = (128 << 10) / ((matrix->weights / panels + 1) * sizeof(float));
    return rows < LEAST ? LEAST : rows > PRODUCT_ROWS ? PRODUCT_ROWS : rows;
}

/* Everything that the tiles of a part of a strip know. */
typedef struct tile {
    part part;
    const prnn_source *taps;
    const void *target; /* prnn_target, prnn_cells or prnn_cell_gradients */
    size_t column;      /* of the results, the first */
} tile;

/* Some rows of it, from row m on. */
typedef void (*tile_fn)(const tile *, size_t m);

/* Rows begin .. end - 1, by tiles[1] .. tiles[most] of so many rows. */
INLINE void for_tiles(const tile *t, const tile_fn *tiles, size_t most, size_t begin, size_t end) {
    for (size_t m = begin; m < end;) {
        size_t size = tile_size(end - m, most);
        tiles[size](t, m);
        m += size;
    }
}

/* All listed strips, for a block of rows after the other. */
INLINE void for_strips(const prnn_factors *f, const void *target,
                       void (*strip)(const prnn_factors *, tile *, size_t begin, size_t end)) {
    size_t block = row_block(f->matrix);
    prnn_source own[PRNN_MOST_TAPS];
    tile t = {.target = target};
    for (size_t begin = 0; begin < f->rows; begin += block) {
        size_t end = begin + block < f->rows ? begin + block : f->rows;
        t.taps = sources_of(f, begin, end, own);
        for (int i = 0; i < f->strips.count; i++) {
            t.part.strip = &f->matrix->strips[f->strips.list[i]];
            t.part.segments = f->matrix->segments + t.part.strip->first_segment;
            strip(f, &t, begin, end);
        }
    }
}

/* ------------------------------------------------------------------------------ product, as it is */

INLINE void product_tile(int R, int W, const tile *t, size_t m) {
    vf sum[MOST_ROWS][MOST_SUMS];
    const prnn_target *to = t->target;
    size_t step = t->part.strip->step;
    UNROLL for (int n = 0; n < W * VECTORS; n++) {
        vf bias = load(t->part.block + offset_of(&t->part, n, VECTORS));
        UNROLL for (int i = 0; i < R; i++) {
            sum[i][n] = bias;
        }
    }
    if (to->add) {
        const float *add = to->add + m * to->add_stride + t->column;
        UNROLL for (int i = 0; i < R; i++) {
            UNROLL for (int n = 0; n < W * VECTORS; n++) {
                sum[i][n] += load(add + (size_t)(n / VECTORS) * step + (size_t)(n % VECTORS) * VECTOR);
            }
            STEP(add, to->add_stride);
        }
    }
    accumulate(R, W * VECTORS, VECTORS, sum, &t->part, t->taps, m);
    float *out = to->out + m * to->stride + t->column;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < W * VECTORS; n++) {
            vf y = to->relu ? vrelu(sum[i][n]) : sum[i][n];
            store(out + (size_t)(n / VECTORS) * step + (size_t)(n % VECTORS) * VECTOR, y);
        }
        STEP(out, to->stride);
    }
}

#define TILE(R, W)                                                                                           \
    static void tile_##R##_##W(const tile *t, size_t m) {                                                    \
        product_tile(R, W, t, m);                                                                            \
    }
#define NAME(R, W) tile_##R##_##W,
/* All heights of tiles of width W, F(R, W). */
#define ROWS_0(F, W)
#define ROWS_1(F, W) F(1, W)
#define ROWS_2(F, W) ROWS_1(F, W) F(2, W)
#define ROWS_3(F, W) ROWS_2(F, W) F(3, W)
#define ROWS_4(F, W) ROWS_3(F, W) F(4, W)
#define ROWS_6(F, W) ROWS_4(F, W) F(5, W) F(6, W)
#define ROWS_8(F, W) ROWS_6(F, W) F(7, W) F(8, W)
#define ROWS__(N, F, W) ROWS_##N(F, W)
#define ROWS(N, F, W) ROWS__(N, F, W)

ROWS(TILE_ROWS, TILE, 1)
ROWS(WIDE_ROWS, TILE, 2)
ROWS(STRIP_ROWS, TILE, 4)
static const tile_fn narrow_tiles[] = {NULL, ROWS(TILE_ROWS, NAME, 1)};
static const tile_fn wide_tiles[] = {NULL, ROWS(WIDE_ROWS, NAME, 2)};
static const tile_fn strip_tiles[] = {NULL, ROWS(STRIP_ROWS, NAME, 4)};

typedef struct tiling {
    const tile_fn *tiles;
    size_t rows;
    uint32_t panels;
} tiling;

/* The widest tiles, if the rows fit into one of them or narrower ones have no more sums. */
static tiling choose_tiling(uint32_t panels, size_t rows) {
    if (panels == 4 && (rows <= STRIP_ROWS || 4 * STRIP_ROWS > 2 * WIDE_ROWS)) {
        return (tiling){strip_tiles, STRIP_ROWS, 4};
    }
    if (panels >= 2 && (rows <= WIDE_ROWS || 2 * WIDE_ROWS > TILE_ROWS)) {
        return (tiling){wide_tiles, WIDE_ROWS, 2};
    }
    return (tiling){narrow_tiles, TILE_ROWS, 1};
}

static void product_strip(const prnn_factors *f, tile *t, size_t begin, size_t end) {
    const prnn_strip *strip = t->part.strip;
    for (uint32_t v = 0; v < strip->panels;) {
        tiling how = choose_tiling(strip->panels - v, end - begin);
        t->part.block = f->packed + strip->at + v * strip->size;
        t->column = strip->column + v * strip->step;
        for_tiles(t, how.tiles, how.rows, begin, end);
        v += how.panels;
    }
}

static void product(const prnn_factors *factors, const prnn_target *target) {
    for_strips(factors, target, product_strip);
}

/* ---------------------------------------------------------------------- product, then LSTM cells */

INLINE void lstm_tile(int R, const tile *t, size_t m) {
    vf sum[MOST_ROWS][MOST_SUMS];
    const prnn_cells *c = t->target;
    size_t hidden = c->hidden;
    UNROLL for (int g = 0; g < 4; g++) {
        vf bias = load(t->part.block + offset_of(&t->part, g, 1));
        UNROLL for (int i = 0; i < R; i++) {
            sum[i][g] = bias;
        }
    }
    if (c->add) {
        const float *add = c->add + m * 4 * hidden + t->column;
        UNROLL for (int i = 0; i < R; i++) {
            UNROLL for (int g = 0; g < 4; g++) {
                sum[i][g] += load(add + (size_t)g * hidden);
            }
            STEP(add, 4 * hidden);
        }
    }
    accumulate(R, 4, 1, sum, &t->part, t->taps, m);
    size_t at = m * hidden + t->column;
    float *gates = c->gates ? c->gates + m * 4 * hidden + t->column : NULL;
    UNROLL for (int i = 0; i < R; i++) {
        vf o = vsigmoid(sum[i][0]), f = vsigmoid(sum[i][1]), in = vsigmoid(sum[i][2]), g = vtanh(sum[i][3]);
        vf cell = vfma(f, load(c->cell_before + at), in * g);
        store(c->cell + at, cell);
        store(c->state + at, o * vtanh(cell));
        if (gates) {
            store(gates, o);
            store(gates + hidden, f);
            store(gates + 2 * hidden, in);
            store(gates + 3 * hidden, g);
            STEP(gates, 4 * hidden);
        }
        STEP(at, hidden);
    }
}

#define CELL_TILE(R, W)                                                                                      \
    static void lstm_tile_##R(const tile *t, size_t m) {                                                     \
        lstm_tile(R, t, m);                                                                                  \
    }
#define CELL_NAME(R, W) lstm_tile_##R,
ROWS(CELL_ROWS, CELL_TILE, 4)
static const tile_fn lstm_tiles[] = {NULL, ROWS(CELL_ROWS, CELL_NAME, 4)};

static void lstm_strip(const prnn_factors *f, tile *t, size_t begin, size_t end) {
    for (size_t v = 0; v < PRNN_PANEL; v += VECTOR) {
        t->part.block = f->packed + t->part.strip->at + v;
        t->column = t->part.strip->column + v;
        for_tiles(t, lstm_tiles, CELL_ROWS, begin, end);
    }
}

static void product_lstm(const prnn_factors *factors, const prnn_cells *cells) {
    for_strips(factors, cells, lstm_strip);
}

/* ------------------------------------------------------- product, then the gradient of LSTM cells */

/* A wish to have the cache line of x[i] near; there need not be one. */
INLINE void call_for(const float *x, ptrdiff_t i) {
    __builtin_prefetch((const void *)((uintptr_t)x + (uintptr_t)i * sizeof *x));
}

INLINE void lstm_gradient_tile(int R, const tile *t, size_t m) {
    vf sum[MOST_ROWS][MOST_SUMS];
    const prnn_cell_gradients *c = t->target;
    size_t hidden = c->hidden;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int v = 0; v < VECTORS; v++) {
            size_t at = (m + (size_t)i) * hidden + t->column + (size_t)v * VECTOR;
            sum[i][v] = c->add ? load(c->add + at) : splat(0);
        }
    }
    UNROLL for (int i = 0; i < R; i++) {
        ptrdiff_t row = (ptrdiff_t)m + i + c->ahead, width = (ptrdiff_t)hidden, unit = (ptrdiff_t)t->column;
        call_for(c->cell, row * width + unit);
        for (int g = 0; g < 4; g++) {
            call_for(c->gates, (4 * row + g) * width + unit);
        }
    }
    accumulate(R, VECTORS, VECTORS, sum, &t->part, t->taps, m);
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int v = 0; v < VECTORS; v++) {
            size_t unit = t->column + (size_t)v * VECTOR, at = (m + (size_t)i) * hidden + unit;
            const float *gates = c->gates + (m + (size_t)i) * 4 * hidden + unit;
            float *d = c->dgates + (m + (size_t)i) * 4 * hidden + unit;
            vf o = load(gates), f = load(gates + hidden), in = load(gates + 2 * hidden),
               g = load(gates + 3 * hidden);
            vf ds = sum[i][v], tc = vtanh(load(c->cell + at));
            const vf one = splat(1);
            vf dc = vfma(ds * o, vfma(-tc, tc, one), load(c->dcell + at));
            store(d, ds * tc * o * (1.0f - o));
            store(d + hidden, dc * load(c->cell_before + at) * f * (1.0f - f));
            store(d + 2 * hidden, dc * g * in * (1.0f - in));
            store(d + 3 * hidden, dc * in * vfma(-g, g, one));
            store(c->dcell + at, dc * f);
        }
    }
}

#define CELL_GRADIENT_TILE(R, W)                                                                             \
    static void lstm_gradient_tile_##R(const tile *t, size_t m) {                                            \
        lstm_gradient_tile(R, t, m);                                                                         \
    }
#define CELL_GRADIENT_NAME(R, W) lstm_gradient_tile_##R,
ROWS(TILE_ROWS, CELL_GRADIENT_TILE, 1)
static const tile_fn lstm_gradient_tiles[] = {NULL, ROWS(TILE_ROWS, CELL_GRADIENT_NAME, 1)};

static void lstm_gradient_strip(const prnn_factors *f, tile *t, size_t begin, size_t end) {
    const prnn_strip *strip = t->part.strip;
    for (uint32_t v = 0; v < strip->panels; v++) {
        t->part.block = f->packed + strip->at + v * strip->size;
        t->column = strip->column + v * strip->step;
        for_tiles(t, lstm_gradient_tiles, TILE_ROWS, begin, end);
    }
}

static void product_lstm_gradient(const prnn_factors *factors, const prnn_cell_gradients *cells) {
    for_strips(factors, cells, lstm_gradient_strip);
}

/* ------------------------------------------------------------------------- gradient by the weights */

/* Rows of sources and of dout: a' * d for R features from `a` on and W panels. */
typedef struct outer {
    const float *a, *d;
    size_t a_stride, d_stride, d_step, rows;
    size_t size; /* from a panel's gradient to the next one's */
} outer;

/* Where vector n of row i of a tile is. */
INLINE float *gradient_at(const outer *o, float *gradient, int i, int n) {
    return gradient + (size_t)(n / VECTORS) * o->size + (size_t)i * PRNN_PANEL +
           (size_t)(n % VECTORS) * VECTOR;
}

/* The gradient of a large network is far away: it is called at the beginning, and needed at the end. */
INLINE void gradient_tile(int R, int W, const outer *o, float *gradient) {
    vf sum[MOST_ROWS][MOST_SUMS];
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < W * VECTORS; n++) {
            __builtin_prefetch(gradient_at(o, gradient, i, n), 1);
            sum[i][n] = splat(0);
        }
    }
    const float *a = o->a, *d = o->d;
    size_t a_stride = o->a_stride, d_stride = o->d_stride, d_step = o->d_step;
    for (size_t m = o->rows; m > 0; m--) {
        vf b[MOST_SUMS];
        UNROLL for (int n = 0; n < W * VECTORS; n++) {
            b[n] = load(d + (size_t)(n / VECTORS) * d_step + (size_t)(n % VECTORS) * VECTOR);
        }
        UNROLL for (int i = 0; i < R; i++) {
            vf x = broadcast((const char *)(a + i));
            UNROLL for (int n = 0; n < W * VECTORS; n++) {
                sum[i][n] = multiply_add(sum[i][n], x, b[n]);
            }
        }
        STEP(a, a_stride);
        STEP(d, d_stride);
    }
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < W * VECTORS; n++) {
            float *at = gradient_at(o, gradient, i, n);
            store(at, load(at) + sum[i][n]);
        }
    }
}

typedef void (*gradient_tile_fn)(const outer *, float *);

#define GRADIENT_TILE(R, W)                                                                                  \
    static void gradient_tile_##R##_##W(const outer *o, float *gradient) {                                   \
        gradient_tile(R, W, o, gradient);                                                                    \
    }
#define GRADIENT_NAME(R, W) gradient_tile_##R##_##W,
ROWS(TILE_ROWS, GRADIENT_TILE, 1)
ROWS(WIDE_ROWS, GRADIENT_TILE, 2)
static const gradient_tile_fn narrow_gradient_tiles[] = {NULL, ROWS(TILE_ROWS, GRADIENT_NAME, 1)};
static const gradient_tile_fn wide_gradient_tiles[] = {NULL, ROWS(WIDE_ROWS, GRADIENT_NAME, 2)};

/* Four sums in flight, and added at the end. */
static void column_sums(size_t rows, const float *dout, size_t stride, float *sums) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
        vf s[4] = {load(sums + v * VECTOR), splat(0), splat(0), splat(0)};
        const float *d = dout + v * VECTOR;
        size_t m = 0;
        for (; m + 4 <= rows; m += 4) {
            UNROLL for (int i = 0; i < 4; i++) {
                s[i] += load(d + (m + (size_t)i) * stride);
            }
        }
        for (; m < rows; m++) {
            s[0] += load(d + m * stride);
        }
        store(sums + v * VECTOR, (s[0] + s[1]) + (s[2] + s[3]));
    }
}

/* The features of one segment, for `wide` panels. */
static void gradient_segment(outer o, uint32_t count, uint32_t wide, float *gradient) {
    const gradient_tile_fn *tiles = wide == 2 ? wide_gradient_tiles : narrow_gradient_tiles;
    size_t most = wide == 2 ? WIDE_ROWS : TILE_ROWS;
    for (size_t k = 0; k < count;) {
        size_t size = tile_size(count - k, most);
        tiles[size](&o, gradient + k * PRNN_PANEL);
        k += size;
        o.a += size;
    }
}

static void gradient_strip(const prnn_factors *f, const outer_factors *factors, const prnn_strip *strip,
                           float *gradient) {
    outer o = {
        .d_stride = factors->stride, .d_step = strip->step, .rows = factors->rows, .size = strip->size};
    for (uint32_t v = 0; v < strip->panels;) {
        uint32_t wide = strip->panels - v >= 2 && 2 * WIDE_ROWS > TILE_ROWS ? 2 : 1;
        float *g = gradient + strip->at + v * strip->size + PRNN_PANEL;
        o.d = factors->dout + strip->column + v * strip->step;
        for (uint32_t s = 0; s < strip->segments; s++) {
            const prnn_segment *segment = &f->matrix->segments[strip->first_segment + s];
            const prnn_source *tap = &factors->taps[segment->tap];
            o.a = tap->at + segment->first;
            o.a_stride = tap->stride;
            gradient_segment(o, segment->count, wide, g);
            g += (size_t)segment->count * PRNN_PANEL;
        }
        v += wide;
    }
}

static void bias_gradient(const prnn_matrix *matrix, const float *dout, size_t stride, size_t rows,
                          float *gradient) {
    for (int s = 0; s < matrix->strip_count && matrix->biased; s++) {
        const prnn_strip *strip = &matrix->strips[s];
        for (uint32_t v = 0; v < strip->panels; v++) {
            column_sums(rows, dout + strip->column + v * strip->step, stride,
                        gradient + strip->at + v * strip->size);
        }
    }
}

static void product_gradient(const prnn_factors *f, const float *dout, size_t stride, float *gradient) {
    prnn_source own[PRNN_MOST_TAPS];
    for (size_t begin = 0; begin < f->rows; begin += GRADIENT_ROWS) {
        size_t rows = begin + GRADIENT_ROWS < f->rows ? GRADIENT_ROWS : f->rows - begin;
        outer_factors factors = outer_factors_of(f, dout, stride, begin, rows, own);
        bias_gradient(f->matrix, dout + begin * stride, stride, rows, gradient);
        for (int i = 0; i < f->matrix->strip_count; i++) {
            gradient_strip(f, &factors, &f->matrix->strips[i], gradient);
        }
    }
}

#endif

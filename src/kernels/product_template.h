/* Products of masked matrices, and the LSTM cells that follow some: tiles (tile.h) that differ in what they
 * add to their sums, and in what they do with them while these are still in registers. All go the same way:
 *
 *   for blocks of rows, which stay in a cache while          (for_strips)
 *     for all listed strips                                  (for_strips)
 *       for slices of the strip                              (product_strip, lstm_strip, lstm_gradient_strip)
 *         (for pieces of the features, of some LSTM cells)   (lstm_pieces)
 *         for tiles, some rows of the slice                  (for_tiles)
 *           sums begin, accumulate() over the features, go on */
#ifndef PRNN_KERNELS_PRODUCT_TEMPLATE_H
#define PRNN_KERNELS_PRODUCT_TEMPLATE_H

#include "kernels/tile.h"

/* A slice of a strip: what all its tiles know. */
typedef struct slice {
    const prnn_strip *strip;
    const prnn_segment *segments; /* what is added to the sums: of all features, or of a piece of them */
    uint32_t segment_count;
    const float *biases;  /* packed, of the first panel, from the slice's first column on */
    const float *weights; /* of the first feature, likewise */
    size_t column;        /* of the results, the slice's first */
    const prnn_source *taps;
    const void *target; /* prnn_target, prnn_cells or prnn_cell_gradients */
    float *sums;        /* of a piece: what is kept of those of row `first_row` and the next ones */
    size_t first_row;
    bool continued, continues; /* there are pieces before, and after this one */
} slice;

/* To this column of panel v of its strip. */
INLINE void move_slice(slice *s, const prnn_factors *f, uint32_t v, size_t column) {
    s->biases = f->packed + s->strip->at + v * s->strip->size + column;
    s->weights = s->biases + PRNN_PANEL;
    s->column = s->strip->column + v * s->strip->step + column;
}

/* sum[i][n] = bias + add, for R rows and N vectors, `each` of a panel (vector_at). `add` is that of the
 * tile's first row and column, or NULL. */
INLINE void begin_sums(int R, int N, int each, vf (*restrict sum)[MOST_VECTORS], const slice *s,
                       const float *add, size_t add_stride) {
    UNROLL for (int n = 0; n < N; n++) {
        vf bias = load(s->biases + vector_at(n, each, s->strip->size));
        UNROLL for (int i = 0; i < R; i++) {
            sum[i][n] = bias;
        }
    }
    if (add) {
        UNROLL for (int i = 0; i < R; i++) {
            UNROLL for (int n = 0; n < N; n++) {
                sum[i][n] += load(add + vector_at(n, each, s->strip->step));
            }
            STEP(add, add_stride);
        }
    }
}

/* sum[i][n] += row m + i of the sources times vector n of the weights, feature by feature. Nearly all time
 * goes into the inner loop. It has one pointer for the weights and one for three rows each, since x86-64
 * addresses a, a + stride and a + 2 * stride by the same two registers, and has no registers for a pointer to
 * each row: so the multiply-adds run at the processor's peak. */
INLINE void accumulate(int R, int N, int each, vf (*restrict sum)[MOST_VECTORS], const slice *s, size_t m) {
    const float *w = s->weights;
    size_t size = s->strip->size;
    for (uint32_t run = 0; run < s->segment_count; run++) {
        const prnn_segment *segment = &s->segments[run];
        const prnn_source *tap = &s->taps[segment->tap];
        size_t stride = tap->stride * FEATURE, count = (segment->count + TERMS - 1) / TERMS;
        const char *a0 = (const char *)tap->at + m * stride + segment->first * FEATURE;
        const char *a3 = a0 + 3 * stride, *a6 = a3 + 3 * stride;
        do {
            vf b[MOST_VECTORS];
            UNROLL for (int n = 0; n < N; n++) {
                b[n] = load(w + vector_at(n, each, size));
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

/* Rows that go through all strips before the next rows do: few if all weights fit L1, else as many as keep
 * the rows themselves in L2. */
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

/* Calls strip(f, s, begin, end) for rows begin .. end - 1 of strip s->strip, until all is done. */
INLINE void for_strips(const prnn_factors *f, const void *target,
                       void (*strip)(const prnn_factors *, slice *, size_t begin, size_t end)) {
    size_t block = row_block(f->matrix);
    prnn_source own[PRNN_MOST_TAPS];
    slice s = {.target = target};
    for (size_t begin = 0; begin < f->rows; begin += block) {
        size_t end = begin + block < f->rows ? begin + block : f->rows;
        s.taps = product_taps(f, begin, end, own);
        for (int i = 0; i < f->strips.count; i++) {
            s.strip = &f->matrix->strips[f->strips.list[i]];
            s.segments = f->matrix->segments + s.strip->first_segment;
            s.segment_count = s.strip->segments;
            strip(f, &s, begin, end);
        }
    }
}

/* ---------------------------------------------------------------------------- products, stored */

INLINE void product_tile(int R, int N, const slice *s, size_t m) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    const prnn_target *to = s->target;
    size_t step = s->strip->step;
    begin_sums(R, N, VECTORS, sum, s, to->add ? to->add + m * to->add_stride + s->column : NULL,
               to->add_stride);
    accumulate(R, N, VECTORS, sum, s, m);
    float *out = to->out + m * to->stride + s->column;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            vf y = to->relu ? vrelu(sum[i][n]) : sum[i][n];
            store(out + vector_at(n, VECTORS, step), y);
        }
        STEP(out, to->stride);
    }
}

TILES(one_panel, product_tile, ONE_PANEL_ROWS, VECTORS)
TILES(two_panels, product_tile, TWO_PANEL_ROWS, 2 * VECTORS)
TILES(four_panels, product_tile, FOUR_PANEL_ROWS, 4 * VECTORS)

/* The widest tiles, if the rows fit into one of them or narrower ones have no more sums. */
static const tile_set *choose_tiles(uint32_t panels, size_t rows) {
    if (panels == 4 && (rows <= FOUR_PANEL_ROWS || 4 * FOUR_PANEL_ROWS > 2 * TWO_PANEL_ROWS)) {
        return &four_panels;
    }
    if (panels >= 2 && (rows <= TWO_PANEL_ROWS || 2 * TWO_PANEL_ROWS > ONE_PANEL_ROWS)) {
        return &two_panels;
    }
    return &one_panel;
}

static void product_strip(const prnn_factors *f, slice *s, size_t begin, size_t end) {
    for (uint32_t v = 0; v < s->strip->panels;) {
        const tile_set *chosen = choose_tiles(s->strip->panels - v, end - begin);
        move_slice(s, f, v, 0);
        for_tiles(chosen, s, begin, end);
        v += chosen->vectors / VECTORS;
    }
}

static void product(const prnn_factors *factors, const prnn_target *target) {
    for_strips(factors, target, product_strip);
}

/* ---------------------------------------------------------------------- product, then LSTM cells */

/* A strip's panels are the gates o, f, i, g of the same hidden features; a tile has a vector of each, so that
 * a cell has all that it needs in registers.
 *
 * Where a vector is only a part of a panel, so is what a slice uses of each cache line of weights, and they
 * come from L2 for every tile. There a slice goes in pieces: some features, whose weights stay in L1 while
 * PIECE_ROWS rows go by, then the next ones; the sums are kept meanwhile. */
enum { PIECE_ROWS = 48, PIECE_SEGMENTS = 16, PIECE_FEATURES = (24 << 10) / (4 * PRNN_PANEL * sizeof(float)) };

INLINE void move_sums(int R, int N, vf (*restrict sum)[MOST_VECTORS], const slice *s, size_t m, bool keep) {
    float *at = s->sums + (m - s->first_row) * (size_t)(N * VECTOR);
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++, at += VECTOR) {
            if (keep) {
                store(at, sum[i][n]);
            } else {
                sum[i][n] = load(at);
            }
        }
    }
}

INLINE void lstm_tile(int R, int N, const slice *s, size_t m) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    const prnn_cells *c = s->target;
    size_t hidden = c->hidden, at = m * hidden + s->column, gates_at = m * 4 * hidden + s->column;
    if (s->continued) {
        move_sums(R, N, sum, s, m, false);
    } else {
        begin_sums(R, N, 1, sum, s, c->add ? c->add + gates_at : NULL, 4 * hidden);
    }
    accumulate(R, N, 1, sum, s, m);
    if (s->continues) {
        move_sums(R, N, sum, s, m, true);
        return;
    }
    float *gates = c->gates ? c->gates + gates_at : NULL;
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

TILES(lstm_tiles, lstm_tile, CELL_ROWS, 4)

/* Features that no piece has had yet: from those of segment *at that come after its first `done`. */
typedef struct features_left {
    const prnn_segment *at, *end;
    uint32_t done;
} features_left;

/* Makes the next of them, at most `most`, what the slice adds; returns how many. */
static size_t take_features(slice *s, features_left *left, uint32_t most, prnn_segment own[PIECE_SEGMENTS]) {
    uint32_t room = most;
    s->segments = own;
    for (s->segment_count = 0; room > 0 && left->at < left->end && s->segment_count < PIECE_SEGMENTS;) {
        prnn_segment *piece = &own[s->segment_count++];
        *piece = *left->at;
        piece->first += left->done;
        piece->count -= left->done;
        if (piece->count > room) {
            piece->count = room;
            left->done += room;
        } else {
            left->at++;
            left->done = 0;
        }
        room -= piece->count;
    }
    return most - room;
}

static void lstm_pieces(slice s, size_t begin, size_t end) {
    features_left left = {s.segments, s.segments + s.segment_count, 0};
    uint32_t depth = s.strip->depth, pieces = (depth + PIECE_FEATURES - 1) / PIECE_FEATURES;
    prnn_segment own[PIECE_SEGMENTS];
    float sums[PIECE_ROWS * 4 * VECTOR];
    s.sums = sums;
    s.first_row = begin;
    do {
        size_t taken = take_features(&s, &left, (depth + pieces - 1) / pieces, own);
        s.continues = left.at < left.end;
        for_tiles(&lstm_tiles, &s, begin, end);
        s.weights += taken * PRNN_PANEL;
        s.continued = true;
    } while (s.continues);
}

static void lstm_strip(const prnn_factors *f, slice *s, size_t begin, size_t end) {
    bool few = s->strip->depth <= PIECE_FEATURES + PIECE_FEATURES / 4 || end - begin <= 2 * CELL_ROWS;
    for (size_t column = 0; column < PRNN_PANEL; column += VECTOR) {
        move_slice(s, f, 0, column);
        if (VECTOR == PRNN_PANEL || few) {
            for_tiles(&lstm_tiles, s, begin, end);
            continue;
        }
        for (size_t m = begin; m < end; m += PIECE_ROWS) {
            lstm_pieces(*s, m, end - m < PIECE_ROWS ? end : m + PIECE_ROWS);
        }
    }
}

static void product_lstm(const prnn_factors *factors, const prnn_cells *cells) {
    for_strips(factors, cells, lstm_strip);
}

/* ------------------------------------------------------- product, then the gradient of LSTM cells */

/* The cache line of x[i]; i may lie outside of x. */
INLINE void prefetch(const float *x, ptrdiff_t i) {
    __builtin_prefetch((const void *)((uintptr_t)x + (uintptr_t)i * sizeof *x));
}

INLINE void lstm_gradient_tile(int R, int N, const slice *s, size_t m) {
    vf sum[MOST_ROWS][MOST_VECTORS];
    const prnn_cell_gradients *c = s->target;
    size_t hidden = c->hidden;
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            size_t at = (m + (size_t)i) * hidden + s->column + (size_t)n * VECTOR;
            sum[i][n] = c->add ? load(c->add + at) : splat(0);
        }
    }
    UNROLL for (int i = 0; i < R; i++) {
        ptrdiff_t row = (ptrdiff_t)m + i + c->ahead, width = (ptrdiff_t)hidden, unit = (ptrdiff_t)s->column;
        prefetch(c->cell, row * width + unit);
        for (int g = 0; g < 4; g++) {
            prefetch(c->gates, (4 * row + g) * width + unit);
        }
    }
    accumulate(R, N, VECTORS, sum, s, m);
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int n = 0; n < N; n++) {
            size_t unit = s->column + (size_t)n * VECTOR, at = (m + (size_t)i) * hidden + unit;
            const float *gates = c->gates + (m + (size_t)i) * 4 * hidden + unit;
            float *d = c->dgates + (m + (size_t)i) * 4 * hidden + unit;
            vf o = load(gates), f = load(gates + hidden), in = load(gates + 2 * hidden),
               g = load(gates + 3 * hidden);
            vf ds = sum[i][n], tc = vtanh(load(c->cell + at));
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

TILES(lstm_gradient_tiles, lstm_gradient_tile, ONE_PANEL_ROWS, VECTORS)

static void lstm_gradient_strip(const prnn_factors *f, slice *s, size_t begin, size_t end) {
    for (uint32_t v = 0; v < s->strip->panels; v++) {
        move_slice(s, f, v, 0);
        for_tiles(&lstm_gradient_tiles, s, begin, end);
    }
}

static void product_lstm_gradient(const prnn_factors *factors, const prnn_cell_gradients *cells) {
    for_strips(factors, cells, lstm_gradient_strip);
}

#endif

/* Products in fp32. A group has a tile of TILE_ROWS positions and the 64 columns of a strip; an item has ROWS
 * positions and 8 columns, two of each panel, so all four gates of a feature are one item's. Each sum is of
 * its features in their order, fused: the bits of the other processors.
 *
 * Included once for each ROWS; N(name) is the name there. */
#define N(name) PASTE(name##_, ROWS)
#undef TILE_ROWS
#define TILE_ROWS (16 * ROWS)

#ifndef PRODUCT_ONCE
#define PRODUCT_ONCE
#define PRODUCT_ITEMS 128
#define DEPTH 16 /* features that are brought at a time */
#define B_PITCH 64
#define COLUMN_OF(j) ((j) / 2 * PANEL + ITEM % 8 * 2 + (j) % 2)

#define TABLES                                                                                                         \
    GLOBAL const strip *strips, GLOBAL const segment *segments, GLOBAL const tap *taps, GLOBAL const float *packed,   \
        GLOBAL float *memory
#endif

#define A_PITCH (TILE_ROWS + 4)
#define ROW_OF(i) (ITEM / 8 * ROWS + (i))
#define BROUGHT (ROWS / 2) /* rows of which an item brings 4 features */
#define A_FLOATS (DEPTH * A_PITCH)
#define B_FLOATS (DEPTH * B_PITCH)

/* Where in the segments of a strip the next features are. */
typedef struct N(cursor) {
    uint n, end, k, count, first;
    ulong at[BROUGHT]; /* of the rows that the item brings; NONE: beyond the last */
    uint q[BROUGHT], r[BROUGHT];
    ulong w; /* of the first panel's weights */
} N(cursor);

typedef struct N(chunk) {
    float x[4 * BROUGHT], w[8];
} N(chunk);

DEVICE void N(begin_segment)(N(cursor) *c, const prnn_gpu_factors *f, GLOBAL const segment *segments,
                             GLOBAL const tap *taps) {
    segment g = segments[c->n];
    tap t = taps[g.tap];
    place p = place_of_tap(&t, f->images, f->row, f->col, f->back);
    c->k = 0, c->count = g.count;
    UNROLL for (uint i = 0; i < BROUGHT; i++) {
        if (c->at[i] != NONE) { c->at[i] = AT(p, c->q[i], c->r[i]) + g.first; }
    }
}

DEVICE void N(begin_strip)(N(cursor) *c, const strip *s, const prnn_gpu_factors *f, GLOBAL const segment *segments,
                           GLOBAL const tap *taps) {
    c->n = s->first_segment, c->end = s->first_segment + s->segments;
    c->w = s->at + PANEL;
    UNROLL for (uint i = 0; i < BROUGHT; i++) {
        uint m = GROUP_Y * TILE_ROWS + ITEM / 4 + 32 * i;
        c->q[i] = m / f->run, c->r[i] = m % f->run;
        c->at[i] = m < f->rows ? 0 : NONE;
    }
    if (c->n < c->end) { N(begin_segment)(c, f, segments, taps); }
}

/* Whether there are more features after the next DEPTH. */
DEVICE bool N(advance)(N(cursor) *c, const prnn_gpu_factors *f, GLOBAL const segment *segments, GLOBAL const tap *taps) {
    uint left = c->count - c->k, step = left < DEPTH ? left : DEPTH;
    c->w += step * PANEL;
    c->k += step;
    if (left <= DEPTH) {
        if (++c->n == c->end) { return false; }
        N(begin_segment)(c, f, segments, taps);
    }
    return true;
}

/* Beyond the end, -0 times 0 is what changes no sum: not even one that is -0. */
DEVICE void N(bring)(N(chunk) *x, const N(cursor) *c, const strip *s, GLOBAL const float *packed,
                     GLOBAL const float *memory) {
    uint k = ITEM % 4 * 4, left = c->count - c->k;
    UNROLL for (uint i = 0; i < BROUGHT; i++) {
        GLOBAL const float *row = memory + (c->at[i] + c->k + k);
        UNROLL for (uint j = 0; j < 4; j++) { x->x[4 * i + j] = c->at[i] != NONE && k + j < left ? row[j] : -0.0f; }
    }
    uint at = ITEM / 8, v = ITEM % 8 / 2;
    if (at < left && v < s->panels) {
        GLOBAL const float4 *w = (GLOBAL const float4 *)(packed + c->w + (ulong)v * s->size + at * PANEL + ITEM % 2 * 8);
        float4 low = w[0], high = w[1];
        x->w[0] = low.x, x->w[1] = low.y, x->w[2] = low.z, x->w[3] = low.w;
        x->w[4] = high.x, x->w[5] = high.y, x->w[6] = high.z, x->w[7] = high.w;
    } else {
        UNROLL for (uint j = 0; j < 8; j++) { x->w[j] = 0; }
    }
}

DEVICE void N(keep)(const N(chunk) *x, OF_LOCAL float *a, OF_LOCAL float *b) {
    UNROLL for (uint i = 0; i < BROUGHT; i++) {
        UNROLL for (uint j = 0; j < 4; j++) { a[(ITEM % 4 * 4 + j) * A_PITCH + ITEM / 4 + 32 * i] = x->x[4 * i + j]; }
    }
    UNROLL for (uint j = 0; j < 8; j++) { b[ITEM / 8 * B_PITCH + ITEM % 8 * 8 + j] = x->w[j]; }
}

DEVICE void N(multiply)(float (*sum)[8], OF_LOCAL const float *a, OF_LOCAL const float *b) {
    UNROLL_LONG for (uint k = 0; k < DEPTH; k++) {
        float x[ROWS], y[8];
#if ROWS == 8
        UNROLL for (uint i = 0; i < ROWS; i += 4) {
            float4 four = *(OF_LOCAL const float4 *)(a + k * A_PITCH + ROW_OF(i));
            x[i] = four.x, x[i + 1] = four.y, x[i + 2] = four.z, x[i + 3] = four.w;
        }
#else
        UNROLL for (uint i = 0; i < ROWS; i++) { x[i] = a[k * A_PITCH + ROW_OF(i)]; }
#endif
        UNROLL for (uint j = 0; j < 8; j += 2) {
            float2 two = *(OF_LOCAL const float2 *)(b + k * B_PITCH + COLUMN_OF(j));
            y[j] = two.x, y[j + 1] = two.y;
        }
        UNROLL for (uint i = 0; i < ROWS; i++) {
            UNROLL for (uint j = 0; j < 8; j++) { sum[i][j] = FMA(x[i], y[j], sum[i][j]); }
        }
    }
}

/* The next features come while the present ones are multiplied. */
DEVICE void N(accumulate)(float (*sum)[8], const strip *s, const prnn_gpu_factors *f, GLOBAL const segment *segments,
                          GLOBAL const tap *taps, GLOBAL const float *packed, GLOBAL const float *memory,
                          OF_LOCAL float *a, OF_LOCAL float *b) {
    N(cursor) c;
    N(chunk) x;
    N(begin_strip)(&c, s, f, segments, taps);
    if (c.n == c.end) { return; }
    N(bring)(&x, &c, s, packed, memory);
    N(keep)(&x, a, b);
    SYNC;
    uint now = 0;
    bool more = true;
    while (more) {
        more = N(advance)(&c, f, segments, taps);
        if (more) { N(bring)(&x, &c, s, packed, memory); }
        N(multiply)(sum, a + now * A_FLOATS, b + now * B_FLOATS);
        now ^= 1;
        if (more) { N(keep)(&x, a + now * A_FLOATS, b + now * B_FLOATS); }
        SYNC;
    }
}

/* sum = bias + add; `add` has panel v at column + v * step. */
DEVICE void N(begin)(float (*sum)[8], const strip *s, const prnn_gpu_factors *f, GLOBAL const float *packed,
                     GLOBAL const float *memory, place add) {
    UNROLL for (uint j = 0; j < 8; j++) {
        uint n = COLUMN_OF(j), v = n / PANEL;
        float bias = v < s->panels ? packed[s->at + (ulong)v * s->size + n % PANEL] : 0.0f;
        UNROLL for (uint i = 0; i < ROWS; i++) { sum[i][j] = bias; }
    }
    if (add.at == NONE) { return; }
    UNROLL for (uint i = 0; i < ROWS; i++) {
        uint m = GROUP_Y * TILE_ROWS + ROW_OF(i);
        if (m < f->rows) {
            ulong at = AT(add, m / f->run, m % f->run) + s->column;
            UNROLL for (uint j = 0; j < 8; j++) {
                uint n = COLUMN_OF(j), v = n / PANEL;
                if (v < s->panels) { sum[i][j] += LOAD(add, at + v * s->step + n % PANEL); }
            }
        }
    }
}

KERNEL(PRODUCT_ITEMS) N(product)(prnn_gpu_product l, TABLES) {
    LOCAL ALIGNED float a[2 * A_FLOATS];
    LOCAL ALIGNED float b[2 * B_FLOATS];
    strip s = strips[l.f.first_strip + GROUP_X];
    float sum[ROWS][8];
    N(begin)(sum, &s, &l.f, packed, memory, l.add);
    N(accumulate)(sum, &s, &l.f, segments, taps + l.f.first_tap, packed, memory, a, b);
    UNROLL for (uint i = 0; i < ROWS; i++) {
        uint m = GROUP_Y * TILE_ROWS + ROW_OF(i);
        if (m < l.f.rows) {
            ulong at = AT(l.out, m / l.f.run, m % l.f.run) + s.column;
            UNROLL for (uint j = 0; j < 8; j++) {
                uint n = COLUMN_OF(j), v = n / PANEL;
                if (v < s.panels) {
                    STORE(l.out, at + v * s.step + n % PANEL, l.relu ? relu_of(sum[i][j]) : sum[i][j]);
                }
            }
        }
    }
}

KERNEL(PRODUCT_ITEMS) N(product_lstm)(prnn_gpu_lstm l, TABLES) {
    LOCAL ALIGNED float a[2 * A_FLOATS];
    LOCAL ALIGNED float b[2 * B_FLOATS];
    strip s = strips[l.f.first_strip + GROUP_X];
    float sum[ROWS][8];
    N(begin)(sum, &s, &l.f, packed, memory, l.add);
    N(accumulate)(sum, &s, &l.f, segments, taps + l.f.first_tap, packed, memory, a, b);
    UNROLL for (uint i = 0; i < ROWS; i++) {
        uint m = GROUP_Y * TILE_ROWS + ROW_OF(i), q = m / l.f.run, r = m % l.f.run;
        UNROLL for (uint j = 0; j < 2 && m < l.f.rows; j++) {
            uint unit = s.column + COLUMN_OF(j);
            float o = sigmoid_of(sum[i][j]), f = sigmoid_of(sum[i][2 + j]);
            float in = sigmoid_of(sum[i][4 + j]), g = tanh_of(sum[i][6 + j]);
            float cell = FMA(f, LOAD(l.before, AT(l.before, q, r) + unit), in * g);
            STORE(l.cell, AT(l.cell, q, r) + unit, cell);
            STORE(l.state, AT(l.state, q, r) + unit, o * tanh_of(cell));
            if (l.gates.at != NONE) {
                ulong gates = AT(l.gates, q, r) + unit;
                STORE(l.gates, gates, o);
                STORE(l.gates, gates + l.hidden, f);
                STORE(l.gates, gates + 2 * l.hidden, in);
                STORE(l.gates, gates + 3 * l.hidden, g);
            }
        }
    }
}

/* From the gradient by the states, ds, of feature `unit`. */
#ifndef CELL_GRADIENT_ONCE
#define CELL_GRADIENT_ONCE
DEVICE void cell_gradient(const prnn_gpu_lstm_gradient *l, GLOBAL float *memory, uint q, uint r, uint unit, float ds) {
    ulong gates = AT(l->gates, q, r) + unit, d = AT(l->dgates, q, r) + unit, dcell = AT(l->dcell, q, r) + unit;
    float o = LOAD(l->gates, gates), f = LOAD(l->gates, gates + l->hidden);
    float in = LOAD(l->gates, gates + 2 * l->hidden), g = LOAD(l->gates, gates + 3 * l->hidden);
    float tc = tanh_of(LOAD(l->cell, AT(l->cell, q, r) + unit));
    float dc = FMA(ds * o, FMA(-tc, tc, 1.0f), LOAD(l->dcell, dcell));
    STORE(l->dgates, d, ds * tc * o * (1.0f - o));
    STORE(l->dgates, d + l->hidden, dc * LOAD(l->before, AT(l->before, q, r) + unit) * f * (1.0f - f));
    STORE(l->dgates, d + 2 * l->hidden, dc * g * in * (1.0f - in));
    STORE(l->dgates, d + 3 * l->hidden, dc * in * FMA(-g, g, 1.0f));
    STORE(l->dcell, dcell, dc * f);
}
#endif

/* This product has no biases: its sums begin with `add` itself. */
KERNEL(PRODUCT_ITEMS) N(product_lstm_gradient)(prnn_gpu_lstm_gradient l, TABLES) {
    LOCAL ALIGNED float a[2 * A_FLOATS];
    LOCAL ALIGNED float b[2 * B_FLOATS];
    strip s = strips[l.f.first_strip + GROUP_X];
    float sum[ROWS][8];
    UNROLL for (uint i = 0; i < ROWS; i++) {
        uint m = GROUP_Y * TILE_ROWS + ROW_OF(i);
        ulong at = AT(l.add, m / l.f.run, m % l.f.run) + s.column;
        UNROLL for (uint j = 0; j < 8; j++) {
            uint n = COLUMN_OF(j), v = n / PANEL;
            bool there = l.add.at != NONE && m < l.f.rows && v < s.panels;
            sum[i][j] = there ? LOAD(l.add, at + v * s.step + n % PANEL) : 0.0f;
        }
    }
    N(accumulate)(sum, &s, &l.f, segments, taps + l.f.first_tap, packed, memory, a, b);
    UNROLL for (uint i = 0; i < ROWS; i++) {
        uint m = GROUP_Y * TILE_ROWS + ROW_OF(i);
        UNROLL for (uint j = 0; j < 8 && m < l.f.rows; j++) {
            uint n = COLUMN_OF(j), v = n / PANEL;
            if (v < s.panels) {
                cell_gradient(&l, memory, m / l.f.run, m % l.f.run, s.column + v * s.step + n % PANEL, sum[i][j]);
            }
        }
    }
}

#undef N
#undef A_PITCH
#undef ROW_OF
#undef BROUGHT
#undef A_FLOATS
#undef B_FLOATS
#undef ROWS

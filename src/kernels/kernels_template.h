/* The kernels, written once with the compiler's vectors. Each instruction set's file defines
 *   PRNN_NAME    suffix of its table, VECTOR  floats in a vector, TILE_ROWS  rows of a register tile
 * (TILE_ROWS * PRNN_PANEL / VECTOR accumulators must fit the registers) and includes this. */

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

#define VECTORS (PRNN_PANEL / VECTOR) /* of a panel */

typedef float vf __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p) {
    return *(const vf *)p;
}

INLINE void store(float *p, vf x) {
    *(vf *)p = x;
}

INLINE vf splat(float x) {
    return x - (vf){0};
}

INLINE vf select(vi mask, vf yes, vf no) {
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

INLINE vf vmax(vf a, vf b) {
    return select(a > b, a, b);
}

INLINE vf vmin(vf a, vf b) {
    return select(a < b, a, b);
}

/* max(x, 0) that lets a NaN through. */
INLINE vf vrelu(vf x) {
    return select(x <= 0, splat(0), x);
}

/* tanh: a rational minimax fit of tanh(x)/x in x^2 on [-9.02, 9.02], beyond which tanh rounds to 1.
 * Error below 4e-7, most of it rounding (the fit's own is 6e-8). NaN stays NaN. */
INLINE vf vtanh(vf x) {
    x = select(x > 9.02f, splat(9.02f), x);
    x = select(x < -9.02f, splat(-9.02f), x);
    vf u = x * x;
    vf p = u * 1.8162567e-11f - 1.2743862e-08f;
    p = p * u + 9.2551427e-06f;
    p = p * u + 2.9194127e-03f;
    p = p * u + 0.12917973f;
    p = p * u + 0.99999994f;
    vf q = u * 2.2791390e-04f + 2.3757642e-02f;
    q = q * u + 0.46251255f;
    q = q * u + 1.0f;
    return x * p / q;
}

INLINE vf vsigmoid(vf x) {
    return 0.5f + 0.5f * vtanh(0.5f * x);
}

/* exp for x <= 0 (softmax): 2^k * e^r with |r| <= ln 2 / 2 and a Taylor polynomial of degree 7; relative
 * error below 2e-7; below -87 it gives 0 or a value under 2e-38. */
INLINE vf vexp_negative(vf x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: rounds to an integer in the low bits */
    x = select(x < -87.0f, splat(-87.0f), x);
    vf shifted = x * 1.44269504f + magic;
    vf k = shifted - magic;
    vf r = x - k * 0.693359375f;
    r = r + k * 2.12194440e-4f;
    vf p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vi power = ((vi)shifted - (vi)splat(magic) + 127) << 23;
    return p * (vf)power;
}

/* ------------------------------------------------------------------------------------- product */

/* Rows m .. m + R - 1 of one panel, in registers. */
#define DEFINE_TILE(R)                                                                                       \
    static void tile_##R(const prnn_panel *panel, const prnn_segment *segments, const float *block,          \
                         const prnn_source *taps, size_t m, size_t column, const prnn_target *target) {      \
        vf sum[R][VECTORS];                                                                                  \
        for (int v = 0; v < VECTORS; v++) {                                                                  \
            vf bias = load(block + v * VECTOR);                                                              \
            for (int i = 0; i < R; i++) {                                                                    \
                sum[i][v] = bias;                                                                            \
            }                                                                                                \
        }                                                                                                    \
        if (target->add) {                                                                                   \
            for (int i = 0; i < R; i++) {                                                                    \
                for (int v = 0; v < VECTORS; v++) {                                                          \
                    sum[i][v] += load(target->add + (m + i) * target->add_stride + column + v * VECTOR);     \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
        const float *w = block + PRNN_PANEL;                                                                 \
        for (uint32_t s = 0; s < panel->segments; s++) {                                                     \
            const prnn_segment *segment = &segments[panel->first_segment + s];                               \
            const prnn_source *tap = &taps[segment->tap];                                                    \
            const float *a[R];                                                                               \
            for (int i = 0; i < R; i++) {                                                                    \
                a[i] = tap->at + (m + i) * tap->stride + segment->first;                                     \
            }                                                                                                \
            size_t k = 0, count = segment->count; /* never 0 */                                              \
            do {                                                                                             \
                vf b[VECTORS];                                                                               \
                for (int v = 0; v < VECTORS; v++) {                                                          \
                    b[v] = load(w + v * VECTOR);                                                             \
                }                                                                                            \
                for (int i = 0; i < R; i++) {                                                                \
                    vf x = splat(a[i][k]);                                                                   \
                    for (int v = 0; v < VECTORS; v++) {                                                      \
                        sum[i][v] += x * b[v];                                                               \
                    }                                                                                        \
                }                                                                                            \
                w += PRNN_PANEL;                                                                             \
            } while (++k < count);                                                                           \
        }                                                                                                    \
        for (int i = 0; i < R; i++) {                                                                        \
            for (int v = 0; v < VECTORS; v++) {                                                              \
                vf y = target->relu ? vrelu(sum[i][v]) : sum[i][v];                                          \
                store(target->out + (m + i) * target->stride + column + v * VECTOR, y);                      \
            }                                                                                                \
        }                                                                                                    \
    }

#define DEFINE_TILE_GRADIENT(R)                                                                              \
    static void tile_gradient_##R(const prnn_source *tap, size_t first, size_t rows, const float *dout,      \
                                  size_t stride, float *gradient) {                                          \
        vf sum[R][VECTORS];                                                                                  \
        for (int i = 0; i < R; i++) {                                                                        \
            for (int v = 0; v < VECTORS; v++) {                                                              \
                sum[i][v] = load(gradient + i * PRNN_PANEL + v * VECTOR);                                    \
            }                                                                                                \
        }                                                                                                    \
        const float *a = tap->at + first;                                                                    \
        for (size_t m = 0; m < rows; m++, a += tap->stride, dout += stride) {                                \
            vf b[VECTORS];                                                                                   \
            for (int v = 0; v < VECTORS; v++) {                                                              \
                b[v] = load(dout + v * VECTOR);                                                              \
            }                                                                                                \
            for (int i = 0; i < R; i++) {                                                                    \
                vf x = splat(a[i]);                                                                          \
                for (int v = 0; v < VECTORS; v++) {                                                          \
                    sum[i][v] += x * b[v];                                                                   \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
        for (int i = 0; i < R; i++) {                                                                        \
            for (int v = 0; v < VECTORS; v++) {                                                              \
                store(gradient + i * PRNN_PANEL + v * VECTOR, sum[i][v]);                                    \
            }                                                                                                \
        }                                                                                                    \
    }

typedef void (*tile_fn)(const prnn_panel *, const prnn_segment *, const float *, const prnn_source *, size_t,
                        size_t, const prnn_target *);
typedef void (*tile_gradient_fn)(const prnn_source *, size_t, size_t, const float *, size_t, float *);

DEFINE_TILE(1)
DEFINE_TILE(2)
DEFINE_TILE(3)
DEFINE_TILE_GRADIENT(1)
DEFINE_TILE_GRADIENT(2)
DEFINE_TILE_GRADIENT(3)
#if TILE_ROWS >= 6
DEFINE_TILE(4)
DEFINE_TILE(5)
DEFINE_TILE(6)
DEFINE_TILE_GRADIENT(4)
DEFINE_TILE_GRADIENT(5)
DEFINE_TILE_GRADIENT(6)
#endif
#if TILE_ROWS >= 12
DEFINE_TILE(7)
DEFINE_TILE(8)
DEFINE_TILE(9)
DEFINE_TILE(10)
DEFINE_TILE(11)
DEFINE_TILE(12)
DEFINE_TILE_GRADIENT(7)
DEFINE_TILE_GRADIENT(8)
DEFINE_TILE_GRADIENT(9)
DEFINE_TILE_GRADIENT(10)
DEFINE_TILE_GRADIENT(11)
DEFINE_TILE_GRADIENT(12)
#endif

static const tile_fn tiles[] = {
    NULL,   tile_1, tile_2, tile_3,
#if TILE_ROWS >= 6
    tile_4, tile_5, tile_6,
#endif
#if TILE_ROWS >= 12
    tile_7, tile_8, tile_9, tile_10, tile_11, tile_12,
#endif
};
static const tile_gradient_fn tile_gradients[] = {
    NULL,
    tile_gradient_1,
    tile_gradient_2,
    tile_gradient_3,
#if TILE_ROWS >= 6
    tile_gradient_4,
    tile_gradient_5,
    tile_gradient_6,
#endif
#if TILE_ROWS >= 12
    tile_gradient_7,
    tile_gradient_8,
    tile_gradient_9,
    tile_gradient_10,
    tile_gradient_11,
    tile_gradient_12,
#endif
};

/* Rows of the tile that begins where `left` rows are left: full tiles, and the last two as even as can be,
 * since a tile of one or two rows has too few independent sums in flight. */
INLINE size_t tile_size(size_t left) {
    return left <= TILE_ROWS ? left : left < 2 * TILE_ROWS ? (left + 1) / 2 : TILE_ROWS;
}

/* Rows that go through all panels before the next rows do: few where all weights stay in the first cache,
 * else as many as keep the rows themselves in the second. */
static size_t row_block(const prnn_matrix *matrix) {
    if (matrix->weights * PRNN_PANEL * sizeof(float) <= 16 << 10) {
        return 2 * TILE_ROWS;
    }
    size_t depth = matrix->weights / (size_t)matrix->panel_count + 1;
    size_t rows = (128 << 10) / (depth * sizeof(float));
    return rows < 4 * TILE_ROWS ? 4 * TILE_ROWS : rows > 256 ? 256 : rows;
}

static void product(const prnn_matrix *matrix, const float *packed, const prnn_source *taps, size_t rows,
                    prnn_panel_list panels, const prnn_target *target) {
    size_t block = row_block(matrix);
    for (size_t begin = 0; begin < rows; begin += block) {
        size_t end = begin + block < rows ? begin + block : rows;
        for (int i = 0; i < panels.count; i++) {
            int p = panels.list[i];
            const prnn_panel *panel = &matrix->panels[p];
            for (size_t m = begin; m < end;) {
                size_t size = tile_size(end - m);
                tiles[size](panel, matrix->segments, packed + panel->at, taps, m, (size_t)p * PRNN_PANEL,
                            target);
                m += size;
            }
        }
    }
}

static void column_sums(size_t rows, const float *dout, size_t stride, float *sums) {
    for (int v = 0; v < VECTORS; v++) {
        vf sum = load(sums + v * VECTOR);
        for (size_t m = 0; m < rows; m++) {
            sum += load(dout + m * stride + v * VECTOR);
        }
        store(sums + v * VECTOR, sum);
    }
}

static void product_gradient(const prnn_matrix *matrix, const prnn_source *taps, size_t rows,
                             const float *dout, size_t stride, float *gradient) {
    const size_t block = 128;
    for (size_t begin = 0; begin < rows; begin += block) {
        size_t count = begin + block < rows ? block : rows - begin;
        for (int p = 0; p < matrix->panel_count; p++) {
            const prnn_panel *panel = &matrix->panels[p];
            const float *d = dout + begin * stride + (size_t)p * PRNN_PANEL;
            float *g = gradient + panel->at;
            column_sums(count, d, stride, g);
            g += PRNN_PANEL;
            for (uint32_t s = 0; s < panel->segments; s++) {
                const prnn_segment *segment = &matrix->segments[panel->first_segment + s];
                prnn_source tap = taps[segment->tap];
                tap.at += begin * tap.stride;
                for (size_t k = 0; k < segment->count;) {
                    size_t size = tile_size(segment->count - k);
                    tile_gradients[size](&tap, segment->first + k, count, d, stride, g + k * PRNN_PANEL);
                    k += size;
                }
                g += (size_t)segment->count * PRNN_PANEL;
            }
        }
    }
}

/* ------------------------------------------------------------------------------------- the rest */

static void lstm(size_t rows, size_t hidden, size_t first, size_t count, float *gates,
                 const float *cell_before, float *cell, float *state) {
    for (size_t m = 0; m < rows; m++) {
        float *o = gates + m * 4 * hidden, *f = o + hidden, *i = f + hidden, *g = i + hidden;
        for (size_t u = first; u < first + count; u += VECTOR) {
            vf vo = vsigmoid(load(o + u)), vF = vsigmoid(load(f + u));
            vf vI = vsigmoid(load(i + u)), vg = vtanh(load(g + u));
            vf c = vF * load(cell_before + m * hidden + u) + vI * vg;
            store(o + u, vo);
            store(f + u, vF);
            store(i + u, vI);
            store(g + u, vg);
            store(cell + m * hidden + u, c);
            store(state + m * hidden + u, vo * vtanh(c));
        }
    }
}

static void lstm_gradient(size_t rows, size_t hidden, const float *gates, const float *cell_before,
                          const float *cell, const float *dstate, float *dcell, float *dgates) {
    for (size_t m = 0; m < rows; m++) {
        const float *o = gates + m * 4 * hidden, *f = o + hidden, *i = f + hidden, *g = i + hidden;
        float *d = dgates + m * 4 * hidden;
        for (size_t u = 0; u < hidden; u += VECTOR) {
            size_t at = m * hidden + u;
            vf vo = load(o + u), vF = load(f + u), vI = load(i + u), vg = load(g + u);
            vf t = vtanh(load(cell + at)), ds = load(dstate + at);
            vf dc = load(dcell + at) + ds * vo * (1.0f - t * t);
            store(d + u, ds * t * vo * (1.0f - vo));
            store(d + hidden + u, dc * load(cell_before + at) * vF * (1.0f - vF));
            store(d + 2 * hidden + u, dc * vg * vI * (1.0f - vI));
            store(d + 3 * hidden + u, dc * vI * (1.0f - vg * vg));
            store(dcell + at, dc * vF);
        }
    }
}

static void relu(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(y + i, vrelu(load(x + i)));
    }
}

static void relu_gradient(size_t n, const float *y, float *dy) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(dy + i, select(load(y + i) > 0, load(dy + i), splat(0)));
    }
}

static void add(size_t n, const float *a, const float *b, float *sum) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(sum + i, load(a + i) + load(b + i));
    }
}

INLINE float horizontal_max(vf x) {
    float m = x[0];
    for (int i = 1; i < VECTOR; i++) {
        m = x[i] > m ? x[i] : m;
    }
    return m;
}

INLINE float horizontal_sum(vf x) {
    float s = 0;
    for (int i = 0; i < VECTOR; i++) {
        s += x[i];
    }
    return s;
}

static float softmax_nll(float *logits, int levels, int target, float scale) {
    size_t n = ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    for (size_t i = (size_t)levels; i < n; i++) {
        logits[i] = -3e38f;
    }
    vf top = load(logits);
    for (size_t i = VECTOR; i < n; i += VECTOR) {
        top = vmax(top, load(logits + i));
    }
    float highest = horizontal_max(top);
    float at_target = logits[target] - highest;
    vf sum = {0};
    for (size_t i = 0; i < n; i += VECTOR) {
        vf e = vexp_negative(load(logits + i) - highest);
        sum += e;
        if (scale != 0) {
            store(logits + i, e);
        }
    }
    float total = horizontal_sum(sum);
    if (scale != 0) {
        float factor = scale / total;
        for (size_t i = 0; i < n; i += VECTOR) {
            store(logits + i, load(logits + i) * factor);
        }
        logits[target] -= scale;
        for (size_t i = (size_t)levels; i < n; i++) {
            logits[i] = 0;
        }
    }
    return logf(total) - at_target;
}

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

const prnn_kernels PASTE(prnn_kernels_, PRNN_NAME) = {
    .name = STRING(PRNN_NAME),
    .supported = supported,
    .product = product,
    .product_gradient = product_gradient,
    .lstm = lstm,
    .lstm_gradient = lstm_gradient,
    .relu = relu,
    .relu_gradient = relu_gradient,
    .add = add,
    .softmax_nll = softmax_nll,
};

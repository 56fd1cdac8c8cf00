/* Every kernel of every instruction set that this processor has, against plain C in double precision, on odd
 * sizes; with canaries around everything that is written, and a NaN that has to come through. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"

/* --------------------------------------------------------------------------------------- guards */

enum { GUARD = 64 };
static const float CANARY = 12345.678f;

/* n floats with canaries around; `fill` is between -1 and 1 times `scale`. */
typedef struct guarded {
    float *all, *at;
    size_t n;
} guarded;

static uint64_t random_state = 1;

static double random_signed(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-52 - 1;
}

static size_t random_below(size_t n) {
    return (size_t)((random_signed() + 1) / 2 * (double)n);
}

static guarded guarded_new(size_t n, double scale) {
    guarded g = {malloc((n + 2 * GUARD) * sizeof(float)), NULL, n};
    assert_non_null(g.all);
    g.at = g.all + GUARD;
    for (size_t i = 0; i < GUARD; i++) {
        g.all[i] = g.at[n + i] = CANARY;
    }
    for (size_t i = 0; i < n; i++) {
        g.at[i] = (float)(random_signed() * scale);
    }
    return g;
}

static guarded guarded_copy(const guarded *from) {
    guarded g = guarded_new(from->n, 0);
    memcpy(g.at, from->at, from->n * sizeof(float));
    return g;
}

static void guarded_free(guarded *g) {
    for (size_t i = 0; i < GUARD; i++) {
        assert_true(g->all[i] == CANARY && g->at[g->n + i] == CANARY);
    }
    free(g->all);
}

static void expect_near(const char *what, double own, double expected, double tolerance) {
    if (!(fabs(own - expected) <= tolerance)) {
        fail_msg("%s: %.9g, plain C has %.9g (tolerance %g)", what, own, expected, tolerance);
    }
}

/* ------------------------------------------------------------------------------------- products */

enum { MAX_PANELS = 4, MAX_SEGMENTS = 5, MAX_TAPS = 3 };

/* A random product: panels with segments of odd beginnings and lengths over a few taps. */
typedef struct problem {
    prnn_matrix matrix;
    prnn_panel panels[MAX_PANELS];
    prnn_segment segments[MAX_PANELS * MAX_SEGMENTS];
    prnn_source taps[MAX_TAPS];
    guarded sources[MAX_TAPS], packed;
    size_t rows, depth;
} problem;

static problem *problem_new(size_t rows, int panels) {
    problem *p = calloc(1, sizeof *p);
    p->rows = rows;
    p->depth = 1 + random_below(40);
    size_t at = random_below(2) * PRNN_PANEL;
    uint32_t segments = 0;
    p->matrix = (prnn_matrix){.panels = p->panels, .panel_count = panels, .segments = p->segments};
    for (int i = 0; i < panels; i++) {
        uint32_t own = (uint32_t)random_below(MAX_SEGMENTS + 1);
        p->panels[i] = (prnn_panel){segments, own, at};
        at += PRNN_PANEL;
        for (uint32_t s = 0; s < own; s++) {
            uint32_t first = (uint32_t)random_below(p->depth);
            uint32_t count = 1 + (uint32_t)random_below(p->depth - first);
            p->segments[segments++] = (prnn_segment){(uint32_t)random_below(MAX_TAPS), first, count};
            at += (size_t)count * PRNN_PANEL;
            p->matrix.weights += count;
        }
    }
    p->packed = guarded_new(at, 1);
    for (int t = 0; t < MAX_TAPS; t++) {
        size_t stride = p->depth + random_below(2) * random_below(9);
        p->sources[t] = guarded_new((rows - 1) * stride + p->depth, 1);
        p->taps[t] = (prnn_source){p->sources[t].at, stride};
    }
    return p;
}

static void problem_free(problem *p) {
    for (int t = 0; t < MAX_TAPS; t++) {
        guarded_free(&p->sources[t]);
    }
    guarded_free(&p->packed);
    free(p);
}

/* bias + sources * weights, and the sum of the absolute terms, which bounds the rounding. */
static double plain_product(const problem *p, int panel, size_t row, size_t column, double *size) {
    const prnn_panel *own = &p->panels[panel];
    const float *w = p->packed.at + own->at;
    double sum = (double)w[column];
    *size = fabs(sum);
    w += PRNN_PANEL;
    for (uint32_t s = 0; s < own->segments; s++) {
        const prnn_segment *segment = &p->segments[own->first_segment + s];
        const prnn_source *tap = &p->taps[segment->tap];
        for (uint32_t k = 0; k < segment->count; k++, w += PRNN_PANEL) {
            double term = (double)tap->at[row * tap->stride + segment->first + k] * (double)w[column];
            sum += term;
            *size += fabs(term);
        }
    }
    return sum;
}

typedef enum added { ADD_NOTHING, ADD_OUT, ADD_OTHER } added;

static void check_product(const prnn_kernels *kernels, size_t rows, int panels, unsigned subset, added add,
                          bool relu) {
    problem *p = problem_new(rows, panels);
    size_t width = (size_t)panels * PRNN_PANEL, stride = width + random_below(3) * 5;
    guarded out = guarded_new((rows - 1) * stride + width, 1), before = guarded_copy(&out);
    guarded other = guarded_new((rows - 1) * (width + 3) + width, 1);
    prnn_target target = {.out = out.at, .stride = stride, .relu = relu};
    if (add != ADD_NOTHING) {
        target.add = add == ADD_OUT ? out.at : other.at;
        target.add_stride = add == ADD_OUT ? stride : width + 3;
    }
    int list[MAX_PANELS], count = 0;
    for (int i = 0; i < panels; i++) {
        if (subset >> i & 1) {
            list[count++] = i;
        }
    }
    kernels->product(&p->matrix, p->packed.at, p->taps, rows, (prnn_panel_list){list, count}, &target);
    bool *written = calloc(out.n, sizeof *written);
    for (size_t m = 0; m < rows; m++) {
        for (int i = 0; i < count; i++) {
            for (size_t c = 0; c < PRNN_PANEL; c++) {
                size_t column = (size_t)list[i] * PRNN_PANEL + c, at = m * stride + column;
                double size, expected = plain_product(p, list[i], m, c, &size);
                if (add != ADD_NOTHING) {
                    const float *from = add == ADD_OUT ? before.at : other.at;
                    expected += (double)from[m * target.add_stride + column];
                    size += 1;
                }
                expected = relu ? fmax(expected, 0) : expected;
                expect_near("product", (double)out.at[at], expected, 200 * FLT_EPSILON * size);
                written[at] = true;
            }
        }
    }
    for (size_t i = 0; i < out.n; i++) {
        assert_true(written[i] || out.at[i] == before.at[i]);
    }
    /* A row alone has the same bits as among others. */
    if (add != ADD_OUT) {
        size_t m = random_below(rows);
        guarded one = guarded_new(width, 0);
        prnn_source taps[MAX_TAPS];
        for (int t = 0; t < MAX_TAPS; t++) {
            taps[t] = (prnn_source){p->taps[t].at + m * p->taps[t].stride, 1};
        }
        target.out = one.at;
        target.add = target.add ? target.add + m * target.add_stride : NULL;
        kernels->product(&p->matrix, p->packed.at, taps, 1, (prnn_panel_list){list, count}, &target);
        for (int i = 0; i < count; i++) {
            size_t column = (size_t)list[i] * PRNN_PANEL;
            assert_memory_equal(one.at + column, out.at + m * stride + column, PRNN_PANEL * sizeof(float));
        }
        guarded_free(&one);
    }
    free(written);
    guarded_free(&other);
    guarded_free(&before);
    guarded_free(&out);
    problem_free(p);
}

static void test_product(void **state) {
    const prnn_kernels *kernels = *state;
    static const size_t more[] = {31, 64, 100, 131, 300};
    for (size_t r = 1; r <= 27 + sizeof more / sizeof *more; r++) {
        size_t rows = r <= 27 ? r : more[r - 28];
        for (int panels = 1; panels <= MAX_PANELS; panels++) {
            for (int how = 0; how < 6; how++) {
                unsigned all = (1u << panels) - 1, some = (unsigned)random_below(all + 1);
                check_product(kernels, rows, panels, how < 4 ? all : some, (added)(how % 3), how % 2);
            }
        }
    }
}

static void check_product_gradient(const prnn_kernels *kernels, size_t rows, int panels) {
    problem *p = problem_new(rows, panels);
    size_t width = (size_t)panels * PRNN_PANEL, stride = width + random_below(3) * 5;
    guarded dout = guarded_new((rows - 1) * stride + width, 1);
    guarded gradient = guarded_new(p->packed.n, 1), before = guarded_copy(&gradient);
    double *expected = calloc(p->packed.n, sizeof *expected);
    for (int i = 0; i < panels; i++) {
        double *g = expected + p->panels[i].at;
        for (size_t m = 0; m < rows; m++) {
            const float *d = dout.at + m * stride + (size_t)i * PRNN_PANEL;
            for (size_t c = 0; c < PRNN_PANEL; c++) {
                g[c] += (double)d[c];
            }
            double *to = g + PRNN_PANEL;
            for (uint32_t s = 0; s < p->panels[i].segments; s++) {
                const prnn_segment *segment = &p->segments[p->panels[i].first_segment + s];
                const prnn_source *tap = &p->taps[segment->tap];
                for (uint32_t k = 0; k < segment->count; k++, to += PRNN_PANEL) {
                    double x = (double)tap->at[m * tap->stride + segment->first + k];
                    for (size_t c = 0; c < PRNN_PANEL; c++) {
                        to[c] += x * (double)d[c];
                    }
                }
            }
        }
    }
    kernels->product_gradient(&p->matrix, p->taps, rows, dout.at, stride, gradient.at);
    for (size_t i = 0; i < gradient.n; i++) {
        double tolerance = 4 * FLT_EPSILON * (double)(rows + 2);
        expect_near("product_gradient", (double)gradient.at[i], (double)before.at[i] + expected[i],
                    expected[i] == 0 ? 0 : tolerance);
    }
    free(expected);
    guarded_free(&before);
    guarded_free(&gradient);
    guarded_free(&dout);
    problem_free(p);
}

static void test_product_gradient(void **state) {
    static const size_t more[] = {127, 128, 129, 300};
    for (size_t r = 1; r <= 27 + sizeof more / sizeof *more; r++) {
        for (int panels = 1; panels <= MAX_PANELS; panels++) {
            check_product_gradient(*state, r <= 27 ? r : more[r - 28], panels);
        }
    }
}

static void test_product_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (size_t rows = 1; rows <= 27; rows++) {
        problem *p = problem_new(rows, 1);
        p->panels[0].segments = 1;
        p->segments[0] = (prnn_segment){0, 0, (uint32_t)p->depth};
        guarded packed = guarded_new((p->depth + 1) * PRNN_PANEL, 1);
        p->panels[0].at = 0;
        p->matrix.weights = p->depth;
        size_t row = random_below(rows), feature = random_below(p->depth);
        p->sources[0].at[row * p->taps[0].stride + feature] = NAN;
        guarded out = guarded_new(rows * PRNN_PANEL, 1), gradient = guarded_new(packed.n, 1);
        for (int relu = 0; relu < 2; relu++) {
            prnn_target target = {.out = out.at, .stride = PRNN_PANEL, .relu = relu};
            kernels->product(&p->matrix, packed.at, p->taps, rows, (prnn_panel_list){(int[]){0}, 1}, &target);
            for (size_t i = 0; i < out.n; i++) {
                assert_true(!isnan(out.at[i]) == (i / PRNN_PANEL != row));
            }
        }
        guarded dout = guarded_new(rows * PRNN_PANEL, 1);
        kernels->product_gradient(&p->matrix, p->taps, rows, dout.at, PRNN_PANEL, gradient.at);
        for (size_t i = 0; i < gradient.n; i++) {
            assert_true(!isnan(gradient.at[i]) == (i / PRNN_PANEL != feature + 1));
        }
        guarded_free(&dout);
        guarded_free(&gradient);
        guarded_free(&out);
        guarded_free(&packed);
        problem_free(p);
    }
}

/* ----------------------------------------------------------------------------------------- lstm */

/* The stated error of tanh, and of a sigmoid made of it (half of that and a rounding). */
static const double TANH = 4e-7, SIGMOID = 3e-7;

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static void check_lstm(const prnn_kernels *kernels, size_t rows, size_t hidden, size_t first, size_t count,
                       double scale) {
    guarded gates = guarded_new(rows * 4 * hidden, scale), before = guarded_copy(&gates);
    guarded cell_before = guarded_new(rows * hidden, 3), cell = guarded_new(rows * hidden, 1);
    guarded state = guarded_new(rows * hidden, 1);
    guarded old_cell = guarded_copy(&cell), old_state = guarded_copy(&state);
    kernels->lstm(rows, hidden, first, count, gates.at, cell_before.at, cell.at, state.at);
    for (size_t m = 0; m < rows; m++) {
        for (size_t u = 0; u < hidden; u++) {
            size_t at = m * hidden + u;
            const float *x = before.at + m * 4 * hidden + u, *y = gates.at + m * 4 * hidden + u;
            if (u < first || u >= first + count) {
                assert_true(cell.at[at] == old_cell.at[at] && state.at[at] == old_state.at[at]);
                for (size_t g = 0; g < 4; g++) {
                    assert_true(x[g * hidden] == y[g * hidden]);
                }
                continue;
            }
            double o = logistic((double)x[0]), f = logistic((double)x[hidden]);
            double i = logistic((double)x[2 * hidden]), g = tanh((double)x[3 * hidden]);
            double c0 = (double)cell_before.at[at], c = f * c0 + i * g;
            expect_near("output gate", (double)y[0], o, SIGMOID);
            expect_near("forget gate", (double)y[hidden], f, SIGMOID);
            expect_near("input gate", (double)y[2 * hidden], i, SIGMOID);
            expect_near("g", (double)y[3 * hidden], g, TANH);
            /* |c0| <= 3: 3 sigmoid errors, one of a sigmoid and one of a tanh, and roundings of up to 4. */
            double cell_error = 4 * SIGMOID + TANH + 4 * FLT_EPSILON;
            expect_near("cell", (double)cell.at[at], c, cell_error);
            expect_near("state", (double)state.at[at], o * tanh(c), SIGMOID + TANH + cell_error);
        }
    }
    guarded *all[] = {&gates, &before, &cell_before, &cell, &state, &old_cell, &old_state};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_free(all[i]);
    }
}

static void check_lstm_gradient(const prnn_kernels *kernels, size_t rows, size_t hidden) {
    guarded gates = guarded_new(rows * 4 * hidden, 3), dgates = guarded_new(rows * 4 * hidden, 1);
    guarded cell_before = guarded_new(rows * hidden, 3), cell = guarded_new(rows * hidden, 1);
    guarded state = guarded_new(rows * hidden, 1), dstate = guarded_new(rows * hidden, 1);
    guarded dcell = guarded_new(rows * hidden, 1), later = guarded_copy(&dcell);
    kernels->lstm(rows, hidden, 0, hidden, gates.at, cell_before.at, cell.at, state.at);
    kernels->lstm_gradient(rows, hidden, gates.at, cell_before.at, cell.at, dstate.at, dcell.at, dgates.at);
    for (size_t m = 0; m < rows; m++) {
        for (size_t u = 0; u < hidden; u++) {
            size_t at = m * hidden + u;
            const float *y = gates.at + m * 4 * hidden + u, *d = dgates.at + m * 4 * hidden + u;
            double o = (double)y[0], f = (double)y[hidden], i = (double)y[2 * hidden];
            double g = (double)y[3 * hidden], t = tanh((double)cell.at[at]), ds = (double)dstate.at[at];
            double dc = (double)later.at[at] + ds * o * (1 - t * t), c0 = (double)cell_before.at[at];
            /* Products of a handful of factors up to 3, and 1 - t^2 with twice the error of t. */
            double error = 2 * TANH + 16 * FLT_EPSILON;
            expect_near("d output gate", (double)d[0], ds * t * o * (1 - o), error);
            expect_near("d forget gate", (double)d[hidden], dc * c0 * f * (1 - f), 3 * error);
            expect_near("d input gate", (double)d[2 * hidden], dc * g * i * (1 - i), error);
            expect_near("d g", (double)d[3 * hidden], dc * i * (1 - g * g), error);
            expect_near("d cell before", (double)dcell.at[at], dc * f, error);
        }
    }
    guarded *all[] = {&gates, &dgates, &cell_before, &cell, &state, &dstate, &dcell, &later};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_free(all[i]);
    }
}

static void test_lstm(void **state) {
    for (size_t rows = 1; rows <= 9; rows += 2) {
        for (size_t hidden = 16; hidden <= 64; hidden += 16) {
            check_lstm(*state, rows, hidden, 0, hidden, 4);
            check_lstm(*state, rows, hidden, hidden - 16, 16, 40);
            check_lstm(*state, rows, hidden, 0, 16, 1e4);
            check_lstm(*state, rows, hidden, 0, hidden, 1e-3);
            check_lstm_gradient(*state, rows, hidden);
        }
    }
}

/* tanh on a fine grid, through g. */
static void test_tanh(void **state) {
    const prnn_kernels *kernels = *state;
    enum { N = 16 };
    for (int step = -12000; step < 12000; step += N) {
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        for (int i = 0; i < N; i++) {
            gates[3 * N + i] = (float)(step + i) * 1e-3f;
        }
        kernels->lstm(1, N, 0, N, gates, before, cell, hidden);
        for (int i = 0; i < N; i++) {
            expect_near("tanh", (double)gates[3 * N + i], tanh((step + i) * 1e-3), TANH);
            assert_true(fabsf(gates[3 * N + i]) <= 1.0f + 2 * FLT_EPSILON);
        }
    }
}

static void test_lstm_nan(void **state) {
    const prnn_kernels *kernels = *state;
    enum { N = 16 };
    for (size_t gate = 0; gate < 5; gate++) { /* the last: the cell */
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        *(gate < 4 ? &gates[gate * N + 5] : &before[5]) = NAN;
        kernels->lstm(1, N, 0, N, gates, before, cell, hidden);
        for (size_t i = 0; i < N; i++) {
            assert_true(isnan(hidden[i]) == (i == 5));
            assert_true(isnan(cell[i]) == (i == 5 && gate != 0));
        }
        float dstate[N] = {0}, dcell[N] = {0}, dgates[4 * N];
        kernels->lstm_gradient(1, N, gates, before, cell, dstate, dcell, dgates);
        bool any = isnan(dcell[5]);
        for (size_t i = 0; i < 4; i++) {
            any |= isnan(dgates[i * N + 5]) != 0;
            assert_false(isnan(dgates[i * N + 4]));
        }
        assert_true(any);
    }
}

/* ---------------------------------------------------------------------------------- elementwise */

static void test_elementwise(void **state) {
    const prnn_kernels *kernels = *state;
    for (size_t n = 0; n <= 112; n += PRNN_PANEL) {
        guarded x = guarded_new(n, 1), y = guarded_new(n, 1), z = guarded_new(n, 1);
        for (size_t i = 0; i < n; i += 7) {
            x.at[i] = i % 2 ? 0.0f : i % 3 ? NAN : -INFINITY;
        }
        kernels->relu(n, x.at, y.at);
        for (size_t i = 0; i < n; i++) {
            assert_true(isnan(x.at[i]) ? isnan(y.at[i]) : y.at[i] == (x.at[i] > 0 ? x.at[i] : 0));
        }
        guarded d = guarded_new(n, 1), before = guarded_copy(&d);
        kernels->relu_gradient(n, y.at, d.at);
        for (size_t i = 0; i < n; i++) {
            assert_true(d.at[i] == (y.at[i] > 0 ? before.at[i] : 0));
        }
        kernels->add(n, x.at, before.at, z.at);
        kernels->add(n, before.at, x.at, before.at); /* in place */
        for (size_t i = 0; i < n; i++) {
            float sum = x.at[i] + d.at[i];
            assert_true(d.at[i] == 0 || (isnan(sum) ? isnan(z.at[i]) : z.at[i] == sum));
            assert_true(isnan(z.at[i]) ? isnan(before.at[i]) : before.at[i] == z.at[i]);
        }
        guarded *all[] = {&x, &y, &z, &d, &before};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            guarded_free(all[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------- softmax */

static void check_softmax(const prnn_kernels *kernels, int levels, int target, double scale, float weight) {
    size_t padded = ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    guarded logits = guarded_new(padded, scale), once = guarded_copy(&logits);
    guarded x = guarded_copy(&logits);
    double highest = -INFINITY, sum = 0, total = 0;
    for (int k = 0; k < levels; k++) {
        highest = fmax(highest, (double)x.at[k]);
    }
    for (int k = 0; k < levels; k++) {
        sum += exp((double)x.at[k] - highest);
    }
    double expected = log(sum) + highest - (double)x.at[target];
    double tolerance = 1e-6 + 2 * FLT_EPSILON * fabs(expected);
    double nll = (double)kernels->softmax_nll(logits.at, levels, target, weight);
    expect_near("softmax_nll", nll, expected, tolerance);
    expect_near("softmax_nll", (double)kernels->softmax_nll(once.at, levels, target, 0), expected, tolerance);
    assert_memory_equal(once.at, x.at, (size_t)levels * sizeof(float)); /* logits stay */
    for (int k = 0; k < levels; k++) {
        double p = exp((double)x.at[k] - highest) / sum;
        double g = (double)weight * (p - (k == target));
        expect_near("softmax gradient", (double)logits.at[k], g, fabs((double)weight) * 1e-6);
        total += (double)logits.at[k];
    }
    expect_near("sum of the softmax gradient", total, 0, fabs((double)weight) * 1e-6);
    for (size_t k = (size_t)levels; k < padded; k++) {
        assert_true(logits.at[k] == 0);
    }
    guarded_free(&x);
    guarded_free(&once);
    guarded_free(&logits);
}

static void test_softmax(void **state) {
    static const double scales[] = {0, 1, 5, 80, 1e4};
    for (int levels = 2; levels <= 256; levels++) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            check_softmax(*state, levels, (int)random_below((size_t)levels), scales[s], 1);
            check_softmax(*state, levels, levels - 1, scales[s], 0.03f);
        }
    }
}

static void test_softmax_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (int levels = 2; levels <= 256; levels += 3) {
        for (int at = 0; at < levels; at += 5) {
            float logits[256 + PRNN_PANEL] = {0};
            logits[at] = NAN;
            assert_true(isnan(kernels->softmax_nll(logits, levels, levels / 2, 0)));
        }
    }
}

/* test_kernels [PATTERN]: runs the tests whose name matches. */
int main(int count, char **arguments) {
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    static const struct {
        const char *name;
        CMUnitTestFunction test;
    } kernels[] = {
        {"product", test_product},
        {"product_gradient", test_product_gradient},
        {"NaN in products", test_product_nan},
        {"lstm", test_lstm},
        {"tanh", test_tanh},
        {"NaN in lstm", test_lstm_nan},
        {"elementwise", test_elementwise},
        {"softmax", test_softmax},
        {"NaN in softmax", test_softmax_nan},
    };
    enum { TESTS = sizeof kernels / sizeof *kernels };
    int failures = 0;
    for (int i = 0; prnn_kernels_at(i); i++) {
        const prnn_kernels *table = prnn_kernels_at(i);
        if (!table->supported()) {
            print_message("this processor has no %s\n", table->name);
            continue;
        }
        struct CMUnitTest tests[TESTS];
        for (int t = 0; t < TESTS; t++) {
            tests[t] = (struct CMUnitTest){kernels[t].name, kernels[t].test, NULL, NULL, (void *)table};
        }
        failures += cmocka_run_group_tests_name(table->name, tests, NULL, NULL);
    }
    return failures;
}

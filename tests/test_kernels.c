/* The products of every instruction set that this processor has, and the LSTM cells that follow them, against
 * plain C in double precision, on odd sizes; with canaries around everything that is written, and a NaN that
 * has to come through. */

#include "kernels.h"

/* ------------------------------------------------------------------------------------- products */

enum { MAX_STRIPS = 4, MAX_SEGMENTS = 5, MAX_TAPS = 3 };

/* A random product: strips with segments of odd beginnings and lengths over a few taps. The panels of a strip
 * are a stretch of columns, or, as those of gates, every `MAX_STRIPS`th. */
typedef struct problem {
    prnn_matrix matrix;
    prnn_strip strips[MAX_STRIPS];
    prnn_segment segments[MAX_STRIPS * MAX_SEGMENTS];
    uint32_t features[MAX_TAPS];
    prnn_source taps[MAX_TAPS];
    guarded sources[MAX_TAPS], packed;
    float *prepared, *scratch;
    size_t rows, depth, width; /* columns of results */
} problem;

/* Of bf16 tables the factors are rounded, so the plain product takes them rounded too. */
static bool rounds;

static double factor(float x) {
    if (!rounds) {
        return (double)x;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000; /* to the nearest, ties to even */
    memcpy(&x, &bits, sizeof bits);
    return (double)x;
}

static void add_segments(problem *p, prnn_strip *strip) {
    for (uint32_t s = 0; s < strip->segments; s++) {
        uint32_t first = (uint32_t)random_below(p->depth), tap = (uint32_t)random_below(MAX_TAPS);
        uint32_t count = 1 + (uint32_t)random_below(p->depth - first), end = first + count;
        p->segments[strip->first_segment + s] = (prnn_segment){tap, first, count};
        p->features[tap] = end > p->features[tap] ? end : p->features[tap];
        strip->depth += count;
    }
    strip->size = (1 + (size_t)strip->depth) * PRNN_PANEL;
    p->matrix.weights += strip->depth * strip->panels;
}

/* `panels` 1 to 4 in each strip; `apart`: the panels of a strip are `strips` panels apart. */
static problem *problem_new(size_t rows, int strips, uint32_t panels, bool apart) {
    problem *p = calloc(1, sizeof *p);
    p->rows = rows;
    p->depth = 1 + random_below(40);
    p->width = (size_t)strips * panels * PRNN_PANEL;
    size_t at = random_below(2) * PRNN_PANEL;
    p->matrix = (prnn_matrix){.strips = p->strips,
                              .strip_count = strips,
                              .segments = p->segments,
                              .biased = true,
                              .taps = MAX_TAPS,
                              .features = p->features};
    for (int i = 0; i < strips; i++) {
        prnn_strip *strip = &p->strips[i];
        *strip = (prnn_strip){.first_segment = (uint32_t)(i * MAX_SEGMENTS),
                              .segments = (uint32_t)random_below(MAX_SEGMENTS + 1),
                              .panels = panels,
                              .column = (size_t)i * (apart ? 1 : panels) * PRNN_PANEL,
                              .step = (apart ? (size_t)strips : 1) * PRNN_PANEL,
                              .at = at};
        add_segments(p, strip);
        at += panels * strip->size;
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
    free(p->prepared);
    free(p->scratch);
    free(p);
}

/* The problem as a kernel wants it: the strips of `subset`, in `list`. */
static prnn_factors factors_of(const prnn_kernels *kernels, problem *p, unsigned subset, int *list) {
    prnn_factors f = {.matrix = &p->matrix, .packed = p->packed.at, .taps = p->taps, .rows = p->rows};
    f.strips.list = list;
    for (int i = 0; i < p->matrix.strip_count; i++) {
        if (subset >> i & 1) {
            list[f.strips.count++] = i;
        }
    }
    if (kernels->prepare) {
        free(p->prepared);
        free(p->scratch);
        p->prepared = malloc(p->packed.n * sizeof(float));
        p->scratch = malloc(prnn_scratch_floats(&p->matrix) * sizeof(float));
        memset(p->scratch, 0, prnn_scratch_floats(&p->matrix) * sizeof(float));
        memcpy(p->prepared, p->packed.at, p->packed.n * sizeof(float));
        kernels->prepare(&p->matrix, p->prepared);
        f.packed = p->prepared;
        f.scratch = p->scratch;
    }
    return f;
}

/* Row `row` of the result at column `column` of panel v of a strip: bias + sources * weights; `size` gets the
 * sum of the absolute terms, which bounds the rounding. */
static double plain_product(const problem *p, int strip, uint32_t v, size_t row, size_t column,
                            double *size) {
    const prnn_strip *own = &p->strips[strip];
    const float *w = p->packed.at + own->at + v * own->size;
    double sum = (double)w[column];
    *size = fabs(sum);
    w += PRNN_PANEL;
    for (uint32_t s = 0; s < own->segments; s++) {
        const prnn_segment *segment = &p->segments[own->first_segment + s];
        const prnn_source *tap = &p->taps[segment->tap];
        for (uint32_t k = 0; k < segment->count; k++, w += PRNN_PANEL) {
            double term = factor(tap->at[row * tap->stride + segment->first + k]) * factor(w[column]);
            sum += term;
            *size += fabs(term);
        }
    }
    return sum;
}

typedef enum added { ADD_NOTHING, ADD_OUT, ADD_OTHER } added;

/* A row alone has the same bits as among others. */
static void check_row_alone(const prnn_kernels *kernels, problem *p, prnn_factors f, prnn_target target,
                            const guarded *out, size_t stride) {
    size_t m = random_below(p->rows);
    guarded one = guarded_new(p->width, 0);
    prnn_source taps[MAX_TAPS];
    for (int t = 0; t < MAX_TAPS; t++) {
        taps[t] = (prnn_source){p->taps[t].at + m * p->taps[t].stride, 1};
    }
    f.taps = taps;
    f.rows = 1;
    target.out = one.at;
    target.add = target.add ? target.add + m * target.add_stride : NULL;
    kernels->product(&f, &target);
    for (int i = 0; i < f.strips.count; i++) {
        const prnn_strip *strip = &p->strips[f.strips.list[i]];
        for (uint32_t v = 0; v < strip->panels; v++) {
            size_t column = strip->column + v * strip->step;
            assert_memory_equal(one.at + column, out->at + m * stride + column, PRNN_PANEL * sizeof(float));
        }
    }
    guarded_free(&one);
}

static void check_product(const prnn_kernels *kernels, problem *p, unsigned subset, added add, bool relu) {
    size_t rows = p->rows, stride = p->width + random_below(3) * 5;
    guarded out = guarded_new((rows - 1) * stride + p->width, 1), before = guarded_copy(&out);
    guarded other = guarded_new((rows - 1) * (p->width + 3) + p->width, 1);
    prnn_target target = {.out = out.at, .stride = stride, .relu = relu};
    if (add != ADD_NOTHING) {
        target.add = add == ADD_OUT ? out.at : other.at;
        target.add_stride = add == ADD_OUT ? stride : p->width + 3;
    }
    int list[MAX_STRIPS];
    prnn_factors f = factors_of(kernels, p, subset, list);
    kernels->product(&f, &target);
    bool *written = calloc(out.n, sizeof *written);
    for (size_t at = 0; at < (size_t)f.strips.count * rows * p->strips[0].panels * PRNN_PANEL; at++) {
        size_t c = at % PRNN_PANEL, v = at / PRNN_PANEL % p->strips[0].panels;
        size_t i = at / PRNN_PANEL / p->strips[0].panels, m = i / (size_t)f.strips.count;
        int s = list[i % (size_t)f.strips.count];
        size_t column = p->strips[s].column + v * p->strips[s].step + c, place = m * stride + column;
        double size, expected = plain_product(p, s, (uint32_t)v, m, c, &size);
        if (add != ADD_NOTHING) {
            const float *from = add == ADD_OUT ? before.at : other.at;
            expected += (double)from[m * target.add_stride + column];
            size += 1;
        }
        expected = relu ? fmax(expected, 0) : expected;
        expect_near("product", (double)out.at[place], expected, 200 * FLT_EPSILON * size);
        written[place] = true;
    }
    for (size_t i = 0; i < out.n; i++) {
        assert_true(written[i] || out.at[i] == before.at[i]);
    }
    if (add != ADD_OUT) {
        check_row_alone(kernels, p, f, target, &out, stride);
    }
    free(written);
    guarded_free(&other);
    guarded_free(&before);
    guarded_free(&out);
}

/* Numbers of rows: all small ones, and some around the sizes of blocks. */
static const size_t row_counts[] = {1,  2,  3,  4,  5,   6,   7,   8,   9,   10,  11, 12, 13,
                                    14, 15, 16, 17, 18,  19,  20,  21,  22,  23,  24, 25, 26,
                                    27, 31, 64, 65, 100, 127, 128, 129, 131, 257, 300};
enum { ROW_COUNTS = sizeof row_counts / sizeof *row_counts };

static void test_product(void **state) {
    for (size_t r = 0; r < ROW_COUNTS; r++) {
        for (int strips = 1; strips < MAX_STRIPS; strips++) {
            for (uint32_t panels = 1; panels <= PRNN_STRIP; panels++) {
                problem *p = problem_new(row_counts[r], strips, panels, random_below(2));
                unsigned all = (1u << strips) - 1, some = (unsigned)random_below(all + 1);
                check_product(*state, p, all, (added)random_below(3), random_below(2));
                check_product(*state, p, some, (added)random_below(3), random_below(2));
                problem_free(p);
            }
        }
    }
}

/* Adds what a strip's gradient should be to `expected`. */
static void plain_gradient(const problem *p, const prnn_strip *strip, uint32_t v, const float *dout,
                           size_t stride, double *expected) {
    for (size_t m = 0; m < p->rows; m++) {
        const float *d = dout + m * stride + strip->column + v * strip->step;
        double *to = expected + strip->at + v * strip->size;
        for (size_t c = 0; c < PRNN_PANEL && p->matrix.biased; c++) {
            to[c] += (double)d[c];
        }
        to += PRNN_PANEL;
        for (uint32_t s = 0; s < strip->segments; s++) {
            const prnn_segment *segment = &p->segments[strip->first_segment + s];
            const prnn_source *tap = &p->taps[segment->tap];
            for (uint32_t k = 0; k < segment->count; k++, to += PRNN_PANEL) {
                double x = factor(tap->at[m * tap->stride + segment->first + k]);
                for (size_t c = 0; c < PRNN_PANEL; c++) {
                    to[c] += x * factor(d[c]);
                }
            }
        }
    }
}

static void check_product_gradient(const prnn_kernels *kernels, problem *p) {
    size_t stride = p->width + random_below(3) * 5;
    guarded dout = guarded_new((p->rows - 1) * stride + p->width, 1);
    guarded gradient = guarded_new(p->packed.n, 1), before = guarded_copy(&gradient);
    double *expected = calloc(p->packed.n, sizeof *expected);
    p->matrix.biased = random_below(2);
    for (int i = 0; i < p->matrix.strip_count; i++) {
        for (uint32_t v = 0; v < p->strips[i].panels; v++) {
            plain_gradient(p, &p->strips[i], v, dout.at, stride, expected);
        }
    }
    int list[MAX_STRIPS];
    prnn_factors f = factors_of(kernels, p, ~0u, list);
    kernels->product_gradient(&f, dout.at, stride, gradient.at);
    for (size_t i = 0; i < gradient.n; i++) {
        double tolerance = 4 * FLT_EPSILON * (double)(p->rows + 2);
        expect_near("product_gradient", (double)gradient.at[i], (double)before.at[i] + expected[i],
                    expected[i] == 0 ? 0 : tolerance);
    }
    free(expected);
    guarded_free(&before);
    guarded_free(&gradient);
    guarded_free(&dout);
}

static void test_product_gradient(void **state) {
    for (size_t r = 0; r < ROW_COUNTS; r++) {
        for (int strips = 1; strips < MAX_STRIPS; strips++) {
            for (uint32_t panels = 1; panels <= PRNN_STRIP; panels++) {
                problem *p = problem_new(row_counts[r], strips, panels, random_below(2));
                check_product_gradient(*state, p);
                problem_free(p);
            }
        }
    }
}

static void test_product_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (size_t r = 0; r < 27; r++) {
        size_t rows = row_counts[r];
        problem *p = problem_new(rows, 1, 1, false);
        size_t depth = p->depth;
        p->segments[0] = (prnn_segment){0, 0, (uint32_t)depth};
        p->features[0] = (uint32_t)depth;
        p->strips[0] = (prnn_strip){
            .segments = 1, .panels = 1, .depth = (uint32_t)depth, .size = (depth + 1) * PRNN_PANEL};
        guarded_free(&p->packed);
        p->packed = guarded_new((depth + 1) * PRNN_PANEL, 1);
        size_t row = random_below(rows), feature = random_below(depth);
        p->sources[0].at[row * p->taps[0].stride + feature] = NAN;
        guarded out = guarded_new(rows * PRNN_PANEL, 1), gradient = guarded_new(p->packed.n, 1);
        int list[MAX_STRIPS];
        prnn_factors f = factors_of(kernels, p, 1, list);
        for (int relu = 0; relu < 2; relu++) {
            prnn_target target = {.out = out.at, .stride = PRNN_PANEL, .relu = relu};
            kernels->product(&f, &target);
            for (size_t i = 0; i < out.n; i++) {
                assert_true(!isnan(out.at[i]) == (i / PRNN_PANEL != row));
            }
        }
        guarded dout = guarded_new(rows * PRNN_PANEL, 1);
        kernels->product_gradient(&f, dout.at, PRNN_PANEL, gradient.at);
        for (size_t i = 0; i < gradient.n; i++) {
            assert_true(!isnan(gradient.at[i]) == (i / PRNN_PANEL != feature + 1));
        }
        guarded_free(&dout);
        guarded_free(&gradient);
        guarded_free(&out);
        problem_free(p);
    }
}

/* ----------------------------------------------------------------------------------------- lstm */

/* The stated error of tanh, and of a sigmoid made of it (half of that and a rounding). */
static const double TANH = 4e-7, SIGMOID = 3e-7;

/* A product that gives gates: a strip for each PRNN_PANEL hidden features. */
static problem *gates_problem(size_t rows, size_t hidden) {
    return problem_new(rows, (int)(hidden / PRNN_PANEL), 4, true);
}

/* Cells from gates alone: a product with nothing but zero biases. */
static void cells_of_gates(const prnn_kernels *kernels, size_t rows, size_t hidden, float *gates,
                           const float *cell_before, float *cell, float *state) {
    problem *p = gates_problem(rows, hidden);
    for (int s = 0; s < p->matrix.strip_count; s++) {
        p->strips[s].segments = p->strips[s].depth = 0;
    }
    memset(p->packed.at, 0, p->packed.n * sizeof(float));
    int list[MAX_STRIPS];
    prnn_factors f = factors_of(kernels, p, ~0u, list);
    prnn_cells cells = {hidden, gates, cell_before, gates, cell, state};
    kernels->product_lstm(&f, &cells);
    problem_free(p);
}

/* What a cell should be, from the gates before their nonlinearities. */
static void expect_cell(const double *x, double c0, const float *gates, size_t hidden, double cell,
                        double state, double input) {
    double o = logistic(x[0]), f = logistic(x[1]), i = logistic(x[2]), g = tanh(x[3]), c = f * c0 + i * g;
    /* The slope of a sigmoid is at most 1/4, that of tanh 1; `input` is the error of x. */
    if (gates) {
        expect_near("output gate", (double)gates[0], o, SIGMOID + input / 4);
        expect_near("forget gate", (double)gates[hidden], f, SIGMOID + input / 4);
        expect_near("input gate", (double)gates[2 * hidden], i, SIGMOID + input / 4);
        expect_near("g", (double)gates[3 * hidden], g, TANH + input);
    }
    /* |c0| <= 3: 3 sigmoid errors, one of a sigmoid and one of a tanh, and roundings of up to 4. */
    double cell_error = 4 * SIGMOID + TANH + 4 * FLT_EPSILON + 2 * input;
    expect_near("cell", cell, c, cell_error);
    expect_near("state", state, o * tanh(c), SIGMOID + TANH + cell_error + input / 4);
}

/* `scale`: of what is added to the product. */
static void check_lstm(const prnn_kernels *kernels, size_t rows, size_t hidden, unsigned subset, added add,
                       double scale) {
    problem *p = gates_problem(rows, hidden);
    guarded gates = guarded_new(rows * 4 * hidden, scale), before = guarded_copy(&gates);
    guarded other = guarded_new(rows * 4 * hidden, scale), cell_before = guarded_new(rows * hidden, 3);
    guarded cell = guarded_new(rows * hidden, 1), old_cell = guarded_copy(&cell);
    guarded state = guarded_new(rows * hidden, 1), old_state = guarded_copy(&state);
    guarded cell2 = guarded_copy(&cell), state2 = guarded_copy(&state);
    const guarded *part = add == ADD_OUT ? &before : &other;
    int list[MAX_STRIPS];
    prnn_factors f = factors_of(kernels, p, subset, list);
    prnn_cells cells = {hidden,   add == ADD_NOTHING ? NULL : other.at, cell_before.at, NULL, cell2.at,
                        state2.at};
    if (add == ADD_OUT) {
        cells.add = gates.at;
    }
    kernels->product_lstm(&f, &cells); /* gates not kept */
    cells.gates = gates.at, cells.cell = cell.at, cells.state = state.at;
    kernels->product_lstm(&f, &cells);
    assert_memory_equal(cell.at, cell2.at, cell.n * sizeof(float));
    assert_memory_equal(state.at, state2.at, state.n * sizeof(float));
    for (size_t at = 0; at < rows * hidden; at++) {
        size_t m = at / hidden, u = at % hidden;
        const float *y = gates.at + m * 4 * hidden + u;
        if (!(subset >> (u / PRNN_PANEL) & 1)) {
            assert_true(cell.at[at] == old_cell.at[at] && state.at[at] == old_state.at[at]);
            for (size_t g = 0; g < 4; g++) {
                assert_true(y[g * hidden] == before.at[m * 4 * hidden + u + g * hidden]);
            }
            continue;
        }
        double x[4], size, most = 0;
        for (uint32_t g = 0; g < 4; g++) {
            x[g] = plain_product(p, (int)(u / PRNN_PANEL), g, m, u % PRNN_PANEL, &size);
            x[g] += add == ADD_NOTHING ? 0 : (double)part->at[m * 4 * hidden + g * hidden + u];
            most = fmax(most, size + scale);
        }
        expect_cell(x, (double)cell_before.at[at], y, hidden, (double)cell.at[at], (double)state.at[at],
                    200 * FLT_EPSILON * most);
    }
    guarded *all[] = {&gates, &before, &other,    &cell_before, &cell,
                      &state, &cell2,  &old_cell, &old_state,   &state2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_free(all[i]);
    }
    problem_free(p);
}

static void check_lstm_gradient(const prnn_kernels *kernels, size_t rows, size_t hidden, bool add) {
    problem *p = problem_new(rows, 1, (uint32_t)(hidden / PRNN_PANEL), false);
    guarded gates = guarded_new(rows * 4 * hidden, 3), dgates = guarded_new(rows * 4 * hidden, 1);
    guarded cell_before = guarded_new(rows * hidden, 3), cell = guarded_new(rows * hidden, 1);
    guarded state = guarded_new(rows * hidden, 1), dstate = guarded_new(rows * hidden, 1);
    guarded dcell = guarded_new(rows * hidden, 1), later = guarded_copy(&dcell);
    cells_of_gates(kernels, rows, hidden, gates.at, cell_before.at, cell.at, state.at);
    for (uint32_t v = 0; v < p->strips[0].panels; v++) { /* a product of gradients has no biases */
        memset(p->packed.at + p->strips[0].at + v * p->strips[0].size, 0, PRNN_PANEL * sizeof(float));
    }
    int list[MAX_STRIPS];
    prnn_factors f = factors_of(kernels, p, 1, list);
    prnn_cell_gradients cells = {.hidden = hidden,
                                 .add = add ? dstate.at : NULL,
                                 .gates = gates.at,
                                 .cell_before = cell_before.at,
                                 .cell = cell.at,
                                 .dcell = dcell.at,
                                 .dgates = dgates.at};
    kernels->product_lstm_gradient(&f, &cells);
    for (size_t at = 0; at < rows * hidden; at++) {
        size_t m = at / hidden, u = at % hidden;
        const float *y = gates.at + m * 4 * hidden + u, *d = dgates.at + m * 4 * hidden + u;
        double size, ds = plain_product(p, 0, (uint32_t)(u / PRNN_PANEL), m, u % PRNN_PANEL, &size);
        ds += add ? (double)dstate.at[at] : 0;
        double o = (double)y[0], forget = (double)y[hidden], i = (double)y[2 * hidden];
        double g = (double)y[3 * hidden], t = tanh((double)cell.at[at]);
        double dc = (double)later.at[at] + ds * o * (1 - t * t), c0 = (double)cell_before.at[at];
        /* Products of a handful of factors, all but c0 and ds below 1, and 1 - t^2 with twice the error of t.
         */
        double error = (2 * TANH + 16 * FLT_EPSILON) * (2 + fabs(ds)) + 200 * FLT_EPSILON * (size + 1);
        expect_near("d output gate", (double)d[0], ds * t * o * (1 - o), error);
        expect_near("d forget gate", (double)d[hidden], dc * c0 * forget * (1 - forget), 3 * error);
        expect_near("d input gate", (double)d[2 * hidden], dc * g * i * (1 - i), error);
        expect_near("d g", (double)d[3 * hidden], dc * i * (1 - g * g), error);
        expect_near("d cell before", (double)dcell.at[at], dc * forget, error);
    }
    guarded *all[] = {&gates, &dgates, &cell_before, &cell, &state, &dstate, &dcell, &later};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_free(all[i]);
    }
    problem_free(p);
}

static void test_lstm(void **state) {
    static const double scales[] = {4, 40, 1e4, 1e-3};
    for (size_t rows = 1; rows <= 27; rows++) {
        for (size_t hidden = 16; hidden <= 64; hidden += 16) {
            for (int add = ADD_NOTHING; add <= ADD_OTHER; add++) {
                check_lstm(*state, rows, hidden, ~0u, (added)add, scales[random_below(4)]);
                check_lstm(*state, rows, hidden, (unsigned)random_below(8), (added)add, 1);
            }
            check_lstm_gradient(*state, rows, hidden, rows % 2);
        }
    }
    check_lstm(*state, 300, 32, ~0u, ADD_OTHER, 1);
    check_lstm_gradient(*state, 300, 32, true);
}

/* tanh on a fine grid, through g. */
static void test_tanh(void **state) {
    enum { N = 16 };
    for (int step = -12000; step < 12000; step += N) {
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        for (int i = 0; i < N; i++) {
            gates[3 * N + i] = (float)(step + i) * 1e-3f;
        }
        cells_of_gates(*state, 1, N, gates, before, cell, hidden);
        for (int i = 0; i < N; i++) {
            expect_near("tanh", (double)gates[3 * N + i], tanh((step + i) * 1e-3), TANH);
            assert_true(fabsf(gates[3 * N + i]) <= 1.0f + 2 * FLT_EPSILON);
        }
    }
}

/* sigmoid on a fine grid, through the output gate. */
static void test_sigmoid(void **state) {
    enum { N = 16 };
    for (int step = -24000; step < 24000; step += N) {
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        for (int i = 0; i < N; i++) {
            gates[i] = (float)(step + i) * 1e-3f;
        }
        cells_of_gates(*state, 1, N, gates, before, cell, hidden);
        for (int i = 0; i < N; i++) {
            expect_near("sigmoid", (double)gates[i], logistic((step + i) * 1e-3), SIGMOID);
            assert_true(gates[i] >= -2 * FLT_EPSILON && gates[i] <= 1.0f + 2 * FLT_EPSILON);
        }
    }
}

static void test_lstm_nan(void **state) {
    const prnn_kernels *kernels = *state;
    enum { N = 16 };
    for (size_t gate = 0; gate < 5; gate++) { /* the last: the cell */
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        *(gate < 4 ? &gates[gate * N + 5] : &before[5]) = NAN;
        cells_of_gates(kernels, 1, N, gates, before, cell, hidden);
        for (size_t i = 0; i < N; i++) {
            assert_true(isnan(hidden[i]) == (i == 5));
            assert_true(isnan(cell[i]) == (i == 5 && gate != 0));
        }
        problem *p = problem_new(1, 1, 1, false);
        float dcell[N] = {0}, dgates[4 * N];
        int list[MAX_STRIPS];
        prnn_factors f = factors_of(kernels, p, 1, list);
        prnn_cell_gradients cells = {.hidden = N,
                                     .gates = gates,
                                     .cell_before = before,
                                     .cell = cell,
                                     .dcell = dcell,
                                     .dgates = dgates};
        kernels->product_lstm_gradient(&f, &cells);
        bool any = isnan(dcell[5]);
        for (size_t i = 0; i < 4; i++) {
            any |= isnan(dgates[i * N + 5]) != 0;
            assert_false(isnan(dgates[i * N + 4]));
        }
        assert_true(any);
        problem_free(p);
    }
}

/* test_kernels [PATTERN]: runs the tests whose name matches. */
int main(int count, char **arguments) {
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    static const kernel_test tests[] = {
        {"product", test_product},
        {"product_gradient", test_product_gradient},
        {"NaN in products", test_product_nan},
        {"lstm", test_lstm},
        {"tanh", test_tanh},
        {"sigmoid", test_sigmoid},
        {"NaN in lstm", test_lstm_nan},
    };
    enum { TESTS = sizeof tests / sizeof *tests };
    int failures = 0;
    for (int i = 0; prnn_kernels_at(i); i++) {
        rounds = false;
        failures += run_table(prnn_kernels_at(i), tests, TESTS);
        const prnn_kernels *bf16 = prnn_kernels_in_bf16(prnn_kernels_at(i));
        rounds = true;
        failures += bf16 ? run_table(bf16, tests, TESTS) : 0;
    }
    return failures;
}

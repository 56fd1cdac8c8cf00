/* Every product of every instruction set that this processor has, with what follows it, against plain C in
 * double precision, on odd sizes; with canaries around everything that is written, and a NaN that has to come
 * through. Tables whose products round their factors to bf16 get factors that are already rounded. */

#include "problems.h"

/* The same product for one row only. */
static prnn_factors factors_of_row(const problem *p, size_t row, prnn_source *taps) {
    for (int t = 0; t < MAX_TAPS; t++) {
        taps[t] = (prnn_source){p->taps[t].at + row * p->taps[t].stride, 1};
    }
    prnn_factors factors = p->factors;
    factors.taps = taps;
    factors.rows = 1;
    return factors;
}

/* ---------------------------------------------------------------------------------- plain products */

/* An element of sources * weights. */
typedef struct element {
    double bias;
    double sum, size; /* of the terms, and of the absolute ones */
    double terms;
} element;

/* The most that an element, to which `more` is added, can be off: every term goes through so many roundings
 * at most, of its product and of sums. */
static double error_of(const element *e, double more) {
    return (e->terms + 4) * ROUNDING * (e->size + fabs(more));
}

/* False if none of the listed strips has the column. */
static bool plain_product(const problem *p, size_t row, size_t column, element *e) {
    const prnn_strip *strip = NULL;
    const float *w = NULL;
    for (int i = 0; i < p->factors.strips.count; i++) {
        const prnn_strip *listed = &p->strips[p->list[i]];
        for (uint32_t v = 0; v < listed->panels; v++) {
            size_t first = listed->column + v * listed->step;
            if (column >= first && column < first + PRNN_PANEL) {
                strip = listed;
                w = p->packed.at + listed->at + v * listed->size + (column - first);
            }
        }
    }
    if (!strip) {
        return false;
    }
    *e = (element){.bias = (double)*w, .terms = strip->depth};
    w += PRNN_PANEL;
    for (uint32_t s = 0; s < strip->segments; s++) {
        const prnn_segment *segment = &p->segments[strip->first_segment + s];
        const prnn_source *tap = &p->taps[segment->tap];
        for (uint32_t k = 0; k < segment->count; k++, w += PRNN_PANEL) {
            double term = (double)tap->at[row * tap->stride + segment->first + k] * (double)*w;
            e->sum += term;
            e->size += fabs(term);
        }
    }
    return true;
}

/* -------------------------------------------------------------------------------------- products */

typedef enum added { ADD_NOTHING, ADD_OUT, ADD_OTHER } added;

/* A row alone has the same bits as among others. */
static void check_product_row(const prnn_kernels *kernels, const problem *p, prnn_target target,
                              const guarded *out, const guarded *before) {
    size_t row = random_below(p->rows);
    guarded one = guarded_part(before, row * target.stride, p->columns);
    guarded expected = guarded_part(out, row * target.stride, p->columns);
    prnn_source taps[MAX_TAPS];
    prnn_factors factors = factors_of_row(p, row, taps);
    if (target.add) {
        target.add = target.add == target.out ? one.at : target.add + row * target.add_stride;
    }
    target.out = one.at;
    kernels->product(&factors, &target);
    expect_same_bits(&one, &expected);
    guarded_free(&one);
    guarded_free(&expected);
}

static void check_product(const prnn_kernels *kernels, problem_shape shape, bool all, added add, bool relu) {
    problem *p = problem_new(kernels, shape, random_below(2), all);
    size_t width = p->columns, stride = width + random_below(3) * 5;
    guarded out = guarded_new((p->rows - 1) * stride + width, 1), before = guarded_copy(&out);
    guarded other = guarded_new((p->rows - 1) * (width + 3) + width, 1);
    prnn_target target = {.out = out.at, .stride = stride, .relu = relu};
    if (add != ADD_NOTHING) {
        target.add = add == ADD_OUT ? out.at : other.at;
        target.add_stride = add == ADD_OUT ? stride : width + 3;
    }
    kernels->product(&p->factors, &target);
    for (size_t i = 0; i < out.n; i++) {
        size_t row = i / stride, column = i % stride;
        element e;
        if (!plain_product(p, row, column, &e)) {
            assert_true(out.at[i] == before.at[i]);
            continue;
        }
        const float *from = add == ADD_OUT ? before.at : other.at;
        double more = add == ADD_NOTHING ? 0 : (double)from[row * target.add_stride + column];
        double expected = e.bias + e.sum + more;
        expected = relu ? fmax(expected, 0) : expected;
        expect_near("product", (double)out.at[i], expected, error_of(&e, fabs(e.bias) + fabs(more)));
    }
    check_product_row(kernels, p, target, &out, &before);
    guarded_free(&other);
    guarded_free(&before);
    guarded_free(&out);
    problem_free(p);
}

static void test_product(void **state) {
    for (size_t r = 0; r < RANDOM_ROWS; r++) {
        for (int how = 0; how < 24; how++) {
            bool deep = random_rows(r) == 100; /* such that blocks of rows are the smallest */
            problem_shape shape = {.rows = random_rows(r),
                                   .strips = deep ? 1 : 1 + (int)random_below(MAX_STRIPS),
                                   .panels = 1 + how / 6,
                                   .layout = (layout)random_below(LAYOUTS),
                                   .depth = deep ? 3000 : 40};
            check_product(*state, shape, how % 6 < 4, (added)(how % 3), how % 2);
        }
    }
}

/* ------------------------------------------------------------------------------------- gradients */

/* The gradient by a weight (or a bias, which `tap` NULL stands for) is that of column d of dout. */
static void compare_gradient(const problem *p, const prnn_source *tap, const guarded *dout, size_t stride,
                             size_t d, double own, double before) {
    double sum = before, size = fabs(before);
    for (size_t m = 0; m < p->rows; m++) {
        double term = (double)dout->at[m * stride + d] * (tap ? (double)tap->at[m * tap->stride] : 1);
        sum += term;
        size += fabs(term);
    }
    /* Rows go by blocks of 64 at least; those of a block are summed before they are added. */
    double roundings = (double)(p->rows + p->rows / 64 + 4);
    expect_near(tap ? "product_gradient" : "gradient of a bias", own, sum, roundings * ROUNDING * size);
}

/* Of the panel at `block` of the gradient, whose columns of dout begin at d. Forgets what it has compared. */
static void compare_panel(const problem *p, const prnn_strip *strip, const guarded *dout, size_t stride,
                          size_t d, float *own, float *before) {
    for (size_t c = 0; c < PRNN_PANEL; c++) {
        float *to = own + c, *from = before + c;
        if (p->matrix.biased) {
            compare_gradient(p, NULL, dout, stride, d + c, (double)*to, (double)*from);
            *to = *from;
        }
        for (uint32_t s = 0; s < strip->segments; s++) {
            const prnn_segment *segment = &p->segments[strip->first_segment + s];
            prnn_source tap = p->taps[segment->tap];
            tap.at += segment->first;
            for (uint32_t k = 0; k < segment->count; k++, tap.at++) {
                to += PRNN_PANEL;
                from += PRNN_PANEL;
                compare_gradient(p, &tap, dout, stride, d + c, (double)*to, (double)*from);
                *to = *from;
            }
        }
    }
}

/* Of all strips, whatever is listed. */
static void check_product_gradient(const prnn_kernels *kernels, problem_shape shape, bool biased) {
    problem *p = problem_new(kernels, shape, biased, false);
    size_t width = p->columns, stride = width + random_below(3) * 5;
    guarded dout = guarded_new((p->rows - 1) * stride + width, 1);
    round_to_bf16(kernels, dout.n, dout.at);
    guarded gradient = guarded_new(p->packed.n, 1), before = guarded_copy(&gradient);
    kernels->product_gradient(&p->factors, dout.at, stride, gradient.at);
    for (int i = 0; i < shape.strips; i++) {
        const prnn_strip *strip = &p->strips[i];
        for (uint32_t v = 0; v < strip->panels; v++) {
            size_t at = strip->at + v * strip->size, d = strip->column + v * strip->step;
            compare_panel(p, strip, &dout, stride, d, gradient.at + at, before.at + at);
        }
    }
    expect_same_bits(&gradient, &before); /* between the panels, and biases that there are not */
    guarded_free(&before);
    guarded_free(&gradient);
    guarded_free(&dout);
    problem_free(p);
}

static void test_product_gradient(void **state) {
    const prnn_kernels *kernels = *state;
    /* Products in bf16 demand that every column belongs to a strip. */
    int layouts = kernels->prepare ? WITH_GAPS : LAYOUTS;
    for (size_t r = 0; r < RANDOM_ROWS; r++) {
        for (int panels = 1; panels <= PRNN_STRIP; panels++) {
            for (int l = 0; l < layouts; l++) {
                problem_shape shape = {.rows = random_rows(r),
                                       .strips = 1 + (int)random_below(MAX_STRIPS),
                                       .panels = panels,
                                       .layout = (layout)l,
                                       .depth = l == 0 ? 150 : 20};
                check_product_gradient(kernels, shape, (r + (size_t)l) % 2);
            }
        }
    }
}

static void check_product_nan(const prnn_kernels *kernels, size_t rows, int panels, bool relu) {
    problem_shape shape = {.rows = rows, .strips = 1, .panels = panels, .depth = 40, .whole = true};
    problem *p = problem_new(kernels, shape, true, true);
    size_t width = p->columns, row = random_below(rows), feature = random_below(p->depth);
    p->sources[0].at[row * p->taps[0].stride + feature] = NAN;
    guarded out = guarded_new(rows * width, 1), gradient = guarded_new(p->packed.n, 1);
    guarded dout = guarded_new(rows * width, 1);
    prnn_target target = {.out = out.at, .stride = width, .relu = relu};
    kernels->product(&p->factors, &target);
    for (size_t i = 0; i < out.n; i++) {
        assert_true(!isnan(out.at[i]) == (i / width != row));
    }
    kernels->product_gradient(&p->factors, dout.at, width, gradient.at);
    for (size_t i = 0; i < gradient.n; i++) {
        bool inside = i >= p->strips[0].at && i < p->strips[0].at + (size_t)panels * p->strips[0].size;
        size_t of_panel = (i - p->strips[0].at) % p->strips[0].size / PRNN_PANEL;
        assert_true(!isnan(gradient.at[i]) == !(inside && of_panel == feature + 1));
    }
    guarded_free(&dout);
    guarded_free(&gradient);
    guarded_free(&out);
    problem_free(p);
}

static void test_product_nan(void **state) {
    for (size_t rows = 1; rows <= 27; rows++) {
        for (int panels = 1; panels <= PRNN_STRIP; panels++) {
            check_product_nan(*state, rows, panels, false);
            check_product_nan(*state, rows, panels, true);
        }
    }
}

/* ------------------------------------------------------------------------- products to LSTM cells */

/* The stated error of tanh, and of a sigmoid made of it (half of that and a rounding). */
static const double TANH = 4e-7, SIGMOID = 3e-7;

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

/* Buffers of cells. */
enum { CELLS_ADD, CELLS_GATES, CELLS_BEFORE, CELLS_CELL, CELLS_STATE, CELLS };

/* Part of the gates that is added, as it was. */
static const guarded *added_to_gates(const guarded *old, added add) {
    return add == ADD_NOTHING ? NULL : add == ADD_OUT ? &old[CELLS_GATES] : &old[CELLS_ADD];
}

/* One hidden feature of a row. What follows the gates is compared with what follows from the kernel's own. */
static void compare_cell(const problem *p, const guarded *now, const guarded *old, added add, size_t row,
                         size_t unit) {
    size_t hidden = p->columns / 4, at = row * hidden + unit;
    const guarded *more = added_to_gates(old, add);
    double gate[4], before = (double)old[CELLS_BEFORE].at[at];
    for (size_t g = 0; g < 4; g++) {
        size_t place = (4 * row + g) * hidden + unit;
        element e;
        if (!plain_product(p, row, g * hidden + unit, &e)) {
            assert_true(now[CELLS_GATES].at[place] == old[CELLS_GATES].at[place]);
            assert_true(now[CELLS_CELL].at[at] == old[CELLS_CELL].at[at]);
            assert_true(now[CELLS_STATE].at[at] == old[CELLS_STATE].at[at]);
            continue;
        }
        double plus = more ? (double)more->at[place] : 0, x = e.bias + e.sum + plus;
        double error = error_of(&e, fabs(e.bias) + fabs(plus)), (*curve)(double) = g < 3 ? logistic : tanh;
        double tolerance = (g < 3 ? SIGMOID : TANH) + curve(x + error) - curve(x - error);
        gate[g] = (double)now[CELLS_GATES].at[place];
        expect_near(g < 3 ? "sigmoid gate" : "g", gate[g], curve(x), tolerance);
        if (g == 3) {
            double cell = (double)now[CELLS_CELL].at[at], kept = gate[1] * before, new = gate[2] * gate[3];
            expect_near("cell", cell, kept + new, 2 * ROUNDING * (fabs(kept) + fabs(new)));
            expect_near("state", (double)now[CELLS_STATE].at[at], gate[0] * tanh(cell), TANH + ROUNDING);
        }
    }
}

/* Cells and states have the same bits if the gates are not kept; a row alone has those it has among others.
 */
static void check_lstm_bits(const prnn_kernels *kernels, const problem *p, const guarded *now,
                            const guarded *old, added add) {
    const guarded *more = added_to_gates(old, add);
    size_t hidden = p->columns / 4, row = random_below(p->rows);
    guarded cell = guarded_copy(&old[CELLS_CELL]), state = guarded_copy(&old[CELLS_STATE]);
    prnn_cells cells = {.hidden = hidden,
                        .add = more ? more->at : NULL,
                        .cell_before = old[CELLS_BEFORE].at,
                        .cell = cell.at,
                        .state = state.at};
    kernels->product_lstm(&p->factors, &cells);
    expect_same_bits(&cell, &now[CELLS_CELL]);
    expect_same_bits(&state, &now[CELLS_STATE]);
    guarded one[CELLS], expected[CELLS];
    for (int i = 0; i < CELLS; i++) {
        size_t n = i <= CELLS_GATES ? 4 * hidden : hidden;
        one[i] = guarded_part(&old[i], row * n, n);
        expected[i] = guarded_part(&now[i], row * n, n);
    }
    more = added_to_gates(one, add);
    prnn_cells alone = {hidden,
                        more ? more->at : NULL,
                        one[CELLS_BEFORE].at,
                        one[CELLS_GATES].at,
                        one[CELLS_CELL].at,
                        one[CELLS_STATE].at};
    prnn_source taps[MAX_TAPS];
    prnn_factors factors = factors_of_row(p, row, taps);
    kernels->product_lstm(&factors, &alone);
    for (int i = 0; i < CELLS; i++) {
        expect_same_bits(&one[i], &expected[i]);
    }
    guarded_free_all(one, CELLS);
    guarded_free_all(expected, CELLS);
    guarded_free(&cell);
    guarded_free(&state);
}

static void check_lstm(const prnn_kernels *kernels, problem_shape shape, bool all, added add, double scale) {
    shape.panels = 4;
    shape.layout = IN_TURNS;
    problem *p = problem_new(kernels, shape, random_below(2), all);
    size_t hidden = p->columns / 4, n = p->rows * hidden;
    guarded now[CELLS], old[CELLS];
    for (int i = 0; i < CELLS; i++) {
        now[i] = guarded_new(i <= CELLS_GATES ? 4 * n : n, i <= CELLS_GATES ? scale : 3);
        old[i] = guarded_copy(&now[i]);
    }
    const guarded *more = added_to_gates(now, add);
    prnn_cells cells = {hidden,
                        more ? more->at : NULL,
                        now[CELLS_BEFORE].at,
                        now[CELLS_GATES].at,
                        now[CELLS_CELL].at,
                        now[CELLS_STATE].at};
    kernels->product_lstm(&p->factors, &cells);
    for (size_t i = 0; i < n; i++) {
        compare_cell(p, now, old, add, i / hidden, i % hidden);
    }
    expect_same_bits(&now[CELLS_BEFORE], &old[CELLS_BEFORE]);
    expect_same_bits(&now[CELLS_ADD], &old[CELLS_ADD]);
    check_lstm_bits(kernels, p, now, old, add);
    guarded_free_all(now, CELLS);
    guarded_free_all(old, CELLS);
    problem_free(p);
}

static void test_lstm(void **state) {
    static const double scales[] = {4, 40, 1e4, 1e-3};
    for (size_t r = 0; r < RANDOM_ROWS - 1; r++) {
        for (int strips = 1; strips <= 4; strips++) {
            for (int add = 0; add < 3; add++) {
                problem_shape shape = {.rows = random_rows(r), .strips = strips, .depth = 30};
                check_lstm(*state, shape, add != strips % 3, (added)add, 1);
            }
            problem_shape alone = {.rows = random_rows(r), .strips = strips};
            check_lstm(*state, alone, strips % 2, (added)(1 + r % 2), scales[random_below(4)]);
        }
    }
}

/* So many features that a tile gets them in pieces, where it has many rows: a row alone has them at once. */
static void test_deep_lstm(void **state) {
    for (size_t r = 0; r < RANDOM_ROWS; r += r < 24 ? 6 : 1) {
        for (size_t depth = 100; depth <= 900; depth += 200) {
            problem_shape shape = {
                .rows = random_rows(r), .strips = 2, .depth = depth, .whole = depth % 400 == 100};
            check_lstm(*state, shape, true, (added)(r % 3), 0.1);
        }
    }
}

/* ---------------------------------------------------------------- products to gradients of LSTM cells */

/* Buffers of gradients by cells. */
enum { BACK_ADD, BACK_GATES, BACK_BEFORE, BACK_CELL, BACK_DCELL, BACK_DGATES, BACK };

static bool of_gates(int buffer) {
    return buffer == BACK_GATES || buffer == BACK_DGATES;
}

/* Cells of up to 3, gates as a way forward may leave them. */
static void fill_back(size_t rows, size_t hidden, guarded *now, guarded *old) {
    for (int i = 0; i < BACK; i++) {
        bool cell = i == BACK_BEFORE || i == BACK_CELL;
        now[i] = guarded_new((of_gates(i) ? 4 : 1) * rows * hidden, cell ? 3 : 1);
    }
    for (size_t i = 0; i < now[BACK_GATES].n; i++) {
        double x = 5 * random_signed();
        now[BACK_GATES].at[i] = (float)(i / hidden % 4 < 3 ? logistic(x) : tanh(x));
    }
    for (int i = 0; i < BACK; i++) {
        old[i] = guarded_copy(&now[i]);
    }
}

static prnn_cell_gradients back_of(const guarded *buffers, size_t hidden, bool add) {
    return (prnn_cell_gradients){.hidden = hidden,
                                 .ahead = (ptrdiff_t)random_below(9) - 4,
                                 .add = add ? buffers[BACK_ADD].at : NULL,
                                 .gates = buffers[BACK_GATES].at,
                                 .cell_before = buffers[BACK_BEFORE].at,
                                 .cell = buffers[BACK_CELL].at,
                                 .dcell = buffers[BACK_DCELL].at,
                                 .dgates = buffers[BACK_DGATES].at};
}

/* One hidden feature of a row. The biases of the matrix do not count. */
static void compare_back(const problem *p, const guarded *now, const guarded *old, bool add, size_t row,
                         size_t unit) {
    size_t hidden = p->columns, at = row * hidden + unit;
    const float *y = old[BACK_GATES].at + 4 * row * hidden + unit;
    const float *d = now[BACK_DGATES].at + 4 * row * hidden + unit;
    element e;
    if (!plain_product(p, row, unit, &e)) {
        assert_true(now[BACK_DCELL].at[at] == old[BACK_DCELL].at[at]);
        for (size_t g = 0; g < 4; g++) {
            assert_true(d[g * hidden] == old[BACK_DGATES].at[(4 * row + g) * hidden + unit]);
        }
        return;
    }
    double plus = add ? (double)old[BACK_ADD].at[at] : 0, ds = e.sum + plus;
    double o = (double)y[0], f = (double)y[hidden], i = (double)y[2 * hidden], g = (double)y[3 * hidden];
    double t = tanh((double)old[BACK_CELL].at[at]), before = (double)old[BACK_BEFORE].at[at];
    double later = (double)old[BACK_DCELL].at[at], dc = later + ds * o * (1 - t * t);
    /* That of the product, 1 - t^2 with twice the error of t, and up to 16 roundings of what is summed. */
    double error = error_of(&e, plus) + fabs(ds) * 2 * TANH + 16 * ROUNDING * (fabs(ds) + fabs(later));
    expect_near("d output gate", (double)d[0], ds * t * o * (1 - o), error / 4);
    expect_near("d forget gate", (double)d[hidden], dc * before * f * (1 - f), 3 * error / 4);
    expect_near("d input gate", (double)d[2 * hidden], dc * g * i * (1 - i), error / 4);
    expect_near("d g", (double)d[3 * hidden], dc * i * (1 - g * g), error);
    expect_near("d cell before", (double)now[BACK_DCELL].at[at], dc * f, error);
}

/* A row alone has the same bits as among others. */
static void check_lstm_gradient_row(const prnn_kernels *kernels, const problem *p, const guarded *now,
                                    const guarded *old, bool add) {
    guarded one[BACK], expected[BACK];
    size_t row = random_below(p->rows);
    for (int i = 0; i < BACK; i++) {
        size_t n = (of_gates(i) ? 4 : 1) * p->columns;
        one[i] = guarded_part(&old[i], row * n, n);
        expected[i] = guarded_part(&now[i], row * n, n);
    }
    prnn_source taps[MAX_TAPS];
    prnn_factors factors = factors_of_row(p, row, taps);
    prnn_cell_gradients cells = back_of(one, p->columns, add);
    kernels->product_lstm_gradient(&factors, &cells);
    for (int i = 0; i < BACK; i++) {
        expect_same_bits(&one[i], &expected[i]);
    }
    guarded_free_all(one, BACK);
    guarded_free_all(expected, BACK);
}

static void check_lstm_gradient(const prnn_kernels *kernels, problem_shape shape, bool all, bool add) {
    problem *p = problem_new(kernels, shape, true, all);
    guarded now[BACK], old[BACK];
    fill_back(p->rows, p->columns, now, old);
    prnn_cell_gradients cells = back_of(now, p->columns, add);
    kernels->product_lstm_gradient(&p->factors, &cells);
    for (size_t i = 0; i < p->rows * p->columns; i++) {
        compare_back(p, now, old, add, i / p->columns, i % p->columns);
    }
    for (int i = 0; i < BACK_DCELL; i++) {
        expect_same_bits(&now[i], &old[i]);
    }
    check_lstm_gradient_row(kernels, p, now, old, add);
    guarded_free_all(now, BACK);
    guarded_free_all(old, BACK);
    problem_free(p);
}

static void test_lstm_gradient(void **state) {
    for (size_t r = 0; r < RANDOM_ROWS - 1; r++) {
        for (int panels = 1; panels <= PRNN_STRIP; panels++) {
            for (int how = 0; how < 4; how++) {
                problem_shape shape = {.rows = random_rows(r),
                                       .strips = 1 + (int)random_below(3),
                                       .panels = panels,
                                       .layout = (layout)(how % LAYOUTS),
                                       .depth = how == 3 ? 0 : 30};
                check_lstm_gradient(*state, shape, how < 2, (how + panels) % 2);
            }
        }
    }
}

/* -------------------------------------------------------------------------- what the cells are made of */

enum { N = PRNN_PANEL };

/* A row of a strip that reads nothing, so that what is added is all. */
static problem *nothing(const prnn_kernels *kernels, int panels) {
    return problem_new(kernels, (problem_shape){.rows = 1, .strips = 1, .panels = panels}, false, true);
}

/* tanh and the sigmoid on a fine grid, through g and the output gate. */
static void test_tanh(void **state) {
    const prnn_kernels *kernels = *state;
    problem *p = nothing(kernels, 4);
    for (int step = -20000; step < 20000; step += N) {
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        for (int i = 0; i < N; i++) {
            gates[i] = gates[3 * N + i] = (float)(step + i) * 1e-3f;
        }
        prnn_cells cells = {N, gates, before, gates, cell, hidden};
        kernels->product_lstm(&p->factors, &cells);
        for (int i = 0; i < N; i++) {
            double x = (double)((float)(step + i) * 1e-3f);
            expect_near("sigmoid", (double)gates[i], logistic(x), SIGMOID);
            expect_near("tanh", (double)gates[3 * N + i], tanh(x), TANH);
            assert_true(fabsf(gates[3 * N + i]) <= 1.0f + 2 * FLT_EPSILON);
        }
    }
    problem_free(p);
}

/* NaN in a gate or (the last) in the cell before: of feature 5, and so it stays. */
static void test_lstm_nan(void **state) {
    const prnn_kernels *kernels = *state;
    problem *forward = nothing(kernels, 4), *back = nothing(kernels, 1);
    for (size_t gate = 0; gate < 5; gate++) {
        float gates[4 * N] = {0}, before[N] = {0}, cell[N], hidden[N];
        *(gate < 4 ? &gates[gate * N + 5] : &before[5]) = NAN;
        prnn_cells cells = {N, gates, before, gates, cell, hidden};
        kernels->product_lstm(&forward->factors, &cells);
        for (size_t i = 0; i < N; i++) {
            assert_true(isnan(hidden[i]) == (i == 5));
            assert_true(isnan(cell[i]) == (i == 5 && gate != 0));
        }
        float dstate[N] = {0}, dcell[N] = {0}, dgates[4 * N];
        prnn_cell_gradients cells_back = {N, 0, dstate, gates, before, cell, dcell, dgates};
        kernels->product_lstm_gradient(&back->factors, &cells_back);
        bool any = isnan(dcell[5]);
        for (size_t i = 0; i < 4; i++) {
            any |= isnan(dgates[i * N + 5]) != 0;
            assert_false(isnan(dgates[i * N + 4]));
        }
        assert_true(any);
    }
    problem_free(forward);
    problem_free(back);
}

/* NaN in a gradient that comes back, by the states or by the cells. */
static void test_lstm_gradient_nan(void **state) {
    const prnn_kernels *kernels = *state;
    problem *p = nothing(kernels, 1);
    for (int cell = 0; cell < 2; cell++) {
        guarded now[BACK], old[BACK];
        fill_back(1, N, now, old);
        now[cell ? BACK_DCELL : BACK_ADD].at[5] = NAN;
        prnn_cell_gradients cells = back_of(now, N, true);
        kernels->product_lstm_gradient(&p->factors, &cells);
        for (size_t i = 0; i < N; i++) {
            assert_true(isnan(now[BACK_DCELL].at[i]) == (i == 5));
            for (size_t g = 0; g < 4; g++) {
                bool reached = i == 5 && (g > 0 || !cell); /* no way from the cell to the output gate */
                assert_true(isnan(now[BACK_DGATES].at[g * N + i]) == reached);
            }
        }
        guarded_free_all(now, BACK);
        guarded_free_all(old, BACK);
    }
    problem_free(p);
}

int main(int count, char **arguments) {
    static const kernel_test tests[] = {
        {"product", test_product},
        {"product_gradient", test_product_gradient},
        {"NaN in products", test_product_nan},
        {"lstm", test_lstm},
        {"deep lstm", test_deep_lstm},
        {"lstm_gradient", test_lstm_gradient},
        {"tanh", test_tanh},
        {"NaN in lstm", test_lstm_nan},
        {"NaN in lstm_gradient", test_lstm_gradient_nan},
    };
    return run_on_all(tests, sizeof tests / sizeof *tests, count, arguments);
}

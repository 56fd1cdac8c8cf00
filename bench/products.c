/* Products of the shapes that occur: dense, without masks, of one tap. */
#include "bench.h"

#include "base/memory.h"
#include "kernels/kernels.h"

#include <dlfcn.h>
#include <string.h>

enum { BLOCKS = 16 };

typedef struct problem {
    prnn_context *ctx;
    const prnn_kernels *kernels;
    size_t rows, columns, depth;
    prnn_segment segment;
    prnn_source source;
    uint32_t features;
    prnn_matrix matrix;
    prnn_factors factors;
    prnn_target target;
    prnn_cells cells;
    prnn_cell_gradients gradients;
    float *dout, *gradient;
    void *blocks[BLOCKS]; /* all memory of it */
    int block_count;
} problem;

static float *numbers(problem *p, size_t n) {
    float *x = random_numbers(p->ctx, n, 0.5);
    p->blocks[p->block_count++] = x;
    return x;
}

/* Strips of full panels as layers/product.c makes them; with `gates`, a strip has the four gates of the same
 * hidden features. */
static void make_strips(problem *p, bool gates) {
    size_t panels = p->columns / PRNN_PANEL, size = (1 + p->depth) * PRNN_PANEL, count = 0;
    prnn_strip *strips = prnn_alloc(p->ctx, panels, sizeof *strips, "strips");
    int *list = prnn_alloc(p->ctx, panels, sizeof *list, "strips");
    must(p->ctx, strips && list ? PRNN_OK : PRNN_ERROR_MEMORY);
    p->blocks[p->block_count++] = strips;
    p->blocks[p->block_count++] = list;
    for (size_t done = 0; done < panels; count++) {
        size_t own = panels - done < PRNN_STRIP ? panels - done : PRNN_STRIP;
        strips[count] = (prnn_strip){.segments = 1,
                                     .panels = (uint32_t)own,
                                     .depth = (uint32_t)p->depth,
                                     .column = gates ? count * PRNN_PANEL : done * PRNN_PANEL,
                                     .step = gates ? p->columns / 4 : PRNN_PANEL,
                                     .at = done * size,
                                     .size = size};
        list[count] = (int)count;
        done += own;
    }
    p->matrix = (prnn_matrix){.strips = strips,
                              .strip_count = (int)count,
                              .segments = &p->segment,
                              .biased = true,
                              .taps = 1,
                              .features = &p->features,
                              .weights = panels * p->depth};
    p->factors.strips = (prnn_strip_list){list, (int)count};
}

static void problem_begin(problem *p, prnn_context *ctx, size_t rows, size_t columns, size_t depth,
                          bool gates) {
    *p = (problem){.ctx = ctx,
                   .kernels = prnn_kernels_of(ctx),
                   .rows = rows,
                   .columns = columns,
                   .depth = depth,
                   .segment = {0, 0, (uint32_t)depth},
                   .features = (uint32_t)depth};
    make_strips(p, gates);
    float *packed = numbers(p, columns * (depth + PRNN_PANEL));
    if (p->kernels->prepare) {
        p->kernels->prepare(&p->matrix, packed);
    }
    p->source = (prnn_source){numbers(p, rows * depth), depth};
    p->factors.matrix = &p->matrix;
    p->factors.packed = packed;
    p->factors.taps = &p->source;
    p->factors.rows = rows;
    p->factors.scratch = numbers(p, prnn_scratch_floats(&p->matrix));
}

static void problem_end(problem *p) {
    for (int i = 0; i < p->block_count; i++) {
        prnn_free(p->blocks[i]);
    }
}

/* ---------------------------------------------------------------------------------------- calls */

static void call_product(void *arg) {
    const problem *p = arg;
    p->kernels->product(&p->factors, &p->target);
}

/* cblas_sgemm of OpenBLAS, where that library is installed (it is not linked); else NULL. */
static void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                     const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static void find_sgemm(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);
    void *product = library ? dlsym(library, "cblas_sgemm") : NULL;
    void *threads = library ? dlsym(library, "openblas_set_num_threads") : NULL;
    void (*set_threads)(int);
    if (product && threads) {
        memcpy(&sgemm, &product, sizeof sgemm);
        memcpy(&set_threads, &threads, sizeof set_threads);
        set_threads(1);
    }
}

static void call_sgemm(void *arg) {
    enum { ROW_MAJOR = 101, PLAIN = 111 };
    const problem *p = arg;
    int m = (int)p->rows, n = (int)p->columns, k = (int)p->depth;
    sgemm(ROW_MAJOR, PLAIN, PLAIN, m, n, k, 1, p->source.at, k, p->factors.packed, n, 0, p->target.out, n);
}

static void call_product_gradient(void *arg) {
    const problem *p = arg;
    p->kernels->product_gradient(&p->factors, p->dout, p->columns, p->gradient);
}

static void call_lstm(void *arg) {
    const problem *p = arg;
    p->kernels->product_lstm(&p->factors, &p->cells);
}

static void call_lstm_gradient(void *arg) {
    const problem *p = arg;
    p->kernels->product_lstm_gradient(&p->factors, &p->gradients);
}

/* `more`: floats that are touched beside sources, weights and results. */
static void finish(problem *p, const options *o, const char *name, void (*call)(void *), double more,
                   FILE *out) {
    double m = (double)p->rows, n = (double)p->columns, k = (double)p->depth;
    double weight = p->kernels->prepare && call != call_product_gradient ? 2 : 4;
    kernel_result r = {.flop = 2 * m * n * k,
                       .bytes = 4 * (m * k + m * n + more) + weight * (k + 1) * n,
                       .footprint = 4 * (m * k + m * n + more) + weight * (k + 1) * n,
                       .arithmetic_only = call == call_lstm || call == call_lstm_gradient};
    if (call == call_product_gradient) {
        r.bytes += 4 * (k + 1) * n; /* it is read and written */
    }
    snprintf(r.kernel, sizeof r.kernel, "%s", name);
    snprintf(r.size, sizeof r.size, "%zux%zux%zu", p->rows, p->columns, p->depth);
    r.time = time_short((timed_call){call, p}, o->seconds / 20);
    fwrite(&r, sizeof r, 1, out);
    fflush(out);
    problem_end(p);
}

/* --------------------------------------------------------------------------------------- shapes */

static void time_product(const options *o, prnn_context *ctx, const size_t *shape, const char *name,
                         void (*call)(void *), FILE *out) {
    problem p;
    problem_begin(&p, ctx, shape[0], shape[1], shape[2], false);
    p.target = (prnn_target){.out = numbers(&p, p.rows * p.columns), .stride = p.columns};
    finish(&p, o, name, call, 0, out);
}

static void time_product_gradient(const options *o, prnn_context *ctx, const size_t *shape, FILE *out) {
    problem p;
    problem_begin(&p, ctx, shape[0], shape[1], shape[2], false);
    p.dout = numbers(&p, p.rows * p.columns);
    p.gradient = numbers(&p, p.columns * (p.depth + PRNN_PANEL));
    finish(&p, o, "product_gradient", call_product_gradient, 0, out);
}

/* A pixel of some images in a diagonal scan reads the state beside it, and adds the rest of the gates. A row
 * of pixels in a Row LSTM reads everything: three states, and two pixels of twice as many features. */
enum { ROW = 256, ROW_DEPTH = 3 + 2 * 2 };

static void time_lstm(const options *o, prnn_context *ctx, size_t rows, size_t hidden, FILE *out) {
    problem p;
    size_t cells = rows * hidden;
    problem_begin(&p, ctx, rows, 4 * hidden, rows == ROW ? ROW_DEPTH * hidden : hidden, true);
    p.cells = (prnn_cells){.hidden = hidden,
                           .gates = numbers(&p, 4 * cells),
                           .cell_before = numbers(&p, cells),
                           .cell = numbers(&p, cells),
                           .state = numbers(&p, cells)};
    p.cells.add = rows == ROW ? NULL : p.cells.gates;
    finish(&p, o, "product_lstm", call_lstm, 3 * (double)cells, out);
}

/* The gradient by the states: of a diagonal scan from the gates beside, of a Row LSTM from the layer's
 * output. */
static void time_lstm_gradient(const options *o, prnn_context *ctx, size_t rows, size_t hidden, FILE *out) {
    problem p;
    size_t cells = rows * hidden;
    problem_begin(&p, ctx, rows, hidden, (rows == ROW ? 2 : 4) * hidden, false);
    float *gates = numbers(&p, 4 * cells);
    for (size_t i = 0; i < 4 * cells; i++) {
        gates[i] = gates[i] + 0.5f;
    }
    p.gradients = (prnn_cell_gradients){.hidden = hidden,
                                        .add = numbers(&p, cells),
                                        .gates = gates,
                                        .cell_before = numbers(&p, cells),
                                        .cell = numbers(&p, cells),
                                        .dcell = numbers(&p, cells),
                                        .dgates = numbers(&p, 4 * cells)};
    finish(&p, o, "product_lstm_gradient", call_lstm_gradient, 11 * (double)cells, out);
}

void time_products(const options *o, prnn_context *ctx, FILE *out) {
    static const size_t shapes[][3] = {{1, 64, 32},   {8, 64, 16},     {16, 64, 16},    {224, 64, 48},
                                       {448, 64, 32}, {256, 128, 128}, {512, 256, 400}, {64, 1024, 1024}};
    static const size_t rows[] = {4, 8, ROW}, hidden[] = {16, 32, 64};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        time_product(o, ctx, shapes[i], "product", call_product, out);
    }
    find_sgemm();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && sgemm && !prnn_kernels_of(ctx)->prepare; i++) {
        time_product(o, ctx, shapes[i], "OpenBLAS's sgemm", call_sgemm, out);
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        time_product_gradient(o, ctx, shapes[i], out);
    }
    for (size_t i = 0; i < 9; i++) {
        time_lstm(o, ctx, rows[i / 3], hidden[i % 3], out);
    }
    for (size_t i = 0; i < 9; i++) {
        time_lstm_gradient(o, ctx, rows[i / 3], hidden[i % 3], out);
    }
}

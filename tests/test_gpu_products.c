/* Products of a device, and what follows them, on random structures: the bits of plain C. */
#include "gpu.h"

enum { MOST_STRIPS = 8, MOST_SEGMENTS = 128, TAPS = 6 };

/* A random product, as plain C and as a device has it. */
typedef struct problem {
    prnn_matrix matrix;
    prnn_strip strips[MOST_STRIPS];
    prnn_segment segments[MOST_SEGMENTS];
    uint32_t features[TAPS];
    int list[MOST_STRIPS];
    prnn_gpu_strip gpu_strips[MOST_STRIPS];
    prnn_gpu_segment gpu_segments[MOST_SEGMENTS];
    prnn_gpu_place taps[TAPS];
    uint32_t images; /* the taps' of a gradient; else 1 */
    uint32_t rows, run, columns;
    size_t packed, memory; /* floats */
} problem;

/* Some features of some taps, in any order. */
static void add_segments(problem *p, prnn_strip *s, const uint32_t *widths) {
    uint32_t n = below(7);
    s->first_segment = 0;
    for (int i = 0; i < p->matrix.strip_count; i++) {
        s->first_segment += p->strips[i].segments;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t t = below((uint32_t)p->matrix.taps), first = below(widths[t]);
        prnn_segment g = {t, first, 1 + below(widths[t] - first)};
        p->segments[s->first_segment + i] = g;
        p->gpu_segments[s->first_segment + i] = (prnn_gpu_segment){g.tap, g.first, g.count};
        s->depth += g.count;
        p->matrix.weights += g.count * s->panels;
        p->features[t] = first + g.count > p->features[t] ? first + g.count : p->features[t];
    }
    s->segments = n;
}

static void add_strip(problem *p, uint32_t panels, size_t column, size_t step, const uint32_t *widths) {
    int n = p->matrix.strip_count;
    prnn_strip s = {.panels = panels, .column = column, .step = step, .at = p->packed};
    add_segments(p, &s, widths);
    s.size = (1 + (size_t)s.depth) * PRNN_PANEL;
    p->packed += panels * s.size;
    p->strips[n] = s;
    p->list[n] = n;
    p->gpu_strips[n] = (prnn_gpu_strip){.at = s.at,
                                        .first_segment = s.first_segment,
                                        .segments = s.segments,
                                        .panels = panels,
                                        .column = (uint32_t)column,
                                        .step = (uint32_t)step,
                                        .size = (uint32_t)s.size,
                                        .depth = s.depth};
    p->matrix.strip_count++;
}

/* With `hidden`, of the gates of so many cells. */
static problem *new_problem(uint32_t hidden) {
    problem *p = calloc(1, sizeof *p);
    assert_non_null(p);
    uint32_t widths[TAPS];
    p->images = 1;
    p->rows = 1 + below(below(4) ? 60 : 400);
    p->run = 1 + below(p->rows + 10);
    p->matrix.taps = (int)(1 + below(TAPS));
    p->matrix.strips = p->strips;
    p->matrix.segments = p->segments;
    p->matrix.features = p->features;
    p->matrix.biased = below(4) != 0;
    for (int t = 0; t < p->matrix.taps; t++) {
        widths[t] = 1 + below(90);
        p->taps[t] = new_place(&p->memory, widths[t], p->rows, p->run);
    }
    uint32_t strips = hidden ? hidden / PRNN_PANEL : 1 + below(MOST_STRIPS);
    for (uint32_t s = 0; s < strips; s++) {
        uint32_t panels = hidden ? 4 : 1 + below(4);
        add_strip(p, panels, hidden ? s * PRNN_PANEL : p->columns, hidden ? hidden : PRNN_PANEL, widths);
        p->columns += panels * PRNN_PANEL;
    }
    return p;
}

/* The product as plain C has it, for positions q * run .. of one run. */
typedef struct piece {
    prnn_factors factors;
    prnn_source sources[TAPS];
} piece;

static void cut(const problem *p, uint32_t q, const float *packed, const float *memory, piece *c) {
    uint32_t first = q * p->run, left = p->rows - first;
    for (int t = 0; t < p->matrix.taps; t++) {
        c->sources[t] = (prnn_source){memory + position(p->taps[t], first, p->run), p->taps[t].stride};
    }
    c->factors = (prnn_factors){.matrix = &p->matrix,
                                .packed = packed,
                                .taps = c->sources,
                                .rows = left < p->run ? left : p->run,
                                .strips = {p->list, p->matrix.strip_count}};
}

static float *place_in(float *memory, const problem *p, prnn_gpu_place place, uint32_t q) {
    return place.at == PRNN_GPU_NONE ? NULL : memory + position(place, q * p->run, p->run);
}

static prnn_gpu_factors factors_of(const problem *p) {
    return (prnn_gpu_factors){.rows = p->rows, .run = p->run, .images = 1};
}

static const prnn_gpu_place NOWHERE = {.at = PRNN_GPU_NONE};

/* The tables of a problem on a device, with weights and memory. */
typedef struct tables {
    prnn_gpu_block *strips, *segments, *taps, *packed, *memory;
    float *weights, *before, *expected; /* of plain C: memory before and after */
} tables;

/* A map whose pixels lie as those of a place, of which one row is kept. */
static prnn_gpu_tap tap_of(const problem *p, prnn_gpu_place place) {
    uint32_t line = p->images > 1 || place.line ? place.line : place.pitch;
    return (prnn_gpu_tap){.at = place.at / p->images,
                          .stride = place.stride,
                          .width = line / (place.stride * p->images),
                          .rows = 1,
                          .row = below(3)};
}

static tables new_tables(rig *r, const problem *p) {
    tables t = {.weights = any_floats(p->packed), .before = any_floats(p->memory)};
    t.expected = malloc(p->memory * sizeof(float));
    memcpy(t.expected, t.before, p->memory * sizeof(float));
    t.strips = put(r, p->gpu_strips, sizeof p->gpu_strips);
    t.segments = put(r, p->gpu_segments, sizeof p->gpu_segments);
    prnn_gpu_tap taps[TAPS] = {{0}};
    for (int i = 0; i < p->matrix.taps; i++) {
        taps[i] = tap_of(p, p->taps[i]);
    }
    t.taps = put(r, taps, sizeof taps);
    t.packed = put(r, t.weights, p->packed * sizeof(float));
    t.memory = put(r, t.before, p->memory * sizeof(float));
    return t;
}

static void launch_product(rig *r, const char *kernel, const problem *p, const tables *t, const void *l,
                           size_t size, uint32_t rows) {
    char name[64];
    snprintf(name, sizeof name, "%s_%d", kernel, rows / 16);
    LAUNCH(r, name, p->matrix.strip_count, groups_of(p->rows, rows), 128, {l, size},
           PRNN_GPU_BLOCK(t->strips), PRNN_GPU_BLOCK(t->segments), PRNN_GPU_BLOCK(t->taps),
           PRNN_GPU_BLOCK(t->packed), PRNN_GPU_BLOCK(t->memory));
}

static void compare_tables(rig *r, const char *what, const problem *p, tables *t) {
    take(r, t->memory, t->before, p->memory * sizeof(float));
    expect_bits(what, t->before, t->expected, p->memory);
    prnn_gpu_block *all[] = {t->strips, t->segments, t->taps, t->packed, t->memory};
    for (int i = 0; i < 5; i++) {
        drop(r, all[i]);
    }
    free(t->weights);
    free(t->before);
    free(t->expected);
}

static uint32_t runs_of(const problem *p) {
    return (p->rows + p->run - 1) / p->run;
}

enum { TRIALS = 24 };

/* Positions of a tile. */
static uint32_t any_tile(void) {
    return below(2) ? 128 : 32;
}

static void product(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        problem *p = new_problem(0);
        prnn_gpu_product l = {.f = factors_of(p), .add = NOWHERE, .relu = below(2)};
        l.out = new_place(&p->memory, p->columns, p->rows, p->run);
        if (below(3)) {
            l.add = below(2) ? l.out : new_place(&p->memory, p->columns, p->rows, p->run);
        }
        tables t = new_tables(r, p);
        for (uint32_t q = 0; q < runs_of(p); q++) {
            piece c;
            cut(p, q, t.weights, t.expected, &c);
            prnn_target target = {place_in(t.expected, p, l.out, q), l.out.stride,
                                  place_in(t.expected, p, l.add, q), l.add.stride, l.relu != 0};
            prnn_kernels_generic.product(&c.factors, &target);
        }
        launch_product(r, "product", p, &t, &l, sizeof l, any_tile());
        compare_tables(r, "product", p, &t);
        free(p);
    }
}

/* Cells before, with the last steps' of their place. */
static void product_lstm(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        uint32_t hidden = PRNN_PANEL * (1 + below(5));
        problem *p = new_problem(hidden);
        prnn_gpu_lstm l = {.f = factors_of(p), .add = NOWHERE, .gates = NOWHERE, .hidden = hidden};
        l.before = new_place(&p->memory, hidden, p->rows, p->run);
        l.cell = new_place(&p->memory, hidden, p->rows, p->run);
        l.state = new_place(&p->memory, hidden, p->rows, p->run);
        if (below(3)) {
            l.gates = new_place(&p->memory, 4 * hidden, p->rows, p->run);
        }
        if (below(3)) {
            bool same = l.gates.at != PRNN_GPU_NONE && below(2);
            l.add = same ? l.gates : new_place(&p->memory, 4 * hidden, p->rows, p->run);
        }
        tables t = new_tables(r, p);
        for (uint32_t q = 0; q < runs_of(p); q++) {
            piece c;
            cut(p, q, t.weights, t.expected, &c);
            prnn_cells cells = {.hidden = hidden,
                                .add = place_in(t.expected, p, l.add, q),
                                .cell_before = place_in(t.expected, p, l.before, q),
                                .gates = place_in(t.expected, p, l.gates, q),
                                .cell = place_in(t.expected, p, l.cell, q),
                                .state = place_in(t.expected, p, l.state, q)};
            prnn_kernels_generic.product_lstm(&c.factors, &cells);
        }
        launch_product(r, "product_lstm", p, &t, &l, sizeof l, any_tile());
        compare_tables(r, "product_lstm", p, &t);
        free(p);
    }
}

static void product_lstm_gradient(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        problem *p = new_problem(0);
        uint32_t hidden = p->columns;
        prnn_gpu_lstm_gradient l = {.f = factors_of(p), .add = NOWHERE, .hidden = hidden};
        prnn_gpu_place *const narrow[] = {&l.before, &l.cell, &l.dcell}, *const wide[] = {&l.gates,
                                                                                          &l.dgates};
        for (int i = 0; i < 3; i++) {
            *narrow[i] = new_place(&p->memory, hidden, p->rows, p->run);
        }
        for (int i = 0; i < 2; i++) {
            *wide[i] = new_place(&p->memory, 4 * hidden, p->rows, p->run);
        }
        if (below(2)) {
            l.add = new_place(&p->memory, hidden, p->rows, p->run);
        }
        tables t = new_tables(r, p);
        for (uint32_t q = 0; q < runs_of(p); q++) {
            piece c;
            cut(p, q, t.weights, t.expected, &c);
            prnn_cell_gradients cells = {.hidden = hidden,
                                         .add = place_in(t.expected, p, l.add, q),
                                         .gates = place_in(t.expected, p, l.gates, q),
                                         .cell_before = place_in(t.expected, p, l.before, q),
                                         .cell = place_in(t.expected, p, l.cell, q),
                                         .dcell = place_in(t.expected, p, l.dcell, q),
                                         .dgates = place_in(t.expected, p, l.dgates, q)};
            prnn_kernels_generic.product_lstm_gradient(&c.factors, &cells);
        }
        launch_product(r, "product_lstm_gradient", p, &t, &l, sizeof l, any_tile());
        compare_tables(r, "product_lstm_gradient", p, &t);
        free(p);
    }
}

/* ----------------------------------------------------------------------------- gradient by the weights */

enum { MOST_LANES = 5, MOST_ROWS = 6 };

/* Some images of some pixels, in lanes. */
typedef struct batch {
    uint32_t images, width, height, lanes;
    bool dense;
    prnn_gpu_lanes l;
} batch;

static batch new_batch(void) {
    batch b = {.images = 1 + below(9),
               .width = 1 + below(50),
               .height = 1 + below(MOST_ROWS),
               .dense = below(2) != 0};
    uint32_t lane = (b.images + MOST_LANES - 1) / MOST_LANES + below(4);
    b.lanes = (b.images + lane - 1) / lane;
    b.l = (prnn_gpu_lanes){b.images, lane, b.height, b.width, 1 + below(b.height + 1), b.dense};
    if (b.l.block > b.height) {
        b.l.block = b.height;
    }
    return b;
}

/* A map of all images' pixels, with margins unless it is dense. */
static prnn_gpu_place new_image_place(size_t *used, uint32_t width, const batch *b) {
    uint32_t stride = (width + 15) / 16 * 16;
    prnn_gpu_place p = {.at = (*used + b->images - 1) / b->images * b->images, .stride = stride};
    p.pitch = stride * b->images;
    p.line = p.pitch * (b->width + (b->dense ? 0 : below(3)));
    *used = (size_t)p.at + (size_t)b->height * p.line + 16;
    return p;
}

static uint32_t images_of(const batch *b, uint32_t lane) {
    uint32_t left = b->images - lane * b->l.lane;
    return left < b->l.lane ? left : b->l.lane;
}

/* Chunks of a block: the rows of it, or all of them at once. */
typedef struct chunk {
    uint32_t row, rows;
} chunk;

static uint32_t chunks_of(const batch *b, chunk *all) {
    uint32_t n = 0;
    for (uint32_t end = b->height; end > 0; end = (end - 1) / b->l.block * b->l.block) {
        uint32_t first = (end - 1) / b->l.block * b->l.block;
        for (uint32_t row = first; row < end; row += b->dense ? end - first : 1) {
            all[n++] = (chunk){row, b->dense ? end - first : 1};
        }
    }
    return n;
}

static uint32_t positions_of(const batch *b, uint32_t lane, chunk c) {
    return c.rows * b->l.pixels * images_of(b, lane);
}

/* Position m of a chunk of a lane. */
static size_t chunk_position(const batch *b, prnn_gpu_place p, uint32_t lane, chunk c, uint32_t m) {
    uint32_t n = images_of(b, lane), image = lane * b->l.lane + m % n;
    return (size_t)(p.at + (uint64_t)c.row * p.line + (uint64_t)image * p.stride +
                    (uint64_t)(m / n) * p.pitch);
}

/* The positions of a chunk behind each other. */
static float *gather(const batch *b, const float *memory, prnn_gpu_place p, uint32_t lane, chunk c) {
    float *rows = malloc((size_t)positions_of(b, lane, c) * p.stride * sizeof(float));
    assert_non_null(rows);
    for (uint32_t m = 0; m < positions_of(b, lane, c); m++) {
        memcpy(rows + (size_t)m * p.stride, memory + chunk_position(b, p, lane, c, m),
               p.stride * sizeof(float));
    }
    return rows;
}

static void plain_gradient(const problem *p, const batch *b, prnn_gpu_place dout, const float *memory,
                           float *sums) {
    chunk all[MOST_ROWS];
    uint32_t chunks = chunks_of(b, all);
    for (uint32_t lane = 0; lane < b->lanes; lane++) {
        for (uint32_t n = 0; n < chunks; n++) {
            prnn_source sources[TAPS];
            float *rows[TAPS], *d = gather(b, memory, dout, lane, all[n]);
            for (int t = 0; t < p->matrix.taps; t++) {
                rows[t] = gather(b, memory, p->taps[t], lane, all[n]);
                sources[t] = (prnn_source){rows[t], p->taps[t].stride};
            }
            prnn_factors f = {.matrix = &p->matrix, .taps = sources, .rows = positions_of(b, lane, all[n])};
            prnn_kernels_generic.product_gradient(&f, d, dout.stride, sums + lane * p->packed);
            for (int t = 0; t < p->matrix.taps; t++) {
                free(rows[t]);
            }
            free(d);
        }
    }
}

/* It is added to what is there. */
static void product_gradient(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        problem *p = new_problem(0);
        batch b = new_batch();
        p->memory = 0;
        p->images = b.images;
        for (int t = 0; t < p->matrix.taps; t++) {
            p->taps[t] = new_image_place(&p->memory, p->taps[t].stride, &b);
        }
        prnn_gpu_product_gradient l = {.lanes = b.l, .lane_size = p->packed, .biased = p->matrix.biased};
        l.dout = new_image_place(&p->memory, p->columns, &b);
        prnn_gpu_tile tiles[64];
        uint32_t count = 0;
        for (int s = 0; s < p->matrix.strip_count; s++) {
            uint32_t feature = 0;
            do {
                tiles[count++] = (prnn_gpu_tile){(uint32_t)s, feature};
                feature += 128;
            } while (feature < p->strips[s].depth);
        }
        tables t = new_tables(r, p);
        size_t floats = b.lanes * p->packed;
        float *own = any_floats(floats), *expected = malloc(floats * sizeof(float));
        memcpy(expected, own, floats * sizeof(float));
        plain_gradient(p, &b, l.dout, t.before, expected);
        prnn_gpu_block *tile = put(r, tiles, sizeof tiles), *gradient = put(r, own, floats * sizeof(float));
        LAUNCH(r, "product_gradient", count, b.lanes, 256, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(tile),
               PRNN_GPU_BLOCK(t.strips), PRNN_GPU_BLOCK(t.segments), PRNN_GPU_BLOCK(t.taps),
               PRNN_GPU_BLOCK(t.memory), PRNN_GPU_BLOCK(gradient));
        take(r, gradient, own, floats * sizeof(float));
        expect_bits("product_gradient", own, expected, floats);
        compare_tables(r, "what product_gradient reads", p, &t);
        drop(r, tile);
        drop(r, gradient);
        free(expected);
        free(own);
        free(p);
    }
}

/* The gradient by an initial state. */
static void sum(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS / 4; trial++) {
        batch b = new_batch();
        size_t floats = 0;
        prnn_gpu_sum l = {.lanes = b.l, .width = 16 * (1 + below(12)), .at = below(5), .lane_size = 300};
        l.from = new_image_place(&floats, l.width, &b);
        float *memory = any_floats(floats), *own = any_floats(MOST_LANES * 300),
              *expected = malloc(MOST_LANES * 1200);
        memcpy(expected, own, MOST_LANES * 1200);
        chunk all[MOST_ROWS];
        uint32_t chunks = chunks_of(&b, all);
        for (uint32_t lane = 0; lane < b.lanes; lane++) {
            for (uint32_t n = 0; n < chunks; n++) {
                for (uint32_t m = 0; m < positions_of(&b, lane, all[n]); m++) {
                    for (uint32_t i = 0; i < l.width; i++) {
                        expected[lane * 300 + l.at + i] +=
                            memory[chunk_position(&b, l.from, lane, all[n], m) + i];
                    }
                }
            }
        }
        prnn_gpu_block *from = put(r, memory, floats * 4), *to = put(r, own, MOST_LANES * 1200);
        LAUNCH(r, "sum", groups_of(l.width, 128), b.lanes, 128, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(from),
               PRNN_GPU_BLOCK(to));
        take(r, to, own, MOST_LANES * 1200);
        expect_bits("sum", own, expected, MOST_LANES * 300);
        drop(r, from);
        drop(r, to);
        free(memory);
        free(own);
        free(expected);
    }
}

int main(int count, char **arguments) {
    const kernel_test tests[] = {
        {"product", product},
        {"product_lstm", product_lstm},
        {"product_lstm_gradient", product_lstm_gradient},
        {"product_gradient", product_gradient},
        {"sum", sum},
    };
    return run_on_devices(PRNN_GPU_FP32, tests, sizeof tests / sizeof *tests, count, arguments);
}

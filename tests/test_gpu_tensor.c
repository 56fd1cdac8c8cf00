/* Products of bf16 numbers on a device's tensor cores, or their emulation, on random structures: what plain C
 * has, but for rounding (tensor cores add in an order of their own, and their tanh is an approximation). */
#include "gpu.h"

enum { MOST_STRIPS = 3, MOST_UNITS = 64, TAPS = 5, TRIALS = 12, MOST_OUT = 6 };

typedef struct problem {
    prnn_gpu_wide strips[MOST_STRIPS];
    prnn_gpu_unit units[MOST_UNITS];
    prnn_gpu_place taps[TAPS];
    uint32_t taps_count, widths[TAPS], strip_count, unit_count, rows, run, columns;
    size_t weights, biases, memory; /* numbers; floats */
} problem;

/* A map for the positions; bf16, or either. */
static prnn_gpu_place map_of(problem *p, uint32_t width, bool bf16) {
    prnn_gpu_place place = new_place(&p->memory, width, p->rows, p->run);
    if (bf16 || below(2)) {
        place.at *= 2;
        place.bf16 = 1;
    }
    return place;
}

static void add_strip(problem *p, uint32_t blocks, const uint32_t *columns) {
    prnn_gpu_wide *s = &p->strips[p->strip_count];
    *s = (prnn_gpu_wide){.at = p->weights,
                         .bias = p->strip_count * PRNN_GPU_WIDE,
                         .first_unit = p->unit_count,
                         .units = below(20),
                         .blocks = blocks};
    memcpy(s->column, columns, blocks * sizeof *columns);
    for (uint32_t u = 0; u < s->units; u++) {
        uint32_t tap = below(p->taps_count);
        p->units[p->unit_count++] = (prnn_gpu_unit){tap, 8 * below(p->widths[tap] / 8)};
    }
    p->weights += (size_t)(s->units + 3) / 4 * 32 * PRNN_GPU_WIDE;
    p->biases += PRNN_GPU_WIDE;
    p->strip_count++;
}

/* With `hidden`, of the gates of so many cells. */
static problem *new_problem(uint32_t hidden) {
    problem *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->rows = 1 + below(below(3) ? 60 : 300);
    p->run = 1 + below(p->rows + 10);
    p->taps_count = 1 + below(TAPS);
    for (uint32_t t = 0; t < p->taps_count; t++) {
        p->widths[t] = 8 * (1 + below(12));
        p->taps[t] = map_of(p, p->widths[t], true);
    }
    uint32_t columns[PRNN_GPU_BLOCKS];
    for (uint32_t unit = 0; unit < hidden;) {
        uint32_t blocks = 0;
        for (; unit < hidden && blocks < PRNN_GPU_BLOCKS; unit += 8) {
            for (uint32_t g = 0; g < 4; g++) {
                columns[blocks++] = g * hidden + unit;
            }
        }
        add_strip(p, blocks, columns);
    }
    for (uint32_t s = hidden ? 0 : 1 + below(MOST_STRIPS); s > 0; s--) {
        uint32_t blocks = 1 + below(PRNN_GPU_BLOCKS);
        for (uint32_t b = 0; b < blocks; b++) {
            columns[b] = p->columns + 8 * (blocks - 1 - b);
        }
        add_strip(p, blocks, columns);
        p->columns += 8 * blocks;
    }
    p->columns = hidden ? 4 * hidden : p->columns;
    return p;
}

/* -------------------------------------------------------------------------------------------- numbers */

static uint16_t rounded(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static float widened(uint16_t h) {
    uint32_t u = (uint32_t)h << 16;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static float get(const float *memory, prnn_gpu_place place, size_t at) {
    return place.bf16 ? widened(((const uint16_t *)memory)[at]) : memory[at];
}

static void set(float *memory, prnn_gpu_place place, size_t at, float x) {
    if (place.bf16) {
        ((uint16_t *)memory)[at] = rounded(x);
    } else {
        memory[at] = x;
    }
}

/* ------------------------------------------------------------------------------------------ plain C */

/* What a device has, and what plain C made of it. */
typedef struct tables {
    prnn_gpu_block *strips, *units, *taps, *weights, *biases, *memory;
    uint16_t *halves;
    float *bias, *own, *expected;
} tables;

/* A map whose pixels lie as those of a place, of which one row is kept. */
static prnn_gpu_tap tap_of(prnn_gpu_place place) {
    return (prnn_gpu_tap){.at = place.at,
                          .stride = place.stride,
                          .width = place.pitch / place.stride,
                          .rows = 1,
                          .row = below(3)};
}

static tables new_tables(rig *r, const problem *p) {
    tables t = {.halves = calloc(p->weights + 1, sizeof(uint16_t)), .bias = any_floats(p->biases)};
    size_t bytes = p->memory * sizeof(float);
    t.own = any_floats(p->memory);
    for (size_t i = 0; i < p->memory; i++) { /* numbers of either kind */
        float x = any_float();
        uint32_t pair = (uint32_t)rounded(any_float()) << 16 | rounded(any_float());
        memcpy(&t.own[i], below(2) ? (void *)&x : (void *)&pair, sizeof x);
    }
    for (uint32_t s = 0; s < p->strip_count; s++) {
        for (size_t i = 0; i < (size_t)8 * p->strips[s].units * PRNN_GPU_WIDE; i++) {
            t.halves[p->strips[s].at + i] = rounded(any_float());
        }
    }
    t.expected = malloc(bytes);
    t.strips = put(r, p->strips, sizeof p->strips);
    t.units = put(r, p->units, sizeof p->units);
    prnn_gpu_tap taps[TAPS] = {{0}};
    for (uint32_t i = 0; i < p->taps_count; i++) {
        taps[i] = tap_of(p->taps[i]);
    }
    t.taps = put(r, taps, sizeof taps);
    t.weights = put(r, t.halves, (p->weights + 1) * sizeof(uint16_t));
    t.biases = put(r, t.bias, p->biases * sizeof(float));
    return t;
}

/* Numbers of a place that both kinds of reading take for small ones. */
static void prepare_place(tables *t, const problem *p, prnn_gpu_place place, uint32_t width) {
    for (uint32_t m = 0; place.at != PRNN_GPU_NONE && m < p->rows; m++) {
        for (uint32_t i = 0; i < width; i++) {
            set(t->own, place, position(place, m, p->run) + i, any_float());
        }
    }
}

static void upload_memory(rig *r, tables *t, const problem *p) {
    for (uint32_t i = 0; i < p->taps_count; i++) {
        prepare_place(t, p, p->taps[i], p->widths[i]);
    }
    memcpy(t->expected, t->own, p->memory * sizeof(float));
    t->memory = put(r, t->own, p->memory * sizeof(float));
}

/* The sum for number `n` of block b of a strip, at position m. */
static float sum_of(const problem *p, const tables *t, const prnn_gpu_wide *s, uint32_t m, uint32_t b,
                    uint32_t n, prnn_gpu_place add) {
    double sum = (double)t->bias[s->bias + 8 * b + n];
    if (add.at != PRNN_GPU_NONE) {
        sum += (double)get(t->expected, add, position(add, m, p->run) + s->column[b] + n);
    }
    for (uint32_t u = 0; u < s->units; u++) {
        prnn_gpu_unit unit = p->units[s->first_unit + u];
        size_t at = position(p->taps[unit.tap], m, p->run) + unit.first;
        for (uint32_t k = 0; k < 8; k++) {
            double w = (double)widened(t->halves[s->at + (size_t)(8 * u + k) * PRNN_GPU_WIDE + 8 * b + n]);
            sum += w * (double)get(t->expected, p->taps[unit.tap], at + k);
        }
    }
    return (float)sum;
}

static void launch_tensor(rig *r, const char *kernel, const problem *p, const tables *t, const void *l,
                          size_t size) {
    char name[64];
    uint32_t tall = below(3) == 0 ? 4 : 1 + below(2);
    snprintf(name, sizeof name, "%s_tall%d", kernel, (int)tall);
    LAUNCH(r, name, p->strip_count, groups_of(p->rows, 32 * tall), 128, {l, size}, PRNN_GPU_BLOCK(t->strips),
           PRNN_GPU_BLOCK(t->units), PRNN_GPU_BLOCK(t->taps), PRNN_GPU_BLOCK(t->weights),
           PRNN_GPU_BLOCK(t->biases), PRNN_GPU_BLOCK(t->memory));
}

/* The results in `out`, within rounding; all else as it was, to the bit. */
static void compare_tables(rig *r, const problem *p, tables *t, const prnn_gpu_place *out,
                           const uint32_t *widths, int count) {
    take(r, t->memory, t->own, p->memory * sizeof(float));
    for (int o = 0; o < count; o++) {
        for (uint32_t m = 0; out[o].at != PRNN_GPU_NONE && m < p->rows; m++) {
            for (uint32_t i = 0; i < widths[o]; i++) {
                size_t at = position(out[o], m, p->run) + i;
                double own = (double)get(t->own, out[o], at), expected = (double)get(t->expected, out[o], at);
                expect_near("tensor cores", own, expected, 4e-3 + fabs(expected) / 100);
                set(t->expected, out[o], at, get(t->own, out[o], at));
            }
        }
    }
    assert_memory_equal(t->own, t->expected, p->memory * sizeof(float));
    prnn_gpu_block *all[] = {t->strips, t->units, t->taps, t->weights, t->biases, t->memory};
    for (int i = 0; i < 6; i++) {
        drop(r, all[i]);
    }
    free(t->halves);
    free(t->bias);
    free(t->own);
    free(t->expected);
}

static const prnn_gpu_place NOWHERE = {.at = PRNN_GPU_NONE};

static void product(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        problem *p = new_problem(0);
        prnn_gpu_product l = {
            .f = {.rows = p->rows, .run = p->run, .images = 1}, .add = NOWHERE, .relu = below(2)};
        l.out = map_of(p, p->columns, false);
        if (below(3)) {
            l.add = below(2) ? l.out : map_of(p, p->columns, false);
        }
        tables t = new_tables(r, p);
        prepare_place(&t, p, l.add, p->columns);
        upload_memory(r, &t, p);
        for (uint32_t m = 0; m < p->rows; m++) {
            for (uint32_t n = 0; n < p->strip_count; n++) {
                const prnn_gpu_wide *s = &p->strips[n];
                for (uint32_t c = 0; c < 8 * s->blocks; c++) {
                    float x = sum_of(p, &t, s, m, c / 8, c % 8, l.add);
                    set(t.expected, l.out, position(l.out, m, p->run) + s->column[c / 8] + c % 8,
                        l.relu && x < 0 ? 0 : x);
                }
            }
        }
        launch_tensor(r, "product", p, &t, &l, sizeof l);
        compare_tables(r, p, &t, &l.out, &p->columns, 1);
        free(p);
    }
}

static float sigmoid(float x) {
    return (float)(1 / (1 + exp(-(double)x)));
}

static void plain_cell(const problem *p, tables *t, const prnn_gpu_lstm *l, uint32_t m, uint32_t unit,
                       const float *sum) {
    float o = sigmoid(sum[0]), f = sigmoid(sum[1]), in = sigmoid(sum[2]), g = tanhf(sum[3]);
    float cell = f * get(t->expected, l->before, position(l->before, m, p->run) + unit) + in * g;
    const float gates[] = {o, f, in, g};
    set(t->expected, l->cell, position(l->cell, m, p->run) + unit, cell);
    set(t->expected, l->state, position(l->state, m, p->run) + unit, o * tanhf(cell));
    for (uint32_t i = 0; i < 4 && l->gates.at != PRNN_GPU_NONE; i++) {
        set(t->expected, l->gates, position(l->gates, m, p->run) + i * l->hidden + unit, gates[i]);
    }
}

static void product_lstm(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        uint32_t hidden = 16 * (1 + below(5));
        problem *p = new_problem(hidden);
        prnn_gpu_lstm l = {.f = {.rows = p->rows, .run = p->run, .images = 1},
                           .add = NOWHERE,
                           .gates = NOWHERE,
                           .hidden = hidden};
        l.before = map_of(p, hidden, false);
        l.cell = map_of(p, hidden, false);
        l.state = map_of(p, hidden, false);
        if (below(3)) {
            l.gates = map_of(p, 4 * hidden, false);
        }
        if (below(3)) {
            l.add = l.gates.at != PRNN_GPU_NONE && below(2) ? l.gates : map_of(p, 4 * hidden, false);
        }
        tables t = new_tables(r, p);
        prepare_place(&t, p, l.add, 4 * hidden);
        prepare_place(&t, p, l.before, hidden);
        upload_memory(r, &t, p);
        for (uint32_t m = 0; m < p->rows; m++) {
            for (uint32_t unit = 0; unit < hidden; unit++) {
                const prnn_gpu_wide *s = &p->strips[unit / 32];
                float sum[4];
                for (uint32_t g = 0; g < 4; g++) {
                    sum[g] = sum_of(p, &t, s, m, unit % 32 / 8 * 4 + g, unit % 8, l.add);
                }
                plain_cell(p, &t, &l, m, unit, sum);
            }
        }
        launch_tensor(r, "product_lstm", p, &t, &l, sizeof l);
        const prnn_gpu_place out[] = {l.cell, l.state, l.gates};
        compare_tables(r, p, &t, out, (uint32_t[]){hidden, hidden, 4 * hidden}, 3);
        free(p);
    }
}

static void plain_cell_gradient(const problem *p, tables *t, const prnn_gpu_lstm_gradient *l, uint32_t m,
                                uint32_t unit, float ds) {
    float gates[4], *x = t->expected;
    for (uint32_t i = 0; i < 4; i++) {
        gates[i] = get(x, l->gates, position(l->gates, m, p->run) + i * l->hidden + unit);
    }
    float o = gates[0], f = gates[1], in = gates[2], g = gates[3];
    float tc = tanhf(get(x, l->cell, position(l->cell, m, p->run) + unit));
    size_t at = position(l->dcell, m, p->run) + unit;
    float dc = ds * o * (1 - tc * tc) + get(x, l->dcell, at);
    float before = get(x, l->before, position(l->before, m, p->run) + unit);
    const float d[] = {ds * tc * o * (1 - o), dc * before * f * (1 - f), dc * g * in * (1 - in),
                       dc * in * (1 - g * g)};
    for (uint32_t i = 0; i < 4; i++) {
        set(x, l->dgates, position(l->dgates, m, p->run) + i * l->hidden + unit, d[i]);
    }
    set(x, l->dcell, at, dc * f);
}

static void product_lstm_gradient(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS; trial++) {
        problem *p = new_problem(0);
        uint32_t hidden = p->columns;
        prnn_gpu_lstm_gradient l = {
            .f = {.rows = p->rows, .run = p->run, .images = 1}, .add = NOWHERE, .hidden = hidden};
        l.gates = map_of(p, 4 * hidden, false), l.dgates = map_of(p, 4 * hidden, true);
        l.before = map_of(p, hidden, false), l.cell = map_of(p, hidden, false);
        l.dcell = map_of(p, hidden, false);
        if (below(2)) {
            l.add = map_of(p, hidden, false);
        }
        tables t = new_tables(r, p);
        const prnn_gpu_place in[] = {l.before, l.cell, l.dcell, l.add};
        for (int i = 0; i < 4; i++) {
            prepare_place(&t, p, in[i], hidden);
        }
        prepare_place(&t, p, l.gates, 4 * hidden);
        upload_memory(r, &t, p);
        for (uint32_t m = 0; m < p->rows; m++) {
            for (uint32_t n = 0; n < p->strip_count; n++) {
                const prnn_gpu_wide *s = &p->strips[n];
                for (uint32_t c = 0; c < 8 * s->blocks; c++) {
                    float ds = sum_of(p, &t, s, m, c / 8, c % 8, l.add);
                    plain_cell_gradient(p, &t, &l, m, s->column[c / 8] + c % 8, ds);
                }
            }
        }
        launch_tensor(r, "product_lstm_gradient", p, &t, &l, sizeof l);
        const prnn_gpu_place out[] = {l.dgates, l.dcell};
        compare_tables(r, p, &t, out, (uint32_t[]){4 * hidden, hidden}, 2);
        free(p);
    }
}

/* ----------------------------------------------------------------------------- gradient by the weights */

static double gradient_of(const problem *p, const tables *t, const prnn_gpu_wide_gradient *l, uint32_t slice,
                          const prnn_gpu_wide *s, int feature, uint32_t c) {
    double sum = 0;
    for (uint32_t m = slice * l->per; m < (slice + 1) * l->per && m < p->rows; m++) {
        double d = (double)get(t->expected, l->dout, position(l->dout, m, p->run) + s->column[c / 8] + c % 8);
        prnn_gpu_unit unit = p->units[s->first_unit + (feature < 0 ? 0 : (uint32_t)feature / 8)];
        size_t at = position(p->taps[unit.tap], m, p->run) + unit.first + (uint32_t)feature % 8;
        sum += feature < 0 ? d : d * (double)get(t->expected, p->taps[unit.tap], at);
    }
    return sum;
}

/* Where the packed weights are: eights in any order, some nowhere. */
typedef struct packing {
    uint32_t *weights, *biases; /* places */
    size_t count;               /* packed numbers */
    prnn_gpu_block *device[2];
} packing;

static uint32_t *any_places(size_t n, size_t *count) {
    uint32_t *places = malloc(n * sizeof *places + 1);
    assert_non_null(places);
    for (size_t i = 0; i < n; i++) {
        places[i] = (uint32_t)*count;
        *count += 8;
    }
    for (size_t i = n; i > 1; i--) {
        size_t other = below((uint32_t)i);
        uint32_t place = places[i - 1];
        places[i - 1] = places[other];
        places[other] = place;
    }
    for (size_t i = 0; i < n; i++) {
        places[i] = below(5) ? places[i] : PRNN_GPU_NOWHERE;
    }
    return places;
}

static packing new_packing(rig *r, const problem *p) {
    packing k = {.count = 0};
    k.weights = any_places(p->weights / 8, &k.count);
    k.biases = any_places(p->biases / 8, &k.count);
    k.device[0] = put(r, k.weights, p->weights / 8 * sizeof *k.weights);
    k.device[1] = put(r, k.biases, p->biases / 8 * sizeof *k.biases);
    return k;
}

static void drop_packing(rig *r, packing *k) {
    drop(r, k->device[0]);
    drop(r, k->device[1]);
    free(k->weights);
    free(k->biases);
}

/* The gradient of a slice is added to what is at its places; all else as it was. */
static void expect_slice(const problem *p, const tables *t, const prnn_gpu_wide_gradient *l, uint32_t slice,
                         const packing *k, float *expected) {
    for (uint32_t n = 0; n < p->strip_count; n++) {
        const prnn_gpu_wide *s = &p->strips[n];
        for (uint32_t c = 0; c < 8 * s->blocks; c++) {
            uint32_t place = k->biases[(s->bias + c) / 8];
            if (l->biased && place != PRNN_GPU_NOWHERE) {
                expected[place + c % 8] += (float)gradient_of(p, t, l, slice, s, -1, c);
            }
            for (int feature = 0; feature < (int)(8 * s->units); feature++) {
                place = k->weights[(s->at + (size_t)feature * PRNN_GPU_WIDE + c) / 8];
                if (place != PRNN_GPU_NOWHERE) {
                    expected[place + c % 8] += (float)gradient_of(p, t, l, slice, s, feature, c);
                }
            }
        }
    }
}

static void tensor_gradient(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < TRIALS / 2; trial++) {
        problem *p = new_problem(0);
        uint32_t slices = 1 + below(3), count = 0;
        for (uint32_t s = 0; s < p->strip_count; s++) { /* columns that are not there are nowhere */
            p->strips[s].blocks = PRNN_GPU_BLOCKS;
        }
        prnn_gpu_wide_gradient l = {.rows = p->rows,
                                    .images = 1,
                                    .run = p->run,
                                    .per = (p->rows + slices - 1) / slices,
                                    .biased = below(2)};
        prnn_gpu_tile tiles[64];
        l.dout = map_of(p, p->columns, true);
        for (uint32_t s = 0; s < p->strip_count; s++) {
            for (uint32_t f = 0; f == 0 || f < 8 * p->strips[s].units; f += 128) {
                tiles[count++] = (prnn_gpu_tile){s, f};
            }
        }
        tables t = new_tables(r, p);
        prepare_place(&t, p, l.dout, p->columns);
        upload_memory(r, &t, p);
        packing k = new_packing(r, p);
        l.slice_size = k.count;
        float *own = any_floats(slices * k.count), *expected = malloc(slices * k.count * sizeof *own + 1);
        assert_non_null(expected);
        memcpy(expected, own, slices * k.count * sizeof *own);
        prnn_gpu_block *tile = put(r, tiles, sizeof tiles), *to = put(r, own, slices * k.count * sizeof *own);
        LAUNCH(r, "tensor_gradient", count, slices, 128, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(tile),
               PRNN_GPU_BLOCK(t.strips), PRNN_GPU_BLOCK(t.units), PRNN_GPU_BLOCK(t.taps),
               PRNN_GPU_BLOCK(k.device[0]), PRNN_GPU_BLOCK(k.device[1]), PRNN_GPU_BLOCK(t.memory),
               PRNN_GPU_BLOCK(to));
        take(r, to, own, slices * k.count * sizeof *own);
        for (uint32_t slice = 0; slice < slices; slice++) {
            expect_slice(p, &t, &l, slice, &k, expected + slice * k.count);
        }
        for (size_t i = 0; i < slices * k.count; i++) {
            expect_near("gradient", (double)own[i], (double)expected[i], 1e-4);
        }
        drop(r, tile);
        drop(r, to);
        drop_packing(r, &k);
        compare_tables(r, p, &t, NULL, NULL, 0);
        free(own);
        free(expected);
        free(p);
    }
}

static void widen(void **state) {
    rig *r = *state;
    enum { N = 300 };
    uint64_t n = N;
    size_t count = 0;
    uint32_t *places = any_places(N, &count);
    uint16_t weights[8 * N];
    float biases[8 * N], *packed = any_floats(count);
    prnn_gpu_block *all[] = {put(r, places, N * sizeof *places), put(r, packed, count * sizeof *packed),
                             put(r, weights, sizeof weights), put(r, biases, sizeof biases)};
    LAUNCH(r, "widen_weights", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n), PRNN_GPU_BLOCK(all[0]),
           PRNN_GPU_BLOCK(all[1]), PRNN_GPU_BLOCK(all[2]));
    LAUNCH(r, "widen_biases", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n), PRNN_GPU_BLOCK(all[0]),
           PRNN_GPU_BLOCK(all[1]), PRNN_GPU_BLOCK(all[3]));
    take(r, all[2], weights, sizeof weights);
    take(r, all[3], biases, sizeof biases);
    for (int i = 0; i < 8 * N; i++) {
        float x = places[i / 8] != PRNN_GPU_NOWHERE ? packed[places[i / 8] + (uint32_t)i % 8] : 0;
        assert_int_equal(weights[i], rounded(x));
        assert_memory_equal(&biases[i], &x, sizeof x);
    }
    for (int i = 0; i < 4; i++) {
        drop(r, all[i]);
    }
    free(places);
    free(packed);
}

int main(int count, char **arguments) {
    const kernel_test tests[] = {
        {"product", product},
        {"product_lstm", product_lstm},
        {"product_lstm_gradient", product_lstm_gradient},
        {"tensor_gradient", tensor_gradient},
        {"widen", widen},
    };
    return run_on_devices(PRNN_GPU_BF16, tests, sizeof tests / sizeof *tests, count, arguments);
}

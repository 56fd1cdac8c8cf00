/* How fast a device's kernels are, at the sizes of the paper's networks for CIFAR-10: images of 32x32, 128
 * hidden features, a head of 1024. Each is recorded some times in a row and replayed; the best of some
 * replays counts.
 *
 *   bench-gpu-kernels [cuda:N|opencl:N] [once]
 *
 * once: each is launched one time, for a profiler. */
#include "base/clock.h"
#include "base/memory.h"
#include "gpu/driver.h"
#include "gpu/structures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 32, HEIGHT = 32, MOST_STRIPS = 64, MOST_SEGMENTS = 64, MOST_UNITS = 4096, MOST_TAPS = 8 };

typedef struct rig {
    prnn_context *ctx;
    prnn_gpu *gpu;
    prnn_gpu_program *program[2]; /* by arithmetic */
    prnn_gpu_block *memory, *weights, *biases, *gradient, *bytes, *index;
    size_t floats; /* of memory and gradient each */
    bool once;
} rig;

static void must(const rig *r, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "%s\n", prnn_message(r->ctx));
        exit(1);
    }
}

static prnn_gpu_block *block_of(rig *r, size_t bytes) {
    prnn_gpu_block *block;
    must(r, r->gpu->driver->allocate(r->ctx, r->gpu, bytes, "a benchmark", &block));
    return block;
}

static prnn_gpu_block *put(rig *r, const void *bytes, size_t size) {
    prnn_gpu_block *block = block_of(r, size);
    must(r, r->gpu->driver->upload(r->ctx, r->gpu, block, 0, bytes, size));
    return block;
}

/* -------------------------------------------------------------------------------------------- timing */

typedef struct timing {
    double recorded, direct; /* seconds a launch */
} timing;

static double replay_time(rig *r, prnn_gpu_tape *tape, int launches) {
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        must(r, r->gpu->driver->wait(r->ctx, r->gpu));
        double begin = prnn_clock();
        must(r, r->gpu->driver->replay(r->ctx, r->gpu, tape));
        must(r, r->gpu->driver->wait(r->ctx, r->gpu));
        double time = (prnn_clock() - begin) / launches;
        best = i > 0 && time < best ? time : best; /* the first warms up */
    }
    return best;
}

static timing time_launch(rig *r, int arithmetic, const char *name, uint32_t x, uint32_t y, uint32_t items,
                          const prnn_gpu_argument *arguments, int count, int launches) {
    const prnn_gpu_driver *d = r->gpu->driver;
    prnn_gpu_launch l = {.x = x, .y = y, .items = items, .count = count};
    prnn_gpu_tape *tape;
    timing t;
    must(r, d->kernel(r->ctx, r->gpu, r->program[arithmetic], name, &l.kernel));
    memcpy(l.arguments, arguments, (size_t)count * sizeof *arguments);
    must(r, d->launch(r->ctx, r->gpu, &l));
    if (r->once) {
        must(r, d->wait(r->ctx, r->gpu));
        return (timing){1, 1};
    }
    must(r, d->record(r->ctx, r->gpu));
    for (int i = 0; i < launches; i++) {
        must(r, d->launch(r->ctx, r->gpu, &l));
    }
    must(r, d->recorded(r->ctx, r->gpu, &tape));
    t.recorded = replay_time(r, tape, launches);
    d->erase(r->gpu, tape);
    must(r, d->wait(r->ctx, r->gpu));
    double begin = prnn_clock();
    for (int i = 0; i < launches; i++) {
        must(r, d->launch(r->ctx, r->gpu, &l));
    }
    must(r, d->wait(r->ctx, r->gpu));
    t.direct = (prnn_clock() - begin) / launches;
    return t;
}

#define TIME(r, arithmetic, name, x, y, items, launches, ...)                                                \
    time_launch(                                                                                             \
        r, arithmetic, name, (uint32_t)(x), (uint32_t)(y), items, (const prnn_gpu_argument[]){__VA_ARGS__},  \
        (int)(sizeof((const prnn_gpu_argument[]){__VA_ARGS__}) / sizeof(prnn_gpu_argument)), launches)

/* Launches that take about 10 ms at this rate (per second). */
static int launches_for(double work, double rate) {
    double n = 0.01 * rate / work;
    return n < 2 ? 2 : n > 200 ? 200 : (int)n;
}

static uint32_t groups_of(size_t n, size_t items) {
    return (uint32_t)((n + items - 1) / items);
}

/* ------------------------------------------------------------------------------------------ products */

/* taps * in features to out features, of `images` images: all of their pixels, or one row. */
typedef struct shape {
    const char *name;
    uint32_t taps, in, out;
    bool gates; /* LSTM cells of out / 4 features follow */
} shape;

/* Everything that kernels need of a product. */
typedef struct product {
    shape s;
    uint32_t rows, run, images, strips, tiles;
    prnn_gpu_tap tap[MOST_TAPS];
    prnn_gpu_place out, other[4];
    prnn_gpu_block *strip, *segment, *taps, *tile;
    prnn_gpu_block *places; /* of a gradient in bf16 */
    size_t packed;
} product;

/* A map in memory from *used on, with a pixel of margin left and right. */
static prnn_gpu_place map_of(const rig *r, size_t *used, uint32_t features, uint32_t images, bool bf16) {
    uint32_t pitch = (WIDTH + 2) * images * features;
    prnn_gpu_place place = {
        .at = *used + images * features, .stride = features, .pitch = pitch, .line = pitch, .bf16 = bf16};
    *used += ((size_t)pitch * HEIGHT + 2 * images * features) / (bf16 ? 2 : 1);
    if (*used > r->floats) {
        fprintf(stderr, "not enough memory\n");
        exit(1);
    }
    place.at *= bf16 ? 2 : 1;
    return place;
}

static void plan_maps(const rig *r, product *p, uint32_t images, bool one_row, bool bf16) {
    size_t used = 0;
    p->rows = one_row ? WIDTH * images : WIDTH * HEIGHT * images;
    p->run = WIDTH * images;
    p->images = images;
    map_of(r, &used, p->s.in, images, bf16); /* the first of all is what they read */
    for (uint32_t t = 0; t < p->s.taps; t++) {
        p->tap[t] = (prnn_gpu_tap){
            .stride = p->s.in, .width = WIDTH + 2, .rows = HEIGHT, .col = p->s.taps > 1 ? t : 1};
    }
    p->out = map_of(r, &used, p->s.out, images, bf16);
    for (int i = 0; i < 4; i++) {
        p->other[i] = map_of(r, &used, p->s.gates ? p->s.out / 4 : 16, images, bf16);
    }
}

static product plan_fp32(rig *r, shape s, uint32_t images, bool one_row) {
    product p = {.s = s};
    prnn_gpu_strip strips[MOST_STRIPS];
    prnn_gpu_segment segments[MOST_TAPS];
    static prnn_gpu_tile tiles[4096];
    plan_maps(r, &p, images, one_row, false);
    for (uint32_t t = 0; t < s.taps; t++) {
        segments[t] = (prnn_gpu_segment){t, 0, s.in};
    }
    uint32_t depth = s.taps * s.in, size = (1 + depth) * PRNN_GPU_PANEL;
    for (; p.strips < s.out / 64; p.strips++) {
        strips[p.strips] = (prnn_gpu_strip){.at = p.packed,
                                            .segments = s.taps,
                                            .panels = 4,
                                            .column = p.strips * (s.gates ? 16 : 64),
                                            .step = s.gates ? s.out / 4 : 16,
                                            .size = size,
                                            .depth = depth};
        p.packed += 4 * (size_t)size;
        for (uint32_t f = 0; f < depth; f += 128) {
            tiles[p.tiles++] = (prnn_gpu_tile){p.strips, f};
        }
    }
    p.strip = put(r, strips, p.strips * sizeof *strips);
    p.segment = put(r, segments, s.taps * sizeof *segments);
    p.taps = put(r, p.tap, sizeof p.tap);
    p.tile = put(r, tiles, p.tiles * sizeof *tiles);
    return p;
}

/* The gradient lies where the weights do. */
static prnn_gpu_block *places_of(rig *r, size_t packed) {
    uint32_t *places = malloc(packed / 8 * sizeof *places);
    for (size_t i = 0; places && i < packed / 8; i++) {
        places[i] = (uint32_t)(8 * i);
    }
    prnn_gpu_block *block = put(r, places, packed / 8 * sizeof *places);
    free(places);
    return block;
}

static product plan_bf16(rig *r, shape s, uint32_t images, bool one_row) {
    product p = {.s = s};
    prnn_gpu_wide strips[MOST_STRIPS];
    static prnn_gpu_unit units[MOST_UNITS];
    static prnn_gpu_tile tiles[4096];
    plan_maps(r, &p, images, one_row, true);
    uint32_t depth = s.taps * s.in, count = depth / 8;
    for (uint32_t u = 0; u < count; u++) {
        units[u] = (prnn_gpu_unit){8 * u / s.in, 8 * u % s.in};
    }
    for (; p.strips < groups_of(s.out, 128); p.strips++) {
        prnn_gpu_wide *w = &strips[p.strips];
        uint32_t left = s.out / 8 - p.strips * 16;
        *w = (prnn_gpu_wide){
            .at = p.packed, .bias = p.strips * 128, .units = count, .blocks = left < 16 ? left : 16};
        for (uint32_t b = 0; b < w->blocks; b++) {
            uint32_t unit = (p.strips * 16 + b) / 4 * 8;
            w->column[b] = s.gates ? b % 4 * (s.out / 4) + unit : p.strips * 128 + 8 * b;
        }
        p.packed += (size_t)(depth + 31) / 32 * 32 * 128;
        for (uint32_t f = 0; f < depth; f += 128) {
            tiles[p.tiles++] = (prnn_gpu_tile){p.strips, f};
        }
    }
    p.strip = put(r, strips, p.strips * sizeof *strips);
    p.segment = put(r, units, count * sizeof *units);
    p.places = places_of(r, p.packed);
    p.taps = put(r, p.tap, sizeof p.tap);
    p.tile = put(r, tiles, p.tiles * sizeof *tiles);
    return p;
}

static void drop(rig *r, product *p) {
    prnn_gpu_block *all[] = {p->strip, p->segment, p->taps, p->tile, p->places};
    for (int i = 0; i < 5; i++) {
        r->gpu->driver->release(r->gpu, all[i]);
    }
}

static void report(const char *what, const product *p, const char *kernel, timing t) {
    double flop = 2.0 * p->rows * p->s.taps * p->s.in * p->s.out;
    printf("%-10s %-26s %7u rows  %-24s %9.1f us  %7.1f TFLOP/s   (launched one by one %9.1f us)\n", what,
           p->s.name, p->rows, kernel, 1e6 * t.recorded, flop / t.recorded / 1e12, 1e6 * t.direct);
    fflush(stdout);
}

static const prnn_gpu_place NOWHERE = {.at = PRNN_GPU_NONE};

static timing time_product(rig *r, int arithmetic, const product *p, const char *kernel, uint32_t tile_rows) {
    prnn_gpu_factors f = {.rows = p->rows, .run = p->run, .images = p->images};
    prnn_gpu_product l = {.f = f, .out = p->out, .add = NOWHERE};
    prnn_gpu_lstm c = {.f = f,
                       .add = p->out,
                       .gates = p->out,
                       .before = p->other[0],
                       .cell = p->other[1],
                       .state = p->other[2],
                       .hidden = p->s.out / 4};
    prnn_gpu_argument first = {&l, sizeof l};
    if (p->s.gates) {
        first = (prnn_gpu_argument){&c, sizeof c};
    }
    double flop = 2.0 * p->rows * p->s.taps * p->s.in * p->s.out;
    int launches = launches_for(flop, arithmetic ? 2e14 : 2e13);
    if (arithmetic == PRNN_GPU_FP32) {
        return TIME(r, arithmetic, kernel, p->strips, groups_of(p->rows, tile_rows), 128, launches, first,
                    PRNN_GPU_BLOCK(p->strip), PRNN_GPU_BLOCK(p->segment), PRNN_GPU_BLOCK(p->taps),
                    PRNN_GPU_BLOCK(r->weights), PRNN_GPU_BLOCK(r->memory));
    }
    return TIME(r, arithmetic, kernel, p->strips, groups_of(p->rows, tile_rows), 128, launches, first,
                PRNN_GPU_BLOCK(p->strip), PRNN_GPU_BLOCK(p->segment), PRNN_GPU_BLOCK(p->taps),
                PRNN_GPU_BLOCK(r->weights), PRNN_GPU_BLOCK(r->biases), PRNN_GPU_BLOCK(r->memory));
}

static void bench_product(rig *r, int arithmetic, shape s, uint32_t images, bool one_row) {
    product p = arithmetic ? plan_bf16(r, s, images, one_row) : plan_fp32(r, s, images, one_row);
    const char *fp32[] = {"product_8", "product_2", "product_lstm_8", "product_lstm_2"};
    const char *bf16[] = {"product_tall4",      "product_tall2",      "product_tall1",
                          "product_lstm_tall4", "product_lstm_tall2", "product_lstm_tall1"};
    int first = s.gates ? (arithmetic ? 3 : 2) : 0;
    for (int i = 0; i < (arithmetic ? 3 : 2); i++) {
        const char *kernel = (arithmetic ? bf16 : fp32)[first + i];
        timing t = time_product(r, arithmetic, &p, kernel, arithmetic ? 128u >> i : i ? 32 : 128);
        report(arithmetic ? "bf16" : "fp32", &p, kernel, t);
    }
    drop(r, &p);
}

/* Lanes as in training: at most 64, of some images each; a row of all pixels at a time, margins apart. */
static void bench_gradient_fp32(rig *r, shape s, uint32_t images) {
    product p = plan_fp32(r, s, images, false);
    uint32_t lane = (images + 63) / 64, lanes = groups_of(images, lane);
    prnn_gpu_product_gradient l = {
        .lanes = {.images = images, .lane = lane, .rows = HEIGHT, .pixels = WIDTH, .block = HEIGHT},
        .dout = p.out,
        .lane_size = p.packed,
        .biased = 1};
    l.dout.pitch = images * s.out; /* of one image among all: its pixels are far apart */
    timing t = TIME(r, 0, "product_gradient", p.tiles, lanes, 256, 4, PRNN_GPU_VALUE(l),
                    PRNN_GPU_BLOCK(p.tile), PRNN_GPU_BLOCK(p.strip), PRNN_GPU_BLOCK(p.segment),
                    PRNN_GPU_BLOCK(p.taps), PRNN_GPU_BLOCK(r->memory), PRNN_GPU_BLOCK(r->gradient));
    report("fp32", &p, "product_gradient", t);
    drop(r, &p);
}

static void bench_gradient_bf16(rig *r, shape s, uint32_t images) {
    product p = plan_bf16(r, s, images, false);
    for (uint32_t slices = 8; slices <= 32; slices *= 2) {
        prnn_gpu_wide_gradient l = {.dout = p.out,
                                    .slice_size = p.packed + 8192,
                                    .images = images,
                                    .rows = p.rows,
                                    .run = p.run,
                                    .per = (p.rows + slices - 1) / slices,
                                    .biased = 1};
        char name[32];
        timing t = TIME(r, 1, "tensor_gradient", p.tiles, slices, 128, 8, PRNN_GPU_VALUE(l),
                        PRNN_GPU_BLOCK(p.tile), PRNN_GPU_BLOCK(p.strip), PRNN_GPU_BLOCK(p.segment),
                        PRNN_GPU_BLOCK(p.taps), PRNN_GPU_BLOCK(p.places), PRNN_GPU_BLOCK(p.places),
                        PRNN_GPU_BLOCK(r->memory), PRNN_GPU_BLOCK(r->gradient));
        snprintf(name, sizeof name, "gradient, %u slices", slices);
        report("bf16", &p, name, t);
    }
    drop(r, &p);
}

/* The row's way back: 3 taps of 4 * 128 gradients by gates to 128 features. */
static void bench_lstm_gradient(rig *r, int arithmetic, uint32_t images) {
    shape s = {"3 x 512 -> 128, cells back", 3, 512, 128, false};
    product p = arithmetic ? plan_bf16(r, s, images, true) : plan_fp32(r, s, images, true);
    size_t used = (size_t)1 << 27;
    prnn_gpu_lstm_gradient l = {
        .f = {.rows = p.rows, .run = p.run, .images = images}, .add = NOWHERE, .hidden = 128};
    l.gates = map_of(r, &used, 512, images, arithmetic), l.dgates = map_of(r, &used, 512, images, arithmetic);
    l.cell = map_of(r, &used, 128, images, false), l.dcell = map_of(r, &used, 128, images, false);
    l.before = l.cell;
    for (int i = 0; i < (arithmetic ? 3 : 2); i++) {
        const char *fp32[] = {"product_lstm_gradient_8", "product_lstm_gradient_2"};
        const char *bf16[] = {"product_lstm_gradient_tall4", "product_lstm_gradient_tall2",
                              "product_lstm_gradient_tall1"};
        const char *kernel = (arithmetic ? bf16 : fp32)[i];
        uint32_t rows = arithmetic ? 128u >> i : i ? 32 : 128;
        timing t =
            arithmetic
                ? TIME(r, 1, kernel, p.strips, groups_of(p.rows, rows), 128, 50, PRNN_GPU_VALUE(l),
                       PRNN_GPU_BLOCK(p.strip), PRNN_GPU_BLOCK(p.segment), PRNN_GPU_BLOCK(p.taps),
                       PRNN_GPU_BLOCK(r->weights), PRNN_GPU_BLOCK(r->biases), PRNN_GPU_BLOCK(r->memory))
                : TIME(r, 0, kernel, p.strips, groups_of(p.rows, rows), 128, 50, PRNN_GPU_VALUE(l),
                       PRNN_GPU_BLOCK(p.strip), PRNN_GPU_BLOCK(p.segment), PRNN_GPU_BLOCK(p.taps),
                       PRNN_GPU_BLOCK(r->weights), PRNN_GPU_BLOCK(r->memory));
        report(arithmetic ? "bf16" : "fp32", &p, kernel, t);
    }
    drop(r, &p);
}

/* ---------------------------------------------------------------------------------- what moves memory */

static void report_bytes(const char *what, double bytes, timing t) {
    printf("%-46s %9.1f us  %7.1f GB/s\n", what, 1e6 * t.recorded, bytes / t.recorded / 1e9);
    fflush(stdout);
}

static void bench_elementwise(rig *r, int arithmetic) {
    uint32_t positions = 128 * WIDTH * HEIGHT, width = 256;
    size_t numbers = (size_t)positions * width;
    prnn_gpu_elementwise l = {.rows = positions, .run = positions, .width = width};
    prnn_gpu_place *const all[] = {&l.a, &l.b, &l.out};
    for (uint64_t i = 0; i < 3; i++) {
        *all[i] =
            (prnn_gpu_place){.at = i * numbers, .stride = width, .pitch = 0, .bf16 = (uint32_t)arithmetic};
    }
    double size = arithmetic ? 2 : 4;
    const char *names[] = {"copy", "add", "relu", "relu_gradient"};
    for (int i = 0; i < 4; i++) {
        uint32_t groups = groups_of(numbers / 4, 256);
        char label[64];
        timing t =
            TIME(r, arithmetic, names[i], groups, 1, 256, 8, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(r->memory));
        snprintf(label, sizeof label, "%s %s, 131072 x 256", arithmetic ? "bf16" : "fp32", names[i]);
        report_bytes(label, size * (double)numbers * (i % 2 ? 3 : 2), t);
    }
}

static void bench_heads(rig *r) {
    prnn_gpu_nll l = {.p = {128 * WIDTH * HEIGHT, WIDTH * 128, 128, 0, 0, HEIGHT, WIDTH, 3},
                      .levels = 256,
                      .block_stride = 256,
                      .scale = 0.01f};
    l.logits = l.dlogits = (prnn_gpu_place){.at = 0, .stride = 768, .pitch = 768 * WIDTH * 128};
    double bytes = 4.0 * 131072 * 768 * 2;
    timing t = TIME(r, 0, "softmax_nll", groups_of(131072 * 3, 8), 1, 128, 5, PRNN_GPU_VALUE(l),
                    PRNN_GPU_BLOCK(r->bytes), PRNN_GPU_BLOCK(r->biases), PRNN_GPU_BLOCK(r->memory),
                    PRNN_GPU_BLOCK(r->biases));
    report_bytes("softmax_nll with gradient, 393216 x 256", bytes, t);
    l.block_stride = 48, l.components = 10, l.log_scale = -3;
    l.logits = l.dlogits = (prnn_gpu_place){.at = 0, .stride = 144, .pitch = 144 * WIDTH * 128};
    t = TIME(r, 0, "logistics_nll", groups_of(131072 * 3, 8), 1, 128, 5, PRNN_GPU_VALUE(l),
             PRNN_GPU_BLOCK(r->bytes), PRNN_GPU_BLOCK(r->biases), PRNN_GPU_BLOCK(r->memory),
             PRNN_GPU_BLOCK(r->biases));
    report_bytes("logistics_nll with gradient, 393216 x 3 x 10", 4.0 * 131072 * 144 * 2, t);
}

static void bench_weights(rig *r) {
    uint64_t n = 7 << 20, first = 0;
    uint32_t lanes = 64;
    prnn_gpu_step s = {.n = n,
                       .rate = 1e-6f,
                       .beta1 = 0.9f,
                       .beta2 = 0.95f,
                       .epsilon = 1e-8f,
                       .scale = 1,
                       .correct1 = 1,
                       .correct2 = 1,
                       .keep = 0.99f,
                       .kind = 1,
                       .ema = 1};
    prnn_gpu_block *b[5];
    for (int i = 0; i < 5; i++) {
        b[i] = block_of(r, n * sizeof(float));
    }
    timing t = TIME(r, 0, "update", groups_of(n, 256), 1, 256, 8, PRNN_GPU_VALUE(s), PRNN_GPU_BLOCK(b[0]),
                    PRNN_GPU_BLOCK(b[1]), PRNN_GPU_BLOCK(b[2]), PRNN_GPU_BLOCK(b[3]), PRNN_GPU_BLOCK(b[4]));
    report_bytes("adam with average, 7.3 million weights", 4.0 * (double)n * 9, t);
    t = TIME(r, 0, "squares", groups_of(groups_of(n, 32768), 16), 1, 128, 8, PRNN_GPU_VALUE(n),
             PRNN_GPU_BLOCK(b[0]), PRNN_GPU_BLOCK(b[1]));
    report_bytes("norm, 7.3 million weights", 4.0 * (double)n, t);
    t = TIME(r, 0, "unpack", groups_of(n, 256), 1, 256, 4, PRNN_GPU_VALUE(n), PRNN_GPU_VALUE(lanes),
             PRNN_GPU_BLOCK(r->index), PRNN_GPU_BLOCK(r->gradient), PRNN_GPU_BLOCK(b[1]));
    report_bytes("tree over 64 lanes, 7.3 million weights", 4.0 * (double)n * 66, t);
    t = TIME(r, 0, "pack", groups_of(n, 256), 1, 256, 8, PRNN_GPU_VALUE(n), PRNN_GPU_BLOCK(r->index),
             PRNN_GPU_BLOCK(b[0]), PRNN_GPU_BLOCK(b[1]));
    report_bytes("pack, 7.3 million weights", 4.0 * (double)n * 3, t);
    n = 1;
    t = TIME(r, 0, "clear", 1, 1, 256, 1000, PRNN_GPU_VALUE(n), PRNN_GPU_VALUE(first), PRNN_GPU_BLOCK(b[1]));
    printf("an empty launch: recorded %.2f us, one by one %.2f us\n", 1e6 * t.recorded, 1e6 * t.direct);
    for (int i = 0; i < 5; i++) {
        r->gpu->driver->release(r->gpu, b[i]);
    }
}

/* --------------------------------------------------------------------------------------------- main */

/* Random numbers between -1 and 1 (times a scale), as floats or as pairs of bf16 numbers. */
static void fill(rig *r, prnn_gpu_block *block, size_t floats, float scale, bool bf16) {
    enum { SOME = 1 << 22 };
    float *x = malloc(SOME * sizeof *x);
    uint64_t state = 1;
    for (size_t i = 0; i < SOME; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = ((float)(state >> 40) / (1 << 23) - 1) * scale;
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits = (bits & 0xffff0000u) | bits >> 16;
        bits =
            bf16 ? (bits & 0xffff0000u) | (uint32_t)((state >> 20 & 0x807f) | (bits >> 16 & 0x7f80)) : bits;
        memcpy(&x[i], bf16 ? (void *)&bits : (void *)&x[i], sizeof bits);
    }
    for (size_t at = 0; at < floats; at += SOME) {
        size_t n = floats - at < SOME ? floats - at : SOME;
        must(r, r->gpu->driver->upload(r->ctx, r->gpu, block, at * sizeof *x, x, n * sizeof *x));
    }
    must(r, r->gpu->driver->wait(r->ctx, r->gpu));
    free(x);
}

static void prepare(rig *r) {
    r->floats = (size_t)480 << 20;
    r->memory = block_of(r, r->floats * sizeof(float));
    r->gradient = block_of(r, r->floats * sizeof(float));
    r->weights = block_of(r, (size_t)64 << 20);
    r->biases = block_of(r, (size_t)64 << 20);
    r->bytes = block_of(r, (size_t)1 << 20);
    r->index = block_of(r, (size_t)8 << 22);
    uint32_t *index = malloc((size_t)8 << 22);
    for (uint32_t i = 0; i < 8u << 20; i++) {
        index[i] = i;
    }
    must(r, r->gpu->driver->upload(r->ctx, r->gpu, r->index, 0, index, (size_t)8 << 22));
    memset(index, 7, (size_t)1 << 20);
    must(r, r->gpu->driver->upload(r->ctx, r->gpu, r->bytes, 0, index, (size_t)1 << 20));
    free(index);
}

static void bench_arithmetic(rig *r, int arithmetic) {
    const shape shapes[] = {{"3 x 256 -> 512", 3, 256, 512, false},
                            {"256 -> 1024", 1, 256, 1024, false},
                            {"1024 -> 1024", 1, 1024, 1024, false},
                            {"128 -> 256", 1, 128, 256, false}};
    fill(r, r->memory, r->floats, 1, arithmetic);
    fill(r, r->weights, (size_t)16 << 20, 0.05f, arithmetic);
    fill(r, r->biases, (size_t)16 << 20, 0.05f, false);
    for (uint32_t images = 16; images <= 128; images *= 8) {
        for (int i = 0; i < 4; i++) {
            bench_product(r, arithmetic, shapes[i], images, false);
        }
        for (int i = 0; i < 3; i++) {
            if (arithmetic) {
                bench_gradient_bf16(r, shapes[i], images);
            } else {
                bench_gradient_fp32(r, shapes[i], images);
            }
        }
        bench_product(r, arithmetic, (shape){"3 x 128 -> 4 x 128, cells", 3, 128, 512, true}, images, true);
        bench_lstm_gradient(r, arithmetic, images);
    }
    bench_elementwise(r, arithmetic);
}

int main(int count, char **arguments) {
    rig r = {.ctx = prnn_context_create(), .once = count > 2 && strcmp(arguments[2], "once") == 0};
    const char *name = count > 1 ? arguments[1] : "cuda:0", *colon = strchr(name, ':');
    const prnn_gpu_driver *driver = strncmp(name, "cuda", 4) == 0 ? &prnn_gpu_cuda : &prnn_gpu_opencl;
    double begin = prnn_clock();
    must(&r, driver->open(r.ctx, colon ? atoi(colon + 1) : 0, &r.gpu));
    printf("%s: %s, %s\n", name, r.gpu->info.name, r.gpu->info.driver);
    for (int a = 0; a < 2; a++) {
        double start = prnn_clock();
        must(&r, driver->compile(r.ctx, r.gpu, (prnn_gpu_arithmetic)a, &r.program[a]));
        printf("program %s: %.2f s\n", a ? "bf16" : "fp32", prnn_clock() - start);
    }
    prepare(&r);
    for (int a = 1; a >= 0; a--) {
        bench_arithmetic(&r, a);
    }
    bench_heads(&r);
    bench_weights(&r);
    printf("all in %.1f s\n", prnn_clock() - begin);
    for (int a = 0; a < 2; a++) {
        driver->forget(r.gpu, r.program[a]);
    }
    prnn_gpu_block *all[] = {r.memory, r.weights, r.biases, r.gradient, r.bytes, r.index};
    for (int i = 0; i < 6; i++) {
        driver->release(r.gpu, all[i]);
    }
    driver->close(r.gpu);
    prnn_context_free(r.ctx);
    return 0;
}

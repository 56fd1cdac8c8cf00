/* What a device does element by element: maps, weights, optimizers. The bits of plain C. */
#include "gpu.h"

#include "base/random.h"
#include "device/cpu.h"
#include "train/optimizer.h"

/* ---------------------------------------------------------------------------------------------- maps */

typedef struct maps {
    prnn_gpu_elementwise l;
    size_t floats;
    float *before, *expected;
} maps;

static maps new_maps(void) {
    maps x = {.l = {.rows = 1 + below(300), .width = 16 * (1 + below(20))}};
    x.l.run = 1 + below(x.l.rows + 10);
    x.l.a = new_place(&x.floats, x.l.width, x.l.rows, x.l.run);
    x.l.b = new_place(&x.floats, x.l.width, x.l.rows, x.l.run);
    x.l.out = below(3) ? new_place(&x.floats, x.l.width, x.l.rows, x.l.run) : below(2) ? x.l.a : x.l.b;
    x.before = any_floats(x.floats);
    x.expected = malloc(x.floats * sizeof(float));
    memcpy(x.expected, x.before, x.floats * sizeof(float));
    return x;
}

static void compare_maps(rig *r, const char *what, maps *x, prnn_gpu_block *memory) {
    take(r, memory, x->before, x->floats * sizeof(float));
    expect_bits(what, x->before, x->expected, x->floats);
    drop(r, memory);
    free(x->before);
    free(x->expected);
}

static void plain_element(const char *name, const float *a, const float *b, size_t n, float *out) {
    float *copy = malloc(n * sizeof *copy);
    memcpy(copy, b, n * sizeof *copy);
    if (strcmp(name, "copy") == 0) {
        memcpy(copy, a, n * sizeof *copy);
    } else if (strcmp(name, "add") == 0) {
        prnn_kernels_generic.add(n, a, b, copy);
    } else if (strcmp(name, "relu") == 0) {
        prnn_kernels_generic.relu(n, a, copy);
    } else {
        prnn_kernels_generic.relu_gradient(n, a, copy);
    }
    memcpy(out, copy, n * sizeof *copy);
    free(copy);
}

static void elementwise(void **state) {
    rig *r = *state;
    const char *const names[] = {"copy", "add", "relu", "relu_gradient"};
    for (int trial = 0; trial < 20; trial++) {
        maps x = new_maps();
        const char *name = names[trial % 4];
        for (uint32_t m = 0; m < x.l.rows; m++) {
            plain_element(name, x.expected + position(x.l.a, m, x.l.run),
                          x.expected + position(x.l.b, m, x.l.run), x.l.width,
                          x.expected + position(x.l.out, m, x.l.run));
        }
        prnn_gpu_block *memory = put(r, x.before, x.floats * sizeof(float));
        LAUNCH(r, name, groups_of((size_t)x.l.rows * x.l.width / 4, 256), 1, 256, PRNN_GPU_VALUE(x.l),
               PRNN_GPU_BLOCK(memory));
        compare_maps(r, name, &x, memory);
    }
}

/* What the CPU drops of the images of a batch: number `first` and so on, lane by lane. */
static uint32_t number_of(const prnn_gpu_dropout *l, uint32_t image) {
    return l->first + image / l->lane * l->apart + image % l->lane;
}

static void plain_dropout(const prnn_gpu_dropout *l, uint32_t step, const maps *x) {
    for (uint32_t m = 0; m < l->e.rows; m++) {
        uint32_t row = l->row + m / l->e.run, column = l->column + m % l->e.run / l->images;
        for (uint32_t i = 0; i < l->e.width; i++) {
            uint64_t index = prnn_dropout_index(number_of(l, m % l->images), (int)l->layer,
                                                (int)(row * l->width + column), (int)i);
            prnn_random bits = prnn_random_at(l->seed, PRNN_RANDOM_DROPOUT, step, index);
            uint32_t drawn = bits.word[i % 8 / 2] >> (i % 2 * 16) & 0xffff;
            float kept = drawn < l->below ? 0 : x->before[position(l->e.a, m, l->e.run) + i] * l->scale;
            float more = l->add ? x->before[position(l->e.b, m, l->e.run) + i] : 0;
            x->expected[position(l->e.out, m, l->e.run) + i] = l->add ? more + kept : kept;
        }
    }
}

static void dropout(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < 12; trial++) {
        maps x = new_maps();
        uint32_t step = below(1000), images = 1 + below(4), columns = 1 + below(5), rows = 1 + x.l.rows / 40;
        prnn_gpu_dropout l = {.e = x.l,
                              .seed = (uint64_t)below(1 << 30) << 20,
                              .high = prnn_random_high(PRNN_RANDOM_DROPOUT, step),
                              .images = images,
                              .lane = 1 + below(images),
                              .first = below(60000),
                              .apart = 1 + below(9),
                              .layer = below(256),
                              .row = below(100),
                              .column = below(100),
                              .width = 100 + columns,
                              .below = below(65536),
                              .add = below(2),
                              .scale = 1.25f};
        free(x.before);
        free(x.expected);
        l.e.run = columns * images, l.e.rows = rows * l.e.run;
        x.floats = 0;
        l.e.a = new_place(&x.floats, l.e.width, l.e.rows, l.e.run);
        l.e.b = new_place(&x.floats, l.e.width, l.e.rows, l.e.run);
        l.e.out = trial % 3 == 0   ? l.e.a
                  : trial % 3 == 1 ? l.e.b
                                   : new_place(&x.floats, l.e.width, l.e.rows, l.e.run);
        x.before = any_floats(x.floats);
        x.expected = malloc(x.floats * sizeof(float));
        memcpy(x.expected, x.before, x.floats * sizeof(float));
        plain_dropout(&l, step, &x);
        prnn_gpu_block *memory = put(r, x.before, x.floats * sizeof(float));
        LAUNCH(r, "dropout", groups_of((size_t)l.e.rows * l.e.width / 4, 256), 1, 256, PRNN_GPU_VALUE(l),
               PRNN_GPU_BLOCK(memory));
        compare_maps(r, "dropout", &x, memory);
    }
}

static void fill(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < 8; trial++) {
        maps x = new_maps();
        uint32_t zeros = below(2), first = 16 * below(4);
        float *packed = any_floats(1024);
        for (uint32_t m = 0; m < x.l.rows; m++) {
            for (uint32_t i = 0; i < x.l.width; i++) {
                x.expected[position(x.l.out, m, x.l.run) + i] = zeros ? 0 : packed[first + i];
            }
        }
        prnn_gpu_block *memory = put(r, x.before, x.floats * sizeof(float)), *from = put(r, packed, 4096);
        LAUNCH(r, "fill", groups_of((size_t)x.l.rows * x.l.width / 4, 256), 1, 256, PRNN_GPU_VALUE(x.l),
               PRNN_GPU_VALUE(zeros), PRNN_GPU_VALUE(first), PRNN_GPU_BLOCK(from), PRNN_GPU_BLOCK(memory));
        compare_maps(r, "fill", &x, memory);
        drop(r, from);
        free(packed);
    }
}

static void load_levels(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < 8; trial++) {
        uint32_t images = 1 + below(5), columns = 1 + below(6), rows = 1 + below(4),
                 channels = below(2) ? 3 : 1;
        prnn_gpu_load l = {.p = {.rows = rows * columns * images,
                                 .run = columns * images,
                                 .images = images,
                                 .row = below(2),
                                 .first = below(2),
                                 .channels = channels},
                           .step = 1 + below(3)};
        size_t floats = 0;
        l.p.height = l.p.row + rows + below(2), l.p.width = l.p.first + columns + below(2);
        l.values = new_place(&floats, channels, l.p.rows, l.p.run);
        size_t width = l.p.width * l.step, height = l.p.height * l.step,
               pictures = images * height * width * channels;
        uint8_t *levels = malloc(pictures);
        float *before = any_floats(floats), *expected = malloc(floats * sizeof(float)),
              *scaled = any_floats(256);
        for (size_t i = 0; i < pictures; i++) {
            levels[i] = (uint8_t)below(256);
        }
        memcpy(expected, before, floats * sizeof(float));
        for (uint32_t m = 0; m < l.p.rows; m++) {
            size_t row = (l.p.row + m / l.p.run) * l.step,
                   column = (l.p.first + m % l.p.run / images) * l.step;
            const uint8_t *pixel = levels + ((m % images * height + row) * width + column) * channels;
            for (uint32_t k = 0; k < channels; k++) {
                expected[position(l.values, m, l.p.run) + k] = scaled[pixel[k]];
            }
        }
        prnn_gpu_block *all[] = {put(r, levels, pictures), put(r, scaled, 1024),
                                 put(r, before, floats * sizeof(float))};
        LAUNCH(r, "load_levels", groups_of((size_t)l.p.rows * channels, 256), 1, 256, PRNN_GPU_VALUE(l),
               PRNN_GPU_BLOCK(all[0]), PRNN_GPU_BLOCK(all[1]), PRNN_GPU_BLOCK(all[2]));
        take(r, all[2], before, floats * sizeof(float));
        expect_bits("load_levels", before, expected, floats);
        for (int i = 0; i < 3; i++) {
            drop(r, all[i]);
        }
        free(levels);
        free(before);
        free(expected);
        free(scaled);
    }
}

/* -------------------------------------------------------------------------------------------- weights */

static void pack(void **state) {
    rig *r = *state;
    uint64_t n = 1000 + below(1000);
    int32_t *index = malloc(n * sizeof *index);
    float *parameters = any_floats(500), *packed = any_floats(n), *expected = malloc(n * sizeof(float));
    for (uint64_t i = 0; i < n; i++) {
        index[i] = below(3) ? (int32_t)below(500) : -1;
        expected[i] = index[i] >= 0 ? parameters[index[i]] : 0;
    }
    prnn_gpu_block *all[] = {put(r, index, n * sizeof *index), put(r, parameters, 500 * sizeof(float)),
                             put(r, packed, n * sizeof(float))};
    LAUNCH(r, "pack", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n), PRNN_GPU_BLOCK(all[0]),
           PRNN_GPU_BLOCK(all[1]), PRNN_GPU_BLOCK(all[2]));
    take(r, all[2], packed, n * sizeof(float));
    expect_bits("pack", packed, expected, n);
    for (int i = 0; i < 3; i++) {
        drop(r, all[i]);
    }
    free(index);
    free(parameters);
    free(packed);
    free(expected);
}

/* Over lanes, as the gradient's tree has it: neighbours, then neighbours of these. */
static void unpack(void **state) {
    rig *r = *state;
    for (uint32_t lanes = 1; lanes <= 64; lanes += 1 + below(5)) {
        uint64_t n = 300, first = below(9);
        float *all = any_floats(first + n * lanes), *packed = all + first, *gradient = any_floats(n),
              *expected = malloc(n * sizeof(float));
        int32_t index[300];
        memcpy(expected, gradient, n * sizeof(float));
        prnn_gpu_block *from = put(r, all, (first + n * lanes) * sizeof(float)),
                       *to = put(r, gradient, n * sizeof(float));
        for (uint32_t size = 1; size < lanes; size *= 2) {
            for (uint32_t left = 0; left + size < lanes; left += 2 * size) {
                for (uint64_t i = 0; i < n; i++) {
                    packed[left * n + i] += packed[(left + size) * n + i];
                }
            }
        }
        for (uint64_t i = 0; i < n; i++) {
            index[i] = i % 7 ? (int32_t)(n - 1 - i) : -1;
            expected[index[i] >= 0 ? index[i] : (int32_t)(n - 1)] =
                index[i] >= 0 ? packed[i] : expected[n - 1];
        }
        prnn_gpu_block *indices = put(r, index, sizeof index);
        LAUNCH(r, "unpack", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n), PRNN_GPU_VALUE(first),
               PRNN_GPU_VALUE(lanes), PRNN_GPU_BLOCK(indices), PRNN_GPU_BLOCK(from), PRNN_GPU_BLOCK(to));
        take(r, to, gradient, n * sizeof(float));
        expect_bits("unpack", gradient, expected, n);
        drop(r, from);
        drop(r, to);
        drop(r, indices);
        free(all);
        free(gradient);
        free(expected);
    }
}

static void clear(void **state) {
    rig *r = *state;
    float *x = any_floats(1000), *expected = malloc(4000);
    uint64_t n = 700, first = 100;
    memcpy(expected, x, 4000);
    memset(expected + first, 0, n * sizeof(float));
    prnn_gpu_block *block = put(r, x, 4000);
    LAUNCH(r, "clear", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n), PRNN_GPU_VALUE(first),
           PRNN_GPU_BLOCK(block));
    take(r, block, x, 4000);
    expect_bits("clear", x, expected, 1000);
    drop(r, block);
    free(x);
    free(expected);
}

/* Pieces of 32768 and a rest that is no multiple of 8. */
static void squares(void **state) {
    rig *r = *state;
    uint64_t n = 3 * 32768 + 1000 * below(20) + 5;
    size_t pieces = prnn_cpu_norm_scratch(n);
    float *x = any_floats(n);
    double *expected = malloc(pieces * sizeof(double)), *own = malloc(pieces * sizeof(double));
    prnn_cpu_norm(r->ctx, (prnn_block){.memory = x, .count = n}, expected);
    prnn_gpu_block *from = put(r, x, n * sizeof(float)), *sums = put(r, own, pieces * sizeof(double));
    LAUNCH(r, "squares", groups_of(pieces, 16), 1, 128, PRNN_GPU_VALUE(n), PRNN_GPU_BLOCK(from),
           PRNN_GPU_BLOCK(sums));
    take(r, sums, own, pieces * sizeof(double));
    assert_memory_equal(own, expected, pieces * sizeof(double));
    drop(r, from);
    drop(r, sums);
    free(x);
    free(expected);
    free(own);
}

static float *copy_of(const float *x, size_t n) {
    float *copy = malloc(n * sizeof *copy);
    memcpy(copy, x, n * sizeof *copy);
    return copy;
}

/* Numbers of one block to another one, or added to them. */
static void numbers(void **state) {
    rig *r = *state;
    for (int adds = 0; adds < 2; adds++) {
        enum { N = 1000 };
        uint64_t n = 300 + below(300), from_first = below(100), to_first = below(100);
        float *from = any_floats(N), *to = any_floats(N), *expected = copy_of(to, N);
        for (size_t i = 0; i < n; i++) {
            expected[to_first + i] = from[from_first + i] + (adds ? to[to_first + i] : 0.0f);
        }
        prnn_gpu_block *source = put(r, from, N * sizeof *from), *target = put(r, to, N * sizeof *to);
        LAUNCH(r, adds ? "add_numbers" : "copy_numbers", groups_of(n, 256), 1, 256, PRNN_GPU_VALUE(n),
               PRNN_GPU_VALUE(from_first), PRNN_GPU_VALUE(to_first), PRNN_GPU_BLOCK(source),
               PRNN_GPU_BLOCK(target));
        take(r, target, to, N * sizeof *to);
        for (size_t i = 0; i < N; i++) { /* a sum makes one of two zeros */
            assert_true(to[i] == expected[i]);
        }
        drop(r, source);
        drop(r, target);
        free(from);
        free(to);
        free(expected);
    }
}

static void update(void **state) {
    rig *r = *state;
    for (int trial = 0; trial < 12; trial++) {
        enum { N = 1003, BYTES = N * sizeof(float) };
        float *all[5], *expected[5]; /* gradient, weights, moments, average */
        prnn_gpu_block *blocks[5];
        for (int i = 0; i < 5; i++) {
            all[i] = any_floats(N);
            for (int j = 0; j < N && i == 3; j++) {
                all[i][j] = fabsf(all[i][j]);
            }
            expected[i] = copy_of(all[i], N);
            blocks[i] = put(r, all[i], BYTES);
        }
        prnn_gpu_step s = {.n = N - (uint32_t)trial,
                           .first = (uint32_t)trial,
                           .rate = 0.01f,
                           .beta1 = trial % 2 || trial % 3 == 1 ? 0.9f : 0,
                           .beta2 = 0.95f,
                           .epsilon = 1e-8f,
                           .scale = 0.7f,
                           .correct1 = 1.3f,
                           .correct2 = 1.1f,
                           .keep = 0.99f,
                           .decay = trial % 4 ? 0.02f : 0,
                           .kind = (uint32_t)trial % 3,
                           .ema = below(2)};
        prnn_step step = {s.rate,     s.beta1,    s.beta2, s.epsilon, s.scale,
                          s.correct1, s.correct2, s.keep,  s.decay};
        prnn_state plain = {s.n,
                            expected[0] + trial,
                            expected[1] + trial,
                            expected[2] + trial,
                            expected[3] + trial,
                            s.ema ? expected[4] + trial : NULL};
        void (*const kinds[])(const prnn_step *, const prnn_state *) = {
            prnn_kernels_generic.rmsprop, prnn_kernels_generic.adam, prnn_kernels_generic.sgd};
        kinds[s.kind](&step, &plain);
        LAUNCH(r, "update", groups_of(s.n, 256), 1, 256, PRNN_GPU_VALUE(s), PRNN_GPU_BLOCK(blocks[0]),
               PRNN_GPU_BLOCK(blocks[1]), PRNN_GPU_BLOCK(blocks[2]), PRNN_GPU_BLOCK(blocks[3]),
               PRNN_GPU_BLOCK(blocks[4]));
        for (int i = 0; i < 5; i++) {
            take(r, blocks[i], all[i], BYTES);
            expect_bits(prnn_optimizer_name((prnn_optimizer)s.kind), all[i], expected[i], N);
            drop(r, blocks[i]);
            free(all[i]);
            free(expected[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------------- records */

/* What was recorded runs again, on what is there then, and not when it is recorded. */
static void replay(void **state) {
    rig *r = *state;
    enum { N = 256 };
    const prnn_gpu_driver *d = r->gpu->driver;
    prnn_gpu_elementwise l = {.rows = N / 16, .run = N / 16, .width = 16};
    l.a = l.b = l.out = (prnn_gpu_place){.at = 0, .stride = 16};
    float ones[N], own[N];
    for (int i = 0; i < N; i++) {
        ones[i] = 1;
    }
    prnn_gpu_block *memory = put(r, ones, sizeof ones);
    prnn_gpu_tape *tape;
    (void)kernel_named(r, "add");
    must(r, d->record(r->ctx, r->gpu));
    for (int i = 0; i < 3; i++) {
        LAUNCH(r, "add", 1, 1, 256, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(memory));
    }
    must(r, d->recorded(r->ctx, r->gpu, &tape));
    take(r, memory, own, sizeof own);
    assert_true(own[0] == 1 && own[N - 1] == 1);
    for (int i = 0; i < 2; i++) {
        must(r, d->replay(r->ctx, r->gpu, tape));
    }
    take(r, memory, own, sizeof own);
    assert_true(own[0] == 64 && own[N - 1] == 64);
    d->erase(r->gpu, tape);
    drop(r, memory);
}

/* A block that is too large costs nothing but a sentence with a way out. */
static void no_room(void **state) {
    rig *r = *state;
    prnn_gpu_block *block = put(r, "before", 6), *larger;
    size_t bytes = (size_t)r->gpu->info.memory + (size_t)r->gpu->info.largest + 1;
    assert_int_equal(r->gpu->driver->allocate(r->ctx, r->gpu, bytes, "a large thing", &larger),
                     PRNN_ERROR_MEMORY);
    assert_null(larger);
    assert_non_null(strstr(prnn_message(r->ctx), "no room for a large thing: "));
    assert_non_null(strstr(prnn_message(r->ctx), "choose a smaller batch"));
    char now[6];
    take(r, block, now, sizeof now);
    assert_memory_equal(now, "before", 6);
    drop(r, block);
}

int main(int count, char **arguments) {
    const kernel_test tests[] = {
        {"elementwise", elementwise}, {"fill", fill},
        {"load_levels", load_levels}, {"pack", pack},
        {"unpack", unpack},           {"clear", clear},
        {"squares", squares},         {"update", update},
        {"dropout", dropout},         {"numbers", numbers},
        {"replay", replay},           {"no_room", no_room},
    };
    return run_on_devices(PRNN_GPU_FP32, tests, sizeof tests / sizeof *tests, count, arguments);
}

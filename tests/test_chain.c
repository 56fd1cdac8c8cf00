/* Chains of models: what a chain does is what its models do one after the other, and what does not fit is
 * refused with both sizes. That a chain's probabilities sum to 1 is a law of test_laws_multiscale. */
#define _GNU_SOURCE /* mkdtemp */
#include "laws.h"

#include <unistd.h>

enum { SMALL = 2, MIDDLE = 4, LARGE = 8, SCALES = 3, COLOURS = 3, LEVELS = 5, N = 3 };

static const size_t sides[SCALES] = {SMALL, MIDDLE, LARGE};

/* A chain of three models, small to large. */
typedef struct family {
    law_model m[SCALES];
    const prnn_model *models[SCALES];
    prnn_context *ctx; /* of the first model */
    prnn_chain *chain;
} family;

static law_model open_scale(prnn_kind kind, int size, int condition, int levels, uint64_t seed) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = c.width = size;
    c.channels = COLOURS;
    c.levels = levels;
    c.layers = 1;
    c.hidden = 5;
    c.head = 9;
    c.condition_size = condition;
    c.condition_features = condition ? 4 : 0;
    return law_open(&c, seed);
}

static family open_family(void) {
    family f = {.m = {open_scale(PRNN_ROW, SMALL, 0, LEVELS, 1),
                      open_scale(PRNN_CNN, MIDDLE, SMALL, LEVELS, 2),
                      open_scale(PRNN_DIAGONAL, LARGE, MIDDLE, LEVELS, 3)}};
    for (int k = 0; k < SCALES; k++) {
        f.models[k] = f.m[k].model;
    }
    f.ctx = f.m[0].ctx;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, f.models, SCALES, &f.chain));
    return f;
}

static void close_family(family *f) {
    prnn_chain_free(f->chain);
    for (int k = 0; k < SCALES; k++) {
        law_close(&f->m[k]);
    }
}

static uint8_t *take(size_t bytes) {
    uint8_t *memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, 0xee, bytes);
    return memory;
}

static uint8_t *some_images(const family *f, uint64_t seed) {
    uint8_t *images = take(N * f->m[2].bytes);
    random_images(seed, LEVELS, N * f->m[2].bytes, images);
    return images;
}

/* The images of scale k in `count` images of the last one: to be freed. */
static uint8_t *shrink(const family *f, int k, const uint8_t *images, size_t count) {
    uint8_t *small = take(count * f->m[k].bytes), *to = small;
    size_t step = LARGE / sides[k];
    for (size_t i = 0; i < count; i++) {
        for (size_t row = 0; row < LARGE; row += step) {
            for (size_t col = 0; col < LARGE; col += step, to += COLOURS) {
                memcpy(to, images + i * f->m[2].bytes + (row * LARGE + col) * COLOURS, COLOURS);
            }
        }
    }
    return small;
}

/* --------------------------------------------------------------------------------- what it holds */

static void test_parts(void **state) {
    (void)state;
    family f = open_family();
    assert_int_equal(prnn_chain_count(f.chain), SCALES);
    for (size_t k = 0; k < SCALES; k++) {
        assert_ptr_equal(prnn_chain_model(f.chain, k), f.models[k]);
    }
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_chain_config(f.chain, &c);
    assert_true(c.width == LARGE && c.condition_size == MIDDLE && c.levels == LEVELS);
    for (int row = 0; row < LARGE; row++) {
        for (int col = 0; col < LARGE; col++) {
            assert_int_equal(prnn_model_pixel_is_given(f.models[2], row, col), row % 2 == 0 && col % 2 == 0);
        }
    }
    assert_false(prnn_model_pixel_is_given(f.models[0], 0, 0));
    prnn_chain_free(NULL);
    close_family(&f);
}

/* ------------------------------------------------------------------------------------- likelihood */

/* The part of each scale: the values of its model alone that are not given, to float's precision; and to the
 * bit the chain that consists of this model. */
static void test_scales(void **state) {
    (void)state;
    family f = open_family();
    uint8_t *images = some_images(&f, 11);
    double nats[N], scale_nats[N * SCALES], sum[N] = {0};
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, NULL, nats, scale_nats, NULL));
    for (int k = 0; k < SCALES; k++) {
        uint8_t *own = shrink(&f, k, images, N);
        float *values = malloc(N * f.m[k].bytes * sizeof *values);
        double all[N], alone[N], expected[N] = {0};
        prnn_chain *one;
        assert_ok(f.ctx, prnn_evaluate(f.ctx, f.models[k], own, N, NULL, all, values));
        for (size_t i = 0; i < N * f.m[k].bytes; i++) {
            size_t pixel = i % f.m[k].bytes / COLOURS;
            bool given = k > 0 && pixel / sides[k] % 2 == 0 && pixel % sides[k] % 2 == 0;
            expected[i / f.m[k].bytes] += given ? 0 : (double)values[i];
        }
        assert_ok(f.ctx, prnn_chain_create(f.ctx, &f.models[k], 1, &one));
        assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, one, own, N, NULL, alone, NULL, NULL));
        for (size_t i = 0; i < N; i++) {
            double part = scale_nats[i * SCALES + (size_t)k];
            assert_true(part > 0 && (k == 0 || part < all[i]));
            assert_true(fabs(part / expected[i] - 1) < 1e-6);
            assert_memory_equal(&part, &alone[i], sizeof part);
            sum[i] += part;
        }
        prnn_chain_free(one);
        free(values);
        free(own);
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs(nats[i] / sum[i] - 1) < 1e-14);
    }
    free(images);
    close_family(&f);
}

typedef struct hearing {
    int calls, stop_at;
} hearing;

static bool hear(void *user, const prnn_progress *p) {
    hearing *h = user;
    assert_true(p->done == p->total && p->total == N);
    return ++h->calls != h->stop_at;
}

/* Small images of their own, for a first model that is conditional; and a word at each model. */
static void test_options(void **state) {
    (void)state;
    family f = open_family();
    uint8_t *images = some_images(&f, 12), *small = some_images(&f, 13);
    double nats[N], expected[N], without[N];
    prnn_chain *last;
    hearing h = {0};
    prnn_evaluate_options o = PRNN_EVALUATE_OPTIONS_INIT;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, &f.models[2], 1, &last));
    o.small = small;
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, last, images, N, &o, nats, NULL, NULL));
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, last, images, N, NULL, without, NULL, NULL));
    o.new_only = true;
    assert_ok(f.ctx, prnn_evaluate(f.ctx, f.models[2], images, N, &o, expected, NULL));
    assert_memory_equal(nats, expected, sizeof nats);
    assert_memory_not_equal(nats, without, sizeof nats);
    assert_int_equal(prnn_chain_evaluate(f.ctx, f.chain, images, N, &o, nats, NULL, NULL),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(f.ctx), "the model is not conditional"));
    o = (prnn_evaluate_options)PRNN_EVALUATE_OPTIONS_INIT;
    o.progress = hear;
    o.user = &h;
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, &o, nats, NULL, NULL));
    assert_int_equal(h.calls, SCALES);
    h = (hearing){.stop_at = 2};
    assert_int_equal(prnn_chain_evaluate(f.ctx, f.chain, images, N, &o, nats, NULL, NULL), PRNN_STOPPED);
    assert_int_equal(h.calls, 2);
    prnn_chain_free(last);
    free(images);
    free(small);
    close_family(&f);
}

/* Each value of a large image is that of the model where it is new, to the bit. */
static void test_values(void **state) {
    (void)state;
    family f = open_family();
    uint8_t *images = some_images(&f, 12);
    size_t bytes = f.m[2].bytes;
    float *values = malloc(N * bytes * sizeof *values);
    float *expected = malloc(N * bytes * sizeof *expected);
    double nats[N], other[N];
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, NULL, nats, NULL, values));
    for (int k = SCALES; k-- > 0;) {
        uint8_t *own = shrink(&f, k, images, N);
        float *of_model = malloc(N * f.m[k].bytes * sizeof *of_model), *from = of_model;
        size_t step = LARGE / sides[k];
        assert_ok(f.ctx, prnn_evaluate(f.ctx, f.models[k], own, N, NULL, other, of_model));
        for (size_t i = 0; i < N; i++) {
            for (size_t row = 0; row < LARGE; row += step) {
                for (size_t col = 0; col < LARGE; col += step, from += COLOURS) {
                    memcpy(expected + i * bytes + (row * LARGE + col) * COLOURS, from,
                           COLOURS * sizeof *from);
                }
            }
        }
        free(of_model);
        free(own);
    }
    assert_memory_equal(values, expected, N * bytes * sizeof *values);
    free(expected);
    free(values);
    free(images);
    close_family(&f);
}

/* So is what the model expected of it. */
static void test_expectations(void **state) {
    (void)state;
    family f = open_family();
    uint8_t *images = some_images(&f, 14);
    size_t bytes = f.m[2].bytes, n = N * bytes;
    float *own = calloc(2 * n, sizeof *own), *expected = malloc(2 * n * sizeof *expected);
    double nats[N], other[N];
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.entropies = own;
    options.variances = own + n;
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, &options, nats, NULL, NULL));
    for (int k = SCALES; k-- > 0;) {
        uint8_t *small = shrink(&f, k, images, N);
        size_t step = LARGE / sides[k], own_n = N * f.m[k].bytes;
        float *of_model = malloc(2 * own_n * sizeof *of_model), *from = of_model;
        options.entropies = of_model;
        options.variances = of_model + own_n;
        assert_ok(f.ctx, prnn_evaluate(f.ctx, f.models[k], small, N, &options, other, NULL));
        for (size_t i = 0; i < 2 * N; i++) {
            for (size_t place = 0; place < (size_t)sides[k] * (size_t)sides[k]; place++, from += COLOURS) {
                size_t row = place / (size_t)sides[k] * step, col = place % (size_t)sides[k] * step;
                memcpy(expected + i * bytes + (row * LARGE + col) * COLOURS, from, COLOURS * sizeof *from);
            }
        }
        free(of_model);
        free(small);
    }
    assert_memory_equal(own, expected, 2 * n * sizeof *own);
    free(expected);
    free(own);
    free(images);
    close_family(&f);
}

/* What the first model is given counts nothing. */
static void test_given_first(void **state) {
    (void)state;
    family f = open_family();
    uint8_t *images = some_images(&f, 13);
    size_t bytes = f.m[2].bytes, zeros = 0;
    float *values = malloc(N * bytes * sizeof *values);
    double all[N], scale_nats[N * SCALES], nats[N], parts[N * 2];
    prnn_chain *upper;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, f.models + 1, 2, &upper));
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, NULL, all, scale_nats, NULL));
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, upper, images, N, NULL, nats, parts, values));
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs((nats[i] + scale_nats[i * SCALES]) / all[i] - 1) < 1e-14);
        assert_memory_equal(&parts[i * 2], &scale_nats[i * SCALES + 1], 2 * sizeof *parts);
        for (size_t v = 0; v < bytes; v++) {
            size_t row = v / COLOURS / LARGE, col = v / COLOURS % LARGE;
            bool given = row % 4 == 0 && col % 4 == 0;
            assert_true(given ? values[i * bytes + v] == 0 : values[i * bytes + v] > 0);
            zeros += given;
        }
    }
    assert_int_equal(zeros, N * f.m[0].bytes);
    prnn_chain_free(upper);
    free(values);
    free(images);
    close_family(&f);
}

/* --------------------------------------------------------------------------------- drawing images */

static prnn_sample_options options_of(uint64_t seed) {
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = seed;
    options.temperature = 0.9;
    return options;
}

static void test_sample(void **state) {
    (void)state;
    family f = open_family();
    prnn_sample_options options = options_of(21);
    uint8_t *small = take(N * f.m[0].bytes), *middle = take(N * f.m[1].bytes),
            *large = take(N * f.m[2].bytes);
    uint8_t *images = take(N * f.m[2].bytes);
    assert_ok(f.ctx, prnn_sample(f.ctx, f.models[0], N, &options, small));
    assert_ok(f.ctx, prnn_upscale(f.ctx, f.models[1], small, N, 1, &options, middle));
    assert_ok(f.ctx, prnn_upscale(f.ctx, f.models[2], middle, N, 1, &options, large));
    assert_ok(f.ctx, prnn_chain_sample(f.ctx, f.chain, N, &options, images));
    assert_memory_equal(images, large, N * f.m[2].bytes);
    assert_memory_not_equal(images, images + f.m[2].bytes, f.m[2].bytes);
    prnn_chain *one;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, f.models, 1, &one));
    assert_ok(f.ctx, prnn_chain_sample(f.ctx, one, N, &options, images));
    assert_memory_equal(images, small, N * f.m[0].bytes);
    prnn_chain_free(one);
    free(small);
    free(middle);
    free(large);
    free(images);
    close_family(&f);
}

static void test_upscale(void **state) {
    (void)state;
    family f = open_family();
    enum { SAMPLES = 2 };
    prnn_sample_options options = options_of(22);
    size_t count = N * SAMPLES;
    uint8_t *images = some_images(&f, 23), *small = shrink(&f, 0, images, N);
    uint8_t *middle = take(count * f.m[1].bytes), *large = take(count * f.m[2].bytes);
    uint8_t *drawn = take(count * f.m[2].bytes);
    prnn_chain *upper;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, f.models + 1, 2, &upper));
    assert_ok(f.ctx, prnn_upscale(f.ctx, f.models[1], small, N, SAMPLES, &options, middle));
    assert_ok(f.ctx, prnn_upscale(f.ctx, f.models[2], middle, count, 1, &options, large));
    assert_ok(f.ctx, prnn_chain_upscale(f.ctx, upper, small, N, SAMPLES, &options, drawn));
    assert_memory_equal(drawn, large, count * f.m[2].bytes);
    prnn_chain_free(upper);
    free(images);
    free(small);
    free(middle);
    free(large);
    free(drawn);
    close_family(&f);
}

/* Completion, with the small images completed by themselves and put into the large ones here. */
static void test_complete(void **state) {
    (void)state;
    family f = open_family();
    enum { SAMPLES = 2, TOP = 4 * LARGE };
    prnn_sample_options options = options_of(24);
    size_t count = N * SAMPLES, bytes = f.m[2].bytes;
    uint8_t known[LARGE * LARGE] = {0}, known_at[LARGE * LARGE];
    memset(known, 1, TOP + 3); /* the upper half, and a little of a row */
    uint8_t *images = some_images(&f, 25), *before = NULL, *completed = take(count * bytes);
    assert_ok(f.ctx, prnn_chain_complete(f.ctx, f.chain, images, N, known, SAMPLES, &options, completed));
    for (int k = 0; k < SCALES; k++) {
        size_t side = sides[k], step = LARGE / side, repeats = k ? SAMPLES : 1;
        uint8_t *shrunk = shrink(&f, k, images, N), *own = take(N * repeats * f.m[k].bytes);
        uint8_t *made = take(count * f.m[k].bytes);
        for (size_t i = 0; i < N * repeats; i++) {
            uint8_t *to = own + i * f.m[k].bytes;
            memcpy(to, shrunk + i / repeats * f.m[k].bytes, f.m[k].bytes);
            for (size_t p = 0; k && p < sides[k - 1] * sides[k - 1]; p++) {
                size_t at = p / sides[k - 1] * 2 * side + p % sides[k - 1] * 2;
                memcpy(to + at * COLOURS, before + i * f.m[k - 1].bytes + p * COLOURS, COLOURS);
            }
        }
        for (size_t p = 0; p < side * side; p++) {
            bool given = k && p / side % 2 == 0 && p % side % 2 == 0;
            known_at[p] = given || known[p / side * step * LARGE + p % side * step];
        }
        assert_ok(f.ctx, prnn_complete(f.ctx, f.models[k], own, N * repeats, known_at, SAMPLES / repeats,
                                       &options, made));
        free(before);
        free(shrunk);
        free(own);
        before = made;
    }
    assert_memory_equal(completed, before, count * bytes);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(completed + i * bytes, images + i / SAMPLES * bytes, (TOP + 3) * COLOURS);
    }
    assert_memory_not_equal(completed, completed + bytes, bytes);
    /* Of one model, it is the model's. */
    prnn_chain *one;
    assert_ok(f.ctx, prnn_chain_create(f.ctx, &f.models[2], 1, &one));
    assert_ok(f.ctx, prnn_complete(f.ctx, f.models[2], images, N, known_at, SAMPLES, &options, before));
    assert_ok(f.ctx, prnn_chain_complete(f.ctx, one, images, N, known_at, SAMPLES, &options, completed));
    assert_memory_equal(completed, before, count * bytes);
    prnn_chain_free(one);
    free(before);
    free(completed);
    free(images);
    close_family(&f);
}

static bool stop_at_second(void *user, const prnn_progress *report) {
    int *calls = user;
    (void)report;
    return ++*calls < 2;
}

/* The callback hears of every scale, and may stop between them; no image is no work. */
static void test_stop(void **state) {
    (void)state;
    family f = open_family();
    int calls = 0;
    uint8_t *images = take(f.m[2].bytes);
    prnn_sample_options options = options_of(26);
    options.progress = stop_at_second;
    options.user = &calls;
    assert_int_equal(prnn_chain_sample(f.ctx, f.chain, 1, &options, images), PRNN_STOPPED);
    assert_int_equal(calls, 2);
    uint8_t known[LARGE * LARGE] = {0};
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, NULL, 0, NULL, NULL, NULL, NULL));
    assert_ok(f.ctx, prnn_chain_sample(f.ctx, f.chain, 0, NULL, NULL));
    assert_ok(f.ctx, prnn_chain_complete(f.ctx, f.chain, NULL, 0, known, 4, NULL, NULL));
    free(images);
    close_family(&f);
}

/* ---------------------------------------------------------------------------------------- refusals */

#define refuses(call, says)                                                                                  \
    do {                                                                                                     \
        assert_int_equal((call), PRNN_ERROR_ARGUMENT);                                                       \
        if (!strstr(prnn_message(f.ctx), says)) {                                                            \
            fail_msg("%s should say \"%s\", says \"%s\"", #call, says, prnn_message(f.ctx));                 \
        }                                                                                                    \
    } while (0)

static void test_null(void **state) {
    (void)state;
    family f = open_family();
    const prnn_model *gap[] = {f.models[0], NULL};
    const char *no_path[] = {NULL};
    uint8_t *images = some_images(&f, 31), known[LARGE * LARGE] = {0};
    double nats[N];
    prnn_chain *made = f.chain;
    refuses(prnn_chain_create(f.ctx, NULL, 1, &made), "models is NULL");
    refuses(prnn_chain_create(f.ctx, f.models, 1, NULL), "chain is NULL");
    refuses(prnn_chain_create(f.ctx, gap, 2, &made), "model 2 of the chain is NULL");
    refuses(prnn_chain_create(f.ctx, f.models, 0, &made), "at least one model");
    assert_null(made);
    refuses(prnn_chain_load(f.ctx, NULL, 1, &made), "paths is NULL");
    refuses(prnn_chain_load(f.ctx, no_path, 1, &made), "path is NULL");
    refuses(prnn_chain_load(f.ctx, no_path, 1, NULL), "chain is NULL");
    refuses(prnn_chain_load(f.ctx, no_path, 0, &made), "at least one model");
    refuses(prnn_chain_evaluate(f.ctx, NULL, images, 1, NULL, nats, NULL, NULL), "chain is NULL");
    refuses(prnn_chain_evaluate(f.ctx, f.chain, NULL, 1, NULL, nats, NULL, NULL), "images is NULL");
    refuses(prnn_chain_evaluate(f.ctx, f.chain, images, 1, NULL, NULL, NULL, NULL), "nats is NULL");
    refuses(prnn_chain_sample(f.ctx, NULL, 1, NULL, images), "chain is NULL");
    refuses(prnn_chain_sample(f.ctx, f.chain, 1, NULL, NULL), "images is NULL");
    refuses(prnn_chain_complete(f.ctx, NULL, images, 1, known, 1, NULL, images), "chain is NULL");
    refuses(prnn_chain_complete(f.ctx, f.chain, NULL, 1, known, 1, NULL, images), "images is NULL");
    refuses(prnn_chain_complete(f.ctx, f.chain, images, 1, NULL, 1, NULL, images), "known is NULL");
    refuses(prnn_chain_complete(f.ctx, f.chain, images, 1, known, 1, NULL, NULL), "completed is NULL");
    refuses(prnn_chain_upscale(f.ctx, NULL, images, 1, 1, NULL, images), "chain is NULL");
    refuses(prnn_chain_upscale(f.ctx, f.chain, NULL, 1, 1, NULL, images), "small is NULL");
    refuses(prnn_chain_upscale(f.ctx, f.chain, images, 1, 1, NULL, NULL), "large is NULL");
    assert_int_equal(prnn_chain_create(NULL, f.models, 1, &made), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_chain_load(NULL, no_path, 1, &made), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_chain_evaluate(NULL, f.chain, images, 1, NULL, nats, NULL, NULL),
                     PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_chain_sample(NULL, f.chain, 1, NULL, images), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_chain_complete(NULL, f.chain, images, 1, known, 1, NULL, images),
                     PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_chain_upscale(NULL, f.chain, images, 1, 1, NULL, images), PRNN_ERROR_ARGUMENT);
    free(images);
    close_family(&f);
}

/* What the models themselves would refuse. */
static void test_values_refused(void **state) {
    (void)state;
    family f = open_family();
    prnn_chain *upper;
    uint8_t *images = some_images(&f, 32), known[LARGE * LARGE] = {0};
    double nats[N];
    assert_ok(f.ctx, prnn_chain_create(f.ctx, f.models + 1, 2, &upper));
    refuses(prnn_chain_sample(f.ctx, upper, 1, NULL, images), "small ones of 2 x 2");
    refuses(prnn_chain_upscale(f.ctx, f.chain, images, 1, 1, NULL, images), "is not conditional");
    refuses(prnn_chain_complete(f.ctx, upper, images, 1, known, 1, NULL, images), "is not known");
    prnn_sample_options cold = options_of(33);
    cold.temperature = 0;
    refuses(prnn_chain_sample(f.ctx, f.chain, 1, &cold, images), "temperature is 0");
    images[f.m[2].bytes + 1] = LEVELS;
    refuses(prnn_chain_evaluate(f.ctx, f.chain, images, 2, NULL, nats, NULL, NULL),
            "image 1 has the value 5");
    /* Value 1 is of a pixel that every scale has; value 4, of one that only the last has. */
    images[f.m[2].bytes + 1] = 0;
    images[4] = LEVELS;
    refuses(prnn_chain_complete(f.ctx, f.chain, images, 1, known, 1, NULL, images),
            "image 0 has the value 5");
    prnn_chain_free(upper);
    free(images);
    close_family(&f);
}

/* Both models and both sizes are named, by number or by path; a refusal leaves NULL. */
static void test_mismatch(void **state) {
    (void)state;
    family f = open_family();
    law_model binary = open_scale(PRNN_CNN, MIDDLE, SMALL, 2, 34);
    prnn_chain *made = f.chain;
    const prnn_model *jump[] = {f.models[0], f.models[2]}, *flat[] = {f.models[0], f.models[0]};
    const prnn_model *other[] = {f.models[0], binary.model};
    refuses(prnn_chain_create(f.ctx, jump, 2, &made),
            "model 2 of the chain is given images of 4 x 4 x 3 of 5 levels, and model 1 of the chain is for "
            "2 x 2 x 3 of 5");
    refuses(prnn_chain_create(f.ctx, other, 2, &made),
            "model 2 of the chain is given images of 2 x 2 x 3 of 2 levels, and model 1 of the chain is for "
            "2 x 2 x 3 of 5");
    refuses(prnn_chain_create(f.ctx, flat, 2, &made), "model 2 of the chain is not conditional");
    assert_null(made);
    law_close(&binary);
    close_family(&f);
}

static void test_load(void **state) {
    (void)state;
    family f = open_family();
    char folder[] = "/tmp/prnn_test_chain_XXXXXX", path[SCALES][64], expected[256];
    const char *paths[SCALES];
    assert_non_null(mkdtemp(folder));
    for (int k = 0; k < SCALES; k++) {
        snprintf(path[k], sizeof path[k], "%s/%d.safetensors", folder, k);
        assert_ok(f.ctx, prnn_model_save(f.ctx, f.models[k], path[k]));
        paths[k] = path[k];
    }
    prnn_chain *loaded;
    uint8_t *images = some_images(&f, 35);
    double nats[N], again[N];
    assert_ok(f.ctx, prnn_chain_load(f.ctx, paths, SCALES, &loaded));
    assert_int_equal(prnn_chain_count(loaded), SCALES);
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, f.chain, images, N, NULL, nats, NULL, NULL));
    assert_ok(f.ctx, prnn_chain_evaluate(f.ctx, loaded, images, N, NULL, again, NULL, NULL));
    assert_memory_equal(nats, again, sizeof nats);
    prnn_chain_free(loaded);
    const char *jump[] = {path[0], path[2]}, *missing[] = {path[0], folder};
    snprintf(expected, sizeof expected,
             "%s is given images of 4 x 4 x 3 of 5 levels, and %s is for 2 x 2 x 3", path[2], path[0]);
    refuses(prnn_chain_load(f.ctx, jump, 2, &loaded), expected);
    assert_null(loaded);
    loaded = f.chain;
    assert_int_equal(prnn_chain_load(f.ctx, missing, 2, &loaded), PRNN_ERROR_FILE);
    assert_non_null(strstr(prnn_message(f.ctx), folder));
    assert_null(loaded);
    for (int k = 0; k < SCALES; k++) {
        unlink(path[k]);
    }
    rmdir(folder);
    free(images);
    close_family(&f);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_options),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_expectations), cmocka_unit_test(test_given_first),
        cmocka_unit_test(test_sample),       cmocka_unit_test(test_upscale),
        cmocka_unit_test(test_complete),     cmocka_unit_test(test_stop),
        cmocka_unit_test(test_null),         cmocka_unit_test(test_values_refused),
        cmocka_unit_test(test_mismatch),     cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests_name("chains", tests, NULL, NULL);
}

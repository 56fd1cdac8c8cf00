/* Laws of the stepper: it says what prnn_logits says of the finished images, draws what prnn_sample draws,
 * and whoever asks what cannot be loses nothing. */
#include "laws.h"

#include <float.h>

enum { N = 37 };

static const int threads[] = {1, 2, 3, 7, 16};

enum { THREADS = sizeof threads / sizeof *threads };

/* What the steps of N images are compared with. */
typedef struct finished {
    law_model m;
    uint8_t *images, *small;
    float *logits; /* (N, H, W, C, M) */
} finished;

static finished finish(void **state, uint64_t seed) {
    prnn_config config = law_of_state(state);
    finished f = {.m = law_open(&config, seed)};
    f.images = malloc(N * f.m.bytes);
    f.small = malloc(N * f.m.small + 1);
    assert_true(f.images && f.small);
    random_images(seed, config.levels, N * f.m.bytes, f.images);
    for (size_t i = 0; i < N; i++) {
        law_small(&f.m, f.images + i * f.m.bytes, f.small + i * f.m.small);
    }
    f.logits = law_logits(&f.m, f.images, N);
    return f;
}

static void forget(finished *f) {
    free(f->images);
    free(f->small);
    free(f->logits);
    law_close(&f->m);
}

static prnn_stepper *begin(const finished *f, uint64_t seed, uint64_t first, double temperature) {
    prnn_stepper_options options = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper;
    options.small = f->m.small ? f->small : NULL;
    options.seed = seed;
    options.first = first;
    options.temperature = temperature;
    assert_ok(f->m.ctx, prnn_stepper_create(f->m.ctx, f->m.model, N, &options, &stepper));
    return stepper;
}

/* Number of the next value in an image; those that are passed over are given. */
static size_t next_value(const finished *f, const prnn_stepper *stepper, size_t after) {
    const prnn_config *c = &f->m.config;
    int row, col, channel;
    assert_true(prnn_stepper_next(stepper, &row, &col, &channel));
    assert_true(row < c->height && col < c->width && channel < c->channels);
    size_t value = ((size_t)row * (size_t)c->width + (size_t)col) * (size_t)c->channels + (size_t)channel;
    for (; after < value; after++) {
        size_t pixel = after / (size_t)c->channels, step = (size_t)(c->height / c->condition_size);
        assert_true(pixel / (size_t)c->width % step == 0 && pixel % (size_t)c->width % step == 0);
    }
    assert_int_equal(after, value);
    return value;
}

static void put(const finished *f, prnn_stepper *stepper, size_t value) {
    uint8_t levels[N];
    for (size_t i = 0; i < N; i++) {
        levels[i] = f->images[i * f->m.bytes + value];
    }
    assert_ok(f->m.ctx, prnn_stepper_put(f->m.ctx, stepper, levels));
}

/* Asks for the next value, and compares. */
static void ask(const finished *f, prnn_stepper *stepper, size_t value) {
    const law_model *m = &f->m;
    size_t levels = (size_t)m->config.levels;
    float *logits = malloc(N * m->logits * sizeof *logits);
    double *logs = malloc(N * levels * sizeof *logs), *own = malloc(N * levels * sizeof *own);
    assert_ok(m->ctx, prnn_stepper_logits(m->ctx, stepper, logits));
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(logits + i * m->logits, f->logits + (i * m->bytes + value) * m->logits,
                            m->logits * sizeof *logits);
    }
    assert_ok(m->ctx, prnn_stepper_log_probabilities(m->ctx, stepper, logs));
    assert_ok(m->ctx, prnn_log_probabilities(m->ctx, m->model, logits, N, own));
    assert_memory_equal(logs, own, N * levels * sizeof *logs);
    free(logits);
    free(logs);
    free(own);
}

/* Steps from the beginning to the end; every `odds`-th value, by chance, is asked for. */
static void step_through(const finished *f, uint64_t odds) {
    prnn_stepper *stepper = begin(f, 0, 0, 1);
    uint64_t chance = odds;
    size_t value = 0;
    while (prnn_stepper_next(stepper, NULL, NULL, NULL)) {
        value = next_value(f, stepper, value);
        if (random_bits(&chance) % odds == 0) {
            ask(f, stepper, value);
        }
        put(f, stepper, value++);
    }
    assert_memory_equal(prnn_stepper_images(stepper), f->images, N * f->m.bytes);
    prnn_stepper_free(stepper);
}

static void test_logits(void **state) {
    finished f = finish(state, 71);
    for (int t = 0; t < THREADS; t++) {
        assert_ok(f.m.ctx, prnn_context_set_threads(f.m.ctx, threads[t]));
        step_through(&f, t % 2 ? 2 : 1);
        step_through(&f, 7);
    }
    forget(&f);
}

/* --------------------------------------------------------------------------------------- drawing */

/* What sampling draws for the images of a stepper. */
static uint8_t *sample(const finished *f, uint64_t seed, uint64_t first, double temperature) {
    const law_model *m = &f->m;
    uint8_t *images = malloc(N * m->bytes);
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = seed;
    options.first = first;
    options.temperature = temperature;
    assert_ok(m->ctx, m->small ? prnn_upscale(m->ctx, m->model, f->small, N, 1, &options, images)
                               : prnn_sample(m->ctx, m->model, N, &options, images));
    return images;
}

static void test_draws(void **state) {
    finished f = finish(state, 72);
    uint8_t *drawn = sample(&f, 5, 11, 0.8), levels[N];
    for (int t = 0; t < THREADS; t++) {
        assert_ok(f.m.ctx, prnn_context_set_threads(f.m.ctx, threads[t]));
        prnn_stepper *stepper = begin(&f, 5, 11, 0.8);
        for (size_t value = 0; prnn_stepper_next(stepper, NULL, NULL, NULL); value++) {
            value = next_value(&f, stepper, value);
            assert_ok(f.m.ctx, prnn_stepper_draw(f.m.ctx, stepper, t % 2 ? levels : NULL));
            for (size_t i = 0; i < N && t % 2; i++) {
                assert_int_equal(levels[i], drawn[i * f.m.bytes + value]);
            }
        }
        assert_memory_equal(prnn_stepper_images(stepper), drawn, N * f.m.bytes);
        prnn_stepper_free(stepper);
    }
    free(drawn);
    forget(&f);
}

/* Known pixels are put, the others drawn: a completion. */
static void test_completion(void **state) {
    finished f = finish(state, 73);
    size_t channels = (size_t)f.m.config.channels, pixels = f.m.bytes / channels;
    uint8_t *known = malloc(pixels), *completed = malloc(N * f.m.bytes);
    uint64_t chance = 74;
    for (size_t i = 0; i < pixels; i++) {
        size_t width = (size_t)f.m.config.width, step = f.m.small ? width / f.m.config.condition_size : 0;
        bool given = step && i / width % step == 0 && i % width % step == 0;
        known[i] = given || random_bits(&chance) % 2;
    }
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = 6;
    assert_ok(f.m.ctx, prnn_complete(f.m.ctx, f.m.model, f.images, N, known, 1, &options, completed));
    assert_ok(f.m.ctx, prnn_context_set_threads(f.m.ctx, 3));
    prnn_stepper *stepper = begin(&f, 6, 0, 1);
    for (size_t value = 0; prnn_stepper_next(stepper, NULL, NULL, NULL); value++) {
        value = next_value(&f, stepper, value);
        if (known[value / channels]) {
            put(&f, stepper, value);
        } else {
            assert_ok(f.m.ctx, prnn_stepper_draw(f.m.ctx, stepper, NULL));
        }
    }
    assert_memory_equal(prnn_stepper_images(stepper), completed, N * f.m.bytes);
    prnn_stepper_free(stepper);
    free(known);
    free(completed);
    forget(&f);
}

/* -------------------------------------------------------------------------------------- refusals */

#define refuses(call, status, says)                                                                          \
    do {                                                                                                     \
        assert_int_equal((call), status);                                                                    \
        if (!strstr(prnn_message(ctx), says)) {                                                              \
            fail_msg("%s should say \"%s\", says \"%s\"", #call, says, prnn_message(ctx));                   \
        }                                                                                                    \
    } while (0)

static void test_refused_beginnings(void **state) {
    finished f = finish(state, 75);
    prnn_context *ctx = f.m.ctx;
    const prnn_model *model = f.m.model;
    prnn_stepper_options o = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper = (prnn_stepper *)&o;
    o.small = f.m.small ? f.small : NULL;
    refuses(prnn_stepper_create(ctx, NULL, N, &o, &stepper), PRNN_ERROR_ARGUMENT, "model is NULL");
    refuses(prnn_stepper_create(ctx, model, N, &o, NULL), PRNN_ERROR_ARGUMENT, "stepper is NULL");
    refuses(prnn_stepper_create(ctx, model, 0, &o, &stepper), PRNN_ERROR_ARGUMENT, "0 images to step");
    refuses(prnn_stepper_create(ctx, model, SIZE_MAX, &o, &stepper), PRNN_ERROR_ARGUMENT, "choose 1 to");
    assert_null(stepper);
    o.temperature = 0;
    refuses(prnn_stepper_create(ctx, model, N, &o, &stepper), PRNN_ERROR_ARGUMENT, "temperature is 0");
    o.temperature = 1;
    if (f.m.small) {
        f.small[N * f.m.small - 1] = (uint8_t)f.m.config.levels;
        refuses(prnn_stepper_create(ctx, model, N, &o, &stepper), PRNN_ERROR_ARGUMENT, "small image 36 has");
        refuses(prnn_stepper_create(ctx, model, N, NULL, &stepper), PRNN_ERROR_ARGUMENT, "small ones of");
    } else {
        o.small = f.small;
        refuses(prnn_stepper_create(ctx, model, N, &o, &stepper), PRNN_ERROR_ARGUMENT, "not conditional");
    }
    assert_null(stepper);
    prnn_stepper_free(NULL);
    forget(&f);
}

/* In the middle, at the end: nothing that is refused changes what comes out. */
static void test_refused_steps(void **state) {
    finished f = finish(state, 76);
    prnn_context *ctx = f.m.ctx, *other = prnn_context_create();
    prnn_stepper *stepper = begin(&f, 0, 0, 1);
    uint8_t levels[N] = {0};
    float *logits = malloc(N * f.m.logits * sizeof *logits);
    double *logs = malloc(N * 256 * sizeof *logs);
    for (size_t value = 0; prnn_stepper_next(stepper, NULL, NULL, NULL);) {
        value = next_value(&f, stepper, value);
        levels[N - 1] = (uint8_t)f.m.config.levels; /* of 256 levels none is too high */
        if (f.m.config.levels < 256) {
            refuses(prnn_stepper_put(ctx, stepper, levels), PRNN_ERROR_ARGUMENT, "the level of image 36 is");
        }
        refuses(prnn_stepper_put(ctx, stepper, NULL), PRNN_ERROR_ARGUMENT, "levels is NULL");
        refuses(prnn_stepper_put(ctx, NULL, levels), PRNN_ERROR_ARGUMENT, "stepper is NULL");
        refuses(prnn_stepper_logits(ctx, stepper, NULL), PRNN_ERROR_ARGUMENT, "logits is NULL");
        refuses(prnn_stepper_log_probabilities(ctx, stepper, NULL), PRNN_ERROR_ARGUMENT, "logs is NULL");
        refuses(prnn_stepper_draw(ctx, NULL, NULL), PRNN_ERROR_ARGUMENT, "stepper is NULL");
        assert_int_equal(prnn_stepper_draw(other, stepper, levels), PRNN_ERROR_ARGUMENT);
        assert_non_null(strstr(prnn_message(other), "another context"));
        ask(&f, stepper, value);
        put(&f, stepper, value++);
    }
    assert_memory_equal(prnn_stepper_images(stepper), f.images, N * f.m.bytes);
    const char *end = "values of the images are there";
    levels[N - 1] = 0;
    refuses(prnn_stepper_put(ctx, stepper, levels), PRNN_ERROR_ARGUMENT, end);
    refuses(prnn_stepper_draw(ctx, stepper, levels), PRNN_ERROR_ARGUMENT, end);
    refuses(prnn_stepper_logits(ctx, stepper, logits), PRNN_ERROR_ARGUMENT, end);
    refuses(prnn_stepper_log_probabilities(ctx, stepper, logs), PRNN_ERROR_ARGUMENT, end);
    assert_memory_equal(prnn_stepper_images(stepper), f.images, N * f.m.bytes);
    prnn_stepper_free(stepper);
    prnn_stepper_free(begin(&f, 0, 0, 1)); /* before its first step */
    prnn_context_free(other);
    free(logits);
    free(logs);
    forget(&f);
}

/* Logits that are no numbers are told; no level is drawn from them, but one may be put. */
static void test_not_finite(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_CNN, &law_shapes[1]);
    law_model m = law_open(&c, 77);
    prnn_context *ctx = m.ctx;
    for (size_t i = 0; i < m.parameters; i++) {
        m.model->weights->parameters[i] =
            !prnn_model_parameter_is_masked(m.model, i) ? (i % 2 ? FLT_MAX : -FLT_MAX) : 0;
    }
    assert_ok(ctx, prnn_model_set_parameters(ctx, m.model, m.model->weights->parameters));
    prnn_stepper *stepper;
    float logits[2 * 5];
    double logs[2 * 5];
    uint8_t levels[2] = {1, 2};
    int col;
    assert_ok(ctx, prnn_stepper_create(ctx, m.model, 2, NULL, &stepper));
    assert_ok(ctx, prnn_stepper_logits(ctx, stepper, logits));
    assert_false(isfinite(logits[0]));
    refuses(prnn_stepper_log_probabilities(ctx, stepper, logs), PRNN_ERROR_FORMAT, "not finite");
    refuses(prnn_stepper_draw(ctx, stepper, levels), PRNN_ERROR_FORMAT, "not finite");
    assert_true(levels[0] == 1 && levels[1] == 2);
    assert_true(prnn_stepper_next(stepper, NULL, &col, NULL) && col == 0);
    assert_ok(ctx, prnn_stepper_put(ctx, stepper, levels));
    assert_true(prnn_stepper_next(stepper, NULL, &col, NULL) && col == 1);
    assert_int_equal(prnn_stepper_images(stepper)[m.bytes], 2);
    prnn_stepper_free(stepper);
    law_close(&m);
}

/* ---------------------------------------------------------------------------------------- memory */

static prnn_status create_with(const finished *f, prnn_context *ctx, size_t memory) {
    prnn_stepper_options o = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper;
    ctx->memory = memory;
    o.small = f->m.small ? f->small : NULL;
    prnn_status status = prnn_stepper_create(ctx, f->m.model, N, &o, &stepper);
    prnn_stepper_free(stepper);
    return status;
}

/* It is refused where there is less than it takes, and takes what it says. */
static void test_memory(void **state) {
    finished f = finish(state, 78);
    for (int t = 0; t < THREADS; t += 2) {
        prnn_context *ctx = prnn_context_create(), *fresh = prnn_context_create();
        assert_ok(ctx, prnn_context_set_threads(ctx, threads[t]));
        assert_ok(fresh, prnn_context_set_threads(fresh, threads[t]));
        size_t low = 1, high = (size_t)1 << 30;
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            prnn_status status = create_with(&f, ctx, middle);
            high = status == PRNN_OK ? middle : high;
            low = status == PRNN_OK ? low : middle;
            assert_true(status == PRNN_OK || status == PRNN_ERROR_MEMORY);
        }
        refuses(create_with(&f, ctx, low), PRNN_ERROR_MEMORY, "step fewer of them at a time");
        assert_ok(fresh, create_with(&f, fresh, 0));
        /* Beside it is the stepper itself; the weights are packed already. */
        size_t packed = prnn_block_bytes(f.m.model->network->plan.forward.count, sizeof(float));
        assert_in_range(fresh->asked, high - packed, high - packed + 1024);
        prnn_context_free(ctx);
        prnn_context_free(fresh);
    }
    forget(&f);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_finite)};
    int failures = law_run("logits step by step", test_logits);
    failures += law_run("draws step by step", test_draws);
    failures += law_run("completion step by step", test_completion);
    failures += law_run("refused beginnings", test_refused_beginnings);
    failures += law_run("refused steps", test_refused_steps);
    failures += law_run("memory of a stepper", test_memory);
    return failures + cmocka_run_group_tests_name("stepper", tests, NULL, NULL);
}

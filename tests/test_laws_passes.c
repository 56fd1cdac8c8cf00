/* Laws of the ways through a network: pixel by pixel, a row at a time, alone, in a batch, on any number of
 * threads, in memory that held something else before - always the same bits. */

#include "laws.h"

#include "base/memory.h"
#include "device/cpu.h"

enum { COUNT = 40 };

static uint8_t *images_of(const law_model *m, size_t count) {
    uint8_t *images = malloc(count * m->bytes);
    assert_non_null(images);
    random_images(41, m->config.levels, count * m->bytes, images);
    return images;
}

static prnn_passes pass_open(const law_model *m, int images) {
    prnn_passes passes;
    assert_ok(m->ctx, prnn_model_passes(m->ctx, m->model, images, 1, &passes));
    return passes;
}

/* What an earlier batch may have left in the memory of a pass. */
static void fill_memory(const prnn_pass *pass, uint64_t seed) {
    const prnn_cpu_pass *own = prnn_cpu_of(pass);
    for (size_t i = 0; i < own->bytes / sizeof(float); i++) {
        own->memory[i] = (float)(100 * random_normal(&seed));
    }
}

/* NaN. */
static void poison(const prnn_pass *pass) {
    memset(prnn_cpu_of(pass)->memory, 0xff, prnn_cpu_of(pass)->bytes);
}

/* ------------------------------------------------------------------------------- pixel by pixel */

/* Compares the logits of one channel of a pixel with the whole-image pass. */
static void compare_value(const law_model *m, const prnn_pass *pass, size_t n, const float *whole, int row,
                          int col, int channel) {
    const prnn_network *net = m->model->network;
    size_t value =
        ((size_t)row * (size_t)m->config.width + (size_t)col) * (size_t)m->config.channels + (size_t)channel;
    float logits[8 * 256];
    assert_true(n * m->logits <= sizeof logits / sizeof *logits);
    prnn_network_read_logits(net, pass, row, col, channel, logits, m->logits);
    for (size_t i = 0; i < n; i++) {
        const float *expected = whole + (i * m->bytes + value) * m->logits, *own = logits + i * m->logits;
        if (memcmp(own, expected, m->logits * sizeof *own) != 0) {
            fail_msg("image %zu, row %d, column %d, channel %d: %.9g by pixels, %.9g at once", i, row, col,
                     channel, (double)own[0], (double)expected[0]);
        }
    }
}

static void set_values(const law_model *m, const prnn_pass *pass, const uint8_t *images, int row, int col,
                       int channel) {
    size_t value =
        ((size_t)row * (size_t)m->config.width + (size_t)col) * (size_t)m->config.channels + (size_t)channel;
    prnn_network_put_levels(m->model->network, pass, row, col, channel, images + value, m->bytes);
}

/* As a sampler goes: each value becomes input only after its logits are there. The first `known` pixels of a
 * row go through at once, as in a completion. */
static void check_by_pixels(prnn_config config) {
    law_model m = law_open(&config, 42);
    const prnn_network *net = m.model->network;
    enum { N = 3 };
    uint8_t *images = images_of(&m, N);
    float *whole = law_logits(&m, images, N);
    for (int known = 0; known < 3 && known <= config.width; known++) {
        prnn_passes passes = pass_open(&m, N);
        prnn_pass pass = passes.list[0];
        fill_memory(&pass, 43);
        pass.images = N;
        prnn_network_begin(net, &pass);
        if (net->condition) {
            prnn_network_condition(net, &pass, images, NULL);
        }
        for (int row = 0; row < config.height; row++) {
            for (int col = 0; col < known; col++) {
                for (int c = 0; c < config.channels; c++) {
                    set_values(&m, &pass, images, row, col, c);
                }
            }
            if (known > 0) {
                prnn_network_forward(net, &pass, (prnn_region){row, 1, 0, known, -1});
            }
            for (int col = known; col < config.width; col++) {
                for (int c = 0; c < config.channels; c++) {
                    prnn_region pixel = {row, 1, col, 1, c};
                    prnn_network_forward(net, &pass, pixel);
                    prnn_network_logits(net, &pass, pixel);
                    compare_value(&m, &pass, N, whole, row, col, c);
                    set_values(&m, &pass, images, row, col, c);
                }
            }
        }
        prnn_passes_close(m.ctx, &passes);
    }
    free(whole);
    free(images);
    law_close(&m);
}

static void test_by_pixels(void **state) {
    check_by_pixels(law_of_state(state));
}

/* A colour without a feature of its own has nothing to compute, and must compute nothing. */
static void test_empty_colours(void **state) {
    (void)state;
    for (int kind = 0; kind < LAW_KINDS; kind++) {
        for (int hidden = 1; hidden < 3; hidden++) {
            law_shape shape = {"more colours than features", 3, 3, 3, 2, 2, hidden, 9, true, false, 0, 0, 0};
            check_by_pixels(law_config((prnn_kind)kind, &shape));
        }
    }
}

/* --------------------------------------------------------------------------------------- memory */

/* A pass that gives gradients, of a network of which `rows` rows go through a layer together (0: as suits
 * it).
 */
typedef struct training_pass {
    prnn_network *net;
    prnn_pass pass;
} training_pass;

static training_pass training_open(const law_model *m, int rows, int images) {
    const prnn_device *device = prnn_device_of(m->ctx);
    training_pass t;
    assert_ok(m->ctx,
              prnn_network_create_in_blocks(m->ctx, &m->config, true, PRNN_MAX_PARAMETERS, rows, &t.net));
    assert_ok(m->ctx, prnn_plan_index(m->ctx, &t.net->plan));
    const prnn_packing *forward = &t.net->plan.forward, *backward = &t.net->plan.backward;
    prnn_pass_shape shape = prnn_network_shape(t.net);
    assert_ok(m->ctx, device->open(m->ctx, &shape, images, false, &t.pass));
    assert_ok(m->ctx, device->allocate(m->ctx, forward->count, "a test", &t.pass.forward));
    assert_ok(m->ctx, device->allocate(m->ctx, backward->count, "a test", &t.pass.backward));
    assert_ok(m->ctx, device->allocate(m->ctx, forward->count, "a test", &t.pass.gradient));
    device->pack(m->ctx, forward, law_block(m->model->weights->parameters, m->parameters), t.pass.forward);
    device->pack(m->ctx, backward, law_block(m->model->weights->parameters, m->parameters), t.pass.backward);
    device->prepare(m->ctx, shape.products, t.pass.forward, t.pass.backward);
    return t;
}

static void training_close(const law_model *m, training_pass *t) {
    const prnn_device *device = t->pass.device;
    device->release(&t->pass.forward);
    device->release(&t->pass.backward);
    device->release(&t->pass.gradient);
    device->close(m->ctx, &t->pass);
    prnn_network_free(t->net);
}

/* Nothing is read before it is written: in memory full of NaN a batch gives what it gives in clean memory. */
static void test_memory(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 44);
    enum { N = 5 };
    uint8_t *images = images_of(&m, N);
    double clean[N], poisoned[N];
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, clean, NULL));
    prnn_passes passes = pass_open(&m, N + 1);
    prnn_pass pass = passes.list[0];
    poison(&pass);
    prnn_batch batch = {.images = images, .n = N};
    prnn_network_evaluate(m.model->network, &pass, &batch, poisoned, NULL, NULL);
    assert_memory_equal(clean, poisoned, sizeof clean);
    prnn_passes_close(m.ctx, &passes);

    training_pass t = training_open(&m, 0, N + 1);
    size_t packed = t.net->plan.forward.count;
    float *gradient = malloc(packed * sizeof *gradient);
    memset(prnn_cpu_of(&t.pass)->memory, 0, prnn_cpu_of(&t.pass)->bytes);
    prnn_network_gradient(t.net, &t.pass, &batch, 1, poisoned);
    assert_memory_equal(clean, poisoned, sizeof clean);
    memcpy(gradient, prnn_cpu_floats(t.pass.gradient), packed * sizeof *gradient);
    memset(prnn_cpu_floats(t.pass.gradient), 0, packed * sizeof *gradient);
    poison(&t.pass);
    prnn_network_gradient(t.net, &t.pass, &batch, 1, poisoned);
    assert_memory_equal(clean, poisoned, sizeof clean);
    assert_memory_equal(gradient, prnn_cpu_floats(t.pass.gradient), packed * sizeof *gradient);
    training_close(&m, &t);
    free(gradient);
    free(images);
    law_close(&m);
}

/* --------------------------------------------------------------------------------- blocks of rows */

/* NLL and gradient of n images by a network of which `rows` rows go through a layer together. */
static void gradient_in_blocks(const law_model *m, int rows, const uint8_t *images, int n, double *nats,
                               float *gradient) {
    training_pass t = training_open(m, rows, n);
    const prnn_packing *packing = &t.net->plan.forward;
    poison(&t.pass);
    prnn_batch batch = {.images = images, .n = n};
    prnn_network_gradient(t.net, &t.pass, &batch, 1, nats);
    for (size_t i = 0; i < packing->count; i++) {
        if (packing->index[i] >= 0) {
            gradient[packing->index[i]] = prnn_cpu_floats(t.pass.gradient)[i];
        }
    }
    training_close(m, &t);
}

/* Rows one by one, or some at a time: the same likelihoods to the bit, the same gradient but for the order of
 * sums. */
static void test_blocks(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 48);
    enum { N = 5 };
    uint8_t *images = images_of(&m, N);
    double nats[N], other_nats[N];
    float *gradient = calloc(m.parameters, sizeof *gradient), *other = calloc(m.parameters, sizeof *other);
    gradient_in_blocks(&m, 1, images, N, nats, gradient);
    for (int rows = 2; rows <= 4; rows++) {
        double off = 0, size = 0;
        gradient_in_blocks(&m, rows, images, N, other_nats, other);
        assert_memory_equal(nats, other_nats, sizeof nats);
        for (size_t i = 0; i < m.parameters; i++) {
            double d = (double)gradient[i] - (double)other[i];
            off += d * d;
            size += (double)gradient[i] * (double)gradient[i];
        }
        assert_true(sqrt(off / size) < 1e-5);
    }
    free(gradient);
    free(other);
    free(images);
    law_close(&m);
}

/* -------------------------------------------------------------------------------------- batches */

/* An image has the same likelihood and logits alone, and at any place of any batch. */
static void test_batches(void **state) {
    static const size_t sizes[] = {1, 2, 7, 8, 9, 17};
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 45);
    uint8_t *images = images_of(&m, COUNT);
    double all[COUNT], some[COUNT];
    float *values = malloc(COUNT * m.bytes * sizeof *values), *logits = law_logits(&m, images, COUNT);
    float *some_values = malloc(COUNT * m.bytes * sizeof *values);
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, COUNT, NULL, all, values));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t first = s; first + sizes[s] <= COUNT; first += sizes[s] + 5) {
            const uint8_t *from = images + first * m.bytes;
            size_t n = sizes[s], floats = n * m.bytes;
            assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, from, n, NULL, some, some_values));
            assert_memory_equal(some, all + first, n * sizeof *some);
            assert_memory_equal(some_values, values + first * m.bytes, floats * sizeof *values);
            float *some_logits = law_logits(&m, from, n);
            assert_memory_equal(some_logits, logits + first * m.bytes * m.logits,
                                floats * m.logits * sizeof *logits);
            free(some_logits);
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0;
        for (size_t k = 0; k < m.bytes; k++) {
            sum += (double)values[i * m.bytes + k];
        }
        assert_true(fabs(sum - all[i]) < 1e-9 * fabs(sum) + 1e-9); /* in another order, in double */
    }
    free(some_values);
    free(values);
    free(logits);
    free(images);
    law_close(&m);
}

/* -------------------------------------------------------------------------------------- threads */

static void test_threads(void **state) {
    static const size_t sizes[] = {1, 7, 8, 9, 17, COUNT};
    static const int threads[] = {1, 2, 3, 5};
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 46);
    uint8_t *images = images_of(&m, COUNT);
    float *gradient = malloc(m.parameters * sizeof *gradient), *other = malloc(m.parameters * sizeof *other);
    double nats[COUNT], other_nats[COUNT], mean, other_mean;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        prnn_context *ctx = prnn_context_create();
        assert_ok(ctx, prnn_context_set_threads(ctx, threads[t]));
        assert_ok(ctx, prnn_context_set_precision(ctx, law_precision));
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t n = sizes[s];
            assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images, n, &mean, gradient));
            assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, n, NULL, nats, NULL));
            assert_ok(ctx, prnn_gradient(ctx, m.model, images, n, &other_mean, other));
            assert_ok(ctx, prnn_evaluate(ctx, m.model, images, n, NULL, other_nats, NULL));
            assert_memory_equal(&mean, &other_mean, sizeof mean);
            assert_memory_equal(gradient, other, m.parameters * sizeof *other);
            assert_memory_equal(nats, other_nats, n * sizeof *nats);
        }
        prnn_context_free(ctx);
    }
    free(gradient);
    free(other);
    free(images);
    law_close(&m);
}

/* The gradient of a batch is the mean of the gradients of its images: every image counts, and counts once. */
static void test_mean(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 47);
    enum { N = 19 };
    uint8_t *images = images_of(&m, N);
    float *gradient = malloc(m.parameters * sizeof *gradient), *one = malloc(m.parameters * sizeof *one);
    double *sum = calloc(m.parameters, sizeof *sum), mean, own, nats = 0, off = 0, size = 0;
    for (size_t i = 0; i < N; i++) {
        assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images + i * m.bytes, 1, &own, one));
        nats += own / N;
        for (size_t k = 0; k < m.parameters; k++) {
            sum[k] += (double)one[k] / N;
        }
    }
    assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images, N, &mean, gradient));
    for (size_t k = 0; k < m.parameters; k++) {
        double d = sum[k] - (double)gradient[k];
        off += d * d;
        size += sum[k] * sum[k];
    }
    assert_true(fabs(mean / nats - 1) < 1e-12);
    assert_true(sqrt(off / size) < 1e-5);
    free(gradient);
    free(one);
    free(sum);
    free(images);
    law_close(&m);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    int failures = law_run("by pixels", test_by_pixels);
    const struct CMUnitTest narrow[] = {{"by pixels: empty colours", test_empty_colours, NULL, NULL, NULL}};
    failures += cmocka_run_group_tests_name("empty colours", narrow, NULL, NULL);
    failures += law_run("poisoned memory", test_memory);
    failures += law_run("batches", test_batches);
    failures += law_run("threads", test_threads);
    failures += law_run("mean of a batch", test_mean);
    failures += law_run("blocks of rows", test_blocks);
    prnn_context *ctx = prnn_context_create();
    if (prnn_kernels_in_bf16(prnn_kernels_of(ctx))) {
        law_precision = "bf16";
        failures += law_run("bf16 by pixels", test_by_pixels);
        failures += law_run("bf16 in poisoned memory", test_memory);
        failures += law_run("bf16 in batches", test_batches);
        failures += law_run("bf16 on threads", test_threads);
    }
    prnn_context_free(ctx);
    return failures;
}

/* Networks in bf16 on a GPU, or on what OpenCL has: of every kind and shape, near the fp32 of the CPU. */
#include "laws.h"

#include "gpu/state.h"

#include <math.h>

enum { IMAGES = 5, SKIPPED = 77 };

static prnn_context *device; /* its context, in bf16 */

/* A model as both have it. */
typedef struct pair {
    law_model cpu, gpu;
    uint8_t *images;
} pair;

static pair open_pair(const prnn_config *c, size_t images) {
    pair p = {.cpu = law_open(c, 3)};
    p.gpu = p.cpu;
    p.gpu.ctx = device;
    assert_ok(device, prnn_model_create(device, c, 3, &p.gpu.model));
    assert_ok(device, prnn_model_set_parameters(device, p.gpu.model, p.cpu.model->weights->parameters));
    p.images = malloc(images * p.cpu.bytes);
    assert_non_null(p.images);
    random_images(7, c->levels, images * p.cpu.bytes, p.images);
    return p;
}

static void close_pair(pair *p) {
    prnn_model_free(p->gpu.model);
    law_close(&p->cpu);
    free(p->images);
}

static float *floats(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static double length(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sqrt(sum);
}

/* The length of the difference of two vectors, against that of the second one, or of `least` if that is more.
 */
static void expect_close(const char *what, const float *own, const float *expected, size_t n, double least,
                         double most) {
    double sum = 0, all = length(expected, n);
    for (size_t i = 0; i < n; i++) {
        double d = (double)own[i] - (double)expected[i];
        sum += d * d;
    }
    double off = sqrt(sum) / (all > least ? all : least);
    if (!(off <= most)) {
        fail_msg("%s: off by %g of its length %g, and %g is allowed", what, off, all, most);
    }
}

/* A model that was made for the CPU goes through in smaller blocks, and gives the same. */
static void evaluates(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c, IMAGES);
    size_t values = IMAGES * p.cpu.bytes, logits = values * p.cpu.logits;
    float *expected = floats(logits), *own = floats(logits), *again = floats(logits);
    double nats[2][IMAGES];
    assert_ok(p.cpu.ctx, prnn_logits(p.cpu.ctx, p.cpu.model, p.images, IMAGES, expected));
    assert_ok(device, prnn_logits(device, p.gpu.model, p.images, IMAGES, own));
    assert_ok(device, prnn_logits(device, p.cpu.model, p.images, IMAGES, again));
    expect_close("logits", own, expected, logits, 1e-3, 0.03);
    assert_true(memcmp(own, expected, logits * sizeof *own) != 0); /* it is bf16 */
    assert_memory_equal(own, again, logits * sizeof *own);
    assert_ok(p.cpu.ctx, prnn_evaluate(p.cpu.ctx, p.cpu.model, p.images, IMAGES, NULL, nats[0], NULL));
    assert_ok(device, prnn_evaluate(device, p.gpu.model, p.images, IMAGES, NULL, nats[1], NULL));
    for (int i = 0; i < IMAGES; i++) {
        assert_true(fabs(nats[1][i] - nats[0][i]) <= 0.02 * nats[0][i]);
    }
    free(expected);
    free(own);
    free(again);
    close_pair(&p);
}

/* Pixel by pixel and colour by colour gives the logits of whole images. */
static void steps(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c, IMAGES);
    size_t values = p.cpu.bytes, per_value = p.cpu.logits;
    float *whole = floats(IMAGES * values * per_value), *step = floats(IMAGES * per_value);
    prnn_stepper *stepper = NULL;
    uint8_t put[IMAGES];
    assert_ok(device, prnn_logits(device, p.gpu.model, p.images, IMAGES, whole));
    assert_ok(device, prnn_stepper_create(device, p.gpu.model, IMAGES, NULL, &stepper));
    for (size_t v = 0; v < values; v++) {
        assert_ok(device, prnn_stepper_logits(device, stepper, step));
        for (size_t i = 0; i < IMAGES; i++) {
            expect_close("logits of a step", step + i * per_value, whole + (i * values + v) * per_value,
                         per_value, 1e-3, 0.01);
            put[i] = p.images[i * values + v];
        }
        assert_ok(device, prnn_stepper_put(device, stepper, put));
    }
    prnn_stepper_free(stepper);
    free(whole);
    free(step);
    close_pair(&p);
}

/* Of so many images that there are several slices. Sums of a tensor nearly cancel here and there, and
 * rounding decides some of the rectified numbers: with bf16 on a processor, tensors are off by up to 0.43
 * too, and all of them together by up to 0.036. */
static void has_the_gradient(void **state) {
    enum { MANY = 21 };
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c, MANY);
    float *expected = floats(p.cpu.parameters), *own = floats(p.cpu.parameters);
    double nats[2] = {0, 0};
    assert_ok(p.cpu.ctx, prnn_gradient(p.cpu.ctx, p.cpu.model, p.images, MANY, &nats[0], expected));
    assert_ok(device, prnn_gradient(device, p.gpu.model, p.images, MANY, &nats[1], own));
    assert_true(fabs(nats[1] - nats[0]) <= 0.02 * nats[0]);
    double all = length(expected, p.cpu.parameters);
    expect_close("all of the gradient", own, expected, p.cpu.parameters, 0, 0.08);
    for (size_t i = 0; i < prnn_model_tensor_count(p.gpu.model); i++) {
        prnn_tensor t = PRNN_TENSOR_INIT;
        prnn_model_tensor(p.gpu.model, i, &t);
        expect_close(t.name, own + t.offset, expected + t.offset, t.count, 0.01 * all, 0.4);
        for (size_t n = t.offset; n < t.offset + t.count; n++) {
            assert_true(!prnn_model_parameter_is_masked(p.gpu.model, n) || own[n] == 0);
        }
    }
    free(expected);
    free(own);
    close_pair(&p);
}

/* In one precision and the other, with the bits of each. */
static void changes_precision(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_ROW, &law_shapes[0]);
    pair p = open_pair(&c, IMAGES);
    double nats[4][IMAGES];
    prnn_stepper *stepper = NULL;
    assert_string_equal(prnn_context_arithmetic(device), "bf16-tensor-1");
    assert_ok(p.cpu.ctx, prnn_evaluate(p.cpu.ctx, p.cpu.model, p.images, IMAGES, NULL, nats[0], NULL));
    for (int turn = 1; turn < 4; turn++) {
        assert_ok(device, prnn_context_set_precision(device, turn == 2 ? "fp32" : "bf16"));
        assert_ok(device, prnn_evaluate(device, p.gpu.model, p.images, IMAGES, NULL, nats[turn], NULL));
    }
    assert_memory_equal(nats[2], nats[0], sizeof nats[0]);
    assert_memory_equal(nats[3], nats[1], sizeof nats[0]);
    assert_true(memcmp(nats[1], nats[0], sizeof nats[0]) != 0);
    assert_ok(device, prnn_stepper_create(device, p.gpu.model, 1, NULL, &stepper));
    assert_int_equal(prnn_context_set_precision(device, "fp32"), PRNN_ERROR_ARGUMENT); /* it is in use */
    assert_string_equal(prnn_context_precision(device), "bf16");
    prnn_stepper_free(stepper);
    close_pair(&p);
}

static int run_all(const char *name) {
    const struct CMUnitTest others[] = {cmocka_unit_test(changes_precision)};
    int failures = _cmocka_run_group_tests(name, others, sizeof others / sizeof *others, NULL, NULL);
    return failures + law_run("evaluates", evaluates) + law_run_unconditional("steps", steps) +
           law_run("has the gradient", has_the_gradient);
}

/* test_gpu_bf16 [PATTERN [EXCEPT]] */
int main(int count, char **arguments) {
    static const char *const names[] = {"cuda:0", "opencl:0"};
    int failures = 0, used = 0;
    law_choose(count, arguments);
    for (int i = 0; i < 2; i++) {
        device = prnn_context_create();
        prnn_status status = prnn_context_set_device(device, names[i]);
        if (status == PRNN_OK) {
            assert_ok(device, prnn_context_set_precision(device, "bf16"));
            used++;
            failures += run_all(names[i]);
        } else {
            print_message("%s: %s\n", names[i], prnn_message(device));
        }
        prnn_context_free(device);
    }
    return used ? failures != 0 : SKIPPED;
}

/* The golden cases: logits, likelihoods and gradients that the PyTorch reference computed in double. */

#include "golden.h"

/* Relative errors that a precision may have. A bf16 number has 8 bits, and these models are small and random:
 * their gradients, of a few images, are small sums of large terms; so the error of a tensor of which little
 * is left is compared with a part of the whole gradient. */
typedef struct bounds {
    const char *precision;
    double logits, nats, whole_gradient, gradient;
    double least; /* size of a tensor's gradient, as a part of the whole one, that counts */
} bounds;

static const bounds fp32 = {"fp32", 1e-4, 1e-4, 1e-3, 1e-3, 0}, bf16 = {"bf16", 2e-2, 5e-3, 0.15, 0.3, 0.03};

static double norm(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i] * values[i];
    }
    return sqrt(sum);
}

/* The length of the expected gradient. */
static double whole_gradient(const golden_case *g) {
    double length = 0;
    for (size_t i = 0; i < g->expect->count; i++) {
        const prnn_safetensors_entry *entry = &g->expect->entries[i];
        if (strncmp(entry->name, "grad.", 5) == 0) {
            length = hypot(length, norm(entry->data, entry->count));
        }
    }
    return length;
}

static void check_case(const char *name, const char *cpu, const bounds *most) {
    golden_case g = golden_open(name);
    assert_int_equal(prnn_context_set_cpu(g.ctx, cpu), PRNN_OK);
    assert_int_equal(prnn_context_set_precision(g.ctx, most->precision), PRNN_OK);

    const prnn_safetensors_entry *logits = prnn_safetensors_find(g.expect, "logits");
    float *own_logits = malloc(logits->count * sizeof *own_logits);
    assert_int_equal(prnn_logits(g.ctx, g.model, g.images, g.count, own_logits), PRNN_OK);
    double logits_off = relative_error(own_logits, logits->data, logits->count), nats_off = 0;
    assert_true(logits_off < most->logits);

    const double *nll = prnn_safetensors_find(g.expect, "nll")->data;
    double *nats = malloc(g.count * sizeof *nats);
    assert_int_equal(prnn_evaluate(g.ctx, g.model, g.images, g.count, NULL, nats, NULL), PRNN_OK);
    double mean = 0;
    for (size_t i = 0; i < g.count; i++) {
        nats_off = fmax(nats_off, fabs(nats[i] / nll[i] - 1));
        mean += nats[i] / (double)g.count;
    }
    assert_true(nats_off < most->nats);

    float *gradient = malloc(prnn_model_parameter_count(g.model, false) * sizeof *gradient);
    double mean_nats;
    assert_int_equal(prnn_gradient(g.ctx, g.model, g.images, g.count, &mean_nats, gradient), PRNN_OK);
    assert_true(fabs(mean_nats - mean) < 1e-6 * mean);
    double worst = 0, square_off = 0, whole = whole_gradient(&g);
    for (size_t t = 0; t < prnn_model_tensor_count(g.model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(g.model, t, &tensor);
        char key[128];
        snprintf(key, sizeof key, "grad.%s", tensor.name);
        const prnn_safetensors_entry *entry = prnn_safetensors_find(g.expect, key);
        assert_non_null(entry);
        double error = relative_error(gradient + tensor.offset, entry->data, tensor.count);
        double size = norm(entry->data, tensor.count);
        square_off += error * error * size * size;
        error *= fmin(1, size / (most->least * whole));
        worst = error > worst ? error : worst;
        if (!(error < most->gradient)) {
            fail_msg("%s, %s, %s: gradient of %s is off by %g", name, cpu, most->precision, tensor.name,
                     error);
        }
    }
    print_message("%s, %s, %s: logits %.1e, NLL %.1e, gradient %.1e, of a tensor %.1e\n", name, cpu,
                  most->precision, logits_off, nats_off, sqrt(square_off) / whole, worst);
    assert_true(sqrt(square_off) / whole < most->whole_gradient);
    free(gradient);
    free(nats);
    free(own_logits);
    golden_close(&g);
}

static void test_case(void **state) {
    for (int i = 0; prnn_kernels_at(i); i++) {
        const prnn_kernels *kernels = prnn_kernels_at(i);
        if (kernels->supported()) {
            check_case(*state, kernels->name, &fp32);
            if (prnn_kernels_in_bf16(kernels)) {
                check_case(*state, kernels->name, &bf16);
            }
        }
    }
}

int main(void) {
    struct CMUnitTest tests[GOLDEN_CASES];
    for (int i = 0; i < GOLDEN_CASES; i++) {
        tests[i] = (struct CMUnitTest){golden_names[i], test_case, NULL, NULL, (void *)golden_names[i]};
    }
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}

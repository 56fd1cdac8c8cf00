/* The golden cases: logits, likelihoods and gradients that the PyTorch reference computed in double. */

#include "golden.h"

static void check_case(const char *name, const char *cpu) {
    golden_case g = golden_open(name);
    assert_int_equal(prnn_context_set_cpu(g.ctx, cpu), PRNN_OK);

    const prnn_safetensors_entry *logits = prnn_safetensors_find(g.expect, "logits");
    float *own_logits = malloc(logits->count * sizeof *own_logits);
    assert_int_equal(prnn_logits(g.ctx, g.model, g.images, g.count, own_logits), PRNN_OK);
    assert_true(relative_error(own_logits, logits->data, logits->count) < 1e-4);

    const double *nll = prnn_safetensors_find(g.expect, "nll")->data;
    double *nats = malloc(g.count * sizeof *nats);
    assert_int_equal(prnn_evaluate(g.ctx, g.model, g.images, g.count, nats, NULL), PRNN_OK);
    double mean = 0;
    for (size_t i = 0; i < g.count; i++) {
        assert_true(fabs(nats[i] / nll[i] - 1) < 1e-4);
        mean += nats[i] / (double)g.count;
    }

    float *gradient = malloc(prnn_model_parameter_count(g.model, false) * sizeof *gradient);
    double mean_nats;
    assert_int_equal(prnn_gradient(g.ctx, g.model, g.images, g.count, &mean_nats, gradient), PRNN_OK);
    assert_true(fabs(mean_nats - mean) < 1e-6 * mean);
    double worst = 0;
    for (size_t t = 0; t < prnn_model_tensor_count(g.model); t++) {
        prnn_tensor tensor;
        prnn_model_tensor(g.model, t, &tensor);
        char key[128];
        snprintf(key, sizeof key, "grad.%s", tensor.name);
        const prnn_safetensors_entry *entry = prnn_safetensors_find(g.expect, key);
        assert_non_null(entry);
        double error = relative_error(gradient + tensor.offset, entry->data, tensor.count);
        worst = error > worst ? error : worst;
        if (!(error < 1e-3)) {
            fail_msg("%s, %s: gradient of %s is off by %g", name, cpu, tensor.name, error);
        }
    }
    print_message("%s, %s: worst gradient %.1e\n", name, cpu, worst);
    free(gradient);
    free(nats);
    free(own_logits);
    golden_close(&g);
}

static void test_case(void **state) {
    for (int i = 0; prnn_kernels_at(i); i++) {
        if (prnn_kernels_at(i)->supported()) {
            check_case(*state, prnn_kernels_at(i)->name);
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

/* The certificate: good models of every kind pass; one weight behind a mask is found, by its number and by
 * what it lets through, wherever it is. */
#include "laws.h"

#include <unistd.h>

#include "check/plain.h"

static char path[64];

static prnn_certificate certify(const law_model *m) {
    prnn_check_options options = PRNN_CHECK_OPTIONS_INIT;
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    options.positions = 0;
    assert_ok(m->ctx, prnn_model_save(m->ctx, m->model, path));
    assert_ok(m->ctx, prnn_check(m->ctx, path, &options, &found));
    return found;
}

static void test_good_models(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 41);
    law_randomize(&m, 41, 2);
    prnn_certificate found = certify(&m);
    assert_true(found.passed && found.agrees && found.normalised);
    assert_int_equal(found.unmasked, prnn_model_parameter_count(m.model, true));
    assert_int_equal(found.unmasked + found.masked, m.parameters);
    assert_int_equal(found.nonzero, 0);
    assert_int_equal(found.height, config.height);
    assert_int_equal(found.levels, config.levels);
    uint64_t n = m.bytes;
    assert_int_equal(found.kernels.changes, 2 * n);
    assert_int_equal(found.kernels.kept, n * (n + 1)); /* all of 1 + 2 + ... + n, for two images */
    assert_int_equal(found.plain.kept, found.kernels.kept);
    assert_int_equal(found.kernels.leaks + found.plain.leaks, 0);
    assert_true(found.kernels.moved > 0 && found.plain.moved > 0);
    assert_int_equal(found.sums, 2 * n);
    assert_true(found.difference < 1e-5 && found.worst_sum < 1e-5);
    law_close(&m);
}

/* The k-th masked weight of a tensor, or the number of all parameters. */
static size_t masked_weight(const law_model *m, const prnn_tensor *tensor, size_t k) {
    for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
        if (prnn_model_parameter_is_masked(m->model, i) && k-- == 0) {
            return i;
        }
    }
    return m->parameters;
}

/* The right scan of a diagonal layer runs a row late: when it is read, all colours of its pixels are known,
 * and its mask hides nothing that would be a leak. */
static bool mask_matters(const prnn_tensor *tensor) {
    return strstr(tensor->name, ".right.") == NULL;
}

/* Plants leaks into each tensor that has a mask, until one is seen. A weight may lead nowhere (to a unit that
 * is never on, from a place outside the image), but not twenty of them. */
static void test_leaks(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 42);
    law_randomize(&m, 42, 2);
    prnn_model *refused = NULL;
    for (size_t t = 0; t < prnn_model_tensor_count(m.model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(m.model, t, &tensor);
        size_t planted = 0, seen = 0;
        for (size_t k = 0; planted < 60 && seen == 0 && masked_weight(&m, &tensor, k) < m.parameters;
             k += 7) {
            size_t at = masked_weight(&m, &tensor, k);
            m.model->weights->parameters[at] = 3;
            prnn_certificate found = certify(&m);
            assert_false(found.passed);
            assert_int_equal(found.nonzero, 1);
            assert_memory_equal(found.nonzero_name, tensor.name, strlen(tensor.name));
            assert_int_equal(found.kernels.leaks, 0); /* the library's kernels do not read it */
            assert_int_equal(prnn_model_load(m.ctx, path, &refused), PRNN_ERROR_FORMAT);
            planted++;
            seen += found.plain.leaks > 0;
            assert_true(found.plain.leaks == 0 || found.plain.leak_of <= found.plain.leak_from);
            m.model->weights->parameters[at] = 0;
        }
        if (planted >= 20 && seen == 0 && mask_matters(&tensor)) {
            fail_msg("none of %zu leaks in %s is seen", planted, tensor.name);
        }
    }
    law_close(&m);
}

/* What is no model is refused in the words of loading, and the certificate is as it was. */
static void test_refused(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_CNN, &law_shapes[0]);
    law_model m = law_open(&config, 43);
    prnn_certificate found = PRNN_CERTIFICATE_INIT, kept;
    found.passed = true;
    kept = found;
    assert_int_equal(prnn_check(m.ctx, "nothing.safetensors", NULL, &found), PRNN_ERROR_FILE);
    m.model->weights->parameters[5] = NAN;
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    assert_int_equal(prnn_check(m.ctx, path, NULL, &found), PRNN_ERROR_FORMAT);
    assert_non_null(strstr(prnn_message(m.ctx), "every weight must be finite"));
    assert_memory_equal(&found, &kept, sizeof found);
    found.size = 0;
    assert_int_equal(prnn_check(m.ctx, path, NULL, &found), PRNN_ERROR_ARGUMENT);
    law_close(&m);
}

/* In bf16 the agreement is coarser, and leaks none the more. */
static void test_precision(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_DIAGONAL, &law_shapes[0]);
    law_model m = law_open(&config, 45);
    prnn_certificate fp32 = certify(&m), bf16 = PRNN_CERTIFICATE_INIT;
    assert_true(fp32.passed);
    if (prnn_context_set_precision(m.ctx, "bf16") != PRNN_OK) {
        law_close(&m);
        skip();
    }
    assert_ok(m.ctx, prnn_check(m.ctx, path, NULL, &bf16));
    assert_true(bf16.passed);
    assert_true(bf16.difference > 10 * fp32.difference && bf16.difference < 0.1);
    law_close(&m);
}

static bool stop_at_once(void *user, const prnn_progress *progress) {
    assert_string_equal(progress->phase, "check");
    assert_true(progress->done <= progress->total);
    ++*(int *)user;
    return false;
}

static void test_stopped(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_ROW, &law_shapes[0]);
    law_model m = law_open(&config, 44);
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    prnn_check_options options = PRNN_CHECK_OPTIONS_INIT;
    int calls = 0;
    options.progress = stop_at_once;
    options.user = &calls;
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    assert_int_equal(prnn_check(m.ctx, path, &options, &found), PRNN_STOPPED);
    assert_int_equal(calls, 1);
    law_close(&m);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    snprintf(path, sizeof path, "test_check_%d.safetensors", (int)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_precision),
    };
    int failures = law_run("certificate", test_good_models) + law_run("leaks", test_leaks);
    failures += cmocka_run_group_tests_name("others", tests, NULL, NULL);
    remove(path);
    return failures;
}

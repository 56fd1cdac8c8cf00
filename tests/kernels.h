/* What the tests of kernels share: random floats with canaries around them, comparison with plain C in
 * double, and a run of every test over every table of kernels that this processor has. */
#ifndef TESTS_KERNELS_H
#define TESTS_KERNELS_H

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"

#define UNUSED __attribute__((unused))

/* Half a unit in the last place: the relative error of one rounding. */
static UNUSED const double ROUNDING = (double)FLT_EPSILON / 2;

/* --------------------------------------------------------------------------------------- random */

static uint64_t random_state = 1;

static UNUSED double random_signed(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-52 - 1;
}

static UNUSED size_t random_below(size_t n) {
    return (size_t)((random_signed() + 1) / 2 * (double)n);
}

/* --------------------------------------------------------------------------------------- guards */

enum { GUARD = 64 };
static const float CANARY = 12345.678f;

/* n floats with canaries around. */
typedef struct guarded {
    float *all, *at;
    size_t n;
} guarded;

/* Between -1 and 1 times `scale`. */
static UNUSED guarded guarded_new(size_t n, double scale) {
    guarded g = {malloc((n + 2 * GUARD) * sizeof(float)), NULL, n};
    assert_non_null(g.all);
    g.at = g.all + GUARD;
    for (size_t i = 0; i < GUARD; i++) {
        g.all[i] = g.at[n + i] = CANARY;
    }
    for (size_t i = 0; i < n; i++) {
        g.at[i] = (float)(random_signed() * scale);
    }
    return g;
}

/* n floats of another, from `first` on. */
static UNUSED guarded guarded_part(const guarded *from, size_t first, size_t n) {
    guarded g = guarded_new(n, 0);
    memcpy(g.at, from->at + first, n * sizeof(float));
    return g;
}

static UNUSED guarded guarded_copy(const guarded *from) {
    return guarded_part(from, 0, from->n);
}

static UNUSED void guarded_free(guarded *g) {
    for (size_t i = 0; i < GUARD; i++) {
        assert_true(g->all[i] == CANARY && g->at[g->n + i] == CANARY);
    }
    free(g->all);
}

static UNUSED void guarded_free_all(guarded *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        guarded_free(&all[i]);
    }
}

/* ----------------------------------------------------------------------------------- comparison */

static UNUSED void expect_near(const char *what, double own, double expected, double tolerance) {
    if (!(fabs(own - expected) <= tolerance)) {
        fail_msg("%s: %.9g, plain C has %.9g (tolerance %g)", what, own, expected, tolerance);
    }
}

static UNUSED void expect_same_bits(const guarded *a, const guarded *b) {
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->at, b->at, a->n * sizeof(float));
}

/* ---------------------------------------------------------------------------------------- tests */

enum { MOST_KERNEL_TESTS = 16 };

typedef struct kernel_test {
    const char *name;
    CMUnitTestFunction test; /* its state is the table */
} kernel_test;

static UNUSED int run_on(const prnn_kernels *table, const kernel_test *tests, size_t n) {
    struct CMUnitTest all[MOST_KERNEL_TESTS] = {{0}};
    for (size_t t = 0; t < n; t++) {
        all[t] = (struct CMUnitTest){tests[t].name, tests[t].test, NULL, NULL, (void *)table};
    }
    return _cmocka_run_group_tests(table->name, all, n, NULL, NULL);
}

/* test_kernels [PATTERN]: runs the tests whose name matches; returns the number of failures. */
static UNUSED int run_on_all(const kernel_test *tests, size_t n, int count, char **arguments) {
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    int failures = 0;
    for (int i = 0; prnn_kernels_at(i); i++) {
        const prnn_kernels *table = prnn_kernels_at(i);
        if (!table->supported()) {
            print_message("this processor has no %s\n", table->name);
            continue;
        }
        failures += run_on(table, tests, n);
        const prnn_kernels *in_bf16 = prnn_kernels_in_bf16(table);
        failures += in_bf16 ? run_on(in_bf16, tests, n) : 0;
    }
    return failures;
}

#endif

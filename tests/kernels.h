/* What the tests of kernels share: memory with canaries around it, numbers, and a run over all instruction
 * sets. */
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

enum { GUARD = 64 };
static const float CANARY = 12345.678f;

/* n floats with canaries around; `fill` is between -1 and 1 times `scale`. */
typedef struct guarded {
    float *all, *at;
    size_t n;
} guarded;

static uint64_t random_state = 1;

static inline double random_signed(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-52 - 1;
}

static inline size_t random_below(size_t n) {
    return (size_t)((random_signed() + 1) / 2 * (double)n);
}

static inline guarded guarded_new(size_t n, double scale) {
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

static inline guarded guarded_copy(const guarded *from) {
    guarded g = guarded_new(from->n, 0);
    memcpy(g.at, from->at, from->n * sizeof(float));
    return g;
}

static inline void guarded_free(guarded *g) {
    for (size_t i = 0; i < GUARD; i++) {
        assert_true(g->all[i] == CANARY && g->at[g->n + i] == CANARY);
    }
    free(g->all);
}

static inline void expect_near(const char *what, double own, double expected, double tolerance) {
    if (!(fabs(own - expected) <= tolerance)) {
        fail_msg("%s: %.9g, plain C has %.9g (tolerance %g)", what, own, expected, tolerance);
    }
}

static inline double logistic(double x) {
    return 1 / (1 + exp(-x));
}

typedef struct kernel_test {
    const char *name;
    CMUnitTestFunction test;
} kernel_test;

/* Runs the tests over one table. */
static inline int run_table(const prnn_kernels *table, const kernel_test *tests, int count) {
    struct CMUnitTest units[32] = {0};
    if (!table->supported()) {
        print_message("this processor has no %s\n", table->name);
        return 0;
    }
    for (int t = 0; t < count; t++) {
        units[t] = (struct CMUnitTest){tests[t].name, tests[t].test, NULL, NULL, (void *)table};
    }
    return _cmocka_run_group_tests(table->name, units, (size_t)count, NULL, NULL);
}

#endif

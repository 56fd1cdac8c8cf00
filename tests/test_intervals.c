/* Distributions in integers: on every instruction set the intervals of all levels follow each other without
 * a gap from 0 to 2^24, none is empty, both ways agree, and coding with them costs what the likelihood says.
 */
#include "kernels.h"
#include "laws.h"

#include "heads/head.h"
#include "heads/logistic_table.h"

enum { WHOLE = 1 << PRNN_INTERVAL_BITS };

typedef struct distribution {
    const prnn_kernels *kernels;
    prnn_config config;
    prnn_head head;
    float logits[3 * 256];
} distribution;

static const struct {
    int levels, components;
} outputs[] = {{2, 0}, {3, 0}, {16, 0}, {255, 0}, {256, 0}, {3, 1}, {17, 2}, {256, 10}, {256, 64}};

enum { OUTPUTS = sizeof outputs / sizeof *outputs };

static distribution distribution_of(const prnn_kernels *kernels, size_t output) {
    distribution d = {.kernels = kernels, .config = PRNN_CONFIG_INIT};
    d.config.levels = outputs[output].levels;
    d.config.components = outputs[output].components;
    d.config.output = d.config.components ? PRNN_LOGISTICS : PRNN_SOFTMAX;
    d.head = prnn_head_of(&d.config);
    return d;
}

static void random_logits(distribution *d, double scale) {
    for (int i = 0; i < d->head.per_value; i++) {
        d->logits[i] = (float)(random_signed() * scale);
    }
}

static prnn_interval interval_of(const distribution *d, int level) {
    prnn_interval interval;
    assert_true(d->head.kind->interval(d->kernels, &d->head, d->logits, level, &interval));
    return interval;
}

static void expect_level(const distribution *d, uint32_t number, int level, prnn_interval interval) {
    prnn_interval found = {0, 0};
    assert_int_equal(d->head.kind->level_at(d->kernels, &d->head, d->logits, number, &found), level);
    assert_memory_equal(&found, &interval, sizeof found);
}

/* Returns what coding costs over the entropy, in nats. */
static double expect_whole(const distribution *d) {
    double p[256], cost = 0;
    uint32_t next = 0;
    law_probabilities_of(&d->config, d->logits, p);
    for (int k = 0; k < d->config.levels; k++) {
        prnn_interval interval = interval_of(d, k);
        assert_int_equal(interval.start, next);
        assert_true(interval.size >= 1);
        next += interval.size;
        assert_true(next <= WHOLE);
        expect_level(d, interval.start, k, interval);
        expect_level(d, interval.start + interval.size - 1, k, interval);
        expect_level(d, interval.start + interval.size / 2, k, interval);
        cost += p[k] > 0 ? p[k] * log(p[k] * WHOLE / interval.size) : 0;
    }
    assert_int_equal(next, WHOLE);
    return cost;
}

static void test_whole(void **state) {
    const double scales[] = {0, 0.1, 1, 4, 30, 1000};
    random_state = 11;
    for (size_t output = 0; output < OUTPUTS; output++) {
        distribution d = distribution_of(*state, output);
        for (size_t turn = 0; turn < 60; turn++) {
            random_logits(&d, scales[turn % 6]);
            double cost = expect_whole(&d);
            if (!(cost < 4e-4 && cost > -1e-6)) {
                fail_msg("%d levels, %d components, logits of %g: %g nats more than the entropy",
                         d.config.levels, d.config.components, scales[turn % 6], cost);
            }
        }
    }
}

/* Anything finite has intervals; nothing else does. */
static void test_extremes(void **state) {
    const float finite[] = {0, -0.0f, 1e-45f, FLT_MIN, 88, -88, 1e10f, -1e10f, 3e38f, -FLT_MAX, FLT_MAX};
    const float others[] = {NAN, INFINITY, -INFINITY};
    random_state = 5;
    for (size_t output = 0; output < OUTPUTS; output++) {
        distribution d = distribution_of(*state, output);
        for (int turn = 0; turn < 40; turn++) {
            for (int i = 0; i < d.head.per_value; i++) {
                d.logits[i] = finite[random_below(sizeof finite / sizeof *finite)];
            }
            expect_whole(&d);
        }
        for (int turn = 0; turn < 3 * d.head.per_value; turn++) {
            prnn_interval interval;
            random_logits(&d, 1);
            d.logits[turn / 3] = others[turn % 3];
            assert_false(d.head.kind->interval(d.kernels, &d.head, d.logits, 0, &interval));
            assert_int_equal(d.head.kind->level_at(d.kernels, &d.head, d.logits, 7, &interval), -1);
        }
    }
}

/* ------------------------------------------------------------------------------------------ table */

static void test_table(void **state) {
    (void)state;
    for (int i = 0; i < PRNN_LOGISTIC_ENTRIES; i++) {
        long double exact = 0x1p30L / (1 + expl(-(long double)i / PRNN_LOGISTIC_STEPS));
        if (!(fabsl(exact - prnn_logistic_table[i]) <= 0.5L + (sizeof exact > 8 ? 1e-6L : 1e-3L))) {
            fail_msg("entry %d of the table is %u, not %.3Lf", i, prnn_logistic_table[i], exact);
        }
    }
}

static void test_logistic(void **state) {
    (void)state;
    const uint64_t one = (uint64_t)1 << PRNN_LOGISTIC_BITS;
    uint64_t before = 0;
    for (int64_t i = -(20 << 20); i <= 20 << 20; i += 7) {
        double x = (double)i * 0x1p-20;
        uint64_t f = prnn_logistic(x);
        assert_true(f >= before && f <= one && f == one - prnn_logistic(-x));
        if (fabs(x) < PRNN_LOGISTIC_MOST) {
            assert_true(fabs((double)f / (double)one - logistic(x)) < 4e-6);
        }
        before = f;
    }
    assert_true(prnn_logistic(1e300) == prnn_logistic(18) && prnn_logistic(0) == one / 2);
}

int main(int count, char **arguments) {
    const kernel_test tables[] = {{"whole", test_whole}, {"extremes", test_extremes}};
    const struct CMUnitTest others[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_logistic)};
    return run_on_all(tables, 2, count, arguments) + cmocka_run_group_tests(others, NULL, NULL);
}

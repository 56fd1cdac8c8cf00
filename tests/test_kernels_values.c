/* The kernels beside the products - elementwise ones, distributions, optimizers - of every instruction set
 * that this processor has, against plain C in double precision. */

#include "kernels.h"

/* ---------------------------------------------------------------------------------- elementwise */

static void test_elementwise(void **state) {
    const prnn_kernels *kernels = *state;
    for (size_t n = 0; n <= 112; n += PRNN_PANEL) {
        guarded x = guarded_new(n, 1), y = guarded_new(n, 1), z = guarded_new(n, 1);
        for (size_t i = 0; i < n; i += 7) {
            x.at[i] = i % 2 ? 0.0f : i % 3 ? NAN : -INFINITY;
        }
        kernels->relu(n, x.at, y.at);
        for (size_t i = 0; i < n; i++) {
            assert_true(isnan(x.at[i]) ? isnan(y.at[i]) : y.at[i] == (x.at[i] > 0 ? x.at[i] : 0));
        }
        guarded d = guarded_new(n, 1), before = guarded_copy(&d);
        kernels->relu_gradient(n, y.at, d.at);
        for (size_t i = 0; i < n; i++) {
            assert_true(d.at[i] == (y.at[i] > 0 ? before.at[i] : 0));
        }
        kernels->add(n, x.at, before.at, z.at);
        kernels->add(n, before.at, x.at, before.at); /* in place */
        for (size_t i = 0; i < n; i++) {
            float sum = x.at[i] + d.at[i];
            assert_true(d.at[i] == 0 || (isnan(sum) ? isnan(z.at[i]) : z.at[i] == sum));
            assert_true(isnan(z.at[i]) ? isnan(before.at[i]) : before.at[i] == z.at[i]);
        }
        guarded *all[] = {&x, &y, &z, &d, &before};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            guarded_free(all[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------- softmax */

static void check_softmax(const prnn_kernels *kernels, int levels, int target, double scale, float weight) {
    size_t padded = ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    guarded logits = guarded_new(padded, scale), once = guarded_copy(&logits);
    guarded x = guarded_copy(&logits);
    double highest = -INFINITY, sum = 0, total = 0;
    for (int k = 0; k < levels; k++) {
        highest = fmax(highest, (double)x.at[k]);
    }
    for (int k = 0; k < levels; k++) {
        sum += exp((double)x.at[k] - highest);
    }
    double expected = log(sum) + highest - (double)x.at[target];
    double tolerance = 1e-6 + 2 * FLT_EPSILON * fabs(expected);
    double nll = (double)kernels->softmax_nll(logits.at, levels, target, weight);
    expect_near("softmax_nll", nll, expected, tolerance);
    expect_near("softmax_nll", (double)kernels->softmax_nll(once.at, levels, target, 0), expected, tolerance);
    assert_memory_equal(once.at, x.at, (size_t)levels * sizeof(float)); /* logits stay */
    for (int k = 0; k < levels; k++) {
        double p = exp((double)x.at[k] - highest) / sum;
        double g = (double)weight * (p - (k == target));
        expect_near("softmax gradient", (double)logits.at[k], g, fabs((double)weight) * 1e-6);
        total += (double)logits.at[k];
    }
    expect_near("sum of the softmax gradient", total, 0, fabs((double)weight) * 1e-6);
    for (size_t k = (size_t)levels; k < padded; k++) {
        assert_true(logits.at[k] == 0);
    }
    guarded_free(&x);
    guarded_free(&once);
    guarded_free(&logits);
}

static void test_softmax(void **state) {
    static const double scales[] = {0, 1, 5, 80, 1e4};
    for (int levels = 2; levels <= 256; levels++) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            check_softmax(*state, levels, (int)random_below((size_t)levels), scales[s], 1);
            check_softmax(*state, levels, levels - 1, scales[s], 0.03f);
        }
    }
}

static void test_softmax_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (int levels = 2; levels <= 256; levels += 3) {
        for (int at = 0; at < levels; at += 5) {
            float logits[256 + PRNN_PANEL] = {0};
            logits[at] = NAN;
            assert_true(isnan(kernels->softmax_nll(logits, levels, levels / 2, 0)));
        }
    }
}

static void check_softmax_weights(const prnn_kernels *kernels, int levels, double scale, float sharpness) {
    size_t padded = ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
    guarded logits = guarded_new((size_t)levels, scale), p = guarded_new(padded, 1);
    double highest = -INFINITY;
    for (int k = 0; k < levels; k++) {
        highest = fmax(highest, (double)logits.at[k]);
    }
    kernels->softmax_weights(logits.at, levels, sharpness, p.at);
    float top = 0;
    for (int k = 0; k < levels; k++) {
        /* The argument is rounded twice, and so the exponential is off by as many units of it. */
        double x = ((double)logits.at[k] - highest) * (double)sharpness, e = exp(x);
        expect_near("softmax_weights", (double)p.at[k], e, e * (3e-7 + 2 * FLT_EPSILON * fabs(x)) + 2e-38);
        top = p.at[k] > top ? p.at[k] : top;
    }
    assert_true(top == 1);
    for (size_t k = (size_t)levels; k < padded; k++) {
        assert_true(p.at[k] == 0);
    }
    logits.at[random_below((size_t)levels)] = NAN;
    kernels->softmax_weights(logits.at, levels, sharpness, p.at);
    bool any = false;
    for (int k = 0; k < levels; k++) {
        any |= isnan(p.at[k]) != 0;
    }
    assert_true(any);
    guarded_free(&logits);
    guarded_free(&p);
}

static void test_softmax_weights(void **state) {
    static const double scales[] = {1e-3, 1, 5, 80, 1e4};
    for (int levels = 2; levels <= 256; levels++) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            check_softmax_weights(*state, levels, scales[s], 1);
            check_softmax_weights(*state, levels, scales[s], levels % 2 ? 0.5f : 50);
        }
    }
}

static void check_bernoulli(const prnn_kernels *kernels, size_t n, double scale, float weight) {
    guarded x = guarded_new(n, scale), before = guarded_copy(&x), v = guarded_new(n, 1),
            nats = guarded_new(n, 1);
    for (size_t i = 0; i < n; i++) {
        v.at[i] = v.at[i] > 0;
    }
    if (n) {
        before.at[n / 2] = x.at[n / 2] = NAN;
    }
    kernels->bernoulli_nll(n, x.at, v.at, weight, nats.at);
    for (size_t i = 0; i < n; i++) {
        double a = (double)before.at[i], b = (double)v.at[i],
               expected = fmax(a, 0) - a * b + log1p(exp(-fabs(a)));
        if (i == n / 2) {
            assert_true(isnan(nats.at[i]) && isnan(x.at[i]));
            continue;
        }
        assert_true(nats.at[i] >= 0);
        expect_near("bernoulli_nll", (double)nats.at[i], expected, 3e-7 + 2 * FLT_EPSILON * expected);
        if (weight == 0) {
            assert_true(x.at[i] == before.at[i]);
        } else {
            double gradient = (double)weight * (logistic(a) - b);
            expect_near("bernoulli gradient", (double)x.at[i], gradient, fabs((double)weight) * 4e-7);
        }
    }
    guarded *all[] = {&x, &before, &v, &nats};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_free(all[i]);
    }
}

static void test_bernoulli(void **state) {
    static const double scales[] = {1e-6, 1, 5, 80, 1e4};
    for (size_t n = 0; n <= 112; n += PRNN_PANEL) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            check_bernoulli(*state, n, scales[s], 0);
            check_bernoulli(*state, n, scales[s], 0.37f);
        }
    }
}

/* ---------------------------------------------------------------------------------- optimizers */

typedef enum rule { RMSPROP, ADAM, SGD, RULES } rule;

/* One weight by the formulas of train/optimizer.h. */
static void plain_update(rule how, const prnn_step *s, double g, double *w, double *m, double *v,
                         double *ema) {
    double b1 = (double)s->beta1, b2 = (double)s->beta2, step;
    g *= (double)s->scale;
    if (how == ADAM) {
        *m = b1 * *m + (1 - b1) * g;
        *v = b2 * *v + (1 - b2) * g * g;
        step = *m * (double)s->correct1 / (sqrt(*v * (double)s->correct2) + (double)s->epsilon);
    } else if (how == RMSPROP) {
        *v = b2 * *v + (1 - b2) * g * g;
        step = *m = b1 * *m + g / (sqrt(*v) + (double)s->epsilon);
    } else {
        step = *m = b1 * *m + g;
    }
    *w -= (double)s->rate * step;
    *ema = (double)s->keep * *ema + (1 - (double)s->keep) * *w;
}

static void check_optimizer(const prnn_kernels *kernels, rule how, size_t n, float beta1, bool average) {
    void (*const update[])(const prnn_step *, const prnn_state *) = {kernels->rmsprop, kernels->adam,
                                                                     kernels->sgd};
    prnn_step step = {0.01f, how == ADAM ? 0.9f : beta1, 0.95f, 1e-5f, 0.7f, 1.5f, 3.5f, 0.9f};
    guarded g = guarded_new(n, 1), w = guarded_new(n, 1), m = guarded_new(n, 1), v = guarded_new(n, 1);
    guarded ema = guarded_new(n, 1);
    bool first = how == ADAM || beta1 > 0, second = how != SGD;
    for (size_t i = 0; i < n; i++) {
        v.at[i] = fabsf(v.at[i]);
        m.at[i] = first ? m.at[i] : 0;
    }
    guarded w0 = guarded_copy(&w), m0 = guarded_copy(&m), v0 = guarded_copy(&v), e0 = guarded_copy(&ema);
    guarded w1 = guarded_copy(&w), m1 = guarded_copy(&m), v1 = guarded_copy(&v);
    prnn_state all = {n, g.at, w.at, first ? m.at : NULL, second ? v.at : NULL, average ? ema.at : NULL};
    update[how](&step, &all);
    for (size_t i = 0; i < n; i++) {
        double x[] = {(double)w0.at[i], (double)m0.at[i], (double)v0.at[i], (double)e0.at[i]};
        plain_update(how, &step, (double)g.at[i], &x[0], &x[1], &x[2], &x[3]);
        double size = 4 * FLT_EPSILON * (2 + fabs(x[0]) + 10 * fabs(x[1]));
        expect_near("weight", (double)w.at[i], x[0], size);
        expect_near("first moment", (double)m.at[i], first ? x[1] : 0, size * (how == RMSPROP ? 20 : 1));
        expect_near("second moment", (double)v.at[i], second ? x[2] : (double)v0.at[i], size);
        expect_near("average", (double)ema.at[i], average ? x[3] : (double)e0.at[i], size);
    }
    /* In two parts, the same bits. */
    size_t part = n / 2 / PRNN_PANEL * PRNN_PANEL;
    prnn_state low = {part, g.at, w1.at, first ? m1.at : NULL, second ? v1.at : NULL, NULL};
    prnn_state high = {
        n - part, g.at + part, w1.at + part, first ? m1.at + part : NULL, second ? v1.at + part : NULL, NULL};
    update[how](&step, &high);
    update[how](&step, &low);
    assert_memory_equal(w1.at, w.at, n * sizeof(float));
    guarded *blocks[] = {&g, &w, &m, &v, &ema, &w0, &m0, &v0, &e0, &w1, &m1, &v1};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        guarded_free(blocks[i]);
    }
}

static void test_optimizers(void **state) {
    for (size_t n = 0; n <= 70; n++) {
        for (int how = 0; how < RULES; how++) {
            check_optimizer(*state, (rule)how, n, 0, n % 2);
            check_optimizer(*state, (rule)how, n, 0.5f, n % 2 == 0);
        }
    }
}

/* test_kernels_values [PATTERN]: runs the tests whose name matches. */
int main(int count, char **arguments) {
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    static const kernel_test tests[] = {
        {"elementwise", test_elementwise},    {"softmax", test_softmax},
        {"NaN in softmax", test_softmax_nan}, {"softmax_weights", test_softmax_weights},
        {"bernoulli", test_bernoulli},        {"optimizers", test_optimizers},
    };
    int failures = 0;
    for (int i = 0; prnn_kernels_at(i); i++) {
        failures += run_table(prnn_kernels_at(i), tests, sizeof tests / sizeof *tests);
    }
    return failures;
}

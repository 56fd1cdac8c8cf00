/* Mixtures of logistics on every instruction set, against the formula in double precision: likelihoods,
 * gradients by differences, distributions that sum to 1, and parameters of any size. */

#include "kernels.h"

static size_t padded(int n) {
    return ((size_t)n + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
}

static prnn_logistics mixture_new(int components, int levels) {
    prnn_logistics m = {.components = components, .levels = levels, .log_scale = (float)random_signed()};
    for (int j = 0; j < components; j++) {
        m.centres[j] = (float)random_signed();
    }
    return m;
}

/* Parameters between -1 and 1 times these; what is in the pads must not count. */
static guarded parameters_new(const prnn_logistics *m, double logit, double mean, double scale) {
    size_t n = padded(m->components);
    guarded p = guarded_new(3 * n, 1);
    for (size_t i = 0; i < 3 * n; i++) {
        p.at[i] *= (float)(i < n ? logit : i < 2 * n ? mean : scale);
    }
    return p;
}

/* ------------------------------------------------------------------------------------ reference */

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static double log_logistic(double x) {
    return x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x));
}

/* log(sigmoid(a) - sigmoid(b)), b < a, as it stands, and where that would be 0 by logarithms. */
static double log_between(double b, double a) {
    double plain = b > 0 ? logistic(-b) - logistic(-a) : logistic(a) - logistic(b);
    return plain > 1e-290 ? log(plain) : log_logistic(a) + log_logistic(-b) + log1p(-exp(b - a));
}

static double scale_of(const prnn_logistics *m, double parameter) {
    return exp(-7) + exp((double)m->log_scale + parameter);
}

static double log_sum(const double *x, int n) {
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) {
        top = fmax(top, x[i]);
    }
    for (int i = 0; i < n; i++) {
        sum += exp(x[i] - top);
    }
    return top + log(sum);
}

/* Of parameters in three runs of `components`, not padded. */
static double reference_nll(const prnn_logistics *m, const double *parameters, int level) {
    double with[PRNN_MOST_COMPONENTS], half = 1 / (double)(m->levels - 1), x = 2 * level * half - 1;
    int n = m->components;
    for (int j = 0; j < n; j++) {
        double mean = (double)m->centres[j] + parameters[n + j], scale = scale_of(m, parameters[2 * n + j]);
        double b = level == 0 ? -INFINITY : (x - half - mean) / scale;
        double a = level == m->levels - 1 ? INFINITY : (x + half - mean) / scale;
        with[j] = parameters[j] + log_between(b, a);
    }
    return log_sum(parameters, n) - log_sum(with, n);
}

static void in_double(const prnn_logistics *m, const guarded *from, double *to) {
    for (int run = 0; run < 3; run++) {
        for (int j = 0; j < m->components; j++) {
            to[run * m->components + j] = (double)from->at[(size_t)run * padded(m->components) + (size_t)j];
        }
    }
}

/* What rounding the parameters, the means and the scales may cost. */
static double rounding_of(const prnn_logistics *m, const double *parameters, double nats) {
    double most = 0;
    for (int j = 0; j < m->components; j++) {
        double mean = parameters[m->components + j];
        double edges = 4 * (2 + fabs(mean)) / scale_of(m, parameters[2 * m->components + j]);
        most = fmax(most, fmax(edges, 2 * fabs(parameters[j])));
    }
    return 2e-6 + 8e-7 * nats + ROUNDING * most;
}

/* ---------------------------------------------------------------------------------------- tests */

/* Slopes of the reference against the gradient, in which a component's share is as wrong as its likelihood.
 */
static void check_gradient(const prnn_logistics *m, int level, double *at, const guarded *g, double weight,
                           double tolerance) {
    size_t n = padded(m->components);
    for (size_t i = 0; i < 3 * n; i++) {
        int j = (int)(i % n);
        if (j >= m->components) {
            assert_true(g->at[i] == 0);
            continue;
        }
        double *x = &at[(int)(i / n) * m->components + j], kept = *x, step = 1e-5;
        *x = kept + step;
        double up = reference_nll(m, at, level);
        *x = kept - step;
        double slope = (up - reference_nll(m, at, level)) / (2 * step);
        *x = kept;
        expect_near("gradient", (double)g->at[i] / weight, slope,
                    tolerance + (1e-4 + tolerance) * fabs(slope));
    }
}

static void check_nll(const prnn_kernels *kernels, const prnn_logistics *m, int level, const guarded *p,
                      float weight) {
    guarded g = guarded_copy(p), once = guarded_copy(p);
    double at[3 * PRNN_MOST_COMPONENTS];
    in_double(m, p, at);
    double expected = reference_nll(m, at, level), tolerance = rounding_of(m, at, expected);
    expect_near("nll", (double)kernels->logistics_nll(m, g.at, level, weight), expected, tolerance);
    expect_near("nll", (double)kernels->logistics_nll(m, once.at, level, 0), expected, tolerance);
    expect_same_bits(&once, p);
    if (tolerance < 1e-3) {
        check_gradient(m, level, at, &g, (double)weight, 2e-5 + 4 * tolerance);
    }
    guarded all[] = {g, once};
    guarded_free_all(all, 2);
}

static const double sizes[][3] = {{0, 0, 0}, {1, 0.3, 1}, {3, 1, 3}, {10, 2, 5}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_nll(void **state) {
    for (int components = 1; components <= PRNN_MOST_COMPONENTS; components += 1 + components / 5) {
        for (size_t s = 0; s < SIZES; s++) {
            int levels = s == 0 ? 256 : 3 + (int)random_below(254);
            int level[] = {0, levels - 1, (int)random_below((size_t)levels), levels / 2};
            for (int i = 0; i < 4; i++) {
                prnn_logistics m = mixture_new(components, levels);
                guarded p = parameters_new(&m, sizes[s][0], sizes[s][1], sizes[s][2]);
                check_nll(*state, &m, level[i], &p, i % 2 ? 1 : -0.03f);
                guarded_free(&p);
            }
        }
    }
}

/* Bins of some levels have the probability of these together. */
static void check_bins(const prnn_kernels *kernels, const prnn_logistics *m, const guarded *p,
                       const guarded *log_p) {
    int span = 2 + (int)random_below(20), first = (int)random_below((size_t)m->levels);
    int count = (m->levels - first + span - 1) / span;
    guarded bins = guarded_new(padded(count), 1);
    kernels->logistics_log_p(m, p->at, (prnn_bins){first, span, count}, bins.at);
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int k = first + i * span; k < m->levels && k < first + (i + 1) * span; k++) {
            sum += exp((double)log_p->at[k]);
        }
        expect_near("p of a bin", exp((double)bins.at[i]), sum, 5e-6);
    }
    guarded_free(&bins);
}

/* Probabilities of all levels sum to 1, and are those of the likelihood. */
static void check_distribution(const prnn_kernels *kernels, const prnn_logistics *m, const guarded *p) {
    guarded log_p = guarded_new(padded(m->levels), 1), own = guarded_copy(p);
    double sum = 0;
    kernels->logistics_log_p(m, own.at, (prnn_bins){0, 1, m->levels}, log_p.at);
    expect_same_bits(&own, p);
    for (int k = 0; k < m->levels; k++) {
        double nll = (double)kernels->logistics_nll(m, own.at, k, 0), expected = -(double)log_p.at[k];
        assert_true(isfinite(nll) && nll >= 0);
        expect_near("log p", nll, expected, 3e-6 + 1e-6 * fabs(expected));
        sum += exp((double)log_p.at[k]);
    }
    expect_near("sum of the probabilities", sum, 1, 5e-6);
    check_bins(kernels, m, p, &log_p);
    guarded all[] = {log_p, own};
    guarded_free_all(all, 2);
}

static void test_distribution(void **state) {
    for (int components = 1; components <= PRNN_MOST_COMPONENTS; components += 1 + components / 5) {
        for (int levels = 3; levels <= 256; levels += 1 + (int)random_below(80)) {
            prnn_logistics m = mixture_new(components, levels);
            const double *s = sizes[random_below(SIZES)];
            guarded p = parameters_new(&m, s[0], s[1], s[2]);
            check_distribution(*state, &m, &p);
            guarded_free(&p);
        }
    }
}

/* Far from every component, where a difference of sigmoids is 0: it is as far away as it should be. */
static void test_tails(void **state) {
    const prnn_kernels *kernels = *state;
    for (int i = 0; i < 200; i++) {
        prnn_logistics m = mixture_new(1 + (int)random_below(20), 256);
        guarded p = parameters_new(&m, 1, 0, 1);
        size_t n = padded(m.components);
        for (size_t j = 0; j < n; j++) {
            p.at[n + j] = (float)((i % 2 ? 1 : -1) * (1.5 + pow(10, i % 7)));
            p.at[2 * n + j] = -1 - (float)(i % 6);
        }
        check_nll(kernels, &m, i % 3 ? 1 + (int)random_below(254) : i % 2 ? 0 : 255, &p, 1);
        check_distribution(kernels, &m, &p);
        guarded_free(&p);
    }
}

/* Whatever is finite gives a distribution, a likelihood and a gradient that are finite. */
static void test_extremes(void **state) {
    static const float extremes[] = {0,      1,    -1,    -7,    20,     -20,     95,       -95,
                                     1e-40f, 1e4f, -1e4f, 1e20f, -1e20f, FLT_MAX, -FLT_MAX, 30};
    const prnn_kernels *kernels = *state;
    for (int i = 0; i < 3000; i++) {
        prnn_logistics m = mixture_new(1 + (int)random_below(18), i % 5 ? 3 + (int)random_below(60) : 256);
        guarded p = parameters_new(&m, 1, 1, 1);
        size_t n = padded(m.components);
        for (size_t k = random_below(3 * n); k < 3 * n; k += 1 + random_below(5)) {
            p.at[k] = extremes[random_below(sizeof extremes / sizeof *extremes)];
        }
        check_distribution(kernels, &m, &p);
        int level = (int)random_below((size_t)m.levels);
        assert_true(isfinite(kernels->logistics_nll(&m, p.at, i % 3 ? level : 0, 1)));
        for (size_t k = 0; k < p.n; k++) {
            assert_true(isfinite(p.at[k]));
        }
        guarded_free(&p);
    }
}

static void test_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (int i = 0; i < 300; i++) {
        prnn_logistics m = mixture_new(1 + (int)random_below(40), 3 + (int)random_below(254));
        guarded p = parameters_new(&m, 1, 1, 1), log_p = guarded_new(padded(m.levels), 1);
        size_t run = random_below(3), at = random_below((size_t)m.components);
        p.at[run * padded(m.components) + at] = NAN;
        kernels->logistics_log_p(&m, p.at, (prnn_bins){0, 1, m.levels}, log_p.at);
        for (int k = 0; k < m.levels; k++) {
            assert_true(isnan(log_p.at[k]));
        }
        int levels[] = {0, m.levels / 2, m.levels - 1};
        assert_true(isnan(kernels->logistics_nll(&m, p.at, levels[i % 3], i % 2 ? 1.0f : 0.0f)));
        guarded all[] = {p, log_p};
        guarded_free_all(all, 2);
    }
}

int main(int count, char **arguments) {
    static const kernel_test tests[] = {
        {"logistics: nll", test_nll},     {"logistics: distribution", test_distribution},
        {"logistics: tails", test_tails}, {"logistics: extremes", test_extremes},
        {"logistics: NaN", test_nan},
    };
    return run_on_all(tests, sizeof tests / sizeof *tests, count, arguments);
}

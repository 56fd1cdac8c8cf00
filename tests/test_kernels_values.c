/* The kernels that are no products, of every instruction set that this processor has, against plain C in
 * double precision, on odd sizes; with canaries around everything that is written, and a NaN that has to come
 * through. */

#include "kernels.h"

#include "base/random.h"

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
        guarded all[] = {x, y, z, d, before};
        guarded_free_all(all, sizeof all / sizeof *all);
    }
}

/* ------------------------------------------------------------------------------------- dropout */

static void plain_dropout(const prnn_drops *drops, uint64_t step, const guarded *x, const guarded *add,
                          guarded *out) {
    for (size_t i = 0; i < x->n; i++) {
        prnn_random bits = prnn_random_at(drops->seed, PRNN_RANDOM_DROPOUT, step, drops->index + i / 8);
        uint32_t drawn = bits.word[i % 8 / 2] >> (i % 2 * 16) & 0xffff;
        float kept = drawn < drops->below ? 0 : x->at[i] * drops->scale;
        out->at[i] = add ? add->at[i] + kept : kept;
    }
}

/* To the last bit, also where the index carries, and in place of x or of what is added. */
static void test_dropout(void **state) {
    const prnn_kernels *kernels = *state;
    for (size_t n = 0; n <= 208; n += PRNN_PANEL) {
        for (int how = 0; how < 5; how++) {
            uint64_t step = random_below(1000) + ((uint64_t)random_below(1 << 20) << 30);
            prnn_drops drops = {.seed = (uint64_t)random_below(1 << 30) << 20 | 7,
                                .high = prnn_random_high(PRNN_RANDOM_DROPOUT, step),
                                .index = ((uint64_t)random_below(1000) << 32) - random_below(3),
                                .below = (uint32_t)random_below(65536),
                                .scale = 1.37f};
            guarded x = guarded_new(n, 1), add = guarded_new(n, 1), out = guarded_new(n, 1);
            guarded expected = guarded_copy(&out);
            if (n > 0) {
                x.at[n / 2] = NAN;
            }
            plain_dropout(&drops, step, &x, how % 2 ? &add : NULL, &expected);
            guarded *to = how == 4 ? &x : how == 3 ? &add : &out;
            kernels->dropout(&drops, n, x.at, how % 2 ? add.at : NULL, to->at);
            for (size_t i = 0; i < n; i++) {
                assert_true(isnan(expected.at[i]) ? isnan(to->at[i]) : to->at[i] == expected.at[i]);
            }
            guarded all[] = {x, add, out, expected};
            guarded_free_all(all, sizeof all / sizeof *all);
        }
    }
}

/* -------------------------------------------------------------------------------------- softmax */

static size_t padded(int levels) {
    return ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
}

static double highest_of(const guarded *x, int levels) {
    double highest = -INFINITY;
    for (int k = 0; k < levels; k++) {
        highest = fmax(highest, (double)x->at[k]);
    }
    return highest;
}

static void check_softmax(const prnn_kernels *kernels, int levels, int target, double scale, float weight) {
    guarded logits = guarded_new(padded(levels), scale), once = guarded_copy(&logits);
    guarded x = guarded_copy(&logits);
    double highest = highest_of(&x, levels), sum = 0, total = 0;
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
    for (size_t k = (size_t)levels; k < logits.n; k++) {
        assert_true(logits.at[k] == 0);
    }
    guarded all[] = {x, once, logits};
    guarded_free_all(all, sizeof all / sizeof *all);
}

static const double logit_scales[] = {0, 1, 5, 80, 1e4};
enum { LOGIT_SCALES = sizeof logit_scales / sizeof *logit_scales };

static void test_softmax(void **state) {
    for (int levels = 2; levels <= 256; levels++) {
        for (size_t s = 0; s < LOGIT_SCALES; s++) {
            int target = (int)random_below((size_t)levels);
            check_softmax(*state, levels, target, logit_scales[s], 1);
            check_softmax(*state, levels, levels - 1, logit_scales[s], 0.03f);
        }
    }
}

/* The stated errors of exp: relative, and down to where; and what is below is less than the last number. */
static const double EXP = 2e-7, LEAST = -87, TINY = 2e-38;

static void check_softmax_weights(const prnn_kernels *kernels, int levels, double scale, float sharpness) {
    guarded logits = guarded_new(padded(levels), scale), before = guarded_copy(&logits);
    guarded p = guarded_new(padded(levels), 1);
    kernels->softmax_weights(logits.at, levels, sharpness, p.at);
    expect_same_bits(&logits, &before);
    double highest = highest_of(&logits, levels);
    for (int k = 0; k < levels; k++) {
        double x = ((double)logits.at[k] - highest) * (double)sharpness, own = (double)p.at[k];
        if ((double)logits.at[k] == highest) {
            assert_true(own == 1);
        } else if (x < LEAST) {
            assert_true(own >= 0 && own < TINY);
        } else {
            /* A difference and a product are rounded before. */
            expect_near("softmax_weights", own, exp(x), (EXP + 2 * ROUNDING * fabs(x)) * exp(x));
        }
    }
    for (size_t k = (size_t)levels; k < p.n; k++) {
        assert_true(p.at[k] == 0);
    }
    guarded all[] = {logits, before, p};
    guarded_free_all(all, sizeof all / sizeof *all);
}

static void test_softmax_weights(void **state) {
    for (int levels = 2; levels <= 256; levels++) {
        for (size_t s = 0; s < LOGIT_SCALES; s++) {
            check_softmax_weights(*state, levels, logit_scales[s], 1);
            check_softmax_weights(*state, levels, logit_scales[s], 0.5f);
            check_softmax_weights(*state, levels, logit_scales[s], 50);
        }
    }
}

static void test_softmax_nan(void **state) {
    const prnn_kernels *kernels = *state;
    for (int levels = 2; levels <= 256; levels += 3) {
        for (int at = 0; at < levels; at += 5) {
            float logits[256 + PRNN_PANEL] = {0}, p[256 + PRNN_PANEL];
            logits[at] = NAN;
            bool any = false;
            kernels->softmax_weights(logits, levels, 1, p);
            for (int k = 0; k < levels; k++) {
                any |= isnan(p[k]) != 0;
            }
            assert_true(any);
            assert_true(isnan(kernels->softmax_nll(logits, levels, levels / 2, 0)));
        }
    }
}

/* ------------------------------------------------------------------------------------ bernoulli */

/* Error of a probability and of nats; of these also relative. */
static const double BERNOULLI = 3e-7;

static float random_bit(void) {
    return random_below(2) ? 1.0f : 0.0f;
}

/* Of every size from 1e-10 to 1e4, and zeros. */
static float random_logit(void) {
    double size = random_below(20) ? pow(10, 7 * random_signed() - 3) : 0;
    return (float)(random_below(2) ? size : -size);
}

static void check_bernoulli(const prnn_kernels *kernels, size_t n, float scale) {
    guarded x = guarded_new(n, 1), v = guarded_new(n, 1), nats = guarded_new(n, 1);
    for (size_t i = 0; i < n; i++) {
        x.at[i] = random_logit();
        v.at[i] = random_bit();
    }
    size_t nan = n && random_below(2) ? random_below(n) : n;
    if (nan < n) {
        x.at[nan] = NAN;
    }
    guarded before = guarded_copy(&x), bits = guarded_copy(&v);
    kernels->bernoulli_nll(n, x.at, v.at, scale, nats.at);
    for (size_t i = 0; i < n; i++) {
        if (i == nan) {
            assert_true(isnan(nats.at[i]) && isnan(x.at[i]));
            continue;
        }
        double a = (double)before.at[i], b = (double)bits.at[i], own = (double)nats.at[i];
        double expected = (a > 0) == (b > 0) ? log1p(exp(-fabs(a))) : fabs(a) + log1p(exp(-fabs(a)));
        expect_near("bernoulli_nll", own, expected, BERNOULLI + 2 * ROUNDING * expected);
        assert_true(own >= 0);
        double g = (double)scale * (1 / (1 + exp(-a)) - b);
        expect_near("bernoulli gradient", (double)x.at[i], scale != 0 ? g : a,
                    BERNOULLI * fabs((double)scale));
    }
    if (scale == 0) {
        expect_same_bits(&x, &before);
    }
    expect_same_bits(&v, &bits);
    guarded all[] = {x, v, nats, before, bits};
    guarded_free_all(all, sizeof all / sizeof *all);
}

static void test_bernoulli(void **state) {
    static const float scales[] = {0, 1, 0.03f, -2};
    for (size_t n = 0; n <= 320; n += PRNN_PANEL) {
        for (int i = 0; i < 12; i++) {
            check_bernoulli(*state, n, scales[i % 4]);
        }
    }
}

/* ----------------------------------------------------------------------------------- optimizers */

enum { GRADIENT, WEIGHTS, MOMENT1, MOMENT2, EMA, BLOCKS };

typedef void (*optimizer_fn)(const prnn_step *, const prnn_state *);

static optimizer_fn kernel_of(const prnn_kernels *kernels, prnn_optimizer optimizer) {
    return optimizer == PRNN_ADAM ? kernels->adam : optimizer == PRNN_SGD ? kernels->sgd : kernels->rmsprop;
}

static bool has(prnn_optimizer optimizer, const prnn_step *step, bool ema, int block) {
    return block == MOMENT1   ? optimizer == PRNN_ADAM || step->beta1 > 0
           : block == MOMENT2 ? optimizer != PRNN_SGD
           : block == EMA     ? ema
                              : true;
}

/* Weights first .. first + n - 1; what the formula does not have is NULL. */
static prnn_state state_of(const guarded *blocks, const bool *there, size_t first, size_t n) {
    float *at[BLOCKS];
    for (int b = 0; b < BLOCKS; b++) {
        at[b] = there[b] ? blocks[b].at + first : NULL;
    }
    return (prnn_state){n, at[GRADIENT], at[WEIGHTS], at[MOMENT1], at[MOMENT2], at[EMA]};
}

/* A number, and how far that of a kernel may be from it. */
typedef struct number {
    double value, error;
} number;

/* a + b, whose own errors are `error` in all, with so many roundings of either. */
static number sum_of(double a, double b, double roundings, double error) {
    return (number){a + b, roundings * ROUNDING * (fabs(a) + fabs(b)) + error};
}

/* The formulas of train/optimizer.h, for one weight: x, as it was, becomes what it should be. */
static void plain_update(prnn_optimizer optimizer, const prnn_step *s, number *x) {
    double g = (double)s->scale * x[GRADIENT].value, b1 = (double)s->beta1, b2 = (double)s->beta2;
    double rate = (double)s->rate, keep = (double)s->keep;
    number *m = &x[MOMENT1], *v = &x[MOMENT2], *w = &x[WEIGHTS];
    *w = sum_of(w->value, -(double)s->decay * w->value, 2, 0);
    if (optimizer != PRNN_SGD) {
        *v = sum_of(b2 * v->value, (1 - b2) * g * g, 6, 0);
    }
    if (optimizer == PRNN_ADAM) {
        *m = sum_of(b1 * m->value, (1 - b1) * g, 4, 0);
        double root = sqrt(v->value * (double)s->correct2) + (double)s->epsilon;
        double factor = rate * (double)s->correct1 / root;
        /* The root has half of the relative error of v, and some roundings. */
        *w = sum_of(w->value, -factor * m->value, 2,
                    factor * m->error + 10 * ROUNDING * fabs(factor * m->value) + w->error);
    } else {
        double now = optimizer == PRNN_SGD ? g : g / (sqrt(v->value) + (double)s->epsilon);
        *m = sum_of(now, b1 > 0 ? b1 * m->value : 0, 3, 6 * ROUNDING * fabs(now));
        *w = sum_of(w->value, -rate * m->value, 2, rate * m->error + w->error);
    }
    x[EMA] = sum_of(keep * x[EMA].value, (1 - keep) * w->value, 4, (1 - keep) * w->error);
}

static void compare_update(prnn_optimizer optimizer, const prnn_step *step, const bool *there,
                           const guarded *now, const guarded *old) {
    static const char *const names[] = {"gradient", "weight", "moment 1", "moment 2", "moving average"};
    for (size_t i = 0; i < now[WEIGHTS].n; i++) {
        number x[BLOCKS];
        for (int b = 0; b < BLOCKS; b++) {
            x[b] = (number){(double)old[b].at[i], 0};
        }
        plain_update(optimizer, step, x);
        for (int b = WEIGHTS; b < BLOCKS; b++) {
            if (there[b]) {
                expect_near(names[b], (double)now[b].at[i], x[b].value, x[b].error);
            }
        }
    }
    for (int b = 0; b < BLOCKS; b++) {
        if (b == GRADIENT || !there[b]) {
            expect_same_bits(&now[b], &old[b]);
        }
    }
}

static void random_blocks(size_t n, guarded *blocks) {
    for (int b = 0; b < BLOCKS; b++) {
        blocks[b] = guarded_new(n, b == WEIGHTS ? 3 : 1);
    }
    for (size_t i = 0; i < n; i++) {
        blocks[MOMENT2].at[i] = fabsf(blocks[MOMENT2].at[i]);
        if (random_below(5) == 0) { /* as after no step, with no gradient */
            blocks[GRADIENT].at[i] = blocks[MOMENT1].at[i] = blocks[MOMENT2].at[i] = 0;
        }
    }
}

/* All at once, and in two pieces, which gives the same bits. */
static void check_optimizer(const prnn_kernels *kernels, prnn_optimizer optimizer, const prnn_step *step,
                            size_t n, bool ema) {
    guarded now[BLOCKS], old[BLOCKS], pieces[BLOCKS];
    bool there[BLOCKS];
    random_blocks(n, old);
    for (int b = 0; b < BLOCKS; b++) {
        now[b] = guarded_copy(&old[b]);
        pieces[b] = guarded_copy(&old[b]);
        there[b] = has(optimizer, step, ema, b);
    }
    optimizer_fn kernel = kernel_of(kernels, optimizer);
    prnn_state all = state_of(now, there, 0, n);
    kernel(step, &all);
    compare_update(optimizer, step, there, now, old);
    size_t first = random_below(n / PRNN_PANEL + 1) * PRNN_PANEL;
    prnn_state one = state_of(pieces, there, 0, first), other = state_of(pieces, there, first, n - first);
    kernel(step, &other);
    kernel(step, &one);
    for (int b = 0; b < BLOCKS; b++) {
        expect_same_bits(&pieces[b], &now[b]);
    }
    guarded_free_all(now, BLOCKS);
    guarded_free_all(old, BLOCKS);
    guarded_free_all(pieces, BLOCKS);
}

static const prnn_step steps[] = {
    {0.01f, 0, 0.95f, 1e-8f, 1, 1, 1 / 0.05f, 0.999f, 0},
    {0.003f, 0.9f, 0.999f, 1e-4f, 0.37f, 10, 1000, 0.1f, 0.01f},
    {1, 0.5f, 0.7f, 0.1f, 1e-3f, 1.4f, 2.1f, 0, 0.3f},
};
enum { STEPS = sizeof steps / sizeof *steps };

static void test_optimizer(const prnn_kernels *kernels, prnn_optimizer optimizer) {
    static const size_t more[] = {127, 128, 129, 1000, 1027};
    for (size_t i = 0; i < 71 + sizeof more / sizeof *more; i++) {
        for (size_t s = 0; s < STEPS; s++) {
            check_optimizer(kernels, optimizer, &steps[s], i < 71 ? i : more[i - 71], false);
            check_optimizer(kernels, optimizer, &steps[s], i < 71 ? i : more[i - 71], true);
        }
    }
}

static void test_rmsprop(void **state) {
    test_optimizer(*state, PRNN_RMSPROP);
}

static void test_adam(void **state) {
    test_optimizer(*state, PRNN_ADAM);
}

static void test_sgd(void **state) {
    test_optimizer(*state, PRNN_SGD);
}

/* NaN in the gradient of a weight: all of that weight, and of no other. */
static void test_optimizer_nan(void **state) {
    for (size_t n = 1; n <= 70; n++) {
        for (int i = 0; i < 3 * STEPS; i++) {
            prnn_optimizer optimizer = (prnn_optimizer)(i / STEPS);
            const prnn_step *step = &steps[i % STEPS];
            guarded blocks[BLOCKS];
            bool there[BLOCKS];
            random_blocks(n, blocks);
            size_t at = random_below(n);
            blocks[GRADIENT].at[at] = NAN;
            for (int b = 0; b < BLOCKS; b++) {
                there[b] = has(optimizer, step, true, b);
            }
            prnn_state all = state_of(blocks, there, 0, n);
            kernel_of(*state, optimizer)(step, &all);
            for (size_t w = 0; w < n; w++) {
                for (int b = 0; b < BLOCKS; b++) {
                    assert_true(isnan(blocks[b].at[w]) == (there[b] && w == at));
                }
            }
            guarded_free_all(blocks, BLOCKS);
        }
    }
}

/* -------------------------------------------------------------------------------- dense products */

/* The order of the sums is promised, so the bits are those of fmaf. */
static void check_dense(const prnn_kernels *kernels, size_t rows, size_t columns, size_t depth, bool add) {
    size_t apart = random_below(5), wide = columns + random_below(5);
    guarded left = guarded_new(rows * (depth + apart), 1), right = guarded_new((depth + 1) * wide, 1);
    guarded more = guarded_new(rows * wide, 1), out = guarded_new(rows * wide, 1), was = guarded_copy(&out);
    kernels->dense(&(prnn_dense){.rows = rows,
                                 .columns = columns,
                                 .depth = depth,
                                 .left = left.at,
                                 .left_stride = depth + apart,
                                 .right = right.at,
                                 .right_stride = wide,
                                 .add = add ? more.at : NULL,
                                 .add_stride = wide,
                                 .a = -1.7f,
                                 .b = 0.3f,
                                 .out = out.at,
                                 .out_stride = wide});
    for (size_t i = 0; i < rows * wide; i++) {
        float sum = 0;
        for (size_t k = 0; k < depth; k++) {
            sum = fmaf(left.at[i / wide * (depth + apart) + k], right.at[k * wide + i % wide], sum);
        }
        sum = add ? fmaf(0.3f, sum, -1.7f * more.at[i]) : sum;
        assert_true(out.at[i] == (i % wide < columns ? sum : was.at[i]));
    }
    guarded all[] = {left, right, more, out, was};
    guarded_free_all(all, sizeof all / sizeof *all);
}

static void test_dense(void **state) {
    for (size_t rows = 1; rows < 40; rows += 1 + random_below(3)) {
        for (size_t panels = 1; panels < 4; panels++) {
            check_dense(*state, rows, panels * PRNN_PANEL, random_below(50), rows % 2);
        }
    }
    static const size_t depths[] = {255, 256, 257, 511, 512, 600, 1024};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        check_dense(*state, 1 + random_below(13), 2 * PRNN_PANEL, depths[i], false);
        check_dense(*state, 1 + random_below(13), PRNN_PANEL, depths[i], true);
    }
}

int main(int count, char **arguments) {
    static const kernel_test tests[] = {
        {"dense", test_dense},
        {"elementwise", test_elementwise},
        {"dropout", test_dropout},
        {"softmax", test_softmax},
        {"softmax_weights", test_softmax_weights},
        {"NaN in softmax", test_softmax_nan},
        {"bernoulli", test_bernoulli},
        {"rmsprop", test_rmsprop},
        {"adam", test_adam},
        {"sgd", test_sgd},
        {"NaN in optimizers", test_optimizer_nan},
    };
    return run_on_all(tests, sizeof tests / sizeof *tests, count, arguments);
}

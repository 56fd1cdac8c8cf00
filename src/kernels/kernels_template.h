/* The kernels, written once with the compiler's vectors. An instruction set's file defines PRNN_NAME (of its
 * table), VECTOR (floats in a vector) and the rows of its tiles (tile.h), and includes this. */

#include "kernels/dense_template.h"
#include "kernels/dropout_template.h"
#include "kernels/gradient_template.h"
#include "kernels/product_template.h"

/* --------------------------------------------------------------------------------- elementwise */

static void relu(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(y + i, vrelu(load(x + i)));
    }
}

static void relu_gradient(size_t n, const float *y, float *dy) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(dy + i, vselect(load(y + i) > 0, load(dy + i), splat(0)));
    }
}

static void add(size_t n, const float *a, const float *b, float *sum) {
    for (size_t i = 0; i < n; i += VECTOR) {
        store(sum + i, load(a + i) + load(b + i));
    }
}

/* ------------------------------------------------------------------------------- distributions */

/* The part of a panel that the vector at column i of a row is. */
INLINE int part_of(size_t i) {
    return (int)(i / VECTOR % PARTS);
}

INLINE float highest_of(const float *x, size_t n) {
    panel top = panel_of(-INFINITY);
    for (size_t i = 0; i < n; i += VECTOR) {
        top.part[part_of(i)] = vmax(top.part[part_of(i)], load(x + i));
    }
    return panel_max(&top);
}

static size_t padded(int levels) {
    return ((size_t)levels + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
}

static float softmax_nll(float *logits, int levels, int target, float scale) {
    size_t n = padded(levels);
    for (size_t i = (size_t)levels; i < n; i++) {
        logits[i] = -3e38f;
    }
    float highest = highest_of(logits, n), at_target = logits[target] - highest;
    panel sum = panel_of(0);
    for (size_t i = 0; i < n; i += VECTOR) {
        vf e = vexp(load(logits + i) - highest);
        sum.part[part_of(i)] += e;
        if (scale != 0) {
            store(logits + i, e);
        }
    }
    float total = panel_sum(&sum);
    if (scale != 0) {
        float factor = scale / total;
        for (size_t i = 0; i < n; i += VECTOR) {
            store(logits + i, load(logits + i) * factor);
        }
        logits[target] -= scale;
        for (size_t i = (size_t)levels; i < n; i++) {
            logits[i] = 0;
        }
    }
    return log_of(total) - at_target;
}

static void softmax_weights(const float *logits, int levels, float sharpness, float *p) {
    size_t n = padded(levels);
    memcpy(p, logits, (size_t)levels * sizeof *p);
    for (size_t i = (size_t)levels; i < n; i++) {
        p[i] = -3e38f;
    }
    float highest = highest_of(p, n);
    for (size_t i = 0; i < n; i += VECTOR) {
        store(p + i, vexp((load(p + i) - highest) * sharpness));
    }
    for (size_t i = (size_t)levels; i < n; i++) {
        p[i] = 0;
    }
}

static void bernoulli_nll(size_t n, float *x, const float *v, float scale, float *nats) {
    for (size_t i = 0; i < n; i += VECTOR) {
        vf a = load(x + i), b = load(v + i);
        vf e = vexp(vmin(splat(0), vmin(a, -a))); /* e^-|x| */
        store(nats + i, vfma(-a, b, vrelu(a)) + vlog1p(e));
        if (scale != 0) {
            store(x + i, scale * (vselect(a >= 0, splat(1), e) / (e + 1.0f) - b));
        }
    }
}

/* ----------------------------------------------------------------------- mixtures of logistics */

/* Components of a mixture, in levels. */
typedef struct logistic {
    vf mean, rate; /* 1 / scale */
    vf width;      /* 1 - e^-(span * rate), of bins of `span` levels */
    vf moved; /* derivative of log(scale) by the log-scale t: less than 1, since there is a least scale */
} logistic;

/* The probability of a bin of levels under each of some components (or of some bins under one component):
 * e^exponent * factor, in which nothing cancels, however far the bin is from the mean. Its upper edge is a
 * scales above the mean, its lower edge b; `above` and `below` are the probabilities beyond them. */
typedef struct bin {
    vf a, b, above, below, exponent, factor;
    vf near; /* e^exponent, if that is not less than a float can be */
} bin;

/* Clamped, so that nothing overflows. NaN stays NaN. */
INLINE vf bounded(vf x) {
    return vmax(splat(-1e30f), vmin(splat(1e30f), x));
}

/* Components i .. i + VECTOR - 1. */
INLINE logistic logistics_at(const prnn_logistics *d, const float *parameters, size_t i, float span) {
    size_t n = padded(d->components);
    float half = 0.5f * (float)(d->levels - 1);
    vf moved = vexp(vmin(splat(30), load(parameters + 2 * n + i)) + d->log_scale);
    vf scale = moved + PRNN_LEAST_SCALE;
    vf mean = bounded(load(parameters + n + i)) + load(d->centres + i);
    logistic c = {.mean = (mean + 1.0f) * half, .rate = 1.0f / (scale * half), .moved = moved / scale};
    vf t = vtanh(0.5f * span * c.rate);
    c.width = 2.0f * t / (t + 1.0f);
    return c;
}

/* sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^-(a - b)), and sigmoid(a) = e^min(a, 0) / (1 +
 * e^-|a|). `lower`, `upper`: whether the bin has that edge; if not, it extends to infinity. */
INLINE bin bin_of(vf level, float span, vi lower, vi upper, const logistic *c) {
    const vf zero = {0}, one = splat(1);
    bin x = {.a = (level + (span - 0.5f) - c->mean) * c->rate, .b = (level - 0.5f - c->mean) * c->rate};
    vf ea = vselect(upper, vexp(vmin(x.a, -x.a)), zero);
    vf eb = vselect(lower, vexp(vmin(x.b, -x.b)), zero);
    vf both = one / ((ea + one) * (eb + one)), ia = both * (eb + one), ib = both * (ea + one);
    x.above = vselect(upper, vselect(x.a > 0, ea, one) * ia, zero);
    x.below = vselect(lower, vselect(x.b > 0, one, eb) * ib, zero);
    x.exponent = vselect(upper, vmin(zero, x.a), zero) + vselect(lower, vmin(zero, -x.b), zero);
    x.near = vselect(upper & (x.a < 0), ea, vselect(lower & (x.b > 0), eb, one));
    x.factor = vselect(lower & upper, c->width, one) * both;
    return x;
}

/* logits[j] = the logit of component j minus the highest one; returns the sum of their exponentials. */
INLINE float mixture_logits(const prnn_logistics *d, const float *parameters, float *logits) {
    size_t n = padded(d->components);
    for (size_t i = 0; i < n; i += VECTOR) {
        store(logits + i, bounded(load(parameters + i)));
    }
    for (size_t i = (size_t)d->components; i < n; i++) {
        logits[i] = -3e38f;
    }
    float highest = highest_of(logits, n);
    panel sum = panel_of(0);
    for (size_t i = 0; i < n; i += VECTOR) {
        vf x = load(logits + i) - highest;
        store(logits + i, x);
        sum.part[part_of(i)] += vexp(x);
    }
    return panel_sum(&sum);
}

/* The part of each component in the probability of a level, e^exponent * factor with the weight e^logit, and
 * the derivatives of minus its logarithm by mean and log-scale. */
typedef struct shares {
    float logit[PRNN_MOST_COMPONENTS], exponent[PRNN_MOST_COMPONENTS], factor[PRNN_MOST_COMPONENTS];
    float by_mean[PRNN_MOST_COMPONENTS], by_scale[PRNN_MOST_COMPONENTS];
} shares;

INLINE void share_out(const prnn_logistics *d, const float *parameters, int level, shares *s) {
    vf at = splat((float)level);
    vi lower = at > 0, upper = at < (float)(d->levels - 1);
    float half = 0.5f * (float)(d->levels - 1);
    for (size_t i = 0; i < padded(d->components); i += VECTOR) {
        logistic c = logistics_at(d, parameters, i, 1);
        bin x = bin_of(at, 1, lower, upper, &c);
        vf narrow = vselect(lower & upper, c.rate * (1.0f - c.width) / c.width, splat(0));
        store(s->exponent + i, load(s->logit + i) + x.exponent);
        store(s->factor + i, x.factor);
        store(s->by_mean + i, (x.above - x.below) * c.rate * half);
        store(s->by_scale + i, (vfma(x.above, x.a, narrow) - x.below * x.b) * c.moved);
    }
}

static float logistics_nll(const prnn_logistics *d, float *parameters, int level, float scale) {
    size_t n = padded(d->components);
    shares s;
    float weights = mixture_logits(d, parameters, s.logit);
    share_out(d, parameters, level, &s);
    float highest = highest_of(s.exponent, n);
    panel sum = panel_of(0);
    for (size_t i = 0; i < n; i += VECTOR) {
        vf p = vexp(load(s.exponent + i) - highest) * load(s.factor + i);
        store(s.factor + i, p);
        sum.part[part_of(i)] += p;
    }
    float total = panel_sum(&sum);
    for (size_t i = 0; i < n && scale != 0; i += VECTOR) {
        vf p = load(s.factor + i) * (scale / total);
        store(parameters + i, vfma(vexp(load(s.logit + i)), splat(scale / weights), -p));
        store(parameters + n + i, p * load(s.by_mean + i));
        store(parameters + 2 * n + i, p * load(s.by_scale + i));
    }
    for (size_t i = (size_t)d->components; i < n && scale != 0; i++) {
        parameters[i] = parameters[n + i] = parameters[2 * n + i] = 0;
    }
    float nats = log_of(weights / total) - highest;
    return nats < 0 ? 0 : nats;
}

/* Component j of `all`, which are one vector after the other, in every place. */
INLINE logistic logistic_of(const logistic *all, int j) {
    const logistic *c = &all[j / VECTOR];
    int lane = j % VECTOR;
    return (logistic){splat(c->mean[lane]), splat(c->rate[lane]), splat(c->width[lane]), splat(0)};
}

/* A mixture, and how many levels are in its bins. */
typedef struct mixture {
    int components;
    float levels, span, logit[PRNN_MOST_COMPONENTS], weight[PRNN_MOST_COMPONENTS];
    logistic all[PRNN_MOST_COMPONENTS / VECTOR];
} mixture;

/* The bins that begin at some levels, under component j. */
INLINE bin levels_bin(const mixture *m, int j, vf level) {
    logistic c = logistic_of(m->all, j);
    return bin_of(level, m->span, level > 0, level + m->span < m->levels, &c);
}

/* log p of these bins, plus the logarithm of the sum of the weights, where p may be too small for a float.
 */
static vf far_log_p(const mixture *m, vf level) {
    vf highest = splat(-3e38f), sum = {0};
    for (int j = 0; j < m->components; j++) {
        highest = vmax(highest, levels_bin(m, j, level).exponent + m->logit[j]);
    }
    for (int j = 0; j < m->components; j++) {
        bin x = levels_bin(m, j, level);
        sum = vfma(vexp(x.exponent + m->logit[j] - highest), x.factor, sum);
    }
    return highest + vlog(sum);
}

INLINE vf near_log_p(const mixture *m, vf level) {
    vf sum = {0};
    for (int j = 0; j < m->components; j++) {
        bin x = levels_bin(m, j, level);
        sum = vfma(m->weight[j] * x.near, x.factor, sum);
    }
    vi near = sum > 1e-28f;
    return any(~near) ? vselect(near, vlog(sum), far_log_p(m, level)) : vlog(sum);
}

static void logistics_log_p(const prnn_logistics *d, const float *parameters, prnn_bins bins, float *log_p) {
    mixture m = {.components = d->components, .levels = (float)d->levels, .span = (float)bins.span};
    float weights = log_of(mixture_logits(d, parameters, m.logit));
    for (size_t i = 0; i < padded(d->components); i += VECTOR) {
        store(m.weight + i, vexp(load(m.logit + i)));
        m.all[i / VECTOR] = logistics_at(d, parameters, i, m.span);
    }
    for (size_t k = 0; k < padded(bins.count); k += VECTOR) {
        vf level;
        for (int i = 0; i < VECTOR; i++) {
            level[i] = (float)(bins.first + ((int)k + i) * bins.span);
        }
        store(log_p + k, near_log_p(&m, level) - weights);
    }
}

/* ---------------------------------------------------------------------------------- optimizers */

/* One vector of weights and all that belongs to them. */
typedef struct update {
    vf gradient, weight, moment1, moment2;
} update;

INLINE void rmsprop_vector(const prnn_step *s, bool momentum, update *u) {
    vf g = u->gradient * s->scale;
    u->moment2 = vfma(splat(s->beta2), u->moment2, (1 - s->beta2) * g * g);
    vf m = g / (vsqrt(u->moment2) + s->epsilon);
    if (momentum) {
        m = vfma(splat(s->beta1), u->moment1, m);
        u->moment1 = m;
    }
    u->weight = vfma(splat(-s->rate), m, u->weight);
}

INLINE void adam_vector(const prnn_step *s, bool momentum, update *u) {
    (void)momentum;
    vf g = u->gradient * s->scale;
    u->moment1 = vfma(splat(s->beta1), u->moment1, (1 - s->beta1) * g);
    u->moment2 = vfma(splat(s->beta2), u->moment2, (1 - s->beta2) * g * g);
    u->weight -= s->rate * (u->moment1 * s->correct1) / (vsqrt(u->moment2 * s->correct2) + s->epsilon);
}

INLINE void sgd_vector(const prnn_step *s, bool momentum, update *u) {
    vf m = u->gradient * s->scale;
    if (momentum) {
        m = vfma(splat(s->beta1), u->moment1, m);
        u->moment1 = m;
    }
    u->weight = vfma(splat(-s->rate), m, u->weight);
}

INLINE vf load_some(const float *p, size_t n) {
    if (n == VECTOR) {
        return load(p);
    }
    vf x = {0};
    memcpy(&x, p, n * sizeof *p);
    return x;
}

INLINE void store_some(float *p, vf x, size_t n) {
    if (n == VECTOR) {
        store(p, x);
        return;
    }
    memcpy(p, &x, n * sizeof *p);
}

/* n <= VECTOR weights from i on. */
INLINE void update_some(void (*vector)(const prnn_step *, bool, update *), const prnn_step *step,
                        const prnn_state *s, bool first, bool second, size_t i, size_t n) {
    update u = {load_some(s->gradient + i, n), load_some(s->weights + i, n), splat(0), splat(0)};
    if (first) {
        u.moment1 = load_some(s->moment1 + i, n);
    }
    if (second) {
        u.moment2 = load_some(s->moment2 + i, n);
    }
    if (step->decay > 0) {
        u.weight = vfma(splat(-step->decay), u.weight, u.weight);
    }
    vector(step, first, &u);
    store_some(s->weights + i, u.weight, n);
    if (first) {
        store_some(s->moment1 + i, u.moment1, n);
    }
    if (second) {
        store_some(s->moment2 + i, u.moment2, n);
    }
    if (s->ema) {
        vf more = (1 - step->keep) * u.weight;
        store_some(s->ema + i, vfma(splat(step->keep), load_some(s->ema + i, n), more), n);
    }
}

INLINE void update_all(void (*vector)(const prnn_step *, bool, update *), const prnn_step *step,
                       const prnn_state *s, bool first, bool second) {
    size_t i = 0;
    for (; i + VECTOR <= s->n; i += VECTOR) {
        update_some(vector, step, s, first, second, i, VECTOR);
    }
    if (i < s->n) {
        update_some(vector, step, s, first, second, i, s->n - i);
    }
}

static void rmsprop(const prnn_step *step, const prnn_state *state) {
    update_all(rmsprop_vector, step, state, step->beta1 > 0, true);
}

static void adam(const prnn_step *step, const prnn_state *state) {
    update_all(adam_vector, step, state, true, true);
}

static void sgd(const prnn_step *step, const prnn_state *state) {
    update_all(sgd_vector, step, state, step->beta1 > 0, false);
}

/* --------------------------------------------------------------------------------------- table */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

const prnn_kernels PASTE(prnn_kernels_, PRNN_NAME) = {
    .name = STRING(PRNN_NAME),
    .supported = supported,
#ifdef PRNN_BF16
    .prepare = prepare,
#endif
    .product = product,
    .product_lstm = product_lstm,
    .product_lstm_gradient = product_lstm_gradient,
    .product_gradient = product_gradient,
    .dense = dense,
    .relu = relu,
    .relu_gradient = relu_gradient,
    .add = add,
    .dropout = dropout,
    .softmax_nll = softmax_nll,
    .softmax_weights = softmax_weights,
    .bernoulli_nll = bernoulli_nll,
    .logistics_nll = logistics_nll,
    .logistics_log_p = logistics_log_p,
    .rmsprop = rmsprop,
    .adam = adam,
    .sgd = sgd,
};

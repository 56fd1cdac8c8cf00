/* The kernels, written once with the compiler's vectors. An instruction set's file defines PRNN_NAME (of its
 * table), VECTOR (floats in a vector) and the tiles of product_template.h, and includes this. */

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

static float highest_of(const float *x, size_t n) {
    vf top = load(x);
    for (size_t i = VECTOR; i < n; i += VECTOR) {
        top = vmax(top, load(x + i));
    }
    return horizontal_max(top);
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
    vf sum = {0};
    for (size_t i = 0; i < n; i += VECTOR) {
        vf e = vexp_negative(load(logits + i) - highest);
        sum += e;
        if (scale != 0) {
            store(logits + i, e);
        }
    }
    float total = horizontal_sum(sum);
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
    return logf(total) - at_target;
}

static void softmax_weights(const float *logits, int levels, float sharpness, float *p) {
    size_t n = padded(levels);
    memcpy(p, logits, (size_t)levels * sizeof *p);
    for (size_t i = (size_t)levels; i < n; i++) {
        p[i] = -3e38f;
    }
    float highest = highest_of(p, n);
    for (size_t i = 0; i < n; i += VECTOR) {
        store(p + i, vexp_negative((load(p + i) - highest) * sharpness));
    }
    for (size_t i = (size_t)levels; i < n; i++) {
        p[i] = 0;
    }
}

static void bernoulli_nll(size_t n, float *x, const float *v, float scale, float *nats) {
    for (size_t i = 0; i < n; i += VECTOR) {
        vf a = load(x + i), b = load(v + i);
        vf e = vexp_negative(vmin(splat(0), vmin(a, -a))); /* e^-|x| */
        store(nats + i, vrelu(a) - a * b + vlog1p(e));
        if (scale != 0) {
            store(x + i, scale * (vselect(a >= 0, splat(1), e) / (e + 1.0f) - b));
        }
    }
}

/* ---------------------------------------------------------------------------------- optimizers */

/* One vector of weights and all that belongs to them. */
typedef struct update {
    vf gradient, weight, moment1, moment2;
} update;

INLINE void rmsprop_vector(const prnn_step *s, bool momentum, update *u) {
    vf g = u->gradient * s->scale;
    u->moment2 = s->beta2 * u->moment2 + (1 - s->beta2) * g * g;
    vf m = g / (vsqrt(u->moment2) + s->epsilon);
    if (momentum) {
        m += s->beta1 * u->moment1;
        u->moment1 = m;
    }
    u->weight -= rounded(s->rate * m);
}

INLINE void adam_vector(const prnn_step *s, bool momentum, update *u) {
    (void)momentum;
    vf g = u->gradient * s->scale;
    u->moment1 = s->beta1 * u->moment1 + (1 - s->beta1) * g;
    u->moment2 = s->beta2 * u->moment2 + (1 - s->beta2) * g * g;
    u->weight -= s->rate * (u->moment1 * s->correct1) / (vsqrt(u->moment2 * s->correct2) + s->epsilon);
}

INLINE void sgd_vector(const prnn_step *s, bool momentum, update *u) {
    vf m = u->gradient * s->scale;
    if (momentum) {
        m += s->beta1 * u->moment1;
        u->moment1 = m;
    }
    u->weight -= rounded(s->rate * m);
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
    vector(step, first, &u);
    store_some(s->weights + i, u.weight, n);
    if (first) {
        store_some(s->moment1 + i, u.moment1, n);
    }
    if (second) {
        store_some(s->moment2 + i, u.moment2, n);
    }
    if (s->ema) {
        store_some(s->ema + i, step->keep * load_some(s->ema + i, n) + (1 - step->keep) * u.weight, n);
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
    .relu = relu,
    .relu_gradient = relu_gradient,
    .add = add,
    .softmax_nll = softmax_nll,
    .softmax_weights = softmax_weights,
    .bernoulli_nll = bernoulli_nll,
    .rmsprop = rmsprop,
    .adam = adam,
    .sgd = sgd,
};

/* Kernels that compute something for every number. */
#include "bench.h"

#include "base/memory.h"
#include "kernels/kernels.h"

#include <math.h>

enum { LEVELS_OF_IMAGE = 256, COMPONENTS = PRNN_PANEL };

/* Floating-point operations for a number, a multiply-add being two: those of the polynomials in
 * kernels/vectors.h, and what is around them. Of the optimizers none are counted, nor of relu and add: what
 * they read and write takes longer. */
enum {
    EXP = 22,
    LOG1P = 13,
    SOFTMAX = EXP + 3,
    SOFTMAX_GRADIENT = SOFTMAX + 1,
    BERNOULLI = EXP + LOG1P + 6,
    BERNOULLI_GRADIENT = BERNOULLI + 4,
    TANH = 20,
    LOGISTICS = (5 * EXP + TANH + 36) / 3, /* a component has three numbers */
    LOGISTICS_GRADIENT = (6 * EXP + TANH + 58) / 3
};

typedef struct operands {
    const prnn_kernels *kernels;
    size_t n;
    float scale; /* of a gradient; 0: none is asked for */
    float *x, *y, *z, *w;
} operands;

static void call_relu(void *arg) {
    const operands *a = arg;
    a->kernels->relu(a->n, a->x, a->y);
}

static void call_add(void *arg) {
    const operands *a = arg;
    a->kernels->add(a->n, a->x, a->y, a->z);
}

static void call_softmax_nll(void *arg) {
    const operands *a = arg;
    float sum = 0;
    for (size_t i = 0; i < a->n; i += LEVELS_OF_IMAGE) {
        sum += a->kernels->softmax_nll(a->x + i, LEVELS_OF_IMAGE, (int)(i / LEVELS_OF_IMAGE), a->scale);
    }
    *a->y = sum;
}

static void call_softmax_weights(void *arg) {
    const operands *a = arg;
    for (size_t i = 0; i < a->n; i += LEVELS_OF_IMAGE) {
        a->kernels->softmax_weights(a->x + i, LEVELS_OF_IMAGE, 1, a->y + i);
    }
}

static void call_bernoulli_nll(void *arg) {
    const operands *a = arg;
    a->kernels->bernoulli_nll(a->n, a->x, a->y, a->scale, a->z);
}

static void call_logistics_nll(void *arg) {
    const operands *a = arg;
    const prnn_logistics mixture = {.components = COMPONENTS, .levels = LEVELS_OF_IMAGE, .log_scale = -3};
    float sum = 0;
    for (size_t i = 0; i < a->n; i += 3 * COMPONENTS) {
        sum += a->kernels->logistics_nll(&mixture, a->x + i, (int)(i % LEVELS_OF_IMAGE), a->scale);
    }
    *a->y = sum;
}

static const prnn_step step = {
    .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.95f, .epsilon = 1e-8f, .scale = 1, .correct1 = 1, .correct2 = 1};

static void call_rmsprop(void *arg) {
    const operands *a = arg;
    prnn_state state = {.n = a->n, .gradient = a->x, .weights = a->y, .moment2 = a->w};
    prnn_step plain = step;
    plain.beta1 = 0;
    a->kernels->rmsprop(&plain, &state);
}

static void call_adam(void *arg) {
    const operands *a = arg;
    prnn_state state = {.n = a->n, .gradient = a->x, .weights = a->y, .moment1 = a->z, .moment2 = a->w};
    a->kernels->adam(&step, &state);
}

/* One line of the table. */
typedef struct entry {
    const char *name;
    void (*call)(void *);
    size_t n;
    float scale;
    int flop;                  /* for a number */
    int arrays, reads, writes; /* that it touches, reads and writes */
    int move;
} entry;

static void time_entry(const options *o, prnn_context *ctx, const entry *e, FILE *out) {
    operands a = {.kernels = prnn_kernels_of(ctx), .n = e->n, .scale = e->scale};
    float **all[] = {&a.x, &a.y, &a.z, &a.w};
    for (int i = 0; i < 4; i++) {
        *all[i] = random_numbers(ctx, e->n, 1);
    }
    for (size_t i = 0; i < e->n; i++) {
        a.w[i] = fabsf(a.w[i]); /* a mean of squares */
    }
    kernel_result r = {.flop = (double)e->flop * (double)e->n,
                       .bytes = (double)(e->reads + e->writes) * (double)e->n * sizeof(float),
                       .footprint = (double)e->arrays * (double)e->n * sizeof(float),
                       .move = e->move};
    snprintf(r.kernel, sizeof r.kernel, "%s", e->name);
    snprintf(r.size, sizeof r.size, "%zu", e->n);
    r.time = time_short((timed_call){e->call, &a}, o->seconds / 20);
    fwrite(&r, sizeof r, 1, out);
    fflush(out);
    for (int i = 0; i < 4; i++) {
        prnn_free(*all[i]);
    }
}

void time_elementwise(const options *o, prnn_context *ctx, FILE *out) {
    enum {
        SMALL = 2048,
        PIECE = 1 << 15,
        LARGE = 1 << 16,
        MANY = 1 << 23,
        PIXELS = 16 * LEVELS_OF_IMAGE,
        MIXTURES = 64 * 3 * COMPONENTS
    };
    static const entry entries[] = {
        {"relu", call_relu, SMALL, 0, 0, 2, 1, 1, MOVE_COPY},
        {"relu", call_relu, LARGE, 0, 0, 2, 1, 1, MOVE_COPY},
        {"add", call_add, SMALL, 0, 0, 3, 2, 1, MOVE_ADD},
        {"add", call_add, LARGE, 0, 0, 3, 2, 1, MOVE_ADD},
        {"softmax_nll", call_softmax_nll, PIXELS, 0, SOFTMAX, 1, 1, 0, MOVE_UPDATE},
        {"softmax_nll, gradient", call_softmax_nll, PIXELS, 1, SOFTMAX_GRADIENT, 1, 1, 1, MOVE_UPDATE},
        {"softmax_weights", call_softmax_weights, PIXELS, 0, SOFTMAX, 2, 1, 1, MOVE_COPY},
        {"logistics_nll", call_logistics_nll, MIXTURES, 0, LOGISTICS, 1, 1, 0, MOVE_UPDATE},
        {"logistics_nll, gradient", call_logistics_nll, MIXTURES, 1, LOGISTICS_GRADIENT, 1, 1, 1,
         MOVE_UPDATE},
        {"bernoulli_nll", call_bernoulli_nll, SMALL, 0, BERNOULLI, 3, 2, 1, MOVE_ADD},
        {"bernoulli_nll, gradient", call_bernoulli_nll, SMALL, 1, BERNOULLI_GRADIENT, 3, 2, 2, MOVE_ADD},
        {"rmsprop", call_rmsprop, PIECE, 0, 0, 3, 3, 2, MOVE_UPDATE},
        {"rmsprop", call_rmsprop, MANY, 0, 0, 3, 3, 2, MOVE_UPDATE},
        {"adam", call_adam, PIECE, 0, 0, 4, 4, 3, MOVE_UPDATE},
        {"adam", call_adam, MANY, 0, 0, 4, 4, 3, MOVE_UPDATE},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        time_entry(o, ctx, &entries[i], out);
    }
}

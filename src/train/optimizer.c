#include "train/optimizer.h"

#include "base/parallel.h"
#include "base/real.h"

#include <math.h>

const char *prnn_optimizer_name(prnn_optimizer optimizer) {
    static const char *const names[] = {"rmsprop", "adam", "sgd"};
    return optimizer <= PRNN_SGD ? names[optimizer] : NULL;
}

const char *prnn_schedule_name(prnn_schedule schedule) {
    static const char *const names[] = {"constant", "cosine", "step"};
    return schedule <= PRNN_STEP ? names[schedule] : NULL;
}

void prnn_optimizer_defaults(prnn_train_options *options) {
    if (options->beta1 < 0) {
        options->beta1 = options->optimizer == PRNN_ADAM ? 0.9 : 0;
    }
    if (options->beta2 < 0) {
        options->beta2 = options->optimizer == PRNN_ADAM ? 0.999 : 0.95;
    }
}

double prnn_learning_rate(const prnn_train_options *o, uint64_t step, uint64_t steps, double epoch) {
    double rate = o->learning_rate;
    if (o->schedule == PRNN_COSINE && steps > 1) {
        double progress = (double)step / (double)(steps - 1);
        double fall = (1 + prnn_cos_pi(progress < 1 ? progress : 1)) / 2;
        rate *= o->final_fraction + (1 - o->final_fraction) * fall;
    } else if (o->schedule == PRNN_STEP) {
        rate *= prnn_power(o->decay_factor, (uint64_t)(epoch / o->decay_epochs));
    }
    if ((double)step < o->warmup_steps) {
        rate *= ((double)step + 1) / (o->warmup_steps + 1);
    }
    return rate;
}

float prnn_ema_keep(double decay, uint64_t step) {
    double early = (1 + (double)step) / (10 + (double)step);
    return (float)(decay < early ? decay : early);
}

/* ------------------------------------------------------------------------------ over all threads */

/* Weights of one piece of work: a fixed number, so that no sum depends on the threads. */
enum { PIECE = 1 << 15 };

static size_t pieces_of(size_t n) {
    return (n + PIECE - 1) / PIECE;
}

typedef struct update {
    void (*kernel)(const prnn_step *, const prnn_state *);
    prnn_step step;
    prnn_state state;
} update;

static float *from(float *block, size_t first) {
    return block ? block + first : NULL;
}

static void update_piece(void *arg, size_t index, void *own) {
    (void)own;
    const update *u = arg;
    const prnn_state *all = &u->state;
    size_t first = index * PIECE, left = all->n - first;
    prnn_state piece = {.n = left < PIECE ? left : PIECE,
                        .gradient = all->gradient + first,
                        .weights = all->weights + first,
                        .moment1 = from(all->moment1, first),
                        .moment2 = from(all->moment2, first),
                        .ema = from(all->ema, first)};
    u->kernel(&u->step, &piece);
}

void prnn_optimizer_update(prnn_context *ctx, const prnn_train_options *o, double rate, uint64_t step,
                           double scale, const prnn_state *state) {
    const prnn_kernels *k = prnn_kernels_of(ctx);
    update u = {.kernel = o->optimizer == PRNN_ADAM  ? k->adam
                          : o->optimizer == PRNN_SGD ? k->sgd
                                                     : k->rmsprop,
                .step = {.rate = (float)rate,
                         .beta1 = (float)o->beta1,
                         .beta2 = (float)o->beta2,
                         .epsilon = (float)o->epsilon,
                         .scale = (float)scale,
                         .correct1 = (float)(1 / (1 - prnn_power(o->beta1, step + 1))),
                         .correct2 = (float)(1 / (1 - prnn_power(o->beta2, step + 1))),
                         .keep = prnn_ema_keep(o->ema, step)},
                .state = *state};
    prnn_parallel_for(ctx, pieces_of(state->n), update_piece, &u);
}

typedef struct squares {
    size_t n;
    const float *x;
    double *sums;
} squares;

/* In eight parts, which do not wait for each other. */
static void square_piece(void *arg, size_t index, void *own) {
    (void)own;
    const squares *s = arg;
    const float *x = s->x + index * PIECE;
    size_t left = s->n - index * PIECE, n = left < PIECE ? left : PIECE, i = 0;
    double part[8] = {0}, sum = 0;
    for (; i + 8 <= n; i += 8) {
        for (int j = 0; j < 8; j++) {
            part[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    for (int j = 0; j < 8; j++) {
        sum += part[j];
    }
    s->sums[index] = sum;
}

size_t prnn_norm_scratch(size_t n) {
    return pieces_of(n);
}

double prnn_norm(prnn_context *ctx, size_t n, const float *x, double *scratch) {
    squares s = {n, x, scratch};
    prnn_parallel_for(ctx, pieces_of(n), square_piece, &s);
    double sum = 0;
    for (size_t i = 0; i < pieces_of(n); i++) {
        sum += scratch[i];
    }
    return sqrt(sum);
}

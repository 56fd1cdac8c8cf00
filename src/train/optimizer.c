#include "train/optimizer.h"

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
        double fall = (1 + cos(3.14159265358979323846 * fmin(progress, 1))) / 2;
        rate *= o->final_fraction + (1 - o->final_fraction) * fall;
    } else if (o->schedule == PRNN_STEP) {
        rate *= pow(o->decay_factor, floor(epoch / o->decay_epochs));
    }
    if ((double)step < o->warmup_steps) {
        rate *= ((double)step + 1) / (o->warmup_steps + 1);
    }
    return rate;
}

static void rmsprop(float rate, float b1, float b2, float epsilon, float scale, size_t n,
                    const float *gradient, float *weights, float *moment1, float *moment2) {
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] * scale;
        moment2[i] = b2 * moment2[i] + (1 - b2) * g * g;
        float m = g / (sqrtf(moment2[i]) + epsilon);
        if (b1 > 0) {
            m += b1 * moment1[i];
            moment1[i] = m;
        }
        weights[i] -= rate * m;
    }
}

static void adam(float rate, float b1, float b2, float epsilon, float scale, float correct1, float correct2,
                 size_t n, const float *gradient, float *weights, float *moment1, float *moment2) {
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] * scale;
        moment1[i] = b1 * moment1[i] + (1 - b1) * g;
        moment2[i] = b2 * moment2[i] + (1 - b2) * g * g;
        weights[i] -= rate * (moment1[i] * correct1) / (sqrtf(moment2[i] * correct2) + epsilon);
    }
}

static void sgd(float rate, float b1, float scale, size_t n, const float *gradient, float *weights,
                float *moment1) {
    for (size_t i = 0; i < n; i++) {
        float m = gradient[i] * scale;
        if (b1 > 0) {
            m += b1 * moment1[i];
            moment1[i] = m;
        }
        weights[i] -= rate * m;
    }
}

void prnn_optimizer_update(const prnn_train_options *o, double rate, uint64_t step, double scale, size_t n,
                           const float *gradient, float *weights, float *moment1, float *moment2) {
    float r = (float)rate, b1 = (float)o->beta1, b2 = (float)o->beta2, e = (float)o->epsilon,
          s = (float)scale;
    switch (o->optimizer) {
    case PRNN_RMSPROP:
        rmsprop(r, b1, b2, e, s, n, gradient, weights, moment1, moment2);
        break;
    case PRNN_ADAM: {
        double t = (double)step + 1;
        float correct1 = (float)(1 / (1 - pow(o->beta1, t))), correct2 = (float)(1 / (1 - pow(o->beta2, t)));
        adam(r, b1, b2, e, s, correct1, correct2, n, gradient, weights, moment1, moment2);
        break;
    }
    case PRNN_SGD:
        sgd(r, b1, s, n, gradient, weights, moment1);
        break;
    }
}

void prnn_ema_update(double decay, uint64_t step, size_t n, const float *weights, float *ema) {
    double early = (1 + (double)step) / (10 + (double)step);
    float keep = (float)(decay < early ? decay : early);
    for (size_t i = 0; i < n; i++) {
        ema[i] = keep * ema[i] + (1 - keep) * weights[i];
    }
}

#include "train/optimizer.h"

#include "base/real.h"
#include "train/muon.h"

const char *prnn_optimizer_name(prnn_optimizer optimizer) {
    static const char *const names[] = {"rmsprop", "adam", "sgd", "muon"};
    return optimizer <= PRNN_MUON ? names[optimizer] : NULL;
}

const char *prnn_schedule_name(prnn_schedule schedule) {
    static const char *const names[] = {"constant", "cosine", "step"};
    return schedule <= PRNN_STEP ? names[schedule] : NULL;
}

void prnn_optimizer_defaults(prnn_train_options *options) {
    if (options->beta1 < 0) {
        options->beta1 = options->optimizer == PRNN_MUON ? 0.95 : options->optimizer == PRNN_ADAM ? 0.9 : 0;
    }
    if (options->beta2 < 0) {
        options->beta2 = options->optimizer == PRNN_ADAM || options->optimizer == PRNN_MUON ? 0.999 : 0.95;
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

prnn_update prnn_optimizer_step(const prnn_train_options *o, double rate, uint64_t step, double scale) {
    return (prnn_update){.optimizer = o->optimizer,
                         .step = {.rate = (float)rate,
                                  .beta1 = (float)o->beta1,
                                  .beta2 = (float)o->beta2,
                                  .epsilon = (float)o->epsilon,
                                  .scale = (float)scale,
                                  .correct1 = (float)(1 / (1 - prnn_power(o->beta1, step + 1))),
                                  .correct2 = (float)(1 / (1 - prnn_power(o->beta2, step + 1))),
                                  .keep = prnn_ema_keep(o->ema, step),
                                  .decay = (float)(rate * o->weight_decay)}};
}

static prnn_block part_of(prnn_block block, size_t first, size_t count) {
    return block.memory ? prnn_block_part(block, first, count) : block;
}

/* How a parameter is treated. */
typedef struct treatment {
    bool decays, orthogonal;
} treatment;

static treatment treatment_of(const prnn_parameter *p, const prnn_update *update) {
    return (treatment){.decays = update->step.decay > 0 && p->rank > 1,
                       .orthogonal = update->optimizer == PRNN_MUON && prnn_muon_takes(p)};
}

/* Where steps are orthogonal the gradient is the step already, which SGD takes. */
static void update_part(prnn_context *ctx, const prnn_device *device, const prnn_update *all, size_t first,
                        size_t end, treatment how) {
    prnn_update part = *all;
    prnn_block *blocks[] = {&part.gradient, &part.weights, &part.moment1, &part.moment2, &part.ema};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        *blocks[i] = part_of(*blocks[i], first, end - first);
    }
    part.step.decay = how.decays ? part.step.decay : 0;
    if (how.orthogonal) {
        part.optimizer = PRNN_SGD;
        part.step.beta1 = 0;
        part.step.scale = 1;
    } else if (all->optimizer == PRNN_MUON) {
        part.optimizer = PRNN_ADAM;
    }
    device->update(ctx, &part);
}

/* Neighbours that are treated alike go together. */
void prnn_optimizer_update(prnn_context *ctx, const prnn_device *device, const prnn_plan *plan,
                           const prnn_polar_list *matrices, const prnn_update *update) {
    size_t first = 0;
    treatment before = treatment_of(&plan->parameters[0], update);
    if (update->optimizer == PRNN_MUON) {
        device->polar(ctx, matrices, update->step.beta1, update->step.scale, update->moment1,
                      update->gradient);
    }
    for (int i = 1; i < plan->parameter_count; i++) {
        const prnn_parameter *p = &plan->parameters[i];
        treatment now = treatment_of(p, update);
        if (now.decays != before.decays || now.orthogonal != before.orthogonal) {
            update_part(ctx, device, update, first, p->offset, before);
            first = p->offset;
            before = now;
        }
    }
    update_part(ctx, device, update, first, plan->parameter_floats, before);
}

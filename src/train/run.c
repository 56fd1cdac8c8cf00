#include "train/run.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "train/need.h"
#include "train/optimizer.h"

#include <inttypes.h>
#include <math.h>

static bool has_all(const prnn_trainer *t) {
    return t->weights && t->gradient && t->squares && t->moment1 && t->moment2 && t->order && t->indices &&
           t->images && (t->ema || t->options.ema <= 0) && (t->best || !t->valid);
}

prnn_status prnn_run_allocate(prnn_trainer *t) {
    prnn_context *ctx = t->ctx;
    const prnn_config *c = &t->model->network->plan.config;
    size_t n = t->parameters, count = prnn_data_count(t->train);
    size_t batch = prnn_trainer_batch(&t->options, count), images = prnn_trainer_room(batch);
    prnn_trainer_needs needs;
    prnn_status status;
    TRY(prnn_trainer_need(ctx, c, &t->options, count, t->valid, &needs));
    TRY(prnn_trainer_afford(ctx, &needs, false, t->options.batch));
    t->weights = prnn_alloc(ctx, n, sizeof(float), "the weights");
    t->gradient = prnn_alloc(ctx, n, sizeof(float), "the gradient");
    t->squares = prnn_alloc(ctx, prnn_norm_scratch(n), sizeof(double), "the norm of the gradient");
    t->moment1 = prnn_alloc(ctx, n, sizeof(float), "the optimizer");
    t->moment2 = prnn_alloc(ctx, n, sizeof(float), "the optimizer");
    t->ema = t->options.ema > 0 ? prnn_alloc(ctx, n, sizeof(float), "the moving average") : NULL;
    t->best = t->valid ? prnn_alloc(ctx, n, sizeof(float), "the best weights") : NULL;
    t->order = prnn_alloc(ctx, count, sizeof *t->order, "the order of the images");
    t->indices = prnn_alloc(ctx, images, sizeof *t->indices, "a batch");
    t->images =
        prnn_alloc(ctx, images, (size_t)c->height * (size_t)c->width * (size_t)c->channels, "a batch");
    if (!has_all(t)) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to train %zu parameters", n);
    }
    TRY(prnn_data_fingerprint(ctx, t->train, &t->train_print));
    if (t->valid) {
        TRY(prnn_data_fingerprint(ctx, t->valid, &t->valid_print));
    }
    TRY(prnn_gradient_engine_create(ctx, c, (int)batch, needs.validation, &t->engine));
done:
    return status;
}

void prnn_run_free(prnn_trainer *t) {
    void *blocks[] = {t->weights, t->gradient, t->squares, t->moment1, t->moment2,
                      t->ema,     t->best,     t->order,   t->indices, t->images};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        prnn_free(blocks[i]);
    }
    prnn_gradient_engine_free(t->engine);
    if (t->metrics) {
        fclose(t->metrics);
    }
    prnn_run_folder_close(&t->folder);
}

const float *prnn_run_result(const prnn_trainer *t) {
    return t->ema ? t->ema : t->weights;
}

double prnn_run_rate(const prnn_trainer *t, uint64_t step) {
    return prnn_learning_rate(&t->options, step, t->table.steps, prnn_timetable_epoch(&t->table, step));
}

prnn_progress prnn_run_progress(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total,
                                double seconds, double speed) {
    const prnn_train_state *s = &t->state;
    return (prnn_progress){.phase = phase,
                           .done = done,
                           .total = total ? total : 1,
                           .seconds = seconds,
                           .images_per_second = speed,
                           .epoch = prnn_timetable_epoch(&t->table, s->step),
                           .learning_rate = prnn_run_rate(t, s->step),
                           .train_nats = s->images > 0 ? s->nats_sum / s->images : s->last_nats,
                           .valid_nats = s->valid_nats,
                           .best_nats = s->best_nats};
}

bool prnn_run_tell(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total, double seconds,
                   double speed) {
    if (!t->options.progress) {
        return true;
    }
    prnn_progress p = prnn_run_progress(t, phase, done, total, seconds, speed);
    return t->options.progress(t->options.user, &p);
}

prnn_status prnn_run_diverged(const prnn_trainer *t, const char *what, double value, uint64_t step) {
    return prnn_fail(t->ctx, PRNN_ERROR_DIVERGED,
                     "training diverged at step %" PRIu64
                     ": %s is %g; the last good checkpoint is kept in %s: lower "
                     "the learning rate (%g) or clip the gradient",
                     step, what, value, t->folder.checkpoint, t->options.learning_rate);
}

prnn_status prnn_run_check_weights(const prnn_trainer *t) {
    for (size_t i = 0; i < t->parameters; i++) {
        if (!isfinite(t->weights[i])) {
            return prnn_run_diverged(t, "a weight", (double)t->weights[i], t->state.step);
        }
        /* The square of a large gradient can leave the range while the weights are still in it. */
        if (!isfinite(t->moment1[i]) || !isfinite(t->moment2[i])) {
            return prnn_run_diverged(t, "a moment of the optimizer",
                                     (double)(isfinite(t->moment1[i]) ? t->moment2[i] : t->moment1[i]),
                                     t->state.step);
        }
    }
    return PRNN_OK;
}

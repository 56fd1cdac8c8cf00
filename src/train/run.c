#include "train/run.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "train/muon.h"
#include "train/need.h"
#include "train/optimizer.h"

#include <inttypes.h>
#include <math.h>

static prnn_status allocate_blocks(prnn_trainer *t) {
    const struct {
        prnn_block *block;
        const char *what;
        bool wanted;
    } all[] = {{&t->weights, "the weights", true},
               {&t->gradient, "the gradient", true},
               {&t->moment1, "the optimizer", true},
               {&t->moment2, "the optimizer", true},
               {&t->ema, "the moving average", t->options.ema > 0},
               {&t->best, "the best weights", t->valid != NULL}};
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].wanted) {
            TRY(t->device->allocate(t->ctx, t->parameters, all[i].what, all[i].block));
        }
    }
done:
    return status;
}

prnn_status prnn_run_allocate(prnn_trainer *t) {
    prnn_context *ctx = t->ctx;
    const prnn_config *c = &t->model->network->plan.config;
    size_t count = prnn_data_count(t->train), batch = prnn_trainer_batch(&t->options, count);
    size_t images = prnn_trainer_room(batch);
    prnn_trainer_needs needs;
    prnn_status status;
    TRY(prnn_trainer_need(ctx, c, &t->options, count, t->valid, &needs));
    TRY(prnn_trainer_afford(ctx, &needs, false, t->options.batch));
    TRY(allocate_blocks(t));
    if (t->options.optimizer == PRNN_MUON) {
        TRY(prnn_muon_create(ctx, t->device, &t->model->network->plan, t->model->weights->unmasked,
                             &t->matrices));
    }
    t->scratch = prnn_alloc(ctx, t->device->norm_scratch(t->parameters), sizeof *t->scratch,
                            "the norm of the gradient");
    t->order = prnn_alloc(ctx, count, sizeof *t->order, "the order of the images");
    t->indices = prnn_alloc(ctx, images, sizeof *t->indices, "a batch");
    t->images = prnn_alloc(ctx, images, prnn_config_values(c), "a batch");
    t->scratch_image = prnn_alloc(ctx, (size_t)c->height * (size_t)c->width, (size_t)c->channels, "an image");
    t->nats = prnn_alloc(ctx, prnn_trainer_nats(ctx), sizeof *t->nats, "likelihoods");
    TRY(t->scratch && t->order && t->indices && t->images && t->scratch_image && t->nats ? PRNN_OK
                                                                                         : PRNN_ERROR_MEMORY);
    TRY(prnn_data_fingerprint(ctx, t->train, &t->train_print));
    if (t->valid) {
        TRY(prnn_data_fingerprint(ctx, t->valid, &t->valid_print));
    }
    TRY(prnn_teacher_open(ctx, &t->options, t->model->network, batch, &t->teacher));
    TRY(prnn_gradient_engine_create(ctx, c, (prnn_batch_kind){(int)batch, t->options.teacher != NULL},
                                    needs.evaluation, &t->engine));
done:
    return status;
}

void prnn_run_free(prnn_trainer *t) {
    prnn_block *blocks[] = {&t->weights, &t->gradient, &t->moment1, &t->moment2, &t->ema, &t->best};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        t->device->release(blocks[i]);
    }
    prnn_muon_free(t->device, &t->matrices);
    prnn_free(t->scratch);
    prnn_free(t->order);
    prnn_free(t->indices);
    prnn_free(t->images);
    prnn_free(t->scratch_image);
    prnn_free(t->nats);
    prnn_teacher_close(&t->teacher);
    prnn_gradient_engine_free(t->ctx, t->engine);
    if (t->metrics) {
        fclose(t->metrics);
    }
    prnn_run_folder_close(&t->folder);
}

prnn_block prnn_run_result(const prnn_trainer *t) {
    return t->ema.memory ? t->ema : t->weights;
}

prnn_status prnn_run_assign(prnn_trainer *t, prnn_block weights) {
    prnn_view view;
    prnn_status status;
    TRY(prnn_view_open(t->ctx, t->device, weights, &view));
    status = prnn_model_assign(t->ctx, t->model, view.floats, "trained weights");
    prnn_view_close(&view);
done:
    return status;
}

double prnn_run_rate(const prnn_trainer *t, uint64_t step) {
    return prnn_learning_rate(&t->options, step, t->table.steps, prnn_timetable_epoch(&t->table, step));
}

prnn_progress prnn_run_progress(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total,
                                double seconds, double speed) {
    const prnn_train_state *s = &t->state;
    prnn_traffic traffic = prnn_gradient_engine_traffic(t->engine);
    double of = t->step_seconds > 0 ? t->step_seconds : 1, steps = t->run_steps ? (double)t->run_steps : 1;
    return (prnn_progress){.size = sizeof(prnn_progress),
                           .phase = phase,
                           .done = done,
                           .total = total ? total : 1,
                           .seconds = seconds,
                           .images_per_second = speed,
                           .epoch = prnn_timetable_epoch(&t->table, s->step),
                           .learning_rate = prnn_run_rate(t, s->step),
                           .train_nats = s->images > 0 ? s->nats_sum / s->images : s->last_nats,
                           .valid_nats = s->valid_nats,
                           .best_nats = s->best_nats,
                           .best_step = s->best_step,
                           .not_lower = s->not_lower,
                           .overfitted = s->overfitted,
                           .exchange_share = traffic.exchange / of,
                           .wait_share = traffic.wait / of,
                           .exchange_bytes = traffic.bytes / steps};
}

bool prnn_run_tell(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total, double seconds,
                   double speed) {
    if (!t->options.progress) {
        return true;
    }
    prnn_progress p = prnn_run_progress(t, phase, done, total, seconds, speed);
    return t->options.progress(t->options.user, &p);
}

prnn_status prnn_run_diverged(prnn_trainer *t, const char *what, double value, uint64_t step) {
    t->diverged = true;
    return prnn_fail(t->ctx, PRNN_ERROR_DIVERGED,
                     "training diverged at step %" PRIu64
                     ": %s is %g; the last good checkpoint is kept in %s: start in another folder from its "
                     "weights (--init), with a lower learning rate than %g or a clipped gradient",
                     step, what, isnan(value) ? (double)NAN : value, t->folder.checkpoint,
                     t->options.learning_rate);
}

prnn_status prnn_run_check_weights(prnn_trainer *t) {
    const struct {
        prnn_block block;
        const char *what;
    } all[] = {{t->weights, "a weight"},
               /* The square of a large gradient can leave the range while the weights are still in it. */
               {t->moment1, "a moment of the optimizer"},
               {t->moment2, "a moment of the optimizer"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t at = t->device->first_not_finite(all[i].block);
        if (at < t->parameters) {
            float value;
            t->device->download(prnn_block_part(all[i].block, at, 1), &value);
            return prnn_run_diverged(t, all[i].what, (double)value, t->state.step);
        }
    }
    return PRNN_OK;
}

/* Training, an update at a time (paper section 5). Everything that happens is a function of the options and
 * the step, so a run that is killed and resumed ends with the same bits as one that never stopped. */
#include "train/trainer.h"

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "data/data.h"
#include "train/augment.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- result */

/* The weights of `block`, which had `step` updates, become the model's, and model.safetensors. */
static prnn_status save_model(prnn_trainer *t, prnn_block block, uint64_t step, double nats) {
    prnn_status status;
    TRY(prnn_run_assign(t, block));
    TRY(prnn_provenance_set(t, step, nats));
    if (t->rank == 0) {
        TRY(prnn_model_save(t->ctx, t->model, t->folder.model));
    }
done:
    return prnn_ranks_vote(t->ctx, status, NULL, t->state.step);
}

/* Those of the best validation; without validation images the present ones. */
static prnn_status save_result(prnn_trainer *t) {
    const prnn_train_state *s = &t->state;
    if (!t->valid) {
        return save_model(t, prnn_run_result(t), s->step, NAN);
    }
    return isnan(s->best_nats) ? PRNN_OK : save_model(t, t->best, s->best_step, s->best_nats);
}

/* Notes what is due after the present update, of what was not done by an earlier run. */
static void note_due(prnn_trainer *t) {
    const prnn_train_state *s = &t->state;
    t->due = prnn_timetable_due(&t->table, s->step, s->validated, s->logged);
}

/* ----------------------------------------------------------------------------------------- begin */

/* From the model's weights. A checkpoint from the first moment on: an unwritable place is known before the
 * work. */
static prnn_status start(prnn_trainer *t) {
    prnn_status status;
    prnn_metrics_sweep(t);
    TRY(t->rank == 0 ? prnn_run_folder_check_new(t->ctx, &t->folder) : PRNN_OK);
    TRY(prnn_metrics_open(t));
    TRY(prnn_checkpoint_save(t));
done:
    return status;
}

/* From a checkpoint, which was loaded. */
static prnn_status go_on(prnn_trainer *t) {
    prnn_status status;
    TRY(prnn_metrics_open(t));
    TRY(save_result(t));
done:
    return status;
}

static prnn_status begin(prnn_trainer *t) {
    bool found = false;
    prnn_status status;
    t->device->upload(t->weights, t->model->weights->parameters);
    if (t->ema.memory) {
        t->device->copy_block(t->weights, t->ema);
    }
    t->state = (prnn_train_state){.last_nats = NAN, .valid_nats = NAN, .best_nats = NAN, .between_nats = NAN};
    if (t->options.resume) {
        status = prnn_checkpoint_load(t, &found);
        TRY(prnn_ranks_vote(t->ctx, status, NULL, 0));
        TRY(prnn_run_follow(t, &found));
    }
    TRY(prnn_provenance_begin(t, found));
    t->run_began = prnn_clock();
    TRY(found ? go_on(t) : start(t));
    note_due(t);
done:
    return status;
}

/* Of a paletted set: then those that validate must have it too. */
static prnn_status take_palette(prnn_trainer *t) {
    const prnn_palette *palette = prnn_data_palette(t->train);
    return palette && !prnn_model_palette(t->model) ? prnn_model_set_palette(t->ctx, t->model, palette)
                                                    : PRNN_OK;
}

/* What each rank does by itself. */
static prnn_status prepare(prnn_trainer *t, const prnn_train_options *options) {
    prnn_status status;
    TRY(prnn_train_options_read(t->ctx, options, &t->options));
    TRY(prnn_train_options_check_set(t->ctx, &t->options, &t->model->network->plan.config, t->valid != NULL));
    TRY(prnn_train_data_check(t->ctx, t->model, t->train, "training"));
    TRY(prnn_data_has_one_value(t->train)
            ? prnn_fail(
                  t->ctx, PRNN_ERROR_FORMAT,
                  "all values of the training images are the same, so there is nothing to learn: choose "
                  "other data, or another number of levels")
            : PRNN_OK);
    TRY(take_palette(t));
    TRY(prnn_teacher_check(t->ctx, &t->options, t->model));
    if (t->valid) {
        TRY(prnn_train_data_check(t->ctx, t->model, t->valid, "validation"));
    }
    TRY(prnn_provenance_check(t->ctx));
    TRY(prnn_run_folder_open(t->ctx, t->options.out, t->rank == 0, &t->folder));
    t->options.out = t->folder.path; /* the caller's may go */
    t->table = prnn_timetable_of(&t->options, prnn_data_count(t->train), t->valid != NULL);
    TRY(prnn_run_allocate(t));
done:
    return status;
}

static prnn_status create(prnn_trainer *t, const prnn_train_options *options) {
    prnn_status status = prepare(t, options);
    TRY(prnn_ranks_vote(t->ctx, status, NULL, 0));
    TRY(prnn_run_compare(t));
    TRY(begin(t));
done:
    return prnn_ranks_fail(t->ctx, status);
}

prnn_status prnn_trainer_create(prnn_context *ctx, prnn_model *model, const prnn_data *train,
                                const prnn_data *valid, const prnn_train_options *options,
                                prnn_trainer **trainer) {
    PRNN_NOTHING_YET(trainer);
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(train), PRNN_GIVEN(trainer));
    prnn_trainer *t = prnn_alloc(ctx, 1, sizeof *t, "a training");
    if (!t) {
        return PRNN_ERROR_MEMORY;
    }
    *t = (prnn_trainer){.ctx = ctx,
                        .device = prnn_device_of(ctx),
                        .arithmetic = prnn_context_arithmetic(ctx),
                        .rank = prnn_context_rank(ctx),
                        .ranks = prnn_context_rank_count(ctx),
                        .model = model,
                        .train = train,
                        .valid = valid,
                        .parameters = prnn_model_parameter_count(model, false),
                        .order_epoch = UINT64_MAX,
                        .folder = {.lock = -1}};
    prnn_status status = create(t, options);
    if (status == PRNN_OK) {
        *trainer = t;
    } else {
        prnn_trainer_free(t);
    }
    return status;
}

void prnn_trainer_free(prnn_trainer *trainer) {
    if (trainer) {
        prnn_run_free(trainer);
        prnn_free(trainer);
    }
}

/* ---------------------------------------------------------------------------------------- update */

/* Some images of a batch as this epoch has them. */
static void augment(prnn_trainer *t, uint64_t epoch, prnn_share part) {
    const prnn_train_options *o = &t->options;
    const prnn_config *c = &t->model->network->plan.config;
    prnn_augmentation how = {.seed = o->seed,
                             .flip = o->flip,
                             .shift = o->shift,
                             .height = c->height,
                             .width = c->width,
                             .channels = c->channels};
    size_t bytes = prnn_config_values(c);
    prnn_augment(&how, epoch, t->indices + part.first, part.count, t->images + part.first * bytes,
                 t->scratch_image);
}

/* The images of the next update, and how many; those after them are announced to the system. A rank reads
 * those of its lanes alone. */
static prnn_status read_batch(prnn_trainer *t, size_t *n) {
    uint64_t epoch = t->state.step / t->table.epoch, count = prnn_data_count(t->train);
    uint64_t first = t->state.step % t->table.epoch * (uint64_t)t->options.batch;
    if (t->order_epoch != epoch) {
        prnn_random_permutation(t->options.seed, epoch, count, t->order);
        t->order_epoch = epoch;
    }
    *n = count - first < (uint64_t)t->options.batch ? count - first : (size_t)t->options.batch;
    for (size_t i = 0; i < *n; i++) {
        t->indices[i] = (size_t)t->order[first + i];
    }
    uint64_t next = first + *n, rest = count - next, batch = (uint64_t)t->options.batch;
    size_t after = (size_t)(rest < batch ? rest : batch);
    prnn_share mine = prnn_gradient_engine_share(t->ctx, t->engine, (int)*n);
    if (after > 0) {
        prnn_share then = prnn_gradient_engine_share(t->ctx, t->engine, (int)after);
        prnn_data_prefetch(t->train, t->order + next + then.first, then.count);
    }
    const prnn_config *c = &t->model->network->plan.config;
    size_t bytes = prnn_config_values(c);
    prnn_status status;
    TRY(prnn_data_read(t->ctx, t->train, t->indices + mine.first, mine.count, t->options.seed, epoch,
                       t->images + mine.first * bytes));
    augment(t, epoch, mine);
    TRY(prnn_teacher_ask(t->ctx, &t->teacher, t->images, mine));
done:
    return status;
}

/* What a step drops of its batch. */
static prnn_dropout dropout_of(const prnn_trainer *t) {
    const prnn_train_options *o = &t->options;
    double below = o->dropout * 65536 + 0.5;
    uint32_t whole = below < 65535 ? (uint32_t)below : 65535;
    return (prnn_dropout){
        .below = whole, .scale = (float)(65536 / (65536.0 - whole)), .seed = o->seed, .step = t->state.step};
}

static prnn_status update(prnn_trainer *t, double *nats) {
    const prnn_train_options *o = &t->options;
    prnn_train_state *s = &t->state;
    double began = prnn_clock();
    unsigned wishes = t->rank == 0 && began - t->saved_at >= o->checkpoint_every ? PRNN_WISH_CHECKPOINT : 0;
    size_t n = 0;
    prnn_status status = read_batch(t, &n);
    if (status != PRNN_OK) {
        return prnn_ranks_vote(t->ctx, status, NULL, s->step);
    }
    prnn_batch batch = {.images = t->images,
                        .n = (int)n,
                        .new_only = true,
                        .dropout = dropout_of(t),
                        .soft = t->teacher.soft};
    status = prnn_gradient_engine_run(t->ctx, t->engine, t->weights, &batch, t->gradient, &wishes, nats);
    if (status != PRNN_OK) {
        return status;
    }
    double length = t->device->norm(t->ctx, t->gradient, t->scratch);
    status = t->device->check(t->ctx);
    if (status != PRNN_OK) {
        return status;
    }
    if (!isfinite(*nats)) {
        return prnn_run_diverged(t, "the NLL", *nats, s->step + 1);
    }
    if (!isfinite(length)) {
        return prnn_run_diverged(t, "the norm of the gradient", length, s->step + 1);
    }
    double scale = o->clip > 0 && length > o->clip ? o->clip / length : 1;
    prnn_update step = prnn_optimizer_step(o, prnn_run_rate(t, s->step), s->step, scale);
    step.gradient = t->gradient;
    step.weights = t->weights;
    step.moment1 = t->moment1;
    step.moment2 = t->moment2;
    step.ema = t->ema;
    prnn_optimizer_update(t->ctx, t->device, &t->model->network->plan, &t->matrices, &step);
    status = t->device->check(t->ctx);
    if (status != PRNN_OK) {
        return status;
    }
    s->step++;
    s->nats_sum += *nats * (double)n;
    s->images += (double)n;
    s->between_sum += *nats * (double)n;
    s->between_images += (double)n;
    t->step_seconds += prnn_clock() - began;
    t->step_images += (double)n;
    t->run_steps++;
    note_due(t);
    t->due.checkpoint |= (wishes & PRNN_WISH_CHECKPOINT) != 0;
    return PRNN_OK;
}

/* ---------------------------------------------------------------------------------------- attend */

/* Whether there is no update to come. */
static bool is_over(const prnn_trainer *t) {
    uint64_t patience = t->options.patience;
    return t->state.step >= t->table.steps || (patience && t->state.not_lower >= patience);
}

bool prnn_trainer_is_done(const prnn_trainer *t) {
    const prnn_due *due = &t->due;
    return is_over(t) && !due->validation && !due->line && !due->checkpoint && !due->result;
}

prnn_status prnn_trainer_stop(prnn_trainer *t) {
    prnn_status status = prnn_checkpoint_save(t);
    return status == PRNN_OK ? prnn_fail(t->ctx, PRNN_STOPPED,
                                         "stopped at step %" PRIu64 " of %" PRIu64 "; the checkpoint is %s",
                                         t->state.step, t->table.steps, t->folder.checkpoint)
                             : status;
}

/* A validation may be the last one. */
static void note_end(prnn_trainer *t) {
    if (is_over(t)) {
        t->due.checkpoint = t->due.result = true;
    }
}

/* What fails stays due. */
static prnn_status do_what_is_due(prnn_trainer *t) {
    const prnn_train_state *s = &t->state;
    prnn_due *due = &t->due;
    prnn_status status = PRNN_OK;
    if (due->validation) {
        TRY(prnn_validation_run(t));
        due->validation = false;
        note_end(t);
    }
    if (due->line) {
        TRY(prnn_metrics_write(t, t->valid && s->validated == s->step));
        due->line = false;
    }
    /* The checkpoint first: a model without one would be taken for that of another run. */
    if (due->checkpoint) {
        TRY(prnn_checkpoint_save(t));
        due->checkpoint = false;
        due->result |= !t->valid || s->best_step == s->step;
    }
    if (due->result) {
        TRY(save_result(t));
        due->result = false;
    }
done:
    return status;
}

prnn_status prnn_trainer_attend(prnn_trainer *t) {
    prnn_status status = do_what_is_due(t);
    return status == PRNN_STOPPED ? prnn_trainer_stop(t) : status;
}

/* ------------------------------------------------------------------------------ what a caller does */

/* Whether the run may go on, now and in this context. */
static prnn_status check_call(prnn_context *ctx, const prnn_trainer *t) {
    if (t->busy) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: a validation of this training is under way: let its progress callback return "
                         "(false: stop) before anything else",
                         t->folder.path);
    }
    if (t->diverged) {
        return prnn_fail(
            ctx, PRNN_ERROR_DIVERGED,
            "%s: this training has diverged: free it, and resume from its last checkpoint with a "
            "lower learning rate or a clipped gradient",
            t->folder.path);
    }
    if (ctx != t->ctx) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: this training was begun in another context; go on in that one", t->folder.path);
    }
    if (prnn_context_rank(ctx) != t->rank || prnn_context_rank_count(ctx) != t->ranks) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: this training was begun as rank %d of %d, and the context is now rank %d of %d; set "
            "its ranks back",
            t->folder.path, t->rank, t->ranks, prnn_context_rank(ctx), prnn_context_rank_count(ctx));
    }
    if (strcmp(prnn_context_arithmetic(ctx), t->arithmetic) != 0) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: this training was begun in the arithmetic %s, and the context now computes in %s; "
            "set its precision back",
            t->folder.path, t->arithmetic, prnn_context_arithmetic(ctx));
    }
    return PRNN_OK;
}

prnn_status prnn_trainer_leave(prnn_trainer *t, prnn_status status) {
    char why[sizeof t->ctx->message];
    if (status != PRNN_ERROR_RANK || t->rank > 0 || t->rescued) {
        return prnn_ranks_fail(t->ctx, status);
    }
    t->rescued = true;
    memcpy(why, t->ctx->message, sizeof why);
    if (prnn_checkpoint_write(t) == PRNN_OK) {
        prnn_fail(t->ctx, status, "%.700s; %.200s is of step %" PRIu64 " and --resume goes on from it", why,
                  t->folder.checkpoint, t->state.step);
    } else {
        prnn_fail(t->ctx, status, "%s", why);
    }
    t->ctx->agreed = true;
    return status;
}

prnn_status prnn_trainer_step(prnn_context *ctx, prnn_trainer *trainer, double *nats, bool *done) {
    PRNN_ENTER(ctx, PRNN_GIVEN(trainer), PRNN_GIVEN(done));
    double of_batch = NAN;
    prnn_status status;
    *done = false;
    TRY(check_call(ctx, trainer));
    TRY(prnn_trainer_attend(trainer)); /* what a stop left undone */
    if (!prnn_trainer_is_done(trainer)) {
        TRY(update(trainer, &of_batch));
        TRY(prnn_trainer_attend(trainer));
    }
    *done = prnn_trainer_is_done(trainer);
done:
    if (nats) {
        *nats = of_batch;
    }
    return prnn_trainer_leave(trainer, status);
}

prnn_status prnn_trainer_validate(prnn_context *ctx, prnn_trainer *trainer, double *nats) {
    PRNN_ENTER(ctx, PRNN_GIVEN(trainer));
    prnn_train_state *s = &trainer->state;
    prnn_status status;
    TRY(check_call(ctx, trainer));
    if (!trainer->valid) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: this training has no validation images; give some to prnn_trainer_create",
                         trainer->folder.path);
    }
    if (isnan(s->valid_nats) || s->validated != s->step) {
        TRY(prnn_validation_run(trainer));
        note_end(trainer);
        TRY(prnn_metrics_write(trainer, true));
    }
    if (nats) {
        *nats = s->valid_nats;
    }
done:
    return prnn_trainer_leave(trainer, status == PRNN_STOPPED ? prnn_trainer_stop(trainer) : status);
}

prnn_status prnn_trainer_save(prnn_context *ctx, prnn_trainer *trainer) {
    PRNN_ENTER(ctx, PRNN_GIVEN(trainer));
    prnn_status status;
    TRY(check_call(ctx, trainer));
    TRY(prnn_checkpoint_save(trainer));
    TRY(save_result(trainer));
done:
    return prnn_trainer_leave(trainer, status);
}

void prnn_trainer_progress(const prnn_trainer *t, prnn_progress *progress) {
    double speed = t->step_seconds > 0 ? t->step_images / t->step_seconds : 0;
    prnn_progress full =
        prnn_run_progress(t, "train", t->state.step, t->table.steps, prnn_clock() - t->run_began, speed);
    prnn_fields_copy(&prnn_progress_fields, progress->size, progress, &full);
}

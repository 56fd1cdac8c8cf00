/* The training loop (paper section 5). Everything that happens is a function of the options and the step, so
 * a run that is killed and resumed ends with the same bits as one that never stopped. */

#include "train/trainer.h"

#include "base/call.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/data.h"
#include "train/optimizer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* --------------------------------------------------------------------------------------- check */

static prnn_status check_number(prnn_context *ctx, const char *name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s is %.12g; it must be %.12g to %.12g", name, value, low,
                         high);
    }
    return PRNN_OK;
}

static prnn_status check_options(prnn_context *ctx, const prnn_train_options *o) {
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        {"epochs", o->steps ? 1 : o->epochs, 1e-9, 1e9},
        {"batch", o->batch, 1, 65536},
        {"the learning rate", o->learning_rate, 0, 1e6},
        {"warmup", o->warmup_steps, 0, 1e12},
        {"the final fraction", o->final_fraction, 0, 1},
        {"the decay factor", o->decay_factor, 0, 1},
        {"decay epochs", o->decay_epochs, 1e-9, 1e9},
        {"beta1", o->beta1, 0, 0.999999},
        {"beta2", o->beta2, 0, 0.999999},
        {"epsilon", o->epsilon, 1e-30, 1e6},
        {"clip", o->clip, 0, 1e12},
        {"ema", o->ema, 0, 0.999999},
        {"the time between checkpoints", o->checkpoint_every, 0, 1e9},
    };
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && status == PRNN_OK; i++) {
        status = check_number(ctx, ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high);
    }
    if (status == PRNN_OK && (!prnn_optimizer_name(o->optimizer) || !prnn_schedule_name(o->schedule))) {
        status = prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "optimizer %d, schedule %d: there is no such",
                           (int)o->optimizer, (int)o->schedule);
    }
    if (status == PRNN_OK && (!o->out || !*o->out)) {
        status = prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "training needs a folder for its results");
    }
    return status;
}

static prnn_status check_data(prnn_context *ctx, const prnn_model *model, const prnn_data *data,
                              const char *what) {
    const prnn_config *c = &model->network->plan.config;
    if (prnn_data_height(data) != c->height || prnn_data_width(data) != c->width ||
        prnn_data_channels(data) != c->channels || prnn_data_levels(data) != c->levels) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the %s images are %dx%d with %d channels and %d levels, the model is for %dx%d with %d "
            "channels and %d levels",
            what, prnn_data_height(data), prnn_data_width(data), prnn_data_channels(data),
            prnn_data_levels(data), c->height, c->width, c->channels, c->levels);
    }
    return PRNN_OK;
}

/* --------------------------------------------------------------------------------------- set up */

static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path) {
        snprintf(path, n, "%s/%s", folder, name);
    }
    return path;
}

static prnn_status make_folder(prnn_context *ctx, const char *path) {
    struct stat st;
    if (mkdir(path, 0777) == 0) {
        return PRNN_OK;
    }
    int why = errno;
    if (why == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return PRNN_OK;
    }
    return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: cannot be made as a folder: %s", path, strerror(why));
}

static prnn_status allocate(prnn_trainer *t) {
    prnn_context *ctx = t->ctx;
    const prnn_config *c = &t->model->network->plan.config;
    size_t n = t->parameters, count = prnn_data_count(t->train);
    size_t batch = prnn_trainer_batch(&t->options, count), images = prnn_trainer_room(batch);
    prnn_trainer_needs needs;
    prnn_status status = prnn_trainer_need(ctx, c, &t->options, count, t->valid, &needs);
    if (status == PRNN_OK) {
        status = prnn_trainer_afford(ctx, &needs, false, t->options.batch);
    }
    if (status != PRNN_OK) {
        return status;
    }
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
    t->model_path = join(t->options.out, "model.safetensors");
    t->checkpoint_path = join(t->options.out, "checkpoint.safetensors");
    t->metrics_path = join(t->options.out, "metrics.csv");
    if (!t->weights || !t->gradient || !t->squares || !t->moment1 || !t->moment2 ||
        (t->options.ema > 0 && !t->ema) || (t->valid && !t->best) || !t->order || !t->indices || !t->images ||
        !t->model_path || !t->checkpoint_path || !t->metrics_path) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to train %zu parameters", n);
    }
    status = prnn_data_fingerprint(ctx, t->train, &t->train_print);
    if (status == PRNN_OK && t->valid) {
        status = prnn_data_fingerprint(ctx, t->valid, &t->valid_print);
    }
    return status == PRNN_OK ? prnn_gradient_engine_create(ctx, c, (int)batch, needs.validation, &t->engine)
                             : status;
}

static void release(prnn_trainer *t) {
    void *blocks[] = {t->weights, t->gradient, t->squares, t->moment1, t->moment2,
                      t->ema,     t->best,     t->order,   t->indices, t->images};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        prnn_free(blocks[i]);
    }
    prnn_gradient_engine_free(t->engine);
    free(t->model_path);
    free(t->checkpoint_path);
    free(t->metrics_path);
    if (t->metrics) {
        fclose(t->metrics);
    }
    if (t->lock >= 0) {
        close(t->lock);
    }
}

static void plan_steps(prnn_trainer *t) {
    const prnn_train_options *o = &t->options;
    uint64_t count = prnn_data_count(t->train), batch = (uint64_t)o->batch;
    t->steps_per_epoch = (count + batch - 1) / batch;
    t->steps = o->steps ? o->steps : (uint64_t)ceil(o->epochs * (double)t->steps_per_epoch);
    t->valid_every = o->valid_every ? o->valid_every : t->steps_per_epoch;
    t->log_every = o->log_every ? o->log_every : (t->steps_per_epoch + 9) / 10;
    t->order_epoch = UINT64_MAX;
}

/* The weights of `block` become the model's, and model.safetensors. */
static prnn_status save_model(prnn_trainer *t, const float *block) {
    prnn_status status = prnn_model_assign(t->ctx, t->model, block, "trained weights");
    return status == PRNN_OK ? prnn_model_save(t->ctx, t->model, t->model_path) : status;
}

static prnn_status save_result(prnn_trainer *t) {
    if (!t->valid) {
        return save_model(t, prnn_trainer_result(t));
    }
    return isnan(t->state.best_nats) ? PRNN_OK : save_model(t, t->best);
}

/* Two runs in one folder would destroy each other. */
static prnn_status lock_folder(prnn_trainer *t) {
    t->lock = open(t->options.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->lock < 0 || flock(t->lock, LOCK_EX | LOCK_NB) != 0) {
        /* Some file systems have no locks; then nobody can tell. */
        bool taken = t->lock >= 0 && errno == EWOULDBLOCK;
        return !taken ? PRNN_OK
                      : prnn_fail(
                            t->ctx, PRNN_ERROR_FILE,
                            "%s: another training is at work in this folder; wait for it, stop it, or choose "
                            "another folder",
                            t->options.out);
    }
    /* Nobody else writes here: what a killed run left half-written can go. */
    prnn_file_sweep(t->checkpoint_path);
    prnn_file_sweep(t->model_path);
    return PRNN_OK;
}

/* A run that is not resumed must not write over another. */
static prnn_status check_unused(prnn_trainer *t, const char *path) {
    bool there;
    prnn_status status = prnn_file_exists(t->ctx, path, &there);
    if (status != PRNN_OK || !there) {
        return status;
    }
    return t->options.resume
               ? prnn_fail(t->ctx, PRNN_ERROR_FILE,
                           "%s: is there without a checkpoint to resume from; start in another folder from "
                           "it (--init)",
                           path)
               : prnn_fail(t->ctx, PRNN_ERROR_FILE,
                           "%s: is there from an earlier run; resume it (--resume), or choose another folder",
                           path);
}

/* From the checkpoint, or from the model's weights. */
static prnn_status start(prnn_trainer *t) {
    bool found = false;
    memcpy(t->weights, t->model->parameters, t->parameters * sizeof(float));
    if (t->ema) {
        memcpy(t->ema, t->weights, t->parameters * sizeof(float));
    }
    t->state = (prnn_train_state){.valid_nats = NAN, .best_nats = NAN};
    prnn_status status = lock_folder(t);
    if (status != PRNN_OK) {
        return status;
    }
    status = t->options.resume ? prnn_checkpoint_load(t, &found) : check_unused(t, t->checkpoint_path);
    if (status == PRNN_OK && !found) {
        status = check_unused(t, t->model_path);
    }
    t->run_began = prnn_clock();
    if (status == PRNN_OK) {
        status = prnn_metrics_open(t);
    }
    /* A checkpoint from the first moment on: an unwritable place is known before the work. */
    if (status == PRNN_OK && !found) {
        status = prnn_checkpoint_save(t);
    }
    return status == PRNN_OK && found ? save_result(t) : status;
}

/* ------------------------------------------------------------------------------------ progress */

static double epoch_of(const prnn_trainer *t, uint64_t step) {
    return (double)step / (double)t->steps_per_epoch;
}

static double rate_of(const prnn_trainer *t, uint64_t step) {
    return prnn_learning_rate(&t->options, step, t->steps, epoch_of(t, step));
}

/* false: stop. */
static bool tell(const prnn_trainer *t, const char *phase, uint64_t done, uint64_t total, double seconds,
                 double rate) {
    if (!t->options.progress) {
        return true;
    }
    const prnn_train_state *s = &t->state;
    prnn_progress p = {.size = sizeof p,
                       .phase = phase,
                       .done = done,
                       .total = total ? total : 1,
                       .seconds = seconds,
                       .images_per_second = rate,
                       .epoch = epoch_of(t, s->step),
                       .learning_rate = rate_of(t, s->step),
                       .train_nats = s->images > 0 ? s->nats_sum / s->images : s->last_nats,
                       .valid_nats = s->valid_nats,
                       .best_nats = s->best_nats};
    return t->options.progress(t->options.user, &p);
}

/* ------------------------------------------------------------------------------------- diverged */

/* `what` says where, in a sentence with `value`. */
static prnn_status diverged(const prnn_trainer *t, const char *what, double value, uint64_t step) {
    return prnn_fail(t->ctx, PRNN_ERROR_DIVERGED,
                     "training diverged at step %" PRIu64
                     ": %s is %g; the last good checkpoint is kept in %s: lower "
                     "the learning rate (%g) or clip the gradient",
                     step, what, value, t->checkpoint_path, t->options.learning_rate);
}

prnn_status prnn_trainer_check_weights(const prnn_trainer *t) {
    for (size_t i = 0; i < t->parameters; i++) {
        if (!isfinite(t->weights[i])) {
            return diverged(t, "a weight", (double)t->weights[i], t->state.step);
        }
        /* The square of a large gradient can leave the range while the weights are still in it. */
        if (!isfinite(t->moment1[i]) || !isfinite(t->moment2[i])) {
            return diverged(t, "a moment of the optimizer",
                            (double)(isfinite(t->moment1[i]) ? t->moment2[i] : t->moment1[i]), t->state.step);
        }
    }
    return PRNN_OK;
}

/* -------------------------------------------------------------------------------------- validate */

static prnn_status validate(prnn_trainer *t) {
    size_t count = prnn_data_count(t->valid);
    double nats[PRNN_VALID_PIECE], total = 0, began = prnn_clock();
    prnn_status status = prnn_trainer_check_weights(t);
    if (status == PRNN_OK) {
        status = prnn_model_assign(t->ctx, t->model, prnn_trainer_result(t), "trained weights");
    }
    for (size_t first = 0; first < count && status == PRNN_OK; first += PRNN_VALID_PIECE) {
        size_t n = count - first < PRNN_VALID_PIECE ? count - first : PRNN_VALID_PIECE;
        for (size_t i = 0; i < n; i++) {
            t->indices[i] = first + i;
        }
        status = prnn_data_read(t->ctx, t->valid, t->indices, n, t->options.seed, 0, t->images);
        if (status == PRNN_OK) {
            prnn_evaluation valid = {.images = t->images, .count = n, .new_only = true, .nats = nats};
            status = prnn_model_evaluate(t->ctx, t->model, &valid);
        }
        for (size_t i = 0; i < n && status == PRNN_OK; i++) {
            total += nats[i];
        }
        double seconds = prnn_clock() - began;
        if (status == PRNN_OK &&
            !tell(t, "validate", first + n, count, seconds, (double)(first + n) / seconds)) {
            status = PRNN_STOPPED;
        }
    }
    if (status != PRNN_OK) {
        return status;
    }
    prnn_train_state *s = &t->state;
    s->valid_nats = total / (double)count;
    s->validated = s->step;
    if (!isfinite(s->valid_nats)) {
        return diverged(t, "the validation NLL", s->valid_nats, s->step);
    }
    if (isnan(s->best_nats) || s->valid_nats < s->best_nats) {
        s->best_nats = s->valid_nats;
        s->best_step = s->step;
        memcpy(t->best, prnn_trainer_result(t), t->parameters * sizeof(float));
    }
    return PRNN_OK;
}

/* ------------------------------------------------------------------------------------------ step */

static prnn_status read_batch(prnn_trainer *t, size_t *n) {
    uint64_t epoch = t->state.step / t->steps_per_epoch, count = prnn_data_count(t->train);
    uint64_t first = t->state.step % t->steps_per_epoch * (uint64_t)t->options.batch;
    if (t->order_epoch != epoch) {
        prnn_random_permutation(t->options.seed, epoch, count, t->order);
        t->order_epoch = epoch;
    }
    *n = count - first < (uint64_t)t->options.batch ? count - first : (size_t)t->options.batch;
    for (size_t i = 0; i < *n; i++) {
        t->indices[i] = (size_t)t->order[first + i];
    }
    uint64_t next = first + *n, rest = count - next, batch = (uint64_t)t->options.batch;
    prnn_data_prefetch(t->train, t->order + next, (size_t)(rest < batch ? rest : batch));
    return prnn_data_read(t->ctx, t->train, t->indices, *n, t->options.seed, epoch, t->images);
}

static prnn_status train_step(prnn_trainer *t) {
    const prnn_train_options *o = &t->options;
    prnn_train_state *s = &t->state;
    double began = prnn_clock();
    size_t n = 0;
    prnn_status status = read_batch(t, &n);
    if (status != PRNN_OK) {
        return status;
    }
    prnn_batch batch = {.images = t->images, .n = (int)n, .new_only = true};
    double nats = prnn_gradient_engine_run(t->ctx, t->engine, t->weights, &batch, t->gradient);
    double length = prnn_norm(t->ctx, t->parameters, t->gradient, t->squares);
    if (!isfinite(nats)) {
        return diverged(t, "the NLL", nats, s->step + 1);
    }
    if (!isfinite(length)) {
        return diverged(t, "the norm of the gradient", length, s->step + 1);
    }
    double scale = o->clip > 0 && length > o->clip ? o->clip / length : 1;
    prnn_state all = {t->parameters, t->gradient, t->weights, t->moment1, t->moment2, t->ema};
    prnn_optimizer_update(t->ctx, o, rate_of(t, s->step), s->step, scale, &all);
    s->step++;
    s->nats_sum += nats * (double)n;
    s->images += (double)n;
    t->step_seconds += prnn_clock() - began;
    t->step_images += (double)n;
    return PRNN_OK;
}

/* What is due after `step` updates. Each thing remembers for which step it was done last, so a run that is
 * stopped in between and resumed does just what is missing. */
static prnn_status attend(prnn_trainer *t) {
    prnn_train_state *s = &t->state;
    bool end = s->step == t->steps, validated = false;
    prnn_status status = PRNN_OK;
    if (t->valid && s->step > 0 && s->validated != s->step && (end || s->step % t->valid_every == 0)) {
        status = validate(t);
        if (status != PRNN_OK) {
            return status;
        }
        validated = true;
    }
    if (s->step > 0 && s->logged != s->step && (end || validated || s->step % t->log_every == 0)) {
        status = prnn_metrics_write(t, epoch_of(t, s->step), rate_of(t, s->step - 1), validated);
    }
    bool late = prnn_clock() - t->saved_at >= t->options.checkpoint_every;
    if (status == PRNN_OK && s->step > 0 && (end || validated || late)) {
        status = prnn_checkpoint_save(t);
        if (status == PRNN_OK && (!t->valid || (validated && s->best_step == s->step))) {
            status = save_result(t);
        }
    }
    return status;
}

static prnn_status run(prnn_trainer *t) {
    for (;;) {
        prnn_status status = attend(t);
        bool go_on = status != PRNN_STOPPED;
        if (status != PRNN_OK && go_on) {
            return status;
        }
        if (go_on) {
            double rate = t->step_seconds > 0 ? t->step_images / t->step_seconds : 0;
            go_on = tell(t, "train", t->state.step, t->steps, prnn_clock() - t->run_began, rate);
        }
        if (t->state.step >= t->steps && status == PRNN_OK) {
            return save_result(t);
        }
        if (!go_on) {
            status = prnn_checkpoint_save(t);
            return status == PRNN_OK
                       ? prnn_fail(t->ctx, PRNN_STOPPED,
                                   "stopped at step %" PRIu64 " of %" PRIu64 "; the checkpoint is %s",
                                   t->state.step, t->steps, t->checkpoint_path)
                       : status;
        }
        status = train_step(t);
        if (status != PRNN_OK) {
            return status;
        }
    }
}

prnn_status prnn_train_fits(prnn_context *ctx, const prnn_config *config, const prnn_data *train,
                            const prnn_data *valid, const prnn_train_options *options) {
    PRNN_ENTER(ctx, PRNN_GIVEN(train));
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    prnn_config full = PRNN_CONFIG_INIT;
    prnn_trainer_needs needs;
    prnn_status status = prnn_options_read(ctx, &full, &prnn_config_fields, config);
    if (status == PRNN_OK) {
        status = prnn_options_read(ctx, &o, &prnn_train_options_fields, options);
    }
    prnn_optimizer_defaults(&o);
    if (status == PRNN_OK) {
        status = check_options(ctx, &o);
    }
    if (status == PRNN_OK) {
        status = prnn_trainer_need(ctx, &full, &o, prnn_data_count(train), valid, &needs);
    }
    return status == PRNN_OK ? prnn_trainer_afford(ctx, &needs, true, o.batch) : status;
}

prnn_status prnn_train(prnn_context *ctx, prnn_model *model, const prnn_data *train, const prnn_data *valid,
                       const prnn_train_options *options) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(train));
    const prnn_train_options defaults = PRNN_TRAIN_OPTIONS_INIT;
    prnn_trainer t = {.ctx = ctx,
                      .options = defaults,
                      .model = model,
                      .train = train,
                      .valid = valid,
                      .lock = -1,
                      .parameters = prnn_model_parameter_count(model, false)};
    prnn_status status = prnn_options_read(ctx, &t.options, &prnn_train_options_fields, options);
    prnn_optimizer_defaults(&t.options);
    if (status == PRNN_OK) {
        status = check_options(ctx, &t.options);
    }
    if (status == PRNN_OK) {
        status = check_data(ctx, model, train, "training");
    }
    if (status == PRNN_OK && valid) {
        status = check_data(ctx, model, valid, "validation");
    }
    if (status == PRNN_OK) {
        status = make_folder(ctx, t.options.out);
    }
    if (status == PRNN_OK) {
        plan_steps(&t);
        status = allocate(&t);
    }
    if (status == PRNN_OK) {
        status = start(&t);
    }
    if (status == PRNN_OK) {
        status = run(&t);
    }
    release(&t);
    return status;
}

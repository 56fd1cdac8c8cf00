/* The stepper: images that are generated (sample/generation.h) as far as somebody wants to know what
 * comes next. Each shard of them has a pass of its own for as long as the stepper lives; a step is one
 * parallel loop over the shards, and a value that is put unasked none. */

#include "base/call.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "model/memory.h"
#include "sample/generation.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>

struct prnn_stepper {
    prnn_context *ctx;
    const prnn_model *model;
    size_t count, shard, shards;
    size_t values, value; /* of an image, and the next one */
    uint8_t *images;      /* (count, H, W, C) */
    float *logits;        /* (count, M), for their probabilities */
    prnn_passes passes;   /* one a shard */
    const prnn_kernels *kernels;
    prnn_generation *generations;
    prnn_draws draws;
};

/* -------------------------------------------------------------------------------- begin and end */

/* Values that the small image gives need not be asked for. */
static void pass_over_given(prnn_stepper *s) {
    const prnn_config *c = &s->model->network->plan.config;
    for (; s->value < s->values; s->value++) {
        prnn_place at = prnn_place_of(c, s->value);
        if (!prnn_network_is_given(s->model->network, at.row, at.col)) {
            return;
        }
    }
}

static prnn_status check(prnn_context *ctx, const prnn_model *model, size_t count,
                         const prnn_stepper_options *o) {
    int size = model->network->plan.config.condition_size;
    if (count < 1 || count > INT_MAX) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%zu images to step: choose 1 to %d", count, INT_MAX);
    }
    if (o->small && !size) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "small images are given, but the model is not conditional: leave them out");
    }
    if (!o->small && size) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the model predicts images given small ones of %d x %d: give those in the options",
                         size, size);
    }
    return o->small ? prnn_model_check_small(ctx, model, o->small, count) : PRNN_OK;
}

/* The numbers of an image do not depend on its shard. */
static void cut(prnn_stepper *s) {
    s->shard =
        prnn_device_shard(s->ctx, s->count, PRNN_GENERATION_IMAGES, s->model->network->plan.memory.floats);
    s->shards = (s->count + s->shard - 1) / s->shard;
}

/* All shards are under way at the same time, so fewer passes will not do. */
static prnn_status afford(const prnn_stepper *s) {
    char what[64];
    int one = 1;
    prnn_need passes = prnn_model_passes_need(s->ctx, s->model->network, (int)s->shard, (int)s->shards);
    prnn_need need = {.shared = prnn_need_total(&passes, (int)s->shards)};
    prnn_need_block(&need.shared, s->count, s->values);
    prnn_need_block(&need.shared, s->count, prnn_logits_per_value(s->model) * sizeof *s->logits);
    prnn_need_block(&need.shared, s->shards, sizeof *s->generations);
    snprintf(what, sizeof what, "stepping %zu images", s->count);
    return prnn_need_afford(s->ctx, &need, &one, what, "step fewer of them at a time");
}

static prnn_status make(prnn_stepper *s) {
    prnn_status status = PRNN_OK;
    TRY(afford(s));
    s->images = prnn_alloc(s->ctx, s->count, s->values, "the images");
    TRY(s->images ? PRNN_OK : PRNN_ERROR_MEMORY);
    s->logits = prnn_alloc(s->ctx, s->count, prnn_logits_per_value(s->model) * sizeof *s->logits, "logits");
    TRY(s->logits ? PRNN_OK : PRNN_ERROR_MEMORY);
    s->generations = prnn_alloc(s->ctx, s->shards, sizeof *s->generations, "the state of the images");
    TRY(s->generations ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(prnn_model_passes(s->ctx, s->model, (int)s->shard, (int)s->shards, &s->passes));
    if ((size_t)s->passes.count < s->shards) {
        return prnn_fail(s->ctx, PRNN_ERROR_MEMORY,
                         "not enough memory for stepping %zu images: step fewer of them at a time", s->count);
    }
done:
    return status;
}

/* The shards have their passes; threads have nothing for themselves. */
static prnn_scratches threads_of(const prnn_stepper *s) {
    return (prnn_scratches){NULL, 0, s->passes.device->apart ? 1 : prnn_thread_count(s->ctx)};
}

static void begin_shard(void *arg, size_t index, void *own) {
    (void)own;
    prnn_stepper *s = arg;
    size_t first = index * s->shard, left = s->count - first;
    s->generations[index] =
        prnn_generation_begin(s->model->network, &s->passes.list[index],
                              (int)(left < s->shard ? left : s->shard), s->images + first * s->values);
}

prnn_status prnn_stepper_create(prnn_context *ctx, const prnn_model *model, size_t count,
                                const prnn_stepper_options *options, prnn_stepper **stepper) {
    PRNN_NOTHING_YET(stepper);
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(stepper));
    const prnn_config *c = &model->network->plan.config;
    size_t channels = (size_t)c->channels, size = (size_t)c->condition_size;
    prnn_stepper_options o = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *s = NULL;
    prnn_status status = PRNN_OK;
    TRY(prnn_options_read(ctx, &o, &prnn_stepper_options_fields, options));
    prnn_draws draws = {o.seed, o.first, o.temperature};
    TRY(prnn_draws_check(ctx, &draws));
    TRY(check(ctx, model, count, &o));
    s = prnn_alloc(ctx, 1, sizeof *s, "the stepper");
    TRY(s ? PRNN_OK : PRNN_ERROR_MEMORY);
    *s = (prnn_stepper){.ctx = ctx, .model = model, .count = count, .draws = draws};
    s->kernels = prnn_kernels_of(ctx);
    s->values = (size_t)c->height * (size_t)c->width * channels;
    cut(s);
    TRY(make(s));
    for (size_t i = 0; i < count && o.small; i++) {
        prnn_place_small(c, o.small + i * size * size * channels, s->images + i * s->values);
    }
    pass_over_given(s);
    prnn_parallel_for_with(ctx, s->shards, threads_of(s), begin_shard, s);
    TRY(s->passes.device->check(ctx));
    *stepper = s;
    s = NULL;
done:
    prnn_stepper_free(s);
    return status;
}

void prnn_stepper_free(prnn_stepper *stepper) {
    if (!stepper) {
        return;
    }
    prnn_passes_close(stepper->ctx, &stepper->passes);
    prnn_free(stepper->generations);
    prnn_free(stepper->logits);
    prnn_free(stepper->images);
    prnn_free(stepper);
}

/* ---------------------------------------------------------------------------------------- steps */

bool prnn_stepper_next(const prnn_stepper *stepper, int *row, int *col, int *channel) {
    if (stepper->value == stepper->values) {
        return false;
    }
    prnn_place at = prnn_place_of(&stepper->model->network->plan.config, stepper->value);
    if (row) {
        *row = at.row;
    }
    if (col) {
        *col = at.col;
    }
    if (channel) {
        *channel = at.channel;
    }
    return true;
}

const uint8_t *prnn_stepper_images(const prnn_stepper *stepper) {
    return stepper->images;
}

/* Every step begins so. */
static prnn_status check_step(prnn_context *ctx, const prnn_stepper *s) {
    if (s->ctx != ctx) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the stepper was made in another context: step it in that one");
    }
    if (s->value == s->values) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "all %zu values of the images are there: begin new ones with another stepper",
                         s->values);
    }
    return PRNN_OK;
}

static void advance(prnn_stepper *s) {
    s->value++;
    pass_over_given(s);
}

/* What the shards do in a step. */
typedef struct step {
    prnn_stepper *stepper;
    float *logits; /* (count, M); NULL: levels are drawn */
    double *logs;  /* (count, K), from those, unless NULL */
    atomic_bool broken;
} step;

static void step_shard(void *arg, size_t index, void *own) {
    (void)own;
    step *now = arg;
    prnn_stepper *s = now->stepper;
    prnn_generation *g = &s->generations[index];
    size_t first = index * s->shard, images = (size_t)g->pass->images, m = prnn_logits_per_value(s->model);
    if (!now->logits) {
        prnn_draws draws = s->draws;
        draws.first += first;
        if (!prnn_generation_draw(g, s->value, &draws)) {
            atomic_store(&now->broken, true);
        }
        return;
    }
    float *logits = now->logits + first * m;
    prnn_place at = prnn_place_of(&s->model->network->plan.config, s->value);
    prnn_generation_advance(g, s->value);
    prnn_network_read_logits(s->model->network, g->pass, at.row, at.col, at.channel, logits, m);
    if (now->logs && !prnn_all_finite(logits, images * m)) {
        atomic_store(&now->broken, true);
        return;
    }
    size_t levels = (size_t)s->model->network->plan.config.levels;
    for (size_t i = 0; i < images && now->logs; i++) {
        prnn_model_log_probabilities(s->model, s->kernels, logits + i * m, now->logs + (first + i) * levels);
    }
}

static prnn_status run(prnn_stepper *s, float *logits, double *logs) {
    step now = {.stepper = s, .logits = logits, .logs = logs};
    prnn_parallel_for_with(s->ctx, s->shards, threads_of(s), step_shard, &now);
    prnn_status status = s->passes.device->check(s->ctx);
    if (status != PRNN_OK) {
        return status;
    }
    return atomic_load(&now.broken)
               ? prnn_fail(s->ctx, PRNN_ERROR_FORMAT,
                           "the model gives logits that are not finite, so no level has a probability")
               : PRNN_OK;
}

prnn_status prnn_stepper_logits(prnn_context *ctx, prnn_stepper *stepper, float *logits) {
    PRNN_ENTER(ctx, PRNN_GIVEN(stepper), PRNN_GIVEN(logits));
    prnn_status status = check_step(ctx, stepper);
    return status == PRNN_OK ? run(stepper, logits, NULL) : status;
}

prnn_status prnn_stepper_log_probabilities(prnn_context *ctx, prnn_stepper *stepper, double *logs) {
    PRNN_ENTER(ctx, PRNN_GIVEN(stepper), PRNN_GIVEN(logs));
    prnn_status status = check_step(ctx, stepper);
    return status == PRNN_OK ? run(stepper, stepper->logits, logs) : status;
}

prnn_status prnn_stepper_put(prnn_context *ctx, prnn_stepper *stepper, const uint8_t *levels) {
    PRNN_ENTER(ctx, PRNN_GIVEN(stepper), PRNN_GIVEN(levels));
    prnn_stepper *s = stepper;
    int known = s->model->network->plan.config.levels;
    prnn_status status = PRNN_OK;
    TRY(check_step(ctx, s));
    for (size_t i = 0; i < s->count; i++) {
        if (levels[i] >= known) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "the level of image %zu is %d; the model knows levels 0 to %d", i, levels[i],
                             known - 1);
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        s->images[i * s->values + s->value] = levels[i];
    }
    advance(s);
done:
    return status;
}

prnn_status prnn_stepper_draw(prnn_context *ctx, prnn_stepper *stepper, uint8_t *levels) {
    PRNN_ENTER(ctx, PRNN_GIVEN(stepper));
    prnn_stepper *s = stepper;
    prnn_status status = PRNN_OK;
    TRY(check_step(ctx, s));
    status = run(s, NULL, NULL);
    for (size_t i = 0; i < s->count; i++) {
        uint8_t *drawn = &s->images[i * s->values + s->value];
        if (status != PRNN_OK) {
            *drawn = 0; /* as it was */
        } else if (levels) {
            levels[i] = *drawn;
        }
    }
    TRY(status);
    advance(s);
done:
    return status;
}

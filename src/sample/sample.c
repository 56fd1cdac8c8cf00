/* Sampling and completion: images that are generated (sample/generation.h), each value that is not known
 * being drawn. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/try.h"
#include "ranks/ranks.h"
#include "sample/generation.h"

#include <stdatomic.h>
#include <string.h>

typedef struct drawing {
    prnn_context *ctx;
    const prnn_network *network;
    prnn_sample_options options;
    prnn_draws draws;
    prnn_passes passes;
    uint8_t *images;      /* (count, H, W, C); what is known is there already */
    const uint8_t *known; /* (H, W); NULL: nothing */
    size_t count, shard;
    size_t first_shard; /* of the present round */
    atomic_bool broken; /* logits that are not finite */
} drawing;

static void draw_shard(void *arg, size_t index, void *own) {
    drawing *d = arg;
    const prnn_config *c = &d->network->plan.config;
    size_t channels = (size_t)c->channels, values = (size_t)c->height * (size_t)c->width * channels;
    size_t first = (d->first_shard + index) * d->shard, left = d->count - first;
    prnn_generation g = prnn_generation_begin(d->network, own, (int)(left < d->shard ? left : d->shard),
                                              d->images + first * values);
    prnn_draws draws = d->draws;
    draws.first += first;
    for (size_t value = 0; value < values; value++) {
        bool known = d->known && d->known[value / channels];
        if (!known && !prnn_generation_draw(&g, value, &draws)) {
            atomic_store(&d->broken, true);
        }
    }
}

/* One shard per thread, then a call of progress, and so on. */
static prnn_status draw_all(drawing *d, const char *phase) {
    size_t shards = (d->count + d->shard - 1) / d->shard, threads = (size_t)d->passes.count;
    double began = prnn_clock();
    for (d->first_shard = 0; d->first_shard < shards; d->first_shard += threads) {
        size_t left = shards - d->first_shard;
        prnn_parallel_for_with(d->ctx, left < threads ? left : threads, prnn_passes_scratches(&d->passes),
                               draw_shard, d);
        prnn_status status = prnn_device_of(d->ctx)->check(d->ctx);
        if (status != PRNN_OK) {
            return status;
        }
        if (atomic_load(&d->broken)) {
            return prnn_fail(d->ctx, PRNN_ERROR_FORMAT,
                             "the model gives logits that are not finite, so nothing can be drawn from it");
        }
        size_t done = (d->first_shard + threads) * d->shard;
        prnn_progress p = prnn_progress_since(began, phase, done < d->count ? done : d->count, d->count);
        if (d->options.progress && !d->options.progress(d->options.user, &p)) {
            return prnn_fail(d->ctx, PRNN_STOPPED, "stopped after %zu of %zu images", (size_t)p.done,
                             d->count);
        }
    }
    return PRNN_OK;
}

static prnn_status draw_mine(drawing *d, const prnn_model *model, const char *phase) {
    prnn_status status = PRNN_OK;
    if (d->count == 0) {
        return PRNN_OK;
    }
    d->network = model->network;
    /* The numbers of an image do not depend on its shard. */
    d->shard = prnn_device_shard(d->ctx, d->count, PRNN_GENERATION_IMAGES, d->network->plan.memory.floats);
    int workers = prnn_device_threads(d->ctx, (d->count + d->shard - 1) / d->shard);
    TRY(prnn_model_passes(d->ctx, model, (int)d->shard, workers, &d->passes));
    TRY(draw_all(d, phase));
done:
    prnn_passes_close(d->ctx, &d->passes);
    return status;
}

/* Images are functions of their numbers: each rank draws some, and gets those of the others. */
static prnn_status run(drawing *d, const prnn_model *model, const prnn_sample_options *options,
                       const char *phase) {
    const prnn_results all = {d->images, prnn_config_values(&model->network->plan.config)};
    size_t count = d->count;
    prnn_share mine = prnn_share_mine(d->ctx, count);
    uint64_t key;
    prnn_status status = PRNN_OK;
    d->options = (prnn_sample_options)PRNN_SAMPLE_OPTIONS_INIT;
    TRY(prnn_options_read(d->ctx, &d->options, &prnn_sample_options_fields, options));
    d->draws = (prnn_draws){d->options.seed, d->options.first, d->options.temperature};
    TRY(prnn_draws_check(d->ctx, &d->draws));
    key = prnn_ranks_hash(PRNN_HASH_BEGIN, &d->draws, sizeof d->draws);
    d->draws.first += mine.first;
    d->images += mine.first * all.size;
    d->count = mine.count;
    status = draw_mine(d, model, phase);
    status = prnn_ranks_collect(d->ctx, status, key, count, &all, 1);
done:
    return status;
}

prnn_status prnn_sample(prnn_context *ctx, const prnn_model *model, size_t count,
                        const prnn_sample_options *options, uint8_t *images) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count));
    drawing d = {.ctx = ctx, .images = images, .count = count};
    if (model->network->condition) {
        int size = model->network->plan.config.condition_size;
        prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                  "the model draws images given small ones of %d x %d: give it those (upscale), or a model "
                  "that draws them before it",
                  size, size);
        return prnn_ranks_fail(ctx, PRNN_ERROR_ARGUMENT);
    }
    return prnn_ranks_fail(ctx, run(&d, model, options, "sample"));
}

/* What a conditional model sees of an image must be known of it. */
static prnn_status check_known(prnn_context *ctx, const prnn_model *model, const uint8_t *known) {
    const prnn_config *c = &model->network->plan.config;
    for (int row = 0; row < c->height; row++) {
        for (int col = 0; col < c->width; col++) {
            if (prnn_network_is_given(model->network, row, col) && !known[row * c->width + col]) {
                int step = c->height / c->condition_size;
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "the model is given the pixels whose row and column are multiples of %d, "
                                 "and pixel (%d, %d) is not known: complete small images first (name the "
                                 "model that draws those before this one), or take an unconditional model",
                                 step, row, col);
            }
        }
    }
    return PRNN_OK;
}

prnn_status prnn_complete(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                          const uint8_t *known, size_t samples, const prnn_sample_options *options,
                          uint8_t *completed) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_GIVEN(known),
               PRNN_ARRAY(completed, count && samples));
    const prnn_config *c = &model->network->plan.config;
    size_t bytes = prnn_config_values(c);
    prnn_status status = PRNN_OK;
    TRY(prnn_model_check_images(ctx, model, images, count));
    TRY(check_known(ctx, model, known));
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < samples; s++) {
            memcpy(completed + (i * samples + s) * bytes, images + i * bytes, bytes);
        }
    }
    drawing d = {.ctx = ctx, .images = completed, .known = known, .count = count * samples};
    TRY(run(&d, model, options, "complete"));
done:
    return prnn_ranks_fail(ctx, status);
}

prnn_status prnn_upscale(prnn_context *ctx, const prnn_model *model, const uint8_t *small, size_t count,
                         size_t samples, const prnn_sample_options *options, uint8_t *large) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(small, count), PRNN_ARRAY(large, count && samples));
    const prnn_config *c = &model->network->plan.config;
    size_t pixels = (size_t)c->height * (size_t)c->width, bytes = pixels * (size_t)c->channels;
    size_t small_bytes = prnn_config_small_values(c);
    uint8_t *known = NULL;
    prnn_status status = PRNN_OK;
    if (!model->network->condition) {
        prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                  "the model is not conditional: it cannot enlarge images, only draw new ones (sample)");
        return prnn_ranks_fail(ctx, PRNN_ERROR_ARGUMENT);
    }
    TRY(prnn_model_check_small(ctx, model, small, count));
    known = prnn_alloc(ctx, pixels, 1, "a mask");
    TRY(known ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < count * samples; i++) {
        prnn_place_small(c, small + i / samples * small_bytes, large + i * bytes);
    }
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        prnn_place at = prnn_place_of(c, pixel * (size_t)c->channels);
        known[pixel] = prnn_network_is_given(model->network, at.row, at.col);
    }
    drawing d = {.ctx = ctx, .images = large, .known = known, .count = count * samples};
    TRY(run(&d, model, options, "upscale"));
done:
    prnn_free(known);
    return prnn_ranks_fail(ctx, status);
}

/* Sampling and completion: the forward pass of the network, pixel by pixel and colour by colour, each drawn
 * value becoming input before the next is computed. Everything above and to the left is final and kept, so a
 * sample costs the arithmetic of one forward pass (paper section 3.6 needs one pass per value). */

#include "sample/sample.h"
#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/random.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* Most images that go through the network together: enough for products at matrix speed. */
enum { SHARD = 32 };

typedef struct drawing {
    prnn_context *ctx;
    const prnn_network *network;
    prnn_sample_options options;
    prnn_workers workers;
    uint8_t *images;      /* (count, H, W, C); what is known is there already */
    const uint8_t *known; /* (H, W); NULL: nothing */
    size_t count, shard;
    size_t first_shard; /* of the present round */
    atomic_bool broken; /* logits that are not finite */
} drawing;

uint64_t prnn_draw_index(const prnn_config *config, size_t value) {
    return (uint64_t)config->condition_size << 32 | value;
}

/* ------------------------------------------------------------------------------------- a shard */

/* Draws channel c of pixel (row, col) of n images, or takes the known value, and makes it input. */
static void settle(drawing *d, const prnn_worker *w, uint8_t *images, size_t first, int row, int col, int c,
                   bool known) {
    const prnn_network *net = d->network;
    const prnn_config *config = &net->plan.config;
    size_t channels = (size_t)config->channels;
    size_t pixel = (size_t)row * (size_t)config->width + (size_t)col;
    size_t value = pixel * channels + (size_t)c;
    size_t bytes = (size_t)config->height * (size_t)config->width * channels;
    if (!known) {
        double uniforms[SHARD];
        for (int i = 0; i < w->pass.images; i++) {
            uniforms[i] = prnn_random_uniform(d->options.seed, PRNN_RANDOM_SAMPLE, first + (size_t)i,
                                              prnn_draw_index(config, value));
        }
        if (!prnn_network_draw(net, &w->pass, row, col, c, d->options.temperature, uniforms, images + value,
                               bytes)) {
            atomic_store(&d->broken, true);
        }
    }
    prnn_network_put_levels(net, &w->pass, row, col, c, images + value, bytes);
}

static bool pixel_is_known(const drawing *d, int row, int col) {
    return d->known && d->known[(size_t)row * (size_t)d->network->plan.config.width + (size_t)col];
}

/* A stretch of known pixels goes through at once, and needs no head. */
static int known_stretch(const drawing *d, int row, int col) {
    int end = col;
    while (end < d->network->plan.config.width && pixel_is_known(d, row, end)) {
        end++;
    }
    return end - col;
}

static void draw_row(drawing *d, const prnn_worker *w, uint8_t *images, size_t first, int row) {
    const prnn_network *net = d->network;
    int channels = net->plan.config.channels;
    for (int col = 0; col < net->plan.config.width;) {
        int stretch = known_stretch(d, row, col);
        if (stretch > 0) {
            for (int n = 0; n < stretch; n++) {
                for (int c = 0; c < channels; c++) {
                    settle(d, w, images, first, row, col + n, c, true);
                }
            }
            prnn_network_forward(net, &w->pass, (prnn_region){row, 1, col, stretch, -1});
            col += stretch;
            continue;
        }
        for (int c = 0; c < channels; c++) {
            prnn_region pixel = {row, 1, col, 1, c};
            prnn_network_forward(net, &w->pass, pixel);
            prnn_network_logits(net, &w->pass, pixel);
            settle(d, w, images, first, row, col, c, false);
        }
        col++;
    }
}

static void draw_shard(void *arg, size_t index, void *own) {
    drawing *d = arg;
    const prnn_config *c = &d->network->plan.config;
    size_t first = (d->first_shard + index) * d->shard;
    prnn_worker *w = own;
    w->pass.images = (int)(d->count - first < d->shard ? d->count - first : d->shard);
    uint8_t *images = d->images + first * (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    prnn_worker_clear(d->network, w);
    prnn_network_begin(d->network, &w->pass);
    if (d->network->condition) {
        prnn_network_condition(d->network, &w->pass, images, NULL);
    }
    for (int row = 0; row < c->height; row++) {
        draw_row(d, w, images, first, row);
    }
}

/* ------------------------------------------------------------------------------------ all shards */

/* One shard per thread, then a word to the caller, and so on. */
static prnn_status draw_all(drawing *d, const char *phase) {
    size_t shards = (d->count + d->shard - 1) / d->shard, threads = (size_t)d->workers.count;
    double began = prnn_clock();
    for (d->first_shard = 0; d->first_shard < shards; d->first_shard += threads) {
        size_t left = shards - d->first_shard;
        prnn_parallel_for_with(d->ctx, left < threads ? left : threads, prnn_workers_scratches(&d->workers),
                               draw_shard, d);
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

static prnn_status run(drawing *d, const prnn_model *model, const char *phase) {
    /* The kernels multiply by 1 / temperature, a float. */
    if (!(d->options.temperature >= 1e-38 && d->options.temperature <= 1e38)) {
        return prnn_fail(d->ctx, PRNN_ERROR_ARGUMENT,
                         "temperature is %g; it must be 1e-38 to 1e38 (1: the model)",
                         d->options.temperature);
    }
    if (d->count == 0) {
        return PRNN_OK;
    }
    d->network = model->network;
    /* Few images are spread over the threads. The numbers of an image do not depend on its shard. */
    size_t threads = (size_t)prnn_threads_for(d->ctx, d->count), even = (d->count + threads - 1) / threads;
    d->shard = even < SHARD ? even : SHARD;
    int workers = prnn_threads_for(d->ctx, (d->count + d->shard - 1) / d->shard);
    prnn_status status = prnn_model_workers(d->ctx, model, (int)d->shard, workers, &d->workers);
    if (status == PRNN_OK) {
        status = draw_all(d, phase);
    }
    prnn_workers_free(d->ctx, &d->workers);
    return status;
}

prnn_status prnn_sample(prnn_context *ctx, const prnn_model *model, size_t count,
                        const prnn_sample_options *options, uint8_t *images) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count));
    const prnn_sample_options defaults = PRNN_SAMPLE_OPTIONS_INIT;
    drawing d = {.ctx = ctx, .options = defaults, .images = images, .count = count};
    prnn_status status = prnn_options_read(ctx, &d.options, &prnn_sample_options_fields, options);
    if (model->network->condition && status == PRNN_OK) {
        int size = model->network->plan.config.condition_size;
        status =
            prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                      "the model draws images given small ones of %dx%d: give it those (upscale), or a model "
                      "that draws them before it",
                      size, size);
    }
    return status == PRNN_OK ? run(&d, model, "sample") : status;
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
                                 "and pixel (%d, %d) is not "
                                 "known: complete small images first, or take an unconditional model",
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
    const prnn_sample_options defaults = PRNN_SAMPLE_OPTIONS_INIT;
    const prnn_config *c = &model->network->plan.config;
    size_t bytes = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    prnn_status status = prnn_model_check_images(ctx, model, images, count);
    if (status == PRNN_OK) {
        status = check_known(ctx, model, known);
    }
    if (status != PRNN_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < samples; s++) {
            memcpy(completed + (i * samples + s) * bytes, images + i * bytes, bytes);
        }
    }
    drawing d = {
        .ctx = ctx, .options = defaults, .images = completed, .known = known, .count = count * samples};
    status = prnn_options_read(ctx, &d.options, &prnn_sample_options_fields, options);
    return status == PRNN_OK ? run(&d, model, "complete") : status;
}

/* Puts the pixels of a small image into a large one. */
static void place_small(const prnn_config *c, const uint8_t *small, uint8_t *large) {
    size_t channels = (size_t)c->channels, size = (size_t)c->condition_size, width = (size_t)c->width;
    for (size_t row = 0; row < size; row++) {
        for (size_t col = 0; col < size; col++, small += channels) {
            size_t pixel = (row * width + col) * (width / size);
            memcpy(large + pixel * channels, small, channels);
        }
    }
}

static prnn_status check_small(prnn_context *ctx, const prnn_config *c, const uint8_t *small, size_t count) {
    size_t bytes = (size_t)c->condition_size * (size_t)c->condition_size * (size_t)c->channels;
    if (c->condition_size == 0) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the model is not conditional: it cannot enlarge images, only draw new ones (sample)");
    }
    for (size_t i = 0; i < count * bytes; i++) {
        if (small[i] >= c->levels) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "small image %zu has the value %d; the model knows levels 0 to %d", i / bytes,
                             small[i], c->levels - 1);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_upscale(prnn_context *ctx, const prnn_model *model, const uint8_t *small, size_t count,
                         size_t samples, const prnn_sample_options *options, uint8_t *large) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(small, count), PRNN_ARRAY(large, count && samples));
    const prnn_sample_options defaults = PRNN_SAMPLE_OPTIONS_INIT;
    const prnn_config *c = &model->network->plan.config;
    size_t pixels = (size_t)c->height * (size_t)c->width, bytes = pixels * (size_t)c->channels;
    size_t small_bytes = (size_t)c->condition_size * (size_t)c->condition_size * (size_t)c->channels;
    prnn_status status = check_small(ctx, c, small, count);
    if (status != PRNN_OK) {
        return status;
    }
    uint8_t *known = prnn_alloc(ctx, pixels, 1, "a mask");
    if (!known) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < count * samples; i++) {
        place_small(c, small + i / samples * small_bytes, large + i * bytes);
    }
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        int row = (int)(pixel / (size_t)c->width), col = (int)(pixel % (size_t)c->width);
        known[pixel] = prnn_network_is_given(model->network, row, col);
    }
    drawing d = {.ctx = ctx, .options = defaults, .images = large, .known = known, .count = count * samples};
    status = prnn_options_read(ctx, &d.options, &prnn_sample_options_fields, options);
    if (status == PRNN_OK) {
        status = run(&d, model, "upscale");
    }
    prnn_free(known);
    return status;
}

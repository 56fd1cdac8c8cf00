/* Multi-scale likelihood (paper section 3.4, SPEC "Conditional"): log p(large) = log p(small) + log p(large |
 * small), as often as there are scales. The small image is a part of the large one, so the values that it
 * gives are certain when the large one is predicted, and the sum over all large images is 1. */

#include "base/call.h"
#include "base/memory.h"
#include "model/model.h"

#include <string.h>

static const prnn_config *config_of(const prnn_model *model) {
    return &model->network->plan.config;
}

static size_t bytes_of(const prnn_config *c) {
    return (size_t)c->height * (size_t)c->width * (size_t)c->channels;
}

static prnn_status check_pair(prnn_context *ctx, const prnn_config *small, const prnn_config *large,
                              size_t at) {
    if (large->condition_size == 0) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "model %zu of the chain is not conditional: all but the first must have been trained with "
            "a condition size",
            at + 1);
    }
    if (small->height != large->condition_size || small->width != large->condition_size ||
        small->channels != large->channels || small->levels != large->levels) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "model %zu of the chain is for images given %dx%dx%d ones of %d levels, and the model "
            "before it is for %dx%dx%d of %d levels",
            at + 1, large->condition_size, large->condition_size, large->channels, large->levels,
            small->height, small->width, small->channels, small->levels);
    }
    return PRNN_OK;
}

static prnn_status check_chain(prnn_context *ctx, const prnn_model *const *models, size_t count) {
    if (count < 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "a chain needs at least one model");
    }
    for (size_t k = 0; k < count; k++) {
        if (!models[k]) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "model %zu of the chain is NULL", k + 1);
        }
    }
    if (config_of(models[0])->condition_size) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the first model of the chain is conditional: a model of the %dx%d images that it is given "
            "must come before it",
            config_of(models[0])->condition_size, config_of(models[0])->condition_size);
    }
    prnn_status status = PRNN_OK;
    for (size_t k = 1; k < count && status == PRNN_OK; k++) {
        status = check_pair(ctx, config_of(models[k - 1]), config_of(models[k]), k);
    }
    return status;
}

/* Images of `from` at every step-th pixel, as many as `to` has. */
static void subsample(const prnn_config *from, const prnn_config *to, const uint8_t *images, size_t count,
                      uint8_t *small) {
    size_t channels = (size_t)to->channels, width = (size_t)from->width, step = width / (size_t)to->width;
    for (size_t i = 0; i < count; i++, images += bytes_of(from)) {
        for (size_t row = 0; row < (size_t)to->height; row++) {
            for (size_t col = 0; col < (size_t)to->width; col++, small += channels) {
                memcpy(small, images + (row * width + col) * step * channels, channels);
            }
        }
    }
}

/* The other way, for the numbers of values that the small images give. */
static void spread(const prnn_config *small, const prnn_config *large, const float *from, size_t count,
                   float *to) {
    size_t channels = (size_t)small->channels, width = (size_t)large->width,
           step = width / (size_t)small->width;
    for (size_t i = 0; i < count; i++, to += bytes_of(large)) {
        for (size_t row = 0; row < (size_t)small->height; row++) {
            for (size_t col = 0; col < (size_t)small->width; col++, from += channels) {
                memcpy(to + (row * width + col) * step * channels, from, channels * sizeof *to);
            }
        }
    }
}

/* Adds what a model of smaller images says about those in the large ones. */
static prnn_status add_scale(prnn_context *ctx, const prnn_model *model, const prnn_config *large,
                             const uint8_t *images, size_t count, double *nats, float *values) {
    const prnn_config *c = config_of(model);
    uint8_t *part = prnn_alloc(ctx, count, bytes_of(c), "the images of a scale");
    double *own = prnn_alloc(ctx, count, sizeof *own, "likelihoods");
    float *own_values = values ? prnn_alloc(ctx, count * bytes_of(c), sizeof *values, "likelihoods") : NULL;
    prnn_status status = part && own && (own_values || !values) ? PRNN_OK : PRNN_ERROR_MEMORY;
    if (status == PRNN_OK) {
        subsample(large, c, images, count, part);
        prnn_evaluation asked = {
            .images = part, .count = count, .new_only = true, .nats = own, .values = own_values};
        status = prnn_model_evaluate(ctx, model, &asked);
    }
    for (size_t i = 0; i < count && status == PRNN_OK; i++) {
        nats[i] += own[i];
    }
    if (values && status == PRNN_OK) {
        spread(c, large, own_values, count, values);
    }
    prnn_free(part);
    prnn_free(own);
    prnn_free(own_values);
    return status;
}

prnn_status prnn_evaluate_chain(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                const uint8_t *images, size_t images_count, double *nats, float *values) {
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_ARRAY(images, images_count),
               PRNN_ARRAY(nats, images_count));
    prnn_status status = check_chain(ctx, models, count);
    if (status != PRNN_OK) {
        return status;
    }
    const prnn_model *last = models[count - 1];
    prnn_evaluation asked = {
        .images = images, .count = images_count, .new_only = true, .nats = nats, .values = values};
    status = prnn_model_evaluate(ctx, last, &asked);
    /* From larger to smaller: a scale overwrites the values that it gives to those above it. */
    for (size_t k = count - 1; k-- > 0 && status == PRNN_OK;) {
        status = add_scale(ctx, models[k], config_of(last), images, images_count, nats, values);
    }
    return status == PRNN_OK ? prnn_model_check_finite(ctx, nats, images_count) : status;
}

#include "chain.h"

#include "report.h"

#include <stdlib.h>

int chain_open(prnn_context *ctx, const arguments *args, chain *c) {
    *c = (chain){.config = PRNN_CONFIG_INIT};
    c->models = calloc(args->operand_count, sizeof(prnn_model *));
    if (!c->models) {
        return fail_memory();
    }
    for (; c->count < args->operand_count; c->count++) {
        c->last = args->operands[c->count];
        if (prnn_model_load(ctx, c->last, &c->models[c->count]) != PRNN_OK) {
            return fail_with(ctx);
        }
    }
    prnn_model_config(chain_last(c), &c->config);
    for (size_t k = 1; k < c->count; k++) {
        prnn_config small = chain_config(c, k - 1), large = chain_config(c, k);
        if (large.condition_size == 0) {
            return usage_error("%s is not conditional: it draws nothing from the images of %s before it",
                               args->operands[k], args->operands[k - 1]);
        }
        if (small.height != large.condition_size || small.width != large.condition_size ||
            small.channels != large.channels || small.levels != large.levels) {
            return usage_error(
                "%s is given images of %d x %d x %d of %d levels, and %s is for %d x %d x %d of %d",
                args->operands[k], large.condition_size, large.condition_size, large.channels, large.levels,
                args->operands[k - 1], small.height, small.width, small.channels, small.levels);
        }
    }
    return 0;
}

void chain_close(chain *c) {
    for (size_t k = 0; k < c->count; k++) {
        prnn_model_free(c->models[k]);
    }
    free(c->models);
}

const prnn_model *chain_last(const chain *c) {
    return c->models[c->count - 1];
}

prnn_config chain_config(const chain *c, size_t k) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(c->models[k], &config);
    return config;
}

int chain_check_first(const chain *c, const arguments *args) {
    int size = chain_config(c, 0).condition_size;
    return size == 0 ? 0
                     : usage_error(
                           "%s draws images given small ones of %d x %d: name a model of those before it, or "
                           "give them to 'pixelrnn upscale'",
                           args->operands[0], size, size);
}

uint8_t *chain_upscale(prnn_context *ctx, const chain *c, size_t k, uint8_t *images, size_t count,
                       size_t samples, const prnn_sample_options *how) {
    for (; images && k < c->count; k++, samples = 1) {
        prnn_config config = chain_config(c, k);
        uint8_t *large =
            samples && count > SIZE_MAX / samples ? NULL : allocate(count * samples, image_size(&config));
        if (!large) {
            fail_memory();
        } else if (prnn_upscale(ctx, c->models[k], images, count, samples, how, large) != PRNN_OK) {
            fail_with(ctx);
            free(large);
            large = NULL;
        }
        free(images);
        images = large;
        count *= samples;
    }
    return images;
}

#include "chain.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

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

void chain_name(const arguments *args, json *j) {
    if (args->operand_count == 1) {
        report_json_string(j, "model", args->operands[0]);
        return;
    }
    report_json_open_array(j, "models");
    for (size_t k = 0; k < args->operand_count; k++) {
        report_json_string(j, NULL, args->operands[k]);
    }
    report_json_close_array(j);
}

const prnn_model *chain_last(const chain *c) {
    return c->models[c->count - 1];
}

prnn_config chain_config(const chain *c, size_t k) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(c->models[k], &config);
    return config;
}

bool chain_is_given(const prnn_config *c, size_t pixel) {
    if (c->condition_size == 0) {
        return false;
    }
    size_t width = (size_t)c->width, step = width / (size_t)c->condition_size;
    return pixel / width % step == 0 && pixel % width % step == 0;
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

/* ------------------------------------------------------------------------------------ completion */

/* Where a pixel of a small image is in the large one: every n-th of every n-th row. */
static size_t place(const prnn_config *small, const prnn_config *large, size_t pixel) {
    size_t width = (size_t)small->width, step = (size_t)large->width / width;
    return (pixel / width * (size_t)large->width + pixel % width) * step;
}

static size_t pixel_count(const prnn_config *config) {
    return (size_t)config->height * (size_t)config->width;
}

/* One scale of a completion. `before` are the completed images of the scale before it, one for each of its
 * own. */
typedef struct scale {
    prnn_config own, small; /* of this scale, and of the one before it */
    size_t count, samples;  /* images, and how often each is completed */
    uint8_t *images, *known;
} scale;

static void scale_fill(const chain *c, const incomplete *all, const uint8_t *before, scale *s) {
    size_t bytes = (size_t)c->config.channels, repeats = s->count / all->count;
    for (size_t i = 0; i < s->count; i++) {
        const uint8_t *from = all->images + i / repeats * image_size(&c->config);
        uint8_t *to = s->images + i * image_size(&s->own);
        for (size_t pixel = 0; pixel < pixel_count(&s->own); pixel++) {
            memcpy(to + pixel * bytes, from + place(&s->own, &c->config, pixel) * bytes, bytes);
        }
        const uint8_t *small = before ? before + i * image_size(&s->small) : NULL;
        for (size_t pixel = 0; small && pixel < pixel_count(&s->small); pixel++) {
            memcpy(to + place(&s->small, &s->own, pixel) * bytes, small + pixel * bytes, bytes);
        }
    }
    for (size_t pixel = 0; pixel < pixel_count(&s->own); pixel++) {
        s->known[pixel] = all->known[place(&s->own, &c->config, pixel)];
    }
    for (size_t pixel = 0; before && pixel < pixel_count(&s->small); pixel++) {
        s->known[place(&s->small, &s->own, pixel)] = 1;
    }
}

static int complete_scale(prnn_context *ctx, const chain *c, size_t k, const incomplete *all,
                          const uint8_t *before, const prnn_sample_options *how, uint8_t *completed) {
    scale s = {.own = chain_config(c, k), .count = all->count, .samples = all->samples};
    if (k > 0) {
        s.small = chain_config(c, k - 1);
        s.count *= all->samples;
        s.samples = 1;
    }
    s.images = allocate(s.count, image_size(&s.own));
    s.known = allocate(pixel_count(&s.own), 1);
    int code = s.images && s.known ? 0 : fail_memory();
    if (!code) {
        scale_fill(c, all, before, &s);
        prnn_status status =
            prnn_complete(ctx, c->models[k], s.images, s.count, s.known, s.samples, how, completed);
        code = status == PRNN_OK ? 0 : fail_with(ctx);
    }
    free(s.images);
    free(s.known);
    return code;
}

/* The result comes first: what is too large for the memory is told before hours of work. */
uint8_t *chain_complete(prnn_context *ctx, const chain *c, const incomplete *all,
                        const prnn_sample_options *how) {
    size_t n = all->count * all->samples;
    uint8_t *result = allocate(n, image_size(&c->config)), *before = NULL;
    int code = result ? 0 : fail_memory();
    for (size_t k = 0; !code && k < c->count; k++) {
        prnn_config config = chain_config(c, k);
        bool last = k + 1 == c->count;
        uint8_t *completed = last ? result : allocate(n, image_size(&config));
        code = completed ? complete_scale(ctx, c, k, all, before, how, completed) : fail_memory();
        free(before);
        before = last ? NULL : completed;
    }
    free(before);
    if (code) {
        free(result);
    }
    return code ? NULL : result;
}

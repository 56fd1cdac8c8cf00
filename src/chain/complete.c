/* Completion by a chain: the small images in the images are completed first, and what that gave is known when
 * the larger ones are. */

#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "chain/chain.h"
#include "chain/scale.h"
#include "ranks/ranks.h"

/* What is to be completed: see prnn_chain_complete. */
typedef struct completion {
    const prnn_chain *chain;
    const uint8_t *images, *known;
    size_t count, samples;
    const prnn_sample_options *options;
} completion;

/* The images of scale k that are to be completed, `repeats` for each of all, and what is known of them.
 * `before` are the completed images of the scale before it, one for each; NULL: there is none. */
static void fill(const completion *c, size_t k, size_t repeats, const uint8_t *before, uint8_t *images,
                 uint8_t *known) {
    const prnn_config *own = prnn_group_config(&c->chain->group, k), *large = prnn_chain_last(c->chain);
    size_t channels = (size_t)own->channels, width = (size_t)own->width;
    for (size_t i = 0; i < c->count * repeats; i++) {
        prnn_scale_take(large, own, channels, c->images + i / repeats * prnn_config_values(large), 1,
                        images + i * prnn_config_values(own));
    }
    prnn_scale_take(large, own, 1, c->known, 1, known);
    if (!before) {
        return;
    }
    prnn_scale_put(prnn_group_config(&c->chain->group, k - 1), own, channels, before, c->count * repeats,
                   images);
    for (size_t pixel = 0; pixel < prnn_scale_pixels(own); pixel++) {
        bool given =
            prnn_model_pixel_is_given(c->chain->group.models[k], (int)(pixel / width), (int)(pixel % width));
        known[pixel] = known[pixel] || given;
    }
}

/* The first scale makes `samples` of each image, and every later one has those already. */
static prnn_status complete_scale(prnn_context *ctx, const completion *c, size_t k, const uint8_t *before,
                                  uint8_t *completed) {
    const prnn_config *own = prnn_group_config(&c->chain->group, k);
    size_t repeats = before ? c->samples : 1, count = c->count * repeats;
    prnn_status status;
    uint8_t *images = prnn_alloc_raw(ctx, count, prnn_config_values(own), "the images of a scale");
    uint8_t *known = prnn_alloc_raw(ctx, prnn_scale_pixels(own), 1, "a mask");
    TRY(images && known ? PRNN_OK : PRNN_ERROR_MEMORY);
    fill(c, k, repeats, before, images, known);
    TRY(prnn_complete(ctx, c->chain->group.models[k], images, count, known, before ? 1 : c->samples,
                      c->options, completed));
done:
    prnn_free(images);
    prnn_free(known);
    return status;
}

prnn_status prnn_chain_complete(prnn_context *ctx, const prnn_chain *chain, const uint8_t *images,
                                size_t count, const uint8_t *known, size_t samples,
                                const prnn_sample_options *options, uint8_t *completed) {
    PRNN_ENTER(ctx, PRNN_GIVEN(chain), PRNN_ARRAY(images, count), PRNN_GIVEN(known),
               PRNN_ARRAY(completed, count && samples));
    if (chain->group.count == 1) {
        return prnn_complete(ctx, chain->group.models[0], images, count, known, samples, options, completed);
    }
    const completion c = {chain, images, known, count, samples, options};
    uint8_t *before = NULL;
    prnn_status status;
    TRY(prnn_model_check_images(ctx, chain->group.models[chain->group.count - 1], images, count));
    for (size_t k = 0; k + 1 < chain->group.count; k++) {
        uint8_t *small =
            prnn_alloc_raw(ctx, count * samples, prnn_config_values(prnn_group_config(&chain->group, k)),
                           "the images of a scale");
        status = small ? complete_scale(ctx, &c, k, before, small) : PRNN_ERROR_MEMORY;
        prnn_free(before);
        before = small;
        TRY(status);
    }
    TRY(complete_scale(ctx, &c, chain->group.count - 1, before, completed));
done:
    prnn_free(before);
    return prnn_ranks_fail(ctx, status);
}

/* New images from a chain: each model enlarges what the one before it drew. */

#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "chain/chain.h"
#include "chain/scale.h"
#include "ranks/ranks.h"

/* From small images of model k, (count, s, s, C), to those of the last model: model k draws `samples` for
 * each, every other one 1. */
static prnn_status enlarge(prnn_context *ctx, const prnn_chain *chain, size_t k, const uint8_t *small,
                           size_t count, size_t samples, const prnn_sample_options *options,
                           uint8_t *images) {
    uint8_t *held = NULL; /* the images of the scale before */
    prnn_status status = PRNN_OK;
    for (; k + 1 < chain->group.count; k++) {
        uint8_t *large =
            prnn_alloc_raw(ctx, count * samples, prnn_config_values(prnn_group_config(&chain->group, k)),
                           "the images of a scale");
        status = large ? prnn_upscale(ctx, chain->group.models[k], small, count, samples, options, large)
                       : PRNN_ERROR_MEMORY;
        prnn_free(held);
        held = large;
        TRY(status);
        small = large;
        count *= samples;
        samples = 1;
    }
    TRY(prnn_upscale(ctx, chain->group.models[k], small, count, samples, options, images));
done:
    prnn_free(held);
    return status;
}

prnn_status prnn_chain_sample(prnn_context *ctx, const prnn_chain *chain, size_t count,
                              const prnn_sample_options *options, uint8_t *images) {
    PRNN_ENTER(ctx, PRNN_GIVEN(chain), PRNN_ARRAY(images, count));
    if (chain->group.count == 1) {
        return prnn_sample(ctx, chain->group.models[0], count, options, images);
    }
    prnn_status status;
    uint8_t *small = prnn_alloc_raw(ctx, count, prnn_config_values(prnn_group_config(&chain->group, 0)),
                                    "the images of a scale");
    TRY(small ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(prnn_sample(ctx, chain->group.models[0], count, options, small));
    TRY(enlarge(ctx, chain, 1, small, count, 1, options, images));
done:
    prnn_free(small);
    return prnn_ranks_fail(ctx, status);
}

prnn_status prnn_chain_upscale(prnn_context *ctx, const prnn_chain *chain, const uint8_t *small, size_t count,
                               size_t samples, const prnn_sample_options *options, uint8_t *large) {
    PRNN_ENTER(ctx, PRNN_GIVEN(chain), PRNN_ARRAY(small, count), PRNN_ARRAY(large, count && samples));
    return prnn_ranks_fail(ctx, enlarge(ctx, chain, 0, small, count, samples, options, large));
}

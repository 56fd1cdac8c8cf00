/* Multi-scale likelihood (paper section 3.4, SPEC "Conditional"): log p(large) = log p(small) + log p(large |
 * small), as often as there are scales. The small image is a part of the large one, so the values that it
 * gives are certain when the large one is predicted, and the sum over all large images is 1. */

#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "chain/chain.h"
#include "chain/scale.h"

/* What is asked of a chain: see prnn_chain_evaluate. */
typedef struct evaluation {
    const prnn_chain *chain;
    const uint8_t *images;
    size_t count;
    double *nats, *scale_nats;
    float *values;
} evaluation;

/* nats[i] is what model k says of image i. */
static void note_scale(const evaluation *e, size_t k, const double *nats) {
    for (size_t i = 0; e->scale_nats && i < e->count; i++) {
        e->scale_nats[i * e->chain->count + k] = nats[i];
    }
}

static prnn_status evaluate_last(prnn_context *ctx, const evaluation *e) {
    size_t last = e->chain->count - 1;
    prnn_evaluation asked = {
        .images = e->images, .count = e->count, .new_only = true, .nats = e->nats, .values = e->values};
    prnn_status status = prnn_model_evaluate(ctx, e->chain->models[last], &asked);
    if (status == PRNN_OK) {
        note_scale(e, last, e->nats);
    }
    return status;
}

/* Adds what model k, of smaller images, says about those in the large ones. */
static prnn_status add_scale(prnn_context *ctx, const evaluation *e, size_t k) {
    const prnn_config *own = prnn_chain_at(e->chain, k), *large = prnn_chain_last(e->chain);
    size_t values = prnn_scale_values(own), channels = (size_t)own->channels;
    prnn_evaluation asked = {.count = e->count, .new_only = true};
    prnn_status status;
    uint8_t *small = prnn_alloc(ctx, e->count, values, "the images of a scale");
    asked.nats = prnn_alloc(ctx, e->count, sizeof *asked.nats, "likelihoods");
    if (e->values) {
        asked.values = prnn_alloc(ctx, e->count * values, sizeof *asked.values, "likelihoods");
    }
    TRY(small && asked.nats && (asked.values || !e->values) ? PRNN_OK : PRNN_ERROR_MEMORY);
    prnn_scale_take(large, own, channels, e->images, e->count, small);
    asked.images = small;
    TRY(prnn_model_evaluate(ctx, e->chain->models[k], &asked));
    note_scale(e, k, asked.nats);
    for (size_t i = 0; i < e->count; i++) {
        e->nats[i] += asked.nats[i];
    }
    if (e->values) {
        prnn_scale_put(own, large, channels * sizeof *e->values, asked.values, e->count, e->values);
    }
done:
    prnn_free(small);
    prnn_free(asked.nats);
    prnn_free(asked.values);
    return status;
}

prnn_status prnn_chain_evaluate(prnn_context *ctx, const prnn_chain *chain, const uint8_t *images,
                                size_t count, double *nats, double *scale_nats, float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(chain), PRNN_ARRAY(images, count), PRNN_ARRAY(nats, count));
    const evaluation e = {chain, images, count, nats, scale_nats, values};
    prnn_status status;
    TRY(evaluate_last(ctx, &e));
    /* From larger to smaller: a scale overwrites the values that it gives to those above it. */
    for (size_t k = chain->count - 1; k-- > 0;) {
        TRY(add_scale(ctx, &e, k));
    }
    TRY(prnn_model_check_finite(ctx, nats, count));
done:
    return status;
}

/* ----------------------------------------------------------------------- in one call, without a chain */

static prnn_status check_first(prnn_context *ctx, const prnn_chain *chain) {
    int size = prnn_chain_at(chain, 0)->condition_size;
    return size == 0 ? PRNN_OK
                     : prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "the first model of the chain is conditional: a model of the %dx%d images "
                                 "that it is given must come before it",
                                 size, size);
}

prnn_status prnn_evaluate_chain(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                const uint8_t *images, size_t images_count, double *nats, float *values) {
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_ARRAY(images, images_count),
               PRNN_ARRAY(nats, images_count));
    prnn_chain *chain = NULL;
    prnn_status status;
    TRY(prnn_chain_create(ctx, models, count, &chain));
    TRY(check_first(ctx, chain));
    TRY(prnn_chain_evaluate(ctx, chain, images, images_count, nats, NULL, values));
done:
    prnn_chain_free(chain);
    return status;
}

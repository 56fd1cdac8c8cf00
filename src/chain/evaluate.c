/* Multi-scale likelihood (paper section 3.4, docs/equations.md): log p(large) = log p(small) + log p(large |
 * small), as often as there are scales. The small image is a part of the large one, so the values that it
 * gives are certain when the large one is predicted, and the sum over all large images is 1. */

#include "base/call.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/try.h"
#include "chain/chain.h"
#include "chain/scale.h"
#include "ranks/ranks.h"

/* What there may be of each value: -log p, and what was expected of it, entropy and variance. */
enum { PER_VALUE = 3 };

/* What is asked of a chain: see prnn_chain_evaluate. */
typedef struct evaluation {
    const prnn_chain *chain;
    const uint8_t *images;
    size_t count;
    const prnn_evaluate_options *options;
    double *nats, *scale_nats;
    float *values[PER_VALUE]; /* (count, H, W, C) each, or NULL */
} evaluation;

/* Where model k, asked of its own images, puts what is wanted of each value. */
static void want_values(prnn_evaluation *asked, float *const values[PER_VALUE]) {
    asked->values = values[0];
    asked->entropies = values[1];
    asked->variances = values[2];
}

/* nats[i] is what model k says of image i. */
static void note_scale(const evaluation *e, size_t k, const double *nats) {
    for (size_t i = 0; e->scale_nats && i < e->count; i++) {
        e->scale_nats[i * e->chain->group.count + k] = nats[i];
    }
}

static prnn_status evaluate_last(prnn_context *ctx, const evaluation *e) {
    size_t last = e->chain->group.count - 1;
    prnn_evaluation asked = {.images = e->images,
                             .small = last == 0 ? e->options->small : NULL,
                             .count = e->count,
                             .new_only = true,
                             .nats = e->nats,
                             .progress = e->options->progress,
                             .user = e->options->user};
    want_values(&asked, e->values);
    prnn_status status = prnn_model_evaluate(ctx, e->chain->group.models[last], &asked);
    if (status == PRNN_OK) {
        note_scale(e, last, e->nats);
    }
    return status;
}

/* Adds what model k, of smaller images, says about those in the large ones. */
static prnn_status add_scale(prnn_context *ctx, const evaluation *e, size_t k) {
    const prnn_config *own = prnn_group_config(&e->chain->group, k), *large = prnn_chain_last(e->chain);
    size_t values = prnn_config_values(own), channels = (size_t)own->channels;
    prnn_evaluation asked = {.small = k == 0 ? e->options->small : NULL,
                             .count = e->count,
                             .new_only = true,
                             .progress = e->options->progress,
                             .user = e->options->user};
    float *own_values[PER_VALUE] = {0};
    prnn_status status;
    uint8_t *small = prnn_alloc(ctx, e->count, values, "the images of a scale");
    asked.nats = prnn_alloc(ctx, e->count, sizeof *asked.nats, "likelihoods");
    TRY(small && asked.nats ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (int i = 0; i < PER_VALUE; i++) {
        own_values[i] =
            e->values[i] ? prnn_alloc(ctx, e->count * values, sizeof(float), "likelihoods") : NULL;
        TRY(own_values[i] || !e->values[i] ? PRNN_OK : PRNN_ERROR_MEMORY);
    }
    want_values(&asked, own_values);
    prnn_scale_take(large, own, channels, e->images, e->count, small);
    asked.images = small;
    TRY(prnn_model_evaluate(ctx, e->chain->group.models[k], &asked));
    note_scale(e, k, asked.nats);
    for (size_t i = 0; i < e->count; i++) {
        e->nats[i] += asked.nats[i];
    }
    for (int i = 0; i < PER_VALUE; i++) {
        if (e->values[i]) {
            prnn_scale_put(own, large, channels * sizeof(float), own_values[i], e->count, e->values[i]);
        }
    }
done:
    prnn_free(small);
    prnn_free(asked.nats);
    for (int i = 0; i < PER_VALUE; i++) {
        prnn_free(own_values[i]);
    }
    return status;
}

/* Of the images that are asked of, all on this rank. */
static prnn_status evaluate_share(prnn_context *ctx, const evaluation *e) {
    prnn_status status;
    TRY(prnn_model_check_given_small(ctx, e->chain->group.models[0], e->options->small, e->count));
    TRY(evaluate_last(ctx, e));
    /* From larger to smaller: a scale overwrites the values that it gives to those above it. */
    for (size_t k = e->chain->group.count - 1; k-- > 0;) {
        TRY(add_scale(ctx, e, k));
    }
done:
    return status;
}

/* Each rank evaluates its share, and gets the results of the others. */
static prnn_status evaluate_together(prnn_context *ctx, const evaluation *e) {
    const prnn_config *first = prnn_group_config(&e->chain->group, 0);
    prnn_share mine = prnn_share_mine(ctx, e->count);
    size_t bytes = prnn_config_values(prnn_chain_last(e->chain)), scales = e->chain->group.count;
    size_t small = prnn_config_small_values(first);
    const prnn_results all[] = {{e->nats, sizeof *e->nats},
                                {e->scale_nats, scales * sizeof *e->scale_nats},
                                {e->values[0], bytes * sizeof(float)},
                                {e->values[1], bytes * sizeof(float)},
                                {e->values[2], bytes * sizeof(float)}};
    prnn_evaluate_options o = *e->options;
    evaluation own = *e;
    if (e->count > 0) {
        own.images += mine.first * bytes;
        own.nats += mine.first;
        own.scale_nats = e->scale_nats ? e->scale_nats + mine.first * scales : NULL;
        for (int i = 0; i < PER_VALUE; i++) {
            own.values[i] = e->values[i] ? e->values[i] + mine.first * bytes : NULL;
        }
        o.small = o.small ? o.small + mine.first * small : NULL;
    }
    own.count = mine.count;
    own.options = &o;
    return prnn_ranks_collect(ctx, evaluate_share(ctx, &own), 0, e->count, all, 2 + PER_VALUE);
}

prnn_status prnn_chain_evaluate(prnn_context *ctx, const prnn_chain *chain, const uint8_t *images,
                                size_t count, const prnn_evaluate_options *options, double *nats,
                                double *scale_nats, float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(chain), PRNN_ARRAY(images, count), PRNN_ARRAY(nats, count));
    prnn_evaluate_options o = PRNN_EVALUATE_OPTIONS_INIT;
    evaluation e = {chain, images, count, &o, nats, scale_nats, {values, NULL, NULL}};
    prnn_status status;
    TRY(prnn_options_read(ctx, &o, &prnn_evaluate_options_fields, options));
    e.values[1] = o.entropies;
    e.values[2] = o.variances;
    TRY(evaluate_together(ctx, &e));
    TRY(prnn_model_check_finite(ctx, nats, count));
done:
    return prnn_ranks_fail(ctx, status);
}

/* What a chain consists of, and whether its models fit together. */

#include "chain/chain.h"
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "image/palette.h"

#include <stdio.h>

/* ---------------------------------------------------------------------------------- what fits what */

/* How messages call model k: by the path that it was loaded from, or by its number. */
static const char *name_of(const char *const *paths, size_t k, char text[48]) {
    snprintf(text, 48, "model %zu of the chain", k + 1);
    return paths ? paths[k] : text;
}

static prnn_status check_pair(prnn_context *ctx, const prnn_chain *chain, size_t k,
                              const char *const *paths) {
    const prnn_config *small = prnn_chain_at(chain, k - 1), *large = prnn_chain_at(chain, k);
    char small_text[48], large_text[48];
    const char *of_small = name_of(paths, k - 1, small_text), *of_large = name_of(paths, k, large_text);
    if (large->condition_size == 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is not conditional: it draws nothing from the images of %s before it", of_large,
                         of_small);
    }
    if (small->height != large->condition_size || small->width != large->condition_size ||
        small->channels != large->channels || small->levels != large->levels) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is given images of %d x %d x %d of %d levels, and %s is for %d x %d x %d of %d",
                         of_large, large->condition_size, large->condition_size, large->channels,
                         large->levels, of_small, small->height, small->width, small->channels,
                         small->levels);
    }
    const prnn_palette *a = prnn_model_palette(chain->models[k - 1]),
                       *b = prnn_model_palette(chain->models[k]);
    if (!prnn_palette_same(a, b)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s and %s do not have the same palette: the levels of one mean other colours than "
                         "those of the other",
                         of_small, of_large);
    }
    return PRNN_OK;
}

static prnn_status check_chain(prnn_context *ctx, const prnn_chain *chain, const char *const *paths) {
    prnn_status status = PRNN_OK;
    for (size_t k = 1; k < chain->count; k++) {
        TRY(check_pair(ctx, chain, k, paths));
    }
done:
    return status;
}

/* --------------------------------------------------------------------------------- making, freeing */

/* A chain with room for `count` models, and none. */
static prnn_status create_empty(prnn_context *ctx, size_t count, prnn_chain **made) {
    *made = NULL;
    if (count < 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "a chain needs at least one model");
    }
    prnn_chain *chain = prnn_alloc(ctx, 1, sizeof *chain, "a chain of models");
    if (!chain) {
        return PRNN_ERROR_MEMORY;
    }
    chain->models = prnn_alloc(ctx, count, sizeof *chain->models, "a chain of models");
    if (!chain->models) {
        prnn_free(chain);
        return PRNN_ERROR_MEMORY;
    }
    *made = chain;
    return PRNN_OK;
}

prnn_status prnn_chain_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                              prnn_chain **chain) {
    PRNN_NOTHING_YET(chain);
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_GIVEN(chain));
    prnn_chain *made = NULL;
    prnn_status status;
    for (size_t k = 0; k < count; k++) {
        if (!models[k]) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "model %zu of the chain is NULL", k + 1);
        }
    }
    TRY(create_empty(ctx, count, &made));
    for (; made->count < count; made->count++) {
        made->models[made->count] = models[made->count];
    }
    TRY(check_chain(ctx, made, NULL));
    *chain = made;
    made = NULL;
done:
    prnn_chain_free(made);
    return status;
}

prnn_status prnn_chain_load(prnn_context *ctx, const char *const *paths, size_t count, prnn_chain **chain) {
    PRNN_NOTHING_YET(chain);
    PRNN_ENTER(ctx, PRNN_ARRAY(paths, count), PRNN_GIVEN(chain));
    prnn_chain *made = NULL;
    prnn_status status;
    TRY(create_empty(ctx, count, &made));
    made->owned = prnn_alloc(ctx, count, sizeof *made->owned, "a chain of models");
    TRY(made->owned ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (; made->count < count; made->count++) {
        TRY(prnn_model_load(ctx, paths[made->count], &made->owned[made->count]));
        made->models[made->count] = made->owned[made->count];
    }
    TRY(check_chain(ctx, made, paths));
    *chain = made;
    made = NULL;
done:
    prnn_chain_free(made);
    return status;
}

void prnn_chain_free(prnn_chain *chain) {
    if (!chain) {
        return;
    }
    for (size_t k = 0; chain->owned && k < chain->count; k++) {
        prnn_model_free(chain->owned[k]);
    }
    prnn_free(chain->owned);
    prnn_free(chain->models);
    prnn_free(chain);
}

/* ----------------------------------------------------------------------------------- looking at it */

size_t prnn_chain_count(const prnn_chain *chain) {
    return chain->count;
}

const prnn_model *prnn_chain_model(const prnn_chain *chain, size_t i) {
    return chain->models[i];
}

void prnn_chain_config(const prnn_chain *chain, prnn_config *config) {
    prnn_model_config(chain->models[chain->count - 1], config);
}

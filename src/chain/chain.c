/* What a chain consists of, and whether its models fit together. */

#include "chain/chain.h"
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"

/* ---------------------------------------------------------------------------------- what fits what */

static prnn_status check_pair(prnn_context *ctx, const prnn_group *group, size_t k, const char *const *paths);
static const prnn_group_kind kind = {"a", "chain", check_pair};

static prnn_status check_pair(prnn_context *ctx, const prnn_group *group, size_t k,
                              const char *const *paths) {
    const prnn_config *small = prnn_group_config(group, k - 1), *large = prnn_group_config(group, k);
    char small_text[PRNN_GROUP_NAME], large_text[PRNN_GROUP_NAME];
    const char *of_small = prnn_group_name(&kind, paths, k - 1, small_text);
    const char *of_large = prnn_group_name(&kind, paths, k, large_text);
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
    return prnn_group_check_palettes(ctx, group->models[k - 1], of_small, group->models[k], of_large);
}

/* --------------------------------------------------------------------------------- making, freeing */

static prnn_chain *new_chain(prnn_context *ctx) {
    return prnn_alloc(ctx, 1, sizeof(prnn_chain), "a chain of models");
}

prnn_status prnn_chain_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                              prnn_chain **chain) {
    PRNN_NOTHING_YET(chain);
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_GIVEN(chain));
    prnn_status status;
    prnn_chain *made = new_chain(ctx);
    TRY(made ? prnn_group_borrow(ctx, &kind, models, count, &made->group) : PRNN_ERROR_MEMORY);
    *chain = made;
    made = NULL;
done:
    prnn_chain_free(made);
    return status;
}

prnn_status prnn_chain_load(prnn_context *ctx, const char *const *paths, size_t count, prnn_chain **chain) {
    PRNN_NOTHING_YET(chain);
    PRNN_ENTER(ctx, PRNN_ARRAY(paths, count), PRNN_GIVEN(chain));
    prnn_status status;
    prnn_chain *made = new_chain(ctx);
    TRY(made ? prnn_group_load(ctx, &kind, paths, count, &made->group) : PRNN_ERROR_MEMORY);
    *chain = made;
    made = NULL;
done:
    prnn_chain_free(made);
    return status;
}

void prnn_chain_free(prnn_chain *chain) {
    if (chain) {
        prnn_group_close(&chain->group);
        prnn_free(chain);
    }
}

/* ----------------------------------------------------------------------------------- looking at it */

size_t prnn_chain_count(const prnn_chain *chain) {
    return chain->group.count;
}

const prnn_model *prnn_chain_model(const prnn_chain *chain, size_t i) {
    return chain->group.models[i];
}

void prnn_chain_config(const prnn_chain *chain, prnn_config *config) {
    prnn_model_config(chain->group.models[chain->group.count - 1], config);
}

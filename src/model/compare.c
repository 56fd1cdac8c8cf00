/* Whether all ranks have the same model. */

#include "base/call.h"
#include "base/try.h"
#include "config/config.h"
#include "model/model.h"
#include "ranks/ranks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

prnn_status prnn_ranks_compare_model(prnn_context *ctx, const prnn_model *model, const char *name) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(name));
    prnn_status status = PRNN_OK;
    char text[64], what[512];
    if (prnn_context_rank_count(ctx) == 1) {
        return PRNN_OK;
    }
    char *config = prnn_config_to_json(&model->network->plan.config);
    TRY(config ? PRNN_OK : prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to compare models"));
    uint64_t hash = prnn_ranks_hash(PRNN_HASH_BEGIN, config, strlen(config));
    hash = prnn_ranks_hash(hash, model->weights->parameters,
                           model->network->plan.parameter_floats * sizeof(float));
    snprintf(text, sizeof text, "hash %016" PRIx64 ", %s", hash, prnn_context_arithmetic(ctx));
    snprintf(what, sizeof what, "model %s", name);
    TRY(prnn_ranks_compare(ctx, what, text));
done:
    free(config);
    return prnn_ranks_fail(ctx, status);
}

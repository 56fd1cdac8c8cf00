/* Ranks that train together: that all were asked for the same, and begin at the same point. */

#include "base/try.h"
#include "config/config.h"
#include "train/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static prnn_status compare_hash(prnn_trainer *t, const char *what, const void *data, size_t bytes) {
    char text[32];
    snprintf(text, sizeof text, "%016" PRIx64, prnn_ranks_hash(PRNN_HASH_BEGIN, data, bytes));
    return prnn_ranks_compare(t->ctx, what, text);
}

static prnn_status compare_network(prnn_trainer *t) {
    char *config = prnn_config_to_json(&t->model->network->plan.config);
    prnn_status status = config
                             ? compare_hash(t, "network", config, strlen(config))
                             : prnn_fail(t->ctx, PRNN_ERROR_MEMORY, "not enough memory to compare networks");
    free(config);
    return status;
}

prnn_status prnn_run_compare(prnn_trainer *t) {
    prnn_setting list[PRNN_SETTINGS];
    char steps[32];
    prnn_status status = PRNN_OK;
    if (t->ranks == 1) {
        return PRNN_OK;
    }
    TRY(compare_network(t));
    size_t count = prnn_checkpoint_settings(t, list);
    for (size_t i = 0; i < count; i++) {
        TRY(prnn_ranks_compare(t->ctx, list[i].name, list[i].value));
    }
    snprintf(steps, sizeof steps, "%" PRIu64, t->table.steps);
    TRY(prnn_ranks_compare(t->ctx, "number of steps", steps));
    TRY(prnn_ranks_compare(t->ctx, "choice of --resume", t->options.resume ? "given" : "not given"));
    TRY(compare_hash(t, "model to begin with (hash of its weights)", t->model->weights->parameters,
                     t->parameters * sizeof(float)));
done:
    return status;
}

/* The block of rank 0, by way of the memory of the host. */
static prnn_status broadcast_block(prnn_trainer *t, prnn_block block) {
    size_t bytes = block.count * sizeof(float);
    float *copy = prnn_alloc(t->ctx, block.count, sizeof *copy, "the weights of rank 0");
    prnn_status status = copy ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(prnn_ranks_vote(t->ctx, status, NULL, 0));
    t->device->download(block, copy);
    TRY(prnn_ranks_broadcast(t->ctx, copy, bytes));
    t->device->upload(block, copy);
done:
    prnn_free(copy);
    return status;
}

prnn_status prnn_run_follow(prnn_trainer *t, bool *found) {
    prnn_named_block blocks[PRNN_BLOCKS];
    prnn_status status = PRNN_OK;
    if (t->ranks == 1) {
        return PRNN_OK;
    }
    TRY(prnn_ranks_broadcast(t->ctx, found, sizeof *found));
    if (!*found) {
        return PRNN_OK;
    }
    TRY(prnn_ranks_broadcast(t->ctx, &t->state, sizeof t->state));
    size_t count = prnn_checkpoint_blocks(t, blocks);
    for (size_t i = 0; i < count; i++) {
        TRY(broadcast_block(t, blocks[i].block));
    }
done:
    return status;
}

/* Ranks that train together: that all were asked for the same, and begin at the same point. */

#include "base/try.h"
#include "config/config.h"
#include "model/model.h"
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

/* Puts the entries of rank 0's model, each a key and a value, one after the other into `text`. */
static void write_entries(const prnn_metadata *m, char *text) {
    for (size_t i = 0; i < m->count; i++) {
        text = stpcpy(text, m->entries[i].key) + 1;
        text = stpcpy(text, m->entries[i].value) + 1;
    }
}

static prnn_status read_entries(prnn_trainer *t, const char *text, size_t bytes) {
    prnn_status status = PRNN_OK;
    prnn_model_clear_entries(t->model);
    for (const char *key = text; key < text + bytes && status == PRNN_OK;) {
        const char *value = key + strlen(key) + 1;
        status = prnn_model_set_entry(t->ctx, t->model, key, value);
        key = value + strlen(value) + 1;
    }
    return status;
}

/* What the model of the checkpoint says of itself. */
static prnn_status broadcast_metadata(prnn_trainer *t) {
    const prnn_metadata *m = &t->model->metadata;
    bool first = prnn_context_rank(t->ctx) == 0;
    size_t bytes = m->bytes + 2 * m->count;
    char *text = NULL;
    prnn_status status;
    TRY(prnn_ranks_broadcast(t->ctx, &bytes, sizeof bytes));
    text = prnn_alloc(t->ctx, bytes + 1, 1, "what the model says of itself");
    status = text ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(prnn_ranks_vote(t->ctx, status, NULL, 0));
    if (first) {
        write_entries(m, text);
    }
    TRY(prnn_ranks_broadcast(t->ctx, text, bytes));
    status = first ? PRNN_OK : read_entries(t, text, bytes);
    TRY(prnn_ranks_vote(t->ctx, status, NULL, 0));
done:
    prnn_free(text);
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
    TRY(broadcast_metadata(t));
    size_t count = prnn_checkpoint_blocks(t, blocks);
    for (size_t i = 0; i < count; i++) {
        TRY(broadcast_block(t, blocks[i].block));
    }
done:
    return status;
}

/* The metadata of a model, as its callers see them. */
#include "base/call.h"
#include "model/model.h"

#include <string.h>

/* What a file says in the same place of its own. */
static bool is_reserved(const char *key) {
    return strcmp(key, "format") == 0 || strcmp(key, "version") == 0 || strcmp(key, "config") == 0;
}

prnn_status prnn_model_set_entry(prnn_context *ctx, prnn_model *model, const char *key, const char *value) {
    return is_reserved(key)
               ? prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                           "the metadata \"%s\" are the model file's own: choose another key", key)
               : prnn_metadata_set(ctx, &model->metadata, key, value);
}

size_t prnn_model_metadata_count(const prnn_model *model) {
    return model->metadata.count;
}

const char *prnn_model_metadata_key(const prnn_model *model, size_t i) {
    return i < model->metadata.count ? model->metadata.entries[i].key : NULL;
}

const char *prnn_model_metadata(const prnn_model *model, const char *key) {
    return prnn_metadata_get(&model->metadata, key);
}

prnn_status prnn_model_set_metadata(prnn_context *ctx, prnn_model *model, const char *key,
                                    const char *value) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(key));
    if (value) {
        return prnn_model_set_entry(ctx, model, key, value);
    }
    prnn_metadata_remove(&model->metadata, key, true);
    return PRNN_OK;
}

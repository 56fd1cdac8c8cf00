/* The metadata of a model, as its callers see them. */
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "image/palette.h"
#include "model/model.h"

#include <string.h>

/* What a file says in the same place of its own. */
static bool is_reserved(const char *key) {
    return strcmp(key, "format") == 0 || strcmp(key, "version") == 0 || strcmp(key, "config") == 0;
}

static const char palette_key[] = "palette";

static prnn_status read_palette(prnn_context *ctx, const prnn_model *model, const char *text,
                                prnn_palette *palette) {
    const prnn_config *c = &model->network->plan.config;
    prnn_status status = prnn_palette_parse(ctx, "the palette", text, strlen(text), palette);
    if (status != PRNN_OK) {
        return PRNN_ERROR_ARGUMENT;
    }
    if (palette->count != c->levels || c->channels != 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a palette of %d colours is of as many levels of one channel, and the model has %d "
                         "levels of %d channel%s",
                         palette->count, c->levels, c->channels, prnn_plural((uint64_t)c->channels));
    }
    return PRNN_OK;
}

/* The text and its colours, both or neither. */
static prnn_status set_palette(prnn_context *ctx, prnn_model *model, const char *text) {
    prnn_palette *palette = prnn_alloc(ctx, 1, sizeof *palette, "a palette");
    prnn_status status = palette ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(status);
    TRY(read_palette(ctx, model, text, palette));
    TRY(prnn_metadata_set(ctx, &model->metadata, palette_key, text));
    if (model->palette) { /* whoever asked for it has its address */
        *model->palette = *palette;
    } else {
        model->palette = palette;
        palette = NULL;
    }
done:
    prnn_free(palette);
    return status;
}

prnn_status prnn_model_set_entry(prnn_context *ctx, prnn_model *model, const char *key, const char *value) {
    if (is_reserved(key)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the metadata \"%s\" are the model file's own: choose another key", key);
    }
    return strcmp(key, palette_key) == 0 ? set_palette(ctx, model, value)
                                         : prnn_metadata_set(ctx, &model->metadata, key, value);
}

prnn_status prnn_model_set_palette(prnn_context *ctx, prnn_model *model, const prnn_palette *palette) {
    char text[PRNN_PALETTE_TEXT];
    prnn_palette_format(palette, ' ', text);
    text[8 * palette->count - 1] = 0;
    return prnn_model_set_entry(ctx, model, palette_key, text);
}

static void remove_palette(prnn_model *model) {
    prnn_free(model->palette);
    model->palette = NULL;
}

void prnn_model_clear_entries(prnn_model *model) {
    prnn_metadata_free(&model->metadata);
    remove_palette(model);
}

const prnn_palette *prnn_model_palette(const prnn_model *model) {
    return model->palette;
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
    if (strcmp(key, palette_key) == 0) {
        remove_palette(model);
    }
    return PRNN_OK;
}

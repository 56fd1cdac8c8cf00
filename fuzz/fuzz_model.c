/* Model files: any bytes are refused with a sentence, or are a model that evaluates an image without harm. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { LARGEST_IMAGE = 64, LARGEST_WORK = 4096 }; /* pixels; pixels times layers */

static void evaluate(prnn_context *ctx, const prnn_model *model) {
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model_config(model, &c);
    size_t pixels = (size_t)c.height * (size_t)c.width;
    if (pixels > LARGEST_IMAGE || pixels * (size_t)c.layers > LARGEST_WORK) {
        return;
    }
    uint8_t image[LARGEST_IMAGE * 3];
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)(i * 7 % (size_t)c.levels);
    }
    double nats;
    if (prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL) != PRNN_OK) {
        abort();
    }
}

/* What a model says of itself stays within its limits, and can be asked for. */
static void look_up(const prnn_model *model) {
    size_t count = prnn_model_metadata_count(model);
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model_config(model, &c);
    for (size_t i = 0; i < count; i++) {
        const char *value = prnn_model_metadata(model, prnn_model_metadata_key(model, i));
        if (!value || strlen(value) > PRNN_METADATA_VALUE) {
            abort();
        }
    }
    const prnn_palette *palette = prnn_model_palette(model);
    if (count > PRNN_METADATA_ENTRIES || (palette && palette->count != c.levels)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    prnn_context *ctx = prnn_context_create();
    if (!ctx || prnn_context_set_threads(ctx, 1) != PRNN_OK) {
        abort();
    }
    prnn_safetensors *st;
    prnn_status status = prnn_safetensors_parse(ctx, "fuzz", bytes, size, &st);
    if (status == PRNN_OK) {
        prnn_model *model;
        status = prnn_model_from_safetensors(ctx, "fuzz", st, &model);
        if ((status == PRNN_OK) != (model != NULL)) {
            abort();
        }
        if (model) {
            look_up(model);
            evaluate(ctx, model);
        }
        prnn_model_free(model);
        prnn_safetensors_free(st);
    }
    if (status != PRNN_OK && strlen(prnn_message(ctx)) == 0) {
        abort();
    }
    prnn_context_free(ctx);
    return 0;
}

#include "config/config.h"

#include "base/try.h"
#include "safetensors/json.h"

#include <stdlib.h>
#include <string.h>

char *prnn_config_to_json(const prnn_config *c) {
    json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:i, s:i}", "kind",
                               prnn_kind_name(c->kind), "height", c->height, "width", c->width, "channels",
                               c->channels, "levels", c->levels, "layers", c->layers, "hidden", c->hidden,
                               "head", c->head, "residual", c->residual, "skip", c->skip, "condition_size",
                               c->condition_size, "condition_features", c->condition_features);
    bool complete = object != NULL;
    if (object && c->output != PRNN_SOFTMAX) {
        complete = json_object_set_new(object, "output", json_string(prnn_output_name(c->output))) == 0 &&
                   json_object_set_new(object, "components", json_integer(c->components)) == 0;
    }
    char *text = complete ? prnn_json_dump(object, 0) : NULL;
    json_decref(object);
    return text;
}

char *prnn_config_unlike(const char *one, const char *another) {
    json_error_t error;
    json_t *ours = prnn_json_load(one, strlen(one), &error);
    json_t *theirs = prnn_json_load(another, strlen(another), &error);
    const char *field;
    json_t *value;
    void *next;
    json_object_foreach_safe(ours, next, field, value) {
        if (json_equal(value, json_object_get(theirs, field))) {
            json_object_del(ours, field);
        }
    }
    char *text = json_is_object(ours) ? prnn_json_dump(ours, 0) : strdup(one);
    json_decref(ours);
    json_decref(theirs);
    return text;
}

static prnn_status read_int(prnn_context *ctx, const char *path, const json_t *object, const char *field,
                            bool needed, int *value) {
    const json_t *item = json_object_get(object, field);
    if (!item && !needed) {
        return PRNN_OK;
    }
    if (!item) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: config has no \"%s\"; it is not a complete pixelrnn model", path, field);
    }
    json_int_t number = json_integer_value(item);
    if (!json_is_integer(item) || number < INT32_MIN || number > INT32_MAX) {
        char *text = prnn_json_dump(item, JSON_ENCODE_ANY);
        prnn_status status =
            prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config.%s is %.60s; it must be a whole number", path,
                      field, text ? text : "something else");
        free(text);
        return status;
    }
    *value = (int)number;
    return PRNN_OK;
}

static prnn_status read_bool(prnn_context *ctx, const char *path, const json_t *object, const char *field,
                             bool *value) {
    const json_t *item = json_object_get(object, field);
    if (item && !json_is_boolean(item)) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config.%s must be true or false", path, field);
    }
    if (item) {
        *value = json_is_true(item);
    }
    return PRNN_OK;
}

static prnn_status read_output(prnn_context *ctx, const char *path, const json_t *object,
                               prnn_output *output) {
    const json_t *item = json_object_get(object, "output");
    if (item && !json_is_string(item)) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config.output must be \"softmax\" or \"logistics\"",
                         path);
    }
    if (item && prnn_output_from_name(ctx, json_string_value(item), output) != PRNN_OK) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config.output: %s", path, prnn_message(ctx));
    }
    return PRNN_OK;
}

static prnn_status read_kind(prnn_context *ctx, const char *path, const json_t *object, prnn_kind *kind) {
    const char *name = json_string_value(json_object_get(object, "kind"));
    if (!name) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: config has no \"kind\"; it is not a complete pixelrnn model", path);
    }
    return prnn_kind_from_name(ctx, name, kind) == PRNN_OK
               ? PRNN_OK
               : prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config.kind: %s", path, prnn_message(ctx));
}

static prnn_status read_config(prnn_context *ctx, const char *path, const json_t *object,
                               prnn_config *config) {
    prnn_config c = PRNN_CONFIG_INIT;
    const struct {
        const char *field;
        bool needed;
        int *value;
    } numbers[] = {
        {"height", true, &c.height},
        {"width", true, &c.width},
        {"channels", true, &c.channels},
        {"levels", true, &c.levels},
        {"layers", true, &c.layers},
        {"hidden", true, &c.hidden},
        {"head", true, &c.head},
        {"condition_size", false, &c.condition_size},
        {"condition_features", false, &c.condition_features},
        {"components", false, &c.components},
    };
    prnn_status status;
    TRY(read_kind(ctx, path, object, &c.kind));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        TRY(read_int(ctx, path, object, numbers[i].field, numbers[i].needed, numbers[i].value));
    }
    TRY(read_bool(ctx, path, object, "residual", &c.residual));
    TRY(read_bool(ctx, path, object, "skip", &c.skip));
    TRY(read_output(ctx, path, object, &c.output));
    if (prnn_config_check(ctx, &c) != PRNN_OK) {
        status = prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: config: %s", path, prnn_message(ctx));
    }
done:
    *config = c;
    return status;
}

prnn_status prnn_config_from_json(prnn_context *ctx, const char *path, const char *text,
                                  prnn_config *config) {
    json_error_t error;
    json_t *object = prnn_json_load(text, strlen(text), &error);
    if (!object && !*error.text) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to read its config", path);
    }
    if (!json_is_object(object)) {
        json_decref(object);
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its config is not a JSON object: %s", path, error.text);
    }
    prnn_status status = read_config(ctx, path, object, config);
    json_decref(object);
    return status;
}

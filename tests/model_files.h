/* What the tests of model files share: a context, a folder with one file, and good files to be spoilt. */
#ifndef TESTS_MODEL_FILES_H
#define TESTS_MODEL_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "model/model.h"

enum { SIDE = 3, TENSORS = 64 };

static prnn_context *ctx;
static char folder[] = "/tmp/prnn_test_model_XXXXXX";
static char path[128];

static inline int setup(void **state) {
    (void)state;
    ctx = prnn_context_create();
    if (!ctx || !mkdtemp(folder) || prnn_context_set_threads(ctx, 1) != PRNN_OK) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    prnn_context_free(ctx);
    return 0;
}

static inline prnn_config tiny(prnn_kind kind, int channels) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = c.width = SIDE;
    c.channels = channels;
    c.levels = channels == 1 ? 2 : 4;
    c.layers = 2;
    c.hidden = c.head = 3;
    c.skip = kind == PRNN_CNN;
    return c;
}

static inline prnn_model *make_model(prnn_kind kind, int channels) {
    prnn_config config = tiny(kind, channels);
    prnn_model *model;
    if (prnn_model_create(ctx, &config, 3, &model) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    return model;
}

/* ---------------------------------------------------------------------------- files in the making */

/* A good model file, to be spoilt. */
typedef struct parts {
    prnn_model *model;
    prnn_safetensors_entry entries[TENSORS];
    size_t count;
    const char *format, *version;
    char config[1024]; /* "": none */
} parts;

static inline parts good_parts(prnn_kind kind, int channels) {
    parts p = {.model = make_model(kind, channels), .format = "pixelrnn", .version = "1"};
    p.count = prnn_model_tensor_count(p.model);
    assert_true(p.count < TENSORS);
    for (size_t i = 0; i < p.count; i++) {
        prnn_tensor t = PRNN_TENSOR_INIT;
        prnn_model_tensor(p.model, i, &t);
        p.entries[i] = (prnn_safetensors_entry){
            .name = t.name, .dtype = PRNN_DTYPE_F32, .rank = t.rank, .data = t.values};
        for (int d = 0; d < t.rank; d++) {
            p.entries[i].shape[d] = (size_t)t.shape[d];
        }
    }
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(p.model, &config);
    char *text = prnn_config_to_json(&config);
    snprintf(p.config, sizeof p.config, "%s", text);
    free(text);
    return p;
}

/* Writes the parts and loads them. */
static inline prnn_status load_parts(const parts *p, prnn_model **model) {
    prnn_safetensors_pair metadata[3];
    size_t n = 0;
    if (p->format) {
        metadata[n++] = (prnn_safetensors_pair){"format", p->format};
    }
    if (p->version) {
        metadata[n++] = (prnn_safetensors_pair){"version", p->version};
    }
    if (p->config[0]) {
        metadata[n++] = (prnn_safetensors_pair){"config", p->config};
    }
    assert_int_equal(prnn_safetensors_write(ctx, path, p->entries, p->count, metadata, n), PRNN_OK);
    return prnn_model_load(ctx, path, model);
}

static inline void assert_says(const char *says) {
    const char *message = prnn_message(ctx);
    assert_null(strchr(message, '\n'));
    if (!*message || !strstr(message, says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, message);
    }
}

/* Refused with one sentence that begins with the file and holds `says`; the parts are done with. */
static inline void assert_refused(parts *p, const char *says) {
    prnn_model *model = p->model;
    assert_int_equal(load_parts(p, &model), PRNN_ERROR_FORMAT);
    assert_null(model);
    assert_ptr_equal(strstr(prnn_message(ctx), path), prnn_message(ctx));
    assert_says(says);
    prnn_model_free(p->model);
}

/* Replaces `from` by `to` in the config. */
static inline void edit_config(parts *p, const char *from, const char *to) {
    char old[sizeof p->config], *at;
    memcpy(old, p->config, sizeof old);
    at = strstr(old, from);
    if (!at) {
        fail_msg("%s is not in %s", from, old);
        abort();
    }
    snprintf(p->config, sizeof p->config, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
}

#endif

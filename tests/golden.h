/* Opens a golden case: a model, its images, and what is expected of them. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

static const char *const golden_names[] = {
    "row_binary",    "row_rgb_skip",    "diagonal_binary",      "diagonal_rgb",   "cnn_grey",
    "cnn_rgb_plain", "row_conditional", "diagonal_conditional", "cnn_conditional"};
enum { GOLDEN_CASES = sizeof golden_names / sizeof *golden_names };

typedef struct golden_case {
    prnn_context *ctx;
    prnn_model *model;
    prnn_safetensors *expect;
    const uint8_t *images;
    size_t count, image_bytes;
    prnn_config config;
} golden_case;

static inline golden_case golden_open(const char *name) {
    golden_case g = {.ctx = prnn_context_create(), .config = PRNN_CONFIG_INIT};
    char path[512];
    snprintf(path, sizeof path, PRNN_TEST_DATA "/%s.model.safetensors", name);
    if (prnn_model_load(g.ctx, path, &g.model) != PRNN_OK) {
        fail_msg("%s", prnn_message(g.ctx));
    }
    snprintf(path, sizeof path, PRNN_TEST_DATA "/%s.expect.safetensors", name);
    if (prnn_safetensors_read(g.ctx, path, &g.expect) != PRNN_OK) {
        fail_msg("%s", prnn_message(g.ctx));
    }
    const prnn_safetensors_entry *v = prnn_safetensors_find(g.expect, "v");
    prnn_model_config(g.model, &g.config);
    g.images = v->data;
    g.count = v->shape[0];
    g.image_bytes = v->count / g.count;
    return g;
}

static inline void golden_close(golden_case *g) {
    prnn_safetensors_free(g->expect);
    prnn_model_free(g->model);
    prnn_context_free(g->ctx);
}

/* ||own - expected|| / ||expected|| */
static inline double relative_error(const float *own, const double *expected, size_t n) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += (own[i] - expected[i]) * (own[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return size > 0 ? sqrt(difference / size) : sqrt(difference);
}

#endif

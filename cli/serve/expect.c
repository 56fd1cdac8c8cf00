#include "serve/expect.h"

#include <stdlib.h>
#include <string.h>

/* Of all images, value number `value`. */
static prnn_status put(const work *w, prnn_stepper *stepper, const uint8_t *images, size_t count,
                       size_t bytes, size_t value, uint8_t *levels) {
    for (size_t i = 0; i < count; i++) {
        levels[i] = images[i * bytes + value];
    }
    return prnn_stepper_put(w->ctx, stepper, levels);
}

static bool put_before(const work *w, prnn_stepper *stepper, const prnn_config *c, const uint8_t *images,
                       size_t count, int row, int column) {
    size_t channels = (size_t)c->channels, width = (size_t)c->width;
    size_t bytes = (size_t)c->height * width * channels;
    uint8_t *levels = work_allocate(w, count, 1);
    bool ok = levels != NULL;
    int r = 0, q = 0, k = 0;
    while (ok && prnn_stepper_next(stepper, &r, &q, &k) && (r < row || (r == row && q < column))) {
        size_t value = ((size_t)r * width + (size_t)q) * channels + (size_t)k;
        ok = work_goes_on(w, put(w, stepper, images, count, bytes, value, levels));
    }
    free(levels);
    return ok;
}

/* Images of the model as stage k has them. */
static uint8_t *shrink_all(const work *w, size_t k, const uint8_t *images, size_t count) {
    const served *s = w->model;
    size_t bytes = served_bytes(s, k), from = served_bytes(s, s->stages - 1);
    uint8_t *small = work_allocate(w, count, bytes);
    for (size_t i = 0; small && i < count; i++) {
        served_shrink(s, k, images + i * from, small + i * bytes);
    }
    return small;
}

bool expect_pixel(const work *w, size_t k, const uint8_t *images, size_t count, int row, int column,
                  prnn_stepper **stepper) {
    prnn_config c = served_stage(w->model, k);
    prnn_stepper_options options = PRNN_STEPPER_OPTIONS_INIT;
    uint8_t *own = shrink_all(w, k, images, count), *small = NULL;
    bool ok = own != NULL;
    *stepper = NULL;
    if (ok && k > 0) {
        small = shrink_all(w, k - 1, images, count);
        ok = small != NULL;
    }
    options.small = small;
    ok = ok && work_goes_on(w, prnn_stepper_create(w->ctx, prnn_chain_model(w->model->chain, k), count,
                                                   &options, stepper));
    ok = ok && put_before(w, *stepper, &c, own, count, row, column);
    free(own);
    free(small);
    return ok;
}

bool expect_values(const work *w, prnn_stepper *stepper, const prnn_config *c, const uint8_t *pixels,
                   size_t count, double *logs) {
    size_t channels = (size_t)c->channels, one = count * (size_t)c->levels;
    uint8_t *levels = work_allocate(w, count, 1);
    bool ok = levels != NULL;
    for (size_t k = 0; ok && k < channels; k++) {
        prnn_status status = prnn_stepper_log_probabilities(w->ctx, stepper, logs + k * one);
        if (status == PRNN_OK && k + 1 < channels) {
            status = put(w, stepper, pixels, count, channels, k, levels);
        }
        ok = work_goes_on(w, status);
    }
    free(levels);
    return ok;
}

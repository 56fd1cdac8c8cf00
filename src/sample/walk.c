#include "sample/walk.h"
#include "base/random.h"

#include <string.h>

prnn_region prnn_walk_place(const prnn_config *c, size_t value) {
    size_t channels = (size_t)c->channels, width = (size_t)c->width, pixel = value / channels;
    return (prnn_region){(int)(pixel / width), 1, (int)(pixel % width), 1, (int)(value % channels)};
}

prnn_walk prnn_walk_begin(const prnn_network *network, prnn_pass *pass, int n, uint8_t *images) {
    pass->images = n;
    prnn_pass_clear(pass);
    prnn_network_begin(network, pass);
    if (network->condition) {
        prnn_network_condition(network, pass, images, NULL);
    }
    return (prnn_walk){.network = network, .pass = pass, .images = images};
}

/* Values before `end` become input. */
static void feed(prnn_walk *walk, size_t end) {
    const prnn_config *c = &walk->network->plan.config;
    size_t bytes = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    for (; walk->fed < end; walk->fed++) {
        prnn_region at = prnn_walk_place(c, walk->fed);
        prnn_network_put_levels(walk->network, walk->pass, at.row, at.first, at.group,
                                walk->images + walk->fed, bytes);
    }
}

/* The rest of a pixel of which some colours went forward; nobody wants their logits. */
static void finish_pixel(prnn_walk *walk) {
    const prnn_config *c = &walk->network->plan.config;
    size_t channels = (size_t)c->channels;
    feed(walk, (walk->pixel + 1) * channels);
    for (; walk->groups < c->channels; walk->groups++) {
        prnn_network_forward(walk->network, walk->pass,
                             prnn_walk_place(c, walk->pixel * channels + (size_t)walk->groups));
    }
    walk->pixel++;
    walk->groups = 0;
}

void prnn_walk_to(prnn_walk *walk, size_t value) {
    const prnn_config *c = &walk->network->plan.config;
    size_t channels = (size_t)c->channels, width = (size_t)c->width, pixel = value / channels;
    if (walk->groups > 0 && walk->pixel < pixel) {
        finish_pixel(walk);
    }
    /* A stretch of pixels that are there goes through at once, and needs no head. */
    while (walk->pixel < pixel) {
        size_t left = width - walk->pixel % width, stretch = pixel - walk->pixel;
        stretch = stretch < left ? stretch : left;
        feed(walk, (walk->pixel + stretch) * channels);
        prnn_region at = prnn_walk_place(c, walk->pixel * channels);
        prnn_network_forward(walk->network, walk->pass, (prnn_region){at.row, 1, at.first, (int)stretch, -1});
        walk->pixel += stretch;
    }
    feed(walk, value);
    for (; (size_t)walk->groups <= value % channels; walk->groups++) {
        prnn_region at = prnn_walk_place(c, pixel * channels + (size_t)walk->groups);
        prnn_network_forward(walk->network, walk->pass, at);
        prnn_network_logits(walk->network, walk->pass, at);
    }
}

prnn_status prnn_draws_check(prnn_context *ctx, const prnn_draws *draws) {
    /* The kernels multiply by 1 / temperature, a float. */
    if (!(draws->temperature >= 1e-38 && draws->temperature <= 1e38)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "temperature is %g; it must be 1e-38 to 1e38 (1: the model)", draws->temperature);
    }
    return PRNN_OK;
}

uint64_t prnn_draw_index(const prnn_config *config, size_t value) {
    return (uint64_t)config->condition_size << 32 | value;
}

bool prnn_walk_draw(prnn_walk *walk, size_t value, const prnn_draws *draws) {
    const prnn_config *c = &walk->network->plan.config;
    prnn_region at = prnn_walk_place(c, value);
    size_t bytes = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    double uniforms[PRNN_WALK_MOST];
    for (int i = 0; i < walk->pass->images; i++) {
        uniforms[i] = prnn_random_uniform(draws->seed, PRNN_RANDOM_SAMPLE, draws->first + (uint64_t)i,
                                          prnn_draw_index(c, value));
    }
    prnn_walk_to(walk, value);
    return prnn_network_draw(walk->network, walk->pass, at.row, at.first, at.group, draws->temperature,
                             uniforms, walk->images + value, bytes);
}

void prnn_place_small(const prnn_config *c, const uint8_t *small, uint8_t *large) {
    size_t channels = (size_t)c->channels, size = (size_t)c->condition_size, width = (size_t)c->width;
    for (size_t row = 0; row < size; row++) {
        for (size_t col = 0; col < size; col++, small += channels) {
            size_t pixel = (row * width + col) * (width / size);
            memcpy(large + pixel * channels, small, channels);
        }
    }
}

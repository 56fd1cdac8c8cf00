#include "sample/generation.h"
#include "base/random.h"

#include <string.h>

prnn_place prnn_place_of(const prnn_config *c, size_t value) {
    size_t channels = (size_t)c->channels, width = (size_t)c->width, pixel = value / channels;
    return (prnn_place){(int)(pixel / width), (int)(pixel % width), (int)(value % channels)};
}

/* One colour of a pixel as a region. */
static prnn_region pixel_at(prnn_place at) {
    return (prnn_region){at.row, 1, at.col, 1, at.channel};
}

prnn_generation prnn_generation_begin(const prnn_network *network, prnn_pass *pass, int n, uint8_t *images) {
    pass->images = n;
    prnn_pass_clear(pass);
    prnn_network_begin(network, pass);
    if (network->condition) {
        prnn_network_condition(network, pass, images, NULL);
    }
    return (prnn_generation){.network = network, .pass = pass, .images = images};
}

/* Values before `end` become input. */
static void feed(prnn_generation *g, size_t end) {
    const prnn_config *c = &g->network->plan.config;
    size_t bytes = prnn_config_values(c);
    for (; g->fed < end; g->fed++) {
        prnn_place at = prnn_place_of(c, g->fed);
        prnn_network_put_levels(g->network, g->pass, at.row, at.col, at.channel, g->images + g->fed, bytes);
    }
}

/* The rest of a pixel of which some colours went forward; nobody wants their logits. */
static void finish_pixel(prnn_generation *g) {
    const prnn_config *c = &g->network->plan.config;
    size_t channels = (size_t)c->channels;
    feed(g, (g->pixel + 1) * channels);
    for (; g->groups < c->channels; g->groups++) {
        prnn_network_forward(g->network, g->pass,
                             pixel_at(prnn_place_of(c, g->pixel * channels + (size_t)g->groups)));
    }
    g->pixel++;
    g->groups = 0;
}

void prnn_generation_advance(prnn_generation *g, size_t value) {
    const prnn_config *c = &g->network->plan.config;
    size_t channels = (size_t)c->channels, width = (size_t)c->width, pixel = value / channels;
    if (g->groups > 0 && g->pixel < pixel) {
        finish_pixel(g);
    }
    /* A stretch of pixels that are there goes through at once, and needs no head. */
    while (g->pixel < pixel) {
        size_t left = width - g->pixel % width, stretch = pixel - g->pixel;
        stretch = stretch < left ? stretch : left;
        feed(g, (g->pixel + stretch) * channels);
        prnn_place at = prnn_place_of(c, g->pixel * channels);
        prnn_network_forward(g->network, g->pass, (prnn_region){at.row, 1, at.col, (int)stretch, -1});
        g->pixel += stretch;
    }
    feed(g, value);
    for (; (size_t)g->groups <= value % channels; g->groups++) {
        prnn_region at = pixel_at(prnn_place_of(c, pixel * channels + (size_t)g->groups));
        prnn_network_forward(g->network, g->pass, at);
        prnn_network_logits(g->network, g->pass, at);
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

bool prnn_generation_draw(prnn_generation *g, size_t value, const prnn_draws *draws) {
    const prnn_config *c = &g->network->plan.config;
    prnn_place at = prnn_place_of(c, value);
    size_t bytes = prnn_config_values(c);
    double uniforms[PRNN_GENERATION_MOST];
    for (int i = 0; i < g->pass->images; i++) {
        uniforms[i] = prnn_random_uniform(draws->seed, PRNN_RANDOM_SAMPLE, draws->first + (uint64_t)i,
                                          prnn_draw_index(c, value));
    }
    prnn_generation_advance(g, value);
    return prnn_network_draw(g->network, g->pass, at.row, at.col, at.channel, draws->temperature, uniforms,
                             g->images + value, bytes);
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

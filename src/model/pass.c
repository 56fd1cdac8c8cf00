/* The passes of a network: forward by regions, whole batches forward, and the backward pass. */

#include "model/network.h"

#include <string.h>

/* ------------------------------------------------------------------------------------- forward */

void prnn_network_begin(const prnn_network *net, const prnn_pass *pass) {
    prnn_map_clear_margins(pass, net->values);
    for (int l = 0; l <= net->plan.config.layers; l++) {
        prnn_map_clear_margins(pass, net->stream[l]);
    }
    for (int l = 0; l < net->plan.config.layers; l++) {
        net->kind->begin(net->layers[l], pass);
    }
    if (net->condition) {
        prnn_upsampler_begin(net->condition, pass);
    }
}

void prnn_network_condition(const prnn_network *net, prnn_pass *pass, const uint8_t *images,
                            const uint8_t *small) {
    const prnn_config *c = &net->plan.config;
    int size = c->condition_size, step = small ? 1 : c->width / size, side = small ? size : c->width;
    prnn_pass_show(pass, (prnn_pictures){small ? small : images, side, side, c->channels, NULL});
    prnn_map_load(pass, net->condition->small, net->scaled, (prnn_region){0, size, 0, size, -1}, step);
    prnn_upsampler_forward(net->condition, pass);
}

bool prnn_network_is_given(const prnn_network *net, int row, int col) {
    const prnn_config *c = &net->plan.config;
    int step = c->condition_size ? c->height / c->condition_size : 0;
    return step && row % step == 0 && col % step == 0;
}

void prnn_network_put_levels(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                             const uint8_t *levels, size_t distance) {
    prnn_map_put(pass, net->values, net->scaled, row, col, c, levels, distance);
}

bool prnn_network_draw(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                       double temperature, const double *uniforms, uint8_t *levels, size_t distance) {
    prnn_draw draw = {row, col, c, temperature, uniforms, levels, distance};
    return prnn_head_draw(pass, &net->head, net->logits, &draw);
}

void prnn_network_read_logits(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                              float *logits, size_t distance) {
    prnn_region pixel = {row, 1, col, 1, -1};
    prnn_head_read_logits(pass, &net->head, net->logits, pixel, c, logits, distance);
}

void prnn_network_forward(const prnn_network *net, const prnn_pass *pass, prnn_region region) {
    int layers = net->plan.config.layers;
    prnn_product_run(pass, net->input_of, region, net->stream[0], NULL, false);
    for (int l = 0; l < layers; l++) {
        net->kind->forward(net->layers[l], pass, region);
        if (net->total && l < layers - 1) {
            prnn_product_run(pass, net->skip_of[l], region, net->total, l ? net->total : NULL, false);
        }
    }
}

void prnn_network_logits(const prnn_network *net, const prnn_pass *pass, prnn_region region) {
    const prnn_map *x = net->stream[net->plan.config.layers], *in = net->head_map[0];
    if (net->total) {
        prnn_map_add(pass, region, x, net->total, in);
        x = in;
    }
    prnn_map_relu(pass, region, x, in);
    prnn_product_run(pass, net->head_of[0], region, net->head_map[1], NULL, true);
    prnn_product_run(pass, net->head_of[1], region, net->head_map[2], NULL, true);
    prnn_product_run(pass, net->head_of[2], region, net->logits, NULL, false);
}

/* ------------------------------------------------------------------------------- whole batches */

/* The block of rows that begins at `row`. */
static prnn_region block_at(const prnn_network *net, int row) {
    int left = net->plan.config.height - row, rows = net->plan.block_rows;
    return (prnn_region){row, left < rows ? left : rows, 0, net->plan.config.width, -1};
}

prnn_batch prnn_batch_part(const prnn_network *net, const prnn_batch *batch, size_t first, int n) {
    const prnn_config *c = &net->plan.config;
    size_t image = prnn_config_values(c);
    size_t small = prnn_config_small_values(c);
    prnn_batch part = *batch;
    part.images += first * image;
    part.small = batch->small ? batch->small + first * small : NULL;
    part.soft = batch->soft ? batch->soft + first * prnn_network_soft(net) : NULL;
    part.n = n;
    part.dropout.first += (uint32_t)first;
    return part;
}

/* A new batch: nothing is known of it yet but the small images. */
static void begin_batch(const prnn_network *net, prnn_pass *pass, const prnn_batch *batch) {
    const prnn_config *c = &net->plan.config;
    pass->images = batch->n;
    prnn_network_begin(net, pass);
    if (net->condition) {
        prnn_network_condition(net, pass, batch->images, batch->small);
    }
    prnn_pass_show(pass, (prnn_pictures){batch->images, c->height, c->width, c->channels, batch->soft});
}

static void forward_block(const prnn_network *net, const prnn_pass *pass, prnn_region block) {
    prnn_map_load(pass, net->values, net->scaled, block, 1);
    prnn_network_forward(net, pass, block);
}

/* Distance of the pixels that the small image gives, where they do not count; 0: all count. */
static int given_step(const prnn_network *net, const prnn_batch *batch) {
    const prnn_config *c = &net->plan.config;
    return batch->new_only && c->condition_size ? c->height / c->condition_size : 0;
}

/* Of the values of a row of an image, from their logits; nothing is expected of what is given. */
static void expect_values(const prnn_network *net, const prnn_outputs *to, int given, int row,
                          const float *logits, size_t at) {
    size_t channels = (size_t)net->plan.config.channels, n = (size_t)net->plan.config.width * channels;
    bool some_given = given && row % given == 0;
    for (size_t i = 0; i < n; i++, logits += net->head.per_value) {
        prnn_information x = {0, 0};
        if (!some_given || i / channels % (size_t)given) {
            x = net->head.kind->information(to->kernels, &net->head, logits);
        }
        if (to->entropies) {
            to->entropies[at + i] = (float)x.entropy;
        }
        if (to->variances) {
            to->variances[at + i] = (float)x.variance;
        }
    }
}

/* By rows, so that no more than one of them is held as logits. */
static void expect_block(const prnn_network *net, const prnn_pass *pass, prnn_region block, int given,
                         const prnn_outputs *to) {
    const prnn_config *c = &net->plan.config;
    size_t values = (size_t)c->width * (size_t)c->channels, logits = values * (size_t)net->head.per_value;
    for (int row = block.row; row < block.row + block.rows; row++) {
        prnn_region line = {row, 1, 0, c->width, -1};
        prnn_head_read_logits(pass, &net->head, net->logits, line, -1, to->row, logits);
        for (size_t i = 0; i < (size_t)pass->images; i++) {
            expect_values(net, to, given, row, to->row + i * logits,
                          (i * (size_t)c->height + (size_t)row) * values);
        }
    }
}

void prnn_network_walk(const prnn_network *net, prnn_pass *pass, const prnn_batch *batch,
                       prnn_rows_ready ready, void *arg) {
    begin_batch(net, pass, batch);
    for (int first = 0; first < net->plan.config.height; first += net->plan.block_rows) {
        prnn_region block = block_at(net, first);
        forward_block(net, pass, block);
        prnn_network_logits(net, pass, block);
        ready(arg, pass, block);
    }
}

typedef struct evaluation {
    const prnn_network *network;
    prnn_score score;
    const prnn_outputs *to;
} evaluation;

static void evaluate_rows(void *arg, const prnn_pass *pass, prnn_region rows) {
    const evaluation *e = arg;
    const prnn_network *net = e->network;
    const prnn_config *c = &net->plan.config;
    size_t row = (size_t)c->width * (size_t)c->channels * (size_t)net->head.per_value;
    if (e->to->logits) {
        prnn_head_read_logits(pass, &net->head, net->logits, rows, -1, e->to->logits + (size_t)rows.row * row,
                              (size_t)c->height * row);
    }
    if (e->to->row) {
        expect_block(net, pass, rows, e->score.given, e->to);
    }
    prnn_head_nll(pass, &net->head, net->logits, rows, &e->score);
}

void prnn_network_evaluate(const prnn_network *net, prnn_pass *pass, const prnn_batch *batch,
                           const prnn_outputs *to) {
    evaluation e = {net, {.given = given_step(net, batch), .nats = to->nats, .values = to->values}, to};
    memset(to->nats, 0, (size_t)batch->n * sizeof *to->nats);
    prnn_network_walk(net, pass, batch, evaluate_rows, &e);
}

/* ------------------------------------------------------------------------------------ backward */

/* From the gradient by the logits of some rows to that by the head's input, in dhead_map[0]. */
static void head_backward(const prnn_network *net, const prnn_pass *pass, prnn_region rows) {
    for (int i = 2; i >= 0; i--) {
        prnn_product_gradient(pass, net->head_of[i], rows, i < 2 ? net->dhead_map[i + 1] : net->logits);
        prnn_product_run(pass, net->dhead_of[i], rows, net->dhead_map[i], NULL, false);
        prnn_map_relu_gradient(pass, rows, net->head_map[i], net->dhead_map[i]);
    }
}

static void backward(const prnn_network *net, const prnn_pass *pass, prnn_region rows) {
    int layers = net->plan.config.layers;
    head_backward(net, pass, rows);
    prnn_map_copy(pass, rows, net->dhead_map[0], net->dstream[layers]);
    for (int l = layers - 1; l >= 0; l--) {
        net->kind->backward(net->layers[l], pass, rows);
        if (net->total && l > 0) {
            prnn_product_gradient(pass, net->skip_of[l - 1], rows, net->dhead_map[0]);
            prnn_product_run(pass, net->dskip_of[l - 1], rows, net->dstream[l], net->dstream[l], false);
        }
    }
    prnn_product_gradient(pass, net->input_of, rows, net->dstream[0]);
}

void prnn_network_gradient(const prnn_network *net, prnn_pass *pass, const prnn_batch *batch, float scale,
                           double *nats) {
    const prnn_config *c = &net->plan.config;
    prnn_score score = {.scale = scale, .given = given_step(net, batch), .nats = nats};
    int rows = net->plan.block_rows;
    pass->dropout = batch->dropout;
    memset(nats, 0, (size_t)batch->n * sizeof *nats);
    begin_batch(net, pass, batch);
    for (int row = 0; row < c->height; row += rows) {
        forward_block(net, pass, block_at(net, row));
    }
    for (int l = 0; l < c->layers; l++) {
        net->kind->begin_backward(net->layers[l], pass);
    }
    if (net->condition) {
        prnn_upsampler_begin_backward(net->condition, pass);
    }
    pass->sum_rows = net->plan.sum_rows;
    for (int first = (c->height - 1) / rows * rows; first >= 0; first -= rows) {
        prnn_region block = block_at(net, first);
        prnn_network_logits(net, pass, block);
        prnn_head_nll(pass, &net->head, net->logits, block, &score);
        backward(net, pass, block);
    }
    pass->sum_rows = 0;
    if (net->condition) {
        prnn_upsampler_backward(net->condition, pass);
    }
}

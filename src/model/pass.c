/* The passes of a network: forward by regions, whole batches forward, and the way back. */

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

void prnn_network_condition(const prnn_network *net, const prnn_pass *pass, const uint8_t *images,
                            const uint8_t *small) {
    const prnn_config *c = &net->plan.config;
    size_t channels = (size_t)c->channels, size = (size_t)c->condition_size;
    /* Pixels of the small image are `step` apart in a picture of width x width. */
    size_t width = small ? size : (size_t)c->width, step = width / size;
    const uint8_t *picture = small ? small : images;
    for (int i = 0; i < pass->images; i++, picture += width * width * channels) {
        for (size_t row = 0; row < size; row++) {
            for (size_t col = 0; col < size; col++) {
                const uint8_t *from = picture + (row * width + col) * step * channels;
                float *to = prnn_map_at(pass, net->condition->small, (int)row, (int)col) +
                            i * net->condition->small->stride;
                for (size_t k = 0; k < channels; k++) {
                    to[k] = net->scaled[from[k]];
                }
            }
        }
    }
    prnn_upsampler_forward(net->condition, pass);
}

bool prnn_network_is_given(const prnn_network *net, int row, int col) {
    const prnn_config *c = &net->plan.config;
    int step = c->condition_size ? c->height / c->condition_size : 0;
    return step && row % step == 0 && col % step == 0;
}

void prnn_network_set_value(const prnn_network *net, const prnn_pass *pass, int image, int row, int col,
                            int c, int v) {
    float *pixel = prnn_map_at(pass, net->values, row, col);
    pixel[image * net->values->stride + c] = net->scaled[v];
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

/* ------------------------------------------------------------------------------ value by value */

void prnn_network_put_levels(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                             const uint8_t *levels, size_t stride) {
    for (int i = 0; i < pass->images; i++) {
        prnn_network_set_value(net, pass, i, row, col, c, levels[(size_t)i * stride]);
    }
}

bool prnn_network_draw(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                       double temperature, const double *uniforms, uint8_t *levels, size_t stride) {
    const float *logits = prnn_map_at(pass, net->logits, row, col);
    bool finite = true;
    for (int i = 0; i < pass->images; i++, logits += net->logits->stride) {
        int level = net->head->draw(pass->kernels, net->logit_features, net->plan.config.levels, logits, c,
                                    temperature, uniforms[i]);
        finite = finite && level >= 0;
        levels[(size_t)i * stride] = (uint8_t)(level < 0 ? 0 : level);
    }
    return finite;
}

void prnn_network_read_logits(const prnn_network *net, const prnn_pass *pass, int row, int col, int c,
                              float *logits, size_t stride) {
    const prnn_config *config = &net->plan.config;
    prnn_features f = net->logit_features;
    int per_value = net->head->logits_per_value(config), first = c < 0 ? 0 : c * per_value;
    int count = c < 0 ? config->channels * per_value : per_value;
    const float *from = prnn_map_at(pass, net->logits, row, col);
    for (int i = 0; i < pass->images; i++, from += net->logits->stride, logits += stride) {
        for (int n = 0; n < count; n++) {
            logits[n] = from[prnn_features_column(f, first + n)];
        }
    }
}

/* ------------------------------------------------------------------------------- whole batches */

/* The block of rows that begins at `row`. */
static prnn_region block_at(const prnn_network *net, int row) {
    int left = net->plan.config.height - row, rows = net->plan.block_rows;
    return (prnn_region){row, left < rows ? left : rows, 0, net->plan.config.width, -1};
}

/* Levels of a row, (W, n, C), in the memory of a worker. */
static uint8_t *levels_at(const prnn_network *net, const prnn_worker *worker, int row) {
    const prnn_config *c = &net->plan.config;
    size_t line = (size_t)c->width * (size_t)worker->pass.images * (size_t)c->channels;
    return worker->levels + (size_t)(row % net->plan.block_rows) * line;
}

/* Levels of one row of n images (n, H, W, C) in the order of a map, (W, n, C), and into the input. */
static void load_row(const prnn_network *net, const prnn_worker *worker, const uint8_t *images, int row) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    size_t pixel = (size_t)c->channels, line = (size_t)c->width * pixel, image = (size_t)c->height * line;
    uint8_t *levels = levels_at(net, worker, row);
    for (int col = 0; col < c->width; col++) {
        for (int i = 0; i < pass->images; i++) {
            const uint8_t *from = images + (size_t)i * image + (size_t)row * line + (size_t)col * pixel;
            memcpy(levels + ((size_t)col * (size_t)pass->images + (size_t)i) * pixel, from, pixel);
            for (int k = 0; k < c->channels; k++) {
                prnn_network_set_value(net, pass, i, row, col, k, from[k]);
            }
        }
    }
}

static void load_rows(const prnn_network *net, const prnn_worker *worker, const uint8_t *images,
                      prnn_region rows) {
    for (int row = rows.row; row < rows.row + rows.rows; row++) {
        load_row(net, worker, images, row);
    }
}

/* What the small image gives costs nothing, and has no gradient. */
static void forget_given(const prnn_network *net, const prnn_worker *worker, int row) {
    const prnn_config *c = &net->plan.config;
    size_t numbers = (size_t)worker->pass.images * (size_t)c->channels;
    for (int col = 0; col < c->width; col++) {
        if (prnn_network_is_given(net, row, col)) {
            memset(worker->nats + (size_t)col * numbers, 0, numbers * sizeof *worker->nats);
            memset(prnn_map_at(&worker->pass, net->logits, row, col), 0,
                   prnn_map_floats(&worker->pass, net->logits, 1) * sizeof(float));
        }
    }
}

/* Likelihood of the row whose logits are there; with scale != 0 they become gradients. */
static void row_nll(const prnn_network *net, const prnn_worker *worker, const prnn_batch *batch, int row,
                    float scale, double *nats) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    size_t positions = (size_t)c->width * (size_t)pass->images, pixel = (size_t)c->channels;
    net->head->nll(pass->kernels, net->logit_features, c->levels, prnn_map_at(pass, net->logits, row, 0),
                   positions, levels_at(net, worker, row), scale, worker->nats);
    if (batch->new_only) {
        forget_given(net, worker, row);
    }
    for (size_t m = 0; m < positions; m++) {
        for (size_t k = 0; k < pixel; k++) {
            nats[m % (size_t)pass->images] += (double)worker->nats[m * pixel + k];
        }
    }
}

static void copy_row_values(const prnn_network *net, const prnn_worker *worker, int row, float *values) {
    const prnn_config *c = &net->plan.config;
    size_t pixel = (size_t)c->channels, images = (size_t)worker->pass.images;
    for (size_t i = 0; i < images; i++) {
        for (size_t col = 0; col < (size_t)c->width; col++) {
            size_t at = ((i * (size_t)c->height + (size_t)row) * (size_t)c->width + col) * pixel;
            memcpy(values + at, worker->nats + (col * images + i) * pixel, pixel * sizeof *values);
        }
    }
}

static void copy_row_logits(const prnn_network *net, const prnn_worker *worker, int row, float *logits) {
    const prnn_config *c = &net->plan.config;
    size_t numbers = (size_t)c->channels * (size_t)net->head->logits_per_value(c);
    size_t line = (size_t)c->width * numbers;
    for (int col = 0; col < c->width; col++) {
        prnn_network_read_logits(net, &worker->pass, row, col, -1,
                                 logits + (size_t)row * line + (size_t)col * numbers,
                                 (size_t)c->height * line);
    }
}

prnn_batch prnn_batch_part(const prnn_config *c, const prnn_batch *batch, size_t first, int n) {
    size_t image = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    size_t small = (size_t)c->condition_size * (size_t)c->condition_size * (size_t)c->channels;
    prnn_batch part = *batch;
    part.images += first * image;
    part.small = batch->small ? batch->small + first * small : NULL;
    part.n = n;
    return part;
}

/* A new batch: nothing is known of it yet but the small images. */
static void begin_batch(const prnn_network *net, prnn_worker *worker, const prnn_batch *batch, double *nats) {
    worker->pass.images = batch->n;
    memset(nats, 0, (size_t)batch->n * sizeof *nats);
    prnn_network_begin(net, &worker->pass);
    if (net->condition) {
        prnn_network_condition(net, &worker->pass, batch->images, batch->small);
    }
}

void prnn_network_evaluate(const prnn_network *net, prnn_worker *worker, const prnn_batch *batch,
                           double *nats, float *values, float *logits) {
    const prnn_config *c = &net->plan.config;
    begin_batch(net, worker, batch, nats);
    for (int first = 0; first < c->height; first += net->plan.block_rows) {
        prnn_region block = block_at(net, first);
        load_rows(net, worker, batch->images, block);
        prnn_network_forward(net, &worker->pass, block);
        prnn_network_logits(net, &worker->pass, block);
        for (int row = first; row < first + block.rows; row++) {
            if (logits) {
                copy_row_logits(net, worker, row, logits);
            }
            row_nll(net, worker, batch, row, 0, nats);
            if (values) {
                copy_row_values(net, worker, row, values);
            }
        }
    }
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

void prnn_network_gradient(const prnn_network *net, prnn_worker *worker, const prnn_batch *batch, float scale,
                           double *nats) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    begin_batch(net, worker, batch, nats);
    for (int row = 0; row < c->height; row += net->plan.block_rows) {
        load_rows(net, worker, batch->images, block_at(net, row));
        prnn_network_forward(net, pass, block_at(net, row));
    }
    for (int l = 0; l < c->layers; l++) {
        net->kind->begin_backward(net->layers[l], pass);
    }
    if (net->condition) {
        prnn_upsampler_begin_backward(net->condition, pass);
    }
    int rows = net->plan.block_rows;
    for (int first = (c->height - 1) / rows * rows; first >= 0; first -= rows) {
        prnn_region block = block_at(net, first);
        load_rows(net, worker, batch->images, block);
        prnn_network_logits(net, pass, block);
        for (int row = first; row < first + block.rows; row++) {
            row_nll(net, worker, batch, row, scale, nats);
        }
        backward(net, pass, block);
    }
    if (net->condition) {
        prnn_upsampler_backward(net->condition, pass);
    }
}

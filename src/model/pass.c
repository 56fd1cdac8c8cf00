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
}

void prnn_network_set_value(const prnn_network *net, const prnn_pass *pass, int image, int row, int col,
                            int c, int v) {
    float *pixel = prnn_map_at(pass, net->values, row, col);
    pixel[image * net->values->stride + c] = (float)v * (2.0f / (float)(net->plan.config.levels - 1)) - 1.0f;
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
    const prnn_map *last = net->stream[net->plan.config.layers], *in = net->head_map[0];
    size_t floats = prnn_map_floats(pass, in, region.count);
    float *head_in = prnn_map_at(pass, in, region.row, region.first);
    const float *x = prnn_map_at(pass, last, region.row, region.first);
    if (net->total) {
        pass->kernels->add(floats, x, prnn_map_at(pass, net->total, region.row, region.first), head_in);
        x = head_in;
    }
    pass->kernels->relu(floats, x, head_in);
    prnn_product_run(pass, net->head_of[0], region, net->head_map[1], NULL, true);
    prnn_product_run(pass, net->head_of[1], region, net->head_map[2], NULL, true);
    prnn_product_run(pass, net->head_of[2], region, net->logits, NULL, false);
}

/* Levels of one row of n images (n, H, W, C) in the order of a map, (W, n, C), and into the input. */
static void load_row(const prnn_network *net, const prnn_worker *worker, const uint8_t *images, int row) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    size_t pixel = (size_t)c->channels, line = (size_t)c->width * pixel, image = (size_t)c->height * line;
    for (int col = 0; col < c->width; col++) {
        for (int i = 0; i < pass->images; i++) {
            const uint8_t *from = images + (size_t)i * image + (size_t)row * line + (size_t)col * pixel;
            memcpy(worker->row + ((size_t)col * (size_t)pass->images + (size_t)i) * pixel, from, pixel);
            for (int k = 0; k < c->channels; k++) {
                prnn_network_set_value(net, pass, i, row, col, k, from[k]);
            }
        }
    }
}

/* Likelihood of the row whose logits are there; with scale != 0 they become gradients. */
static void row_nll(const prnn_network *net, const prnn_worker *worker, int row, float scale, double *nats) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    size_t positions = (size_t)c->width * (size_t)pass->images, pixel = (size_t)c->channels;
    net->head->nll(pass->kernels, net->logit_features, c->levels, prnn_map_at(pass, net->logits, row, 0),
                   positions, worker->row, scale, worker->nats);
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
    prnn_features f = net->logit_features;
    size_t numbers = (size_t)c->channels * (size_t)net->head->logits_per_value(c);
    for (int col = 0; col < c->width; col++) {
        for (int i = 0; i < worker->pass.images; i++) {
            const float *from = prnn_map_at(&worker->pass, net->logits, row, col) + i * net->logits->stride;
            size_t at = ((size_t)i * (size_t)c->height + (size_t)row) * (size_t)c->width + (size_t)col;
            for (int column = 0; column < prnn_features_width(f); column++) {
                int number = prnn_features_number(f, column);
                if (number >= 0) {
                    logits[at * numbers + (size_t)number] = from[column];
                }
            }
        }
    }
}

void prnn_network_evaluate(const prnn_network *net, prnn_worker *worker, const uint8_t *images, int n,
                           double *nats, float *values, float *logits) {
    const prnn_config *c = &net->plan.config;
    worker->pass.images = n;
    memset(nats, 0, (size_t)n * sizeof *nats);
    prnn_network_begin(net, &worker->pass);
    for (int row = 0; row < c->height; row++) {
        prnn_region whole = {row, 0, c->width, -1};
        load_row(net, worker, images, row);
        prnn_network_forward(net, &worker->pass, whole);
        prnn_network_logits(net, &worker->pass, whole);
        if (logits) {
            copy_row_logits(net, worker, row, logits);
        }
        row_nll(net, worker, row, 0, nats);
        if (values) {
            copy_row_values(net, worker, row, values);
        }
    }
}

/* ------------------------------------------------------------------------------------ backward */

/* From the gradient by the logits of a row to that by the head's input, in dhead_map[0]. */
static void head_backward(const prnn_network *net, const prnn_pass *pass, int row) {
    prnn_region whole = {row, 0, net->logits->width, -1};
    for (int i = 2; i >= 0; i--) {
        prnn_product_gradient(pass, net->head_of[i], whole, i < 2 ? net->dhead_map[i + 1] : net->logits);
        prnn_product_run(pass, net->dhead_of[i], whole, net->dhead_map[i], NULL, false);
        prnn_map_relu_gradient(pass, row, net->head_map[i], net->dhead_map[i]);
    }
}

static void backward(const prnn_network *net, const prnn_pass *pass, int row) {
    int layers = net->plan.config.layers;
    prnn_region whole = {row, 0, net->logits->width, -1};
    head_backward(net, pass, row);
    memcpy(prnn_map_at(pass, net->dstream[layers], row, 0), prnn_map_at(pass, net->dhead_map[0], row, 0),
           prnn_map_floats(pass, net->dhead_map[0], whole.count) * sizeof(float));
    for (int l = layers - 1; l >= 0; l--) {
        net->kind->backward(net->layers[l], pass, row);
        if (net->total && l > 0) {
            prnn_product_gradient(pass, net->skip_of[l - 1], whole, net->dhead_map[0]);
            prnn_product_run(pass, net->dskip_of[l - 1], whole, net->dstream[l], net->dstream[l], false);
        }
    }
    prnn_product_gradient(pass, net->input_of, whole, net->dstream[0]);
}

void prnn_network_gradient(const prnn_network *net, prnn_worker *worker, const uint8_t *images, int n,
                           float scale, double *nats) {
    const prnn_config *c = &net->plan.config;
    const prnn_pass *pass = &worker->pass;
    worker->pass.images = n;
    memset(nats, 0, (size_t)n * sizeof *nats);
    prnn_network_begin(net, pass);
    for (int row = 0; row < c->height; row++) {
        load_row(net, worker, images, row);
        prnn_network_forward(net, pass, (prnn_region){row, 0, c->width, -1});
    }
    for (int l = 0; l < c->layers; l++) {
        net->kind->begin_backward(net->layers[l], pass);
    }
    for (int row = c->height - 1; row >= 0; row--) {
        load_row(net, worker, images, row);
        prnn_network_logits(net, pass, (prnn_region){row, 0, c->width, -1});
        row_nll(net, worker, row, scale, nats);
        backward(net, pass, row);
    }
}

#include "model/network.h"

#include "base/try.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- plan */

static void plan_layers(prnn_network *net, prnn_features stream) {
    prnn_plan *p = &net->plan;
    int layers = p->config.layers;
    net->stream = prnn_plan_alloc(p, (size_t)layers + 1, sizeof *net->stream);
    net->dstream = prnn_plan_alloc(p, (size_t)layers + 1, sizeof *net->dstream);
    net->layers = prnn_plan_alloc(p, (size_t)layers, sizeof *net->layers);
    if (p->status != PRNN_OK) {
        return;
    }
    for (int l = 0; l <= layers; l++) {
        net->stream[l] =
            prnn_plan_map(p, stream.stride, PRNN_KEEP_FORWARD, net->kind->top, net->kind->left, 0);
        net->dstream[l] = p->training ? prnn_plan_map(p, stream.stride, PRNN_KEEP_WINDOW, 0, 0, 0) : NULL;
    }
    for (int l = 0; l < layers && p->status == PRNN_OK; l++) {
        char name[32];
        snprintf(name, sizeof name, "layers.%d", l);
        prnn_layer_io io = {net->stream[l],
                            net->stream[l + 1],
                            net->dstream[l],
                            net->dstream[l + 1],
                            p->config.residual,
                            net->condition,
                            l};
        net->layers[l] = net->kind->plan(p, name, io);
    }
}

static void plan_skips(prnn_network *net, prnn_features stream) {
    prnn_plan *p = &net->plan;
    int skips = p->config.layers - 1;
    net->skip_of = prnn_plan_alloc(p, (size_t)skips, sizeof *net->skip_of);
    net->dskip_of = prnn_plan_alloc(p, (size_t)skips, sizeof *net->dskip_of);
    net->total = prnn_plan_map(p, stream.stride, PRNN_KEEP_FORWARD, 0, 0, 0);
    for (int l = 0; l < skips && p->status == PRNN_OK; l++) {
        char name[32];
        snprintf(name, sizeof name, "layers.%d.skip", l);
        prnn_conv conv =
            prnn_conv_plan(p, name, PRNN_MASK_B, stream, stream, 1, 1, PRNN_BIAS_ZERO, 1.0 / (skips + 1));
        net->skip_of[l] = prnn_plan_product(p, 1, &(prnn_term){&conv, net->stream[l + 1]});
        net->dskip_of[l] = prnn_plan_transposed(p, 1, &(prnn_term){&conv, net->dhead_map[0]});
    }
}

static void plan_head_maps(prnn_network *net, const prnn_features *features) {
    prnn_plan *p = &net->plan;
    for (int i = 0; i < 3; i++) {
        int width = prnn_features_width(features[i]);
        net->head_map[i] = prnn_plan_map(p, width, PRNN_KEEP_WINDOW, 0, 0, 0);
        net->dhead_map[i] = p->training ? prnn_plan_map(p, width, PRNN_KEEP_WINDOW, 0, 0, 0) : NULL;
    }
    net->logits = prnn_plan_map(p, prnn_features_width(features[3]), PRNN_KEEP_WINDOW, 0, 0, 0);
    if (!p->training) { /* else products read the gradient that takes their place */
        prnn_plan_exact(net->logits);
    }
}

static void plan_head(prnn_network *net, const prnn_features *features) {
    prnn_plan *p = &net->plan;
    for (int i = 0; i < 3 && p->status == PRNN_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "head.%d", i);
        /* The logits begin at zero, so that every level is equally likely. */
        double gain = i < 2 ? 1.4142135623730951 : 0;
        prnn_conv conv =
            prnn_conv_plan(p, name, PRNN_MASK_B, features[i], features[i + 1], 1, 1, PRNN_BIAS_ZERO, gain);
        net->head_of[i] = prnn_plan_product(p, 1, &(prnn_term){&conv, net->head_map[i]});
        const prnn_map *dout = i < 2 ? net->dhead_map[i + 1] : net->logits;
        net->dhead_of[i] = prnn_plan_transposed(p, 1, &(prnn_term){&conv, dout});
    }
}

static void plan_network(prnn_network *net) {
    prnn_plan *p = &net->plan;
    const prnn_config *c = &p->config;
    prnn_features stream = prnn_plan_features(p, 1, 2 * c->hidden);
    prnn_features head = prnn_plan_features(p, 1, c->head);
    prnn_features image = {1, c->channels, c->channels, c->channels, false};
    prnn_features head_features[] = {stream, head, head, net->head.features};

    net->values = prnn_plan_exact(prnn_plan_map(p, c->channels, PRNN_KEEP_FORWARD, 3, 3, 3));
    prnn_conv input = prnn_conv_plan(p, "input", PRNN_MASK_A, image, stream, 7, 7, PRNN_BIAS_ZERO, 1);
    net->input_of = prnn_plan_product(p, 1, &(prnn_term){&input, net->values});
    plan_head_maps(net, head_features);
    net->condition = c->condition_size ? prnn_plan_upsampler(p) : NULL;
    plan_layers(net, stream);
    if (c->skip && c->layers > 1) {
        plan_skips(net, stream);
    }
    plan_head(net, head_features);
}

/* 2 level / (K - 1) - 1, rounded once. */
static void scale_levels(prnn_network *net) {
    int last = net->plan.config.levels - 1;
    for (int level = 0; level <= last; level++) {
        net->scaled[level] = (float)(2 * level - last) / (float)last;
    }
}

/* Weights that a cache holds are read for each row; from further away, for some rows at a time, at the price
 * of activations that then fill the cache. Either costs up to a third where the other is right. Training,
 * which keeps its activations anyway, takes at least four rows of an image through a layer, or one row of
 * four. */
static int suitable_block(const prnn_config *c, bool training) {
    double hidden = c->hidden, head = c->head;
    int logits = c->output == PRNN_LOGISTICS ? 3 * c->components : c->levels;
    double weights = 16 * c->layers * hidden * hidden + head * (head + 2 * hidden + c->channels * logits);
    return weights > 2e6 ? 4 : training ? 4 / prnn_layer_kind_of(c->kind)->together : 1;
}

/* Plans a network in which `block_rows` rows go through a layer together. */
static prnn_status plan(prnn_context *ctx, const prnn_plan *begun, int block_rows, prnn_network **network) {
    const prnn_config *config = &begun->config;
    prnn_network *net = *network = prnn_alloc(ctx, 1, sizeof *net, "the network");
    if (!net) {
        return PRNN_ERROR_MEMORY;
    }
    net->plan = *begun;
    net->plan.block_rows = block_rows;
    net->kind = prnn_layer_kind_of(config->kind);
    net->head = prnn_head_of(config);
    scale_levels(net);
    plan_network(net);
    prnn_status status = net->plan.status;
    net->plan.ctx = NULL;
    if (status != PRNN_OK) {
        prnn_network_free(net);
        *network = NULL;
    }
    return status;
}

prnn_status prnn_network_create(prnn_context *ctx, const prnn_config *config, bool training, size_t limit,
                                prnn_network **network) {
    return prnn_network_create_in_blocks(ctx, config, training, limit, 0, network);
}

prnn_status prnn_network_create_in_blocks(prnn_context *ctx, const prnn_config *config, bool training,
                                          size_t limit, int block_rows, prnn_network **network) {
    *network = NULL;
    prnn_status status = prnn_config_check(ctx, config);
    if (status != PRNN_OK) {
        return status;
    }
    int sum_rows = block_rows ? block_rows : suitable_block(config, training);
    prnn_plan begun = {
        .ctx = ctx, .config = *config, .training = training, .sum_rows = sum_rows, .parameter_limit = limit};
    /* A device that is apart takes all rows at once, where its work is enough for it, or as many as it has
     * room for; in training all of them are kept anyway. */
    bool apart = !block_rows && prnn_device_of(ctx)->apart;
    int rows = apart ? config->height : sum_rows;
    status = plan(ctx, &begun, rows, network);
    while (status == PRNN_OK && apart && !training && rows > sum_rows &&
           !prnn_device_has_room(ctx, (*network)->plan.memory.floats)) {
        prnn_network_free(*network);
        rows = rows / 2 > sum_rows ? rows / 2 : sum_rows;
        status = plan(ctx, &begun, rows, network);
    }
    return status;
}

void prnn_network_free(prnn_network *network) {
    if (network) {
        prnn_plan_free(&network->plan);
        prnn_free(network);
    }
}

typedef struct packer {
    const float *parameters;
    float *packed;
} packer;

static void pack_run(void *user, size_t at, const int32_t *index, size_t n) {
    const packer *p = user;
    for (size_t i = 0; i < n; i++) {
        p->packed[at + i] = index[i] < 0 ? 0 : p->parameters[index[i]];
    }
}

void prnn_network_pack(const prnn_network *network, const float *parameters, float *packed) {
    prnn_plan_visit(&network->plan, false, &(prnn_packed_visitor){pack_run, &(packer){parameters, packed}});
}

prnn_product_list prnn_network_products(const prnn_network *network) {
    return (prnn_product_list){network->plan.products, network->plan.product_count};
}

prnn_pass_shape prnn_network_shape(const prnn_network *network) {
    const prnn_config *c = &network->plan.config;
    return (prnn_pass_shape){.floats = network->plan.memory.floats,
                             .line = (size_t)c->width * (size_t)c->channels,
                             .image = prnn_config_values(c),
                             .products = prnn_network_products(network)};
}

size_t prnn_network_soft(const prnn_network *network) {
    return prnn_config_values(&network->plan.config) * (size_t)network->head.per_value;
}

prnn_need prnn_passes_need(prnn_context *ctx, const prnn_network *network, int images, int count) {
    const prnn_device *device = prnn_device_of(ctx);
    prnn_pass_shape shape = prnn_network_shape(network);
    prnn_need need = {.worker = device->pass_bytes(ctx, &shape, images)};
    prnn_need_block(&need.shared, (size_t)count, sizeof(prnn_pass));
    prnn_need_add(&need.shared, device->weights_bytes(ctx, network->plan.forward.count));
    return need;
}

prnn_status prnn_passes_open(prnn_context *ctx, const prnn_network *network, int images, int count,
                             float *packed, prnn_passes *passes) {
    const prnn_device *device = prnn_device_of(ctx);
    prnn_pass_shape shape = prnn_network_shape(network);
    prnn_need need = prnn_passes_need(ctx, network, images, count);
    prnn_block weights;
    prnn_status status;
    *passes = (prnn_passes){0};
    TRY(prnn_need_afford(ctx, &need, &count, "a pass through the network",
                         "free some, or take smaller images or a smaller network"));
    passes->device = device;
    passes->list = prnn_alloc(ctx, (size_t)count, sizeof *passes->list, "the threads' work");
    TRY(passes->list ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(device->weights(ctx, shape.products, packed, network->plan.forward.count, &weights,
                        &passes->prepared));
    for (; passes->count < count; passes->count++) {
        TRY(device->open(ctx, &shape, images, true, &passes->list[passes->count]));
        passes->list[passes->count].forward = weights;
    }
done:
    if (status != PRNN_OK) {
        prnn_passes_close(ctx, passes);
    }
    return status;
}

void prnn_passes_close(prnn_context *ctx, prnn_passes *passes) {
    for (int i = 0; i < passes->count; i++) {
        passes->device->close(ctx, &passes->list[i]);
    }
    if (passes->device) {
        passes->device->release(&passes->prepared);
    }
    prnn_free(passes->list);
    *passes = (prnn_passes){0};
}

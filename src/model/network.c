#include "model/network.h"

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
        prnn_layer_io io = {net->stream[l],      net->stream[l + 1], net->dstream[l],
                            net->dstream[l + 1], p->config.residual, net->condition};
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
    prnn_features head_features[] = {stream, head, head, net->logit_features};

    net->values = prnn_plan_map(p, c->channels, PRNN_KEEP_FORWARD, 3, 3, 3);
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
    prnn_network *net = prnn_alloc(ctx, 1, sizeof *net, "the network");
    if (!net) {
        return PRNN_ERROR_MEMORY;
    }
    net->plan = (prnn_plan){.ctx = ctx,
                            .config = *config,
                            .training = training,
                            .block_rows = block_rows ? block_rows : suitable_block(config, training),
                            .parameter_limit = limit};
    net->kind = prnn_layer_kind_of(config->kind);
    net->head = prnn_head_kind_of(config);
    net->logit_features = net->head->features(config);
    scale_levels(net);
    plan_network(net);
    status = net->plan.status;
    net->plan.ctx = NULL;
    if (status != PRNN_OK) {
        prnn_network_free(net);
        return status;
    }
    *network = net;
    return PRNN_OK;
}

void prnn_network_free(prnn_network *network) {
    if (network) {
        prnn_plan_free(&network->plan);
        prnn_free(network);
    }
}

void prnn_packing_fill(const prnn_packing *packing, size_t first, size_t count, const float *parameters,
                       float *packed) {
    size_t end = packing->count - first < count ? packing->count : first + count;
    for (size_t i = first; i < end; i++) {
        packed[i] = packing->index[i] < 0 ? 0 : parameters[packing->index[i]];
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

void prnn_network_prepare(const prnn_network *network, const prnn_kernels *kernels, float *forward,
                          float *backward) {
    const prnn_plan *plan = &network->plan;
    for (int i = 0; i < plan->product_count && kernels->prepare; i++) {
        const prnn_product *product = plan->products[i];
        float *packed = product->transposed ? backward : forward;
        if (packed) {
            kernels->prepare(&product->matrix, packed);
        }
    }
}

/* Scratch memory of the product that needs most. */
static size_t scratch_floats(const prnn_plan *plan) {
    size_t most = 0;
    for (int i = 0; i < plan->product_count; i++) {
        size_t floats = prnn_scratch_floats(&plan->products[i]->matrix);
        most = floats > most ? floats : most;
    }
    return most;
}

/* `memory`: of its maps, or NULL after a failure; the worker's. */
static prnn_status worker_create(prnn_context *ctx, const prnn_network *network, int images, void *memory,
                                 const float *forward, const float *backward, prnn_worker *worker) {
    const prnn_config *c = &network->plan.config;
    const prnn_kernels *kernels = prnn_kernels_of(ctx);
    size_t row = (size_t)c->width * (size_t)c->channels * (size_t)images;
    *worker = (prnn_worker){.capacity = images};
    worker->pass = (prnn_pass){.kernels = kernels, .forward = forward, .backward = backward};
    worker->pass.memory = memory;
    worker->levels = prnn_alloc(ctx, row, (size_t)network->plan.block_rows, "rows of levels");
    worker->nats = prnn_alloc(ctx, row, sizeof(float), "a row of likelihoods");
    if (kernels->prepare) {
        worker->pass.scratch = prnn_alloc(ctx, scratch_floats(&network->plan), sizeof(float),
                                          "the rounded factors of a product");
    }
    if (!worker->pass.memory || !worker->levels || !worker->nats ||
        (kernels->prepare && !worker->pass.scratch)) {
        prnn_worker_free(worker);
        return PRNN_ERROR_MEMORY;
    }
    return PRNN_OK;
}

size_t prnn_worker_bytes(prnn_context *ctx, const prnn_network *network, int images) {
    const prnn_config *c = &network->plan.config;
    size_t row = (size_t)c->width * (size_t)c->channels * (size_t)images, bytes = 0;
    prnn_need_block(&bytes, network->plan.memory.floats, (size_t)images * sizeof(float));
    prnn_need_block(&bytes, row, (size_t)network->plan.block_rows);
    prnn_need_block(&bytes, row, sizeof(float));
    if (prnn_kernels_of(ctx)->prepare) {
        prnn_need_block(&bytes, scratch_floats(&network->plan), sizeof(float));
    }
    return bytes;
}

static const char memory_of_maps[] = "the maps of a batch (fewer threads need less)";

prnn_status prnn_worker_create(prnn_context *ctx, const prnn_network *network, int images,
                               const float *forward, const float *backward, prnn_worker *worker) {
    /* Not zeroed: no map is read before it is written. */
    void *memory =
        prnn_alloc_raw(ctx, network->plan.memory.floats, (size_t)images * sizeof(float), memory_of_maps);
    return worker_create(ctx, network, images, memory, forward, backward, worker);
}

void prnn_worker_free(prnn_worker *worker) {
    prnn_free(worker->pass.memory);
    prnn_free(worker->pass.scratch);
    prnn_free(worker->levels);
    prnn_free(worker->nats);
    *worker = (prnn_worker){0};
}

void prnn_worker_clear(const prnn_network *network, prnn_worker *worker) {
    memset(worker->pass.memory, 0,
           network->plan.memory.floats * (size_t)worker->capacity * sizeof *worker->pass.memory);
}

prnn_need prnn_workers_need(prnn_context *ctx, const prnn_network *network, int images, int count) {
    prnn_need need = {.worker = prnn_worker_bytes(ctx, network, images)};
    prnn_need_block(&need.shared, (size_t)count, sizeof(prnn_worker));
    if (prnn_kernels_of(ctx)->prepare) {
        prnn_need_block(&need.shared, network->plan.forward.count, sizeof(float));
    }
    return need;
}

prnn_status prnn_workers_create(prnn_context *ctx, const prnn_network *network, int images, int count,
                                const float *packed, prnn_workers *workers) {
    const prnn_kernels *kernels = prnn_kernels_of(ctx);
    size_t floats = network->plan.forward.count;
    *workers =
        (prnn_workers){.count = count, .bytes = network->plan.memory.floats * (size_t)images * sizeof(float)};
    prnn_need need = prnn_workers_need(ctx, network, images, count);
    prnn_status status = prnn_need_afford(ctx, &need, &workers->count, "a pass through the network",
                                          "free some, or take a smaller network");
    if (status != PRNN_OK) {
        *workers = (prnn_workers){0};
        return status;
    }
    workers->list = prnn_alloc(ctx, (size_t)count, sizeof *workers->list, "the threads' work");
    status = workers->list ? PRNN_OK : PRNN_ERROR_MEMORY;
    if (status == PRNN_OK && kernels->prepare) {
        workers->prepared = prnn_alloc(ctx, floats, sizeof(float), "the rounded weights");
        status = workers->prepared ? PRNN_OK : PRNN_ERROR_MEMORY;
    }
    if (status == PRNN_OK && kernels->prepare) {
        memcpy(workers->prepared, packed, floats * sizeof(float));
        prnn_network_prepare(network, kernels, workers->prepared, NULL);
        packed = workers->prepared;
    }
    for (int w = 0; w < workers->count && status == PRNN_OK; w++) {
        void *memory = prnn_take(ctx, 1, workers->bytes, memory_of_maps);
        status = worker_create(ctx, network, images, memory, packed, NULL, &workers->list[w]);
    }
    if (status != PRNN_OK) {
        prnn_workers_free(ctx, workers);
    }
    return status;
}

void prnn_workers_free(prnn_context *ctx, prnn_workers *workers) {
    for (int w = 0; workers->list && w < workers->count; w++) {
        prnn_give(ctx, workers->list[w].pass.memory, workers->bytes);
        workers->list[w].pass.memory = NULL;
        prnn_worker_free(&workers->list[w]);
    }
    prnn_free(workers->list);
    prnn_free(workers->prepared);
    *workers = (prnn_workers){0};
}

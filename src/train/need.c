#include "train/need.h"

#include "base/parallel.h"
#include "base/try.h"
#include "model/gradient.h"
#include "model/memory.h"
#include "train/optimizer.h"

#include <stdio.h>

size_t prnn_trainer_batch(const prnn_train_options *options, size_t images) {
    return (size_t)options->batch < images ? (size_t)options->batch : images;
}

size_t prnn_trainer_room(size_t batch) {
    return batch > PRNN_VALID_PIECE ? batch : PRNN_VALID_PIECE;
}

size_t prnn_trainer_nats(const prnn_context *ctx) {
    return PRNN_VALID_PIECE * (size_t)prnn_context_rank_count(ctx);
}

/* The blocks that a trainer has itself. */
static size_t own_bytes(const prnn_context *ctx, const prnn_network *network,
                        const prnn_train_options *options, size_t images, bool valid) {
    const prnn_config *c = &network->plan.config;
    size_t n = network->plan.parameter_floats, room = prnn_trainer_room(prnn_trainer_batch(options, images));
    size_t bytes = 0;
    int blocks = prnn_device_of(ctx)->apart ? 0 : 4 + (options->ema > 0) + valid;
    for (int block = 0; block < blocks; block++) {
        prnn_need_block(&bytes, n, sizeof(float));
    }
    prnn_need_block(&bytes, prnn_device_of(ctx)->norm_scratch(n), sizeof(double));
    prnn_need_block(&bytes, images, sizeof(uint64_t));
    prnn_need_block(&bytes, room, sizeof(size_t));
    prnn_need_block(&bytes, prnn_trainer_nats(ctx), sizeof(double));
    prnn_need_block(&bytes, room, (size_t)c->height * (size_t)c->width * (size_t)c->channels);
    return bytes;
}

/* Of a validation, on one thread: more are a matter of what is there when it begins. */
static prnn_status validation_bytes(prnn_context *ctx, const prnn_config *config, size_t *bytes) {
    prnn_network *network = NULL;
    prnn_need need;
    prnn_status status;
    TRY(prnn_network_create(ctx, config, false, PRNN_MAX_PARAMETERS, &network));
    need = prnn_model_passes_need(ctx, network, PRNN_EVALUATION_SHARD, prnn_thread_count(ctx));
    *bytes = prnn_need_total(&need, 1);
done:
    prnn_network_free(network);
    return status;
}

prnn_status prnn_trainer_need(prnn_context *ctx, const prnn_config *config, const prnn_train_options *options,
                              size_t images, bool valid, prnn_trainer_needs *needs) {
    int batch = (int)prnn_trainer_batch(options, images);
    prnn_network *network = NULL;
    prnn_status status;
    *needs = (prnn_trainer_needs){0};
    TRY(prnn_network_create(ctx, config, true, PRNN_MAX_PARAMETERS, &network));
    if (valid) {
        TRY(validation_bytes(ctx, config, &needs->validation));
    }
    needs->parameters = network->plan.parameter_floats;
    needs->model = prnn_parameter_bytes(network);
    needs->own = own_bytes(ctx, network, options, images, valid);
    needs->gradient = prnn_gradient_engine_need(ctx, network, batch, &needs->workers);
done:
    prnn_network_free(network);
    return status;
}

prnn_status prnn_trainer_afford(prnn_context *ctx, const prnn_trainer_needs *needs, bool new_model,
                                int batch) {
    prnn_need all = needs->gradient;
    int workers = needs->workers;
    char what[128];
    prnn_need_add(&all.shared, needs->own);
    prnn_need_add(&all.shared, needs->validation);
    prnn_need_add(&all.shared, new_model ? needs->model : 0);
    snprintf(what, sizeof what, "training a network of %zu parameters, batch %d,", needs->parameters, batch);
    return prnn_need_afford(ctx, &all, &workers, what,
                            "choose a smaller hidden size, fewer layers or a smaller batch");
}

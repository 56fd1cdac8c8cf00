#include "train/need.h"

#include "base/parallel.h"
#include "base/try.h"
#include "model/gradient.h"
#include "model/memory.h"
#include "train/muon.h"
#include "train/teacher.h"

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
    size_t bytes = 0, image = prnn_config_values(c);
    /* Weights, two moments, their average, the best ones, and the gradient; or, of a device that is apart,
     * what a checkpoint holds of them while it is written. */
    int kept = 3 + (options->ema > 0) + valid, blocks = prnn_device_of(ctx)->apart ? kept : kept + 1;
    for (int block = 0; block < blocks; block++) {
        prnn_need_block(&bytes, n, sizeof(float));
    }
    if (options->optimizer == PRNN_MUON && !prnn_device_of(ctx)->apart) {
        prnn_need_block(&bytes, prnn_muon_floats(&network->plan), sizeof(float));
    }
    prnn_need_block(&bytes, prnn_device_of(ctx)->norm_scratch(n), sizeof(double));
    prnn_need_block(&bytes, images, sizeof(uint64_t));
    prnn_need_block(&bytes, room, sizeof(size_t));
    prnn_need_block(&bytes, prnn_trainer_nats(ctx), sizeof(double));
    prnn_need_block(&bytes, room, image);
    prnn_need_block(&bytes, 1, image);
    prnn_need_add(&bytes, prnn_teacher_bytes(ctx, options, network, prnn_trainer_batch(options, images)));
    return bytes;
}

/* Of a validation and of the models of a teacher, which evaluate one after the other on one thread: more are
 * a matter of what is there when it begins. */
typedef struct evaluations {
    size_t packed, pass; /* their weights, which stay; the largest pass */
    size_t apart;        /* of the memory of a device that is apart, the most that one takes */
} evaluations;

static void add_evaluation(prnn_context *ctx, const prnn_network *network, evaluations *all) {
    const prnn_device *device = prnn_device_of(ctx);
    prnn_need need = prnn_passes_need(ctx, network, PRNN_EVALUATION_SHARD, prnn_thread_count(ctx));
    size_t pass = prnn_need_total(&need, 1), count = network->plan.forward.count;
    prnn_pass_shape shape = prnn_network_shape(network);
    size_t apart =
        device->apart ? device->pass_memory(ctx, &shape, 1) + device->packed_memory(ctx, count) : 0;
    prnn_need_block(&all->packed, count, sizeof(float));
    all->pass = pass > all->pass ? pass : all->pass;
    all->apart = apart > all->apart ? apart : all->apart;
}

static prnn_status add_evaluations(prnn_context *ctx, const prnn_config *config,
                                   const prnn_train_options *options, bool valid, evaluations *all) {
    prnn_network *network = NULL;
    prnn_status status = PRNN_OK;
    if (valid) {
        TRY(prnn_network_create(ctx, config, false, PRNN_MAX_PARAMETERS, &network));
        add_evaluation(ctx, network, all);
    }
    for (size_t k = 0; options->teacher && k < prnn_ensemble_count(options->teacher); k++) {
        add_evaluation(ctx, prnn_ensemble_model(options->teacher, k)->network, all);
    }
done:
    prnn_network_free(network);
    return status;
}

/* Of a device that is apart: weights, gradient, moments and averages, muon's matrices, and what evaluations
 * and the gradient take. */
static prnn_gradient_apart apart_of(prnn_context *ctx, const prnn_network *network,
                                    const prnn_train_options *options, bool valid, size_t evaluation,
                                    int batch) {
    size_t blocks = 4 + (options->ema > 0) + valid;
    prnn_batch_kind of = {batch, options->teacher != NULL};
    prnn_gradient_apart bytes = prnn_gradient_engine_apart(ctx, network, of);
    size_t matrices = options->optimizer == PRNN_MUON ? prnn_muon_floats(&network->plan) * sizeof(float) : 0;
    bytes.all += blocks * network->plan.parameter_floats * sizeof(float) + matrices + evaluation;
    bytes.largest = bytes.largest > matrices ? bytes.largest : matrices;
    return bytes;
}

/* The largest batch of at most so many images that it has room for; what a batch takes grows with it. */
static int largest_batch(prnn_context *ctx, const prnn_network *network, const prnn_train_options *options,
                         bool valid, size_t evaluation, int most) {
    const prnn_device *device = prnn_device_of(ctx);
    size_t room = device->all_memory(ctx), block = device->memory(ctx);
    int fits = 0;
    for (int too_many = most + 1; too_many - fits > 1;) {
        int batch = fits + (too_many - fits) / 2;
        prnn_gradient_apart bytes = apart_of(ctx, network, options, valid, evaluation, batch);
        if (bytes.all <= room && bytes.largest <= block) {
            fits = batch;
        } else {
            too_many = batch;
        }
    }
    return fits;
}

prnn_status prnn_trainer_need(prnn_context *ctx, const prnn_config *config, const prnn_train_options *options,
                              size_t images, bool valid, prnn_trainer_needs *needs) {
    int batch = (int)prnn_trainer_batch(options, images);
    prnn_network *network = NULL;
    evaluations all = {0};
    prnn_status status;
    *needs = (prnn_trainer_needs){.taught = options->teacher != NULL};
    TRY(prnn_network_create(ctx, config, true, PRNN_MAX_PARAMETERS, &network));
    TRY(add_evaluations(ctx, config, options, valid, &all));
    needs->evaluation = all.packed + all.pass;
    needs->parameters = network->plan.parameter_floats;
    needs->model = prnn_parameter_bytes(network);
    needs->own = own_bytes(ctx, network, options, images, valid);
    needs->gradient = prnn_gradient_engine_need(
        ctx, network, (prnn_batch_kind){batch, options->teacher != NULL}, &needs->workers);
    if (prnn_device_of(ctx)->apart) {
        needs->apart = apart_of(ctx, network, options, valid, all.apart, batch).all;
        needs->fits = largest_batch(ctx, network, options, valid, all.apart, batch);
        needs->too_many = needs->fits < batch;
    }
done:
    prnn_network_free(network);
    return status;
}

static prnn_status too_much_apart(prnn_context *ctx, const prnn_trainer_needs *needs, int batch) {
    char way_out[64] = "choose a smaller hidden size or fewer layers";
    if (needs->fits) {
        snprintf(way_out, sizeof way_out, "choose a smaller batch, of at most %d", needs->fits);
    }
    return prnn_fail(
        ctx, PRNN_ERROR_MEMORY,
        "training a network of %zu parameters, batch %d, needs %.1f GB of memory on %s, and %.1f GB "
        "are there: %s",
        needs->parameters, batch, (double)needs->apart / 1e9, prnn_context_device(ctx),
        (double)prnn_device_of(ctx)->all_memory(ctx) / 1e9, way_out);
}

prnn_status prnn_trainer_afford(prnn_context *ctx, const prnn_trainer_needs *needs, bool new_model,
                                int batch) {
    prnn_need all = needs->gradient;
    int workers = needs->workers;
    char what[128];
    if (needs->too_many) {
        return too_much_apart(ctx, needs, batch);
    }
    prnn_need_add(&all.shared, needs->own);
    prnn_need_add(&all.shared, needs->evaluation);
    prnn_need_add(&all.shared, new_model ? needs->model : 0);
    snprintf(what, sizeof what, "training a network of %zu parameters, batch %d,", needs->parameters, batch);
    return prnn_need_afford(ctx, &all, &workers, what,
                            needs->taught
                                ? "choose a smaller hidden size, fewer layers, a smaller batch or teacher"
                                : "choose a smaller hidden size, fewer layers or a smaller batch");
}

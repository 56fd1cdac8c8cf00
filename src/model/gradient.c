#include "model/gradient.h"

#include "base/parallel.h"
#include "model/memory.h"

#include <string.h>

enum { MAX_SHARD = 4, MAX_LANES = 16 };

/* Images of a shard of a batch: enough rows for the products of one pixel, few enough for the caches and for
 * many threads; and two shards at least. */
static int shard_of(int images) {
    return images >= 2 * MAX_SHARD ? MAX_SHARD : (images + 1) / 2;
}

static int lanes_of(int images) {
    int shards = (images + shard_of(images) - 1) / shard_of(images);
    return shards < MAX_LANES ? shards : MAX_LANES;
}

struct prnn_gradient_engine {
    prnn_network *network;
    const prnn_kernels *kernels;
    int threads;
    float *forward, *backward; /* packed weights */
    float *lane_gradients;     /* [lanes][forward.count] */
    double *nats;              /* [batch] */
    prnn_worker *workers;      /* [threads] */
    /* The present run: */
    const prnn_batch *batch;
    int shard, lanes;
};

void prnn_gradient_engine_free(prnn_gradient_engine *engine) {
    if (!engine) {
        return;
    }
    for (int w = 0; engine->workers && w < engine->threads; w++) {
        prnn_worker_free(&engine->workers[w]);
    }
    prnn_free(engine->workers);
    prnn_free(engine->nats);
    prnn_free(engine->lane_gradients);
    prnn_free(engine->backward);
    prnn_free(engine->forward);
    prnn_network_free(engine->network);
    prnn_free(engine);
}

prnn_need prnn_gradient_engine_need(prnn_context *ctx, const prnn_network *network, int batch, int *workers) {
    int lanes = lanes_of(batch), threads = prnn_thread_count(ctx);
    *workers = threads < lanes ? threads : lanes;
    return prnn_gradient_need(ctx, network, batch, shard_of(batch), lanes, *workers);
}

static prnn_status allocate(prnn_context *ctx, prnn_gradient_engine *e, int batch, size_t reserve) {
    const prnn_plan *plan = &e->network->plan;
    int lanes = lanes_of(batch), wanted;
    prnn_need need = prnn_gradient_engine_need(ctx, e->network, batch, &wanted);
    prnn_need_add(&need.shared, reserve);
    e->threads = wanted;
    prnn_status status = prnn_need_afford(ctx, &need, &e->threads, "the gradient of a batch",
                                          "choose a smaller hidden size, fewer layers or a smaller batch");
    if (status == PRNN_OK) {
        status = prnn_plan_index(ctx, &e->network->plan);
    }
    if (status != PRNN_OK) {
        return status;
    }
    e->forward = prnn_alloc(ctx, plan->forward.count, sizeof(float), "the packed weights");
    e->backward = prnn_alloc(ctx, plan->backward.count, sizeof(float), "the transposed weights");
    e->lane_gradients =
        prnn_alloc(ctx, (size_t)lanes * plan->forward.count, sizeof(float), "the threads' gradients");
    e->nats = prnn_alloc(ctx, (size_t)batch, sizeof(double), "likelihoods");
    e->workers = prnn_alloc(ctx, (size_t)wanted, sizeof *e->workers, "the threads' work");
    if (!e->forward || !e->backward || !e->lane_gradients || !e->nats || !e->workers) {
        return PRNN_ERROR_MEMORY;
    }
    for (int w = 0; w < e->threads && status == PRNN_OK; w++) {
        status =
            prnn_worker_create(ctx, e->network, shard_of(batch), e->forward, e->backward, &e->workers[w]);
    }
    return status;
}

prnn_status prnn_gradient_engine_create(prnn_context *ctx, const prnn_config *config, int batch,
                                        size_t reserve, prnn_gradient_engine **engine) {
    *engine = NULL;
    prnn_gradient_engine *e = prnn_alloc(ctx, 1, sizeof *e, "the gradient");
    if (!e) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = prnn_network_create(ctx, config, true, PRNN_MAX_PARAMETERS, &e->network);
    e->kernels = prnn_kernels_of(ctx);
    if (status == PRNN_OK) {
        status = allocate(ctx, e, batch, reserve);
    }
    if (status != PRNN_OK) {
        prnn_gradient_engine_free(e);
        return status;
    }
    *engine = e;
    return PRNN_OK;
}

static void run_lane(void *arg, size_t lane, int worker) {
    const prnn_gradient_engine *e = arg;
    const prnn_batch *all = e->batch;
    prnn_worker *w = &e->workers[worker];
    w->pass.gradient = e->lane_gradients + lane * e->network->plan.forward.count;
    memset(w->pass.gradient, 0, e->network->plan.forward.count * sizeof(float));
    for (int first = (int)lane * e->shard; first < all->n; first += e->lanes * e->shard) {
        int n = all->n - first < e->shard ? all->n - first : e->shard;
        prnn_batch part = prnn_batch_part(&e->network->plan.config, all, (size_t)first, n);
        prnn_network_gradient(e->network, w, &part, 1.0f / (float)all->n, e->nats + first);
    }
}

/* Packed floats of one piece of packing or unpacking. */
enum { PIECE = 1 << 14 };

static size_t pieces_of(const prnn_packing *packing) {
    return (packing->count + PIECE - 1) / PIECE;
}

typedef struct packer {
    const prnn_gradient_engine *engine;
    const float *parameters;
    float *gradient;
} packer;

static void pack_piece(void *arg, size_t index, int worker) {
    (void)worker;
    const packer *p = arg;
    const prnn_plan *plan = &p->engine->network->plan;
    size_t forward = pieces_of(&plan->forward);
    if (index < forward) {
        prnn_packing_fill(&plan->forward, index * PIECE, PIECE, p->parameters, p->engine->forward);
    } else {
        prnn_packing_fill(&plan->backward, (index - forward) * PIECE, PIECE, p->parameters,
                          p->engine->backward);
    }
}

/* A parameter is in one place of the packed gradient, so pieces write different ones. */
static void unpack_piece(void *arg, size_t index, int worker) {
    (void)worker;
    const packer *p = arg;
    const prnn_gradient_engine *e = p->engine;
    const prnn_packing *packing = &e->network->plan.forward;
    size_t begin = index * PIECE, end = begin + PIECE < packing->count ? begin + PIECE : packing->count;
    for (size_t i = begin; i < end; i++) {
        if (packing->index[i] >= 0) {
            float sum = 0;
            for (int lane = 0; lane < e->lanes; lane++) {
                sum += e->lane_gradients[(size_t)lane * packing->count + i];
            }
            p->gradient[packing->index[i]] = sum;
        }
    }
}

double prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *e, const float *parameters,
                                const prnn_batch *batch, float *gradient) {
    const prnn_plan *plan = &e->network->plan;
    packer p = {e, parameters, gradient};
    e->batch = batch;
    e->shard = shard_of(batch->n);
    e->lanes = lanes_of(batch->n);
    prnn_parallel_for(ctx, pieces_of(&plan->forward) + pieces_of(&plan->backward), e->threads, pack_piece,
                      &p);
    prnn_network_prepare(e->network, e->kernels, e->forward, e->backward);
    prnn_parallel_for(ctx, (size_t)e->lanes, e->threads, run_lane, e);
    memset(gradient, 0, plan->parameter_floats * sizeof *gradient);
    prnn_parallel_for(ctx, pieces_of(&plan->forward), e->threads, unpack_piece, &p);
    double total = 0;
    for (int i = 0; i < batch->n; i++) {
        total += e->nats[i];
    }
    return total / batch->n;
}

prnn_status prnn_gradient(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                          double *mean_nats, float *gradient) {
    PRNN_RETURN_IF_NULL(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_GIVEN(mean_nats),
                        PRNN_GIVEN(gradient));
    const prnn_config *c = &model->network->plan.config;
    if (count < 1 || count > 65536) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "a gradient of %zu images; it takes 1 to 65536 at a time",
                         count);
    }
    prnn_gradient_engine *engine = NULL;
    prnn_status status = prnn_model_check_images(ctx, model, images, count);
    if (status == PRNN_OK) {
        status = prnn_gradient_engine_create(ctx, c, (int)count, 0, &engine);
    }
    if (status == PRNN_OK) {
        prnn_batch batch = {.images = images, .n = (int)count};
        *mean_nats = prnn_gradient_engine_run(ctx, engine, model->parameters, &batch, gradient);
        status = prnn_model_check_finite(ctx, engine->nats, count);
        prnn_gradient_engine_free(engine);
    }
    return status;
}

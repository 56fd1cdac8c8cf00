#include "model/gradient.h"

#include "base/call.h"
#include "base/parallel.h"
#include "model/memory.h"

#include <string.h>

enum { MOST_LANES = 64, MOST_LEVELS = 6, MOST_AT_ONCE = 4 };

static int divided(int n, int by) {
    return (n + by - 1) / by;
}

/* How a batch is cut. Its sum depends on this, so this depends on the kind of network and the batch alone. */
typedef struct cut {
    int lane;  /* images of a lane */
    int shard; /* of them, those that go through the network together */
    int lanes;
} cut;

/* Two lanes at least. */
static cut cut_of(const prnn_network *net, int images) {
    int least = divided(images, 2) < net->kind->together ? divided(images, 2) : net->kind->together;
    int lane = divided(divided(images, MOST_LANES), least) * least;
    return (cut){lane, lane < MOST_AT_ONCE ? lane : MOST_AT_ONCE, divided(images, lane)};
}

/* Most lanes of a batch of at most so many images: 65 can be in fewer lanes than 64. */
static int most_lanes(const prnn_network *net, int images) {
    int most = 0;
    for (int n = 1; n <= images; n++) {
        int lanes = cut_of(net, n).lanes;
        most = lanes > most ? lanes : most;
    }
    return most;
}

/* Levels of the tree over the lanes that a thread adds up itself, lane by lane, in memory of its own. The
 * more, the less memory, but each thread should find some pieces of work, and all of them equally many. No
 * bit depends on it. */
static int own_levels(int lanes, int threads) {
    int levels = 0, best = divided(lanes, threads);
    for (int more = 1; divided(lanes, 1 << more) >= 4 * threads; more++) {
        int longest = divided(divided(lanes, 1 << more), threads) << more;
        levels = longest * 16 <= best * 17 ? more : levels;
    }
    return levels;
}

/* A thread's memory: for a pass, and for the partial sums of its present lanes, [levels][forward.count]. */
typedef struct lane_worker {
    prnn_worker worker;
    float *sums;
} lane_worker;

struct prnn_gradient_engine {
    prnn_network *network;
    const prnn_kernels *kernels;
    int threads, levels;       /* own_levels */
    float *forward, *backward; /* packed weights */
    float *sums;               /* [lanes / 2^levels][forward.count] */
    double *nats;              /* [batch] */
    lane_worker *workers;      /* [threads] */
    /* The present batch: */
    const prnn_batch *batch;
    cut cut;
};

void prnn_gradient_engine_free(prnn_gradient_engine *engine) {
    if (!engine) {
        return;
    }
    for (int w = 0; engine->workers && w < engine->threads; w++) {
        prnn_worker_free(&engine->workers[w].worker);
        prnn_free(engine->workers[w].sums);
    }
    prnn_free(engine->workers);
    prnn_free(engine->nats);
    prnn_free(engine->sums);
    prnn_free(engine->backward);
    prnn_free(engine->forward);
    prnn_network_free(engine->network);
    prnn_free(engine);
}

prnn_need prnn_gradient_engine_need(prnn_context *ctx, const prnn_network *network, int batch, int *workers) {
    size_t forward = network->plan.forward.count, backward = network->plan.backward.count;
    int lanes = most_lanes(network, batch);
    *workers = prnn_threads_for(ctx, (size_t)lanes);
    int levels = own_levels(lanes, *workers);
    prnn_need need = {.worker = prnn_worker_bytes(ctx, network, cut_of(network, batch).shard)};
    prnn_need_block(&need.worker, (size_t)levels * forward, sizeof(float));
    prnn_need_block(&need.shared, forward, sizeof(int32_t));
    prnn_need_block(&need.shared, backward, sizeof(int32_t));
    prnn_need_block(&need.shared, forward, sizeof(float));
    prnn_need_block(&need.shared, backward, sizeof(float));
    prnn_need_block(&need.shared, (size_t)divided(lanes, 1 << levels) * forward, sizeof(float));
    prnn_need_block(&need.shared, (size_t)batch, sizeof(double));
    prnn_need_block(&need.shared, (size_t)*workers, sizeof(lane_worker));
    return need;
}

static prnn_status allocate(prnn_context *ctx, prnn_gradient_engine *e, int batch, size_t reserve) {
    const prnn_plan *plan = &e->network->plan;
    int lanes = most_lanes(e->network, batch), shard = cut_of(e->network, batch).shard, wanted;
    size_t count = plan->forward.count;
    prnn_need need = prnn_gradient_engine_need(ctx, e->network, batch, &wanted);
    prnn_need_add(&need.shared, reserve);
    e->threads = wanted;
    e->levels = own_levels(lanes, wanted);
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
    size_t runs = (size_t)divided(lanes, 1 << e->levels);
    e->sums = prnn_alloc(ctx, runs * count, sizeof(float), "the gradients of a batch");
    e->nats = prnn_alloc(ctx, (size_t)batch, sizeof(double), "likelihoods");
    e->workers = prnn_alloc(ctx, (size_t)wanted, sizeof *e->workers, "the threads' work");
    if (!e->forward || !e->backward || !e->sums || !e->nats || !e->workers) {
        return PRNN_ERROR_MEMORY;
    }
    for (int w = 0; w < e->threads && status == PRNN_OK; w++) {
        lane_worker *worker = &e->workers[w];
        worker->sums = prnn_alloc(ctx, (size_t)e->levels * count, sizeof(float), "the gradients of a thread");
        status = worker->sums
                     ? prnn_worker_create(ctx, e->network, shard, e->forward, e->backward, &worker->worker)
                     : PRNN_ERROR_MEMORY;
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

static void run_lane(const prnn_gradient_engine *e, prnn_worker *w, int lane, float *gradient) {
    const prnn_batch *all = e->batch;
    int begin = lane * e->cut.lane, end = begin + e->cut.lane < all->n ? begin + e->cut.lane : all->n;
    w->pass.gradient = gradient;
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): at most levels + 1 sums */
    memset(gradient, 0, e->network->plan.forward.count * sizeof *gradient);
    for (int first = begin; first < end; first += e->cut.shard) {
        int n = end - first < e->cut.shard ? end - first : e->cut.shard;
        prnn_batch part = prnn_batch_part(&e->network->plan.config, all, (size_t)first, n);
        prnn_network_gradient(e->network, w, &part, 1.0f / (float)all->n, e->nats + first);
    }
}

/* Some lanes that are a node of the tree. Their sums so far are of nodes that become smaller: like the digits
 * of a binary number, two of one size become one of the next. */
static void run_lanes(void *arg, size_t index, void *own) {
    const prnn_gradient_engine *e = arg;
    lane_worker *w = own;
    size_t count = e->network->plan.forward.count;
    int begin = (int)index << e->levels, end = begin + (1 << e->levels), sums = 0;
    end = end < e->cut.lanes ? end : e->cut.lanes;
    float *sum[MOST_LEVELS + 1] = {e->sums + index * count};
    for (int level = 0; level < e->levels; level++) {
        sum[level + 1] = w->sums + (size_t)level * count;
    }
    for (int lane = begin; lane < end; lane++) {
        run_lane(e, &w->worker, lane, sum[sums++]);
        for (int done = lane - begin + 1; sums > 1 && (done % 2 == 0 || lane == end - 1); done /= 2) {
            sums--;
            e->kernels->add(count, sum[sums - 1], sum[sums], sum[sums - 1]);
        }
    }
}

/* Packed floats of one piece of packing or unpacking. */
enum { PIECE = 1 << 14 };

static size_t pieces_of(const prnn_packing *packing) {
    return (packing->count + PIECE - 1) / PIECE;
}

static size_t runs_of(const prnn_gradient_engine *e) {
    return (size_t)divided(e->cut.lanes, 1 << e->levels);
}

typedef struct packer {
    const prnn_gradient_engine *engine;
    const float *parameters;
    float *gradient;
} packer;

static void pack_piece(void *arg, size_t index, void *own) {
    (void)own;
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

/* The rest of the tree. A parameter is in one place of the packed gradient, so pieces write different ones.
 */
static void unpack_piece(void *arg, size_t index, void *own) {
    (void)own;
    const packer *p = arg;
    const prnn_gradient_engine *e = p->engine;
    const prnn_packing *packing = &e->network->plan.forward;
    size_t begin = index * PIECE, end = begin + PIECE < packing->count ? begin + PIECE : packing->count;
    size_t nodes = runs_of(e);
    for (size_t size = 1; size < nodes; size *= 2) {
        for (size_t left = 0; left + size < nodes; left += 2 * size) {
            float *sum = e->sums + left * packing->count + begin;
            e->kernels->add(end - begin, sum, sum + size * packing->count, sum);
        }
    }
    for (size_t i = begin; i < end; i++) {
        if (packing->index[i] >= 0) {
            p->gradient[packing->index[i]] = e->sums[i];
        }
    }
}

double prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *e, const float *parameters,
                                const prnn_batch *batch, float *gradient) {
    const prnn_plan *plan = &e->network->plan;
    packer p = {e, parameters, gradient};
    e->batch = batch;
    e->cut = cut_of(e->network, batch->n);
    prnn_parallel_for(ctx, pieces_of(&plan->forward) + pieces_of(&plan->backward), pack_piece, &p);
    prnn_network_prepare(e->network, e->kernels, e->forward, e->backward);
    prnn_scratches workers = {e->workers, sizeof *e->workers, e->threads};
    prnn_parallel_for_with(ctx, runs_of(e), workers, run_lanes, e);
    memset(gradient, 0, plan->parameter_floats * sizeof *gradient);
    prnn_parallel_for(ctx, pieces_of(&plan->forward), unpack_piece, &p);
    double total = 0;
    for (int i = 0; i < batch->n; i++) {
        total += e->nats[i];
    }
    return total / batch->n;
}

prnn_status prnn_gradient(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                          double *mean_nats, float *gradient) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_GIVEN(mean_nats),
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

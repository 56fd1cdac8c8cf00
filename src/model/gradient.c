#include "model/gradient.h"

#include "base/call.h"
#include "base/parallel.h"
#include "base/try.h"
#include "model/memory.h"
#include "model/model.h"

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

/* A device that is apart takes a shard of every lane at once, as one pass. */
static int at_once_of(const prnn_device *device, cut how) {
    return device->apart ? how.shard * how.lanes : how.shard;
}

/* The most that a batch of at most so many images needs. */
static int most_at_once(const prnn_device *device, const prnn_network *net, int images) {
    int most = 0;
    for (int n = 1; n <= images; n++) {
        int now = at_once_of(device, cut_of(net, n));
        most = now > most ? now : most;
    }
    return most;
}

/* A thread's memory: for a pass, and for the partial sums of its present lanes, [levels][forward.count]. */
typedef struct lane_worker {
    prnn_pass pass;
    prnn_block sums;
} lane_worker;

struct prnn_gradient_engine {
    prnn_network *network;
    const prnn_device *device;
    int threads, levels;          /* own_levels */
    prnn_block forward, backward; /* packed weights */
    prnn_block sums;              /* [lanes / 2^levels][forward.count] */
    double *nats;                 /* [batch] */
    uint8_t *gathered;            /* images of a pass with several lanes */
    double *gathered_nats;
    lane_worker *workers; /* [threads] */
    /* The present batch: */
    const prnn_batch *batch;
    cut cut;
};

void prnn_gradient_engine_free(prnn_context *ctx, prnn_gradient_engine *engine) {
    if (!engine) {
        return;
    }
    if (engine->network) {
        engine->device->unshare(&engine->network->plan.forward.numbers, NULL);
        engine->device->unshare(&engine->network->plan.backward.numbers, NULL);
    }
    for (int w = 0; engine->workers && w < engine->threads; w++) {
        engine->device->close(ctx, &engine->workers[w].pass);
        engine->device->release(&engine->workers[w].sums);
    }
    prnn_free(engine->workers);
    prnn_free(engine->nats);
    prnn_free(engine->gathered);
    prnn_free(engine->gathered_nats);
    engine->device->release(&engine->sums);
    engine->device->release(&engine->backward);
    engine->device->release(&engine->forward);
    prnn_network_free(engine->network);
    prnn_free(engine);
}

prnn_need prnn_gradient_engine_need(prnn_context *ctx, const prnn_network *network, int batch, int *workers) {
    size_t forward = network->plan.forward.count, backward = network->plan.backward.count;
    const prnn_device *device = prnn_device_of(ctx);
    int lanes = most_lanes(network, batch);
    *workers = prnn_device_threads(ctx, (size_t)lanes);
    int levels = own_levels(lanes, *workers), images = most_at_once(device, network, batch);
    prnn_pass_shape shape = prnn_network_shape(network);
    prnn_need need = {.worker = device->pass_bytes(ctx, &shape, images)};
    prnn_need_block(&need.shared, forward, sizeof(int32_t));
    prnn_need_block(&need.shared, backward, sizeof(int32_t));
    prnn_need_block(&need.shared, (size_t)batch, sizeof(double));
    prnn_need_block(&need.shared, (size_t)*workers, sizeof(lane_worker));
    if (device->apart) {
        prnn_need_block(&need.shared, (size_t)images, shape.image);
        prnn_need_block(&need.shared, (size_t)images, sizeof(double));
        return need;
    }
    prnn_need_block(&need.worker, (size_t)levels * forward, sizeof(float));
    prnn_need_block(&need.shared, forward, sizeof(float));
    prnn_need_block(&need.shared, backward, sizeof(float));
    prnn_need_block(&need.shared, (size_t)divided(lanes, 1 << levels) * forward, sizeof(float));
    return need;
}

static prnn_status allocate_worker(prnn_context *ctx, const prnn_gradient_engine *e, int images,
                                   lane_worker *worker) {
    prnn_pass_shape shape = prnn_network_shape(e->network);
    size_t floats = (size_t)e->levels * e->network->plan.forward.count;
    prnn_status status;
    TRY(e->device->allocate(ctx, floats, "the gradients of a thread", &worker->sums));
    TRY(e->device->open(ctx, &shape, images, false, &worker->pass));
    worker->pass.forward = e->forward;
    worker->pass.backward = e->backward;
done:
    return status;
}

static prnn_status index_packings(prnn_context *ctx, prnn_gradient_engine *e) {
    prnn_packing *const packings[] = {&e->network->plan.forward, &e->network->plan.backward};
    prnn_status status;
    TRY(prnn_plan_index(ctx, &e->network->plan));
    for (int i = 0; i < 2; i++) {
        TRY(e->device->share(ctx, packings[i]->index, packings[i]->count, &packings[i]->numbers));
    }
done:
    return status;
}

static prnn_status allocate(prnn_context *ctx, prnn_gradient_engine *e, int batch, size_t reserve) {
    const prnn_plan *plan = &e->network->plan;
    const prnn_device *device = e->device;
    int lanes = most_lanes(e->network, batch), wanted;
    prnn_need need = prnn_gradient_engine_need(ctx, e->network, batch, &wanted);
    prnn_status status;
    prnn_need_add(&need.shared, reserve);
    e->threads = wanted;
    e->levels = device->apart ? 0 : own_levels(lanes, wanted);
    size_t runs = (size_t)divided(lanes, 1 << e->levels);
    TRY(prnn_need_afford(ctx, &need, &e->threads, "the gradient of a batch",
                         "choose a smaller hidden size, fewer layers or a smaller batch"));
    TRY(index_packings(ctx, e));
    TRY(device->allocate(ctx, plan->forward.count, "the packed weights", &e->forward));
    TRY(device->allocate(ctx, plan->backward.count, "the transposed weights", &e->backward));
    TRY(device->allocate(ctx, runs * plan->forward.count, "the gradients of a batch", &e->sums));
    e->nats = prnn_alloc(ctx, (size_t)batch, sizeof(double), "likelihoods");
    TRY(e->nats ? PRNN_OK : PRNN_ERROR_MEMORY);
    e->workers = prnn_alloc(ctx, (size_t)wanted, sizeof *e->workers, "the threads' work");
    TRY(e->workers ? PRNN_OK : PRNN_ERROR_MEMORY);
    int images = most_at_once(device, e->network, batch);
    if (device->apart) {
        e->gathered = prnn_alloc(ctx, (size_t)images, prnn_network_shape(e->network).image, "a batch");
        e->gathered_nats = prnn_alloc(ctx, (size_t)images, sizeof(double), "likelihoods");
        TRY(e->gathered && e->gathered_nats ? PRNN_OK : PRNN_ERROR_MEMORY);
    }
    for (int w = 0; w < e->threads; w++) {
        TRY(allocate_worker(ctx, e, images, &e->workers[w]));
    }
done:
    return status;
}

prnn_status prnn_gradient_engine_create(prnn_context *ctx, const prnn_config *config, int batch,
                                        size_t reserve, prnn_gradient_engine **engine) {
    *engine = NULL;
    prnn_gradient_engine *e = prnn_alloc(ctx, 1, sizeof *e, "the gradient");
    if (!e) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status;
    e->device = prnn_device_of(ctx);
    TRY(prnn_network_create(ctx, config, true, PRNN_MAX_PARAMETERS, &e->network));
    TRY(allocate(ctx, e, batch, reserve));
    *engine = e;
done:
    if (status != PRNN_OK) {
        prnn_gradient_engine_free(ctx, e);
    }
    return status;
}

static void run_lane(const prnn_gradient_engine *e, prnn_pass *pass, int lane, prnn_block gradient) {
    const prnn_batch *all = e->batch;
    int begin = lane * e->cut.lane, end = begin + e->cut.lane < all->n ? begin + e->cut.lane : all->n;
    pass->gradient = gradient;
    e->device->clear_block(gradient);
    for (int first = begin; first < end; first += e->cut.shard) {
        int n = end - first < e->cut.shard ? end - first : e->cut.shard;
        prnn_batch part = prnn_batch_part(&e->network->plan.config, all, (size_t)first, n);
        prnn_network_gradient(e->network, pass, &part, 1.0f / (float)all->n, e->nats + first);
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
    prnn_block sum[MOST_LEVELS + 1] = {prnn_block_part(e->sums, index * count, count)};
    for (int level = 0; level < e->levels; level++) {
        sum[level + 1] = prnn_block_part(w->sums, (size_t)level * count, count);
    }
    for (int lane = begin; lane < end; lane++) {
        run_lane(e, &w->pass, lane, sum[sums++]);
        for (int done = lane - begin + 1; sums > 1 && (done % 2 == 0 || lane == end - 1); done /= 2) {
            sums--;
            e->device->add_block(&w->pass, sum[sums - 1], sum[sums]);
        }
    }
}

/* Brings images first .. first + n - 1 of every lane together, or (`back`) takes their likelihoods apart.
 * Returns how many there are: the last lane may have fewer, so image i of them is of lane i / n. */
static int gather(const prnn_gradient_engine *e, int first, int n, bool back) {
    size_t bytes = prnn_network_shape(e->network).image;
    int count = 0;
    for (int lane = 0; lane < e->cut.lanes; lane++) {
        for (int i = first; i < first + n && lane * e->cut.lane + i < e->batch->n; i++, count++) {
            size_t image = (size_t)lane * (size_t)e->cut.lane + (size_t)i;
            if (back) {
                e->nats[image] = e->gathered_nats[count];
            } else {
                memcpy(e->gathered + (size_t)count * bytes, e->batch->images + image * bytes, bytes);
            }
        }
    }
    return count;
}

/* All lanes together: of each first its first shard, and so on, so that they add up what they do one by one.
 */
static void run_shards(const prnn_gradient_engine *e) {
    prnn_pass *pass = &e->workers->pass;
    pass->gradient = e->sums;
    e->device->clear_block(e->sums);
    for (int first = 0; first < e->cut.lane; first += e->cut.shard) {
        int left = e->cut.lane - first;
        prnn_batch part = *e->batch;
        pass->lane = left < e->cut.shard ? left : e->cut.shard;
        part.images = e->gathered;
        part.n = gather(e, first, pass->lane, false);
        prnn_network_gradient(e->network, pass, &part, 1.0f / (float)e->batch->n, e->gathered_nats);
        gather(e, first, pass->lane, true);
    }
}

double prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *e, prnn_block parameters,
                                const prnn_batch *batch, prnn_block gradient) {
    const prnn_plan *plan = &e->network->plan;
    e->batch = batch;
    e->cut = cut_of(e->network, batch->n);
    size_t runs = (size_t)divided(e->cut.lanes, 1 << e->levels);
    e->device->pack(ctx, &plan->forward, parameters, e->forward);
    e->device->pack(ctx, &plan->backward, parameters, e->backward);
    e->device->prepare(ctx, prnn_network_products(e->network), e->forward, e->backward);
    if (e->device->apart) {
        run_shards(e);
    } else {
        prnn_scratches workers = {e->workers, sizeof *e->workers, e->threads};
        prnn_parallel_for_with(ctx, runs, workers, run_lanes, e);
    }
    e->device->clear_block(gradient);
    e->device->unpack_sum(ctx, &plan->forward, e->sums, runs, gradient);
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
    size_t floats = model->network->plan.parameter_floats;
    prnn_block weights = {0}, out = {0};
    prnn_status status;
    TRY(prnn_model_check_images(ctx, model, images, count));
    TRY(prnn_gradient_engine_create(ctx, c, (int)count, 0, &engine));
    TRY(engine->device->share(ctx, model->weights->parameters, floats, &weights));
    TRY(engine->device->share(ctx, gradient, floats, &out));
    prnn_batch batch = {.images = images, .n = (int)count};
    *mean_nats = prnn_gradient_engine_run(ctx, engine, weights, &batch, out);
    TRY(engine->device->check(ctx));
    status = prnn_model_check_finite(ctx, engine->nats, count);
done:
    if (engine) {
        engine->device->unshare(&weights, NULL);
        engine->device->unshare(&out, gradient);
    }
    prnn_gradient_engine_free(ctx, engine);
    return status;
}

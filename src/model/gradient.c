#include "model/gradient.h"

#include "base/call.h"
#include "base/parallel.h"
#include "base/try.h"
#include "model/lanes.h"
#include "model/memory.h"
#include "model/model.h"

#include <string.h>

enum { MOST_LEVELS = 6 };

static prnn_cut cut_of(const prnn_network *net, int images) {
    return prnn_cut_of(net->kind->together, images);
}

static prnn_lane_run run_of(const prnn_context *ctx, int lanes) {
    return prnn_lanes_run(lanes, prnn_context_rank(ctx), prnn_context_rank_count(ctx));
}

/* Most lanes that this rank has of a batch of at most so many images: 65 can be in fewer lanes than 64. At
 * least one, so that there is memory that can be sent. */
static int most_lanes(const prnn_context *ctx, const prnn_network *net, int images) {
    int most = 1;
    for (int n = 1; n <= images; n++) {
        prnn_lane_run own = run_of(ctx, cut_of(net, n).lanes);
        most = own.end - own.begin > most ? own.end - own.begin : most;
    }
    return most;
}

static size_t most_pieces(const prnn_context *ctx, const prnn_network *net, int batch, int levels) {
    int rank = prnn_context_rank(ctx), ranks = prnn_context_rank_count(ctx), most = 1;
    for (int n = 1; n <= batch; n++) {
        prnn_lane_node nodes[PRNN_MOST_NODES];
        prnn_lane_run pieces[PRNN_MOST_LANES];
        int ends[PRNN_MOST_NODES], lanes = cut_of(net, n).lanes;
        int count = prnn_lanes_nodes(lanes, rank, ranks, nodes);
        int now = prnn_lanes_pieces(nodes, count, lanes, levels, pieces, ends);
        most = now > most ? now : most;
    }
    return (size_t)most;
}

/* What a pass needs to know. */
static prnn_pass_shape shape_of(const prnn_network *net, bool soft) {
    prnn_pass_shape shape = prnn_network_shape(net);
    shape.soft = soft ? prnn_network_soft(net) : 0;
    return shape;
}

/* A device that is apart takes a shard of every lane at once, as one pass. */
static int at_once_of(const prnn_context *ctx, const prnn_device *device, prnn_cut how) {
    prnn_lane_run own = run_of(ctx, how.lanes);
    return device->apart ? how.shard * (own.end - own.begin) : how.shard;
}

/* The most that a batch of at most so many images needs. */
static int most_at_once(const prnn_context *ctx, const prnn_device *device, const prnn_network *net,
                        int images) {
    int most = 1;
    for (int n = 1; n <= images; n++) {
        int now = at_once_of(ctx, device, cut_of(net, n));
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
    int threads, levels;          /* prnn_lanes_levels */
    prnn_block forward, backward; /* packed weights */
    prnn_block sums;              /* [pieces of work][forward.count] */
    double *nats;                 /* [batch] */
    uint8_t *gathered;            /* images of a pass with several lanes */
    float *gathered_soft;         /* and their soft targets; NULL: no batch has such */
    double *gathered_nats;
    lane_worker *workers;    /* [threads] */
    prnn_tree *tree;         /* over the lanes of all ranks; NULL: there is one rank */
    prnn_parcel *nats_parts; /* [ranks] */
    prnn_block unpacked;     /* where the device is apart, one of its nodes */
    /* The present batch: */
    const prnn_batch *batch;
    prnn_cut cut;
    prnn_lane_run own;
    /* Pieces of work: lanes that are a node of the tree. */
    prnn_lane_run pieces[PRNN_MOST_LANES];
    int piece_count;
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
    prnn_free(engine->gathered_soft);
    prnn_free(engine->gathered_nats);
    prnn_tree_free(engine->tree);
    prnn_free(engine->nats_parts);
    engine->device->release(&engine->unpacked);
    engine->device->release(&engine->sums);
    engine->device->release(&engine->backward);
    engine->device->release(&engine->forward);
    prnn_network_free(engine->network);
    prnn_free(engine);
}

prnn_need prnn_gradient_engine_need(prnn_context *ctx, const prnn_network *network, prnn_batch_kind of,
                                    int *workers) {
    int batch = of.images;
    size_t forward = network->plan.forward.count, backward = network->plan.backward.count;
    const prnn_device *device = prnn_device_of(ctx);
    int lanes = most_lanes(ctx, network, batch);
    *workers = prnn_device_threads(ctx, (size_t)lanes);
    int levels = prnn_lanes_levels(lanes, *workers), images = most_at_once(ctx, device, network, batch);
    prnn_pass_shape shape = shape_of(network, of.soft);
    prnn_need need = {.worker = device->pass_bytes(ctx, &shape, images)};
    prnn_need_block(&need.shared, 1, sizeof(prnn_gradient_engine));
    prnn_need_block(&need.shared, forward, sizeof(int32_t));
    prnn_need_block(&need.shared, backward, sizeof(int32_t));
    prnn_need_block(&need.shared, (size_t)batch, sizeof(double));
    prnn_need_block(&need.shared, (size_t)*workers, sizeof(lane_worker));
    if (prnn_context_rank_count(ctx) > 1) {
        prnn_need_block(&need.shared, (size_t)prnn_context_rank_count(ctx), sizeof(prnn_parcel));
    }
    prnn_need_add(&need.shared,
                  prnn_tree_bytes(ctx, network->plan.parameter_floats, network->kind->together, batch));
    if (device->apart) {
        prnn_need_block(&need.shared, (size_t)images, shape.image);
        if (of.soft) {
            prnn_need_block(&need.shared, (size_t)images, shape.soft * sizeof(float));
        }
        prnn_need_block(&need.shared, (size_t)images, sizeof(double));
        return need;
    }
    prnn_need_block(&need.worker, (size_t)levels * forward, sizeof(float));
    prnn_need_block(&need.shared, forward, sizeof(float));
    prnn_need_block(&need.shared, backward, sizeof(float));
    prnn_need_block(&need.shared, most_pieces(ctx, network, batch, levels) * forward, sizeof(float));
    return need;
}

prnn_gradient_apart prnn_gradient_engine_apart(prnn_context *ctx, const prnn_network *network,
                                               prnn_batch_kind batch) {
    const prnn_device *device = prnn_device_of(ctx);
    size_t forward = network->plan.forward.count, backward = network->plan.backward.count;
    prnn_pass_shape shape = shape_of(network, batch.soft);
    size_t pass = device->pass_memory(ctx, &shape, most_at_once(ctx, device, network, batch.images));
    size_t sums = most_pieces(ctx, network, batch.images, 0) * forward * sizeof(float);
    size_t packed = device->packed_memory(ctx, forward) + device->packed_memory(ctx, backward);
    size_t numbers = (forward + backward) * sizeof(int32_t);
    size_t unpacked = prnn_context_rank_count(ctx) > 1 ? network->plan.parameter_floats * sizeof(float) : 0;
    return (prnn_gradient_apart){pass + sums + packed + numbers + unpacked, pass > sums ? pass : sums};
}

static prnn_status allocate_worker(prnn_context *ctx, const prnn_gradient_engine *e, prnn_batch_kind pass,
                                   lane_worker *worker) {
    prnn_pass_shape shape = shape_of(e->network, pass.soft);
    size_t floats = (size_t)e->levels * e->network->plan.forward.count;
    prnn_status status;
    TRY(e->device->allocate_raw(ctx, floats, "the gradients of a thread", &worker->sums));
    TRY(e->device->open(ctx, &shape, pass.images, false, &worker->pass));
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

static prnn_status allocate_tree(prnn_context *ctx, prnn_gradient_engine *e, int batch) {
    size_t floats = e->network->plan.parameter_floats;
    prnn_status status = PRNN_OK;
    if (prnn_context_rank_count(ctx) > 1) {
        size_t ranks = (size_t)prnn_context_rank_count(ctx);
        e->nats_parts = prnn_alloc(ctx, ranks, sizeof *e->nats_parts, "the likelihoods of other ranks");
        TRY(e->nats_parts ? PRNN_OK : PRNN_ERROR_MEMORY);
        TRY(prnn_tree_create(ctx, floats, e->network->kind->together, batch, &e->tree));
        if (e->device->apart) {
            TRY(e->device->allocate(ctx, floats, "the gradient of some lanes", &e->unpacked));
        }
    }
done:
    return status;
}

/* Where the device is apart, of as many images as it takes at once. */
static prnn_status allocate_gathered(prnn_context *ctx, prnn_gradient_engine *e, prnn_batch_kind pass) {
    prnn_pass_shape shape = shape_of(e->network, pass.soft);
    size_t images = (size_t)pass.images;
    prnn_status status;
    e->gathered = prnn_alloc(ctx, images, shape.image, "a batch");
    e->gathered_nats = prnn_alloc(ctx, images, sizeof(double), "likelihoods");
    TRY(e->gathered && e->gathered_nats ? PRNN_OK : PRNN_ERROR_MEMORY);
    if (pass.soft) {
        e->gathered_soft = prnn_alloc(ctx, images, shape.soft * sizeof(float), "soft targets");
        TRY(e->gathered_soft ? PRNN_OK : PRNN_ERROR_MEMORY);
    }
done:
    return status;
}

static prnn_status allocate(prnn_context *ctx, prnn_gradient_engine *e, prnn_batch_kind of, size_t reserve) {
    const prnn_plan *plan = &e->network->plan;
    const prnn_device *device = e->device;
    int batch = of.images, lanes = most_lanes(ctx, e->network, batch), wanted;
    prnn_need need = prnn_gradient_engine_need(ctx, e->network, of, &wanted);
    prnn_status status;
    prnn_need_add(&need.shared, reserve);
    e->threads = wanted;
    e->levels = device->apart ? 0 : prnn_lanes_levels(lanes, wanted);
    size_t pieces = most_pieces(ctx, e->network, batch, e->levels);
    TRY(prnn_need_afford(ctx, &need, &e->threads, "the gradient of a batch",
                         "choose a smaller hidden size, fewer layers or a smaller batch"));
    TRY(index_packings(ctx, e));
    TRY(device->allocate(ctx, plan->forward.count, "the packed weights", &e->forward));
    TRY(device->allocate(ctx, plan->backward.count, "the transposed weights", &e->backward));
    TRY(device->allocate_raw(ctx, pieces * plan->forward.count, "the gradients of a batch", &e->sums));
    e->nats = prnn_alloc(ctx, (size_t)batch, sizeof(double), "likelihoods");
    TRY(e->nats ? PRNN_OK : PRNN_ERROR_MEMORY);
    e->workers = prnn_alloc(ctx, (size_t)wanted, sizeof *e->workers, "the threads' work");
    TRY(e->workers ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(allocate_tree(ctx, e, batch));
    prnn_batch_kind pass = {most_at_once(ctx, device, e->network, batch), of.soft};
    TRY(device->apart ? allocate_gathered(ctx, e, pass) : PRNN_OK);
    for (int w = 0; w < e->threads; w++) {
        TRY(allocate_worker(ctx, e, pass, &e->workers[w]));
    }
done:
    return status;
}

prnn_status prnn_gradient_engine_create(prnn_context *ctx, const prnn_config *config, prnn_batch_kind batch,
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
        prnn_batch part = prnn_batch_part(e->network, all, (size_t)first, n);
        prnn_network_gradient(e->network, pass, &part, 1.0f / (float)all->n, e->nats + first);
    }
}

/* Some lanes that are a node of the tree. Their sums so far are of nodes that become smaller: like the digits
 * of a binary number, two of one size become one of the next. */
static void run_lanes(void *arg, size_t index, void *own) {
    const prnn_gradient_engine *e = arg;
    lane_worker *w = own;
    size_t count = e->network->plan.forward.count;
    int begin = e->pieces[index].begin, end = e->pieces[index].end, sums = 0;
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

/* Brings images first .. first + n - 1 of every own lane together, or (`back`) takes their likelihoods apart.
 * Returns how many there are: the last lane may have fewer, so image i of them is of lane i / n. */
static int gather(const prnn_gradient_engine *e, int first, int n, bool back) {
    size_t bytes = prnn_network_shape(e->network).image, soft = prnn_network_soft(e->network);
    int count = 0;
    for (int lane = e->own.begin; lane < e->own.end; lane++) {
        for (int i = first; i < first + n && lane * e->cut.lane + i < e->batch->n; i++, count++) {
            size_t image = (size_t)lane * (size_t)e->cut.lane + (size_t)i;
            if (back) {
                e->nats[image] = e->gathered_nats[count];
                continue;
            }
            memcpy(e->gathered + (size_t)count * bytes, e->batch->images + image * bytes, bytes);
            if (e->batch->soft) {
                memcpy(e->gathered_soft + (size_t)count * soft, e->batch->soft + image * soft,
                       soft * sizeof(float));
            }
        }
    }
    return count;
}

/* All own lanes together: of each first its first shard, and so on, so that they add up what they do one by
 * one. */
static void run_shards(const prnn_gradient_engine *e) {
    prnn_pass *pass = &e->workers->pass;
    pass->gradient = e->sums;
    e->device->clear_block(e->sums);
    for (int first = 0; first < e->cut.lane; first += e->cut.shard) {
        int left = e->cut.lane - first;
        prnn_batch part = *e->batch;
        pass->lane = left < e->cut.shard ? left : e->cut.shard;
        part.images = e->gathered;
        part.soft = e->batch->soft ? e->gathered_soft : NULL;
        part.dropout.first += (uint32_t)(e->own.begin * e->cut.lane + first);
        part.dropout.apart = (uint32_t)e->cut.lane;
        part.n = gather(e, first, pass->lane, false);
        prnn_network_gradient(e->network, pass, &part, 1.0f / (float)e->batch->n, e->gathered_nats);
        gather(e, first, pass->lane, true);
    }
}

static void run_own_lanes(prnn_context *ctx, prnn_gradient_engine *e) {
    if (e->own.begin == e->own.end) {
        return;
    }
    if (e->device->apart) {
        run_shards(e);
    } else {
        prnn_scratches workers = {e->workers, sizeof *e->workers, e->threads};
        prnn_parallel_for_with(ctx, (size_t)e->piece_count, workers, run_lanes, e);
    }
}

/* Some pieces of work, one after the other, which are a node of the tree. */
static void unpack(prnn_context *ctx, const prnn_gradient_engine *e, int first, int count, prnn_block to) {
    const prnn_packing *packing = &e->network->plan.forward;
    prnn_block sums =
        prnn_block_part(e->sums, (size_t)first * packing->count, (size_t)count * packing->count);
    e->device->unpack_sum(ctx, packing, sums, (size_t)count, to);
}

/* The same, for the ranks that own its slices. */
static prnn_status unpack_node(prnn_context *ctx, const prnn_gradient_engine *e, int node, int first,
                               int count) {
    float *to = prnn_tree_node(e->tree, node);
    prnn_block block = e->unpacked;
    prnn_status status;
    if (e->device->apart) {
        unpack(ctx, e, first, count, block);
        e->device->download(block, to);
        return PRNN_OK;
    }
    TRY(e->device->share(ctx, to, e->network->plan.parameter_floats, &block));
    unpack(ctx, e, first, count, block);
    e->device->unshare(&block, to);
done:
    return status;
}

/* The likelihoods of the images of all ranks. */
static prnn_status gather_nats(prnn_context *ctx, prnn_gradient_engine *e) {
    int ranks = prnn_context_rank_count(ctx), n = e->batch->n;
    for (int r = 0; r < ranks; r++) {
        int first = prnn_lanes_first(e->cut.lanes, r, ranks) * e->cut.lane;
        int end = prnn_lanes_first(e->cut.lanes, r + 1, ranks) * e->cut.lane;
        end = end < n ? end : n;
        first = first < end ? first : end;
        e->nats_parts[r] = (prnn_parcel){e->nats + first, (size_t)(end - first) * sizeof(double)};
    }
    return prnn_ranks_gather(ctx, e->nats_parts);
}

static prnn_status sum_over_ranks(prnn_context *ctx, prnn_gradient_engine *e, const int *ends, int nodes,
                                  unsigned *wishes, prnn_block gradient) {
    prnn_status status = PRNN_OK;
    for (int i = 0; i < nodes && status == PRNN_OK; i++) {
        int first = i ? ends[i - 1] : 0;
        status = unpack_node(ctx, e, i, first, ends[i] - first);
    }
    status = status == PRNN_OK ? e->device->check(ctx) : status;
    TRY(prnn_tree_sum(ctx, e->tree, status, wishes, e->cut.lanes));
    e->device->upload(gradient, prnn_tree_node(e->tree, 0));
    TRY(gather_nats(ctx, e));
done:
    return status;
}

prnn_status prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *e, prnn_block parameters,
                                     const prnn_batch *batch, prnn_block gradient, unsigned *wishes,
                                     double *nats) {
    const prnn_plan *plan = &e->network->plan;
    prnn_lane_node nodes[PRNN_MOST_NODES];
    int ends[PRNN_MOST_NODES];
    prnn_status status = PRNN_OK;
    e->batch = batch;
    e->cut = cut_of(e->network, batch->n);
    e->own = run_of(ctx, e->cut.lanes);
    int count = prnn_lanes_nodes(e->cut.lanes, prnn_context_rank(ctx), prnn_context_rank_count(ctx), nodes);
    e->piece_count = prnn_lanes_pieces(nodes, count, e->cut.lanes, e->levels, e->pieces, ends);
    e->device->pack(ctx, &plan->forward, parameters, e->forward);
    e->device->pack(ctx, &plan->backward, parameters, e->backward);
    e->device->prepare(ctx, prnn_network_products(e->network), e->forward, e->backward);
    run_own_lanes(ctx, e);
    if (e->tree) {
        TRY(sum_over_ranks(ctx, e, ends, count, wishes, gradient));
    } else {
        e->device->clear_block(gradient);
        unpack(ctx, e, 0, e->piece_count, gradient);
    }
    TRY(e->device->check(ctx));
    *nats = 0;
    for (int i = 0; i < batch->n; i++) {
        *nats += e->nats[i];
    }
    *nats /= batch->n;
done:
    return status;
}

prnn_share prnn_gradient_engine_share(const prnn_context *ctx, const prnn_gradient_engine *e, int n) {
    prnn_cut cut = cut_of(e->network, n);
    prnn_lane_run own = run_of(ctx, cut.lanes);
    int first = own.begin * cut.lane, end = own.end * cut.lane < n ? own.end * cut.lane : n;
    return (prnn_share){(size_t)first, (size_t)(end > first ? end - first : 0)};
}

prnn_traffic prnn_gradient_engine_traffic(const prnn_gradient_engine *e) {
    return e->tree ? prnn_tree_traffic(e->tree) : (prnn_traffic){0};
}

int prnn_ranks_useful(const prnn_model *model, int batch) {
    return cut_of(model->network, batch < 1 ? 1 : batch).lanes;
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
    TRY(prnn_gradient_engine_create(ctx, c, (prnn_batch_kind){.images = (int)count}, 0, &engine));
    TRY(engine->device->share(ctx, model->weights->parameters, floats, &weights));
    TRY(engine->device->share(ctx, gradient, floats, &out));
    prnn_batch batch = {.images = images, .n = (int)count};
    TRY(prnn_gradient_engine_run(ctx, engine, weights, &batch, out, NULL, mean_nats));
    engine->device->unshare(&out, gradient);
    TRY(engine->device->check(ctx)); /* what failed since the last time may show only now */
    status = prnn_model_check_finite(ctx, engine->nats, count);
done:
    status = prnn_ranks_fail(ctx, status);
    if (engine) {
        engine->device->unshare(&weights, NULL);
        engine->device->unshare(&out, NULL);
    }
    prnn_gradient_engine_free(ctx, engine);
    return status;
}

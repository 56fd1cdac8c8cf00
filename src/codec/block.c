#include "codec/block.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "codec/stored.h"
#include "codec/stream.h"
#include "sample/generation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Blocks that one thread codes at a time: one, or several to read that have as many parts and one shape. */
typedef struct job {
    prnn_block_of_parts *blocks;
    size_t n;
} job;

/* What codes a job: a model of its size, and a pass of that. */
typedef struct slot {
    prnn_model *model;
    prnn_passes passes; /* one */
    size_t images;      /* that the pass takes */
    float *logits;      /* of a row of them */
} slot;

typedef struct crew {
    const prnn_coding *coding;
    bool (*work)(const prnn_coding *coding, const job *job,
                 const prnn_stream_worker *worker); /* false: no memory */
    job *jobs;
    size_t count; /* of them */
    slot *slots;  /* one a thread */
    size_t threads;
    size_t first;     /* job of the present round */
    bool own;         /* a thread has a slot; else a job of the round has */
    pthread_t caller; /* the thread that calls coding->done */
    size_t told;      /* parts that it was told of */
    atomic_size_t done;
    atomic_bool stop, short_of_memory;
} crew;

/* ---------------------------------------------------------------------------------------- slots */

static void slot_close(prnn_context *ctx, slot *s) {
    prnn_passes_close(ctx, &s->passes);
    prnn_model_free(s->model);
    prnn_free(s->logits);
    *s = (slot){0};
}

/* The slot gets a pass for so many images of the size of a part, unless it has one. */
static prnn_status slot_open(const prnn_coding *c, const prnn_part *part, size_t images, slot *s) {
    const prnn_config *has = s->model ? &s->model->network->plan.config : NULL;
    prnn_status status = PRNN_OK;
    if (has && has->height == part->height && has->width == part->width && s->images >= images) {
        return PRNN_OK;
    }
    slot_close(c->ctx, s);
    s->images = images;
    TRY(prnn_model_resize(c->ctx, c->model, part->height, part->width, &s->model));
    TRY(prnn_model_passes(c->ctx, s->model, (int)images, 1, &s->passes));
    s->logits =
        prnn_alloc_raw(c->ctx, prnn_stream_logits(s->model->network, images), sizeof *s->logits, "logits");
    TRY(s->logits ? PRNN_OK : PRNN_ERROR_MEMORY);
done:
    if (status != PRNN_OK) {
        slot_close(c->ctx, s);
    }
    return status;
}

/* --------------------------------------------------------------------------------------- progress */

/* The caller's thread says how many parts are done by now; false: stop. */
static bool tell(crew *all) {
    const prnn_coding *c = all->coding;
    size_t done = atomic_load(&all->done), parts = done - all->told;
    all->told = done;
    if (c->done && parts > 0 && !atomic_load(&all->stop) && !c->done(c->user, parts)) {
        atomic_store(&all->stop, true);
    }
    return !atomic_load(&all->stop);
}

/* A job under way: how many of its parts are done. */
typedef struct advance {
    crew *all;
    size_t done;
} advance;

/* After some parts of a job, on any thread. */
static bool on_group(void *user, size_t parts) {
    advance *a = user;
    a->done += parts;
    atomic_fetch_add(&a->all->done, parts);
    return pthread_equal(pthread_self(), a->all->caller) ? tell(a->all) : !atomic_load(&a->all->stop);
}

/* ---------------------------------------------------------------------------------------- parts */

static prnn_raster raster_of(const prnn_block_of_parts *b) {
    return (prnn_raster){b->count, b->parts->height, b->parts->width, b->parts->channels};
}

static size_t bytes_of(const prnn_block_of_parts *b) {
    return b->count * prnn_part_bytes(b->parts);
}

/* Levels of all parts of a block, to a model of C channels. */
static size_t levels_of(const prnn_coding *c, const prnn_block_of_parts *b) {
    return bytes_of(b) / (size_t)b->parts->channels * (size_t)c->header->channels;
}

static void take_parts(const prnn_coding *c, const prnn_block_of_parts *b, uint8_t *values) {
    for (size_t i = 0; i < b->count; i++, values += prnn_part_bytes(b->parts)) {
        const prnn_canvas *image = &c->images[b->parts[i].image];
        prnn_part_take(&b->parts[i], image->record, image->values, values);
    }
}

static void put_parts(const prnn_coding *c, const prnn_block_of_parts *b, const uint8_t *values) {
    for (size_t i = 0; i < b->count; i++, values += prnn_part_bytes(b->parts)) {
        const prnn_canvas *image = &c->images[b->parts[i].image];
        if (image->values) {
            prnn_part_put(&b->parts[i], image->record, values, image->values);
        }
    }
}

/* ---------------------------------------------------------------------------------------- write */

/* By the model, if that is shorter than what the block has. `bytes` has room for as much. */
static void write_by_model(const prnn_coding *c, const prnn_stream_worker *worker, prnn_block_of_parts *b,
                           const uint8_t *values, uint8_t *levels, uint8_t *bytes) {
    size_t part = prnn_part_bytes(b->parts), each = levels_of(c, b) / b->count;
    for (size_t i = 0; i < b->count; i++) {
        prnn_part_to_levels(&b->parts[i], c->header, c->colours, values + i * part, part, levels + i * each);
    }
    prnn_stream stream = {.count = b->count, .images = levels, .bytes = bytes, .size = b->size - 1};
    prnn_stream_write(worker, &stream);
    if (stream.whole) {
        memcpy(b->bytes, bytes, stream.size);
        b->size = stream.size;
        b->method = PRNN_METHOD_MODEL;
    }
}

static bool write_job(const prnn_coding *c, const job *j, const prnn_stream_worker *worker) {
    prnn_block_of_parts *b = j->blocks;
    prnn_raster raster = raster_of(b);
    size_t room = prnn_stored_bound(&raster);
    uint8_t *values = prnn_alloc_raw(NULL, bytes_of(b), 1, ""), *scratch = prnn_alloc_raw(NULL, room, 1, "");
    uint8_t *levels = worker ? prnn_alloc_raw(NULL, levels_of(c, b), 1, "") : values;
    b->bytes = prnn_alloc_raw(NULL, room, 1, "");
    b->whole = values && scratch && levels && b->bytes;
    if (b->whole) {
        take_parts(c, b, values);
        b->content = prnn_crc32(values, bytes_of(b));
        b->whole = prnn_stored_pack(&raster, values, b->bytes, scratch, &b->size, &b->method);
    }
    if (b->whole && worker) {
        write_by_model(c, worker, b, values, levels, scratch);
    }
    prnn_free(values);
    prnn_free(scratch);
    prnn_free(worker ? levels : NULL);
    return b->whole;
}

/* ----------------------------------------------------------------------------------------- read */

/* Of a block whose values are there. */
static void accept(const prnn_coding *c, prnn_block_of_parts *b, const uint8_t *values, uint8_t *scratch) {
    b->whole = prnn_crc32(values, bytes_of(b)) == b->content;
    if (b->whole && c->compare) {
        take_parts(c, b, scratch);
        b->whole = memcmp(values, scratch, bytes_of(b)) == 0;
    } else if (b->whole) {
        put_parts(c, b, values);
    }
}

/* From the levels of all parts of a block, if all of them can be levels of what they are part of. */
static bool values_of(const prnn_coding *c, const prnn_block_of_parts *b, const uint8_t *levels,
                      uint8_t *values) {
    size_t part = prnn_part_bytes(b->parts), each = levels_of(c, b) / b->count;
    bool equal = true;
    for (size_t i = 0; i < b->count; i++) {
        equal &= prnn_part_from_levels(&b->parts[i], c->header, c->colours, levels + i * each, part,
                                       values + i * part);
    }
    return equal;
}

static void read_by_model(const prnn_coding *c, const prnn_stream_worker *worker, const job *j,
                          uint8_t *levels, uint8_t *values, uint8_t *scratch) {
    prnn_stream streams[PRNN_GENERATION_MOST];
    size_t each = levels_of(c, j->blocks);
    for (size_t i = 0; i < j->n; i++) {
        prnn_block_of_parts *b = &j->blocks[i];
        streams[i] = (prnn_stream){b->count, levels + i * each, b->bytes, b->size, false};
    }
    prnn_streams_read(worker, streams, j->n);
    for (size_t i = 0; i < j->n; i++) {
        if (streams[i].whole && values_of(c, &j->blocks[i], streams[i].images, values)) {
            accept(c, &j->blocks[i], values, scratch);
        }
    }
}

static bool read_job(const prnn_coding *c, const job *j, const prnn_stream_worker *worker) {
    prnn_raster raster = raster_of(j->blocks);
    size_t bytes = bytes_of(j->blocks);
    uint8_t *values = prnn_alloc_raw(NULL, bytes, 1, ""), *scratch = prnn_alloc_raw(NULL, bytes, 1, "");
    uint8_t *levels = worker ? prnn_alloc(NULL, j->n, levels_of(c, j->blocks), "") : values;
    bool there = values && scratch && levels;
    if (there && worker) {
        read_by_model(c, worker, j, levels, values, scratch);
    } else if (there) {
        const prnn_block_of_parts *b = j->blocks;
        prnn_status status = prnn_stored_unpack(&raster, b->method, b->bytes, b->size, values);
        there = status != PRNN_ERROR_MEMORY;
        if (status == PRNN_OK) {
            accept(c, j->blocks, values, scratch);
        }
    }
    prnn_free(values);
    prnn_free(scratch);
    prnn_free(worker ? levels : NULL);
    return there;
}

/* --------------------------------------------------------------------------------------- rounds */

static void run_job(void *arg, size_t index, void *own) {
    crew *all = arg;
    const job *j = &all->jobs[all->first + index];
    const slot *s = own ? own : &all->slots[index];
    advance a = {.all = all};
    prnn_stream_worker worker = {.logits = s->logits, .done = on_group, .user = &a};
    if (atomic_load(&all->stop)) {
        return;
    }
    if (s->model) {
        worker.network = s->model->network;
        worker.kernels = prnn_kernels_of(all->coding->ctx);
        worker.pass = &s->passes.list[0];
    }
    if (!all->work(all->coding, j, s->model ? &worker : NULL)) {
        atomic_store(&all->short_of_memory, true);
    }
    on_group(&a, j->n * j->blocks->count - a.done); /* those that no model coded, or none to the end */
}

/* Whether a model codes the job. */
static bool is_modelled(const crew *all, const job *j) {
    return all->work == write_job ? j->blocks->parts->how != PRNN_HOW_STORED
                                  : j->blocks->method == PRNN_METHOD_MODEL;
}

/* Images of the job that go through the network together. */
static size_t images_of(const job *j) {
    size_t each = j->blocks->count < PRNN_STREAM_GROUP ? j->blocks->count : PRNN_STREAM_GROUP;
    return j->n * each;
}

static bool same_shape(const crew *all, const job *a, const job *b) {
    return prnn_parts_alike(a->blocks->parts, b->blocks->parts) && is_modelled(all, a) == is_modelled(all, b);
}

/* How many jobs the next round has: some hundred parts for each thread, or a job. Of many of one shape a
 * thread takes one after the other with its slot; else each of a few has a slot of its own. */
static size_t begin_round(crew *all) {
    enum { PARTS = 128 };
    size_t left = all->count - all->first, alike = 1;
    const job *jobs = all->jobs + all->first;
    size_t each = jobs->n * jobs->blocks->count, most = all->threads * (each < PARTS ? PARTS / each : 1);
    while (alike < left && alike < most && same_shape(all, &jobs[0], &jobs[alike])) {
        alike++;
    }
    all->own = alike >= all->threads;
    return all->own ? alike : left < all->threads ? left : all->threads;
}

static prnn_status open_slots(const crew *all, size_t n) {
    const job *jobs = all->jobs + all->first;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n; i++) {
        slot *s = &all->slots[all->own ? i % all->threads : i];
        if (!is_modelled(all, &jobs[i])) {
            slot_close(all->coding->ctx, s);
            continue;
        }
        size_t images = images_of(&jobs[i]);
        for (size_t k = 0; all->own && k < n; k++) {
            images = images_of(&jobs[k]) > images ? images_of(&jobs[k]) : images;
        }
        TRY(slot_open(all->coding, jobs[i].blocks->parts, images, s));
    }
done:
    return status;
}

static prnn_status run_round(crew *all, size_t n) {
    const prnn_coding *c = all->coding;
    prnn_scratches scratches = {all->own ? all->slots : NULL, sizeof *all->slots, (int)all->threads};
    prnn_status status;
    TRY(open_slots(all, n));
    prnn_parallel_for_with(c->ctx, n, scratches, run_job, all);
    TRY(prnn_device_of(c->ctx)->check(c->ctx));
    TRY(tell(all) ? PRNN_OK : prnn_fail(c->ctx, PRNN_STOPPED, "stopped"));
    TRY(atomic_load(&all->short_of_memory)
            ? prnn_fail(c->ctx, PRNN_ERROR_MEMORY,
                        "not enough memory to code images: take fewer threads, or smaller tiles")
            : PRNN_OK);
done:
    return status;
}

static prnn_status run_all(crew *all) {
    const prnn_coding *c = all->coding;
    prnn_status status = PRNN_OK;
    size_t round;
    all->caller = pthread_self();
    all->threads = (size_t)prnn_device_threads(c->ctx, all->count);
    all->slots = prnn_alloc(c->ctx, all->threads, sizeof *all->slots, "the threads' work");
    TRY(all->slots ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (; all->first < all->count; all->first += round) {
        round = begin_round(all);
        TRY(run_round(all, round));
    }
done:
    for (size_t i = 0; all->slots && i < all->threads; i++) {
        slot_close(c->ctx, &all->slots[i]);
    }
    prnn_free(all->slots);
    return status;
}

/* --------------------------------------------------------------------------------------- blocks */

prnn_status prnn_blocks_write(const prnn_coding *coding, prnn_block_of_parts *blocks, size_t n) {
    crew all = {.coding = coding, .work = write_job, .count = n};
    all.jobs = prnn_alloc(coding->ctx, n, sizeof *all.jobs, "the list of blocks");
    prnn_status status = all.jobs ? PRNN_OK : PRNN_ERROR_MEMORY;
    for (size_t i = 0; i < n && all.jobs; i++) {
        all.jobs[i] = (job){&blocks[i], 1};
    }
    status = status == PRNN_OK ? run_all(&all) : status;
    prnn_free(all.jobs);
    return status;
}

/* How many images of the size of a part should be read together, where there are so many of them. */
static prnn_status lanes_for(const prnn_coding *c, const prnn_part *part, size_t count, size_t *lanes) {
    prnn_model *model;
    prnn_status status = prnn_model_resize(c->ctx, c->model, part->height, part->width, &model);
    if (status == PRNN_OK) {
        *lanes = prnn_device_shard(c->ctx, count, PRNN_GENERATION_IMAGES, model->network->plan.memory.floats);
        prnn_model_free(model);
    }
    return status;
}

static bool read_alike(const prnn_block_of_parts *a, const prnn_block_of_parts *b) {
    return (a->method == PRNN_METHOD_MODEL) == (b->method == PRNN_METHOD_MODEL) &&
           prnn_parts_alike(a->parts, b->parts);
}

/* Cuts `n` blocks, which are alike, into jobs. */
static prnn_status cut(const prnn_coding *c, prnn_block_of_parts *blocks, size_t n, job *jobs,
                       size_t *count) {
    size_t parts = 0, lanes = 1;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n; i++) {
        parts += blocks[i].count;
    }
    if (blocks->method == PRNN_METHOD_MODEL) {
        TRY(lanes_for(c, blocks->parts, parts, &lanes));
    }
    for (size_t i = 0; i < n;) {
        size_t each = blocks[i].count, most = each <= PRNN_STREAM_GROUP ? lanes / each : 1, k = 1;
        while (k < most && i + k < n && blocks[i + k].count == each) {
            k++;
        }
        jobs[(*count)++] = (job){&blocks[i], k};
        i += k;
    }
done:
    return status;
}

prnn_status prnn_blocks_read(const prnn_coding *coding, prnn_block_of_parts *blocks, size_t n) {
    crew all = {.coding = coding, .work = read_job};
    prnn_status status = PRNN_OK;
    all.jobs = prnn_alloc(coding->ctx, n, sizeof *all.jobs, "the list of blocks");
    TRY(all.jobs ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0, k; i < n; i += k) {
        for (k = 0; i + k < n && read_alike(&blocks[i], &blocks[i + k]); k++) {
            blocks[i + k].whole = false;
        }
        TRY(cut(coding, blocks + i, k, all.jobs, &all.count));
    }
    TRY(run_all(&all));
done:
    prnn_free(all.jobs);
    return status;
}

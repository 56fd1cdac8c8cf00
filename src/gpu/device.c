/* A GPU as a device: its blocks, and what a pass has there. */

#include "gpu/device.h"

#include "base/memory.h"
#include "base/need.h"
#include "base/try.h"
#include "gpu/wide.h"

#include <math.h>
#include <stdio.h>

static prnn_status check(prnn_context *ctx) {
    const prnn_gpu_state *state = ctx->gpu;
    return state->status == PRNN_OK ? PRNN_OK : prnn_fail(ctx, state->status, "%s", state->message);
}

static size_t memory_of(const prnn_context *ctx) {
    const prnn_gpu_state *state = ctx->gpu;
    return (size_t)state->gpu->driver->room(state->gpu) + state->spare_bytes;
}

/* A driver that does not tell what is free tells what there is. */
static size_t all_memory(const prnn_context *ctx) {
    const prnn_gpu_info *info = &ctx->gpu->gpu->info;
    return info->largest < info->memory ? (size_t)info->memory : memory_of(ctx);
}

/* Tables are small. */
static size_t pass_memory(const prnn_context *ctx, const prnn_pass_shape *shape, int images) {
    (void)ctx;
    return ((shape->floats + shape->soft) * sizeof(float) + shape->image * (1 + sizeof(float))) *
           (size_t)images;
}

/* In bf16 there are these too: 2 bytes each in wide strips, with the place of every eighth; strips of little
 * in common have some that are zero. */
static size_t packed_memory(const prnn_context *ctx, size_t count) {
    const prnn_gpu_state *state = ctx->gpu;
    return count * (sizeof(float) + (state->bf16 ? 3 : 0));
}

/* -------------------------------------------------------------------------------------- blocks */

static prnn_status allocate_raw(prnn_context *ctx, size_t count, const char *what, prnn_block *block) {
    prnn_gpu_state *state = ctx->gpu;
    prnn_status status;
    *block = (prnn_block){0};
    prnn_gpu_memory *memory = prnn_alloc(ctx, 1, sizeof *memory, what);
    TRY(memory ? PRNN_OK : PRNN_ERROR_MEMORY);
    memory->state = state;
    TRY(state->gpu->driver->allocate(ctx, state->gpu, count * sizeof(float), what, &memory->block));
    *block = (prnn_block){.memory = memory, .count = count};
    state->used++;
    memory = NULL;
done:
    prnn_free(memory);
    return status;
}

static prnn_status allocate(prnn_context *ctx, size_t count, const char *what, prnn_block *block) {
    prnn_status status;
    TRY(allocate_raw(ctx, count, what, block));
    prnn_gpu_clear(ctx->gpu, prnn_gpu_memory_of(*block)->block, 0, count);
done:
    return status;
}

static void release(prnn_block *block) {
    prnn_gpu_memory *memory = block->memory;
    if (memory) {
        prnn_gpu_widened_free(memory->widened);
        memory->state->gpu->driver->release(memory->state->gpu, memory->block);
        memory->state->used--;
        prnn_free(memory);
    }
    *block = (prnn_block){0};
}

static void upload(prnn_block to, const void *from) {
    const prnn_gpu_memory *memory = to.memory;
    prnn_gpu_upload(memory->state, memory->block, to.first * sizeof(float), from, to.count * sizeof(float));
}

static void download(prnn_block from, float *to) {
    const prnn_gpu_memory *memory = from.memory;
    prnn_gpu_download(memory->state, memory->block, from.first * sizeof(float), to,
                      from.count * sizeof(float));
}

/* Number by number. */
static void run_on_blocks(prnn_gpu_kernel_number kernel, prnn_block from, prnn_block to) {
    const prnn_gpu_memory *source = from.memory, *target = to.memory;
    uint64_t n = to.count, from_first = from.first, to_first = to.first;
    PRNN_GPU_RUN(target->state, kernel, prnn_gpu_groups(to.count, 256), 1, PRNN_GPU_VALUE(n),
                 PRNN_GPU_VALUE(from_first), PRNN_GPU_VALUE(to_first), PRNN_GPU_BLOCK(source->block),
                 PRNN_GPU_BLOCK(target->block));
}

static void copy_block(prnn_block from, prnn_block to) {
    run_on_blocks(PRNN_GPU_copy_numbers, from, to);
}

static void add_block(const prnn_pass *pass, prnn_block sum, prnn_block other) {
    (void)pass;
    run_on_blocks(PRNN_GPU_add_numbers, other, sum);
}

static void clear_block(prnn_block block) {
    const prnn_gpu_memory *memory = block.memory;
    prnn_gpu_clear(memory->state, memory->block, block.first, block.count);
}

static prnn_status share(prnn_context *ctx, void *array, size_t count, prnn_block *block) {
    prnn_status status;
    TRY(allocate_raw(ctx, count, "a copy of the host's numbers", block));
    upload(*block, array);
done:
    return status;
}

static void unshare(prnn_block *block, void *array) {
    if (block->memory && array) {
        download(*block, array);
    }
    release(block);
}

static const float *host(prnn_block block) {
    (void)block;
    return NULL;
}

/* What cannot be read is found by whoever reads it next. */
static size_t first_not_finite(prnn_block block) {
    enum { PIECE = 1 << 14 };
    float piece[PIECE];
    for (size_t first = 0; first < block.count; first += PIECE) {
        size_t left = block.count - first, n = left < PIECE ? left : PIECE;
        download(prnn_block_part(block, first, n), piece);
        for (size_t i = 0; i < n; i++) {
            if (!isfinite(piece[i])) {
                return first + i;
            }
        }
    }
    return block.count;
}

static prnn_status weights(prnn_context *ctx, prnn_product_list products, float *packed, size_t count,
                           prnn_block *block, prnn_block *owned) {
    const prnn_gpu_state *state = ctx->gpu;
    prnn_status status;
    TRY(share(ctx, packed, count, owned));
    if (state->bf16) {
        TRY(prnn_gpu_widen(ctx, products, false, *owned));
    }
    *block = *owned;
done:
    return status;
}

static size_t weights_bytes(prnn_context *ctx, size_t count) {
    (void)ctx;
    (void)count;
    return 0;
}

/* In fp32, products read them as they are packed. */
static void prepare(prnn_context *ctx, prnn_product_list products, prnn_block forward, prnn_block backward) {
    prnn_gpu_state *state = ctx->gpu;
    if (state->bf16 && state->status == PRNN_OK) {
        prnn_gpu_note(state, prnn_gpu_widen(ctx, products, false, forward));
    }
    if (state->bf16 && state->status == PRNN_OK) {
        prnn_gpu_note(state, prnn_gpu_widen(ctx, products, true, backward));
    }
}

/* -------------------------------------------------------------------------------------- passes */

static void release_own(prnn_gpu_pass *own) {
    prnn_gpu_state *s = own->state;
    prnn_gpu_block *const blocks[] = {own->levels, own->soft,     own->nats,
                                      own->drawn,  own->uniforms, own->scaled};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        s->gpu->driver->release(s->gpu, blocks[i]);
    }
    prnn_gpu_walks_close(own);
    prnn_gpu_tables_close(own);
    prnn_free(own->numbers);
    prnn_free(own->logits);
    prnn_free(own->bytes_of_draw);
}

static void close_pass(prnn_context *ctx, prnn_pass *pass) {
    (void)ctx;
    prnn_gpu_pass *own = pass->own;
    if (own) {
        prnn_gpu_state *s = own->state;
        if (own->kept && !s->spare) {
            s->spare = own->memory;
            s->spare_bytes = own->bytes;
        } else {
            s->gpu->driver->release(s->gpu, own->memory);
        }
        release_own(own);
        s->used--;
        prnn_free(own);
    }
    *pass = (prnn_pass){0};
}

/* Of a size, or what the last pass left, if that is enough and not far too much. */
static prnn_status take_memory(prnn_gpu_state *s, size_t bytes, prnn_gpu_pass *own) {
    own->bytes = bytes;
    if (s->spare && s->spare_bytes >= bytes && s->spare_bytes / 2 <= bytes) {
        own->memory = s->spare;
        own->bytes = s->spare_bytes;
        s->spare = NULL;
        s->spare_bytes = 0;
        return PRNN_OK;
    }
    s->gpu->driver->release(s->gpu, s->spare);
    s->spare = NULL;
    s->spare_bytes = 0;
    return s->gpu->driver->allocate(s->ctx, s->gpu, bytes, "the maps of a batch", &own->memory);
}

/* Of `images`, which do not fit: a sixteenth is left for what is not maps. */
static prnn_status too_many(prnn_gpu_state *s, size_t images, size_t bytes) {
    uint64_t room = s->gpu->driver->room(s->gpu);
    uint64_t fit = (room - room / 16) / (bytes / images + 1);
    char way_out[64] = "a smaller hidden size or fewer layers";
    if (fit) {
        snprintf(way_out, sizeof way_out, "a smaller batch, of at most %llu", (unsigned long long)fit);
    }
    return prnn_fail(s->ctx, PRNN_ERROR_MEMORY,
                     "%s: a pass of %zu images needs %.1f GB of memory, and %.1f GB are there: choose %s",
                     s->gpu->info.name, images, (double)bytes / 1e9, (double)room / 1e9, way_out);
}

static prnn_status open_own(prnn_gpu_state *s, const prnn_pass_shape *shape, size_t images,
                            prnn_gpu_pass *own) {
    const prnn_gpu_driver *d = s->gpu->driver;
    size_t values = shape->image * images, bytes = shape->floats * images * sizeof(float);
    prnn_status status = take_memory(s, bytes, own);
    TRY(status == PRNN_ERROR_MEMORY ? too_many(s, images, pass_memory(s->ctx, shape, (int)images)) : status);
    TRY(d->allocate(s->ctx, s->gpu, values, "the pictures of a batch", &own->levels));
    if (shape->soft) {
        TRY(d->allocate(s->ctx, s->gpu, shape->soft * images * sizeof(float), "soft targets", &own->soft));
    }
    TRY(d->allocate(s->ctx, s->gpu, values * sizeof(float), "likelihoods", &own->nats));
    TRY(d->allocate(s->ctx, s->gpu, images + 16, "levels", &own->drawn));
    TRY(d->allocate(s->ctx, s->gpu, (images + 16) * sizeof(double), "random numbers", &own->uniforms));
    TRY(d->allocate(s->ctx, s->gpu, sizeof own->scaled_now, "levels", &own->scaled));
    own->numbers = prnn_alloc_raw(s->ctx, values, sizeof(float), "likelihoods");
    own->bytes_of_draw = prnn_alloc(s->ctx, images + 16, sizeof(double), "levels");
    TRY(own->numbers && own->bytes_of_draw ? PRNN_OK : PRNN_ERROR_MEMORY);
    prnn_gpu_upload(s, own->scaled, 0, own->scaled_now, sizeof own->scaled_now);
    TRY(prnn_gpu_tables_open(s->ctx, own, shape->products));
done:
    return status;
}

static prnn_status open_pass(prnn_context *ctx, const prnn_pass_shape *shape, int images, bool kept,
                             prnn_pass *pass) {
    prnn_gpu_pass *own = prnn_alloc(ctx, 1, sizeof *own, "a pass");
    *pass = (prnn_pass){.device = &prnn_gpu_device, .own = own, .capacity = images};
    if (!own) {
        return PRNN_ERROR_MEMORY;
    }
    own->state = ctx->gpu;
    own->kept = kept;
    own->image = shape->image;
    own->image_soft = shape->soft;
    own->state->used++;
    prnn_status status = open_own(own->state, shape, (size_t)images, own);
    if (status != PRNN_OK) {
        close_pass(ctx, pass);
    }
    return status;
}

static size_t pass_bytes(prnn_context *ctx, const prnn_pass_shape *shape, int images) {
    (void)ctx;
    size_t bytes = 0;
    prnn_need_block(&bytes, 1, sizeof(prnn_gpu_pass));
    prnn_need_block(&bytes, shape->image * (size_t)images, sizeof(float));
    prnn_need_block(&bytes, (size_t)images + 16, sizeof(double));
    return bytes;
}

const prnn_device prnn_gpu_device = {
    .name = "gpu",
    .apart = true,
    .check = check,
    .memory = memory_of,
    .all_memory = all_memory,
    .pass_memory = pass_memory,
    .packed_memory = packed_memory,
    .allocate = allocate,
    .allocate_raw = allocate_raw,
    .release = release,
    .upload = upload,
    .download = download,
    .copy_block = copy_block,
    .clear_block = clear_block,
    .add_block = add_block,
    .share = share,
    .unshare = unshare,
    .host = host,
    .first_not_finite = first_not_finite,

    .weights = weights,
    .weights_bytes = weights_bytes,
    .pack = prnn_gpu_pack,
    .prepare = prepare,
    .unpack_sum = prnn_gpu_unpack_sum,
    .norm_scratch = prnn_gpu_norm_scratch,
    .norm = prnn_gpu_norm,
    .update = prnn_gpu_optimize,
    .polar = prnn_gpu_polar_run,

    .open = open_pass,
    .close = close_pass,
    .pass_bytes = pass_bytes,

    .clear_all = prnn_gpu_clear_all,
    .clear = prnn_gpu_clear_map,
    .clear_margins = prnn_gpu_clear_margins,
    .fill = prnn_gpu_fill_map,
    .sum = prnn_gpu_sum_map,
    .relu = prnn_gpu_relu_map,
    .relu_gradient = prnn_gpu_relu_gradient_map,
    .add = prnn_gpu_add_maps,
    .dropout = prnn_gpu_dropout_map,
    .copy = prnn_gpu_copy_map,

    .show = prnn_gpu_show,
    .load = prnn_gpu_load_map,
    .put = prnn_gpu_put,
    .nll = prnn_gpu_head_nll,
    .draw = prnn_gpu_head_draw,
    .read_logits = prnn_gpu_read_logits,

    .product = prnn_gpu_product_run,
    .product_gradient = prnn_gpu_gradient_run,
    .lstm = prnn_gpu_lstm_run,
    .lstm_gradient = prnn_gpu_lstm_gradient_run,
};

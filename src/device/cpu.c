/* The CPU as a device: its blocks are memory of the host, and a pass is what one thread needs. */

#include "device/cpu.h"

#include "base/need.h"

#include <math.h>
#include <string.h>

static prnn_status check(prnn_context *ctx) {
    (void)ctx; /* nothing goes wrong here */
    return PRNN_OK;
}

/* -------------------------------------------------------------------------------------- blocks */

static prnn_status allocate(prnn_context *ctx, size_t count, const char *what, prnn_block *block) {
    *block = (prnn_block){.memory = prnn_alloc(ctx, count, sizeof(float), what), .count = count};
    return block->memory ? PRNN_OK : PRNN_ERROR_MEMORY;
}

static prnn_status allocate_raw(prnn_context *ctx, size_t count, const char *what, prnn_block *block) {
    *block = (prnn_block){.memory = prnn_alloc_raw(ctx, count, sizeof(float), what), .count = count};
    return block->memory ? PRNN_OK : PRNN_ERROR_MEMORY;
}

static void release(prnn_block *block) {
    prnn_free(block->memory);
    *block = (prnn_block){0};
}

static void upload(prnn_block to, const void *from) {
    memcpy(prnn_cpu_floats(to), from, to.count * sizeof(float));
}

static void download(prnn_block from, float *to) {
    memcpy(to, prnn_cpu_floats(from), from.count * sizeof(float));
}

static void copy_block(prnn_block from, prnn_block to) {
    memcpy(prnn_cpu_floats(to), prnn_cpu_floats(from), to.count * sizeof(float));
}

static void add_block(const prnn_pass *pass, prnn_block sum, prnn_block other) {
    float *to = prnn_cpu_floats(sum);
    prnn_cpu_of(pass)->kernels->add(sum.count, to, prnn_cpu_floats(other), to);
}

static void clear_block(prnn_block block) {
    memset(prnn_cpu_floats(block), 0, block.count * sizeof(float));
}

static prnn_status share(prnn_context *ctx, void *array, size_t count, prnn_block *block) {
    (void)ctx;
    *block = (prnn_block){.memory = array, .count = count};
    return PRNN_OK;
}

static void unshare(prnn_block *block, void *array) {
    (void)array; /* it is the block */
    *block = (prnn_block){0};
}

static const float *host(prnn_block block) {
    return prnn_cpu_floats(block);
}

static size_t first_not_finite(prnn_block block) {
    const float *x = prnn_cpu_floats(block);
    size_t i = 0;
    while (i < block.count && isfinite(x[i])) {
        i++;
    }
    return i;
}

/* -------------------------------------------------------------------------------------- passes */

static const char memory_of_maps[] = "the maps of a batch (fewer threads need less)";

/* Scratch memory of the product that needs most. */
static size_t scratch_floats(prnn_product_list products) {
    size_t most = 0;
    for (int i = 0; i < products.count; i++) {
        size_t floats = prnn_scratch_floats(&products.list[i]->matrix);
        most = floats > most ? floats : most;
    }
    return most;
}

static void close_pass(prnn_context *ctx, prnn_pass *pass) {
    prnn_cpu_pass *own = pass->own;
    if (own) {
        if (own->kept) {
            prnn_give(ctx, own->memory, own->bytes);
        } else {
            prnn_free(own->memory);
        }
        prnn_free(own->scratch);
        prnn_free(own->levels);
        prnn_free(own->nats);
        prnn_free(own);
    }
    *pass = (prnn_pass){0};
}

static prnn_status open_pass(prnn_context *ctx, const prnn_pass_shape *shape, int images, bool kept,
                             prnn_pass *pass) {
    const prnn_kernels *kernels = prnn_kernels_of(ctx);
    size_t line = shape->line * (size_t)images;
    prnn_cpu_pass *own = prnn_alloc(ctx, 1, sizeof *own, "a pass");
    *pass = (prnn_pass){.device = &prnn_cpu, .own = own, .capacity = images};
    if (!own) {
        return PRNN_ERROR_MEMORY;
    }
    own->kernels = kernels;
    own->kept = kept;
    own->bytes = shape->floats * (size_t)images * sizeof(float);
    /* Not zeroed: no map is read before it is written. */
    own->memory = kept ? prnn_take(ctx, 1, own->bytes, memory_of_maps)
                       : prnn_alloc_raw(ctx, 1, own->bytes, memory_of_maps);
    own->levels = prnn_alloc(ctx, line, 1, "a row of levels");
    own->nats = prnn_alloc(ctx, line, sizeof(float), "a row of likelihoods");
    if (kernels->prepare) {
        own->scratch = prnn_alloc(ctx, scratch_floats(shape->products), sizeof(float),
                                  "the rounded factors of a product");
    }
    if (!own->memory || !own->levels || !own->nats || (kernels->prepare && !own->scratch)) {
        close_pass(ctx, pass);
        return PRNN_ERROR_MEMORY;
    }
    return PRNN_OK;
}

static size_t pass_bytes(prnn_context *ctx, const prnn_pass_shape *shape, int images) {
    size_t line = shape->line * (size_t)images, bytes = 0;
    prnn_need_block(&bytes, 1, sizeof(prnn_cpu_pass));
    prnn_need_block(&bytes, shape->floats, (size_t)images * sizeof(float));
    prnn_need_block(&bytes, line, 1);
    prnn_need_block(&bytes, line, sizeof(float));
    if (prnn_kernels_of(ctx)->prepare) {
        prnn_need_block(&bytes, scratch_floats(shape->products), sizeof(float));
    }
    return bytes;
}

/* They are read where they are. */
static void show(const prnn_pass *pass) {
    (void)pass;
}

const prnn_device prnn_cpu = {
    .name = "cpu",
    .check = check,
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

    .weights = prnn_cpu_weights,
    .weights_bytes = prnn_cpu_weights_bytes,
    .pack = prnn_cpu_pack,
    .prepare = prnn_cpu_prepare,
    .unpack_sum = prnn_cpu_unpack_sum,
    .norm_scratch = prnn_cpu_norm_scratch,
    .norm = prnn_cpu_norm,
    .update = prnn_cpu_update,
    .polar = prnn_cpu_polar,

    .open = open_pass,
    .close = close_pass,
    .pass_bytes = pass_bytes,

    .clear_all = prnn_cpu_clear_all,
    .clear = prnn_cpu_clear,
    .clear_margins = prnn_cpu_clear_margins,
    .fill = prnn_cpu_fill,
    .sum = prnn_cpu_sum,
    .relu = prnn_cpu_relu,
    .relu_gradient = prnn_cpu_relu_gradient,
    .add = prnn_cpu_add,
    .dropout = prnn_cpu_dropout,
    .copy = prnn_cpu_copy,

    .show = show,
    .load = prnn_cpu_load,
    .put = prnn_cpu_put,
    .nll = prnn_cpu_nll,
    .draw = prnn_cpu_draw,
    .read_logits = prnn_cpu_read_logits,

    .product = prnn_cpu_product,
    .product_gradient = prnn_cpu_product_gradient,
    .lstm = prnn_cpu_lstm,
    .lstm_gradient = prnn_cpu_lstm_gradient,
};

/* Blocks of weights on a GPU: packing and its reverse, the norm of a gradient, the optimizers. */

#include "gpu/pass.h"

#include <math.h>

/* Pieces whose squares are summed for themselves, as on the CPU. */
enum { PIECE = 1 << 15 };

static prnn_gpu_block *block_of(prnn_block block) {
    return prnn_gpu_memory_of(block)->block;
}

void prnn_gpu_pack(prnn_context *ctx, const prnn_packing *packing, prnn_block parameters, prnn_block packed) {
    uint64_t n = packing->count;
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_pack, prnn_gpu_groups(n, 256), 1, PRNN_GPU_VALUE(n),
                 PRNN_GPU_BLOCK(block_of(packing->numbers)), PRNN_GPU_BLOCK(block_of(parameters)),
                 PRNN_GPU_BLOCK(block_of(packed)));
}

void prnn_gpu_unpack_sum(prnn_context *ctx, const prnn_packing *packing, prnn_block sums, size_t nodes,
                         prnn_block parameters) {
    uint64_t n = packing->count, first = sums.first;
    uint32_t lanes = (uint32_t)nodes;
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_unpack, prnn_gpu_groups(n, 256), 1, PRNN_GPU_VALUE(n),
                 PRNN_GPU_VALUE(first), PRNN_GPU_VALUE(lanes), PRNN_GPU_BLOCK(block_of(packing->numbers)),
                 PRNN_GPU_BLOCK(block_of(sums)), PRNN_GPU_BLOCK(block_of(parameters)));
}

size_t prnn_gpu_norm_scratch(size_t count) {
    return prnn_gpu_groups(count, PIECE);
}

prnn_gpu_block *prnn_gpu_sums(prnn_gpu_state *s, size_t bytes) {
    const prnn_gpu_driver *driver = s->gpu->driver;
    if (s->sums_bytes < bytes && s->status == PRNN_OK) {
        driver->release(s->gpu, s->sums);
        s->sums = NULL;
        prnn_status status = driver->allocate(s->ctx, s->gpu, bytes, "sums of a step", &s->sums);
        prnn_gpu_note(s, status);
        s->sums_bytes = status == PRNN_OK ? bytes : 0;
    }
    return s->sums;
}

double prnn_gpu_norm(prnn_context *ctx, prnn_block block, double *scratch) {
    uint64_t n = block.count;
    size_t pieces = prnn_gpu_norm_scratch(block.count);
    prnn_gpu_block *sums = prnn_gpu_sums(ctx->gpu, pieces * sizeof(double));
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_squares, prnn_gpu_groups(pieces, 16), 1, PRNN_GPU_VALUE(n),
                 PRNN_GPU_BLOCK(block_of(block)), PRNN_GPU_BLOCK(sums));
    prnn_gpu_download(ctx->gpu, sums, 0, scratch, pieces * sizeof(double));
    double sum = 0;
    for (size_t i = 0; i < pieces; i++) {
        sum += scratch[i];
    }
    return sqrt(sum);
}

void prnn_gpu_optimize(prnn_context *ctx, const prnn_update *u) {
    const prnn_step *s = &u->step;
    prnn_gpu_block *weights = block_of(u->weights), *ema = u->ema.memory ? block_of(u->ema) : weights;
    prnn_gpu_step step = {.n = u->weights.count,
                          .first = u->weights.first,
                          .rate = s->rate,
                          .beta1 = s->beta1,
                          .beta2 = s->beta2,
                          .epsilon = s->epsilon,
                          .scale = s->scale,
                          .correct1 = s->correct1,
                          .correct2 = s->correct2,
                          .keep = s->keep,
                          .decay = s->decay,
                          .kind = (uint32_t)u->optimizer,
                          .ema = u->ema.memory != NULL};
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_update, prnn_gpu_groups(u->weights.count, 256), 1, PRNN_GPU_VALUE(step),
                 PRNN_GPU_BLOCK(block_of(u->gradient)), PRNN_GPU_BLOCK(weights),
                 PRNN_GPU_BLOCK(block_of(u->moment1)), PRNN_GPU_BLOCK(block_of(u->moment2)),
                 PRNN_GPU_BLOCK(ema));
}

/* Gradients of matrices made orthogonal, on a GPU: all matrices in one launch a step. */

#include "gpu/pass.h"

_Static_assert(sizeof(prnn_gpu_polar) == sizeof(prnn_polar), "the kernels read the table of the host");

enum { TILE = PRNN_GPU_POLAR_TILE, ITEMS = 256 };

/* Of all matrices: the most groups that one needs. */
typedef struct polar_groups {
    size_t numbers, tiles;
} polar_groups;

static size_t tiles_of(size_t rows, size_t columns) {
    return prnn_gpu_groups(rows, TILE) * prnn_gpu_groups(columns, TILE);
}

static polar_groups groups_of(const prnn_polar_list *list) {
    polar_groups most = {0, 0};
    for (size_t i = 0; i < list->count; i++) {
        size_t r = prnn_polar_padded(list->list[i].rows), c = prnn_polar_padded(list->list[i].columns);
        size_t numbers = prnn_gpu_groups(r * c, ITEMS), tiles = tiles_of(r, c);
        most.numbers = numbers > most.numbers ? numbers : most.numbers;
        most.tiles = tiles > most.tiles ? tiles : most.tiles;
    }
    return most;
}

static prnn_gpu_block *block_of(prnn_block block) {
    return prnn_gpu_memory_of(block)->block;
}

static void product(prnn_gpu_state *gpu, const prnn_polar_list *list, size_t tiles, uint32_t kind,
                    uint32_t turns) {
    static const float before[] = {0, PRNN_POLAR_Q, PRNN_POLAR_P}, now[] = {1, PRNN_POLAR_R, 1};
    PRNN_GPU_RUN(gpu, PRNN_GPU_polar_product, tiles, list->count, PRNN_GPU_VALUE(kind), PRNN_GPU_VALUE(turns),
                 PRNN_GPU_VALUE(before[kind]), PRNN_GPU_VALUE(now[kind]),
                 PRNN_GPU_BLOCK(block_of(list->table)), PRNN_GPU_BLOCK(block_of(list->scratch)));
}

static void normalise(prnn_gpu_state *gpu, const prnn_polar_list *list, size_t numbers) {
    uint32_t count = (uint32_t)list->count;
    float epsilon = PRNN_POLAR_EPSILON;
    prnn_gpu_block *table = block_of(list->table), *scratch = block_of(list->scratch);
    prnn_gpu_block *lengths = prnn_gpu_sums(gpu, list->count * sizeof(float));
    PRNN_GPU_RUN(gpu, PRNN_GPU_polar_length, prnn_gpu_groups(count, 64), 1, PRNN_GPU_VALUE(count),
                 PRNN_GPU_VALUE(epsilon), PRNN_GPU_BLOCK(table), PRNN_GPU_BLOCK(scratch),
                 PRNN_GPU_BLOCK(lengths));
    PRNN_GPU_RUN(gpu, PRNN_GPU_polar_scale, numbers, list->count, PRNN_GPU_BLOCK(table),
                 PRNN_GPU_BLOCK(lengths), PRNN_GPU_BLOCK(scratch));
}

void prnn_gpu_polar_run(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale,
                        prnn_block mean, prnn_block gradient) {
    prnn_gpu_state *gpu = ctx->gpu;
    polar_groups groups = groups_of(list);
    uint32_t turns = PRNN_POLAR_STEPS;
    prnn_gpu_block *table = block_of(list->table), *columns = block_of(list->numbers);
    PRNN_GPU_RUN(gpu, PRNN_GPU_polar_begin, groups.numbers, list->count, PRNN_GPU_VALUE(keep),
                 PRNN_GPU_VALUE(scale), PRNN_GPU_BLOCK(table), PRNN_GPU_BLOCK(columns),
                 PRNN_GPU_BLOCK(block_of(mean)), PRNN_GPU_BLOCK(block_of(gradient)),
                 PRNN_GPU_BLOCK(block_of(list->scratch)));
    for (uint32_t step = 0; step < PRNN_POLAR_STEPS; step++) {
        product(gpu, list, groups.tiles, 0, step);
        if (step == 0) {
            normalise(gpu, list, groups.numbers);
        }
        product(gpu, list, groups.tiles, 1, step);
        product(gpu, list, groups.tiles, 2, step);
    }
    PRNN_GPU_RUN(gpu, PRNN_GPU_polar_end, groups.numbers, list->count, PRNN_GPU_VALUE(turns),
                 PRNN_GPU_BLOCK(table), PRNN_GPU_BLOCK(columns), PRNN_GPU_BLOCK(block_of(mean)),
                 PRNN_GPU_BLOCK(block_of(gradient)), PRNN_GPU_BLOCK(block_of(list->scratch)));
}

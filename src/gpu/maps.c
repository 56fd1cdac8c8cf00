/* Maps on a GPU: rows that lie behind each other, with margins or without, are one launch. */

#include "base/random.h"
#include "gpu/pass.h"

/* Pixels of a row, margins included. */
static size_t width_of(const prnn_map *map) {
    int width = map->left + map->width + map->right;
    return (size_t)width;
}

prnn_gpu_place prnn_gpu_place_of(const prnn_pass *pass, const prnn_map *map, int row, int col) {
    size_t slot = (size_t)((row + map->top) % map->rows), stride = (size_t)map->stride;
    size_t images = (size_t)pass->images, pixel = slot * width_of(map) + (size_t)(map->left + col);
    size_t line = width_of(map) * stride * images;
    bool bf16 = prnn_gpu_is_bf16(prnn_gpu_pass_of(pass)->state, map);
    return (prnn_gpu_place){.at = (prnn_gpu_map_at(bf16, map) + pixel * stride) * images,
                            .stride = (uint32_t)stride,
                            .pitch = (uint32_t)line,
                            .line = (uint32_t)line,
                            .bf16 = bf16};
}

int prnn_gpu_rows(const prnn_map *map, int row, int rows) {
    int left = map->rows - (row + map->top) % map->rows;
    return left < rows ? left : rows;
}

prnn_gpu_lanes prnn_gpu_lanes_of(const prnn_pass *pass, prnn_region region, bool dense) {
    return (prnn_gpu_lanes){.images = (uint32_t)pass->images,
                            .lane = (uint32_t)(pass->lane ? pass->lane : pass->images),
                            .rows = (uint32_t)region.rows,
                            .pixels = (uint32_t)region.count,
                            .block = (uint32_t)(pass->sum_rows ? pass->sum_rows : region.rows),
                            .dense = dense};
}

size_t prnn_gpu_lane_count(const prnn_pass *pass) {
    return pass->lane ? prnn_gpu_groups((size_t)pass->images, (size_t)pass->lane) : 1;
}

/* --------------------------------------------------------------------------------------- clear */

void prnn_gpu_clear_all(const prnn_pass *pass) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    prnn_gpu_clear(own->state, own->memory, 0, own->bytes / sizeof(float));
}

void prnn_gpu_clear_map(const prnn_pass *pass, const prnn_map *map) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    size_t images = (size_t)pass->images, pixels = (size_t)map->rows * width_of(map);
    prnn_gpu_clear(own->state, own->memory, map->at * images, pixels * (size_t)map->stride * images);
}

/* What is inside is not known yet when margins are cleared, so all of the map may be: that is one launch. */
void prnn_gpu_clear_margins(const prnn_pass *pass, const prnn_map *map) {
    if (map->top || map->left || map->right) {
        prnn_gpu_clear_map(pass, map);
    }
}

/* --------------------------------------------------------------------------------- elementwise */

/* Of `width` features of each pixel of a region; b may be NULL. */
static prnn_gpu_elementwise elementwise(const prnn_pass *pass, prnn_region region, const prnn_map *a,
                                        const prnn_map *b, const prnn_map *out) {
    uint32_t run = (uint32_t)(region.count * pass->images);
    prnn_gpu_elementwise l = {
        .rows = (uint32_t)region.rows * run, .run = run, .width = (uint32_t)out->stride};
    l.out = prnn_gpu_place_of(pass, out, region.row, region.first);
    l.a = a ? prnn_gpu_place_of(pass, a, region.row, region.first) : l.out;
    l.b = b ? prnn_gpu_place_of(pass, b, region.row, region.first) : l.out;
    return l;
}

static size_t groups_of(const prnn_gpu_elementwise *l) {
    return prnn_gpu_groups((size_t)l->rows * (l->width / 4), 256);
}

/* Rows of a region that lie behind each other in all maps, NULL ones left out. */
static int rows_of(prnn_region region, const prnn_map *a, const prnn_map *b, const prnn_map *out) {
    int rows = prnn_gpu_rows(out, region.row, region.rows);
    rows = a ? prnn_gpu_rows(a, region.row, rows) : rows;
    return b ? prnn_gpu_rows(b, region.row, rows) : rows;
}

static void run(const prnn_pass *pass, prnn_gpu_kernel_number kernel, prnn_region region, const prnn_map *a,
                const prnn_map *b, const prnn_map *out) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    int end = region.row + region.rows;
    for (; region.row < end; region.row += region.rows) {
        region.rows = end - region.row;
        region.rows = rows_of(region, a, b, out);
        prnn_gpu_elementwise l = elementwise(pass, region, a, b, out);
        PRNN_GPU_RUN(own->state, kernel, groups_of(&l), 1, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(own->memory));
    }
}

void prnn_gpu_relu_map(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y) {
    run(pass, PRNN_GPU_relu, region, x, NULL, y);
}

void prnn_gpu_relu_gradient_map(const prnn_pass *pass, prnn_region region, const prnn_map *y,
                                const prnn_map *dy) {
    run(pass, PRNN_GPU_relu_gradient, region, y, dy, dy);
}

void prnn_gpu_add_maps(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                       const prnn_map *sum) {
    run(pass, PRNN_GPU_add, region, a, b, sum);
}

void prnn_gpu_dropout_map(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                          const prnn_map *add, const prnn_map *out) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_dropout *d = &pass->dropout;
    prnn_gpu_dropout l = {.seed = d->seed,
                          .high = prnn_random_high(PRNN_RANDOM_DROPOUT, d->step),
                          .images = (uint32_t)pass->images,
                          .lane = (uint32_t)(pass->lane ? pass->lane : pass->images),
                          .first = d->first,
                          .apart = d->apart,
                          .layer = (uint32_t)layer,
                          .column = (uint32_t)region.first,
                          .width = (uint32_t)out->width,
                          .below = d->below,
                          .add = add != NULL,
                          .scale = d->scale};
    int end = region.row + region.rows;
    for (; region.row < end; region.row += region.rows) {
        region.rows = end - region.row;
        region.rows = rows_of(region, x, add, out);
        l.row = (uint32_t)region.row;
        l.e = elementwise(pass, region, x, add, out);
        PRNN_GPU_RUN(own->state, PRNN_GPU_dropout, groups_of(&l.e), 1, PRNN_GPU_VALUE(l),
                     PRNN_GPU_BLOCK(own->memory));
    }
}

void prnn_gpu_fill_map(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    prnn_gpu_block *packed = prnn_gpu_memory_of(pass->forward)->block;
    uint32_t zeros = 0, first = (uint32_t)vector;
    int end = region.row + region.rows;
    for (; region.row < end; region.row += region.rows) {
        region.rows = prnn_gpu_rows(map, region.row, end - region.row);
        prnn_gpu_elementwise l = elementwise(pass, region, NULL, NULL, map);
        PRNN_GPU_RUN(own->state, PRNN_GPU_fill, groups_of(&l), 1, PRNN_GPU_VALUE(l), PRNN_GPU_VALUE(zeros),
                     PRNN_GPU_VALUE(first), PRNN_GPU_BLOCK(packed), PRNN_GPU_BLOCK(own->memory));
    }
}

/* A row at a time, unless it is the same region of both. With a step of more than 1 the pixels of a row do
 * not lie beside each other. */
void prnn_gpu_copy_map(const prnn_pass *pass, int rows, int cols, const prnn_map *from, prnn_lattice from_at,
                       const prnn_map *to, prnn_lattice to_at) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    bool dense = from_at.step == 1 && to_at.step == 1;
    if (dense && from_at.row == to_at.row && from_at.col == to_at.col) {
        run(pass, PRNN_GPU_copy, (prnn_region){to_at.row, rows, to_at.col, cols, -1}, from, NULL, to);
        return;
    }
    uint32_t images = (uint32_t)pass->images, width = (uint32_t)to->stride;
    for (int row = 0; row < rows; row++) {
        prnn_gpu_elementwise l = {
            .rows = (uint32_t)cols * images, .run = dense ? (uint32_t)cols * images : images, .width = width};
        l.a = prnn_gpu_place_of(pass, from, from_at.row + row * from_at.step, from_at.col);
        l.out = prnn_gpu_place_of(pass, to, to_at.row + row * to_at.step, to_at.col);
        l.a.pitch = l.a.stride * images * (uint32_t)from_at.step;
        l.out.pitch = l.out.stride * images * (uint32_t)to_at.step;
        PRNN_GPU_RUN(own->state, PRNN_GPU_copy, groups_of(&l), 1, PRNN_GPU_VALUE(l),
                     PRNN_GPU_BLOCK(own->memory));
    }
}

/* ----------------------------------------------------------------------------------------- sum */

/* Networks for training keep all their rows here, so those of a region lie behind each other. */

void prnn_gpu_sum_map(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    prnn_gpu_block *gradient = prnn_gpu_memory_of(pass->gradient)->block;
    if (region.rows == 0) {
        return;
    }
    prnn_gpu_sum l = {.lanes = prnn_gpu_lanes_of(pass, region, false),
                      .from = prnn_gpu_place_of(pass, map, region.row, region.first),
                      .at = pass->gradient.first + vector,
                      .lane_size = pass->forward.count,
                      .width = (uint32_t)map->stride};
    l.from.pitch = l.from.stride * (uint32_t)pass->images;
    PRNN_GPU_RUN(own->state, PRNN_GPU_sum, prnn_gpu_groups(l.width, 128), prnn_gpu_lane_count(pass),
                 PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(own->memory), PRNN_GPU_BLOCK(gradient));
}

/* Maps on the CPU: a row of a region is one stretch of memory. */

#include "device/cpu.h"

#include "base/random.h"

#include <string.h>

void prnn_cpu_clear_all(const prnn_pass *pass) {
    memset(prnn_cpu_of(pass)->memory, 0, prnn_cpu_of(pass)->bytes);
}

void prnn_cpu_clear(const prnn_pass *pass, const prnn_map *map) {
    int pixels = map->rows * (map->left + map->width + map->right);
    memset(prnn_map_at(pass, map, -map->top, -map->left), 0,
           prnn_map_floats(pass, map, pixels) * sizeof(float));
}

static void clear(const prnn_pass *pass, const prnn_map *map, int row, int first, int count) {
    memset(prnn_map_at(pass, map, row, first), 0, prnn_map_floats(pass, map, count) * sizeof(float));
}

void prnn_cpu_clear_margins(const prnn_pass *pass, const prnn_map *map) {
    for (int slot = 0; slot < map->rows; slot++) {
        clear(pass, map, slot - map->top, -map->left, map->left);
        clear(pass, map, slot - map->top, map->width, map->right);
    }
    for (int row = -map->top; row < 0; row++) {
        clear(pass, map, row, 0, map->width);
    }
}

/* Where row `row` of a region begins. */
static float *row_of(const prnn_pass *pass, const prnn_map *map, prnn_region region, int row) {
    return prnn_map_at(pass, map, row, region.first);
}

void prnn_cpu_fill(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector) {
    const float *features = prnn_cpu_floats(pass->forward) + vector;
    size_t stride = (size_t)map->stride, positions = (size_t)region.count * (size_t)pass->images;
    for (int r = region.row; r < region.row + region.rows; r++) {
        float *to = row_of(pass, map, region, r);
        for (size_t m = 0; m < positions; m++) {
            memcpy(to + m * stride, features, stride * sizeof *to);
        }
    }
}

void prnn_cpu_sum(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector) {
    float *sums = prnn_cpu_floats(pass->gradient) + vector;
    size_t positions = (size_t)region.count * (size_t)pass->images;
    prnn_region block;
    for (int end = region.row + region.rows; end > region.row; end = block.row) {
        block = prnn_cpu_sum_block(pass, region, end);
        for (int r = block.row; r < end; r++) {
            const float *from = row_of(pass, map, region, r);
            for (size_t m = 0; m < positions; m++, from += map->stride) {
                for (int i = 0; i < map->stride; i++) {
                    sums[i] += from[i];
                }
            }
        }
    }
}

void prnn_cpu_relu(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        prnn_cpu_of(pass)->kernels->relu(prnn_map_floats(pass, y, region.count), row_of(pass, x, region, r),
                                         row_of(pass, y, region, r));
    }
}

void prnn_cpu_relu_gradient(const prnn_pass *pass, prnn_region region, const prnn_map *y,
                            const prnn_map *dy) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        prnn_cpu_of(pass)->kernels->relu_gradient(prnn_map_floats(pass, dy, region.count),
                                                  row_of(pass, y, region, r), row_of(pass, dy, region, r));
    }
}

void prnn_cpu_add(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                  const prnn_map *sum) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        prnn_cpu_of(pass)->kernels->add(prnn_map_floats(pass, sum, region.count), row_of(pass, a, region, r),
                                        row_of(pass, b, region, r), row_of(pass, sum, region, r));
    }
}

void prnn_cpu_dropout(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                      const prnn_map *add, const prnn_map *out) {
    const prnn_dropout *d = &pass->dropout;
    size_t images = (size_t)pass->images, stride = (size_t)out->stride;
    prnn_drops drops = {.seed = d->seed,
                        .high = prnn_random_high(PRNN_RANDOM_DROPOUT, d->step),
                        .below = d->below,
                        .scale = d->scale};
    for (int r = region.row; r < region.row + region.rows; r++) {
        const float *from = row_of(pass, x, region, r), *plus = add ? row_of(pass, add, region, r) : NULL;
        float *to = row_of(pass, out, region, r);
        for (size_t m = 0; m < (size_t)region.count * images; m++) {
            int pixel = r * out->width + region.first + (int)(m / images);
            drops.index = prnn_dropout_index(d->first + (uint32_t)(m % images), layer, pixel, 0);
            prnn_cpu_of(pass)->kernels->dropout(&drops, stride, from + m * stride,
                                                plus ? plus + m * stride : NULL, to + m * stride);
        }
    }
}

void prnn_cpu_copy(const prnn_pass *pass, int rows, int cols, const prnn_map *from, prnn_lattice from_at,
                   const prnn_map *to, prnn_lattice to_at) {
    int run = from_at.step == 1 && to_at.step == 1 ? cols : 1;
    size_t bytes = prnn_map_floats(pass, to, run) * sizeof(float);
    for (int row = 0; row < rows; row++) {
        for (int col = 0; col < cols; col += run) {
            memcpy(
                prnn_map_at(pass, to, to_at.row + row * to_at.step, to_at.col + col * to_at.step),
                prnn_map_at(pass, from, from_at.row + row * from_at.step, from_at.col + col * from_at.step),
                bytes);
        }
    }
}

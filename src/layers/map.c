#include "layers/map.h"

#include <string.h>

void prnn_map_clear(const prnn_pass *pass, const prnn_map *map) {
    size_t pixels = (size_t)map->rows * (size_t)(map->left + map->width + map->right);
    size_t floats = pixels * (size_t)map->stride * (size_t)pass->images;
    memset(pass->memory + map->at * (size_t)pass->images, 0, floats * sizeof(float));
}

static void clear(const prnn_pass *pass, const prnn_map *map, int row, int first, int count) {
    memset(prnn_map_at(pass, map, row, first), 0, prnn_map_floats(pass, map, count) * sizeof(float));
}

void prnn_map_clear_margins(const prnn_pass *pass, const prnn_map *map) {
    for (int slot = 0; slot < map->rows; slot++) {
        clear(pass, map, slot - map->top, -map->left, map->left);
        clear(pass, map, slot - map->top, map->width, map->right);
    }
    for (int row = -map->top; row < 0; row++) {
        clear(pass, map, row, 0, map->width);
    }
}

void prnn_map_fill(const prnn_pass *pass, const prnn_map *map, int row, int first, int count,
                   const float *features) {
    float *to = prnn_map_at(pass, map, row, first);
    for (size_t m = 0; m < (size_t)count * (size_t)pass->images; m++) {
        memcpy(to + m * (size_t)map->stride, features, (size_t)map->stride * sizeof(float));
    }
}

void prnn_map_sum(const prnn_pass *pass, const prnn_map *map, int row, int first, int count, float *sums) {
    const float *from = prnn_map_at(pass, map, row, first);
    for (size_t m = 0; m < (size_t)count * (size_t)pass->images; m++, from += map->stride) {
        for (int i = 0; i < map->stride; i++) {
            sums[i] += from[i];
        }
    }
}

/* Where row `row` of a region begins. */
static float *row_of(const prnn_pass *pass, const prnn_map *map, prnn_region region, int row) {
    return prnn_map_at(pass, map, row, region.first);
}

void prnn_map_relu(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        pass->kernels->relu(prnn_map_floats(pass, y, region.count), row_of(pass, x, region, r),
                            row_of(pass, y, region, r));
    }
}

void prnn_map_relu_gradient(const prnn_pass *pass, prnn_region region, const prnn_map *y,
                            const prnn_map *dy) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        pass->kernels->relu_gradient(prnn_map_floats(pass, dy, region.count), row_of(pass, y, region, r),
                                     row_of(pass, dy, region, r));
    }
}

void prnn_map_add(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                  const prnn_map *sum) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        pass->kernels->add(prnn_map_floats(pass, sum, region.count), row_of(pass, a, region, r),
                           row_of(pass, b, region, r), row_of(pass, sum, region, r));
    }
}

void prnn_map_copy(const prnn_pass *pass, prnn_region region, const prnn_map *from, const prnn_map *to) {
    for (int r = region.row; r < region.row + region.rows; r++) {
        memcpy(row_of(pass, to, region, r), row_of(pass, from, region, r),
               prnn_map_floats(pass, to, region.count) * sizeof(float));
    }
}

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

void prnn_map_relu_gradient(const prnn_pass *pass, int row, const prnn_map *y, const prnn_map *dy) {
    pass->kernels->relu_gradient(prnn_map_floats(pass, dy, dy->width), prnn_map_at(pass, y, row, 0),
                                 prnn_map_at(pass, dy, row, 0));
}

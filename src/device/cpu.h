/* The CPU: where the numbers of a pass lie. Private to the files of this device, and to tests. */
#ifndef PRNN_DEVICE_CPU_H
#define PRNN_DEVICE_CPU_H

#include "device/device.h"

/* prnn_pass.own. */
typedef struct prnn_cpu_pass {
    const prnn_kernels *kernels;
    float *memory;  /* of the maps */
    size_t bytes;   /* of it */
    float *scratch; /* of products that round; else NULL */
    uint8_t *levels;
    float *nats; /* of one row: (W, n, C) */
    bool kept;   /* prnn_give takes the memory back */
} prnn_cpu_pass;

static inline const prnn_cpu_pass *prnn_cpu_of(const prnn_pass *pass) {
    return pass->own;
}

static inline float *prnn_cpu_floats(prnn_block block) {
    return (float *)block.memory + block.first;
}

/* The features of pixel (row, col) of the first image; those of the next image follow. */
static inline float *prnn_map_at(const prnn_pass *pass, const prnn_map *map, int row, int col) {
    size_t slot = (size_t)((row + map->top) % map->rows);
    size_t pixel = slot * (size_t)(map->left + map->width + map->right) + (size_t)(map->left + col);
    return prnn_cpu_of(pass)->memory + (map->at + pixel * (size_t)map->stride) * (size_t)pass->images;
}

/* The rows of a region from `end` - 1 upwards whose gradients are summed as one. */
static inline prnn_region prnn_cpu_sum_block(const prnn_pass *pass, prnn_region region, int end) {
    int rows = pass->sum_rows ? pass->sum_rows : region.rows,
        first = region.row + (end - 1 - region.row) / rows * rows;
    return (prnn_region){first, end - first, region.first, region.count, region.group};
}

/* Floats in a stretch of `count` pixels. */
static inline size_t prnn_map_floats(const prnn_pass *pass, const prnn_map *map, int count) {
    return (size_t)count * (size_t)pass->images * (size_t)map->stride;
}

/* The operations of prnn_cpu, by file. */

void prnn_cpu_clear_all(const prnn_pass *pass);
void prnn_cpu_clear(const prnn_pass *pass, const prnn_map *map);
void prnn_cpu_clear_margins(const prnn_pass *pass, const prnn_map *map);
void prnn_cpu_fill(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
void prnn_cpu_sum(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
void prnn_cpu_relu(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y);
void prnn_cpu_relu_gradient(const prnn_pass *pass, prnn_region region, const prnn_map *y, const prnn_map *dy);
void prnn_cpu_add(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                  const prnn_map *sum);
void prnn_cpu_dropout(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                      const prnn_map *add, const prnn_map *out);
void prnn_cpu_copy(const prnn_pass *pass, int rows, int cols, const prnn_map *from, prnn_lattice from_at,
                   const prnn_map *to, prnn_lattice to_at);

void prnn_cpu_load(const prnn_pass *pass, const prnn_map *map, const float *scaled, prnn_region rows,
                   int step);
void prnn_cpu_put(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row, int col,
                  int channel, const uint8_t *levels, size_t distance);
void prnn_cpu_nll(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, prnn_region rows,
                  const prnn_score *score);
bool prnn_cpu_draw(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                   const prnn_draw *draw);
void prnn_cpu_read_logits(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                          prnn_region region, int channel, float *to, size_t distance);

void prnn_cpu_product(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                      const prnn_map *out, const prnn_map *add, bool relu);
void prnn_cpu_product_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                               const prnn_map *dout);
void prnn_cpu_lstm(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region);
void prnn_cpu_lstm_gradient(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                            const prnn_map *add);

prnn_status prnn_cpu_weights(prnn_context *ctx, prnn_product_list products, float *packed, size_t count,
                             prnn_block *block, prnn_block *owned);
size_t prnn_cpu_weights_bytes(prnn_context *ctx, size_t count);
void prnn_cpu_pack(prnn_context *ctx, const prnn_packing *packing, prnn_block parameters, prnn_block packed);
void prnn_cpu_prepare(prnn_context *ctx, prnn_product_list products, prnn_block forward, prnn_block backward);
void prnn_cpu_unpack_sum(prnn_context *ctx, const prnn_packing *packing, prnn_block sums, size_t nodes,
                         prnn_block parameters);
size_t prnn_cpu_norm_scratch(size_t count);
double prnn_cpu_norm(prnn_context *ctx, prnn_block block, double *scratch);
void prnn_cpu_update(prnn_context *ctx, const prnn_update *update);
void prnn_cpu_polar(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale, prnn_block mean,
                    prnn_block gradient);

#endif

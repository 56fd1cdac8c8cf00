/* Products as others of this folder launch them: on regions each row of which begins `back` columns before
 * the one above, as an anti-diagonal's do. */
#ifndef PRNN_GPU_PRODUCTS_H
#define PRNN_GPU_PRODUCTS_H

#include "gpu/pass.h"

/* Kernels of a kind, in fp32 and on tensor cores: those for the largest tiles, which those for smaller ones
 * follow. */
typedef struct prnn_gpu_product_kernels {
    prnn_gpu_kernel_number fp32, tensor;
} prnn_gpu_product_kernels;

/* Where such a region is in a map (NULL: nowhere). */
prnn_gpu_place prnn_gpu_place_back(const prnn_pass *pass, const prnn_map *map, prnn_region r, int back);

/* A product on it. */
prnn_gpu_factors prnn_gpu_factors_of(const prnn_pass *pass, const prnn_product *product, prnn_region r,
                                     int back);

/* Rows of a region, from its first on, that lie behind each other in a map and in all taps. */
int prnn_gpu_rows_at_once(const prnn_product *product, const prnn_map *map, prnn_region region);

/* With large tiles where they keep the device busy, else with small ones. `arguments` begin with factors. */
void prnn_gpu_launch_product(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                             prnn_gpu_product_kernels kernels, prnn_gpu_argument arguments);

void prnn_gpu_product_once(const prnn_pass *pass, const prnn_product *product, prnn_region region, int back,
                           const prnn_map *out, const prnn_map *add, bool relu);

#endif

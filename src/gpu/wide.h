/* Wide strips: what tensor cores read of the products of a network, in bf16. */
#ifndef PRNN_GPU_WIDE_H
#define PRNN_GPU_WIDE_H

#include "gpu/pass.h"

/* Where a product is in the tables. */
typedef struct prnn_gpu_wide_product {
    uint32_t first_strip[4], strips[4]; /* as prnn_product.strips */
    uint32_t first_tile, tiles;         /* of the gradient, for all strips */
} prnn_gpu_wide_product;

/* The products whose weights are in a packed block, and these weights. */
struct prnn_gpu_widened {
    prnn_gpu_state *state;
    prnn_gpu_wide_product *products; /* by their number; of others all is zero */
    prnn_gpu_block *strips, *units, *tiles;
    prnn_gpu_block *weight_places, *bias_places; /* see PRNN_GPU_NOWHERE */
    size_t weights_count, biases_count;          /* such places */
    prnn_gpu_block *weights, *biases;
};

/* Whether tensor cores compute a product: all that it reads is bf16. */
bool prnn_gpu_is_wide(const prnn_gpu_state *state, const prnn_product *product);

/* Brings the weights of all such products of a packed block into their form, with the tables if they are not
 * there yet. */
prnn_status prnn_gpu_widen(prnn_context *ctx, prnn_product_list products, bool backward, prnn_block packed);

void prnn_gpu_widened_free(prnn_gpu_widened *widened);

#endif

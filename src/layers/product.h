/* Plans products: sums of masked convolutions with the same outputs in one pass over a region (the
 * input-to-state and state-to-state convolutions of a gate, say); or of several with the same inputs,
 * transposed, for the backward pass. Weights are packed into panels, and panels that read the same into
 * strips, which contain only what the masks leave unmasked. */
#ifndef PRNN_LAYERS_PRODUCT_H
#define PRNN_LAYERS_PRODUCT_H

#include "layers/conv.h"

/* One term of a product: a convolution and the map that it reads (transposed: the map of the gradient by
 * its outputs). */
typedef struct prnn_term {
    const prnn_conv *conv;
    const prnn_map *map;
} prnn_term;

/* Sum of terms with the same `out` features, biases included. */
prnn_product *prnn_plan_product(prnn_plan *plan, int terms, const prnn_term *term);

/* Sum of the transposed terms with the same `in` features: gradients by outputs to gradients by inputs.
 * NULL in a plan without training. */
prnn_product *prnn_plan_transposed(prnn_plan *plan, int terms, const prnn_term *term);

/* Tells the visitor of each packed float of a product (see prnn_plan_visit). */
void prnn_product_visit(const prnn_plan *plan, const prnn_product *product,
                        const prnn_packed_visitor *visitor);

#endif

/* Layer kinds: one file each, and one line of the registry. A layer maps a stream of 2h features
 * to the next one, x_l to x_(l+1). Its forward pass computes a region - a pixel, a stretch of a row or some
 * whole rows - and may read what is above and to the left of it, which is final: so training, evaluation and
 * sampling are one body of code. Rows come in order. The backward pass runs over blocks of rows in reverse
 * order.
 */
#ifndef PRNN_LAYERS_LAYER_H
#define PRNN_LAYERS_LAYER_H

#include "config/kinds.h"
#include "layers/upsampler.h"

typedef struct prnn_layer_io {
    const prnn_map *in, *out;        /* x_l, x_(l+1) */
    const prnn_map *din, *dout;      /* gradients by them, of the present rows; NULL without training */
    bool residual;                   /* out = in + y(in) */
    const prnn_upsampler *condition; /* what every layer sees of the small image; NULL without */
    int number;                      /* l */
} prnn_layer_io;

typedef struct prnn_layer_kind {
    int together; /* images that training should take through a layer at a time, at least: each pixel, or each
                     row of them, is one product, which should not be too small */
    int top, left; /* margins of zeros that the input needs */

    /* Plans parameters `name`.*, maps and products; NULL after a failure. */
    void *(*plan)(prnn_plan *plan, const char *name, prnn_layer_io io);

    /* Before the first row of a batch: what lies outside the image. */
    void (*begin)(const void *layer, const prnn_pass *pass);
    void (*forward)(const void *layer, const prnn_pass *pass, prnn_region region);

    /* Before the last row of the backward pass. */
    void (*begin_backward)(const void *layer, const prnn_pass *pass);
    /* From dout of some whole rows to din of them, adding to pass->gradient. */
    void (*backward)(const void *layer, const prnn_pass *pass, prnn_region rows);
} prnn_layer_kind;

/* NULL: there is no such kind. */
const prnn_layer_kind *prnn_layer_kind_of(prnn_kind kind);

/* Plans the parameter `name`.condition, an unmasked 1x1 convolution of the upsampled map. */
prnn_conv prnn_layer_condition(prnn_plan *plan, const char *name, const prnn_upsampler *condition,
                               prnn_features out);

/* Adds the gradient by that map of some rows: nothing without a condition. */
void prnn_layer_condition_backward(const prnn_pass *pass, const prnn_layer_io *io,
                                   const prnn_product *dcondition_of, prnn_region rows);

/* The end of a layer's forward pass: its output y, which `out_of` gives, goes to the next stream. In training
 * with dropout it is y that features are dropped of, before x_l is added to it. */
void prnn_layer_output(const prnn_pass *pass, const prnn_layer_io *io, const prnn_product *out_of,
                       prnn_region region);

/* The beginning of its backward pass: `dout` of some rows becomes the gradient by y. Returns what the layer
 * adds to its part of `din`, the gradient that goes past it: `dout`, or `din` itself, or NULL without
 * residual connections. */
const prnn_map *prnn_layer_output_gradient(const prnn_pass *pass, const prnn_layer_io *io, prnn_region rows);

#define PRNN_LAYER_KIND(number, name, layer) extern const prnn_layer_kind layer;
PRNN_KINDS(PRNN_LAYER_KIND)
#undef PRNN_LAYER_KIND

#endif

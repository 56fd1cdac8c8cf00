/* What the host and the kernels of a device both know: included by C, and part of the kernels' source, which
 * has types of its own for the same sizes. Nothing here has a gap, whatever compiles it. */
#ifndef PRNN_GPU_STRUCTURES_H
#define PRNN_GPU_STRUCTURES_H

#ifndef PRNN_GPU_KERNEL
#include <stdint.h>
#define U32 uint32_t
#define U64 uint64_t
#define F32 float
#endif

/* Where the positions of a launch are in a map: position m at at + m / run * pitch + m % run * stride, in
 * numbers of its memory. That is a dense matrix, rows with margins, or an anti-diagonal. For gradients, which
 * take some images of all, the next pixel is at pitch and the next row at line. */
typedef struct prnn_gpu_place {
    U64 at;
    U32 stride, pitch, line;
    U32 bf16; /* its numbers are bf16, and `at` counts such; in programs with bf16 only */
} prnn_gpu_place;

/* The `at` of a place that is not there. */
#define PRNN_GPU_NONE (~(U64)0)

/* Columns of a panel, as PRNN_PANEL. */
#define PRNN_GPU_PANEL 16

/* `count` features from `first` on of tap `tap`. */
typedef struct prnn_gpu_segment {
    U32 tap, first, count;
} prnn_gpu_segment;

/* As prnn_strip: up to four panels of weights that read the same segments; panel v is columns column + v *
 * step .., packed from at + v * size on: 16 biases, then 16 weights a feature. */
typedef struct prnn_gpu_strip {
    U64 at;
    U32 first_segment, segments, panels, column, step, size, depth, unused;
} prnn_gpu_strip;

/* A map as a tap of a product sees it, per image: with n images every number of it is n times as far away.
 * Pixel (r, c) of a product sees row (row + r) % rows of those that are kept, and column col + c, margins
 * included. */
typedef struct prnn_gpu_tap {
    U64 at;
    U32 stride, width, rows, row, col, unused; /* of a pixel, in numbers; of a row, in pixels */
} prnn_gpu_tap;

/* Strips from first_strip on, of positions 0 .. rows - 1, whose taps are first_tap ..: `images` images of a
 * region of pixels that begins at (row, col). Each run of positions is the next row, `back` columns before
 * the one above (0: a row of pixels; 1 or -1: a pixel of an anti-diagonal). */
typedef struct prnn_gpu_factors {
    U32 rows, run, first_strip, first_tap;
    U32 images, row, col, back;
} prnn_gpu_factors;

/* out = relu?(bias + add + sources * weights) */
typedef struct prnn_gpu_product {
    prnn_gpu_factors f;
    prnn_gpu_place out, add;
    U32 relu, unused;
} prnn_gpu_product;

/* The same for the gates of LSTM cells, and the cells. */
typedef struct prnn_gpu_lstm {
    prnn_gpu_factors f;
    prnn_gpu_place add, before, cell, state, gates;
    U32 hidden, unused;
} prnn_gpu_lstm;

/* And for the gradient by their states, and that by the gates. */
typedef struct prnn_gpu_lstm_gradient {
    prnn_gpu_factors f;
    prnn_gpu_place add, gates, before, cell, dcell, dgates;
    U32 hidden, unused;
} prnn_gpu_lstm_gradient;

/* What a gradient is a sum over: lane l is images l * lane .. (l + 1) * lane - 1 of all, if there are so
 * many, in `rows` rows of `pixels` pixels. Rows are in blocks of `block`, from the last block to the first. A
 * block's rows are chunks, in their order, or (`dense`) all of it is one. A chunk's positions are summed one
 * after the other, 128 at a time from zero, and then added to the gradient. */
typedef struct prnn_gpu_lanes {
    U32 images, lane, rows, pixels, block, dense;
} prnn_gpu_lanes;

/* The gradient by the weights, of each lane for itself: it is added to what is at l * lane_size, laid out
 * like the packed weights. Group x computes features feature[x] .. of strip strip[x]. The region of pixels
 * begins at (row, col). */
typedef struct prnn_gpu_tile {
    U32 strip, feature;
} prnn_gpu_tile;

typedef struct prnn_gpu_product_gradient {
    prnn_gpu_lanes lanes;
    prnn_gpu_place dout;
    U64 lane_size;
    U32 first_tile, first_strip, first_tap, biased, row, col;
} prnn_gpu_product_gradient;

/* Elementwise on `rows` positions of `width` numbers (a multiple of 16). */
typedef struct prnn_gpu_elementwise {
    prnn_gpu_place a, b, out;
    U32 rows, run, width, unused;
} prnn_gpu_elementwise;

/* out = b + a, with features of a dropped as prnn_dropout says: of layer `layer`, in a region that begins at
 * (row, column) of an image of `width` columns. `high` is the upper half of the counter of the random bits;
 * `add`: whether there is a b. */
typedef struct prnn_gpu_dropout {
    prnn_gpu_elementwise e;
    U64 seed, high;
    U32 images, lane, first, apart, layer, row, column, width, below, add;
    F32 scale;
    U32 unused;
} prnn_gpu_dropout;

/* Sums over the positions of lanes, to lane * lane_size + at. */
typedef struct prnn_gpu_sum {
    prnn_gpu_lanes lanes;
    prnn_gpu_place from;
    U64 at, lane_size;
    U32 width, unused;
} prnn_gpu_sum;

/* Pixels of a region of `images` images: position m is pixel (row + m / run, first + m % run / images) of
 * image m % images; run is a multiple of `images`. */
typedef struct prnn_gpu_pixels {
    U32 rows, run, images, row, first, height, width, channels;
} prnn_gpu_pixels;

/* -log p(level) of each channel of each position, and with scale != 0 its gradient. Logits of a channel are
 * block_stride numbers (of mixtures 3 times as many) from each other. With given != 0, pixels whose row and
 * column are multiples of it cost nothing. `soft`: logits of a value in the soft targets, towards which the
 * gradient then is; 0: there are none. */
typedef struct prnn_gpu_nll {
    prnn_gpu_pixels p;
    prnn_gpu_place logits, dlogits; /* may be the same */
    U32 levels, block_stride, components, given;
    F32 scale, log_scale;
    U32 soft, unused;
} prnn_gpu_nll;

/* Draws a level of channel `channel` of each position; images are levels, (image, row, column, channel), as
 * uniform numbers are. `values` may be nowhere. */
typedef struct prnn_gpu_draw {
    prnn_gpu_pixels p;
    prnn_gpu_place logits, values;
    U32 levels, block_stride, components, channel, masked;
    F32 sharpness, log_scale;
    U32 unused;
    double temperature;
} prnn_gpu_draw;

/* Levels of images as the network sees them: values[position][channel] = scaled[level]. */
typedef struct prnn_gpu_load {
    prnn_gpu_pixels p;
    prnn_gpu_place values;
    U32 step, unused; /* of the pixels of the pictures, whose width is p.width * step */
} prnn_gpu_load;

/* As prnn_step, of n weights from `first` on. */
typedef struct prnn_gpu_step {
    U64 n, first;
    F32 rate, beta1, beta2, epsilon, scale, correct1, correct2, keep, decay;
    U32 kind, ema, unused; /* PRNN_RMSPROP, PRNN_ADAM or PRNN_SGD; whether there is an average */
} prnn_gpu_step;

/* A group computes a square of a matrix, of so many rows and columns. */
#define PRNN_GPU_POLAR_TILE 32

/* As prnn_polar. */
typedef struct prnn_gpu_polar {
    U32 first, width, rows, columns, turned, first_column, at;
    F32 factor;
} prnn_gpu_polar;

/* ------------------------------------------------------------------------------------- for tensor cores */

/* Bytes of local memory that a kernel takes where tensor cores are emulated. */
#define PRNN_GPU_EMULATION 52224

/* Columns of a wide strip, in blocks of 8. */
#define PRNN_GPU_WIDE 128
#define PRNN_GPU_BLOCKS 16

/* Features that tensor cores take: 8 from `first` (a multiple of 8) on of tap `tap`. */
typedef struct prnn_gpu_unit {
    U32 tap, first;
} prnn_gpu_unit;

/* 128 columns, and all units that one of them reads. Block b is columns column[b] .. + 7 of the result; of
 * gates, blocks take turns: o, f, i, g of 8 cells, then of the next 8. Weights are bf16, [8 * units, rounded
 * up to 32][128] from `at` on, zero where there is none; biases fp32, 128 from `bias` on. */
typedef struct prnn_gpu_wide {
    U64 at;
    U32 bias, first_unit, units, blocks;
    U32 column[PRNN_GPU_BLOCKS];
} prnn_gpu_wide;

/* Where 8 columns of a wide strip are not among the packed weights: of a feature that a strip does not read.
 * Else their first is; there is such a number for each 8 weights, and for each 8 biases. */
#define PRNN_GPU_NOWHERE (~(U32)0)

/* The gradient by the weights, of slices of `per` positions; slice s has its own, laid out like the packed
 * weights, at s * slice_size. Group x computes features feature[x] .. of wide strip strip[x]. */
typedef struct prnn_gpu_wide_gradient {
    prnn_gpu_place dout;
    U64 slice_size;
    U32 rows, run, per, first_tile, first_strip, first_tap, biased;
    U32 images, row, col;
} prnn_gpu_wide_gradient;

#endif

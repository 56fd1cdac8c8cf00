/* A network: the layers of a config, planned for streaming (evaluation, sampling: a few rows of each map) or
 * for training (all rows, and the backward pass), and its passes over a batch of images on one thread.
 *
 * A network holds structure only. Weights are packed from a block of parameters into blocks of the caller,
 * activations live in the memory of a pass: so threads share both freely. */
#ifndef PRNN_MODEL_NETWORK_H
#define PRNN_MODEL_NETWORK_H

#include "base/need.h"
#include "base/parallel.h"
#include "layers/layer.h"

typedef struct prnn_network {
    prnn_plan plan;
    const prnn_layer_kind *kind;
    prnn_head head;

    float scaled[256];            /* levels as the network sees them, -1 .. 1 */
    prnn_map *values;             /* the input, scaled */
    prnn_map **stream, **dstream; /* x_0 .. x_L, and gradients by them */
    prnn_upsampler *condition;    /* of conditional models, else NULL */
    void **layers;
    prnn_product *input_of;
    prnn_map *total; /* sum of the skip connections; NULL without */
    prnn_product **skip_of, **dskip_of;

    prnn_map *head_map[3], *logits; /* inputs of the three 1x1 layers, and their result */
    prnn_product *head_of[3];
    prnn_map *dhead_map[3];
    prnn_product *dhead_of[3];
} prnn_network;

/* The most parameters that a network may have. */
#define PRNN_MAX_PARAMETERS ((size_t)INT32_MAX)

/* `limit`: refuse a network of more parameters before anything large is made. */
prnn_status prnn_network_create(prnn_context *ctx, const prnn_config *config, bool training, size_t limit,
                                prnn_network **network);

/* The same with a number of rows that go through a layer together, instead of (0) the one that suits it. */
prnn_status prnn_network_create_in_blocks(prnn_context *ctx, const prnn_config *config, bool training,
                                          size_t limit, int block_rows, prnn_network **network);
void prnn_network_free(prnn_network *network);

/* All forward weights from a block of parameters, on the host. */
void prnn_network_pack(const prnn_network *network, const float *parameters, float *packed);

/* All products of a network, and what its passes need. */
prnn_product_list prnn_network_products(const prnn_network *network);
prnn_pass_shape prnn_network_shape(const prnn_network *network);

/* Numbers of the soft targets of an image. */
size_t prnn_network_soft(const prnn_network *network);

/* Passes forward of several threads. */
typedef struct prnn_passes {
    prnn_pass *list;
    int count;           /* as many as were asked for, or as there is memory for */
    prnn_block prepared; /* weights; none where they are used as they are packed */
    const prnn_device *device;
} prnn_passes;

/* `count` passes of at most `images`, or fewer where memory is short. `packed`: weights as prnn_network_pack
 * leaves them, which must stay. The memory of maps is taken from the context and given back to it. */
prnn_status prnn_passes_open(prnn_context *ctx, const prnn_network *network, int images, int count,
                             float *packed, prnn_passes *passes);
void prnn_passes_close(prnn_context *ctx, prnn_passes *passes);

/* The passes as what the threads of a parallel loop have for themselves. */
static inline prnn_scratches prnn_passes_scratches(const prnn_passes *passes) {
    return (prnn_scratches){passes->list, sizeof *passes->list, passes->count};
}

/* What prnn_passes_open asks for. */
prnn_need prnn_passes_need(prnn_context *ctx, const prnn_network *network, int images, int count);

/* ---- Steps of a pass, in this order: begin; then for each row from left to right, or each block of rows:
 * values, forward, logits. Regions with a colour group recompute only the features of that group. */

void prnn_network_begin(const prnn_network *network, const prnn_pass *pass);

/* Only for conditional networks, after begin: the small images of a batch, (n, s, s, C) levels, or (NULL)
 * those that the images (n, H, W, C) contain, pixels (i H / s, j W / s). */
void prnn_network_condition(const prnn_network *network, prnn_pass *pass, const uint8_t *images,
                            const uint8_t *small);

/* Whether pixel (row, col) is one that the small image of a conditional network gives; false without one. */
bool prnn_network_is_given(const prnn_network *network, int row, int col);

/* Makes level levels[i * distance] the input of image i at (row, col), channel c, for all images. */
void prnn_network_put_levels(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                             const uint8_t *levels, size_t distance);

/* Draws a level of channel c of pixel (row, col) for each image from the logits there, by inversion of
 * uniforms[i] in [0, 1), into levels[i * distance]. false: some logits are not finite; their images get level
 * 0. */
bool prnn_network_draw(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                       double temperature, const double *uniforms, uint8_t *levels, size_t distance);

/* The M logits of channel c of pixel (row, col), or (c = -1) of all channels, of each image, without padding:
 * of image i at logits + i * distance. */
void prnn_network_read_logits(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                              float *logits, size_t distance);

/* The layers, on a region whose input is there. */
void prnn_network_forward(const prnn_network *network, const prnn_pass *pass, prnn_region region);

/* The head on a region that went forward; network->logits then holds the logits. */
void prnn_network_logits(const prnn_network *network, const prnn_pass *pass, prnn_region region);

/* ---- Whole batches. */

typedef struct prnn_batch {
    const uint8_t *images; /* (n, H, W, C) levels */
    const uint8_t *small;  /* as prnn_network_condition has it */
    int n;                 /* at most the capacity of a pass */
    bool new_only;         /* values that the small image gives count 0 nats: they are certain, given it */
    /* For prnn_network_gradient alone: */
    prnn_dropout dropout;
    const float *soft; /* soft targets, as prnn_pictures has them, or NULL; not of mixtures of logistics */
} prnn_batch;

/* Images first .. first + n - 1 of a batch. */
prnn_batch prnn_batch_part(const prnn_network *network, const prnn_batch *batch, size_t first, int n);

/* What is wanted of a batch; all but nats may be NULL. */
typedef struct prnn_outputs {
    double *nats;                 /* [n] */
    float *values, *logits;       /* (n, H, W, C), (n, H, W, C, M) */
    float *entropies, *variances; /* (n, H, W, C): expectations of -log p of a value (heads/head.h) */
    float *row;                   /* scratch for these two: (n, W, C, M); else NULL */
    const prnn_kernels *kernels;  /* for these two: whatever the device, the host computes them */
} prnn_outputs;

/* Some rows of a batch whose logits, network->logits, are there. */
typedef void (*prnn_rows_ready)(void *arg, const prnn_pass *pass, prnn_region rows);

/* All of a batch goes forward, from the top; ready(arg, ...) sees it. */
void prnn_network_walk(const prnn_network *network, prnn_pass *pass, const prnn_batch *batch,
                       prnn_rows_ready ready, void *arg);

void prnn_network_evaluate(const prnn_network *network, prnn_pass *pass, const prnn_batch *batch,
                           const prnn_outputs *to);

/* nats[n]; adds `scale` times the gradient of their sum (with soft targets, of the cross-entropy to them) to
 * pass->gradient. Training networks only. */
void prnn_network_gradient(const prnn_network *network, prnn_pass *pass, const prnn_batch *batch, float scale,
                           double *nats);

#endif

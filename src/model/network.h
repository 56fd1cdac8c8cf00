/* A network: the layers of a config, planned for streaming (evaluation, sampling: a few rows of each map) or
 * for training (all rows, and the way back), and its passes over a batch of images on one thread.
 *
 * A network holds structure only. Weights are packed from a block of parameters into blocks of the caller,
 * activations live in the memory of a pass: so threads share both freely. */
#ifndef PRNN_MODEL_NETWORK_H
#define PRNN_MODEL_NETWORK_H

#include "base/need.h"
#include "base/parallel.h"
#include "heads/head.h"
#include "layers/layer.h"

typedef struct prnn_network {
    prnn_plan plan;
    const prnn_layer_kind *kind;
    const prnn_head_kind *head;
    prnn_features logit_features;

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

/* Checks the config (PRNN_ERROR_ARGUMENT names the field, its value and its range). */
prnn_status prnn_config_check(prnn_context *ctx, const prnn_config *config);

/* The most parameters that a network may have. */
#define PRNN_MAX_PARAMETERS ((size_t)INT32_MAX)

/* `limit`: refuse a network of more parameters before anything large is made. */
prnn_status prnn_network_create(prnn_context *ctx, const prnn_config *config, bool training, size_t limit,
                                prnn_network **network);

/* The same with a number of rows that go through a layer together, instead of (0) the one that suits it. */
prnn_status prnn_network_create_in_blocks(prnn_context *ctx, const prnn_config *config, bool training,
                                          size_t limit, int block_rows, prnn_network **network);
void prnn_network_free(prnn_network *network);

/* All forward weights from a block of parameters. */
void prnn_network_pack(const prnn_network *network, const float *parameters, float *packed);

/* packed[i] = the parameter that belongs there, or 0, for at most `count` floats from `first` on; of a
 * packing with an index (prnn_plan_index), again and again faster. */
void prnn_packing_fill(const prnn_packing *packing, size_t first, size_t count, const float *parameters,
                       float *packed);

/* Puts packed weights into the form that the kernels read (see prnn_kernels.prepare); `backward` may be NULL.
 */
void prnn_network_prepare(const prnn_network *network, const prnn_kernels *kernels, float *forward,
                          float *backward);

/* What one thread needs for a batch of at most `images`. The weights are prepared for the kernels of the
 * context. */
typedef struct prnn_worker {
    prnn_pass pass;
    int capacity;    /* images */
    uint8_t *levels; /* of a block of rows, each (W, n, C) */
    float *nats;     /* of one row, likewise */
} prnn_worker;

prnn_status prnn_worker_create(prnn_context *ctx, const prnn_network *network, int images,
                               const float *forward, const float *backward, prnn_worker *worker);
void prnn_worker_free(prnn_worker *worker);

/* Bytes that prnn_worker_create asks for. */
size_t prnn_worker_bytes(prnn_context *ctx, const prnn_network *network, int images);

/* Zeroes the maps. A pass by colours needs it once: features of later colours share panels with those of
 * earlier ones, and are multiplied with zeros before they are computed. */
void prnn_worker_clear(const prnn_network *network, prnn_worker *worker);

/* Workers of several threads, for passes forward. */
typedef struct prnn_workers {
    prnn_worker *list;
    int count;       /* as many as were asked for, or as there is memory for */
    size_t bytes;    /* of the maps of each */
    float *prepared; /* weights; NULL where they are used as they are packed */
} prnn_workers;

/* `count` workers, or fewer where memory is short. `packed`: weights as prnn_network_pack leaves them, which
 * must stay. The memory of maps is taken from the context and given back to it. */
prnn_status prnn_workers_create(prnn_context *ctx, const prnn_network *network, int images, int count,
                                const float *packed, prnn_workers *workers);
void prnn_workers_free(prnn_context *ctx, prnn_workers *workers);

/* The workers as what the threads of a parallel loop have for themselves. */
static inline prnn_scratches prnn_workers_scratches(const prnn_workers *workers) {
    return (prnn_scratches){workers->list, sizeof *workers->list, workers->count};
}

/* What prnn_workers_create asks for. */
prnn_need prnn_workers_need(prnn_context *ctx, const prnn_network *network, int images, int count);

/* ---- Steps of a pass, in this order: begin; then for each row from left to right, or each block of rows:
 * values, forward, logits. Regions with a colour group recompute only the features of that group. */

void prnn_network_begin(const prnn_network *network, const prnn_pass *pass);

/* Only for conditional networks, after begin: the small images of a batch, (n, s, s, C) levels, or (NULL)
 * those that the images (n, H, W, C) contain, pixels (i H / s, j W / s). */
void prnn_network_condition(const prnn_network *network, const prnn_pass *pass, const uint8_t *images,
                            const uint8_t *small);

/* Whether pixel (row, col) is one that the small image of a conditional network gives; false without one. */
bool prnn_network_is_given(const prnn_network *network, int row, int col);

/* Sets the input of image `image` at (row, col), channel c, to level v. */
void prnn_network_set_value(const prnn_network *network, const prnn_pass *pass, int image, int row, int col,
                            int c, int v);
void prnn_network_forward(const prnn_network *network, const prnn_pass *pass, prnn_region region);

/* The head on a region that went forward; network->logits then holds the logits. */
void prnn_network_logits(const prnn_network *network, const prnn_pass *pass, prnn_region region);

/* ---- Value by value. */

/* Makes level levels[i * stride] the input of image i, for all images of the pass, at (row, col), channel c.
 */
void prnn_network_put_levels(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                             const uint8_t *levels, size_t stride);

/* Draws a level for each image from the logits at (row, col) of channel c, by inversion of uniforms[i] in
 * [0, 1) (see prnn_head_kind.draw), into levels[i * stride]. False: some logits are not finite; those images
 * got level 0. */
bool prnn_network_draw(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                       double temperature, const double *uniforms, uint8_t *levels, size_t stride);

/* The logits at (row, col), unpadded: the M of channel c, or (C, M) for c = -1, of image i at logits +
 * i * stride. */
void prnn_network_read_logits(const prnn_network *network, const prnn_pass *pass, int row, int col, int c,
                              float *logits, size_t stride);

/* ---- Whole batches. */

typedef struct prnn_batch {
    const uint8_t *images; /* (n, H, W, C) levels */
    const uint8_t *small;  /* as prnn_network_condition has it */
    int n;                 /* at most the capacity of a worker */
    bool new_only;         /* values that the small image gives count 0 nats: they are certain, given it */
} prnn_batch;

/* Images first .. first + n - 1 of a batch. */
prnn_batch prnn_batch_part(const prnn_config *config, const prnn_batch *batch, size_t first, int n);

/* nats[n] and, unless NULL, values (n, H, W, C), or logits (n, H, W, C, M). */
void prnn_network_evaluate(const prnn_network *network, prnn_worker *worker, const prnn_batch *batch,
                           double *nats, float *values, float *logits);

/* nats[n]; adds `scale` times the gradient of their sum to worker->pass.gradient. Training networks only. */
void prnn_network_gradient(const prnn_network *network, prnn_worker *worker, const prnn_batch *batch,
                           float scale, double *nats);

#endif

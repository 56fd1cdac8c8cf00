/* A device: everything that is done to the numbers of a network, as a table of operations on blocks and maps.
 * Layers, models and training know these alone; where the numbers lie, and what works on them, is the
 * device's. The CPU is one file each for memory (cpu.c), weights (cpu_weights.c), orthogonal steps
 * (cpu_polar.c), maps (cpu_maps.c), products (cpu_products.c) and distributions (cpu_heads.c). */
#ifndef PRNN_DEVICE_DEVICE_H
#define PRNN_DEVICE_DEVICE_H

#include "device/product.h"
#include "heads/head.h"

typedef struct prnn_device prnn_device;

/* `count` floats of the memory of a device, from `first` on. */
typedef struct prnn_block {
    void *memory;
    size_t first, count;
} prnn_block;

static inline prnn_block prnn_block_part(prnn_block block, size_t first, size_t count) {
    return (prnn_block){block.memory, block.first + first, count};
}

/* Which parameter each float of a packed block is. */
typedef struct prnn_packing {
    size_t count;
    int32_t *index;     /* its number, or -1 for zero; NULL: nobody asked for it (prnn_plan_index) */
    prnn_block numbers; /* the same, shared with the device */
} prnn_packing;

/* All products of a network. */
typedef struct prnn_product_list {
    struct prnn_product *const *list;
    int count;
} prnn_product_list;

/* Levels of the images of a batch: (n, height, width, channels), in the memory of the host. */
typedef struct prnn_pictures {
    const uint8_t *levels;
    int height, width, channels;
    /* In training towards soft targets, also the host's: (n, height, width, channels, M), of each logit the
     * probability that its level should have, less 1 for the level of the image; else NULL. */
    const float *soft;
} prnn_pictures;

/* What a pass needs to know of its network. */
typedef struct prnn_pass_shape {
    size_t floats; /* of all maps, per image */
    size_t line;   /* values of a row of an image */
    size_t image;  /* values of an image */
    size_t soft;   /* numbers of its soft targets; 0: there are none */
    prnn_product_list products;
} prnn_pass_shape;

/* Which features of the outputs of layers are dropped in training: a function of the seed, the update, the
 * image's number in the batch, the layer, the pixel and the feature, so that the backward pass finds again
 * what the forward pass dropped. 16 random bits decide. */
typedef struct prnn_dropout {
    uint32_t below; /* a feature whose bits are below it becomes 0, of 65536; 0: none is dropped */
    float scale;    /* of the others: 65536 / (65536 - below) */
    uint64_t seed, step;
    /* Image i of a pass is number first + i / lane * apart + i % lane of the batch; where all images of a
     * pass are of one lane, first + i. */
    uint32_t first, apart;
} prnn_dropout;

/* Features that share 128 random bits, and which those are: 65536 images, 256 layers, 2^24 pixels. */
enum { PRNN_DROPOUT_RUN = 8 };
static inline uint64_t prnn_dropout_index(uint32_t image, int layer, int pixel, int feature) {
    return ((uint64_t)image << 8 | (uint64_t)layer) << 40 | (uint64_t)pixel << 16 |
           (uint64_t)(feature / PRNN_DROPOUT_RUN);
}

/* One batch going through a network: what must not be shared by those that do so at once. */
typedef struct prnn_pass {
    const prnn_device *device;
    void *own;            /* the device's: the memory of the maps, and what else it needs */
    int capacity, images; /* most images, and those of the present batch */
    int lane;             /* images of a lane: see `gradient`; 0: all */
    /* Rows whose gradients are summed as one: a region is cut into such blocks, from the last to the first;
     * 0: all of its rows. */
    int sum_rows;
    prnn_dropout dropout;         /* of the present batch, in training */
    prnn_pictures pictures;       /* of the present batch */
    prnn_block forward, backward; /* packed weights; backward ones in training only */
    /* Laid out like `forward`, of each lane of images for itself, one after the other; training only. */
    prnn_block gradient;
} prnn_pass;

/* What a likelihood is wanted for. */
typedef struct prnn_score {
    float scale;   /* of the gradient, which then takes the place of the logits (towards the soft targets of
                      the pictures, if they have such); 0: they stay as they are */
    int given;     /* pixels whose row and column are multiples of it count nothing; 0: all count */
    double *nats;  /* [images]: to each is added -log p of its values in the region */
    float *values; /* (images, H, W, C): -log p of each value in the region is put there; NULL: not wanted */
} prnn_score;

/* One step of an optimizer on blocks of weights, which are the same ones of each; a moment that the formula
 * does not have, and an average that nobody wants, have no memory. */
typedef struct prnn_update {
    prnn_optimizer optimizer;
    prnn_step step;
    prnn_block gradient, weights, moment1, moment2, ema;
} prnn_update;

/* A matrix of weights whose steps are made orthogonal (train/muon.h): R x C numbers, R <= C, of a tensor,
 * without those columns of it that its mask hides from every row. Members are of 4 bytes, since the list is
 * shared with the device. */
typedef struct prnn_polar {
    uint32_t first, width;  /* the tensor's first number among the parameters; numbers of its rows */
    uint32_t rows, columns; /* R, C */
    uint32_t turned;        /* 1: its rows are columns of the tensor; 0: rows of the tensor */
    uint32_t first_column;  /* its first in the list of columns */
    uint32_t at;            /* its memory in `scratch`, in units: prnn_polar_floats() of them */
    float factor;           /* of the result */
} prnn_polar;

typedef struct prnn_polar_list {
    prnn_polar *list;
    size_t count;
    uint32_t *columns; /* unmasked ones: numbers within a row of the tensor */
    size_t column_count;
    prnn_block table, numbers; /* of both, shared with the device */
    prnn_block scratch;
} prnn_polar_list;

/* Two matrices of R x C floats, then two of R x R, all padded to multiples of PRNN_PANEL: whole units. */
enum { PRNN_POLAR_UNIT = PRNN_PANEL * PRNN_PANEL };
static inline size_t prnn_polar_padded(uint32_t n) {
    return ((size_t)n + PRNN_PANEL - 1) / PRNN_PANEL * PRNN_PANEL;
}
static inline size_t prnn_polar_floats(const prnn_polar *p) {
    size_t rows = prnn_polar_padded(p->rows);
    return 2 * rows * (prnn_polar_padded(p->columns) + rows);
}

/* Towards the nearest orthogonal matrix, the polar factor: X is divided by EPSILON plus the root of the sum
 * of its squares (where that is no float, X becomes 0), then so many times A = X X', X = P X + (Q A + R A A)
 * X. The formula and its numbers are those of Jordan et al. (2024): singular values of 0.002 to 1 come to
 * 0.68 to 1.21. */
enum { PRNN_POLAR_STEPS = 5 };
#define PRNN_POLAR_EPSILON 1e-7f
#define PRNN_POLAR_P 3.4445f
#define PRNN_POLAR_Q (-4.775f)
#define PRNN_POLAR_R 2.0315f

struct prnn_device {
    const char *name;
    /* It is apart from the host: it has memory of its own, one thread at a time speaks to it, and many images
     * go through a network together. */
    bool apart;
    /* Of one that is apart: bytes of its memory that are free, in one block and in all; that a pass takes;
     * that `count` packed weights take, in the form that products read. */
    size_t (*memory)(const prnn_context *ctx);
    size_t (*all_memory)(const prnn_context *ctx);
    size_t (*pass_memory)(const prnn_context *ctx, const prnn_pass_shape *shape, int images);
    size_t (*packed_memory)(const prnn_context *ctx, size_t count);
    /* What goes wrong in any operation is remembered, nothing is done from then on, and numbers that are
     * asked for are zero. PRNN_OK, or what it was. */
    prnn_status (*check)(prnn_context *ctx);

    /* ---- Blocks. Allocated ones are zero; `what` completes "not enough memory for ...". Raw ones hold
     * anything, and on a machine of many sockets lie near the thread that first writes them. */
    prnn_status (*allocate)(prnn_context *ctx, size_t count, const char *what, prnn_block *block);
    prnn_status (*allocate_raw)(prnn_context *ctx, size_t count, const char *what, prnn_block *block);
    void (*release)(prnn_block *block);
    void (*upload)(prnn_block to, const void *from); /* floats, of any alignment */
    void (*download)(prnn_block from, float *to);
    void (*copy_block)(prnn_block from, prnn_block to);
    void (*clear_block)(prnn_block block);
    /* sum += other, of counts that are multiples of PRNN_PANEL, after what the pass has done. */
    void (*add_block)(const prnn_pass *pass, prnn_block sum, prnn_block other);
    /* A block of the numbers (of 4 bytes) of an array of the host, which must stay: the same memory, or a
     * copy of it. Until `unshare`, which gives the array (unless NULL) what the block holds. */
    prnn_status (*share)(prnn_context *ctx, void *array, size_t count, prnn_block *block);
    void (*unshare)(prnn_block *block, void *array);
    /* The numbers of a block where the host can read them as they are; NULL: they must be downloaded
     * (prnn_view_open). */
    const float *(*host)(prnn_block block);
    /* Number of the first float that is not finite, or the count. */
    size_t (*first_not_finite)(prnn_block block);

    /* ---- Weights, on all threads of the context. */
    /* `block` becomes packed weights of the host in the form that products read. The block may be the memory
     * of the host itself, which must stay; `owned` is what is to be released, if anything. */
    prnn_status (*weights)(prnn_context *ctx, prnn_product_list products, float *packed, size_t count,
                           prnn_block *block, prnn_block *owned);
    size_t (*weights_bytes)(prnn_context *ctx, size_t count); /* that it allocates */
    /* Packs parameters, into that form. */
    void (*pack)(prnn_context *ctx, const prnn_packing *packing, prnn_block parameters, prnn_block packed);
    void (*prepare)(prnn_context *ctx, prnn_product_list products, prnn_block forward, prnn_block backward);
    /* The reverse of packing: to each parameter goes the sum of its place in `nodes` packed blocks, one after
     * the other, over a binary tree: of nodes i 2^k .. (i + 1) 2^k - 1 it is the first half's plus the
     * second's. The sums are changed. Parameters that no place has stay as they are. */
    void (*unpack_sum)(prnn_context *ctx, const prnn_packing *packing, prnn_block sums, size_t nodes,
                       prnn_block parameters);
    /* Euclidean norm; `scratch` has room for norm_scratch(count) numbers. */
    size_t (*norm_scratch)(size_t count);
    double (*norm)(prnn_context *ctx, prnn_block block, double *scratch);
    void (*update)(prnn_context *ctx, const prnn_update *update);
    /* For the list's matrices, with g = scale * gradient: their mean becomes m = keep m + (1 - keep) g, and
     * the gradient is replaced by `factor` times the polar factor of keep m + (1 - keep) g; by 0 where m is
     * 0, so that what is masked stays so. */
    void (*polar)(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale, prnn_block mean,
                  prnn_block gradient);

    /* ---- Passes. `kept`: when it is closed, the context keeps its memory for the next call. */
    prnn_status (*open)(prnn_context *ctx, const prnn_pass_shape *shape, int images, bool kept,
                        prnn_pass *pass);
    void (*close)(prnn_context *ctx, prnn_pass *pass);
    size_t (*pass_bytes)(prnn_context *ctx, const prnn_pass_shape *shape, int images);

    /* ---- Maps of a pass. */
    void (*clear_all)(const prnn_pass *pass);
    void (*clear)(const prnn_pass *pass, const prnn_map *map);
    void (*clear_margins)(const prnn_pass *pass, const prnn_map *map);
    void (*fill)(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
    void (*sum)(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
    void (*relu)(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y);
    void (*relu_gradient)(const prnn_pass *pass, prnn_region region, const prnn_map *y, const prnn_map *dy);
    void (*add)(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                const prnn_map *sum);
    void (*dropout)(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                    const prnn_map *add, const prnn_map *out);
    void (*copy)(const prnn_pass *pass, int rows, int cols, const prnn_map *from, prnn_lattice from_at,
                 const prnn_map *to, prnn_lattice to_at);

    /* ---- Levels and distributions. */
    void (*show)(const prnn_pass *pass);
    void (*load)(const prnn_pass *pass, const prnn_map *map, const float *scaled, prnn_region rows, int step);
    void (*put)(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row, int col,
                int channel, const uint8_t *levels, size_t distance);
    void (*nll)(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, prnn_region rows,
                const prnn_score *score);
    bool (*draw)(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, const prnn_draw *draw);
    void (*read_logits)(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                        prnn_region region, int channel, float *to, size_t distance);

    /* ---- Products. */
    void (*product)(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                    const prnn_map *out, const prnn_map *add, bool relu);
    void (*product_gradient)(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                             const prnn_map *dout);
    void (*lstm)(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region);
    void (*lstm_gradient)(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                          const prnn_map *add);
};

/* The device of a context. */
const prnn_device *prnn_device_of(const prnn_context *ctx);

/* Threads that may use it at a time, for n pieces of work. */
int prnn_device_threads(const prnn_context *ctx, size_t n);

/* Whether an image of `floats` numbers goes well into what memory there is. */
bool prnn_device_has_room(const prnn_context *ctx, size_t floats);

/* How many of `count` images should go through a network together, `floats` numbers each: spread over the
 * threads, as many as fit well, at most `most`, or PRNN_MOST_APART where the device is apart; one at least.
 */
enum { PRNN_MOST_APART = 256 };
size_t prnn_device_shard(const prnn_context *ctx, size_t count, size_t most, size_t floats);

extern const prnn_device prnn_cpu;

/* What a block holds, for the host to read. */
typedef struct prnn_view {
    const float *floats;
    float *copy; /* NULL: it is the memory of the device */
} prnn_view;

/* Until it is closed, or the block is changed. */
prnn_status prnn_view_open(prnn_context *ctx, const prnn_device *device, prnn_block block, prnn_view *view);
void prnn_view_close(prnn_view *view);

/* ---- The same as functions, of the device of a pass. */

/* All maps of a pass are zero. A pass by colours needs it once: features of later colours share panels with
 * those of earlier ones, and are multiplied with zeros before they are computed. */
static inline void prnn_pass_clear(const prnn_pass *pass) {
    pass->device->clear_all(pass);
}

/* All zero, margins included. */
static inline void prnn_map_clear(const prnn_pass *pass, const prnn_map *map) {
    pass->device->clear(pass, map);
}

/* Zero around the image: the rows above it, and the columns beside it in every row that is kept. */
static inline void prnn_map_clear_margins(const prnn_pass *pass, const prnn_map *map) {
    pass->device->clear_margins(pass, map);
}

/* Every pixel of a region gets the features that begin at `vector` in the packed forward block. */
static inline void prnn_map_fill(const prnn_pass *pass, const prnn_map *map, prnn_region region,
                                 size_t vector) {
    pass->device->fill(pass, map, region, vector);
}

/* Its reverse: adds the sum over the pixels and images of a region to the gradient from `vector` on. */
static inline void prnn_map_sum(const prnn_pass *pass, const prnn_map *map, prnn_region region,
                                size_t vector) {
    pass->device->sum(pass, map, region, vector);
}

/* y = max(x, 0) */
static inline void prnn_map_relu(const prnn_pass *pass, prnn_region region, const prnn_map *x,
                                 const prnn_map *y) {
    pass->device->relu(pass, region, x, y);
}

/* dy = y > 0 ? dy : 0 */
static inline void prnn_map_relu_gradient(const prnn_pass *pass, prnn_region region, const prnn_map *y,
                                          const prnn_map *dy) {
    pass->device->relu_gradient(pass, region, y, dy);
}

/* sum = a + b */
static inline void prnn_map_add(const prnn_pass *pass, prnn_region region, const prnn_map *a,
                                const prnn_map *b, const prnn_map *sum) {
    pass->device->add(pass, region, a, b, sum);
}

/* out = add + x, with the features of x dropped and scaled as the pass says for layer `layer`; `add` may be
 * NULL, and `out` x or `add`. */
static inline void prnn_map_dropout(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                                    const prnn_map *add, const prnn_map *out) {
    pass->device->dropout(pass, layer, region, x, add, out);
}

/* to = from */
static inline void prnn_map_copy(const prnn_pass *pass, prnn_region region, const prnn_map *from,
                                 const prnn_map *to) {
    prnn_lattice at = {region.row, region.first, 1};
    pass->device->copy(pass, region.rows, region.count, from, at, to, at);
}

/* The same from the pixels of a lattice to those of another one: rows x cols of them. */
static inline void prnn_map_copy_lattice(const prnn_pass *pass, int rows, int cols, const prnn_map *from,
                                         prnn_lattice from_at, const prnn_map *to, prnn_lattice to_at) {
    pass->device->copy(pass, rows, cols, from, from_at, to, to_at);
}

/* `pictures`, which must stay, are those of the batch from now on. */
static inline void prnn_pass_show(prnn_pass *pass, prnn_pictures pictures) {
    pass->pictures = pictures;
    pass->device->show(pass);
}

/* scaled[level] of all pixels of some rows of a map: pixel (row, col) is pixel (row * step, col * step) of
 * the pictures of the batch. */
static inline void prnn_map_load(const prnn_pass *pass, const prnn_map *map, const float *scaled,
                                 prnn_region rows, int step) {
    pass->device->load(pass, map, scaled, rows, step);
}

/* scaled[level] of one channel of pixel (row, col) of all images: levels[i * distance] of image i. */
static inline void prnn_map_put(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row,
                                int col, int channel, const uint8_t *levels, size_t distance) {
    pass->device->put(pass, map, scaled, row, col, channel, levels, distance);
}

/* Likelihood of the pictures in some rows whose logits are there. */
static inline void prnn_head_nll(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                                 prnn_region rows, const prnn_score *score) {
    pass->device->nll(pass, head, logits, rows, score);
}

/* false: some logits are not finite; their images get level 0. */
static inline bool prnn_head_draw(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                                  const prnn_draw *draw) {
    return pass->device->draw(pass, head, logits, draw);
}

/* The logits of a region without padding, (row, column, number), of image i at to + i * distance; those of
 * one channel, or (-1) of all. */
static inline void prnn_head_read_logits(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                                         prnn_region region, int channel, float *to, size_t distance) {
    pass->device->read_logits(pass, head, logits, region, channel, to, distance);
}

/* out = relu?(add + product) on a region; `add` may be NULL or `out`. */
static inline void prnn_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                                    const prnn_map *out, const prnn_map *add, bool relu) {
    pass->device->product(pass, product, region, out, add, relu);
}

/* Adds the gradient by the weights and biases of a region to that of the pass; `dout` is the gradient by the
 * outputs there. */
static inline void prnn_product_gradient(const prnn_pass *pass, const prnn_product *product,
                                         prnn_region region, const prnn_map *dout) {
    pass->device->product_gradient(pass, product, region, dout);
}

/* The cells of a region, row by row. */
static inline void prnn_lstm_run(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region) {
    pass->device->lstm(pass, lstm, region);
}

/* The gradient by the gates of some whole rows, from the last to the first; `add` is a part of that by the
 * states (NULL: none). */
static inline void prnn_lstm_gradient(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                                      const prnn_map *add) {
    pass->device->lstm_gradient(pass, lstm, rows, add);
}

#endif

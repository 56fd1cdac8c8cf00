/* What a pass has on a GPU, and the operations of its table (gpu/device.c), by file. */
#ifndef PRNN_GPU_PASS_H
#define PRNN_GPU_PASS_H

#include "device/device.h"
#include "gpu/state.h"
#include "gpu/structures.h"

typedef struct prnn_gpu_widened prnn_gpu_widened; /* see gpu/wide.h */

enum { PRNN_GPU_MOST_WALKS = 128 };

/* A walk along the steps of LSTM cells, whose launches are the same every time. */
typedef struct prnn_gpu_walk {
    const prnn_lstm *lstm;
    const prnn_map *add;
    bool backward;
    prnn_region region;
    int images;
    prnn_gpu_tape *tape; /* NULL: walked once, and not recorded yet */
    bool unrecorded;     /* there is no room for a tape */
} prnn_gpu_walk;

/* prnn_block.memory. */
typedef struct prnn_gpu_memory {
    prnn_gpu_state *state;
    prnn_gpu_block *block;
    prnn_gpu_widened *widened; /* of packed weights in bf16; else NULL */
} prnn_gpu_memory;

/* Where a product is in the tables of a pass. */
typedef struct prnn_gpu_product_place {
    uint32_t first_tap, first_tile, tiles;
    uint32_t first_strip[4]; /* as prnn_product.strips */
} prnn_gpu_product_place;

/* prnn_pass.own. */
typedef struct prnn_gpu_pass {
    prnn_gpu_state *state;
    prnn_gpu_block *memory; /* of the maps */
    size_t bytes;           /* of it */
    bool kept;              /* the state takes it back */
    size_t image;           /* values of an image */
    size_t image_soft;      /* numbers of its soft targets */
    prnn_gpu_block *strips, *segments, *taps, *tiles;
    prnn_gpu_product_place *products; /* by their number */
    prnn_gpu_block *levels;           /* of the pictures */
    prnn_gpu_block *soft;             /* their soft targets; NULL: there are none */
    prnn_gpu_block *nats;             /* of their values */
    prnn_gpu_block *drawn, *uniforms; /* of a draw, or a put */
    prnn_gpu_block *scaled;           /* levels as the network sees them */
    float scaled_now[256];
    float *numbers; /* of the host, as many as values of all images */
    float *logits;  /* and as many as were asked for */
    size_t logits_count;
    uint8_t *bytes_of_draw;
    prnn_gpu_walk walks[PRNN_GPU_MOST_WALKS];
    int walk_count;
} prnn_gpu_pass;

static inline const prnn_gpu_pass *prnn_gpu_pass_of(const prnn_pass *pass) {
    return pass->own;
}

static inline prnn_gpu_memory *prnn_gpu_memory_of(prnn_block block) {
    return block.memory;
}

/* Whether the numbers of a map are bf16: they then take the first half of its memory. */
static inline bool prnn_gpu_is_bf16(const prnn_gpu_state *state, const prnn_map *map) {
    return state->bf16 && !map->exact;
}

/* Its first number, per image, counted in such numbers. */
static inline size_t prnn_gpu_map_at(bool bf16, const prnn_map *map) {
    return bf16 ? 2 * map->at : map->at;
}

/* Where pixel (row, col) of a map is, and rows and runs from there on. */
prnn_gpu_place prnn_gpu_place_of(const prnn_pass *pass, const prnn_map *map, int row, int col);

/* How many of `rows` rows from `row` on lie behind each other in a map. */
int prnn_gpu_rows(const prnn_map *map, int row, int rows);

/* The lanes of a gradient of a pass on a region; and how many there are. */
prnn_gpu_lanes prnn_gpu_lanes_of(const prnn_pass *pass, prnn_region region, bool dense);
size_t prnn_gpu_lane_count(const prnn_pass *pass);

/* The operations. */

void prnn_gpu_clear_all(const prnn_pass *pass);
void prnn_gpu_clear_map(const prnn_pass *pass, const prnn_map *map);
void prnn_gpu_clear_margins(const prnn_pass *pass, const prnn_map *map);
void prnn_gpu_fill_map(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
void prnn_gpu_sum_map(const prnn_pass *pass, const prnn_map *map, prnn_region region, size_t vector);
void prnn_gpu_relu_map(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y);
void prnn_gpu_relu_gradient_map(const prnn_pass *pass, prnn_region region, const prnn_map *y,
                                const prnn_map *dy);
void prnn_gpu_add_maps(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                       const prnn_map *sum);
void prnn_gpu_dropout_map(const prnn_pass *pass, int layer, prnn_region region, const prnn_map *x,
                          const prnn_map *add, const prnn_map *out);
void prnn_gpu_copy_map(const prnn_pass *pass, int rows, int cols, const prnn_map *from, prnn_lattice from_at,
                       const prnn_map *to, prnn_lattice to_at);

void prnn_gpu_show(const prnn_pass *pass);
void prnn_gpu_load_map(const prnn_pass *pass, const prnn_map *map, const float *scaled, prnn_region rows,
                       int step);
void prnn_gpu_put(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row, int col,
                  int channel, const uint8_t *levels, size_t distance);
void prnn_gpu_head_nll(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, prnn_region rows,
                       const prnn_score *score);
bool prnn_gpu_head_draw(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                        const prnn_draw *draw);
void prnn_gpu_read_logits(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                          prnn_region region, int channel, float *to, size_t distance);

prnn_status prnn_gpu_tables_open(prnn_context *ctx, prnn_gpu_pass *own, prnn_product_list products);
void prnn_gpu_tables_close(prnn_gpu_pass *own);
void prnn_gpu_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                          const prnn_map *out, const prnn_map *add, bool relu);
void prnn_gpu_gradient_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout);
void prnn_gpu_walks_close(prnn_gpu_pass *own);
void prnn_gpu_lstm_run(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region);
void prnn_gpu_lstm_gradient_run(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                                const prnn_map *add);

void prnn_gpu_pack(prnn_context *ctx, const prnn_packing *packing, prnn_block parameters, prnn_block packed);
void prnn_gpu_unpack_sum(prnn_context *ctx, const prnn_packing *packing, prnn_block sums, size_t nodes,
                         prnn_block parameters);
size_t prnn_gpu_norm_scratch(size_t count);
double prnn_gpu_norm(prnn_context *ctx, prnn_block block, double *scratch);
void prnn_gpu_optimize(prnn_context *ctx, const prnn_update *update);
void prnn_gpu_polar_run(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale,
                        prnn_block mean, prnn_block gradient);

/* Memory for sums of such a step, which the next one takes again. */
prnn_gpu_block *prnn_gpu_sums(prnn_gpu_state *state, size_t bytes);

#endif

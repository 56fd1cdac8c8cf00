/* Products on a GPU. What a network's products are made of is in tables there, which a pass brings when it is
 * opened; a launch says only which product, and where its region begins. */

#include "gpu/products.h"

#include "base/memory.h"
#include "base/try.h"
#include "gpu/wide.h"

/* -------------------------------------------------------------------------------------- tables */

/* Features of a strip that a group of the gradient takes: as src/gpu/kernels/gradient.cl. */
enum { TILE_FEATURES = 128, SETS = 4 };

/* All products of a network, as the kernels have them. */
typedef struct tables {
    const prnn_gpu_state *state;
    prnn_gpu_strip *strips;
    prnn_gpu_segment *segments;
    prnn_gpu_tap *taps;
    prnn_gpu_tile *tiles;
    size_t strip_count, segment_count, tap_count, tile_count;
} tables;

static size_t segments_of(const prnn_matrix *matrix) {
    size_t count = 0;
    for (int s = 0; s < matrix->strip_count; s++) {
        size_t end = matrix->strips[s].first_segment + matrix->strips[s].segments;
        count = end > count ? end : count;
    }
    return count;
}

static size_t tiles_of(const prnn_strip *strip) {
    size_t tiles = prnn_gpu_groups(strip->depth, TILE_FEATURES);
    return tiles ? tiles : 1;
}

static void count(tables *t, prnn_product_list products) {
    for (int i = 0; i < products.count; i++) {
        const prnn_product *product = products.list[i];
        t->tap_count += (size_t)product->taps;
        t->segment_count += segments_of(&product->matrix);
        for (int set = 0; set < SETS; set++) {
            t->strip_count += (size_t)product->strips[set].count;
        }
        for (int s = 0; s < product->matrix.strip_count; s++) {
            t->tile_count += tiles_of(&product->matrix.strips[s]);
        }
    }
}

static prnn_gpu_tap tap_of(const prnn_gpu_state *state, const prnn_product_tap *tap) {
    const prnn_map *map = tap->map;
    return (prnn_gpu_tap){.at = prnn_gpu_map_at(prnn_gpu_is_bf16(state, map), map),
                          .stride = (uint32_t)map->stride,
                          .width = (uint32_t)(map->left + map->width + map->right),
                          .rows = (uint32_t)map->rows,
                          .row = (uint32_t)(map->top + tap->row),
                          .col = (uint32_t)(map->left + tap->col)};
}

static prnn_gpu_strip strip_of(const prnn_strip *s, size_t first_segment) {
    return (prnn_gpu_strip){.at = s->at,
                            .first_segment = (uint32_t)first_segment + s->first_segment,
                            .segments = s->segments,
                            .panels = s->panels,
                            .column = (uint32_t)s->column,
                            .step = (uint32_t)s->step,
                            .size = (uint32_t)s->size,
                            .depth = s->depth};
}

/* The tables so far, and one more product. */
static void add_product(tables *t, const prnn_product *product, prnn_gpu_product_place *place) {
    const prnn_matrix *matrix = &product->matrix;
    size_t segments = segments_of(matrix), first_segment = t->segment_count;
    place->first_tap = (uint32_t)t->tap_count;
    place->first_tile = (uint32_t)t->tile_count;
    for (int i = 0; i < product->taps; i++) {
        t->taps[t->tap_count++] = tap_of(t->state, &product->tap[i]);
    }
    for (size_t i = 0; i < segments; i++) {
        const prnn_segment *from = &matrix->segments[i];
        t->segments[t->segment_count++] = (prnn_gpu_segment){from->tap, from->first, from->count};
    }
    for (int set = 0; set < SETS; set++) {
        place->first_strip[set] = (uint32_t)t->strip_count;
        for (int i = 0; i < product->strips[set].count; i++) {
            t->strips[t->strip_count++] =
                strip_of(&matrix->strips[product->strips[set].list[i]], first_segment);
        }
    }
    for (int s = 0; s < matrix->strip_count; s++) {
        for (size_t i = 0; i < tiles_of(&matrix->strips[s]); i++) {
            t->tiles[t->tile_count++] = (prnn_gpu_tile){(uint32_t)s, (uint32_t)(i * TILE_FEATURES)};
        }
    }
    place->tiles = (uint32_t)t->tile_count - place->first_tile;
}

prnn_status prnn_gpu_tables_open(prnn_context *ctx, prnn_gpu_pass *own, prnn_product_list products) {
    static const char what[] = "the tables of a network";
    tables t = {.state = own->state};
    prnn_status status;
    count(&t, products);
    t.strips = prnn_alloc(ctx, t.strip_count, sizeof *t.strips, what);
    t.segments = prnn_alloc(ctx, t.segment_count, sizeof *t.segments, what);
    t.taps = prnn_alloc(ctx, t.tap_count, sizeof *t.taps, what);
    t.tiles = prnn_alloc(ctx, t.tile_count, sizeof *t.tiles, what);
    own->products = prnn_alloc(ctx, (size_t)products.count, sizeof *own->products, what);
    TRY(t.strips && t.segments && t.taps && t.tiles && own->products ? PRNN_OK : PRNN_ERROR_MEMORY);
    t.strip_count = t.segment_count = t.tap_count = t.tile_count = 0;
    for (int i = 0; i < products.count; i++) {
        add_product(&t, products.list[i], &own->products[i]);
    }
    TRY(prnn_gpu_put_table(own->state, t.strips, t.strip_count * sizeof *t.strips, &own->strips));
    TRY(prnn_gpu_put_table(own->state, t.segments, t.segment_count * sizeof *t.segments, &own->segments));
    TRY(prnn_gpu_put_table(own->state, t.taps, t.tap_count * sizeof *t.taps, &own->taps));
    TRY(prnn_gpu_put_table(own->state, t.tiles, t.tile_count * sizeof *t.tiles, &own->tiles));
done:
    prnn_free(t.strips);
    prnn_free(t.segments);
    prnn_free(t.taps);
    prnn_free(t.tiles);
    return status;
}

void prnn_gpu_tables_close(prnn_gpu_pass *own) {
    prnn_gpu_block *const blocks[] = {own->strips, own->segments, own->taps, own->tiles};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        own->state->gpu->driver->release(own->state->gpu, blocks[i]);
    }
    prnn_free(own->products);
}

/* ------------------------------------------------------------------------------------ products */

prnn_gpu_place prnn_gpu_place_back(const prnn_pass *pass, const prnn_map *map, prnn_region r, int back) {
    static const prnn_gpu_place nowhere = {.at = PRNN_GPU_NONE};
    prnn_gpu_place p = map ? prnn_gpu_place_of(pass, map, r.row, r.first) : nowhere;
    p.pitch -= (uint32_t)(back * pass->images) * p.stride;
    return p;
}

static const prnn_gpu_product_place *tables_of(const prnn_pass *pass, const prnn_product *product) {
    return &prnn_gpu_pass_of(pass)->products[product->number];
}

static prnn_gpu_memory *packed_of(const prnn_pass *pass, const prnn_product *product) {
    return prnn_gpu_memory_of(product->transposed ? pass->backward : pass->forward);
}

/* What tensor cores read of a product; NULL: they do not compute it. */
static const prnn_gpu_widened *widened_of(const prnn_pass *pass, const prnn_product *product) {
    bool wide = prnn_gpu_is_wide(prnn_gpu_pass_of(pass)->state, product);
    return wide ? packed_of(pass, product)->widened : NULL;
}

prnn_gpu_factors prnn_gpu_factors_of(const prnn_pass *pass, const prnn_product *product, prnn_region r,
                                     int back) {
    const prnn_gpu_product_place *at = tables_of(pass, product);
    const prnn_gpu_widened *wide = widened_of(pass, product);
    const uint32_t *first_strip = wide ? wide->products[product->number].first_strip : at->first_strip;
    uint32_t run = (uint32_t)(r.count * pass->images);
    return (prnn_gpu_factors){.rows = (uint32_t)r.rows * run,
                              .run = run,
                              .first_strip = first_strip[r.group + 1],
                              .first_tap = at->first_tap,
                              .images = (uint32_t)pass->images,
                              .row = (uint32_t)r.row,
                              .col = (uint32_t)r.first,
                              .back = (uint32_t)back};
}

int prnn_gpu_rows_at_once(const prnn_product *product, const prnn_map *map, prnn_region region) {
    int rows = prnn_gpu_rows(map, region.row, region.rows);
    for (int t = 0; t < product->taps; t++) {
        rows = prnn_gpu_rows(product->tap[t].map, region.row + product->tap[t].row, rows);
    }
    return rows;
}

/* The largest tiles that keep the device busy, else the smallest. */
static void run_wide(const prnn_gpu_pass *own, const prnn_gpu_widened *wide, size_t strips, size_t rows,
                     prnn_gpu_kernel_number largest, prnn_gpu_argument arguments) {
    size_t units = (size_t)own->state->gpu->info.units, tile = 128;
    unsigned smaller = 0;
    for (; smaller < 2 && strips * prnn_gpu_groups(rows, tile) < units; smaller++) {
        tile /= 2;
    }
    PRNN_GPU_RUN(own->state, largest + smaller, strips, prnn_gpu_groups(rows, tile), arguments,
                 PRNN_GPU_BLOCK(wide->strips), PRNN_GPU_BLOCK(wide->units), PRNN_GPU_BLOCK(own->taps),
                 PRNN_GPU_BLOCK(wide->weights), PRNN_GPU_BLOCK(wide->biases), PRNN_GPU_BLOCK(own->memory));
}

void prnn_gpu_launch_product(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                             prnn_gpu_product_kernels kernels, prnn_gpu_argument arguments) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_gpu_widened *wide = widened_of(pass, product);
    size_t rows = (size_t)region.rows * (size_t)region.count * (size_t)pass->images;
    if (wide) {
        size_t strips = wide->products[product->number].strips[region.group + 1];
        run_wide(own, wide, strips, rows, kernels.tensor, arguments);
        return;
    }
    size_t strips = (size_t)product->strips[region.group + 1].count;
    bool small = strips * prnn_gpu_groups(rows, 128) < (size_t)own->state->gpu->info.units;
    PRNN_GPU_RUN(own->state, small ? kernels.fp32 + 1 : kernels.fp32, strips,
                 prnn_gpu_groups(rows, small ? 32 : 128), arguments, PRNN_GPU_BLOCK(own->strips),
                 PRNN_GPU_BLOCK(own->segments), PRNN_GPU_BLOCK(own->taps),
                 PRNN_GPU_BLOCK(packed_of(pass, product)->block), PRNN_GPU_BLOCK(own->memory));
}

void prnn_gpu_product_once(const prnn_pass *pass, const prnn_product *product, prnn_region region, int back,
                           const prnn_map *out, const prnn_map *add, bool relu) {
    static const prnn_gpu_product_kernels kernels = {PRNN_GPU_product_8, PRNN_GPU_product_tall4};
    prnn_gpu_product l = {.f = prnn_gpu_factors_of(pass, product, region, back),
                          .out = prnn_gpu_place_back(pass, out, region, back),
                          .add = prnn_gpu_place_back(pass, add, region, back),
                          .relu = relu};
    prnn_gpu_launch_product(pass, product, region, kernels, (prnn_gpu_argument)PRNN_GPU_VALUE(l));
}

/* Rows of a region of so many positions as one launch may have: 65535 groups of CUDA's, of 128 each. */
static int rows_of_launch(const prnn_pass *pass, prnn_region region) {
    int row = region.count * pass->images, most = row ? 65535 * 128 / row : 0;
    return region.rows < most || most == 0 ? region.rows : most;
}

void prnn_gpu_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                          const prnn_map *out, const prnn_map *add, bool relu) {
    int end = region.row + region.rows;
    for (; region.row < end; region.row += region.rows) {
        region.rows = end - region.row;
        region.rows = rows_of_launch(pass, region);
        region.rows = prnn_gpu_rows_at_once(product, out, region);
        region.rows = add ? prnn_gpu_rows(add, region.row, region.rows) : region.rows;
        prnn_gpu_product_once(pass, product, region, 0, out, add, relu);
    }
}

/* ------------------------------------------------------------------------------------ gradient */

/* Between rows. Without them the CPU sums all rows of a region that lie behind each other as one. */
static bool has_margins(const prnn_product *product, const prnn_map *dout) {
    bool margins = dout->left + dout->right > 0;
    for (int t = 0; t < product->taps; t++) {
        margins = margins || product->tap[t].map->left + product->tap[t].map->right > 0;
    }
    return margins;
}

/* Each lane's gradient is here that of a slice of the positions, of any images. */
static void run_wide_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                              const prnn_map *dout) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_gpu_widened *wide = widened_of(pass, product);
    const prnn_gpu_wide_product *at = &wide->products[product->number];
    uint32_t run = (uint32_t)(region.count * pass->images), rows = (uint32_t)region.rows * run;
    size_t slices = prnn_gpu_lane_count(pass);
    prnn_gpu_wide_gradient l = {.dout = prnn_gpu_place_of(pass, dout, region.row, region.first),
                                .slice_size = pass->forward.count,
                                .rows = rows,
                                .run = run,
                                .per = (uint32_t)prnn_gpu_groups(rows, slices),
                                .first_tile = at->first_tile,
                                .first_strip = at->first_strip[0],
                                .first_tap = tables_of(pass, product)->first_tap,
                                .biased = product->matrix.biased,
                                .images = (uint32_t)pass->images,
                                .row = (uint32_t)region.row,
                                .col = (uint32_t)region.first};
    PRNN_GPU_RUN(own->state, PRNN_GPU_tensor_gradient, at->tiles, slices, PRNN_GPU_VALUE(l),
                 PRNN_GPU_BLOCK(wide->tiles), PRNN_GPU_BLOCK(wide->strips), PRNN_GPU_BLOCK(wide->units),
                 PRNN_GPU_BLOCK(own->taps), PRNN_GPU_BLOCK(wide->weight_places),
                 PRNN_GPU_BLOCK(wide->bias_places), PRNN_GPU_BLOCK(own->memory),
                 PRNN_GPU_BLOCK(prnn_gpu_memory_of(pass->gradient)->block));
}

static void run_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                         const prnn_map *dout, bool dense) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_gpu_product_place *at = tables_of(pass, product);
    prnn_gpu_block *gradient = prnn_gpu_memory_of(pass->gradient)->block;
    prnn_gpu_product_gradient l = {.lanes = prnn_gpu_lanes_of(pass, region, dense),
                                   .dout = prnn_gpu_place_of(pass, dout, region.row, region.first),
                                   .lane_size = pass->forward.count,
                                   .first_tile = at->first_tile,
                                   .first_strip = at->first_strip[0],
                                   .first_tap = at->first_tap,
                                   .biased = product->matrix.biased,
                                   .row = (uint32_t)region.row,
                                   .col = (uint32_t)region.first};
    l.dout.pitch = l.dout.stride * (uint32_t)pass->images;
    PRNN_GPU_RUN(own->state, PRNN_GPU_product_gradient, at->tiles, prnn_gpu_lane_count(pass),
                 PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(own->tiles), PRNN_GPU_BLOCK(own->strips),
                 PRNN_GPU_BLOCK(own->segments), PRNN_GPU_BLOCK(own->taps), PRNN_GPU_BLOCK(own->memory),
                 PRNN_GPU_BLOCK(gradient));
}

/* Networks for training keep all their rows here, which lie behind each other, but for a row below the last
 * one, which the upsampler reads; its sums are not in blocks. */
void prnn_gpu_gradient_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout) {
    int end = region.row + region.rows;
    bool dense = !has_margins(product, dout);
    for (; region.row < end; region.row += region.rows) {
        region.rows = end - region.row;
        region.rows = prnn_gpu_rows_at_once(product, dout, region);
        if (widened_of(pass, product)) {
            run_wide_gradient(pass, product, region, dout);
        } else {
            run_gradient(pass, product, region, dout, dense);
        }
    }
}

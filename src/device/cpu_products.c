/* Products and LSTM cells on the CPU: a row of a region, or rows that lie behind each other, go through a
 * kernel as one. */

#include "device/cpu.h"

#include <string.h>

/* What a kernel needs to know of a product on a region; `sources` are its taps. */
static prnn_factors factors_of(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                               prnn_source *sources) {
    for (int t = 0; t < product->taps; t++) {
        const prnn_product_tap *tap = &product->tap[t];
        sources[t].at = prnn_map_at(pass, tap->map, region.row + tap->row, region.first + tap->col);
        sources[t].stride = (size_t)tap->map->stride;
    }
    return (prnn_factors){.matrix = &product->matrix,
                          .packed = prnn_cpu_floats(product->transposed ? pass->backward : pass->forward),
                          .taps = sources,
                          .rows = (size_t)region.rows * (size_t)region.count * (size_t)pass->images,
                          .strips = product->strips[region.group + 1],
                          .scratch = prnn_cpu_of(pass)->scratch};
}

/* Where the first position of a region is in a map, or NULL without one. */
static float *place(const prnn_pass *pass, const prnn_map *map, prnn_region region) {
    return map ? prnn_map_at(pass, map, region.row, region.first) : NULL;
}

/* Whether rows of a map lie behind each other, without margins between them. */
static bool is_dense(const prnn_map *map, int row, int rows) {
    return !map || (map->left + map->right == 0 && (row + map->top) % map->rows + rows <= map->rows);
}

/* How many rows of a region the kernels may take as one: all, or one at a time. */
static int rows_at_once(const prnn_product *product, prnn_region region, const prnn_map *out,
                        const prnn_map *add) {
    bool dense = is_dense(out, region.row, region.rows) && is_dense(add, region.row, region.rows);
    for (int t = 0; t < product->taps && dense; t++) {
        dense = is_dense(product->tap[t].map, region.row + product->tap[t].row, region.rows);
    }
    return dense ? region.rows : 1;
}

void prnn_cpu_product(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                      const prnn_map *out, const prnn_map *add, bool relu) {
    prnn_source sources[PRNN_MOST_TAPS];
    int end = region.row + region.rows;
    region.rows = region.rows > 1 ? rows_at_once(product, region, out, add) : 1;
    for (; region.row < end; region.row += region.rows) {
        prnn_factors factors = factors_of(pass, product, region, sources);
        prnn_target target = {.out = place(pass, out, region),
                              .stride = (size_t)out->stride,
                              .add = place(pass, add, region),
                              .add_stride = add ? (size_t)add->stride : 0,
                              .relu = relu};
        prnn_cpu_of(pass)->kernels->product(&factors, &target);
    }
}

static void block_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout) {
    prnn_source sources[PRNN_MOST_TAPS];
    int end = region.row + region.rows;
    region.rows = region.rows > 1 ? rows_at_once(product, region, dout, NULL) : 1;
    for (; region.row < end; region.row += region.rows) {
        prnn_factors factors = factors_of(pass, product, region, sources);
        prnn_cpu_of(pass)->kernels->product_gradient(&factors, place(pass, dout, region),
                                                     (size_t)dout->stride, prnn_cpu_floats(pass->gradient));
    }
}

void prnn_cpu_product_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                               const prnn_map *dout) {
    prnn_region block;
    for (int end = region.row + region.rows; end > region.row; end = block.row) {
        block = prnn_cpu_sum_block(pass, region, end);
        block_gradient(pass, product, block, dout);
    }
}

/* ------------------------------------------------------------------------------------ LSTM cells */

/* Distance from a cell to the one before it. */
static int rows_before(const prnn_lstm *lstm) {
    return lstm->order == PRNN_DOWNWARDS ? -1 : 0;
}

static int cols_before(const prnn_lstm *lstm) {
    return lstm->order == PRNN_DOWNWARDS ? 0 : lstm->order == PRNN_RIGHTWARDS ? -1 : 1;
}

static const float *cell_before(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region) {
    return prnn_map_at(pass, lstm->cell, region.row + rows_before(lstm), region.first + cols_before(lstm));
}

/* Steps that a stretch of a row takes, and the pixels of step n. */
static int steps_of(const prnn_lstm *lstm, prnn_region region) {
    return lstm->order == PRNN_DOWNWARDS ? 1 : region.count;
}

static prnn_region step_at(const prnn_lstm *lstm, prnn_region r, int n) {
    if (lstm->order == PRNN_DOWNWARDS) {
        return r;
    }
    int col = lstm->order == PRNN_RIGHTWARDS ? r.first + n : r.first + r.count - 1 - n;
    return (prnn_region){r.row, 1, col, 1, r.group};
}

static void run_step(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region) {
    prnn_source sources[PRNN_MOST_TAPS];
    prnn_factors factors = factors_of(pass, lstm->step_of, region, sources);
    prnn_cells cells = {.hidden = (size_t)lstm->cell->stride,
                        .add = lstm->part_of ? place(pass, lstm->part, region) : NULL,
                        .cell_before = cell_before(pass, lstm, region),
                        .gates = place(pass, lstm->gates, region),
                        .cell = place(pass, lstm->cell, region),
                        .state = place(pass, lstm->state, region)};
    prnn_cpu_of(pass)->kernels->product_lstm(&factors, &cells);
}

void prnn_cpu_lstm(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region) {
    for (int row = region.row; row < region.row + region.rows; row++) {
        prnn_region stretch = prnn_region_row(region, row);
        if (lstm->part_of) {
            prnn_cpu_product(pass, lstm->part_of, stretch, lstm->part, NULL, false);
        }
        for (int n = 0; n < steps_of(lstm, stretch); n++) {
            run_step(pass, lstm, step_at(lstm, stretch, n));
        }
    }
}

/* `dpart`: a part of the gradient by the states; NULL: none. */
static void gradient_step(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region,
                          const prnn_map *dpart, float *dcell) {
    prnn_source sources[PRNN_MOST_TAPS];
    prnn_factors factors = factors_of(pass, lstm->dstep_of, region, sources);
    prnn_cell_gradients cells = {.hidden = (size_t)lstm->cell->stride,
                                 .ahead = 2 * cols_before(lstm) * pass->images,
                                 .add = place(pass, dpart, region),
                                 .gates = place(pass, lstm->gates, region),
                                 .cell_before = cell_before(pass, lstm, region),
                                 .cell = place(pass, lstm->cell, region),
                                 .dcell = dcell,
                                 .dgates = place(pass, lstm->dgates, region)};
    prnn_cpu_of(pass)->kernels->product_lstm_gradient(&factors, &cells);
}

void prnn_cpu_lstm_gradient(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                            const prnn_map *add) {
    for (int row = rows.row + rows.rows - 1; row >= rows.row; row--) {
        prnn_region whole = prnn_region_row(rows, row);
        const prnn_map *dpart = add;
        if (lstm->dpart_of) {
            dpart = lstm->dpart;
            prnn_cpu_product(pass, lstm->dpart_of, whole, dpart, NULL, false);
        }
        if (lstm->dpart_of && add) {
            prnn_cpu_add(pass, whole, add, dpart, dpart);
        }
        float *dcell = prnn_map_at(pass, lstm->dcell, row, 0);
        if (lstm->order != PRNN_DOWNWARDS) {
            memset(dcell, 0, prnn_map_floats(pass, lstm->dcell, 1) * sizeof *dcell);
        }
        for (int n = steps_of(lstm, whole) - 1; n >= 0; n--) {
            gradient_step(pass, lstm, step_at(lstm, whole, n), dpart, dcell);
        }
    }
}

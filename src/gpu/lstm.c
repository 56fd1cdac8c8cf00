/* LSTM cells on a GPU: a launch for each step, a row or an anti-diagonal, which is recorded where it comes
 * again. */

#include "gpu/products.h"

static const prnn_gpu_product_kernels cells = {PRNN_GPU_product_lstm_8, PRNN_GPU_product_lstm_tall4},
                                      cell_gradients = {PRNN_GPU_product_lstm_gradient_8,
                                                        PRNN_GPU_product_lstm_gradient_tall4};

static int rows_before(const prnn_lstm *lstm) {
    return lstm->order == PRNN_DOWNWARDS ? -1 : 0;
}

static int cols_before(const prnn_lstm *lstm) {
    return lstm->order == PRNN_DOWNWARDS ? 0 : lstm->order == PRNN_RIGHTWARDS ? -1 : 1;
}

/* Steps of a stretch of cells: what one launch does. Downwards that is a row. Else it is an anti-diagonal of
 * the region, whose cells need only cells of the one before: cells row + i of step n are in the column that
 * a walk along that row reaches at n - i. So a region of one row is a walk along it. */
static int steps_of(const prnn_lstm *lstm, prnn_region r) {
    return lstm->order == PRNN_DOWNWARDS ? r.rows : r.rows == 0 ? 0 : r.rows + r.count - 1;
}

static prnn_region step_at(const prnn_lstm *lstm, prnn_region r, int n) {
    if (lstm->order == PRNN_DOWNWARDS) {
        return prnn_region_row(r, r.row + n);
    }
    int above = n < r.count ? 0 : n - r.count + 1, below = n < r.rows ? n : r.rows - 1, along = n - above;
    int col = lstm->order == PRNN_RIGHTWARDS ? r.first + along : r.first + r.count - 1 - along;
    return (prnn_region){r.row + above, below - above + 1, col, 1, r.group};
}

/* Columns from a cell of a step to the one of the row below. */
static int back_of(const prnn_lstm *lstm) {
    return -cols_before(lstm);
}

static prnn_gpu_place place_before(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region r) {
    prnn_region before = {r.row + rows_before(lstm), r.rows, r.first + cols_before(lstm), r.count, -1};
    return prnn_gpu_place_back(pass, lstm->cell, before, back_of(lstm));
}

static void run_step(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region r) {
    int back = back_of(lstm);
    if (lstm->part_of) {
        prnn_gpu_product_once(pass, lstm->part_of, r, back, lstm->part, NULL, false);
    }
    prnn_gpu_lstm l = {.f = prnn_gpu_factors_of(pass, lstm->step_of, r, back),
                       .add = prnn_gpu_place_back(pass, lstm->part_of ? lstm->part : NULL, r, back),
                       .before = place_before(pass, lstm, r),
                       .cell = prnn_gpu_place_back(pass, lstm->cell, r, back),
                       .state = prnn_gpu_place_back(pass, lstm->state, r, back),
                       .gates = prnn_gpu_place_back(pass, lstm->gates, r, back),
                       .hidden = (uint32_t)lstm->cell->stride};
    prnn_gpu_launch_product(pass, lstm->step_of, r, cells, (prnn_gpu_argument)PRNN_GPU_VALUE(l));
}

/* Rows of a region, from its first on, that lie behind each other in all maps of a forward step. */
static int rows_of_steps(const prnn_lstm *lstm, prnn_region r) {
    const prnn_map *const maps[] = {lstm->part_of ? lstm->part : NULL, lstm->gates, lstm->cell};
    int rows = prnn_gpu_rows_at_once(lstm->step_of, lstm->state, r);
    if (lstm->part_of) {
        r.rows = rows;
        rows = prnn_gpu_rows_at_once(lstm->part_of, lstm->part, r);
    }
    for (int i = 0; i < 3; i++) {
        rows = maps[i] ? prnn_gpu_rows(maps[i], r.row, rows) : rows;
    }
    return rows;
}

static void gradient_step(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region r, const prnn_map *add) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    int back = back_of(lstm);
    prnn_gpu_product_once(pass, lstm->dpart_of, r, back, lstm->dpart, NULL, false);
    if (add) {
        uint32_t run = (uint32_t)(r.count * pass->images), width = (uint32_t)lstm->dpart->stride;
        prnn_gpu_elementwise l = {.a = prnn_gpu_place_back(pass, add, r, back),
                                  .b = prnn_gpu_place_back(pass, lstm->dpart, r, back),
                                  .out = prnn_gpu_place_back(pass, lstm->dpart, r, back),
                                  .rows = (uint32_t)r.rows * run,
                                  .run = run,
                                  .width = width};
        PRNN_GPU_RUN(own->state, PRNN_GPU_add, prnn_gpu_groups((size_t)l.rows * (width / 4), 256), 1,
                     PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(own->memory));
    }
    /* Along a row `dcell` has one pixel, which all its steps share. */
    prnn_gpu_lstm_gradient l = {.f = prnn_gpu_factors_of(pass, lstm->dstep_of, r, back),
                                .add = prnn_gpu_place_back(pass, lstm->dpart, r, back),
                                .gates = prnn_gpu_place_back(pass, lstm->gates, r, back),
                                .before = place_before(pass, lstm, r),
                                .cell = prnn_gpu_place_back(pass, lstm->cell, r, back),
                                .dcell = prnn_gpu_place_of(pass, lstm->dcell, r.row, 0),
                                .dgates = prnn_gpu_place_back(pass, lstm->dgates, r, back),
                                .hidden = (uint32_t)lstm->cell->stride};
    prnn_gpu_launch_product(pass, lstm->dstep_of, r, cell_gradients, (prnn_gpu_argument)PRNN_GPU_VALUE(l));
}

/* --------------------------------------------------------------------------------------- walks */

/* Fewer steps are not worth a record. */
enum { LEAST_STEPS = 4 };

static void take_steps(const prnn_pass *pass, const prnn_gpu_walk *w) {
    int steps = steps_of(w->lstm, w->region);
    for (int n = 0; n < steps; n++) {
        if (w->backward) {
            gradient_step(pass, w->lstm, step_at(w->lstm, w->region, steps - 1 - n), w->add);
        } else {
            run_step(pass, w->lstm, step_at(w->lstm, w->region, n));
        }
    }
}

static bool same(const prnn_gpu_walk *a, const prnn_gpu_walk *b) {
    const prnn_region *r = &a->region, *s = &b->region;
    return a->lstm == b->lstm && a->add == b->add && a->backward == b->backward && a->images == b->images &&
           r->row == s->row && r->rows == s->rows && r->first == s->first && r->count == s->count &&
           r->group == s->group;
}

/* A walk that was taken before; NULL: it was not. */
static prnn_gpu_walk *find(prnn_gpu_pass *own, const prnn_gpu_walk *w) {
    for (int i = 0; i < own->walk_count; i++) {
        if (same(&own->walks[i], w)) {
            return &own->walks[i];
        }
    }
    return NULL;
}

/* Without room for a record nothing is lost but time. */
static void record(const prnn_pass *pass, prnn_gpu_state *s, prnn_gpu_walk *w) {
    const prnn_gpu_driver *driver = s->gpu->driver;
    prnn_status status = driver->record(s->ctx, s->gpu);
    if (status == PRNN_OK) {
        take_steps(pass, w);
        status = driver->recorded(s->ctx, s->gpu, &w->tape);
    }
    w->unrecorded = status == PRNN_ERROR_MEMORY;
    if (!w->unrecorded) {
        prnn_gpu_note(s, status);
    }
}

/* Launches one by one at first; what comes again is recorded, since a recorded launch costs a quarter. */
static void walk(const prnn_pass *pass, prnn_gpu_walk now) {
    prnn_gpu_pass *own = pass->own;
    prnn_gpu_state *s = own->state;
    now.images = pass->images;
    prnn_gpu_walk *before = find(own, &now);
    if (s->status != PRNN_OK) {
        return;
    }
    if (!before) {
        take_steps(pass, &now);
        if (steps_of(now.lstm, now.region) >= LEAST_STEPS && own->walk_count < PRNN_GPU_MOST_WALKS) {
            own->walks[own->walk_count++] = now;
        }
        return;
    }
    if (!before->tape && !before->unrecorded) {
        record(pass, s, before);
    }
    prnn_status status = PRNN_OK;
    if (before->tape && s->status == PRNN_OK) {
        status = s->gpu->driver->replay(s->ctx, s->gpu, before->tape);
    }
    if (status == PRNN_ERROR_MEMORY) { /* the device takes the walk when it is replayed for the first time */
        s->gpu->driver->erase(s->gpu, before->tape);
        before->tape = NULL;
        before->unrecorded = true;
    } else {
        prnn_gpu_note(s, status);
    }
    if (!before->tape) {
        take_steps(pass, before);
    }
}

void prnn_gpu_walks_close(prnn_gpu_pass *own) {
    for (int i = 0; i < own->walk_count; i++) {
        own->state->gpu->driver->erase(own->state->gpu, own->walks[i].tape);
    }
    own->walk_count = 0;
}

void prnn_gpu_lstm_run(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region region) {
    int end = region.row + region.rows;
    for (; region.row < end; region.row += region.rows) {
        region.rows = end - region.row;
        region.rows = rows_of_steps(lstm, region);
        walk(pass, (prnn_gpu_walk){.lstm = lstm, .region = region});
    }
}

/* Networks for training keep all their rows here, so those of a region lie behind each other. */
void prnn_gpu_lstm_gradient_run(const prnn_pass *pass, const prnn_lstm *lstm, prnn_region rows,
                                const prnn_map *add) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    if (lstm->order != PRNN_DOWNWARDS && rows.rows > 0) {
        prnn_gpu_place dcell = prnn_gpu_place_of(pass, lstm->dcell, rows.row, 0);
        prnn_gpu_clear(own->state, own->memory, dcell.at, (size_t)(rows.rows * pass->images) * dcell.stride);
    }
    walk(pass, (prnn_gpu_walk){.lstm = lstm, .add = add, .backward = true, .region = rows});
}

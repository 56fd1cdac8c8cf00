/* Diagonal BiLSTM (paper section 3.2, docs/equations.md): two scans, each from one upper corner to the
 * opposite lower one, so that together they see everything above and to the left. No map is skewed: a cell
 * needs only the states above and beside it, so a row is one product for what lies above, then a walk along
 * the row.
 *
 * The right scan runs one row late: its state of row r - 1 serves row r (it is shifted down by one), and its
 * row r - 1 is computed when row r begins, when everything that it sees is final. */

#include "layers/layer.h"

typedef struct scan {
    size_t initial_hidden, initial_cell;
    prnn_lstm cells;
} scan;

typedef struct diagonal_bilstm {
    prnn_layer_io io;
    scan left, right;
    prnn_map right_above; /* states of the right scan: row r is row r - 1 of them */
    prnn_map *sum;        /* of both states */
    prnn_product *out_of;
    prnn_map *dsum;
    prnn_map dsum_below; /* row r is row r + 1 of it */
    prnn_product *dsum_of, *din_of, *dcondition_of;
} diagonal_bilstm;

/* What a scan sees of the map of the layer, each with weights of its own. */
typedef struct scan_inputs {
    prnn_conv input_to_state, condition;
} scan_inputs;

/* The right scan is a row ahead when the layer's input gets its gradient, and each scan reads the row below,
 * so a row more is kept. Beside the rows there is no gradient, which a walk begins with. */
static void plan_scan_backward(prnn_plan *p, prnn_lstm *cells, const prnn_conv *state_to_state,
                               const prnn_conv *beside) {
    int state = beside->in.stride, gates = prnn_features_width(beside->out);
    cells->dgates = prnn_plan_map(p, gates, PRNN_KEEP_WINDOW, 1, 1, 1);
    cells->dpart = prnn_plan_exact(prnn_plan_map(p, state, PRNN_KEEP_WINDOW, 1, 1, 1));
    cells->dcell = prnn_plan_exact(prnn_plan_column_map(p, state));
    prnn_conv above = prnn_conv_one_tap(state_to_state, 0, -1, 0);
    cells->dpart_of = prnn_plan_transposed(p, 1, &(prnn_term){&above, cells->dgates});
    cells->dstep_of = prnn_plan_transposed(p, 1, &(prnn_term){beside, cells->dgates});
}

static scan_inputs plan_scan(prnn_plan *p, scan *s, prnn_order order, const char *name, prnn_layer_io io) {
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), gates = prnn_plan_features(p, PRNN_GATES, h);
    prnn_features state = prnn_plan_features(p, 1, h);
    prnn_lstm *cells = &s->cells;
    char path[64];
    cells->order = order;
    scan_inputs inputs = {.input_to_state =
                              prnn_conv_plan(p, prnn_plan_path(path, name, "input_to_state"), PRNN_MASK_B,
                                             stream, gates, 1, 1, PRNN_BIAS_FORGET, 1)};
    prnn_conv state_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "state_to_state"), PRNN_MASK_NONE,
                                              state, gates, 2, 1, PRNN_BIAS_NONE, 1);
    prnn_conv above = prnn_conv_one_tap(&state_to_state, 0, -1, 0);
    prnn_conv beside = prnn_conv_one_tap(&state_to_state, 1, 0, order == PRNN_RIGHTWARDS ? -1 : 1);
    s->initial_hidden = prnn_plan_vector(p, name, "initial_hidden", state);
    s->initial_cell = prnn_plan_vector(p, name, "initial_cell", state);

    cells->part = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_FORWARD, 0, 0, 0);
    cells->gates = p->training ? cells->part : NULL;
    cells->cell = prnn_plan_exact(prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 0, 1, 1));
    cells->state = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 1, 1);
    prnn_term terms[3] = {{&inputs.input_to_state, io.in}, {&above, cells->state}};
    if (io.condition) {
        inputs.condition = prnn_layer_condition(p, name, io.condition, gates);
        terms[2] = (prnn_term){&inputs.condition, io.condition->result};
    }
    cells->part_of = prnn_plan_product(p, io.condition ? 3 : 2, terms);
    cells->step_of = prnn_plan_product(p, 1, &(prnn_term){&beside, cells->state});
    if (p->training) {
        plan_scan_backward(p, cells, &state_to_state, &beside);
    }
    return inputs;
}

static void *plan(prnn_plan *p, const char *name, prnn_layer_io io) {
    diagonal_bilstm *layer = prnn_plan_alloc(p, 1, sizeof *layer);
    if (!layer) {
        return NULL;
    }
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), state = prnn_plan_features(p, 1, h);
    char path[64];
    layer->io = io;
    scan_inputs left = plan_scan(p, &layer->left, PRNN_RIGHTWARDS, prnn_plan_path(path, name, "left"), io);
    scan_inputs right = plan_scan(p, &layer->right, PRNN_LEFTWARDS, prnn_plan_path(path, name, "right"), io);
    prnn_conv output = prnn_conv_plan(p, prnn_plan_path(path, name, "output"), PRNN_MASK_B, state, stream, 1,
                                      1, PRNN_BIAS_ZERO, prnn_residual_gain(io.residual, p->config.layers));
    layer->sum = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 0, 0, 0);
    layer->out_of = prnn_plan_product(p, 1, &(prnn_term){&output, layer->sum});
    if (p->training) {
        layer->dsum = prnn_plan_map(p, state.stride, PRNN_KEEP_WINDOW, 0, 0, 0);
        layer->dsum_of = prnn_plan_transposed(p, 1, &(prnn_term){&output, io.dout});
        prnn_term din_terms[] = {{&left.input_to_state, layer->left.cells.dgates},
                                 {&right.input_to_state, layer->right.cells.dgates}};
        layer->din_of = prnn_plan_transposed(p, 2, din_terms);
        prnn_term dcondition_terms[] = {{&left.condition, layer->left.cells.dgates},
                                        {&right.condition, layer->right.cells.dgates}};
        layer->dcondition_of = io.condition ? prnn_plan_transposed(p, 2, dcondition_terms) : NULL;
    }
    if (p->status != PRNN_OK) {
        return NULL;
    }
    layer->right_above = prnn_map_shifted(layer->right.cells.state, -1);
    layer->dsum_below = layer->dsum ? prnn_map_shifted(layer->dsum, 1) : (prnn_map){0};
    return layer;
}

/* ------------------------------------------------------------------------------------- forward */

/* Column of the margin that a scan comes from. */
static int outside_of(const scan *s) {
    return s->cells.order == PRNN_RIGHTWARDS ? -1 : s->cells.state->width;
}

static void begin_scan(const scan *s, const prnn_pass *pass) {
    const prnn_map *state = s->cells.state, *cell = s->cells.cell;
    int outside = outside_of(s);
    prnn_map_fill(pass, state, (prnn_region){-1, state->rows, outside, 1, -1}, s->initial_hidden);
    prnn_map_fill(pass, state, (prnn_region){-1, 1, 0, state->width, -1}, s->initial_hidden);
    prnn_map_fill(pass, cell, (prnn_region){0, cell->rows, outside, 1, -1}, s->initial_cell);
}

static void begin(const void *self, const prnn_pass *pass) {
    const diagonal_bilstm *layer = self;
    begin_scan(&layer->left, pass);
    begin_scan(&layer->right, pass);
}

/* The rows above those of a region, if there are. */
static prnn_region rows_above(prnn_region rows) {
    int first = rows.row > 0 ? rows.row - 1 : 0;
    return (prnn_region){first, rows.row + rows.rows - 1 - first, rows.first, rows.count, -1};
}

static void forward(const void *self, const prnn_pass *pass, prnn_region region) {
    const diagonal_bilstm *layer = self;
    const prnn_map *left = layer->left.cells.state;
    if (region.first == 0 && region.group <= 0) {
        prnn_region whole = {region.row, region.rows, 0, layer->sum->width, -1};
        prnn_lstm_run(pass, &layer->right.cells, rows_above(whole));
    }
    prnn_lstm_run(pass, &layer->left.cells, region);
    prnn_region rest = region;
    if (region.row == 0) { /* above the first row there is nothing */
        prnn_map_copy(pass, prnn_region_row(region, 0), left, layer->sum);
        rest.row++;
        rest.rows--;
    }
    prnn_map_add(pass, rest, left, &layer->right_above, layer->sum);
    prnn_layer_output(pass, &layer->io, layer->out_of, region);
}

/* ------------------------------------------------------------------------------------ backward */

static void begin_backward(const void *self, const prnn_pass *pass) {
    const diagonal_bilstm *layer = self;
    prnn_map_clear(pass, layer->left.cells.dgates);
    prnn_map_clear(pass, layer->right.cells.dgates);
}

/* From the gradient by the states of some rows (dsum: the part from the layer's output) to that by their
 * gates, and what follows: by the weights, and by the initial states, beside the rows and above the first. */
static void scan_backward(const scan *s, const prnn_pass *pass, prnn_region rows, const prnn_map *dsum) {
    const prnn_lstm *cells = &s->cells;
    prnn_region beside = {rows.row, rows.rows, outside_of(s), 1, -1};
    prnn_pass by_rows = *pass;
    by_rows.sum_rows = 1;
    prnn_lstm_gradient(pass, cells, rows, dsum);
    prnn_product_run(pass, cells->dstep_of, beside, cells->dpart, NULL, false);
    prnn_map_sum(&by_rows, cells->dpart, beside, s->initial_hidden);
    prnn_map_sum(&by_rows, cells->dcell, (prnn_region){rows.row, rows.rows, 0, 1, -1}, s->initial_cell);
    prnn_product_gradient(&by_rows, cells->part_of, rows, cells->dgates);
    prnn_product_gradient(&by_rows, cells->step_of, rows, cells->dgates);
    if (rows.row == 0 && rows.rows > 0) {
        prnn_region above = {-1, 1, 0, rows.count, -1};
        prnn_product_run(pass, cells->dpart_of, above, cells->dpart, NULL, false);
        prnn_map_sum(pass, cells->dpart, above, s->initial_hidden);
    }
}

static void backward(const void *self, const prnn_pass *pass, prnn_region rows) {
    const diagonal_bilstm *layer = self;
    const prnn_map *past = prnn_layer_output_gradient(pass, &layer->io, rows);
    prnn_product_gradient(pass, layer->out_of, rows, layer->io.dout);
    prnn_product_run(pass, layer->dsum_of, rows, layer->dsum, NULL, false);
    scan_backward(&layer->left, pass, rows, layer->dsum);
    scan_backward(&layer->right, pass, rows_above(rows), &layer->dsum_below);
    /* The right scan's part is of the same rows: of the last one it is there since the step before. */
    prnn_product_run(pass, layer->din_of, rows, layer->io.din, past, false);
    prnn_layer_condition_backward(pass, &layer->io, layer->dcondition_of, rows);
}

const prnn_layer_kind prnn_diagonal_bilstm = {
    .together = 4,
    .top = 1,
    .plan = plan,
    .begin = begin,
    .forward = forward,
    .begin_backward = begin_backward,
    .backward = backward,
};

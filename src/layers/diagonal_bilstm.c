/* Diagonal BiLSTM (paper section 3.2, SPEC "diagonal"): two scans, each from one upper corner to the opposite
 * lower one, so that together they see everything above and to the left. No map is skewed: a cell needs only
 * the states above and beside it, so a row is one product for what lies above, then a walk along the row.
 *
 * The right scan runs one row late: its state of row r - 1 serves row r (it is shifted down by one), and its
 * row r - 1 is computed when row r begins, when everything that it sees is final. */

#include "layers/layer.h"

#include <string.h>

typedef struct scan {
    int step; /* +1: from left to right, -1: from right to left */
    size_t initial_hidden, initial_cell;
    prnn_map *gates; /* in evaluation only the part from above */
    prnn_map *cell, *state;
    prnn_lstm lstm;
    prnn_product *row_of;    /* gates from the layer's input and the states above */
    prnn_product *beside_of; /* gates from the state beside */
    prnn_map *dgates, *dstate, *dabove, *dcell;
    prnn_product *dabove_of, *dbeside_of;
} scan;

typedef struct diagonal_bilstm {
    prnn_layer_io io;
    scan left, right;
    prnn_map *sum; /* of both states */
    prnn_product *out_of;
    prnn_map *dsum;
    prnn_product *dsum_of, *din_of, *dcondition_of;
} diagonal_bilstm;

/* What a scan sees of the map of the layer, each with weights of its own. */
typedef struct scan_inputs {
    prnn_conv input_to_state, condition;
} scan_inputs;

static scan_inputs plan_scan(prnn_plan *p, scan *s, int step, const char *name, prnn_layer_io io) {
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), gates = prnn_plan_features(p, 4, h);
    prnn_features state = prnn_plan_features(p, 1, h);
    char path[64];
    s->step = step;
    scan_inputs inputs = {.input_to_state =
                              prnn_conv_plan(p, prnn_plan_path(path, name, "input_to_state"), PRNN_MASK_B,
                                             stream, gates, 1, 1, PRNN_BIAS_FORGET, 1)};
    prnn_conv state_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "state_to_state"), PRNN_MASK_NONE,
                                              state, gates, 2, 1, PRNN_BIAS_NONE, 1);
    prnn_conv above = prnn_conv_one_tap(&state_to_state, 0, -1, 0);
    prnn_conv beside = prnn_conv_one_tap(&state_to_state, 1, 0, -step);
    s->initial_hidden = prnn_plan_vector(p, name, "initial_hidden", state);
    s->initial_cell = prnn_plan_vector(p, name, "initial_cell", state);

    s->gates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_FORWARD, 0, 0, 0);
    s->cell = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 0, 1, 1);
    s->state = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 1, 1);
    s->lstm = (prnn_lstm){.add = s->gates,
                          .gates = p->training ? s->gates : NULL,
                          .cell = s->cell,
                          .state = s->state,
                          .before_col = -step};
    prnn_term row_terms[3] = {{&inputs.input_to_state, io.in}, {&above, s->state}};
    if (io.condition) {
        inputs.condition = prnn_layer_condition(p, name, io.condition, gates);
        row_terms[2] = (prnn_term){&inputs.condition, io.condition->result};
    }
    s->row_of = prnn_plan_product(p, io.condition ? 3 : 2, row_terms);
    s->beside_of = prnn_plan_product(p, 1, &(prnn_term){&beside, s->state});
    if (p->training) {
        /* The right scan is a row ahead when the layer's input gets its gradient, so a row more is kept.
         * Beside the rows there is none, which a walk begins with. */
        s->dgates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_WINDOW, 1, 1, 1);
        s->dstate = prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 1, 1);
        s->dabove = prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0);
        s->dcell = prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0);
        prnn_conv own = prnn_conv_one_tap(&state_to_state, 0, 0, 0);
        s->dabove_of = prnn_plan_transposed(p, 1, &(prnn_term){&own, s->dgates});
        s->dbeside_of = prnn_plan_transposed(p, 1, &(prnn_term){&beside, s->dgates});
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
    scan_inputs left = plan_scan(p, &layer->left, 1, prnn_plan_path(path, name, "left"), io);
    scan_inputs right = plan_scan(p, &layer->right, -1, prnn_plan_path(path, name, "right"), io);
    prnn_conv output = prnn_conv_plan(p, prnn_plan_path(path, name, "output"), PRNN_MASK_B, state, stream, 1,
                                      1, PRNN_BIAS_ZERO, prnn_residual_gain(io.residual, p->config.layers));
    layer->sum = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 0, 0, 0);
    layer->out_of = prnn_plan_product(p, 1, &(prnn_term){&output, layer->sum});
    if (p->training) {
        layer->dsum = prnn_plan_map(p, state.stride, PRNN_KEEP_WINDOW, 0, 0, 0);
        layer->dsum_of = prnn_plan_transposed(p, 1, &(prnn_term){&output, io.dout});
        prnn_term din_terms[] = {{&left.input_to_state, layer->left.dgates},
                                 {&right.input_to_state, layer->right.dgates}};
        layer->din_of = prnn_plan_transposed(p, 2, din_terms);
        prnn_term dcondition_terms[] = {{&left.condition, layer->left.dgates},
                                        {&right.condition, layer->right.dgates}};
        layer->dcondition_of = io.condition ? prnn_plan_transposed(p, 2, dcondition_terms) : NULL;
    }
    return layer;
}

/* ------------------------------------------------------------------------------------- forward */

static void begin_scan(const scan *s, const prnn_pass *pass) {
    int width = s->state->width;
    const float *hidden = pass->forward + s->initial_hidden, *cell = pass->forward + s->initial_cell;
    int outside = s->step > 0 ? -1 : width;
    for (int row = -1; row < s->state->rows - 1; row++) {
        prnn_map_fill(pass, s->state, row, outside, 1, hidden);
    }
    prnn_map_fill(pass, s->state, -1, 0, width, hidden);
    for (int row = 0; row < s->cell->rows; row++) {
        prnn_map_fill(pass, s->cell, row, outside, 1, cell);
    }
}

static void begin(const void *self, const prnn_pass *pass) {
    const diagonal_bilstm *layer = self;
    begin_scan(&layer->left, pass);
    begin_scan(&layer->right, pass);
}

/* Step n of a scan's way along a region of one row. */
static prnn_region step_of(const scan *s, prnn_region r, int n) {
    return (prnn_region){r.row, 1, s->step > 0 ? r.first + n : r.first + r.count - 1 - n, 1, r.group};
}

static void scan_forward(const scan *s, const prnn_pass *pass, prnn_region region) {
    prnn_product_run(pass, s->row_of, region, s->gates, NULL, false);
    for (int n = 0; n < region.count; n++) {
        prnn_product_lstm(pass, s->beside_of, step_of(s, region, n), &s->lstm);
    }
}

/* The states of both scans that a stretch of a row needs, and their sum. */
static void forward_row(const diagonal_bilstm *layer, const prnn_pass *pass, prnn_region region) {
    int row = region.row, first = region.first;
    bool row_begins = first == 0 && region.group <= 0;
    if (row_begins && row > 0) {
        scan_forward(&layer->right, pass, (prnn_region){row - 1, 1, 0, layer->sum->width, -1});
    }
    scan_forward(&layer->left, pass, region);
    size_t floats = prnn_map_floats(pass, layer->sum, region.count);
    const float *left = prnn_map_at(pass, layer->left.state, row, first);
    float *sum = prnn_map_at(pass, layer->sum, row, first);
    if (row > 0) {
        pass->kernels->add(floats, left, prnn_map_at(pass, layer->right.state, row - 1, first), sum);
    } else {
        memcpy(sum, left, floats * sizeof *sum);
    }
}

static void forward(const void *self, const prnn_pass *pass, prnn_region region) {
    const diagonal_bilstm *layer = self;
    for (int row = region.row; row < region.row + region.rows; row++) {
        forward_row(layer, pass, prnn_region_row(region, row));
    }
    prnn_product_run(pass, layer->out_of, region, layer->io.out, layer->io.residual ? layer->io.in : NULL,
                     false);
}

/* ------------------------------------------------------------------------------------ backward */

static void begin_backward_scan(const scan *s, const prnn_pass *pass) {
    prnn_map_clear(pass, s->dgates);
    prnn_map_clear(pass, s->dabove);
}

static void begin_backward(const void *self, const prnn_pass *pass) {
    const diagonal_bilstm *layer = self;
    begin_backward_scan(&layer->left, pass);
    begin_backward_scan(&layer->right, pass);
}

/* From the gradient by the states of a row (dsum: the part from the layer's output) to that by its gates, and
 * what follows: by the initial state, by the weights, and by the states above. */
static void scan_backward(const scan *s, const prnn_pass *pass, prnn_region row, const float *dsum) {
    int outside = s->step > 0 ? -1 : row.count;
    pass->kernels->add(prnn_map_floats(pass, s->dstate, row.count), dsum,
                       prnn_map_at(pass, s->dabove, row.row, 0), prnn_map_at(pass, s->dstate, row.row, 0));
    /* One pixel of cell gradients walks along the row. */
    float *dcell = prnn_map_at(pass, s->dcell, 0, 0);
    memset(dcell, 0, prnn_map_floats(pass, s->dcell, 1) * sizeof *dcell);
    for (int n = row.count - 1; n >= 0; n--) {
        prnn_product_lstm_gradient(pass, s->dbeside_of, step_of(s, row, n), &s->lstm, s->dstate, dcell,
                                   s->dgates);
    }
    prnn_product_run(pass, s->dbeside_of, (prnn_region){row.row, 1, outside, 1, -1}, s->dstate, NULL, false);
    prnn_map_sum(pass, s->dstate, row.row, outside, 1, pass->gradient + s->initial_hidden);
    prnn_map_sum(pass, s->dcell, 0, 0, 1, pass->gradient + s->initial_cell);
    prnn_product_gradient(pass, s->row_of, row, s->dgates);
    prnn_product_gradient(pass, s->beside_of, row, s->dgates);
    prnn_product_run(pass, s->dabove_of, row, s->dabove, NULL, false);
    if (row.row == 0) {
        prnn_map_sum(pass, s->dabove, 0, 0, row.count, pass->gradient + s->initial_hidden);
    }
}

static void backward(const void *self, const prnn_pass *pass, prnn_region rows) {
    const diagonal_bilstm *layer = self;
    prnn_product_gradient(pass, layer->out_of, rows, layer->io.dout);
    prnn_product_run(pass, layer->dsum_of, rows, layer->dsum, NULL, false);
    for (int row = rows.row + rows.rows - 1; row >= rows.row; row--) {
        const float *dsum = prnn_map_at(pass, layer->dsum, row, 0);
        scan_backward(&layer->left, pass, prnn_region_row(rows, row), dsum);
        if (row > 0) {
            scan_backward(&layer->right, pass, prnn_region_row(rows, row - 1), dsum);
        }
    }
    /* The right scan's part is of the same rows: of the last one it is there since the step before. */
    prnn_product_run(pass, layer->din_of, rows, layer->io.din, layer->io.residual ? layer->io.dout : NULL,
                     false);
    if (layer->io.condition) {
        const prnn_map *dcondition = layer->io.condition->dresult;
        prnn_product_run(pass, layer->dcondition_of, rows, dcondition, dcondition, false);
    }
}

const prnn_layer_kind prnn_diagonal_bilstm = {
    .kind = PRNN_DIAGONAL,
    .together = 4,
    .top = 1,
    .plan = plan,
    .begin = begin,
    .forward = forward,
    .begin_backward = begin_backward,
    .backward = backward,
};

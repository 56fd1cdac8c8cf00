/* Row LSTM (paper section 3.1, SPEC "row"): a state per pixel, computed a row at a time from the three states
 * above it; its blind triangle widens upwards. */

#include "layers/layer.h"

typedef struct row_lstm {
    prnn_layer_io io;
    size_t initial_hidden, initial_cell; /* in the packed block */
    prnn_map *cell, *state;
    prnn_lstm lstm; /* its gates are kept for the way back only */
    prnn_product *gates_of, *out_of;
    /* The way back: gradients by the gates, the state (the part from the row below) and the cell. */
    prnn_map *dgates, *dabove, *dcell;
    prnn_product *dstate_of, *dabove_of, *din_of, *dcondition_of;
} row_lstm;

static void *plan(prnn_plan *p, const char *name, prnn_layer_io io) {
    row_lstm *layer = prnn_plan_alloc(p, 1, sizeof *layer);
    if (!layer) {
        return NULL;
    }
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), gates = prnn_plan_features(p, 4, h);
    prnn_features state = prnn_plan_features(p, 1, h);
    char path[64];
    layer->io = io;

    prnn_conv input_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "input_to_state"), PRNN_MASK_B,
                                              stream, gates, 1, 3, PRNN_BIAS_FORGET, 1);
    prnn_conv state_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "state_to_state"), PRNN_MASK_NONE,
                                              state, gates, 1, 3, PRNN_BIAS_NONE, 1);
    for (int t = 0; t < state_to_state.taps; t++) {
        state_to_state.tap[t].row = -1;
    }
    layer->initial_hidden = prnn_plan_vector(p, name, "initial_hidden", state);
    layer->initial_cell = prnn_plan_vector(p, name, "initial_cell", state);
    prnn_conv output = prnn_conv_plan(p, prnn_plan_path(path, name, "output"), PRNN_MASK_B, state, stream, 1,
                                      1, PRNN_BIAS_ZERO, prnn_residual_gain(io.residual, p->config.layers));

    layer->cell = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 0, 0);
    layer->state = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 1, 1);
    layer->lstm = (prnn_lstm){.cell = layer->cell, .state = layer->state, .before_row = -1};
    prnn_term gate_terms[3] = {{&input_to_state, io.in}, {&state_to_state, layer->state}};
    prnn_conv condition;
    if (io.condition) {
        condition = prnn_layer_condition(p, name, io.condition, gates);
        gate_terms[2] = (prnn_term){&condition, io.condition->result};
    }
    layer->gates_of = prnn_plan_product(p, io.condition ? 3 : 2, gate_terms);
    prnn_term out_terms[] = {{&output, layer->state}};
    layer->out_of = prnn_plan_product(p, 1, out_terms);
    if (p->training) {
        layer->lstm.gates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_FORWARD, 0, 0, 0);
        layer->dgates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_WINDOW, 0, 1, 1);
        layer->dabove = prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0);
        layer->dcell = prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0);
        layer->dstate_of = prnn_plan_transposed(p, 1, &(prnn_term){&output, io.dout});
        layer->din_of = prnn_plan_transposed(p, 1, &(prnn_term){&input_to_state, layer->dgates});
        if (io.condition) {
            layer->dcondition_of = prnn_plan_transposed(p, 1, &(prnn_term){&condition, layer->dgates});
        }
        /* Reads dgates of the row that it is run for, and gives the gradient by the states above it. */
        for (int t = 0; t < state_to_state.taps; t++) {
            state_to_state.tap[t].row = 0;
        }
        layer->dabove_of = prnn_plan_transposed(p, 1, &(prnn_term){&state_to_state, layer->dgates});
    }
    return layer;
}

static void begin(const void *self, const prnn_pass *pass) {
    const row_lstm *layer = self;
    prnn_map_clear_margins(pass, layer->state);
    prnn_map_fill(pass, layer->state, -1, 0, layer->state->width, pass->forward + layer->initial_hidden);
    prnn_map_fill(pass, layer->cell, -1, 0, layer->cell->width, pass->forward + layer->initial_cell);
}

static void forward(const void *self, const prnn_pass *pass, prnn_region region) {
    const row_lstm *layer = self;
    for (int row = region.row; row < region.row + region.rows; row++) {
        prnn_product_lstm(pass, layer->gates_of, prnn_region_row(region, row), &layer->lstm);
    }
    prnn_product_run(pass, layer->out_of, region, layer->io.out, layer->io.residual ? layer->io.in : NULL,
                     false);
}

static void begin_backward(const void *self, const prnn_pass *pass) {
    const row_lstm *layer = self;
    prnn_map_clear_margins(pass, layer->dgates);
    prnn_map_clear(pass, layer->dabove);
    prnn_map_clear(pass, layer->dcell);
}

static void backward(const void *self, const prnn_pass *pass, prnn_region rows) {
    const row_lstm *layer = self;
    prnn_product_gradient(pass, layer->out_of, rows, layer->io.dout);
    for (int row = rows.row + rows.rows - 1; row >= rows.row; row--) {
        prnn_region whole = prnn_region_row(rows, row);
        prnn_product_lstm_gradient(pass, layer->dstate_of, whole, &layer->lstm, layer->dabove,
                                   prnn_map_at(pass, layer->dcell, row, 0), layer->dgates);
        prnn_product_run(pass, layer->dabove_of, whole, layer->dabove, NULL, false);
    }
    prnn_product_gradient(pass, layer->gates_of, rows, layer->dgates);
    prnn_product_run(pass, layer->din_of, rows, layer->io.din, layer->io.residual ? layer->io.dout : NULL,
                     false);
    if (layer->io.condition) {
        const prnn_map *dcondition = layer->io.condition->dresult;
        prnn_product_run(pass, layer->dcondition_of, rows, dcondition, dcondition, false);
    }
    if (rows.row == 0) {
        prnn_map_sum(pass, layer->dabove, 0, 0, rows.count, pass->gradient + layer->initial_hidden);
        prnn_map_sum(pass, layer->dcell, 0, 0, rows.count, pass->gradient + layer->initial_cell);
    }
}

const prnn_layer_kind prnn_row_lstm = {
    .kind = PRNN_ROW,
    .together = 1,
    .left = 1,
    .plan = plan,
    .begin = begin,
    .forward = forward,
    .begin_backward = begin_backward,
    .backward = backward,
};

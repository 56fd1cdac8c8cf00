/* Row LSTM (paper section 3.1, docs/equations.md): a state per pixel, computed a row at a time from the three
 * states above it; its receptive field is a triangle that widens upwards. */

#include "layers/layer.h"

typedef struct row_lstm {
    prnn_layer_io io;
    size_t initial_hidden, initial_cell; /* in the packed block */
    prnn_lstm cells;
    prnn_product *out_of;
    prnn_product *din_of, *dcondition_of;
} row_lstm;

/* The gradient by the states of a row comes from the layer's output (dstep_of) and from the row
 * below (dpart_of). */
static void plan_backward(prnn_plan *p, row_lstm *layer, const prnn_conv *input_to_state,
                          const prnn_conv *above, const prnn_conv *output) {
    prnn_lstm *cells = &layer->cells;
    prnn_features gates = input_to_state->out, state = output->in;
    cells->gates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_FORWARD, 0, 0, 0);
    cells->dgates = prnn_plan_map(p, prnn_features_width(gates), PRNN_KEEP_WINDOW, 1, 1, 1);
    cells->dpart = prnn_plan_exact(prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0));
    cells->dcell = prnn_plan_exact(prnn_plan_map(p, state.stride, PRNN_KEEP_CARRY, 0, 0, 0));
    cells->dpart_of = prnn_plan_transposed(p, 1, &(prnn_term){above, cells->dgates});
    cells->dstep_of = prnn_plan_transposed(p, 1, &(prnn_term){output, layer->io.dout});
    layer->din_of = prnn_plan_transposed(p, 1, &(prnn_term){input_to_state, cells->dgates});
}

static void *plan(prnn_plan *p, const char *name, prnn_layer_io io) {
    row_lstm *layer = prnn_plan_alloc(p, 1, sizeof *layer);
    if (!layer) {
        return NULL;
    }
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), gates = prnn_plan_features(p, PRNN_GATES, h);
    prnn_features state = prnn_plan_features(p, 1, h);
    prnn_lstm *cells = &layer->cells;
    char path[64];
    layer->io = io;
    cells->order = PRNN_DOWNWARDS;
    cells->cell = prnn_plan_exact(prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 0, 0));
    cells->state = prnn_plan_map(p, state.stride, PRNN_KEEP_FORWARD, 1, 1, 1);

    prnn_conv input_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "input_to_state"), PRNN_MASK_B,
                                              stream, gates, 1, 3, PRNN_BIAS_FORGET, 1);
    prnn_conv state_to_state = prnn_conv_plan(p, prnn_plan_path(path, name, "state_to_state"), PRNN_MASK_NONE,
                                              state, gates, 1, 3, PRNN_BIAS_NONE, 1);
    prnn_conv above = prnn_conv_in_row(&state_to_state, -1);
    layer->initial_hidden = prnn_plan_vector(p, name, "initial_hidden", state);
    layer->initial_cell = prnn_plan_vector(p, name, "initial_cell", state);
    prnn_conv output = prnn_conv_plan(p, prnn_plan_path(path, name, "output"), PRNN_MASK_B, state, stream, 1,
                                      1, PRNN_BIAS_ZERO, prnn_residual_gain(io.residual, p->config.layers));
    prnn_term terms[3] = {{&input_to_state, io.in}, {&above, cells->state}};
    prnn_conv condition;
    if (io.condition) {
        condition = prnn_layer_condition(p, name, io.condition, gates);
        terms[2] = (prnn_term){&condition, io.condition->result};
    }
    cells->step_of = prnn_plan_product(p, io.condition ? 3 : 2, terms);
    layer->out_of = prnn_plan_product(p, 1, &(prnn_term){&output, cells->state});
    if (p->training) {
        plan_backward(p, layer, &input_to_state, &above, &output);
    }
    if (p->training && io.condition) {
        layer->dcondition_of = prnn_plan_transposed(p, 1, &(prnn_term){&condition, cells->dgates});
    }
    return p->status == PRNN_OK ? layer : NULL;
}

static void begin(const void *self, const prnn_pass *pass) {
    const row_lstm *layer = self;
    const prnn_lstm *cells = &layer->cells;
    prnn_region above = {-1, 1, 0, cells->state->width, -1};
    prnn_map_clear_margins(pass, cells->state);
    prnn_map_fill(pass, cells->state, above, layer->initial_hidden);
    prnn_map_fill(pass, cells->cell, above, layer->initial_cell);
}

static void forward(const void *self, const prnn_pass *pass, prnn_region region) {
    const row_lstm *layer = self;
    prnn_lstm_run(pass, &layer->cells, region);
    prnn_layer_output(pass, &layer->io, layer->out_of, region);
}

static void begin_backward(const void *self, const prnn_pass *pass) {
    const row_lstm *layer = self;
    prnn_map_clear(pass, layer->cells.dgates);
    prnn_map_clear(pass, layer->cells.dcell);
}

static void backward(const void *self, const prnn_pass *pass, prnn_region rows) {
    const row_lstm *layer = self;
    const prnn_lstm *cells = &layer->cells;
    const prnn_map *past = prnn_layer_output_gradient(pass, &layer->io, rows);
    prnn_product_gradient(pass, layer->out_of, rows, layer->io.dout);
    prnn_lstm_gradient(pass, cells, rows, NULL);
    prnn_product_gradient(pass, cells->step_of, rows, cells->dgates);
    prnn_product_run(pass, layer->din_of, rows, layer->io.din, past, false);
    prnn_layer_condition_backward(pass, &layer->io, layer->dcondition_of, rows);
    if (rows.row == 0) {
        prnn_region above = {-1, 1, 0, rows.count, -1};
        prnn_product_run(pass, cells->dpart_of, above, cells->dpart, NULL, false);
        prnn_map_sum(pass, cells->dpart, above, layer->initial_hidden);
        prnn_map_sum(pass, cells->dcell, above, layer->initial_cell);
    }
}

const prnn_layer_kind prnn_row_lstm = {
    .together = 1,
    .left = 1,
    .plan = plan,
    .begin = begin,
    .forward = forward,
    .begin_backward = begin_backward,
    .backward = backward,
};

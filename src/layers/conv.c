#include "layers/conv.h"

static bool tap_is_unmasked(prnn_mask mask, int rows, int cols, int i, int j) {
    if (mask == PRNN_MASK_NONE) {
        return true;
    }
    return i < rows / 2 || (i == rows / 2 && j <= cols / 2);
}

prnn_conv prnn_conv_plan(prnn_plan *plan, const char *name, prnn_mask mask, prnn_features in,
                         prnn_features out, int rows, int cols, prnn_bias bias, double gain) {
    int outputs = out.blocks * out.size;
    int shape[4] = {outputs, in.blocks * in.size, rows, cols};
    prnn_init init = gain > 0 ? PRNN_INIT_FAN_IN : PRNN_INIT_ZERO;
    prnn_conv conv = {.bias = -1, .in = in, .out = out, .mask = mask, .kernel_size = rows * cols};
    conv.weight = prnn_plan_parameter(plan, init, gain, 4, shape, "%s.weight", name);
    if (bias != PRNN_BIAS_NONE) {
        prnn_init first = bias == PRNN_BIAS_FORGET ? PRNN_INIT_FORGET : PRNN_INIT_ZERO;
        conv.bias = prnn_plan_parameter(plan, first, 0, 1, &outputs, "%s.bias", name);
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            if (tap_is_unmasked(mask, rows, cols, i, j)) {
                bool centre = i == rows / 2 && j == cols / 2;
                conv.tap[conv.taps++] = (prnn_conv_tap){i * cols + j, i - rows / 2, j - cols / 2, centre};
            }
        }
    }
    return conv;
}

prnn_conv prnn_conv_one_tap(const prnn_conv *conv, int kernel, int row, int col) {
    prnn_conv one = *conv;
    one.taps = 1;
    one.tap[0] = (prnn_conv_tap){kernel, row, col, false};
    return one;
}

prnn_conv prnn_conv_in_row(const prnn_conv *conv, int row) {
    prnn_conv moved = *conv;
    for (int t = 0; t < moved.taps; t++) {
        moved.tap[t].row = row;
    }
    return moved;
}

bool prnn_conv_lets(const prnn_conv *conv, const prnn_conv_tap *tap, int from, int to) {
    if (!tap->centre || conv->mask == PRNN_MASK_NONE) {
        return true;
    }
    return conv->mask == PRNN_MASK_A ? from < to : from <= to;
}

int32_t prnn_conv_weight(const prnn_plan *plan, const prnn_conv *conv, const prnn_conv_tap *tap, int in,
                         int out) {
    size_t inputs = (size_t)conv->in.blocks * (size_t)conv->in.size;
    size_t outputs = (size_t)conv->out.blocks * (size_t)conv->out.size;
    size_t pair = conv->in_first ? (size_t)in * outputs + (size_t)out : (size_t)out * inputs + (size_t)in;
    size_t element = pair * (size_t)conv->kernel_size + (size_t)tap->kernel;
    return (int32_t)(plan->parameters[conv->weight].offset + element);
}

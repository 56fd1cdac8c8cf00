#include "layers/layer.h"

#define ENTRY(number, name, layer) [number] = &(layer),
static const prnn_layer_kind *const kinds[] = {PRNN_KINDS(ENTRY)};

enum { KINDS = sizeof kinds / sizeof *kinds };

const prnn_layer_kind *prnn_layer_kind_of(prnn_kind kind) {
    return (unsigned)kind < KINDS ? kinds[kind] : NULL;
}

prnn_conv prnn_layer_condition(prnn_plan *plan, const char *name, const prnn_upsampler *condition,
                               prnn_features out) {
    char path[64];
    return prnn_conv_plan(plan, prnn_plan_path(path, name, "condition"), PRNN_MASK_NONE, condition->features,
                          out, 1, 1, PRNN_BIAS_NONE, 1);
}

void prnn_layer_condition_backward(const prnn_pass *pass, const prnn_layer_io *io,
                                   const prnn_product *dcondition_of, prnn_region rows) {
    if (io->condition) {
        const prnn_map *dcondition = io->condition->dresult;
        prnn_product_run(pass, dcondition_of, rows, dcondition, dcondition, false);
    }
}

void prnn_layer_output(const prnn_pass *pass, const prnn_layer_io *io, const prnn_product *out_of,
                       prnn_region region) {
    const prnn_map *residual = io->residual ? io->in : NULL;
    if (pass->dropout.below) {
        prnn_product_run(pass, out_of, region, io->out, NULL, false);
        prnn_map_dropout(pass, io->number, region, io->out, residual, io->out);
    } else {
        prnn_product_run(pass, out_of, region, io->out, residual, false);
    }
}

const prnn_map *prnn_layer_output_gradient(const prnn_pass *pass, const prnn_layer_io *io, prnn_region rows) {
    if (!pass->dropout.below) {
        return io->residual ? io->dout : NULL;
    }
    if (io->residual) {
        prnn_map_copy(pass, rows, io->dout, io->din);
    }
    prnn_map_dropout(pass, io->number, rows, io->dout, NULL, io->dout);
    return io->residual ? io->din : NULL;
}

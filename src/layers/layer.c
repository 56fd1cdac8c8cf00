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

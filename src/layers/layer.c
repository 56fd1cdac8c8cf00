#include "layers/layer.h"

static const prnn_layer_kind *const kinds[] = {&prnn_row_lstm, &prnn_diagonal_bilstm, &prnn_pixelcnn};

enum { KINDS = sizeof kinds / sizeof *kinds };

const prnn_layer_kind *prnn_layer_kind_of(prnn_kind kind) {
    for (int i = 0; i < KINDS; i++) {
        if (kinds[i]->kind == kind) {
            return kinds[i];
        }
    }
    return NULL;
}

prnn_conv prnn_layer_condition(prnn_plan *plan, const char *name, const prnn_upsampler *condition,
                               prnn_features out) {
    char path[64];
    return prnn_conv_plan(plan, prnn_plan_path(path, name, "condition"), PRNN_MASK_NONE, condition->features,
                          out, 1, 1, PRNN_BIAS_NONE, 1);
}

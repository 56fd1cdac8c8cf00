#include "model/memory.h"

#include <stdio.h>

size_t prnn_parameter_bytes(const prnn_network *network) {
    size_t bytes = 0;
    prnn_need_block(&bytes, network->plan.parameter_floats, sizeof(float));
    prnn_need_block(&bytes, network->plan.parameter_floats, 1);
    return bytes;
}

prnn_status prnn_parameters_afford(prnn_context *ctx, const prnn_network *network) {
    char what[64];
    int workers = 1;
    prnn_need need = {.shared = prnn_parameter_bytes(network)};
    snprintf(what, sizeof what, "a network of %zu parameters", network->plan.parameter_floats);
    return prnn_need_afford(ctx, &need, &workers, what, "choose a smaller hidden size or fewer layers");
}

prnn_need prnn_model_passes_need(prnn_context *ctx, const prnn_network *network, int images, int count) {
    prnn_need need = prnn_passes_need(ctx, network, images, count);
    prnn_need_block(&need.shared, network->plan.forward.count, sizeof(float));
    return need;
}

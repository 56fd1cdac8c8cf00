/* How much memory a model and its passes need, which is arithmetic on a planned network: so a network that is
 * too large is refused before anything large is made. */
#ifndef PRNN_MODEL_MEMORY_H
#define PRNN_MODEL_MEMORY_H

#include "model/network.h"

/* Bytes of the weights of a model and their masks. */
size_t prnn_parameter_bytes(const prnn_network *network);

/* PRNN_ERROR_MEMORY if there is not so much. */
prnn_status prnn_parameters_afford(prnn_context *ctx, const prnn_network *network);

/* What prnn_model_passes asks for at most, the packed weights included. */
prnn_need prnn_model_passes_need(prnn_context *ctx, const prnn_network *network, int images, int count);

#endif

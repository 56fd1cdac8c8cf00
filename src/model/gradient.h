/* The gradient of a batch, on all threads, with the same bits whatever their number: a batch is cut into
 * shards of fixed size, shards belong to lanes in a fixed way, a lane adds up its shards in order, and lanes
 * are added up in order. */
#ifndef PRNN_MODEL_GRADIENT_H
#define PRNN_MODEL_GRADIENT_H

#include "model/network.h"

typedef struct prnn_gradient_engine prnn_gradient_engine;

/* For batches of at most `batch` images. Free with prnn_gradient_engine_free. */
prnn_status prnn_gradient_engine_create(prnn_context *ctx, const prnn_config *config, int batch,
                                        prnn_gradient_engine **engine);
void prnn_gradient_engine_free(prnn_gradient_engine *engine);

/* Mean NLL in nats of the images of a batch (1 .. as many as the engine is for) and its gradient by all
 * parameters. */
double prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *engine, const float *parameters,
                                const prnn_batch *batch, float *gradient);

#endif

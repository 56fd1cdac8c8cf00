/* The gradient of a batch, on all threads of all ranks, with the same bits whatever their number: a batch is
 * cut into lanes of images, 64 at most, in a way that depends on the network and the batch alone. A lane adds
 * up its images in order, and lanes are added up over a binary tree (model/lanes.h). */
#ifndef PRNN_MODEL_GRADIENT_H
#define PRNN_MODEL_GRADIENT_H

#include "model/network.h"
#include "model/tree.h"

typedef struct prnn_gradient_engine prnn_gradient_engine;

/* The batches that an engine is for. */
typedef struct prnn_batch_kind {
    int images; /* at most */
    bool soft;  /* whether they may have soft targets */
} prnn_batch_kind;

/* Bytes of the memory of a device that is apart which the gradient of such batches takes: of all blocks, and
 * of the largest. */
typedef struct prnn_gradient_apart {
    size_t all, largest;
} prnn_gradient_apart;

prnn_gradient_apart prnn_gradient_engine_apart(prnn_context *ctx, const prnn_network *network,
                                               prnn_batch_kind batch);

/* On fewer threads where memory is short, so that `reserve` bytes are left for others. Free with
 * prnn_gradient_engine_free. */
prnn_status prnn_gradient_engine_create(prnn_context *ctx, const prnn_config *config, prnn_batch_kind batch,
                                        size_t reserve, prnn_gradient_engine **engine);

/* What that asks for, beside the plan, of a network for training; *workers: the threads that it would like.
 */
prnn_need prnn_gradient_engine_need(prnn_context *ctx, const prnn_network *network, prnn_batch_kind of,
                                    int *workers);
void prnn_gradient_engine_free(prnn_context *ctx, prnn_gradient_engine *engine);

/* *nats: the mean NLL in nats of the images of a batch (1 .. as many as the engine is for); and its gradient
 * by all parameters. With ranks it is collective, and a rank needs the images of its own share only.
 * `wishes`: those of prnn_ranks_vote, which comes between the lanes and their sum. */
prnn_status prnn_gradient_engine_run(prnn_context *ctx, prnn_gradient_engine *engine, prnn_block parameters,
                                     const prnn_batch *batch, prnn_block gradient, unsigned *wishes,
                                     double *nats);

/* Which images of a batch of n are those of this rank's lanes. */
prnn_share prnn_gradient_engine_share(const prnn_context *ctx, const prnn_gradient_engine *engine, int n);

prnn_traffic prnn_gradient_engine_traffic(const prnn_gradient_engine *engine);

#endif

/* The weights of a network. Nothing in them depends on the size of the images, so models of many sizes share
 * them: the last one that lets go of them frees them. */
#ifndef PRNN_MODEL_WEIGHTS_H
#define PRNN_MODEL_WEIGHTS_H

#include "model/network.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct prnn_weights {
    atomic_size_t models; /* that have them */
    float *parameters;    /* NULL: not yet */
    uint8_t *unmasked;    /* per parameter */
    /* As the kernels read them: made by the first pass that needs them, since who only looks at a model needs
     * none. */
    pthread_mutex_t mutex; /* a model may be shared */
    bool fresh;
    float *packed; /* forward */
} prnn_weights;

/* Those of one model of a network, without parameters. */
prnn_status prnn_weights_create(prnn_context *ctx, const prnn_network *network, prnn_weights **weights);

/* One more model has them; one less has (NULL: nothing happens). */
prnn_weights *prnn_weights_share(prnn_weights *weights);
void prnn_weights_release(prnn_weights *weights);

/* Replaces the parameters by `values`, which prnn_alloc gave and which are owned with PRNN_OK. *weights are
 * others then, if they had more models than the one that asks: those keep what they have. */
prnn_status prnn_weights_replace(prnn_context *ctx, const prnn_network *network, float *values,
                                 prnn_weights **weights);

/* The same by a copy. */
prnn_status prnn_weights_set(prnn_context *ctx, const prnn_network *network, const float *values,
                             prnn_weights **weights);

/* *packed: the present ones, which stay until they are replaced or freed. The network is of any of the
 * models. */
prnn_status prnn_weights_pack(prnn_context *ctx, const prnn_network *network, prnn_weights *weights,
                              float **packed);

#endif

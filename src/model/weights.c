#include "model/weights.h"

#include <string.h>

/* What no product reads is masked. */
static void unmasked_run(void *user, size_t at, const int32_t *index, size_t n) {
    (void)at;
    uint8_t *unmasked = user;
    for (size_t i = 0; i < n; i++) {
        if (index[i] >= 0) {
            unmasked[index[i]] = 1;
        }
    }
}

prnn_status prnn_weights_create(prnn_context *ctx, const prnn_network *network, prnn_weights **weights) {
    prnn_weights *w = *weights = prnn_alloc(ctx, 1, sizeof *w, "the model");
    if (!w) {
        return PRNN_ERROR_MEMORY;
    }
    w->unmasked = prnn_alloc(ctx, network->plan.parameter_floats, 1, "the masks");
    if (!w->unmasked) {
        prnn_free(w);
        *weights = NULL;
        return PRNN_ERROR_MEMORY;
    }
    atomic_init(&w->models, 1);
    pthread_mutex_init(&w->mutex, NULL);
    prnn_plan_visit(&network->plan, false, &(prnn_packed_visitor){unmasked_run, w->unmasked});
    return PRNN_OK;
}

prnn_weights *prnn_weights_share(prnn_weights *weights) {
    atomic_fetch_add(&weights->models, 1);
    return weights;
}

void prnn_weights_release(prnn_weights *weights) {
    if (!weights || atomic_fetch_sub(&weights->models, 1) > 1) {
        return;
    }
    pthread_mutex_destroy(&weights->mutex);
    prnn_free(weights->packed);
    prnn_free(weights->parameters);
    prnn_free(weights->unmasked);
    prnn_free(weights);
}

prnn_status prnn_weights_replace(prnn_context *ctx, const prnn_network *network, float *values,
                                 prnn_weights **weights) {
    if (atomic_load(&(*weights)->models) > 1) {
        prnn_weights *own;
        prnn_status status = prnn_weights_create(ctx, network, &own);
        if (status != PRNN_OK) {
            return status;
        }
        prnn_weights_release(*weights);
        *weights = own;
    }
    prnn_free((*weights)->parameters);
    (*weights)->parameters = values;
    (*weights)->fresh = false;
    return PRNN_OK;
}

prnn_status prnn_weights_set(prnn_context *ctx, const prnn_network *network, const float *values,
                             prnn_weights **weights) {
    size_t n = network->plan.parameter_floats;
    if ((*weights)->parameters && atomic_load(&(*weights)->models) == 1) {
        memcpy((*weights)->parameters, values, n * sizeof *values);
        (*weights)->fresh = false;
        return PRNN_OK;
    }
    float *copy = prnn_alloc_raw(ctx, n, sizeof *values, "the weights");
    if (!copy) {
        return PRNN_ERROR_MEMORY;
    }
    memcpy(copy, values, n * sizeof *values);
    prnn_status status = prnn_weights_replace(ctx, network, copy, weights);
    if (status != PRNN_OK) {
        prnn_free(copy);
    }
    return status;
}

/* Called with the mutex held. */
static prnn_status pack(prnn_context *ctx, const prnn_network *network, prnn_weights *weights) {
    if (!weights->packed) {
        weights->packed =
            prnn_alloc_raw(ctx, network->plan.forward.count, sizeof(float), "the packed weights");
    }
    if (!weights->packed) {
        return PRNN_ERROR_MEMORY;
    }
    if (!weights->fresh) {
        prnn_network_pack(network, weights->parameters, weights->packed);
        weights->fresh = true;
    }
    return PRNN_OK;
}

prnn_status prnn_weights_pack(prnn_context *ctx, const prnn_network *network, prnn_weights *weights,
                              float **packed) {
    pthread_mutex_lock(&weights->mutex);
    prnn_status status = pack(ctx, network, weights);
    *packed = weights->packed;
    pthread_mutex_unlock(&weights->mutex);
    return status;
}

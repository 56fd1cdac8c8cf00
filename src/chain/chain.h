/* Chains of models, from small images to large ones. */
#ifndef PRNN_CHAIN_CHAIN_H
#define PRNN_CHAIN_CHAIN_H

#include "model/model.h"

struct prnn_chain {
    size_t count;
    const prnn_model **models; /* from small images to large ones */
    prnn_model **owned;        /* the same, if the chain loaded them; else NULL */
};

/* The config of model k. */
static inline const prnn_config *prnn_chain_at(const prnn_chain *chain, size_t k) {
    return &chain->models[k]->network->plan.config;
}

/* That of the last one, whose images are the chain's. */
static inline const prnn_config *prnn_chain_last(const prnn_chain *chain) {
    return prnn_chain_at(chain, chain->count - 1);
}

#endif

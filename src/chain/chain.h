/* Chains of models, from small images to large ones. */
#ifndef PRNN_CHAIN_CHAIN_H
#define PRNN_CHAIN_CHAIN_H

#include "model/group.h"

struct prnn_chain {
    prnn_group group; /* from small images to large ones */
};

/* The config of the last model, whose images are the chain's. */
static inline const prnn_config *prnn_chain_last(const prnn_chain *chain) {
    return prnn_group_config(&chain->group, chain->group.count - 1);
}

#endif

#include "heads/head.h"

static const prnn_head_kind *const kinds[] = {&prnn_bernoulli, &prnn_softmax};

const prnn_head_kind *prnn_head_kind_of(const prnn_config *config) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i]->handles(config)) {
            return kinds[i];
        }
    }
    return NULL;
}

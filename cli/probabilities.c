#include "probabilities.h"

#include <math.h>

size_t logits_of_value(const prnn_config *config) {
    return config->levels == 2 ? 1 : (size_t)config->levels;
}

void probabilities_of_value(const prnn_config *config, const float *logits, double *probabilities) {
    if (config->levels == 2) {
        probabilities[0] = 1 / (1 + exp((double)logits[0]));
        probabilities[1] = 1 / (1 + exp(-(double)logits[0]));
        return;
    }
    double most = logits[0], sum = 0;
    for (int k = 1; k < config->levels; k++) {
        most = fmax(most, logits[k]);
    }
    for (int k = 0; k < config->levels; k++) {
        probabilities[k] = exp(logits[k] - most);
        sum += probabilities[k];
    }
    for (int k = 0; k < config->levels; k++) {
        probabilities[k] /= sum;
    }
}

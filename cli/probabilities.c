#include "probabilities.h"

#include <math.h>

size_t logits_of_value(const prnn_config *config) {
    return config->levels == 2 ? 1 : (size_t)config->levels;
}

/* log(1 / (1 + exp(-x))), for any x. */
static double log_sigmoid(double x) {
    return fmin(x, 0) - log1p(exp(-fabs(x)));
}

void log_probabilities_of_value(const prnn_config *config, const float *logits, double *logs) {
    if (config->levels == 2) {
        logs[0] = log_sigmoid(-(double)logits[0]);
        logs[1] = log_sigmoid(logits[0]);
        return;
    }
    double most = logits[0], sum = 0;
    for (int k = 1; k < config->levels; k++) {
        most = fmax(most, logits[k]);
    }
    for (int k = 0; k < config->levels; k++) {
        sum += exp(logits[k] - most);
    }
    for (int k = 0; k < config->levels; k++) {
        logs[k] = logits[k] - most - log(sum);
    }
}

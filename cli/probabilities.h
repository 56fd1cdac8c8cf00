/* The one place of the program where logits become probabilities. */
#ifndef PIXELRNN_CLI_PROBABILITIES_H
#define PIXELRNN_CLI_PROBABILITIES_H

#include <pixelrnn/pixelrnn.h>

/* How many numbers prnn_logits gives for a value. */
size_t logits_of_value(const prnn_config *config);

/* The natural logarithms of the probabilities of the config->levels levels of a value, from its logits. */
void log_probabilities_of_value(const prnn_config *config, const float *logits, double *logs);

#endif

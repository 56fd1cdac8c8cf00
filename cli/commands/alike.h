/* Chains whose likelihoods of an image may be set against each other. */
#ifndef PIXELRNN_CLI_COMMANDS_ALIKE_H
#define PIXELRNN_CLI_COMMANDS_ALIKE_H

#include <pixelrnn/pixelrnn.h>

/* Refuses chains of images of other sizes or levels, or that are given other small images; the paths are
 * those of their models. 0 or an exit code. */
int alike_check(const char *const *paths_a, const prnn_chain *a, const char *const *paths_b,
                const prnn_chain *b);

#endif

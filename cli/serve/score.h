/* What a model thinks of images: likelihoods, the cost of each value, and what it expected of one pixel. */
#ifndef PIXELRNN_CLI_SERVE_SCORE_H
#define PIXELRNN_CLI_SERVE_SCORE_H

#include "serve/work.h"

void serve_nll(work *w);
void serve_values(work *w);
void serve_distribution(work *w);

#endif

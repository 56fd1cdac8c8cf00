/* New images and completions, pixel by pixel. */
#ifndef PIXELRNN_CLI_SERVE_GENERATE_H
#define PIXELRNN_CLI_SERVE_GENERATE_H

#include "serve/work.h"

void serve_sample(work *w);
void serve_complete(work *w);

#endif

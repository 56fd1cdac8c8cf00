/* Where a pixel's distribution looks: its receptive field, measured by changing pixels. */
#ifndef PIXELRNN_CLI_SERVE_FIELD_H
#define PIXELRNN_CLI_SERVE_FIELD_H

#include "serve/work.h"

void serve_field(work *w);

#endif

/* What a progress callback is told. */
#ifndef PRNN_BASE_PROGRESS_H
#define PRNN_BASE_PROGRESS_H

#include <pixelrnn/pixelrnn.h>

/* `done` of `total` images since the moment `began` of prnn_clock; nothing about training. */
prnn_progress prnn_progress_since(double began, const char *phase, uint64_t done, uint64_t total);

#endif

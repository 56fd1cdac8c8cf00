/* The images that fit a model least, or best. */
#ifndef PIXELRNN_CLI_COMMANDS_RANKING_H
#define PIXELRNN_CLI_COMMANDS_RANKING_H

#include "session/session.h"

typedef struct ranked {
    double key;
    size_t image;
} ranked;

/* All images in the order of nats, the largest first, or the smallest if `best`; equal ones in the order of
 * their numbers. In memory of the session. 0 or an exit code. */
int rank_images(session *s, const double *nats, size_t count, bool best, ranked **images);

#endif

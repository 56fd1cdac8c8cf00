/* The images that fit a model least, or best. */
#ifndef PIXELRNN_CLI_COMMANDS_RANKING_H
#define PIXELRNN_CLI_COMMANDS_RANKING_H

#include "session/session.h"

typedef struct ranked {
    double key;
    size_t image;
} ranked;

/* Which images are listed: --sort, --worst and --best. */
enum { SORT_NONE, SORT_WORST, SORT_BEST };

typedef struct list_settings {
    int sort;           /* SORT_NONE, ... */
    size_t worst, best; /* how many; 0: the option is not given */
} list_settings;

/* Some images in their order. */
typedef struct ranking {
    ranked *list; /* of all images; of which the first `listed` are told */
    size_t listed;
    bool best; /* it begins with those that fit best */
} ranking;

/* One list alone is asked for. 0 or an exit code, as all here. */
int ranking_check(const list_settings *want);

/* Ranks images if a list is asked for, or `needed` anyway; else none is listed. */
int ranking_make(session *s, const list_settings *want, bool needed, const double *nats, size_t count,
                 ranking *r);

/* All images in the order of nats, the largest first, or the smallest if `best`; equal ones in the order of
 * their numbers. In memory of the session. */
int rank_images(session *s, const double *nats, size_t count, bool best, ranked **images);

#endif

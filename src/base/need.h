/* What a piece of work needs, known before any of it is asked for. */
#ifndef PRNN_BASE_NEED_H
#define PRNN_BASE_NEED_H

#include "base/memory.h"

/* Bytes; SIZE_MAX: more than a number can say. */
typedef struct prnn_need {
    size_t shared; /* whatever the number of threads */
    size_t worker; /* and for each thread */
} prnn_need;

/* Adds bytes, or a block as prnn_alloc makes it of count * size. */
void prnn_need_add(size_t *need, size_t bytes);
void prnn_need_block(size_t *need, size_t count, size_t size);

/* With `workers` threads. */
size_t prnn_need_total(const prnn_need *need, int workers);

/* Lowers *workers to as many as there is memory for; results do not depend on it. PRNN_ERROR_MEMORY if there
 * is not enough for one: "`what` needs ... and ... are there: `way_out`". */
prnn_status prnn_need_afford(prnn_context *ctx, const prnn_need *need, int *workers, const char *what,
                             const char *way_out);

#endif

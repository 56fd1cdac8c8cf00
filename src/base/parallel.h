/* Work split over threads. */
#ifndef PRNN_BASE_PARALLEL_H
#define PRNN_BASE_PARALLEL_H

#include "base/context.h"

typedef struct prnn_pool prnn_pool;

/* One piece of work: `index` says which; `worker`, from 0 to below the number of
 * workers, says who does it and so whose scratch memory may be used. */
typedef void (*prnn_task)(void *arg, size_t index, int worker);

/* Number of threads that prnn_parallel_for uses. */
int prnn_thread_count(const prnn_context *ctx);

/* Runs task(arg, 0..n-1, worker) on at most `workers` of the context's threads. Which worker does which piece
 * is not fixed, so results must not depend on it. Falls back to fewer threads if the system gives no more. */
void prnn_parallel_for(prnn_context *ctx, size_t n, int workers, prnn_task task, void *arg);

void prnn_pool_free(prnn_pool *pool);

#endif

/* Work split over threads. */
#ifndef PRNN_BASE_PARALLEL_H
#define PRNN_BASE_PARALLEL_H

#include "base/context.h"

typedef struct prnn_pool prnn_pool;

enum { PRNN_MOST_THREADS = 1024 };

/* Number of threads that the environment variable PRNN_THREADS asks for; 0: none that can be had. */
int prnn_threads_wished(void);

/* What the threads of a parallel loop have for themselves: an array of `count` elements of `size` bytes. A
 * loop runs on at most as many threads as there are elements, and gives each thread its own, so that no task
 * can ask for one that is not there. */
typedef struct prnn_scratches {
    void *list;
    size_t size;
    int count;
} prnn_scratches;

/* One piece of work: `index` says which, `own` is the element of the thread that does it. */
typedef void (*prnn_task)(void *arg, size_t index, void *own);

/* Number of threads of the context. */
int prnn_thread_count(const prnn_context *ctx);

/* Number of threads that a loop of n pieces can use, at least 1: so many elements are worth making. */
int prnn_threads_for(const prnn_context *ctx, size_t n);

/* Runs task(arg, 0..n-1, own) on the threads of the context; `own` is NULL. Which thread does which piece is
 * not fixed, so results must not depend on it. Falls back to fewer threads if the system gives no more. A
 * loop within a task of the calling thread (a callback's) runs on that thread alone. */
void prnn_parallel_for(prnn_context *ctx, size_t n, prnn_task task, void *arg);

/* The same on at most scratches.count threads (at least 1), each with an element of its own. */
void prnn_parallel_for_with(prnn_context *ctx, size_t n, prnn_scratches scratches, prnn_task task, void *arg);

void prnn_pool_free(prnn_pool *pool);

#endif

#define _GNU_SOURCE /* sched_getaffinity */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

struct prnn_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    pthread_t *threads;
    int helpers; /* threads beside the calling one */
    /* The present round: */
    prnn_task task;
    void *arg;
    prnn_scratches own;
    size_t n, next;
    int helping; /* helpers that take part: the first so many */
    int running; /* those of them that have not finished */
    unsigned round;
    int started;
    bool quit;
    bool busy; /* in a round; the calling thread's own */
};

int prnn_threads_wished(void) {
    const char *wish = getenv("PRNN_THREADS");
    char *end = NULL;
    long threads = wish ? strtol(wish, &end, 10) : 0;
    return threads > 0 && threads <= PRNN_MOST_THREADS && !*end ? (int)threads : 0;
}

int prnn_thread_count(const prnn_context *ctx) {
    int wished = ctx->threads > 0 ? ctx->threads : prnn_threads_wished();
    if (wished > 0) {
        return wished;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) == 0) {
        cores = CPU_COUNT(&mine);
    }
#endif
    return cores < 1 ? 1 : cores > PRNN_MOST_THREADS ? PRNN_MOST_THREADS : (int)cores;
}

int prnn_threads_for(const prnn_context *ctx, size_t n) {
    int threads = prnn_thread_count(ctx);
    return n < 1 ? 1 : n < (size_t)threads ? (int)n : threads;
}

static void *scratch_of(const prnn_scratches *own, int thread) {
    return own->list ? (char *)own->list + (size_t)thread * own->size : NULL;
}

/* The work of thread number `thread`. Called and returns with the mutex held. */
static void work_off(prnn_pool *pool, int thread) {
    void *own = scratch_of(&pool->own, thread);
    while (pool->next < pool->n) {
        size_t index = pool->next++;
        pthread_mutex_unlock(&pool->mutex);
        pool->task(pool->arg, index, own);
        pthread_mutex_lock(&pool->mutex);
    }
}

static void *helper_main(void *arg) {
    prnn_pool *pool = arg;
    fesetenv(FE_DFL_ENV);
    pthread_mutex_lock(&pool->mutex);
    int thread = ++pool->started;
    unsigned seen = 0;
    for (;;) {
        while (pool->round == seen && !pool->quit) {
            pthread_cond_wait(&pool->work, &pool->mutex);
        }
        if (pool->quit) {
            break;
        }
        seen = pool->round;
        if (thread > pool->helping) {
            continue;
        }
        work_off(pool, thread);
        if (--pool->running == 0) {
            pthread_cond_signal(&pool->done);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static prnn_pool *pool_create(int threads) {
    prnn_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    pool->threads = calloc((size_t)threads, sizeof *pool->threads);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    while (pool->helpers < threads - 1 &&
           pthread_create(&pool->threads[pool->helpers], NULL, helper_main, pool) == 0) {
        pool->helpers++;
    }
    return pool;
}

void prnn_pool_free(prnn_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->quit = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->helpers; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}

void prnn_parallel_for_with(prnn_context *ctx, size_t n, prnn_scratches scratches, prnn_task task,
                            void *arg) {
    int threads = prnn_threads_for(ctx, n);
    threads = threads < scratches.count ? threads : scratches.count;
    if (!ctx->pool && threads > 1) {
        ctx->pool = pool_create(prnn_thread_count(ctx));
    }
    prnn_pool *pool = ctx->pool;
    if (!pool || threads <= 1 || pool->busy) {
        for (size_t i = 0; i < n; i++) {
            task(arg, i, scratch_of(&scratches, 0));
        }
        return;
    }
    pool->busy = true;
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->arg = arg;
    pool->own = scratches;
    pool->n = n;
    pool->next = 0;
    pool->helping = pool->running = threads - 1 < pool->helpers ? threads - 1 : pool->helpers;
    pool->round++;
    pthread_cond_broadcast(&pool->work);
    work_off(pool, 0);
    while (pool->running > 0) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    pool->busy = false;
}

void prnn_parallel_for(prnn_context *ctx, size_t n, prnn_task task, void *arg) {
    prnn_parallel_for_with(ctx, n, (prnn_scratches){NULL, 0, prnn_thread_count(ctx)}, task, arg);
}

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
    prnn_task task;
    void *arg;
    size_t n, next;
    int workers; /* that may take part in this round */
    int running; /* helpers that have not finished this round */
    unsigned round;
    int started;
    bool quit;
};

int prnn_thread_count(const prnn_context *ctx) {
    if (ctx->threads > 0) {
        return ctx->threads;
    }
#ifdef __linux__
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) == 0) {
        return CPU_COUNT(&mine);
    }
#endif
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 1024 ? 1024 : (int)cores;
}

/* Called and returns with the mutex held. */
static void work_off(prnn_pool *pool, int worker) {
    while (pool->next < pool->n) {
        size_t index = pool->next++;
        pthread_mutex_unlock(&pool->mutex);
        pool->task(pool->arg, index, worker);
        pthread_mutex_lock(&pool->mutex);
    }
}

static void *helper_main(void *arg) {
    prnn_pool *pool = arg;
    pthread_mutex_lock(&pool->mutex);
    int worker = ++pool->started;
    unsigned seen = 0;
    for (;;) {
        while (pool->round == seen && !pool->quit) {
            pthread_cond_wait(&pool->work, &pool->mutex);
        }
        if (pool->quit) {
            break;
        }
        seen = pool->round;
        if (worker < pool->workers) {
            work_off(pool, worker);
        }
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

void prnn_parallel_for(prnn_context *ctx, size_t n, int workers, prnn_task task, void *arg) {
    int threads = prnn_thread_count(ctx);
    bool alone = n <= 1 || workers <= 1 || threads == 1;
    if (!ctx->pool && !alone) {
        ctx->pool = pool_create(threads);
    }
    prnn_pool *pool = ctx->pool;
    if (!pool || alone) {
        for (size_t i = 0; i < n; i++) {
            task(arg, i, 0);
        }
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->arg = arg;
    pool->n = n;
    pool->workers = workers;
    pool->next = 0;
    pool->running = pool->helpers;
    pool->round++;
    pthread_cond_broadcast(&pool->work);
    work_off(pool, 0);
    while (pool->running > 0) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

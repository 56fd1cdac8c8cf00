#include "base/budget.h"

#include "base/available.h"
#include "base/memory.h"

void prnn_budget_init(prnn_budget *budget, size_t bytes) {
    *budget = (prnn_budget){.bytes = bytes};
    pthread_mutex_init(&budget->mutex, NULL);
    pthread_cond_init(&budget->given, NULL);
}

void prnn_budget_destroy(prnn_budget *budget) {
    pthread_cond_destroy(&budget->given);
    pthread_mutex_destroy(&budget->mutex);
}

static prnn_status fail_short(prnn_context *ctx, size_t bytes, size_t there, const char *name) {
    return prnn_fail(
        ctx, PRNN_ERROR_MEMORY,
        "%s: takes %zu bytes of memory to decode, and %zu are free: make it smaller or leave it out, "
        "or free memory",
        name, bytes, there);
}

prnn_status prnn_budget_take(prnn_context *ctx, size_t bytes, const char *name) {
    prnn_budget *b = ctx ? ctx->budget : NULL;
    size_t there = b ? b->bytes : bytes < PRNN_LARGE ? SIZE_MAX : prnn_memory_available();
    if (bytes > there) {
        return fail_short(ctx, bytes, there, name);
    }
    if (b) {
        pthread_mutex_lock(&b->mutex);
        while (bytes > b->bytes - b->taken) {
            pthread_cond_wait(&b->given, &b->mutex);
        }
        b->taken += bytes;
        ctx->taken = bytes;
        pthread_mutex_unlock(&b->mutex);
    }
    return PRNN_OK;
}

void prnn_budget_give(prnn_context *ctx) {
    prnn_budget *b = ctx->budget;
    if (b) {
        pthread_mutex_lock(&b->mutex);
        b->taken -= ctx->taken;
        ctx->taken = 0;
        pthread_cond_broadcast(&b->given);
        pthread_mutex_unlock(&b->mutex);
    }
}

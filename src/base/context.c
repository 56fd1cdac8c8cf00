#include "base/context.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *prnn_version(void) {
    return PRNN_VERSION;
}

prnn_context *prnn_context_create(void) {
    prnn_context *ctx = calloc(1, sizeof *ctx);
    if (ctx &&
        prnn_call_begin(ctx) == PRNN_OK) { /* which forgets what this thread was refused at this address */
        prnn_call_end(ctx, PRNN_OK);
    }
    return ctx;
}

void prnn_context_free(prnn_context *ctx) {
    if (!ctx) {
        return;
    }
    prnn_pool_free(ctx->pool);
    for (int i = 0; i < PRNN_SPARES; i++) {
        prnn_free(ctx->spare[i].memory);
    }
    free(ctx);
}

const char *prnn_message(const prnn_context *ctx) {
    return prnn_call_was_refused(ctx)
               ? "this context is at work in another thread; give each thread a context of its own"
               : ctx->message;
}

prnn_status prnn_context_set_threads(prnn_context *ctx, int threads) {
    if (!ctx) {
        return PRNN_ERROR_ARGUMENT;
    }
    if (threads < 0 || threads > PRNN_MOST_THREADS) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d threads: choose 1 to %d, or 0 for one per core",
                         threads, PRNN_MOST_THREADS);
    }
    const char *wish = getenv("PRNN_THREADS");
    if (threads == 0 && wish && *wish && !prnn_threads_wished()) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the environment variable PRNN_THREADS is \"%.40s\": set it to 1 to %d, or unset it",
                         wish, PRNN_MOST_THREADS);
    }
    prnn_status status = prnn_call_begin(ctx);
    if (status != PRNN_OK) {
        return status;
    }
    ctx->threads = threads;
    prnn_pool_free(ctx->pool);
    ctx->pool = NULL;
    return prnn_call_end(ctx, PRNN_OK);
}

/* The arguments may point into the old message. */
static void set_message(prnn_context *ctx, int cause, const char *format, va_list args) {
    char text[sizeof ctx->message];
    int n = vsnprintf(text, sizeof text, format, args);
    if (cause && n >= 0 && (size_t)n < sizeof text) {
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(cause));
    }
    memcpy(ctx->message, text, sizeof text);
    ctx->cause = cause;
}

prnn_status prnn_fail(prnn_context *ctx, prnn_status status, const char *format, ...) {
    if (ctx) {
        va_list args;
        va_start(args, format);
        set_message(ctx, 0, format, args);
        va_end(args);
    }
    return status;
}

prnn_status prnn_fail_system(prnn_context *ctx, int why, const char *format, ...) {
    if (ctx) {
        va_list args;
        va_start(args, format);
        set_message(ctx, why, format, args);
        va_end(args);
    }
    return why == ENOMEM ? PRNN_ERROR_MEMORY : PRNN_ERROR_FILE;
}

prnn_status prnn_check_given(prnn_context *ctx, const char *function, const prnn_given *list) {
    if (!ctx) {
        return PRNN_ERROR_ARGUMENT;
    }
    for (; list->name; list++) {
        if (!list->pointer) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: %s is NULL; it must point to something", function,
                             list->name);
        }
    }
    return PRNN_OK;
}

#include "base/context.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef prnn_fail /* which are the analyser's (see context.h) */
#undef prnn_fail_system

const char *prnn_version(void) {
    return PRNN_VERSION;
}

prnn_context *prnn_context_create(void) {
    prnn_context *ctx = calloc(1, sizeof *ctx);
    prnn_call_forget_refusal(ctx); /* by one that was at this address */
    return ctx;
}

void prnn_context_free(prnn_context *ctx) {
    if (!ctx) {
        return;
    }
    prnn_pool_free(ctx->pool);
    prnn_give_up(ctx);
    free(ctx);
}

const char *prnn_message(const prnn_context *ctx) {
    return prnn_call_was_refused(ctx)
               ? "this context is at work in another thread; give each thread a context of its own"
               : ctx->message;
}

prnn_status prnn_context_set_threads(prnn_context *ctx, int threads) {
    PRNN_ENTER(ctx, PRNN_GIVEN(ctx));
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
    ctx->threads = threads;
    prnn_pool_free(ctx->pool);
    ctx->pool = NULL;
    return PRNN_OK;
}

/* The arguments may point into the old message. */
static void set_message(prnn_context *ctx, int cause, const char *format, va_list args) {
    char text[sizeof ctx->message];
    int n = vsnprintf(text, sizeof text, format, args);
    if (cause && n >= 0 && (size_t)n < sizeof text) {
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(cause));
    }
    memcpy(ctx->message, text, sizeof text);
    prnn_call_forget_refusal(ctx);
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

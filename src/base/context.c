#include "base/context.h"

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
    return calloc(1, sizeof(prnn_context));
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
    return ctx->message;
}

prnn_status prnn_context_set_threads(prnn_context *ctx, int threads) {
    if (threads < 0 || threads > 1024) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d threads: choose 1 to 1024, or 0 for one per core",
                         threads);
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

prnn_status prnn_options_read(prnn_context *ctx, void *to, size_t to_size, const void *from) {
    if (!from) {
        return PRNN_OK;
    }
    size_t from_size;
    memcpy(&from_size, from, sizeof from_size);
    if (from_size <= sizeof(size_t)) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "an options struct says that its size is %zu; begin with the PRNN_..._INIT beside its type",
            from_size);
    }
    size_t known = from_size < to_size ? from_size : to_size;
    memcpy((char *)to + sizeof(size_t), (const char *)from + sizeof(size_t), known - sizeof(size_t));
    return PRNN_OK;
}

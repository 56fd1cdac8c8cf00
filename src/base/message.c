#include "base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef prnn_fail /* which are the analyser's (see message.h) */
#undef prnn_fail_system

/* The message of a context belongs to the thread that works with it, so a refusal is kept beside it. */
static _Thread_local const prnn_context *refused_by;

prnn_status prnn_message_refuse(const prnn_context *ctx) {
    refused_by = ctx;
    return PRNN_ERROR_ARGUMENT;
}

void prnn_message_forget_refusal(const prnn_context *ctx) {
    refused_by = refused_by == ctx ? NULL : refused_by;
}

const char *prnn_message(const prnn_context *ctx) {
    return refused_by && refused_by == ctx
               ? "this context is at work in another thread; give each thread a context of its own"
               : ctx->message;
}

/* The arguments may point into the old message. */
static void set_message(prnn_context *ctx, int cause, const char *format, va_list args) {
    char text[sizeof ctx->message];
    int n = vsnprintf(text, sizeof text, format, args);
    if (cause && n >= 0 && (size_t)n < sizeof text) {
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(cause));
    }
    memcpy(ctx->message, text, sizeof text);
    prnn_message_forget_refusal(ctx);
    ctx->cause = cause;
    ctx->agreed = false;
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

#include "base/call.h"

/* Its address tells threads apart. */
static _Thread_local char thread_mark;

/* The message of a context belongs to the thread that works with it, so a refusal is kept beside it. */
static _Thread_local const prnn_context *refused_by;

bool prnn_call_was_refused(const prnn_context *ctx) {
    return refused_by == ctx;
}

prnn_status prnn_call_begin(prnn_context *ctx) {
    void *nobody = NULL;
    refused_by = NULL;
    if (atomic_load(&ctx->owner) == &thread_mark) {
        ctx->depth++;
        return PRNN_OK;
    }
    if (!atomic_compare_exchange_strong(&ctx->owner, &nobody, &thread_mark)) {
        refused_by = ctx;
        return PRNN_ERROR_ARGUMENT;
    }
    ctx->depth = 1;
    fegetenv(&ctx->callers_environment);
    fesetenv(FE_DFL_ENV);
    return PRNN_OK;
}

prnn_status prnn_call_end(prnn_context *ctx, prnn_status status) {
    if (--ctx->depth == 0) {
        fesetenv(&ctx->callers_environment);
        atomic_store(&ctx->owner, NULL);
    }
    return status;
}

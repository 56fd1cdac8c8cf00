#include "base/call.h"

#include "base/message.h"

#include <pthread.h>

/* Its address tells threads apart. */
static _Thread_local char thread_mark;

static prnn_status check_given(prnn_context *ctx, const char *function, const prnn_given *list) {
    for (; list->name; list++) {
        if (!list->pointer) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: %s is NULL; it must point to something", function,
                             list->name);
        }
    }
    return PRNN_OK;
}

static locale_t plain;

static void make_plain(void) {
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Files and messages have the same numbers wherever the user is. NULL, where there was no memory for it,
 * leaves the thread's locale as it is. */
static locale_t plain_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    return plain;
}

prnn_status prnn_call_begin(prnn_context *ctx, const char *function, const prnn_given *list) {
    void *nobody = NULL;
    if (!ctx) {
        return PRNN_ERROR_ARGUMENT;
    }
    prnn_message_forget_refusal(ctx);
    if (atomic_load(&ctx->owner) == &thread_mark) {
        ctx->depth++;
    } else if (atomic_compare_exchange_strong(&ctx->owner, &nobody, &thread_mark)) {
        ctx->depth = 1;
        fegetenv(&ctx->callers_environment);
        fesetenv(FE_DFL_ENV);
        ctx->callers_locale = uselocale(plain_locale());
    } else {
        return prnn_message_refuse(ctx);
    }
    prnn_status status = check_given(ctx, function, list);
    if (status != PRNN_OK) {
        prnn_call_end(&ctx);
    }
    return status;
}

void prnn_call_end(prnn_context *const *entered) {
    prnn_context *ctx = *entered;
    if (--ctx->depth == 0) {
        fesetenv(&ctx->callers_environment);
        uselocale(ctx->callers_locale);
        atomic_store(&ctx->owner, NULL);
    }
}

prnn_status prnn_call_check_outermost(prnn_context *ctx, const char *function) {
    return ctx->depth == 1
               ? PRNN_OK
               : prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                           "%s: a callback cannot change the context that it is called from: do so "
                           "before the call",
                           function);
}

/* The life of a context, and its threads. */

#include "base/call.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/parallel.h"

#include <stdlib.h>

const char *prnn_version(void) {
    return PRNN_VERSION;
}

int prnn_version_number(void) {
    return PRNN_VERSION_NUMBER;
}

static const char *const status_names[] = {
#define NAME(status) [status] = #status
    NAME(PRNN_OK),           NAME(PRNN_ERROR_ARGUMENT), NAME(PRNN_ERROR_FILE),
    NAME(PRNN_ERROR_FORMAT), NAME(PRNN_ERROR_MEMORY),   NAME(PRNN_ERROR_DIVERGED),
    NAME(PRNN_STOPPED),      NAME(PRNN_ERROR_DEVICE),   NAME(PRNN_ERROR_RANK),
#undef NAME
};

const char *prnn_status_name(prnn_status status) {
    return (unsigned)status < sizeof status_names / sizeof *status_names ? status_names[status] : "unknown";
}

prnn_context *prnn_context_create(void) {
    prnn_context *ctx = calloc(1, sizeof *ctx);
    prnn_message_forget_refusal(ctx); /* by one that was at this address */
    return ctx;
}

void prnn_context_free(prnn_context *ctx) {
    if (!ctx) {
        return;
    }
    prnn_pool_free(ctx->pool);
    prnn_give_up(ctx);
    if (ctx->gpu) {
        ctx->close_gpu(ctx->gpu);
    }
    free(ctx->ranks);
    free(ctx);
}

prnn_status prnn_context_set_threads(prnn_context *ctx, int threads) {
    PRNN_ENTER_SETTING(ctx);
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

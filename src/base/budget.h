/* Memory that threads share where each needs much of it for a while: one who would take too much waits. */
#ifndef PRNN_BASE_BUDGET_H
#define PRNN_BASE_BUDGET_H

#include "base/message.h"

#include <pthread.h>

typedef struct prnn_budget {
    pthread_mutex_t mutex;
    pthread_cond_t given;
    size_t bytes, taken;
} prnn_budget;

void prnn_budget_init(prnn_budget *budget, size_t bytes);
void prnn_budget_destroy(prnn_budget *budget);

/* Takes `bytes` out of ctx->budget, or waits until others have given theirs back. PRNN_ERROR_MEMORY if there
 * would not be enough even then: `name` begins the sentence. A context takes once before it gives. Without a
 * budget it only says whether the machine has so much. */
prnn_status prnn_budget_take(prnn_context *ctx, size_t bytes, const char *name);

/* Gives back what the context took, if it did. */
void prnn_budget_give(prnn_context *ctx);

#endif

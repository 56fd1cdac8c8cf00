/* What every call of the library that computes does first and last: it takes the context for its thread, and
 * makes the processor round as IEEE 754 has it by default (to nearest, nothing flushed to zero, no traps),
 * whatever the caller had set. */
#ifndef PRNN_BASE_CALL_H
#define PRNN_BASE_CALL_H

#include "base/context.h"

/* PRNN_ERROR_ARGUMENT if the context is at work in another thread; then there must be no prnn_call_end. Calls
 * within calls are fine. */
prnn_status prnn_call_begin(prnn_context *ctx);

/* Ends what began, and returns `status`. */
prnn_status prnn_call_end(prnn_context *ctx, prnn_status status);

/* Whether the last call that this thread tried was refused because the context was at work in another. */
bool prnn_call_was_refused(const prnn_context *ctx);

#endif

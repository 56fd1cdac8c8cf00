/* The sentence that a context keeps of its last failure. */
#ifndef PRNN_BASE_MESSAGE_H
#define PRNN_BASE_MESSAGE_H

#include "base/context.h"

#if defined(__GNUC__)
#define PRNN_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PRNN_PRINTF(at, first)
#endif

/* What makes a plural of a noun before which the number n stands. */
static inline const char *prnn_plural(uint64_t n) {
    return n == 1 ? "" : "s";
}

/* Writes the sentence into the context (which may be NULL) and returns `status`. */
prnn_status prnn_fail(prnn_context *ctx, prnn_status status, const char *format, ...) PRNN_PRINTF(3, 4);

/* The same for what the system refused: ": " and what the errno `why` means follow the sentence. Returns
 * PRNN_ERROR_MEMORY for ENOMEM, else PRNN_ERROR_FILE. */
prnn_status prnn_fail_system(prnn_context *ctx, int why, const char *format, ...) PRNN_PRINTF(3, 4);

/* clang's analyser sees one file at a time, and so not that neither ever returns PRNN_OK. */
#ifdef __clang_analyzer__
#define prnn_fail(ctx, status, ...) (prnn_fail(ctx, status, __VA_ARGS__), (status))
#define prnn_fail_system(...) (prnn_fail_system(__VA_ARGS__), PRNN_ERROR_FILE)
#endif

/* What this thread tried was refused because the context is at work in another one: this thread, and no
 * other, reads so instead of the message, until another failure comes or a new context. Returns
 * PRNN_ERROR_ARGUMENT. */
prnn_status prnn_message_refuse(const prnn_context *ctx);
void prnn_message_forget_refusal(const prnn_context *ctx);

#endif

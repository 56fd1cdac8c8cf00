/* How every public function begins that takes a context and returns a status. */
#ifndef PRNN_BASE_CALL_H
#define PRNN_BASE_CALL_H

#include "base/message.h"

/* A pointer that the caller must give. */
typedef struct prnn_given {
    const char *name;
    const void *pointer;
} prnn_given;

#define PRNN_GIVEN(pointer)                                                                                  \
    { #pointer, pointer }
/* An array without elements may be NULL. */
#define PRNN_ARRAY(pointer, count)                                                                           \
    { #pointer, (count) ? (const void *)(pointer) : "" }

/* PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(nats, count)); - until the function is left, the context
 * belongs to this thread, the processor rounds as IEEE 754 has it by default (to nearest, nothing flushed to
 * zero, no traps), and numbers are printed and read as in C's locale, whatever the caller had set. Leaves the
 * function with PRNN_ERROR_ARGUMENT if a pointer is NULL, the context included, or if the context is at work
 * in another thread. Calls within calls are fine.
 */
#define PRNN_ENTER(ctx, ...)                                                                                 \
    if (prnn_call_begin(ctx, __func__, (const prnn_given[]){__VA_ARGS__, {NULL, NULL}}) != PRNN_OK) {        \
        return PRNN_ERROR_ARGUMENT;                                                                          \
    }                                                                                                        \
    __attribute__((cleanup(prnn_call_end), unused)) prnn_context *const prnn_entered = ctx

/* PRNN_ENTER_SETTING(ctx); - instead of PRNN_ENTER, of a function that changes a setting of the context: a
 * callback cannot do that to the call that it is called from. */
#define PRNN_ENTER_SETTING(ctx)                                                                              \
    PRNN_ENTER(ctx, PRNN_GIVEN(ctx));                                                                        \
    if (prnn_call_check_outermost(ctx, __func__) != PRNN_OK) {                                               \
        return PRNN_ERROR_ARGUMENT;                                                                          \
    }                                                                                                        \
    (void)0

/* Before PRNN_ENTER: what a function makes is NULL after every failure, that of its arguments too. */
#define PRNN_NOTHING_YET(made)                                                                               \
    if (made) {                                                                                              \
        *(made) = NULL;                                                                                      \
    }                                                                                                        \
    (void)0

/* For PRNN_ENTER; `list` ends without a name. */
prnn_status prnn_call_begin(prnn_context *ctx, const char *function, const prnn_given *list);
void prnn_call_end(prnn_context *const *entered);
/* For PRNN_ENTER_SETTING. */
prnn_status prnn_call_check_outermost(prnn_context *ctx, const char *function);

#endif

/* What every part of the library shares: the context, its message, its threads and its kernels. */
#ifndef PRNN_BASE_CONTEXT_H
#define PRNN_BASE_CONTEXT_H

#include <pixelrnn/pixelrnn.h>

#include <fenv.h>
#include <stdatomic.h>

struct prnn_budget;
struct prnn_kernels;
struct prnn_pool;

/* Memory that a call left for the next one. */
typedef struct prnn_spare {
    void *memory;
    size_t bytes;
} prnn_spare;

enum { PRNN_SPARES = 16 };

struct prnn_context {
    char message[1024];
    int cause;                          /* errno, if the message is of prnn_fail_system; else 0 */
    int threads;                        /* as asked; 0: one per core */
    struct prnn_pool *pool;             /* made at the first parallel call */
    const struct prnn_kernels *kernels; /* NULL: not chosen yet (see kernels/kernels.h) */
    bool bf16;                          /* their bf16 variant is used */
    struct prnn_budget *budget;         /* NULL: none (see base/budget.h) */
    size_t taken;                       /* out of it */
    prnn_spare spare[PRNN_SPARES];      /* see prnn_take */
    size_t asked;                       /* bytes of all blocks so far, to compare with predictions */
    size_t memory;                      /* for tests: work is planned as if no more were there; 0: all */
    /* See base/call.h: */
    _Atomic(void *) owner;      /* the thread that is in a call; NULL: none */
    int depth;                  /* of calls within calls */
    fenv_t callers_environment; /* of floating-point numbers, before the outermost call */
};

#if defined(__GNUC__)
#define PRNN_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PRNN_PRINTF(at, first)
#endif

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

#endif

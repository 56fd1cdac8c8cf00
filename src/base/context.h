/* What every part of the library shares: the context, its message, its threads and its kernels. */
#ifndef PRNN_BASE_CONTEXT_H
#define PRNN_BASE_CONTEXT_H

#include <pixelrnn/pixelrnn.h>

#include <fenv.h>
#include <locale.h>
#include <stdatomic.h>

struct prnn_budget;
struct prnn_device;
struct prnn_gpu_state;
struct prnn_kernels;
struct prnn_pool;
struct prnn_rank_state;

/* Memory that a call left for the next one. */
typedef struct prnn_spare {
    void *memory;
    size_t bytes;
} prnn_spare;

enum { PRNN_SPARES = 16 };

struct prnn_context {
    char message[1024];
    int cause;                          /* errno, if the message is of prnn_fail_system; else 0 */
    bool agreed;                        /* all ranks have this message (see ranks/ranks.h) */
    struct prnn_rank_state *ranks;      /* NULL: alone */
    int threads;                        /* as asked; 0: one per core */
    struct prnn_pool *pool;             /* made at the first parallel call */
    const struct prnn_kernels *kernels; /* NULL: not chosen yet (see kernels/kernels.h) */
    bool bf16;                          /* their bf16 variant is used */
    const struct prnn_device *device;   /* NULL: the processor (see device/device.h) */
    struct prnn_gpu_state *gpu;         /* of a GPU (see gpu/device.h); NULL: none */
    void (*close_gpu)(struct prnn_gpu_state *gpu);
    prnn_status (*set_gpu_bf16)(struct prnn_gpu_state *gpu, bool bf16);
    struct prnn_budget *budget;    /* NULL: none (see base/budget.h) */
    size_t taken;                  /* out of it */
    prnn_spare spare[PRNN_SPARES]; /* see prnn_take */
    size_t asked;                  /* bytes of all blocks so far, to compare with predictions */
    size_t memory;                 /* for tests: work is planned as if no more were there; 0: all */
    /* See base/call.h: */
    _Atomic(void *) owner;      /* the thread that is in a call; NULL: none */
    int depth;                  /* of calls within calls */
    fenv_t callers_environment; /* of floating-point numbers, before the outermost call */
    locale_t callers_locale;
};

#endif

/* What runs kernels: one table of functions a driver, which is opened when it is asked for and not before. No
 * library of CUDA or OpenCL is needed to build or start; who asks for one that is not there gets a sentence.
 *
 * Calls for one device come from one thread at a time. All of a device's work happens in the order in which
 * it was asked for; uploads and launches return before it is done, downloads after. Failures are
 * PRNN_ERROR_DEVICE, with the driver's function and its error in the sentence; PRNN_ERROR_MEMORY where the
 * device has no room. */
#ifndef PRNN_GPU_DRIVER_H
#define PRNN_GPU_DRIVER_H

#include "gpu/source.h"

typedef struct prnn_gpu_info {
    char name[128];    /* "NVIDIA H100 80GB HBM3" */
    char driver[128];  /* and its version */
    uint64_t memory;   /* bytes */
    uint64_t largest;  /* of them in one block */
    int units;         /* multiprocessors */
    bool doubles;      /* numbers in fp64: for draws and norms */
    bool tensor;       /* bf16 tensor cores; without them they are emulated, for tests */
    char why_not[200]; /* it cannot be used; "": it can */
    char why_no_bf16[100];
} prnn_gpu_info;

/* What each driver has more of begins with these. */
typedef struct prnn_gpu {
    const struct prnn_gpu_driver *driver;
    prnn_gpu_info info;
} prnn_gpu;

typedef struct prnn_gpu_block prnn_gpu_block;     /* memory of a device */
typedef struct prnn_gpu_program prnn_gpu_program; /* compiled kernels */
typedef struct prnn_gpu_kernel prnn_gpu_kernel;
typedef struct prnn_gpu_tape prnn_gpu_tape; /* recorded launches */

/* An argument of a kernel: a block (size 0), or `size` bytes at `value`. */
typedef struct prnn_gpu_argument {
    const void *value;
    size_t size;
} prnn_gpu_argument;

#define PRNN_GPU_VALUE(x)                                                                                    \
    { &(x), sizeof(x) }
#define PRNN_GPU_BLOCK(block)                                                                                \
    { block, 0 }

enum { PRNN_GPU_MOST_ARGUMENTS = 12, PRNN_GPU_MOST_VALUE = 256, PRNN_GPU_MOST_DEVICES = 32 };

/* groups x * y of `items` items each. */
typedef struct prnn_gpu_launch {
    prnn_gpu_kernel *kernel;
    uint32_t x, y, items;
    int count;
    prnn_gpu_argument arguments[PRNN_GPU_MOST_ARGUMENTS];
} prnn_gpu_launch;

typedef struct prnn_gpu_driver {
    const char *name; /* "cuda", "opencl" */

    /* The devices, at most PRNN_GPU_MOST_DEVICES. */
    prnn_status (*list)(prnn_context *ctx, prnn_gpu_info *infos, int *count);

    prnn_status (*open)(prnn_context *ctx, int number, prnn_gpu **gpu);
    void (*close)(prnn_gpu *gpu);

    /* Bytes for which there is room, as far as the driver tells: in one block. */
    uint64_t (*room)(prnn_gpu *gpu);

    /* Not cleared. */
    prnn_status (*allocate)(prnn_context *ctx, prnn_gpu *gpu, size_t bytes, const char *what,
                            prnn_gpu_block **block);
    void (*release)(prnn_gpu *gpu, prnn_gpu_block *block);

    /* Bytes at .. at + bytes - 1 of a block. What is uploaded may be changed when the call returns. */
    prnn_status (*upload)(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_block *block, size_t at,
                          const void *from, size_t bytes);
    prnn_status (*download)(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_block *block, size_t at,
                            void *to, size_t bytes);

    /* All kernels for an arithmetic, from the cache if they are there. */
    prnn_status (*compile)(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_arithmetic arithmetic,
                           prnn_gpu_program **program);
    void (*forget)(prnn_gpu *gpu, prnn_gpu_program *program);

    /* A kernel lives as long as its program. */
    prnn_status (*kernel)(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_program *program, const char *name,
                          prnn_gpu_kernel **kernel);

    prnn_status (*launch)(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_launch *launch);

    /* Between these, launches are written down instead of run. */
    prnn_status (*record)(prnn_context *ctx, prnn_gpu *gpu);
    prnn_status (*recorded)(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape **tape);
    prnn_status (*replay)(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape *tape);
    void (*erase)(prnn_gpu *gpu, prnn_gpu_tape *tape);

    /* Until all is done. */
    prnn_status (*wait)(prnn_context *ctx, prnn_gpu *gpu);
} prnn_gpu_driver;

extern const prnn_gpu_driver prnn_gpu_cuda, prnn_gpu_opencl;

/* The sentence of an `allocate` that failed, and PRNN_ERROR_MEMORY. */
prnn_status prnn_gpu_no_room(prnn_context *ctx, prnn_gpu *gpu, size_t bytes, const char *what);

#endif

/* The source of the kernels, which is a part of the library (src/gpu/kernels). */
#ifndef PRNN_GPU_SOURCE_H
#define PRNN_GPU_SOURCE_H

#include "base/context.h"

typedef struct prnn_gpu_text {
    const char *name, *text;
} prnn_gpu_text;

/* All files, in no order; the last has no name. */
extern const prnn_gpu_text prnn_gpu_texts[];

/* Kinds of arithmetic, and programs for them. */
typedef enum prnn_gpu_arithmetic {
    PRNN_GPU_FP32, /* the bits of the other processors */
    PRNN_GPU_BF16  /* products of bf16 numbers on tensor cores, or their emulation */
} prnn_gpu_arithmetic;

/* The source of all kernels for a kind of arithmetic, to be given to either compiler; free with prnn_free. */
prnn_status prnn_gpu_source(prnn_context *ctx, prnn_gpu_arithmetic arithmetic, char **source);

#endif

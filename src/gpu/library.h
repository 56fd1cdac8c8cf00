/* A driver's library and its functions. */
#ifndef PRNN_GPU_LIBRARY_H
#define PRNN_GPU_LIBRARY_H

#include "base/context.h"

/* Where functions of a library go: `at` is a pointer to a function. */
typedef struct prnn_gpu_symbol {
    const char *name;
    void *at;
} prnn_gpu_symbol;

/* Opens the first of `files` that is there, for the rest of the program's life, and finds all symbols; both
 * lists end with NULL. `what` completes "... is missing": "libcuda.so.1, NVIDIA's driver". */
prnn_status prnn_gpu_library_open(prnn_context *ctx, const char *what, const char *const *files,
                                  const prnn_gpu_symbol *symbols);

#endif

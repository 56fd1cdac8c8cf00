/* Compiled programs, kept from one run to the next: $XDG_CACHE_HOME/pixelrnn or ~/.cache/pixelrnn. A cache
 * that cannot be read or written is no error: it is as if there were none. */
#ifndef PRNN_GPU_CACHE_H
#define PRNN_GPU_CACHE_H

#include "base/context.h"

/* A program is found by everything that it depends on: source, options, device, driver. */
typedef struct prnn_gpu_cache_key {
    uint64_t hash[2];
} prnn_gpu_cache_key;

prnn_gpu_cache_key prnn_gpu_cache_key_of(const char *const *texts, int count);

/* What was kept under this key, or NULL; free with prnn_free. */
uint8_t *prnn_gpu_cache_get(prnn_gpu_cache_key key, size_t *size);
void prnn_gpu_cache_put(prnn_gpu_cache_key key, const void *bytes, size_t size);

#endif

#include "bench.h"

#include "base/memory.h"

#include <stdlib.h>

float *random_numbers(prnn_context *ctx, size_t n, double scale) {
    float *x = prnn_alloc(ctx, n, sizeof *x, "numbers");
    must(ctx, x ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)((2.0 * rand() / RAND_MAX - 1) * scale);
    }
    return x;
}

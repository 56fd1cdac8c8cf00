/* x86-64 with AVX-512 (F, BW, DQ, VL): a panel is one vector, twelve rows of it in 32 registers. */
#include <stdbool.h>

static bool supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#define PRNN_NAME avx512
#define VECTOR 16
#define TILE_ROWS 12
#include "kernels/kernels_template.h"

/* x86-64 with AVX2 and FMA: six rows of two vectors, a vector of weights and a broadcast in 16 registers. */
#include <stdbool.h>

static bool supported(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define PRNN_NAME avx2
#define VECTOR 8
#define TILE_ROWS 6
#include "kernels/kernels_template.h"

/* x86-64 with AVX-512 and AVX512_BF16: products of bf16 factors summed in fp32, the rest as avx512 has it. */
#include <stdbool.h>

static bool supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bf16");
}

#define PRNN_NAME avx512bf16
#define PRNN_BF16
#define VECTOR 16
enum { ONE_PANEL_ROWS = 8, TWO_PANEL_ROWS = 8, FOUR_PANEL_ROWS = 6, CELL_ROWS = 6 };
#include "kernels/kernels_template.h"

/* x86-64 with AVX-512 (F, BW, DQ, VL): 32 registers of sixteen floats, a panel's width, up to 24 of them
 * sums. */
#include <stdbool.h>

static bool supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#define PRNN_NAME avx512
#define VECTOR 16
enum { ONE_PANEL_ROWS = 8, TWO_PANEL_ROWS = 8, FOUR_PANEL_ROWS = 6, CELL_ROWS = 6 };
#include "kernels/kernels_template.h"

/* x86-64 with AVX2 and FMA: 16 registers of eight floats, twelve of them sums. */
#include <stdbool.h>

static bool supported(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define PRNN_NAME avx2
#define VECTOR 8
enum { ONE_PANEL_ROWS = 6, TWO_PANEL_ROWS = 3, FOUR_PANEL_ROWS = 1, CELL_ROWS = 3 };
#include "kernels/kernels_template.h"

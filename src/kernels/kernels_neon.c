/* arm64: 32 registers of four floats, up to 24 of them sums. */
#include <stdbool.h>

static bool supported(void) {
    return true;
}

#define PRNN_NAME neon
#define VECTOR 4
#define TILE_ROWS 6
#define WIDE_ROWS 3
#define STRIP_ROWS 1
#define CELL_ROWS 6
#include "kernels/kernels_template.h"

/* arm64: 32 registers of four floats, up to 24 of them sums. */
#include <stdbool.h>

static bool supported(void) {
    return true;
}

#define PRNN_NAME neon
#define VECTOR 4
enum { ONE_PANEL_ROWS = 6, TWO_PANEL_ROWS = 3, FOUR_PANEL_ROWS = 1, CELL_ROWS = 6 };
#include "kernels/kernels_template.h"

/* Any processor: vectors of four floats, which compilers map to what there is. Where that is without a fused
 * multiply-add (SSE2) it takes about ten times as long as with one. */
#include <stdbool.h>

static bool supported(void) {
    return true;
}

#define PRNN_NAME generic
#define VECTOR 4
enum { ONE_PANEL_ROWS = 3, TWO_PANEL_ROWS = 1, FOUR_PANEL_ROWS = 0, CELL_ROWS = 3 };
#include "kernels/kernels_template.h"

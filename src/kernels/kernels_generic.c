/* Any processor: vectors of four floats, which compilers map to what there is. Where that is without a fused
 * multiply-add (SSE2) it takes about ten times as long as with one. */
#include <stdbool.h>

static bool supported(void) {
    return true;
}

#define PRNN_NAME generic
#define VECTOR 4
#define TILE_ROWS 3
#define WIDE_ROWS 1
#define STRIP_ROWS 0
#define CELL_ROWS 3
#include "kernels/kernels_template.h"

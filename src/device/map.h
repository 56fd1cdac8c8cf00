/* Maps: where the features of all positions of all images of a pass lie. This is their shape; their numbers
 * are in the memory of a device, and only it knows where.
 *
 * The layout is (row, column, image, feature), so a pixel of all images is one dense matrix with a row per
 * image, a stretch of a pixel row is a longer one, and the tap of a convolution is another address. Margins
 * around the image hold what a kernel sees outside it (zeros, or an initial state), so no product knows
 * borders. A map is a ring buffer of as many rows as somebody reads later: all of them in training, a few in
 * evaluation and sampling. */
#ifndef PRNN_DEVICE_MAP_H
#define PRNN_DEVICE_MAP_H

#include "kernels/features.h"

typedef struct prnn_map {
    size_t at;            /* floats per image in front of it in the memory of a pass */
    int stride;           /* columns of features */
    int width;            /* of the image */
    int top, left, right; /* margins, in rows and columns */
    int rows;             /* kept at a time, margin included; row r is in slot (r + top) % rows */
    bool exact;           /* in fp32 also where a device keeps others in bf16 */
} prnn_map;

/* The same numbers, of which row r is row r + rows of the map. */
static inline prnn_map prnn_map_shifted(const prnn_map *map, int rows) {
    prnn_map shifted = *map;
    shifted.top += rows;
    return shifted;
}

/* Rows row .. row + rows - 1; of them the columns first .. first + count - 1; and of these the features that
 * colour group `group` needs (-1: all). */
typedef struct prnn_region {
    int row, rows, first, count, group;
} prnn_region;

/* One row of a region. */
static inline prnn_region prnn_region_row(prnn_region region, int row) {
    return (prnn_region){row, 1, region.first, region.count, region.group};
}

/* Pixels (row + step * i, col + step * j). */
typedef struct prnn_lattice {
    int row, col, step;
} prnn_lattice;

#endif

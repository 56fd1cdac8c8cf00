/* Register tiles, which all products of matrices are made of: written once for all instruction sets.
 *
 * A strip of a masked matrix (kernels.h) has some panels of PRNN_PANEL columns that read the same features:
 * runs of them, the segments, each from one tap. Its packed weights are one row of vectors for each feature:
 *
 *               sources                       packed weights                results
 *        segment 0   segment 1              panel 0     panel 1
 *                                         +-----------+-----------+
 *                                         |  biases   |  biases   |
 *       +-----------+---------+           +-----------+-----------+       +-----------+-----------+
 *       |           |         |           |       segment 0       |       |           |           |
 *     m |  feature  |         |           |  feature k            |     m | tile      |           |
 *       |  k        |         |     *     |                       |   =   |           |           |
 *       |           |         |           +-----------+-----------+       |           |           |
 *       |           |         |           |       segment 1       |       |           |           |
 *       +-----------+---------+           +-----------+-----------+       +-----------+-----------+
 *
 * A slice is some columns of a strip: one, two or four panels, or one vector of each of four panels. A tile
 * is R rows of a slice that is N vectors wide. Its sums are in registers while one loop goes over all
 * features of all segments; for each it reads N vectors of weights, and of each row one number:
 *
 *                                         b[0]        b[1]       row k of the weights
 *       x: feature k of row m        | sum[0][0] | sum[0][1] |
 *          feature k of row m + 1    | sum[1][0] | sum[1][1] |   sum[i][n] += x * b[n]
 *          feature k of row m + 2    | sum[2][0] | sum[2][1] |
 *
 * R * N sums, N weights and one x have to fit the registers, and there must be enough sums in flight to hide
 * the latency of a multiply-add. How wide the tiles are does not change a bit: every sum begins with the bias
 * and goes over the features in their order.
 *
 * An instruction set's file says how many rows its tiles have, at most (no more than MOST_ROWS; 0: it has no
 * such tiles):
 * - ONE_PANEL_ROWS, TWO_PANEL_ROWS, FOUR_PANEL_ROWS: of tiles so many panels wide. Wide ones read the rows
 * less often, narrow ones the weights;
 * - CELL_ROWS: of tiles of four vectors, one of each gate of LSTM cells. */
#ifndef PRNN_KERNELS_TILE_H
#define PRNN_KERNELS_TILE_H

#include "kernels/kernels.h"

#ifdef PRNN_BF16
#include "kernels/bf16.h"
#else
#include "kernels/fp32.h"
#endif

enum {
    VECTORS = PRNN_PANEL / VECTOR, /* of a panel */
    MOST_ROWS = 8,                 /* of a tile */
    MOST_VECTORS = PRNN_STRIP * VECTORS
};

/* A tile of a slice (which the kernels describe in their own ways), from row `first` on. */
typedef void (*tile_fn)(const void *of, size_t first);

/* Tiles of one width: rows[R] has R rows. */
typedef struct tile_set {
    size_t most;      /* rows */
    uint32_t vectors; /* of a row */
    tile_fn rows[1 + MOST_ROWS];
} tile_set;

/* C has no templates: TILES(name, tile, most, N) defines a tile set out of copies of the inline
 * function tile(R, N, slice, first), one for each R. There R and N are constants, so the compiler unrolls the
 * loops over rows and vectors and keeps sum[][] in registers. */
#define TILES(name, tile, most, N)                                                                           \
    TILE(1, name, tile, most, N)                                                                             \
    TILE(2, name, tile, most, N)                                                                             \
    TILE(3, name, tile, most, N)                                                                             \
    TILE(4, name, tile, most, N)                                                                             \
    TILE(5, name, tile, most, N)                                                                             \
    TILE(6, name, tile, most, N)                                                                             \
    TILE(7, name, tile, most, N)                                                                             \
    TILE(8, name, tile, most, N)                                                                             \
    static const tile_set name = {                                                                           \
        most, N, {NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, name##_7, name##_8}};
#define TILE(R, name, tile, most, N)                                                                         \
    static void name##_##R(const void *of, size_t first) {                                                   \
        if (R <= (most)) {                                                                                   \
            tile(R, N, of, first);                                                                           \
        }                                                                                                    \
    }

/* Rows of the tile that begins where `left` rows are left: full tiles, and the last two as even as can be,
 * since a tile of one or two rows has too few independent sums in flight. */
INLINE size_t tile_rows(size_t left, size_t most) {
    return left <= most ? left : left < 2 * most ? (left + 1) / 2 : most;
}

/* Rows begin .. end - 1 of a slice. */
INLINE void for_tiles(const tile_set *set, const void *of, size_t begin, size_t end) {
    for (size_t m = begin; m < end;) {
        size_t rows = tile_rows(end - m, set->most);
        set->rows[rows](of, m);
        m += rows;
    }
}

/* Where vector n of a tile is that has `each` vectors of a panel (VECTORS or 1), if panels are so far apart.
 */
INLINE size_t vector_at(int n, int each, size_t apart) {
    return (size_t)(n / each) * apart + (size_t)(n % each) * VECTOR;
}

/* Moves a pointer. The empty statement hides from the compiler where it comes from: it would rather keep a
 * pointer for each row, and has no registers for them. */
#define STEP(pointer, by)                                                                                    \
    do {                                                                                                     \
        pointer += (by);                                                                                     \
        __asm__("" : "+r"(pointer));                                                                         \
    } while (0)

#endif

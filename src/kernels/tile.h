/* Register tiles, of which all products of matrices are made: written once for all instruction sets.
 *
 * A strip of a masked matrix (kernels.h) is some panels of PRNN_PANEL columns that read the same features:
 * runs of them, the segments, each from one tap. Each panel's weights are packed one behind the other: its
 * biases, then a row for each feature. Here with VECTOR 8, so that a panel is two vectors wide:
 *
 *                  sources                      packed weights              results
 *           segment 0   segment 1           panel 0      panel 1      panel 0      panel 1
 *                                         +----+----+  +----+----+
 *                                  biases |    |    |  |    |    |
 *                                         +----+----+  +----+----+
 *          +-----------+---------+        |    |    |  |    |    |   +----+----+  +----+----+
 *          |           |         |        |    |    |  |    |    |   |    |    |  |    |    |
 *      m   |      x[0] |         |      k |b[0]|b[1]|  |b[2]|b[3]|   | sum[0][0]  ... [0][3] |
 *      m+1 |      x[1] |         |        +----+----+  +----+----+   | sum[1][0]  ... [1][3] |
 *      m+2 |      x[2] |         |        |    |    |  |    |    |   | sum[2][0]  ... [2][3] |
 *          |           |         |        |    |    |  |    |    |   |    |    |  |    |    |
 *          +-----------+---------+        +----+----+  +----+----+   +----+----+  +----+----+
 *                  k
 *
 * A slice is some columns of a strip: one, two or four panels, or one vector of each of four panels. A tile
 * is R rows of a slice that is N vectors wide (above 3 and 4). One loop goes over all features k of all
 * segments, and does nothing but sum[i][n] += x[i] * b[n], the number x[i] in all lanes. The R * N sums stay
 * in registers, beside N vectors of weights and one of x; what comes before (the bias) and after (a ReLU,
 * LSTM cells) is done to them there too. The more sums, the less a weight or a source is read again, and
 * there must be enough of them to hide the latency of a multiply-add. No bit of a result depends on the
 * tiles: every sum goes over the features in their order.
 *
 * An instruction set's file says how many rows its tiles have at most, as its registers allow (up to
 * MOST_ROWS; 0: there are no such tiles): ONE_PANEL_ROWS, TWO_PANEL_ROWS and FOUR_PANEL_ROWS if they are so
 * many panels wide, CELL_ROWS if they are one vector of each gate of LSTM cells. */
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

/* Computes the tile that begins at row `first` of a slice, of which each kind of tile has its own
 * description. */
typedef void (*tile_fn)(const void *of, size_t first);

/* Tiles of one width: rows[R] has R rows. */
typedef struct tile_set {
    size_t most;      /* rows of a tile */
    uint32_t vectors; /* N */
    tile_fn rows[1 + MOST_ROWS];
} tile_set;

/* C has no templates: TILES(name, tile, most, N) makes the tile set `name` of copies of the inline function
 * tile(R, N, slice, first), one for each R up to `most`. In a copy R and N are constants, so the compiler
 * unrolls the loops over rows and vectors, and sum[][] becomes registers. Functions with parameters R and N
 * are meant to be called by tiles only, and are inline for that. */
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

/* How far from vector 0 of a tile is vector n: tiles have `each` vectors of a panel (all VECTORS, or 1), then
 * as many of the next one, which is `apart` floats away. */
INLINE size_t vector_at(int n, int each, size_t apart) {
    return (size_t)(n / each) * apart + (size_t)(n % each) * VECTOR;
}

/* Moves a pointer of any type. The empty statement hides from the compiler where the pointer comes from:
 * knowing it, it would keep a pointer for each row, for which there are no registers. */
#define STEP(pointer, by)                                                                                    \
    do {                                                                                                     \
        pointer += (by);                                                                                     \
        __asm__("" : "+r"(pointer));                                                                         \
    } while (0)

#endif

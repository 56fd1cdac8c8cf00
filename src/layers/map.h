/* Maps: where the features of all positions of all images of a pass lie.
 *
 * The layout is (row, column, image, feature), so a pixel of all images is one dense matrix with a row per
 * image, a stretch of a pixel row is a longer one, and the tap of a convolution is another pointer. Margins
 * around the image hold what a kernel sees outside it (zeros, or an initial state), so no product knows
 * borders. A map keeps only as many rows as somebody reads later: all of them in training, a few in
 * evaluation and sampling. */
#ifndef PRNN_LAYERS_MAP_H
#define PRNN_LAYERS_MAP_H

#include "kernels/kernels.h"

/* How the features of a map are laid out and coloured: `blocks` runs of `size` features, each run padded to
 * `stride` columns. A feature belongs to a colour group by its place in its block (SPEC "Masks"), or, for
 * the logits of a head, by its block. */
typedef struct prnn_features {
    int blocks, size, stride;
    int groups; /* C */
    bool group_by_block;
} prnn_features;

/* Blocks of the features that are gates of LSTM cells: o, f, i, g. */
#define PRNN_GATES 4

static inline int prnn_features_width(prnn_features f) {
    return f.blocks * f.stride;
}

/* Feature number of a column, or -1 for a column of padding. */
static inline int prnn_features_number(prnn_features f, int column) {
    int in_block = column % f.stride;
    return in_block < f.size ? column / f.stride * f.size + in_block : -1;
}

/* The other way: the column of a feature number. */
static inline int prnn_features_column(prnn_features f, int number) {
    return number / f.size * f.stride + number % f.size;
}

static inline int prnn_features_group(prnn_features f, int column) {
    return f.group_by_block ? column / f.stride * f.groups / f.blocks : column % f.stride * f.groups / f.size;
}

typedef struct prnn_map {
    size_t at;            /* floats per image in front of it in the memory of a pass */
    int stride;           /* columns of features */
    int width;            /* of the image */
    int top, left, right; /* margins, in rows and columns */
    int rows;             /* kept at a time, margin included; row r is in slot (r + top) % rows */
} prnn_map;

/* Rows row .. row + rows - 1; of them the columns first .. first + count - 1, all if there are several rows;
 * and of these the features that colour group `group` needs (-1: all). */
typedef struct prnn_region {
    int row, rows, first, count, group;
} prnn_region;

/* One row of a region. */
static inline prnn_region prnn_region_row(prnn_region region, int row) {
    return (prnn_region){row, 1, region.first, region.count, region.group};
}

/* One batch going through a network on one thread. */
typedef struct prnn_pass {
    const prnn_kernels *kernels;
    const float *forward;  /* packed weights */
    const float *backward; /* packed transposed weights; training only */
    float *gradient;       /* laid out like `forward`; training only */
    float *memory;         /* of the maps */
    float *scratch;        /* of products that round; else NULL */
    int images;
} prnn_pass;

/* The features of pixel (row, col) of the first image; those of the next image follow. */
static inline float *prnn_map_at(const prnn_pass *pass, const prnn_map *map, int row, int col) {
    size_t slot = (size_t)((row + map->top) % map->rows);
    size_t pixel = slot * (size_t)(map->left + map->width + map->right) + (size_t)(map->left + col);
    return pass->memory + (map->at + pixel * (size_t)map->stride) * (size_t)pass->images;
}

/* Floats in a stretch of `count` pixels. */
static inline size_t prnn_map_floats(const prnn_pass *pass, const prnn_map *map, int count) {
    return (size_t)count * (size_t)pass->images * (size_t)map->stride;
}

/* Zero around the image: the rows above it, and the columns beside it in every row that is kept. */
void prnn_map_clear_margins(const prnn_pass *pass, const prnn_map *map);

/* All zero, margins included. */
void prnn_map_clear(const prnn_pass *pass, const prnn_map *map);

/* On all features of a region, row by row: y = max(x, 0); dy = y > 0 ? dy : 0; sum = a + b; to = from. */
void prnn_map_relu(const prnn_pass *pass, prnn_region region, const prnn_map *x, const prnn_map *y);
void prnn_map_relu_gradient(const prnn_pass *pass, prnn_region region, const prnn_map *y, const prnn_map *dy);
void prnn_map_add(const prnn_pass *pass, prnn_region region, const prnn_map *a, const prnn_map *b,
                  const prnn_map *sum);
void prnn_map_copy(const prnn_pass *pass, prnn_region region, const prnn_map *from, const prnn_map *to);

/* Every pixel of a stretch gets the same features. */
void prnn_map_fill(const prnn_pass *pass, const prnn_map *map, int row, int first, int count,
                   const float *features);

/* sums[feature] += the sum over the pixels and images of a stretch. */
void prnn_map_sum(const prnn_pass *pass, const prnn_map *map, int row, int first, int count, float *sums);

#endif

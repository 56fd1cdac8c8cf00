/* The header of NumPy's .npy files. */
#ifndef PRNN_DATA_NPY_H
#define PRNN_DATA_NPY_H

#include "data/array.h"

enum { PRNN_NPY_RANK_LIMIT = 8 };

typedef struct prnn_npy {
    char type[32]; /* NumPy's descr: "|u1" */
    bool fortran_order;
    int rank; /* 0..8 */
    uint64_t shape[PRNN_NPY_RANK_LIMIT];
} prnn_npy;

/* Reads the header; the values follow in the stream. */
prnn_status prnn_npy_read_header(prnn_context *ctx, prnn_stream *s, prnn_npy *npy);

bool prnn_npy_is_uint8(const prnn_npy *npy);
bool prnn_npy_is_bool(const prnn_npy *npy);

/* Whether an array is of images beyond doubt: uint8, C order, 3 or 4 dimensions. */
bool prnn_npy_is_images(const prnn_npy *npy);
/* Or whether it can be read as some: also of bool, or of rows. */
bool prnn_npy_may_be_images(const prnn_npy *npy);

/* "(5, 28, 28)"; `to` has room for PRNN_NPY_SHAPE bytes. */
enum { PRNN_NPY_SHAPE = 22 * PRNN_NPY_RANK_LIMIT + 3 };
const char *prnn_npy_shape(const prnn_npy *npy, char *to);

/* The header of an array of images; with `planes`, also one of (n, 3 * S * S): planes of S x S. What is
 * assumed where it could be otherwise is noted once. */
prnn_status prnn_npy_read_array(prnn_builder *b, prnn_stream *s, bool planes, prnn_array *array);

/* Writes the header of uint8 (n, height, width, channels), PRNN_NPY_HEAD bytes however large n is. false,
 * with errno: the stream failed. */
enum { PRNN_NPY_HEAD = 128 };
bool prnn_npy_write_head(FILE *to, size_t n, int height, int width, int channels);

#endif

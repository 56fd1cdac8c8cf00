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

/* Whether the array is a set of images that can be read; if not, fails with the way out. */
prnn_status prnn_npy_check_images(prnn_context *ctx, const char *name, const prnn_npy *npy);

/* The header of an array of images; with `rows`, also one of (n, 3 * S * S): planes of S x S. */
prnn_status prnn_npy_read_array(prnn_context *ctx, prnn_stream *s, bool rows, prnn_array *array);

/* Writes the header of uint8 (n, height, width, channels), PRNN_NPY_HEAD bytes however large n is. false,
 * with errno: the stream failed. */
enum { PRNN_NPY_HEAD = 128 };
bool prnn_npy_write_head(FILE *to, size_t n, int height, int width, int channels);

#endif

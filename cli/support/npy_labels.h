/* One-dimensional .npy arrays of small numbers, as NumPy writes labels. */
#ifndef PIXELRNN_CLI_SUPPORT_NPY_LABELS_H
#define PIXELRNN_CLI_SUPPORT_NPY_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a file, which is no pipe, begins as a .npy does. */
bool is_npy(const char *path);

/* Reads an array (n) or (n, 1) of bool or of whole numbers: *values, to be freed, gets *n. 0 or an exit code
 * after a sentence. */
int npy_read_labels(const char *path, int64_t **values, size_t *n);

#endif

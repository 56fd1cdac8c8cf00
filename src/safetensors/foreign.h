/* Files of other formats that are often found where a safetensors file should be. */
#ifndef PRNN_SAFETENSORS_FOREIGN_H
#define PRNN_SAFETENSORS_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

/* "a Git LFS pointer, ...; run 'git lfs pull'": what a file with these bytes is, and what to do. NULL: it may
 * be safetensors, or is nothing known. */
const char *prnn_foreign_describe(const uint8_t *bytes, size_t size);

#endif

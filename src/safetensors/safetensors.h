/* The safetensors container: named arrays and string metadata in one file. Model files and training
 * checkpoints are such files; what their tensors mean is known elsewhere.
 *
 * A file is 8 bytes of header length (little-endian), a JSON object, and the bytes of all tensors without
 * gaps. The values of tensors are little-endian, as are all machines that this library is built for. */
#ifndef PRNN_SAFETENSORS_H
#define PRNN_SAFETENSORS_H

#include "base/message.h"

#include <stdio.h>

enum { PRNN_SAFETENSORS_RANK = 8 }; /* largest rank */

typedef enum prnn_dtype {
    PRNN_DTYPE_BOOL,
    PRNN_DTYPE_U8,
    PRNN_DTYPE_I8,
    PRNN_DTYPE_U16,
    PRNN_DTYPE_I16,
    PRNN_DTYPE_F16,
    PRNN_DTYPE_BF16,
    PRNN_DTYPE_U32,
    PRNN_DTYPE_I32,
    PRNN_DTYPE_F32,
    PRNN_DTYPE_U64,
    PRNN_DTYPE_I64,
    PRNN_DTYPE_F64
} prnn_dtype;

/* "F32" and so on, as in the file; bytes of one element. */
const char *prnn_dtype_name(prnn_dtype dtype);
size_t prnn_dtype_size(prnn_dtype dtype);

typedef struct prnn_safetensors_entry {
    const char *name;
    prnn_dtype dtype;
    int rank; /* 0 (one element) to PRNN_SAFETENSORS_RANK */
    size_t shape[PRNN_SAFETENSORS_RANK];
    const void *data; /* C order; aligned to 64 bytes when read */
    size_t count;     /* elements; set by reading, not looked at in writing */
    size_t bytes;     /* count * size of an element; the same */
} prnn_safetensors_entry;

typedef struct prnn_safetensors {
    size_t count;
    prnn_safetensors_entry *entries; /* in the order of their bytes in the file */
    /* The rest is the reader's own. */
    const prnn_safetensors_entry **by_name;
    struct json_t *header; /* owns the names and the metadata */
    uint8_t *data;
} prnn_safetensors;

/* Reads a whole file. Refuses whatever the format does not allow, and tensors of unknown type or of more
 * than PRNN_SAFETENSORS_RANK dimensions. Free with prnn_safetensors_free. */
prnn_status prnn_safetensors_read(prnn_context *ctx, const char *path, prnn_safetensors **st);

/* The same from `size` bytes in memory, which are not needed afterwards; `path` is for messages. */
prnn_status prnn_safetensors_parse(prnn_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                                   prnn_safetensors **st);

void prnn_safetensors_free(prnn_safetensors *st);

/* The tensor of that name; NULL if there is none. */
const prnn_safetensors_entry *prnn_safetensors_find(const prnn_safetensors *st, const char *name);

/* A value of __metadata__; NULL if there is none. */
const char *prnn_safetensors_metadata(const prnn_safetensors *st, const char *key);

/* Calls `visit` for each value of __metadata__, in their order, until one does not return PRNN_OK, which is
 * returned then. */
typedef prnn_status (*prnn_safetensors_visitor)(void *arg, const char *key, const char *value);
prnn_status prnn_safetensors_visit(const prnn_safetensors *st, prnn_safetensors_visitor visit, void *arg);

typedef struct prnn_safetensors_pair {
    const char *key, *value;
} prnn_safetensors_pair;

/* Writes `count` tensors and `metadata_count` pairs of metadata; the same arguments give the same bytes.
 * Tensors lie in the order given, except that those of wider elements come first, so that all are aligned
 * in the file. A failure leaves what was at `path`. */
prnn_status prnn_safetensors_write(prnn_context *ctx, const char *path, const prnn_safetensors_entry *entries,
                                   size_t count, const prnn_safetensors_pair *metadata,
                                   size_t metadata_count);

/* The same into a stream, which knows whether it has failed; `path` is for messages. */
prnn_status prnn_safetensors_put(prnn_context *ctx, const char *path, FILE *stream,
                                 const prnn_safetensors_entry *entries, size_t count,
                                 const prnn_safetensors_pair *metadata, size_t metadata_count);

#endif

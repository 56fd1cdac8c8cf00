/* Where the bytes of a data set come from: a file, or memory (tests, fuzzing). */
#ifndef PRNN_DATA_INPUT_H
#define PRNN_DATA_INPUT_H

#include "base/message.h"

#include <stdio.h>

typedef struct prnn_input {
    const char *name; /* the path, also for messages; owned by the caller */
    bool is_folder;   /* nothing below is set */
    uint64_t size;    /* bytes */
    const uint8_t *memory;
    FILE *file; /* NULL: the bytes are in `memory` */
    bool piped; /* the file is a copy of what came from a pipe, and has no name */
    uint64_t at;
} prnn_input;

/* Opens a file or folder; close it with prnn_input_close. */
prnn_status prnn_input_open(prnn_context *ctx, const char *path, prnn_input *input);
/* The same, or a pipe, which waits for who writes it. */
prnn_status prnn_input_open_any(prnn_context *ctx, const char *path, prnn_input *input);
prnn_input prnn_input_memory(const char *name, const uint8_t *bytes, size_t size);
void prnn_input_close(prnn_input *input);

/* Reads n bytes from `offset`; too few are PRNN_ERROR_FORMAT. */
prnn_status prnn_input_read(prnn_context *ctx, prnn_input *input, uint64_t offset, void *to, size_t n);

/* All of it, at most `limit` bytes, in memory; free *bytes with prnn_free. */
prnn_status prnn_input_take(prnn_context *ctx, prnn_input *input, size_t limit, uint8_t **bytes);

#endif

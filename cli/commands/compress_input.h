/* What is compressed: pictures of any sizes with their names, or the images of a set. */
#ifndef PIXELRNN_CLI_COMMANDS_COMPRESS_INPUT_H
#define PIXELRNN_CLI_COMMANDS_COMPRESS_INPUT_H

#include "session/session.h"
#include "support/spool.h"

typedef struct compress_input {
    session *s;
    const char *path;
    bool as_stored, skip; /* skip: what cannot be kept as it is is left out */
    const char *array;
    size_t first, limit;
    bool piped; /* then `path` is that of a copy, in `copy`, which has no name */
    char copy[SPOOL_PATH];
    prnn_listing *list; /* of pictures; else s->data has the images */
    uint64_t count;
    uint64_t file_bytes; /* of the pictures, as they were */
} compress_input;

/* All return 0 or an exit code. */

/* Looks at all that is there, before any work: what cannot be kept is refused, or left out and named. */
int compress_input_open(compress_input *input);
void compress_input_close(compress_input *input);

/* Adds all of it to an archive. */
int compress_input_add(const compress_input *input, prnn_archive_writer *writer);

#endif

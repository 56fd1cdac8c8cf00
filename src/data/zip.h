/* Zip archives, and their entries as streams. */
#ifndef PRNN_DATA_ZIP_H
#define PRNN_DATA_ZIP_H

#include "data/stream.h"

#ifdef PRNN_HAVE_LIBZIP

#include <zip.h>

/* The archive in an input; close it with zip_discard. */
prnn_status prnn_zip_open(prnn_context *ctx, const prnn_input *input, zip_t **zip);

/* What failed need not be the file: libzip passes on what the system and zlib said, and sometimes says for
 * want of memory that the file is wrong. errno was 0 before. */
prnn_status prnn_zip_fail(prnn_context *ctx, const char *name, zip_error_t *error);

/* One entry of the archive, open for reading. */
typedef struct prnn_zip_entry {
    zip_file_t *file; /* to be closed with zip_fclose unless it is NULL */
    prnn_stream stream;
    char name[512]; /* for messages */
} prnn_zip_entry;

/* Fills *e, whose file begins as NULL and which must stay where it is while it is read. */
prnn_status prnn_zip_entry_open(prnn_context *ctx, zip_t *zip, const prnn_input *input, zip_uint64_t index,
                                prnn_zip_entry *e);

#endif

#endif

/* Files read whole, and files written beside their place and renamed into it. */
#ifndef PRNN_BASE_FILE_H
#define PRNN_BASE_FILE_H

#include "base/message.h"

#include <stdio.h>
#include <sys/types.h>

/* Opens a file for reading: *file becomes a descriptor, *size its bytes. Anything else, such as a folder or a
 * pipe, is refused at once. */
prnn_status prnn_file_open(prnn_context *ctx, const char *path, int *file, uint64_t *size);

/* A whole file in memory, at most `limit` bytes (larger: PRNN_ERROR_FORMAT); free *bytes with prnn_free. */
prnn_status prnn_file_read(prnn_context *ctx, const char *path, size_t limit, uint8_t **bytes, size_t *size);

/* The same of a file, or of what comes through a pipe, which waits for who writes it. */
prnn_status prnn_file_read_any(prnn_context *ctx, const char *path, size_t limit, uint8_t **bytes,
                               size_t *size);

/* Reads n bytes from `at` on, and says how many it got: fewer, where the file ends; -1, with errno, if it
 * cannot. */
ssize_t prnn_file_read_at(int file, uint64_t at, uint8_t *to, size_t n);

/* Whether there is something at `path`; fails where nobody can tell, which is no reason to write over it. */
prnn_status prnn_file_exists(prnn_context *ctx, const char *path, bool *there);

/* Whether the last failure of a function above was the file's own: there is none, or it may not be read. Any
 * other one, such as of a disk or for want of descriptors, says nothing about the file. */
bool prnn_file_is_absent(const prnn_context *ctx);

/* A file in the making: `stream` writes to, and can read, a temporary file beside `path`. */
typedef struct prnn_file_writer {
    FILE *stream;
    char *path, *temporary;
} prnn_file_writer;

/* It has the permissions of what it is to replace. */
prnn_status prnn_file_begin(prnn_context *ctx, const char *path, prnn_file_writer *writer);

/* Fails if what was written so far could not be: long work need not go on until the end to know. */
prnn_status prnn_file_check(prnn_context *ctx, const prnn_file_writer *writer);

/* Flushes to disk, renames, and flushes the folder, where it can be; on any failure (so far, or now) removes
 * the temporary file and leaves what was at `path` as it was. Call exactly once after a successful begin. */
prnn_status prnn_file_commit(prnn_context *ctx, prnn_file_writer *writer);

/* Removes temporary files that killed processes left beside `path`. Nobody else may be writing it. */
void prnn_file_sweep(const char *path);

/* Gives up: removes the temporary file. */
void prnn_file_abandon(prnn_file_writer *writer);

#endif

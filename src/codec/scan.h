/* The chunks of a file, also of one that is damaged: what cannot be one is passed over until the next mark.
 */
#ifndef PRNN_CODEC_SCAN_H
#define PRNN_CODEC_SCAN_H

#include "codec/chunk.h"

typedef struct prnn_found_chunk {
    prnn_chunk chunk;
    uint64_t at; /* of its head in the file */
} prnn_found_chunk;

typedef struct prnn_scan {
    char *path; /* for messages */
    int file;
    uint64_t size;
    prnn_found_chunk *list; /* in the order of the file */
    size_t count, room;
    uint64_t gaps;      /* places that are no chunks, */
    uint64_t first_gap; /* and the first of them */
    uint8_t *window;    /* bytes of the file while marks are looked for: window_bytes from window_at on */
    uint64_t window_at;
    size_t window_bytes;
    uint64_t read; /* bytes that were read to know whether a chunk before a gap is damaged */
} prnn_scan;

/* Finds all chunks. PRNN_ERROR_FORMAT: there is none near the beginning, so it is no archive. Free with
 * prnn_scan_close. */
prnn_status prnn_scan_open(prnn_context *ctx, const char *path, prnn_scan *scan);
void prnn_scan_close(prnn_scan *scan);

/* The bytes of a chunk, to be freed with prnn_free. PRNN_ERROR_FORMAT: they are damaged. */
prnn_status prnn_scan_read(prnn_context *ctx, const prnn_scan *scan, const prnn_found_chunk *found,
                           uint8_t **bytes);

#endif

/* Bytes in their order, packed or not: what the formats of arrays are read from. */
#ifndef PRNN_DATA_STREAM_H
#define PRNN_DATA_STREAM_H

#include "data/input.h"

/* Deflate makes at most 1032 bytes out of one, so a packed file cannot back up more than that. */
#define PRNN_DEFLATE_RATIO 1032
/* And nothing larger than this is unpacked. */
#define PRNN_UNPACKED_LIMIT ((uint64_t)16 << 30)

typedef struct prnn_stream prnn_stream;
struct prnn_stream {
    const char *name; /* for messages */
    uint64_t left;    /* bytes that follow; if !exact, the most that can follow */
    bool exact;
    /* Reads n bytes, fewer (*got) only at the end. */
    prnn_status (*read)(prnn_context *ctx, prnn_stream *s, void *to, size_t n, size_t *got);
    /* NULL: by reading. */
    prnn_status (*skip)(prnn_context *ctx, prnn_stream *s, uint64_t n);
    void *state;
    prnn_input *input;
    uint64_t offset; /* in the input */
    bool plain;      /* the bytes are those of the input */
};

/* All of the input; nothing to close. */
prnn_stream prnn_stream_plain(prnn_input *input);

/* The input, which is a gzip file, unpacked (idx_gz.c). */
prnn_status prnn_stream_gzip(prnn_context *ctx, prnn_input *input, prnn_stream *s);
void prnn_stream_gzip_close(prnn_stream *s);

/* Exactly n bytes; an earlier end is PRNN_ERROR_FORMAT. */
prnn_status prnn_stream_read(prnn_context *ctx, prnn_stream *s, void *to, size_t n);
prnn_status prnn_stream_skip(prnn_context *ctx, prnn_stream *s, uint64_t n);

/* Fails unless the stream ends here; also lets a packed one check its checksum. */
prnn_status prnn_stream_end(prnn_context *ctx, prnn_stream *s);

#endif

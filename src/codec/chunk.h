/* An archive is a sequence of chunks (docs/compression.md). Each begins with the same mark, by which it is
 * found where what is before it is damaged, and says how long it is and what its bytes must add up to. */
#ifndef PRNN_CODEC_CHUNK_H
#define PRNN_CODEC_CHUNK_H

#include "base/message.h"

#include <stdio.h>

typedef enum prnn_chunk_type {
    PRNN_CHUNK_HEADER = 'H',    /* what all images need (header.h); number: of the version */
    PRNN_CHUNK_MODEL = 'M',     /* a model file */
    PRNN_CHUNK_DIRECTORY = 'D', /* the images of a batch (directory.h); number: of the batch, count: images */
    PRNN_CHUNK_BLOCK = 'B',     /* `count` parts of images from `first` on (parts.h) of batch `number` */
    PRNN_CHUNK_COPY = 'C',      /* header and directories once more; count: batches */
    PRNN_CHUNK_END = 'E'        /* empty; number: batches, first: blocks */
} prnn_chunk_type;

typedef enum prnn_method {
    PRNN_METHOD_DEFLATE,  /* deflate as zlib wraps it */
    PRNN_METHOD_GRADIENT, /* the same of differences to what the pixels beside and above suggest */
    PRNN_METHOD_MODEL     /* coder.h */
} prnn_method;

typedef struct prnn_chunk {
    uint8_t type, method;
    uint32_t number, first, count;
    uint32_t length;  /* bytes that follow */
    uint32_t crc;     /* of them */
    uint32_t content; /* CRC of what they mean: a block's pixels; else 0 */
} prnn_chunk;

enum { PRNN_CHUNK_BYTES = 40, PRNN_MARK_BYTES = 8 };

/* What each chunk begins with: not ASCII, and damaged by whatever changes the ends of lines. */
extern const uint8_t prnn_chunk_mark[PRNN_MARK_BYTES];

uint32_t prnn_crc32(const uint8_t *bytes, size_t n);

/* Writes a chunk and its bytes; what fails is seen when the file is committed. chunk->length and crc are set
 * here. */
void prnn_chunk_write(FILE *stream, prnn_chunk *chunk, const uint8_t *bytes, size_t n);

/* Whether these PRNN_CHUNK_BYTES are the head of a chunk. */
bool prnn_chunk_read(const uint8_t *bytes, prnn_chunk *chunk);

#endif

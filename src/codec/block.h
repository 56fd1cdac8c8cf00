/* Blocks: some parts of one shape, coded together. They are written and read on all threads. */
#ifndef PRNN_CODEC_BLOCK_H
#define PRNN_CODEC_BLOCK_H

#include "codec/chunk.h"
#include "codec/parts.h"

/* An image whose values, (h, w, c), are in memory; NULL: nobody wants them. */
typedef struct prnn_canvas {
    const prnn_record *record;
    uint8_t *values;
} prnn_canvas;

typedef struct prnn_block_of_parts {
    const prnn_part *parts; /* all alike (prnn_parts_alike) */
    size_t count;
    prnn_method method;
    uint8_t *bytes; /* what is in the file; written: free with prnn_free */
    size_t size;
    uint32_t content; /* CRC of the values of all parts */
    bool whole;       /* read: the bytes are the parts */
} prnn_block_of_parts;

/* What blocks of a batch are coded with. */
typedef struct prnn_coding {
    prnn_context *ctx;
    const prnn_header *header;
    const prnn_model *model;     /* NULL: reading blocks that no model coded */
    const prnn_colours *colours; /* of its palette, or none */
    const prnn_canvas *images;
    bool compare; /* reading: the images have values, which must be those of the blocks */
    /* Now and then, on the calling thread: `parts` more parts are done. false: stop. Unless NULL. */
    bool (*done)(void *user, size_t parts);
    void *user;
} prnn_coding;

/* Fills in bytes, size, method and content of n blocks: by the model, or as they are where that is shorter.
 * After a failure some have bytes. */
prnn_status prnn_blocks_write(const prnn_coding *coding, prnn_block_of_parts *blocks, size_t n);

/* Reads n blocks into their images, and says of each whether it is whole; of one that is not, its images keep
 * what they had. */
prnn_status prnn_blocks_read(const prnn_coding *coding, prnn_block_of_parts *blocks, size_t n);

#endif

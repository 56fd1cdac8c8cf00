/* The images of a batch as they are coded: where each is in memory, and the parts that they are cut into. */
#ifndef PRNN_CODEC_BATCH_H
#define PRNN_CODEC_BATCH_H

#include "codec/block.h"

typedef struct prnn_batch_of_images {
    prnn_canvas *images;
    size_t count;
    prnn_parts parts;
} prnn_batch_of_images;

/* Images first .. first + count - 1 have their values at `values`, one after the other; NULL: none has.
 * Records must stay. */
prnn_status prnn_batch_make(prnn_context *ctx, const prnn_directory *directory, const prnn_header *header,
                            uint8_t *values, size_t first, size_t count, prnn_batch_of_images *batch);
void prnn_batch_free(prnn_batch_of_images *batch);

#endif

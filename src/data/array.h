/* Images that lie in a stream one behind the other, behind a header that says how many there are. */
#ifndef PRNN_DATA_ARRAY_H
#define PRNN_DATA_ARRAY_H

#include "data/builder.h"
#include "data/stream.h"

/* What the header says. */
typedef struct prnn_array {
    uint64_t count, height, width, channels;
    bool planes; /* an image is `channels` planes, not pixels */
    bool truth;  /* values are not 0 (white) or 0 (black) */
} prnn_array;

/* Whether the stream holds what the header says. */
prnn_status prnn_array_check(prnn_builder *b, const prnn_stream *s, const prnn_array *a);

/* Puts images from..from+n-1 of an array that was checked and sliced. */
prnn_status prnn_array_put_part(prnn_builder *b, prnn_stream *s, const prnn_array *a, uint64_t from,
                                size_t n);

/* From check to room, and puts the wanted images; or, of a large array, notes where in the file they are. */
prnn_status prnn_array_put(prnn_builder *b, prnn_stream *s, const prnn_array *a);

#endif

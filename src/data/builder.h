/* A data set in the making: the formats hand over raw images one by one, the builder fits and stores them. */
#ifndef PRNN_DATA_BUILDER_H
#define PRNN_DATA_BUILDER_H

#include "data/stream.h"
#include "image/image.h"

struct prnn_data {
    size_t count;
    int height, width, channels, levels;
    bool draw;       /* `values` are bytes, from which prnn_data_read draws level 0 or 1 */
    uint8_t *values; /* (count, height, width, channels) levels (or bytes) */
};

typedef struct prnn_builder {
    int highest; /* byte so far */
    prnn_context *ctx;
    prnn_data_options options;
    const char *name;    /* of the data set, for messages */
    size_t first, count; /* the part of the images that is wanted */
    size_t done;
    prnn_data *data;
} prnn_builder;

/* Checks the options (NULL: defaults). */
prnn_status prnn_builder_init(prnn_builder *b, prnn_context *ctx, const char *name,
                              const prnn_data_options *options);

/* Says how many images there are; sets b->first and b->count. */
prnn_status prnn_builder_slice(prnn_builder *b, uint64_t total);

/* Adds the next of b->count images, as the file has it; the first one fixes the size of all where the
 * options do not. `name` is what it came from. */
prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image);

/* Slices and adds `count` images of height x width x channels bytes that follow in the stream. */
prnn_status prnn_builder_put_array(prnn_builder *b, prnn_stream *s, uint64_t count, uint64_t height,
                                   uint64_t width, uint64_t channels);

/* Ends the work, also after a failure: `status` says how it went so far. */
prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data);

#endif

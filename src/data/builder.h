/* A data set in the making: the formats hand over raw images one by one, the builder fits and stores them. */
#ifndef PRNN_DATA_BUILDER_H
#define PRNN_DATA_BUILDER_H

#include "base/file.h"
#include "data/set.h"
#include "data/stream.h"

typedef struct prnn_builder {
    int highest; /* byte so far */
    prnn_context *ctx;
    prnn_data_options options;
    const char *name;      /* of the data set, for messages */
    prnn_file_writer *out; /* the images go there, one after the other; NULL: into memory */
    uint8_t *one;          /* the image on its way there */
    size_t first, count;   /* the part of the images that is wanted */
    size_t done, skipped;  /* of them so far; done ones were stored */
    char reason[512];      /* why the first one was skipped */
    double began;          /* clock */
    prnn_data *data;
} prnn_builder;

/* What the header of a file says of its images. */
typedef struct prnn_array {
    uint64_t count, height, width, channels;
    bool planes; /* an image is `channels` planes, not pixels */
} prnn_array;

/* Checks the options (NULL: defaults). */
prnn_status prnn_builder_init(prnn_builder *b, prnn_context *ctx, const char *name,
                              const prnn_data_options *options);

/* Says how many images there are; sets b->first and b->count. */
prnn_status prnn_builder_slice(prnn_builder *b, uint64_t total);

/* The first image fixes the size of all where the options do not. */
prnn_status prnn_builder_begin(prnn_builder *b, const char *name, const prnn_image *image);

/* Adds the next of b->count images, as the file has it; begins with the first. `name` is what it came from.
 */
prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image);

/* The second half of that: `values` were made by prnn_data_take. */
prnn_status prnn_builder_store(prnn_builder *b, const uint8_t *values);

/* Says, by errno, that b->out could not be written. */
prnn_status prnn_builder_fail_write(prnn_builder *b);

/* Leaves the next of b->count images out, and says so. */
prnn_status prnn_builder_skip(prnn_builder *b, const char *path, const char *why);

/* Slices and adds the images that follow in the stream, or notes where in the file they are. */
prnn_status prnn_builder_put_array(prnn_builder *b, prnn_stream *s, const prnn_array *array);

/* The parts of that: whether the stream holds what the header says; and images from..from+n-1 of it. */
prnn_status prnn_builder_check_array(prnn_builder *b, const prnn_stream *s, const prnn_array *array);
prnn_status prnn_builder_put_part(prnn_builder *b, prnn_stream *s, const prnn_array *array, uint64_t from,
                                  size_t n);

/* Ends the work, also after a failure: `status` says how it went so far. */
prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data);

#endif

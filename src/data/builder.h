/* A data set in the making: the formats hand over images one by one, the builder fits and stores them. What
 * is called, in this order:
 *
 *   init               checks the options
 *   slice              hears how many images there are, and says which are wanted: b->count from b->first on
 *   shape              fixes the size of all images, from the options or from the first image
 *   room               makes room for them
 *   put, store, skip   one of these for each of the wanted images, in their order
 *   finish             (finish.h) gives the data set, or says why there is none
 *
 * The first put does shape and room by itself, if nobody has. Images that stay in their file (array.h) need
 * neither room nor put. After a failure anywhere, finish is next. */
#ifndef PRNN_DATA_BUILDER_H
#define PRNN_DATA_BUILDER_H

#include "base/file.h"
#include "data/set.h"

typedef struct prnn_builder {
    prnn_context *ctx;
    prnn_data_options options;
    const char *name;      /* of the data set, for messages */
    prnn_file_writer *out; /* set after init: the images go there, one after the other, or, where it has no
                              stream, nowhere; NULL: into memory */
    bool together;         /* set after init: all ranks decode the same pictures, each a part of a round */
    double began;          /* clock */

    size_t first, count;   /* slice: the images that are wanted */
    const size_t *numbers; /* of files: which of their folder they are; NULL: one after the other */
    prnn_data *data;       /* shape; NULL before */
    uint8_t *one;          /* room: for the image on its way to `out` */

    size_t done, skipped;            /* of the wanted images so far; done ones were stored */
    size_t transparent, paged, deep; /* of the done ones, if pictures (prnn_found) */
    char reason[512];                /* why the first one was skipped */
    int highest;                     /* byte so far */
    size_t left;                     /* skipped besides: folders */
    bool named;                      /* the images are those of options.array */
    bool from_file;                  /* a set of one value is told */
    bool piped;                      /* which has no name */
    bool noted;                      /* the caller knows what was assumed of arrays */
    prnn_colours *found; /* of a palette that is to be found: those so far, and room for those of one image */
    uint8_t renumbered[PRNN_PALETTE_MOST]; /* finish: what the numbers of colours that are written become */
    uint32_t *folders; /* of a folder of pictures: the number of that of each file; later of each image */
} prnn_builder;

/* `options` may be NULL: defaults. */
prnn_status prnn_builder_init(prnn_builder *b, prnn_context *ctx, const char *name,
                              const prnn_data_options *options);

/* `total`: images that there are. */
prnn_status prnn_builder_slice(prnn_builder *b, uint64_t total);

/* `image`: the first one, whose values are not read; `name` is what it came from. */
prnn_status prnn_builder_shape(prnn_builder *b, const char *name, const prnn_image *image);

/* For all images in memory, or for the one on its way to a file. */
prnn_status prnn_builder_room(prnn_builder *b);

/* The next image, as its file has it: checked, fitted and stored. */
prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image);

/* Where colours are to be found: `own` are those that prnn_data_take found in the next image, whose values
 * become their numbers among all so far. */
prnn_status prnn_builder_merge(prnn_builder *b, const char *name, const prnn_colours *own, uint8_t *values);

/* The next image, as prnn_data_take (and merge) made it. */
prnn_status prnn_builder_store(prnn_builder *b, const uint8_t *values);

/* Puts the colours that were found into their order: they are the set's, and b->renumbered says what the
 * numbers become that were stored. */
prnn_status prnn_builder_number(prnn_builder *b);

/* The next image is there, wherever: the caller hears how far it is. */
prnn_status prnn_builder_count(prnn_builder *b);

/* The path of the image that was stored last. */
prnn_status prnn_builder_name(prnn_builder *b, const char *path);

/* Of a set of several files: opens one, says how many images it has, and unless `before` is NULL puts those
 * of them that are wanted; *before: images of the files in front of it. */
typedef prnn_status prnn_visit_fn(prnn_builder *b, const char *path, const void *user, const uint64_t *before,
                                  uint64_t *has);

/* Slice and put, of files whose images are one set, in that order; each is visited twice. */
prnn_status prnn_builder_put_files(prnn_builder *b, char *const *paths, size_t count, prnn_visit_fn *visit,
                                   const void *user);

/* Which images are wanted next of a file that has so many, behind so many: n from number `from` of it on.
 * False: none. */
bool prnn_builder_wants(const prnn_builder *b, uint64_t before, uint64_t has, uint64_t *from, uint64_t *n);

/* The next image is left out, and the caller hears why. */
prnn_status prnn_builder_skip(prnn_builder *b, const char *path, const char *why);

/* What is none of the wanted images is left out too. */
void prnn_builder_leave(prnn_builder *b, const char *path, const char *why);

/* A sentence to the caller about how the set is read. */
void prnn_builder_note(prnn_builder *b, const char *format, ...) PRNN_PRINTF(2, 3);

/* Says, by errno, that b->out could not be written. */
prnn_status prnn_builder_fail_write(prnn_builder *b);

#endif

/* A data set that was opened: its images, in memory or in their file. */
#ifndef PRNN_DATA_SET_H
#define PRNN_DATA_SET_H

#include "data/disk.h"
#include "image/image.h"
#include "image/palette.h"

/* Where an image of a folder came from. */
typedef struct prnn_name {
    char *path;    /* malloc; NULL: of an array */
    size_t number; /* of the file in the folder */
} prnn_name;

/* Values of an image that are drawn, at most. */
#define PRNN_DRAWN_VALUES ((size_t)1 << 26)

struct prnn_data {
    size_t count, skipped, first; /* first: number of the first image in the file */
    int height, width, channels, levels;
    prnn_values scale; /* of the bytes of the file */
    prnn_fit fit;
    bool any_channels;     /* images with others than `channels` are converted */
    bool paletted;         /* levels are numbers of colours */
    prnn_colours *colours; /* of a paletted set; NULL: still to be found */
    bool one_value;        /* all values of all images, as far as is known */
    bool draw;             /* stored are bytes, from which prnn_data_read draws level 0 or 1 */
    uint8_t *values;       /* (count, height, width, channels) levels (or bytes); NULL: on disk */
    prnn_disk *disk;
    char *source;      /* last part of the path; malloc; NULL: it has none that says anything */
    prnn_name *names;  /* of the images; NULL: they have none */
    uint32_t *folders; /* of each image, the number of its folder; NULL: of none */
};

/* Bytes of an image. */
static inline size_t prnn_data_size(const prnn_data *d) {
    return (size_t)d->height * (size_t)d->width * (size_t)d->channels;
}

/* Makes what the set stores, prnn_data_size bytes, from an image as a file has it: checked, fitted, as levels
 * (or bytes). `number` is for messages; *highest becomes the largest byte, if that is larger. `to` may be the
 * image's own memory where their sizes agree. Of a paletted set whose colours are still to be found, *own
 * becomes those of the image, whose numbers `to` gets then; else it may be NULL. */
prnn_status prnn_data_take(prnn_context *ctx, const prnn_data *d, const char *name, size_t number,
                           const prnn_image *image, uint8_t *to, int *highest, prnn_colours *own);

/* PRNN_ERROR_FORMAT: with image `number` there are so many colours, too many for a palette. */
prnn_status prnn_data_fail_colours(prnn_context *ctx, const char *name, size_t number, size_t count);

/* Notes the last part of a path, but for one of /dev, which says nothing, as the set's source. */
prnn_status prnn_data_set_source(prnn_context *ctx, prnn_data *d, const char *path);

/* What is stored of image `index` < count; `to` gets prnn_data_size bytes. */
prnn_status prnn_data_stored(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to);

/* The same; *highest as above where the set is on disk, else as it was. */
prnn_status prnn_data_load(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to, int *highest);

/* Whether all values of all images are the same, as far as is known from opening it. */
bool prnn_data_has_one_value(const prnn_data *d);

/* Has the system fetch images that will be read soon, without waiting for them. */
void prnn_data_prefetch(const prnn_data *d, const uint64_t *indices, size_t n);

/* A number that other images, or another way to draw them, would hardly have too; of a set of more than 256
 * MB, of its size and of up to 1024 images spread over it. Does not depend on where the images are. */
prnn_status prnn_data_fingerprint(prnn_context *ctx, const prnn_data *d, uint64_t *print);

#endif

/* A data set that was opened: its images, in memory or in their file. */
#ifndef PRNN_DATA_SET_H
#define PRNN_DATA_SET_H

#include "image/image.h"

/* Images that stay in their file, one after the other. */
typedef struct prnn_disk {
    int file;        /* descriptor */
    char *name;      /* for messages */
    uint64_t offset; /* of the set's first image */
    size_t first;    /* its number in the file */
    int height, width, channels;
} prnn_disk;

struct prnn_data {
    size_t count, skipped;
    int height, width, channels, levels;
    prnn_values scale; /* of the bytes of the file */
    prnn_fit fit;
    bool any_channels; /* images with others than `channels` are converted */
    bool draw;         /* stored are bytes, from which prnn_data_read draws level 0 or 1 */
    uint8_t *values;   /* (count, height, width, channels) levels (or bytes); NULL: on disk */
    prnn_disk *disk;
};

/* Bytes of an image. */
static inline size_t prnn_data_size(const prnn_data *d) {
    return (size_t)d->height * (size_t)d->width * (size_t)d->channels;
}

/* Makes what the set stores, prnn_data_size bytes, from an image as a file has it: checked, fitted, as levels
 * (or bytes). `number` is for messages; *highest becomes the largest byte, if that is larger. `to` may be the
 * image's own memory where their sizes agree. */
prnn_status prnn_data_take(prnn_context *ctx, const prnn_data *d, const char *name, size_t number,
                           const prnn_image *image, uint8_t *to, int *highest);

/* What is stored of image `index` < count; `to` gets prnn_data_size bytes. */
prnn_status prnn_data_stored(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to);

/* The same of a set on disk; *highest as above. */
prnn_status prnn_disk_read(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to, int *highest);
/* Images that lie in an open file, which may be closed afterwards; to be freed with prnn_disk_free. */
prnn_status prnn_disk_open(prnn_context *ctx, const char *name, int file, uint64_t offset, prnn_disk **to);
void prnn_disk_free(prnn_disk *disk);

/* Has the system fetch images that will be read soon, without waiting for them. */
void prnn_data_prefetch(const prnn_data *d, const uint64_t *indices, size_t n);

/* A number that other images, or another way to draw them, would hardly have too; of a set of more than 256
 * MB, of its size and of up to 1024 images spread over it. Does not depend on where the images are. */
prnn_status prnn_data_fingerprint(prnn_context *ctx, const prnn_data *d, uint64_t *print);

#endif

/* Images that stay in their file, one after the other: each is read when it is asked for. The system's cache
 * holds what fits, and the process nothing. */
#ifndef PRNN_DATA_DISK_H
#define PRNN_DATA_DISK_H

#include "base/message.h"

typedef struct prnn_disk {
    int file;        /* descriptor */
    char *name;      /* for messages */
    uint64_t offset; /* of the first image */
    size_t first;    /* its number in the file */
    int height, width, channels;
    uint64_t *order; /* image i is the order[i]-th of these; NULL: the i-th */
    size_t ordered;  /* length of `order` */
} prnn_disk;

/* The images that `where` describes, but for its name and an order, in an open file, which may be closed
 * afterwards. Free with prnn_disk_free. */
prnn_status prnn_disk_open(prnn_context *ctx, const prnn_disk *where, const char *name, prnn_disk **to);
void prnn_disk_free(prnn_disk *disk);

/* The same images from number `first` on. */
prnn_status prnn_disk_rest(prnn_context *ctx, const prnn_disk *disk, size_t first, prnn_disk **rest);

/* Puts them into another order, `n` numbers that become the set's (prnn_free). */
void prnn_disk_reorder(prnn_disk *disk, uint64_t *order, size_t n);

/* The number in the file of image `index`. */
size_t prnn_disk_number(const prnn_disk *disk, size_t index);

/* Bytes of an image. */
size_t prnn_disk_size(const prnn_disk *disk);

/* Image `index`, as the file has it; `to` gets prnn_disk_size bytes. */
prnn_status prnn_disk_read(prnn_context *ctx, const prnn_disk *disk, size_t index, uint8_t *to);

/* Has the system fetch images that will be read soon, without waiting for them. */
void prnn_disk_prefetch(const prnn_disk *disk, const uint64_t *indices, size_t n);

#endif

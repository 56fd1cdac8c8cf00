/* The images of a batch: what is known of them but their pixels. A batch is what a writer holds in memory,
 * and what a reader decodes, at a time. */
#ifndef PRNN_CODEC_DIRECTORY_H
#define PRNN_CODEC_DIRECTORY_H

#include "image/palette.h"

/* How the values of an image are levels of the model. */
typedef enum prnn_how {
    PRNN_HOW_STORED, /* they are not: no part of it is coded by the model */
    PRNN_HOW_LEVELS, /* they are the levels */
    PRNN_HOW_SPREAD, /* level k is the value round(255 k / (K - 1)) */
    PRNN_HOW_COLOURS /* level k is colour k of the model's palette: one for all colours of a pixel */
} prnn_how;

/* `run` images alike, one after the other. */
typedef struct prnn_record {
    uint32_t run, first;         /* first: number of the first one in its batch */
    int height, width, channels; /* 1: grey, 2: grey and alpha, 3: R, G, B, 4: and alpha */
    prnn_how how;
    uint32_t palette; /* PRNN_HOW_COLOURS: prnn_palette_checksum of it; else 0 */
    const char *name; /* of a run of 1; "": none */
} prnn_record;

typedef struct prnn_directory {
    prnn_record *list;
    size_t count, images;
    uint8_t *text; /* where a directory that was read has its names; NULL: elsewhere */
} prnn_directory;

/* Limits of a batch: images; bytes of its values, unless it is one image. */
enum { PRNN_BATCH_IMAGES = 1 << 16, PRNN_BATCH_BYTES = 32 << 20, PRNN_NAME_BYTES = 4096 };

/* Bytes of the values of an image of a record. */
static inline size_t prnn_record_bytes(const prnn_record *record) {
    return (size_t)record->height * (size_t)record->width * (size_t)record->channels;
}

/* The record of image i of a directory that was read. */
const prnn_record *prnn_directory_find(const prnn_directory *directory, size_t i);

/* By which a record names the palette that its images are coded by. */
uint32_t prnn_palette_checksum(const prnn_palette *palette);

/* What a record says of an image, which a model of K levels may have coded. */
prnn_archive_image prnn_record_describe(const prnn_record *record, int levels);

/* Whether a name can be that of a file below a folder: no part of the path is empty, "." or "..", none begins
 * with "/", and it is not too long. */
bool prnn_name_is_safe(const char *name);

/* The directory as bytes, compressed; free with prnn_free. */
prnn_status prnn_directory_pack(prnn_context *ctx, const prnn_directory *directory, uint8_t **bytes,
                                size_t *n);

/* The other way. `images`: as many are to be in it. PRNN_ERROR_FORMAT: the bytes are no directory. */
prnn_status prnn_directory_unpack(prnn_context *ctx, const uint8_t *bytes, size_t n, size_t images,
                                  prnn_directory *directory);
void prnn_directory_free(prnn_directory *directory);

#endif

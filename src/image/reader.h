/* The readers of picture files: one file each, and a line in the table in picture.c. */
#ifndef PRNN_IMAGE_READER_H
#define PRNN_IMAGE_READER_H

#include "image/image.h"

/* A picture as its file holds it. */
typedef struct prnn_picture {
    prnn_image image; /* channels 1 or 3, or 2 or 4, whose last one is alpha: 255 is opaque */
    int orientation;  /* orientation.h */
    bool more_pages;  /* after this one */
    bool deep;        /* samples had more than 8 bits, of which the high ones were kept */
} prnn_picture;

/* Fills *picture, which has no image and orientation 1, from the `size` bytes of a file of its kind;
 * `name` is for messages. Checks the picture's size (prnn_picture_check_size) and takes out
 * of the budget, once, all that the pixels, the decoder and the file need, and what turning the picture
 * without alpha takes (prnn_turn_bytes). After a failure the caller frees the image. */
typedef prnn_status (*prnn_picture_decoder)(prnn_context *ctx, const char *name, const uint8_t *bytes,
                                            size_t size, prnn_picture *picture);

/* Any colour type and bit depth: grey ones give 1 channel, all others 3, and alpha or tRNS one more. Samples
 * of 16 bits keep their high byte, those of 1, 2 and 4 bits are spread over 0..255. Refuses sizes that so
 * short a file cannot hold. Of an animation the picture that a reader without animations finds. */
prnn_status prnn_png_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                            prnn_picture *picture);

/* Grey gives 1 channel, all other colour spaces 3 (CMYK is taken as Adobe writes it, inverted). A file of
 * which not all is decoded is refused. */
prnn_status prnn_jpeg_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture);

/* 3 channels, or 4. An animation is refused. */
prnn_status prnn_webp_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture);

/* Grey and RGB of 8 or 16 bits, of which the high byte is kept, and palettes, with alpha or without; grey
 * also of 1, 2 and 4 bits, spread over 0..255. Refuses other samples, colours and compressions, and sizes
 * that so short a file cannot hold. The first page. */
prnn_status prnn_tiff_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture);

#endif

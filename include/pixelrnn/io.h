/* pixelrnn/io.h - files beside those of models and data sets: pictures, arrays and masks; and how long they
 * would be.
 *
 * The conventions are those of pixelrnn.h. Whoever reads and writes images by other means does without it.
 */
#ifndef PIXELRNN_IO_H
#define PIXELRNN_IO_H

#include <pixelrnn/pixelrnn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes `count` images as one PNG contact sheet of `columns` columns (0: about square), a gap of one
 * pixel between them (none around one single image). Level k is shown as round(255 k / (levels - 1)). */
PRNN_API prnn_status prnn_write_png(prnn_context *ctx, const char *path, const uint8_t *images, size_t count,
                                    int height, int width, int channels, int levels, int columns);

/* The same of images of one channel, whose levels are numbers of colours, as a PNG with this palette. */
PRNN_API prnn_status prnn_write_palette_png(prnn_context *ctx, const char *path, const uint8_t *images,
                                            size_t count, int height, int width, const prnn_palette *palette,
                                            int columns);

/* A palette as a text file: a word rrggbb (# before it is fine) for each colour, in the order of levels,
 * separated by spaces or line ends: what collections of palettes call .hex. It is written a line a colour. */
PRNN_API prnn_status prnn_read_palette(prnn_context *ctx, const char *path, prnn_palette *palette);
PRNN_API prnn_status prnn_write_palette(prnn_context *ctx, const char *path, const prnn_palette *palette);

/* Formats of pictures that lose nothing. */
typedef enum prnn_lossless { PRNN_LOSSLESS_PNG, PRNN_LOSSLESS_WEBP } prnn_lossless;

/* bytes[i]: how long a file of image i alone is, of `count` images (count, height, width, channels), with
 * levels shown as prnn_write_png does. Nothing is written. All threads (and ranks); the numbers do not depend
 * on how many. They are the work of zlib and libspng, or of libwebp: where these have the same version and
 * build, they are the same. PRNN_ERROR_ARGUMENT also for WebP where the library was built without it. */
PRNN_API prnn_status prnn_compressed_bytes(prnn_context *ctx, prnn_lossless format, const uint8_t *images,
                                           size_t count, int height, int width, int channels, int levels,
                                           size_t *bytes);

/* A picture as it is: no channel more or less, and nothing composited. */
typedef struct prnn_pixels {
    uint8_t *values; /* (height, width, channels) */
    int height, width;
    int channels;    /* 1: grey, 2: grey and alpha, 3: R, G, B, 4: and alpha; alpha 255 is opaque */
    bool deep;       /* its samples have more than 8 bits, of which the values are the high ones */
    bool more_pages; /* its file holds more pictures, which were not read */
} prnn_pixels;

/* Reads a picture of any kind that data sets read, turned as its EXIF orientation says unless `as_stored`.
 * Free with prnn_pixels_free, also after a failure. */
PRNN_API prnn_status prnn_read_picture(prnn_context *ctx, const char *path, bool as_stored,
                                       prnn_pixels *pixels);
PRNN_API void prnn_pixels_free(prnn_pixels *pixels);

/* Writes values (height, width, channels), 1 to 4 channels as above, as a PNG of 8 bits. */
PRNN_API prnn_status prnn_write_picture(prnn_context *ctx, const char *path, const uint8_t *values,
                                        int height, int width, int channels);

typedef enum prnn_type { PRNN_U8, PRNN_F32, PRNN_F64 } prnn_type;

/* Writes a .npy array of rank 1..8 in C order. */
PRNN_API prnn_status prnn_write_npy(prnn_context *ctx, const char *path, prnn_type type, int rank,
                                    const size_t *shape, const void *values);

/* Reads a mask of height x width: a picture (a pixel of at least 128 is known) or a .npy of uint8 or bool,
 * (H, W), not 0 is known. Of a transparent picture whose visible pixels all have one colour the alpha is the
 * mask; another one is composited over black. `known` gets height * width bytes, 0 or 1. A pipe is read too.
 */
PRNN_API prnn_status prnn_read_mask(prnn_context *ctx, const char *path, int height, int width,
                                    uint8_t *known);

#ifdef __cplusplus
}
#endif

#endif

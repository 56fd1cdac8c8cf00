/* Pictures: PNG and JPEG files to uint8, PNG from it, fitting to a size, and contact sheets. */
#ifndef PRNN_IMAGE_IMAGE_H
#define PRNN_IMAGE_IMAGE_H

#include "base/message.h"

/* (height, width, channels) bytes, channels (1: grey, 3: R, G, B) fastest. */
typedef struct prnn_image {
    int height, width, channels;
    uint8_t *values;
} prnn_image;

/* Frees the values of an image that came from a function below that says so. */
void prnn_image_free(prnn_image *image);

/* The picture in `size` bytes of a PNG file; `name` is for messages. Any colour type and bit depth: grey
 * ones give 1 channel, all others 3. Alpha is dropped (not composited: a data set must not depend on a
 * background that nobody chose), samples of 16 bits keep their high byte, those of 1, 2 and 4 bits are
 * spread over 0..255. Refuses sides beyond 32768, more than 2^28 pixels, and sizes that so short a file
 * cannot hold. Free image->values with prnn_image_free. */
prnn_status prnn_png_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                            prnn_image *image);

/* The same for a file. */
prnn_status prnn_png_read(prnn_context *ctx, const char *path, prnn_image *image);

bool prnn_is_png(const uint8_t *head, size_t size);
bool prnn_is_jpeg(const uint8_t *head, size_t size);

/* A JPEG file: grey gives 1 channel, all other colour spaces 3 (CMYK is taken as Adobe writes it, inverted).
 * The limits are those of PNG; a file of which not
 * all is decoded is refused, and without libturbojpeg every one. */
prnn_status prnn_jpeg_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_image *image);

/* A PNG or JPEG file, told by the content. Both are turned as their EXIF says (orientation.h). */
prnn_status prnn_picture_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                prnn_image *image);
prnn_status prnn_picture_read(prnn_context *ctx, const char *path, prnn_image *image);

/* Limits of what is decoded: bytes of a file, pixels a side and in all. */
#define PRNN_PICTURE_BYTES ((size_t)1 << 30)
enum { PRNN_PICTURE_SIDE = 32768, PRNN_PICTURE_PIXELS = 1 << 28 };

/* Refuses a picture beyond these limits. */
prnn_status prnn_picture_check_size(prnn_context *ctx, const char *name, uint32_t height, uint32_t width);

/* Fills `values` with row `row`, width * channels bytes. */
typedef void (*prnn_png_row)(void *arg, uint32_t row, uint8_t *values);

/* Writes an 8-bit PNG (grey for 1 channel, RGB for 3), asking for its rows from the top. A failure leaves
 * what was at `path`. */
prnn_status prnn_png_write(prnn_context *ctx, const char *path, uint32_t height, uint32_t width, int channels,
                           prnn_png_row row, void *arg);

/* Copies `from` into the values of `to`, whose height, width and channels say what is wanted:
 *   size      PRNN_FIT_EXACT: another size is an error; PRNN_FIT_CROP: the centre, a smaller one is an
 *             error; PRNN_FIT_RESIZE: the largest centred rectangle of the target's shape, averaged by area
 *             and rounded to nearest, in integers; PRNN_FIT_SUBSAMPLE: pixel (i, j) is the source's
 *             (i n, j n), another size than n times the target's is an error
 *   channels  then 3 to 1: (299 R + 587 G + 114 B) / 1000, to nearest; 1 to 3: repeated
 * `name` is for messages. */
prnn_status prnn_image_fit(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                           prnn_image *to);

#endif

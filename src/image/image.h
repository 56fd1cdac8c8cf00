/* Pictures: files of several kinds to uint8, PNG from it, fitting to a size, and contact sheets. */
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

/* How pictures are read. */
typedef struct prnn_look {
    prnn_alpha alpha;
    uint8_t background[3]; /* R, G, B */
    bool as_stored;        /* not turned as EXIF says (orientation.h) */
    bool keep_alpha;       /* as a last channel, the 2nd or 4th, where there is some */
} prnn_look;

/* What its values do not show of a picture. */
typedef struct prnn_found {
    bool transparent; /* a pixel is not opaque */
    bool more_pages;  /* its file holds more pictures, which were not read */
    bool deep;        /* its samples had more than 8 bits, of which the high ones were kept */
} prnn_found;

/* The picture in `size` bytes of a file of any kind in reader.h, told by the content; `name` is for messages.
 * `look` NULL: over black, and turned. Refuses sides beyond 32768, more than 2^28 pixels, and what a build
 * without its library cannot read. Free image->values with prnn_image_free. `found` may be NULL. */
prnn_status prnn_picture_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                const prnn_look *look, prnn_image *image, prnn_found *found);

/* The same for a file. */
prnn_status prnn_picture_read(prnn_context *ctx, const char *path, const prnn_look *look, prnn_image *image,
                              prnn_found *found);

/* Whether the first bytes of a file, up to 16, are those of a picture of one of these kinds. */
bool prnn_is_picture(const uint8_t *head, size_t size);

/* Limits of what is decoded: bytes of a file, pixels a side and in all. */
#define PRNN_PICTURE_BYTES ((size_t)1 << 30)
enum { PRNN_PICTURE_SIDE = 32768, PRNN_PICTURE_PIXELS = 1 << 28 };

/* Refuses a picture beyond these limits. */
prnn_status prnn_picture_check_size(prnn_context *ctx, const char *name, uint32_t height, uint32_t width);

/* Replaces what is no printable ASCII in a decoder's words, which may hold what a file holds. */
void prnn_printable(char *words);

/* Fills `values` with row `row`, width * channels bytes. */
typedef void (*prnn_png_row)(void *arg, uint32_t row, uint8_t *values);

/* Writes an 8-bit PNG (grey for 1 channel, RGB for 3, each with alpha for one more), asking for its rows from
 * the top. With `palette` (NULL: none), the values of 1 channel are numbers of its colours. A failure leaves
 * what was at `path`. */
prnn_status prnn_png_write(prnn_context *ctx, const char *path, uint32_t height, uint32_t width, int channels,
                           const prnn_palette *palette, prnn_png_row row, void *arg);

/* How long a PNG of an image is, or a lossless WebP, all of whose channels are 3; 0: there is no memory. On
 * any thread. */
size_t prnn_png_bytes(const prnn_image *image);
size_t prnn_webp_bytes(const prnn_image *image);

/* shown[k]: the byte that level k of `levels` is shown as, round(255 k / (levels - 1)). */
static inline void prnn_shown_levels(int levels, uint8_t shown[256]) {
    for (int k = 0; k < levels; k++) {
        shown[k] = (uint8_t)((2 * 255 * k + levels - 1) / (2 * (levels - 1)));
    }
}

/* Of R, G, B: (299 R + 587 G + 114 B) / 1000, to nearest. */
static inline uint8_t prnn_luma(const uint8_t *colour) {
    return (uint8_t)((299 * colour[0] + 587 * colour[1] + 114 * colour[2] + 500) / 1000);
}

/* Copies `from` into the values of `to`, whose height, width and channels say what is wanted:
 *   size      PRNN_FIT_EXACT: another size is an error; PRNN_FIT_CROP: the centre, a smaller one is an
 *             error; PRNN_FIT_RESIZE: the largest centred rectangle of the target's shape, averaged by area
 *             and rounded to nearest, in integers; PRNN_FIT_SUBSAMPLE: pixel (i, j) is the source's
 *             (i n, j n), another size than n times the target's is an error
 *   channels  then 3 to 1: luma; 1 to 3: repeated
 * `name` is for messages. */
prnn_status prnn_image_fit(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                           prnn_image *to);

/* Which pixels of an image a fit that mixes none takes: pixel (i, j) is (top + i step, left + j step). */
typedef struct prnn_grid {
    int top, left, step;
} prnn_grid;

/* The same of `height` x `width` pixels, by another fit than PRNN_FIT_RESIZE; values are not looked at. */
prnn_status prnn_image_grid(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                            int height, int width, prnn_grid *grid);

#endif

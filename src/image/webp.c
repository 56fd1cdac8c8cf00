/* WebP through libwebp, which returns errors: still pictures. */
#include "image/reader.h"

#ifdef PRNN_HAVE_WEBP

#include "base/budget.h"
#include "base/memory.h"
#include "base/try.h"
#include "image/orientation.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/encode.h>

static prnn_status refuse(prnn_context *ctx, const char *name, VP8StatusCode code) {
    static const char *const words[] = {"no error",        "no memory", "wrong argument", "damaged",
                                        "no such feature", "suspended", "stopped",        "cut off"};
    if (code == VP8_STATUS_OUT_OF_MEMORY) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it", name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid WebP file (%s)", name,
                     (size_t)code < sizeof words / sizeof *words ? words[code] : "unknown");
}

/* As the file, which begins as a WebP should, notes it in a chunk of its container. */
static int orientation_of(const uint8_t *p, size_t n) {
    enum { HEAD = 8 };
    size_t bytes;
    for (size_t at = 12; at < n && n - at >= HEAD; at += HEAD + bytes + bytes % 2) {
        const uint8_t *size = p + at + 4;
        bytes = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
        if (bytes > n - at - HEAD) {
            break;
        }
        if (memcmp(p + at, "EXIF", 4) == 0) {
            return prnn_exif_orientation(p + at + HEAD, bytes);
        }
    }
    return 1;
}

/* What libwebp takes beside the pixels it returns: at most a megabyte for some rows of them. Lossless
 * pictures, and alpha, are decoded in 4 bytes a pixel, with up to three images of a 16th of the size, and
 * alpha in a plane more. A group of Huffman codes takes 6 KB; a square of 4 x 4 pixels can have its own,
 * which is 20 bits in the file at least. */
static size_t working_bytes(const WebPBitstreamFeatures *has, size_t pixels, size_t file_size) {
    enum { LOSSY = 1, GROUPS = 65536, GROUP_BYTES = 6 << 10, ROWS = 1 << 20 };
    if (has->format == LOSSY && !has->has_alpha) {
        return ROWS;
    }
    size_t groups = pixels / 16 < GROUPS ? pixels / 16 + 1 : GROUPS;
    groups = groups < file_size / 5 * 2 + 1 ? groups : file_size / 5 * 2 + 1;
    return 6 * pixels + groups * GROUP_BYTES + ROWS;
}

static VP8StatusCode decode(const uint8_t *bytes, size_t size, const prnn_image *image) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return VP8_STATUS_INVALID_PARAM;
    }
    size_t row = (size_t)image->width * (size_t)image->channels;
    config.output.colorspace = image->channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->values;
    config.output.u.RGBA.stride = (int)row;
    config.output.u.RGBA.size = row * (size_t)image->height;
    VP8StatusCode code = WebPDecode(bytes, size, &config);
    WebPFreeDecBuffer(&config.output);
    return code;
}

/* Where libwebp finds no memory, it mostly says that the file is damaged: so a failure has to show twice, the
 * second time while memory is there. */
static VP8StatusCode decode_surely(const uint8_t *bytes, size_t size, size_t working,
                                   const prnn_image *image) {
    VP8StatusCode code = decode(bytes, size, image);
    if (code == VP8_STATUS_OK) {
        return code;
    }
    void *room = malloc(working);
    if (!room) {
        return VP8_STATUS_OUT_OF_MEMORY;
    }
    free(room);
    return decode(bytes, size, image);
}

prnn_status prnn_webp_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture) {
    WebPBitstreamFeatures has;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &has);
    prnn_status status;
    if (code != VP8_STATUS_OK) {
        return refuse(ctx, name, code);
    }
    if (has.has_animation) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: is an animation, and still pictures are read: save one of its "
                         "frames",
                         name);
    }
    prnn_image *image = &picture->image;
    *image = (prnn_image){has.height, has.width, has.has_alpha ? 4 : 3, NULL};
    size_t pixels = (size_t)has.height * (size_t)has.width, working = working_bytes(&has, pixels, size);
    picture->orientation = orientation_of(bytes, size);
    TRY(prnn_picture_check_size(ctx, name, (uint32_t)has.height, (uint32_t)has.width));
    TRY(prnn_budget_take(ctx,
                         pixels * (size_t)image->channels + working +
                             prnn_turn_bytes(3 * pixels, picture->orientation) + size,
                         name));
    image->values = prnn_alloc_raw(ctx, pixels, (size_t)image->channels, name);
    if (!image->values) {
        return PRNN_ERROR_MEMORY;
    }
    code = decode_surely(bytes, size, working, image);
    status = code == VP8_STATUS_OK ? PRNN_OK : refuse(ctx, name, code);
done:
    return status;
}

size_t prnn_webp_bytes(const prnn_image *image) {
    uint8_t *file = NULL;
    size_t length =
        WebPEncodeLosslessRGB(image->values, image->width, image->height, 3 * image->width, &file);
    WebPFree(file);
    return length;
}

#else

size_t prnn_webp_bytes(const prnn_image *image) {
    (void)image;
    return 0;
}

#endif

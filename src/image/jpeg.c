/* JPEG through libturbojpeg, which returns errors. */
#include "image/image.h"

#ifndef PRNN_HAVE_TURBOJPEG

prnn_status prnn_jpeg_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_image *image) {
    (void)bytes;
    (void)size;
    *image = (prnn_image){0};
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: this build of pixelrnn has no libturbojpeg and reads no JPEG: convert it to PNG, or "
        "build with libturbojpeg",
        name);
}

#else

#include "base/budget.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

/* A block of 8 x 8 pixels takes at least one bit; twice that is let pass. */
enum { PIXELS_PER_BYTE = 1024 };

/* A file can ask for thousands of passes over the picture; LIMITSCANS allows 500. What is wrong with a file
 * (it is cut off, say) is but a warning, after which the rest of the picture would be grey. */
enum { FLAGS = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS };

/* TurboJPEG tells want of memory by its words alone: these are its own, and those of the libjpeg inside it.
 * They are in no catalogue, so they are the same in every language. */
static bool is_memory(const char *why) {
    static const char *const words[] = {"Insufficient memory", "Memory allocation failure",
                                        "Memory limit exceeded"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(why, words[i])) {
            return true;
        }
    }
    return false;
}

static prnn_status refuse(prnn_context *ctx, const char *name, tjhandle jpeg) {
    char why[256]; /* the decoder's words may hold what the file holds */
    snprintf(why, sizeof why, "%s", tjGetErrorStr2(jpeg));
    if (is_memory(why)) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it (%s)", name, why);
    }
    for (char *p = why; *p; p++) {
        *p = *p < ' ' || *p > '~' ? '?' : *p;
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid JPEG file (%s)", name, why);
}

/* CMYK as Adobe writes it, 255 for no ink, to R, G, B in the same memory. */
static void from_cmyk(uint8_t *values, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) {
        const unsigned black = values[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            values[3 * i + c] = (uint8_t)((values[4 * i + c] * black + 127) / 255);
        }
    }
}

/* Whether the file, which begins as a JPEG should, has the picture in several scans: libjpeg then keeps the
 * coefficients of all of it. */
static bool has_scans(const uint8_t *p, size_t n) {
    enum { FIRST_FRAME = 0xc0, LAST_FRAME = 0xcf, HUFFMAN = 0xc4, ARITHMETIC = 0xcc, SCAN = 0xda };
    int components = 0;
    for (size_t at = 2; at + 10 < n; at++) {
        int marker = p[at] == 0xff ? p[at + 1] : 0;
        bool alone = marker == 0 || marker == 1 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd8);
        if (alone) {
            continue;
        }
        if (marker == SCAN) {
            return p[at + 4] < components;
        }
        if (marker >= FIRST_FRAME && marker <= LAST_FRAME && marker != HUFFMAN && marker != ARITHMETIC) {
            if (marker % 4 == 2) { /* progressive */
                return true;
            }
            components = p[at + 9];
        }
        at += 1 + (size_t)(p[at + 2] << 8 | p[at + 3]);
    }
    return false;
}

/* Bytes that libjpeg takes beside the pixels it returns, but for some rows: a coefficient has two. */
static size_t coefficient_bytes(const prnn_image *image, int sampling, int space) {
    bool four = space == TJCS_CMYK || space == TJCS_YCCK;
    return 2 * (four ? 4 * (size_t)image->height * (size_t)image->width
                     : (size_t)tjBufSizeYUV2(image->width, 1, image->height, sampling));
}

static prnn_status decode_pixels(prnn_context *ctx, const char *name, tjhandle jpeg, const uint8_t *bytes,
                                 size_t size, int sampling, int space, prnn_image *image) {
    bool grey = space == TJCS_GRAY, cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
    int format = grey ? TJPF_GRAY : cmyk ? TJPF_CMYK : TJPF_RGB;
    size_t pixels = (size_t)image->height * (size_t)image->width;
    size_t more = has_scans(bytes, size) ? coefficient_bytes(image, sampling, space) : 0;
    image->channels = grey ? 1 : 3;
    prnn_status status = prnn_budget_take(ctx, pixels * (size_t)tjPixelSize[format] + more + size, name);
    if (status != PRNN_OK) {
        return status;
    }
    image->values = prnn_alloc_raw(ctx, pixels, (size_t)tjPixelSize[format], name);
    if (!image->values) {
        return PRNN_ERROR_MEMORY;
    }
    if (tjDecompress2(jpeg, bytes, size, image->values, image->width, 0, image->height, format, FLAGS) != 0) {
        return refuse(ctx, name, jpeg);
    }
    if (cmyk) {
        from_cmyk(image->values, pixels);
    }
    return PRNN_OK;
}

static prnn_status decode(prnn_context *ctx, const char *name, tjhandle jpeg, const uint8_t *bytes,
                          size_t size, prnn_image *image) {
    int sampling, space;
    if (tjDecompressHeader3(jpeg, bytes, size, &image->width, &image->height, &sampling, &space) != 0 ||
        image->width < 1 || image->height < 1) {
        return refuse(ctx, name, jpeg);
    }
    prnn_status status = prnn_picture_check_size(ctx, name, (uint32_t)image->height, (uint32_t)image->width);
    if (status != PRNN_OK) {
        return status;
    }
    if ((uint64_t)image->height * (uint64_t)image->width > (uint64_t)size * PIXELS_PER_BYTE) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: its header says %dx%d pixels (height x width), which its %zu bytes cannot hold",
                         name, image->height, image->width, size);
    }
    return decode_pixels(ctx, name, jpeg, bytes, size, sampling, space, image);
}

prnn_status prnn_jpeg_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_image *image) {
    *image = (prnn_image){0};
    tjhandle jpeg = tjInitDecompress();
    if (!jpeg) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it", name);
    }
    prnn_status status = decode(ctx, name, jpeg, bytes, size, image);
    tjDestroy(jpeg);
    if (status != PRNN_OK) {
        prnn_image_free(image);
    }
    return status;
}

#endif

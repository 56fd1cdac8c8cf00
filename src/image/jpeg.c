/* JPEG through libturbojpeg, which returns errors. */
#include "image/reader.h"

#ifdef PRNN_HAVE_TURBOJPEG

#include "base/budget.h"
#include "base/memory.h"
#include "image/jpeg_markers.h"
#include "image/orientation.h"

#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

/* A block of 8 x 8 pixels takes at least one bit; twice that is let pass. */
enum { PIXELS_PER_BYTE = 1024 };

/* A file can ask for thousands of passes over the picture; LIMITSCANS allows 500. */
enum { FLAGS = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS };

/* What is decoded: the bytes of a file, or a mended copy that is in memory beside them. */
typedef struct source {
    const uint8_t *bytes;
    size_t size, memory; /* all that the file takes */
    bool mended, restarts;
    int orientation;
} source;

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
    char why[256];
    snprintf(why, sizeof why, "%s", tjGetErrorStr2(jpeg));
    if (is_memory(why)) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it (%s)", name, why);
    }
    prnn_printable(why);
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

/* Bytes that libjpeg takes beside the pixels it returns, but for some rows: a coefficient has two. */
static size_t coefficient_bytes(const prnn_image *image, int sampling, int space) {
    bool four = space == TJCS_CMYK || space == TJCS_YCCK;
    return 2 * (four ? 4 * (size_t)image->height * (size_t)image->width
                     : (size_t)tjBufSizeYUV2(image->width, 1, image->height, sampling));
}

/* libjpeg only warns of damage, and fills in what it could not decode; it warns as well of what harms no
 * pixel, and keeps the words of its first warning alone. So every warning stops a file, which is then mended
 * of the harmless ones and decoded once more, where any that is left is damage. But bytes between the last
 * block and the end show only when all blocks are decoded; with restart markers the same words may mean that
 * a part is missing. */
static bool is_harmless(const source *from, tjhandle jpeg) {
    return from->mended && !from->restarts && tjGetErrorCode(jpeg) == TJERR_WARNING &&
           strstr(tjGetErrorStr2(jpeg), "extraneous bytes before marker 0xd9");
}

static prnn_status decode_pixels(prnn_context *ctx, const char *name, tjhandle jpeg, const source *from,
                                 int sampling, int space, prnn_image *image) {
    bool grey = space == TJCS_GRAY, cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
    int format = grey ? TJPF_GRAY : cmyk ? TJPF_CMYK : TJPF_RGB;
    size_t pixels = (size_t)image->height * (size_t)image->width;
    size_t more =
        prnn_jpeg_has_scans(from->bytes, from->size) ? coefficient_bytes(image, sampling, space) : 0;
    image->channels = grey ? 1 : 3;
    size_t turned = prnn_turn_bytes(pixels * (size_t)image->channels, from->orientation);
    more = more > turned ? more : turned; /* libjpeg has given back its own by then */
    prnn_status status =
        prnn_budget_take(ctx, pixels * (size_t)tjPixelSize[format] + more + from->memory, name);
    if (status != PRNN_OK) {
        return status;
    }
    image->values = prnn_alloc_raw(ctx, pixels, (size_t)tjPixelSize[format], name);
    if (!image->values) {
        return PRNN_ERROR_MEMORY;
    }
    int flags = from->mended ? FLAGS : FLAGS | TJFLAG_STOPONWARNING;
    if (tjDecompress2(jpeg, from->bytes, from->size, image->values, image->width, 0, image->height, format,
                      flags) != 0 &&
        !is_harmless(from, jpeg)) {
        return refuse(ctx, name, jpeg);
    }
    if (cmyk) {
        from_cmyk(image->values, pixels);
    }
    return PRNN_OK;
}

static prnn_status decode(prnn_context *ctx, const char *name, tjhandle jpeg, const source *from,
                          prnn_image *image) {
    int sampling, space;
    if (tjDecompressHeader3(jpeg, from->bytes, from->size, &image->width, &image->height, &sampling,
                            &space) != 0 ||
        image->width < 1 || image->height < 1) {
        return refuse(ctx, name, jpeg);
    }
    prnn_status status = prnn_picture_check_size(ctx, name, (uint32_t)image->height, (uint32_t)image->width);
    if (status != PRNN_OK) {
        return status;
    }
    if ((uint64_t)image->height * (uint64_t)image->width > (uint64_t)from->size * PIXELS_PER_BYTE) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %d x %d pixels (height x width), which its %zu bytes cannot hold", name,
            image->height, image->width, from->size);
    }
    return decode_pixels(ctx, name, jpeg, from, sampling, space, image);
}

static prnn_status decode_mended(prnn_context *ctx, const char *name, tjhandle jpeg, const source *file,
                                 prnn_image *image) {
    prnn_image_free(image);
    prnn_budget_give(ctx);
    uint8_t *copy = prnn_alloc_raw(ctx, file->size + 2, 1, name);
    if (!copy) {
        return PRNN_ERROR_MEMORY;
    }
    source from = {.bytes = copy, .mended = true, .orientation = file->orientation};
    from.size = prnn_jpeg_mend(file->bytes, file->size, copy, &from.restarts);
    from.memory = file->size + from.size;
    prnn_status status = decode(ctx, name, jpeg, &from, image);
    prnn_free(copy);
    return status;
}

prnn_status prnn_jpeg_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture) {
    tjhandle jpeg = tjInitDecompress();
    if (!jpeg) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it", name);
    }
    source from = {.bytes = bytes, .size = size, .memory = size};
    picture->orientation = from.orientation = prnn_jpeg_orientation(bytes, size);
    prnn_status status = decode(ctx, name, jpeg, &from, &picture->image);
    if (status == PRNN_ERROR_FORMAT && tjGetErrorCode(jpeg) == TJERR_WARNING) {
        status = decode_mended(ctx, name, jpeg, &from, &picture->image);
    }
    tjDestroy(jpeg);
    return status;
}

#endif

/* How far images can be compressed without loss: a measure of how complex they are. */
#include "base/call.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "image/image.h"
#include "ranks/ranks.h"

#include <pixelrnn/io.h>

enum { MOST_SIDE = 16383 /* WebP's */ };

#ifdef PRNN_HAVE_WEBP
static const bool have_webp = true;
#else
static const bool have_webp = false;
#endif

typedef struct job {
    const uint8_t *images; /* (count, size) levels */
    prnn_image shape;      /* of what is compressed */
    size_t size;
    size_t repeat; /* values of a file for one of the image: grey as R, G, B */
    size_t first;  /* number of the first image */
    prnn_lossless format;
    uint8_t shown[256];
    size_t *bytes;
} job;

static void compress_one(void *arg, size_t i, void *own) {
    const job *j = arg;
    prnn_image image = j->shape;
    const uint8_t *levels = j->images + i * j->size;
    uint8_t *to = image.values = own;
    for (size_t v = 0; v < j->size; v++) {
        for (size_t n = 0; n < j->repeat; n++) {
            *to++ = j->shown[levels[v]];
        }
    }
    j->bytes[i] = j->format == PRNN_LOSSLESS_WEBP ? prnn_webp_bytes(&image) : prnn_png_bytes(&image);
}

static prnn_status check_shape(prnn_context *ctx, int height, int width, int channels, int levels) {
    bool fits = height >= 1 && height <= MOST_SIDE && width >= 1 && width <= MOST_SIDE;
    if (!fits || (channels != 1 && channels != 3) || levels < 2 || levels > 256) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "images of %d x %d x %d (height x width x channels) and %d levels cannot be compressed: "
            "sides are 1..%d, channels 1 or 3, levels 2..256",
            height, width, channels, levels, MOST_SIDE);
    }
    return PRNN_OK;
}

static prnn_status check_format(prnn_context *ctx, prnn_lossless format) {
    if (format != PRNN_LOSSLESS_PNG && format != PRNN_LOSSLESS_WEBP) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "there is no lossless format %d: choose PNG (%d) or WebP (%d)", (int)format,
                         PRNN_LOSSLESS_PNG, PRNN_LOSSLESS_WEBP);
    }
    if (format == PRNN_LOSSLESS_WEBP && !have_webp) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "this build cannot write WebP files: choose PNG, or build pixelrnn where libwebp is "
                         "(Debian: libwebp-dev)");
    }
    return PRNN_OK;
}

static prnn_status check_levels(prnn_context *ctx, const job *j, size_t count, int levels) {
    for (size_t v = 0; levels < 256 && v < count * j->size; v++) {
        if (j->images[v] >= levels) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "image %zu holds the value %d, and %d levels are 0..%d: choose more levels",
                             j->first + v / j->size, j->images[v], levels, levels - 1);
        }
    }
    return PRNN_OK;
}

static prnn_status compress_all(prnn_context *ctx, job *j, size_t count) {
    size_t room = j->size * j->repeat;
    int threads = prnn_threads_for(ctx, count);
    uint8_t *values = prnn_alloc_raw(ctx, room, (size_t)threads, "images to compress");
    prnn_status status = values ? PRNN_OK : PRNN_ERROR_MEMORY;
    if (status == PRNN_OK) {
        prnn_parallel_for_with(ctx, count, (prnn_scratches){values, room, threads}, compress_one, j);
    }
    prnn_free(values);
    for (size_t i = 0; i < count && status == PRNN_OK; i++) {
        if (!j->bytes[i]) {
            status =
                prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to compress image %zu", j->first + i);
        }
    }
    return status;
}

/* Of the images of this rank. */
static prnn_status compress_share(prnn_context *ctx, job *j, size_t count, int levels) {
    prnn_status status;
    TRY(check_levels(ctx, j, count, levels));
    TRY(compress_all(ctx, j, count));
done:
    return status;
}

prnn_status prnn_compressed_bytes(prnn_context *ctx, prnn_lossless format, const uint8_t *images,
                                  size_t count, int height, int width, int channels, int levels,
                                  size_t *bytes) {
    PRNN_ENTER(ctx, PRNN_ARRAY(images, count), PRNN_ARRAY(bytes, count));
    const prnn_results all = {bytes, sizeof *bytes};
    const int asked[] = {(int)format, height, width, channels, levels};
    prnn_share mine = prnn_share_mine(ctx, count);
    prnn_status status;
    TRY(check_format(ctx, format));
    TRY(check_shape(ctx, height, width, channels, levels));
    job j = {.images = images,
             .bytes = bytes,
             .shape = {height, width, channels, NULL},
             .size = (size_t)height * (size_t)width * (size_t)channels,
             .repeat = 1,
             .first = mine.first,
             .format = format};
    if (mine.first > 0) {
        j.images += mine.first * j.size;
        j.bytes += mine.first;
    }
    if (format == PRNN_LOSSLESS_WEBP && channels == 1) {
        j.shape.channels = 3;
        j.repeat = 3;
    }
    prnn_shown_levels(levels, j.shown);
    status = compress_share(ctx, &j, mine.count, levels);
    status = prnn_ranks_collect(ctx, status, prnn_ranks_hash(PRNN_HASH_BEGIN, asked, sizeof asked), count,
                                &all, 1);
done:
    return prnn_ranks_fail(ctx, status);
}

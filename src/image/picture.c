/* The table of picture kinds, and a picture of any of them. */
#include "image/alpha.h"
#include "image/orientation.h"
#include "image/reader.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"

#include <stdio.h>
#include <string.h>

#ifndef PRNN_HAVE_TURBOJPEG
#define prnn_jpeg_decode NULL
#endif
#ifndef PRNN_HAVE_WEBP
#define prnn_webp_decode NULL
#endif
#ifndef PRNN_HAVE_TIFF
#define prnn_tiff_decode NULL
#endif

typedef struct picture_kind {
    const char *name;
    const char *library, *debian; /* what it takes to read it, and the package */
    bool (*probe)(const uint8_t *head, size_t size);
    prnn_picture_decoder decode; /* NULL: this build has no such library */
} picture_kind;

static bool is_png(const uint8_t *head, size_t size) {
    return size >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const uint8_t *head, size_t size) {
    return size >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0;
}

static bool is_webp(const uint8_t *head, size_t size) {
    return size >= 12 && memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0;
}

/* Of either byte order, with offsets of 4 bytes or 8. */
static bool is_tiff(const uint8_t *head, size_t size) {
    static const char *const heads[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (size >= 4 && memcmp(head, heads[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

/* Ends with an entry without a name. */
static const picture_kind kinds[] = {
    {"PNG", "libspng", "libspng-dev", is_png, prnn_png_decode},
    {"JPEG", "libturbojpeg", "libturbojpeg0-dev", is_jpeg, prnn_jpeg_decode},
    {"WebP", "libwebp", "libwebp-dev", is_webp, prnn_webp_decode},
    {"TIFF", "libtiff", "libtiff-dev", is_tiff, prnn_tiff_decode},
    {NULL, NULL, NULL, NULL, NULL},
};

static const picture_kind *find_kind(const uint8_t *head, size_t size) {
    const picture_kind *kind = kinds;
    while (kind->name && !kind->probe(head, size)) {
        kind++;
    }
    return kind;
}

bool prnn_is_picture(const uint8_t *head, size_t size) {
    return find_kind(head, size)->name != NULL;
}

static prnn_status fail_unknown(prnn_context *ctx, const char *name) {
    char names[128] = "";
    for (const picture_kind *kind = kinds; kind->name; kind++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", kind->name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is no picture of a kind that is read: %s", name, names);
}

static prnn_status fail_without(prnn_context *ctx, const char *name, const picture_kind *kind) {
    return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                     "%s: this build of pixelrnn has no %s and reads no %s: convert it to PNG, or install %s "
                     "(Debian: %s) and build anew",
                     name, kind->library, kind->name, kind->library, kind->debian);
}

/* As it was asked for. */
static prnn_status finish(prnn_context *ctx, const char *name, prnn_picture *picture, const prnn_look *look,
                          prnn_found *found) {
    *found = (prnn_found){!prnn_image_is_opaque(&picture->image), picture->more_pages, picture->deep};
    if (!look->keep_alpha) {
        prnn_image_flatten(&picture->image, look->alpha, look->background);
    }
    return look->as_stored ? PRNN_OK : prnn_image_turn(ctx, name, &picture->image, picture->orientation);
}

prnn_status prnn_picture_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                const prnn_look *look, prnn_image *image, prnn_found *found) {
    static const prnn_look usual = {.alpha = PRNN_ALPHA_OVER};
    const picture_kind *kind = find_kind(bytes, size);
    prnn_picture picture = {.orientation = 1};
    prnn_found unasked;
    prnn_status status;
    *image = (prnn_image){0};
    if (!kind->name) {
        return fail_unknown(ctx, name);
    }
    if (!kind->decode) {
        return fail_without(ctx, name, kind);
    }
    TRY(kind->decode(ctx, name, bytes, size, &picture));
    TRY(finish(ctx, name, &picture, look ? look : &usual, found ? found : &unasked));
    *image = picture.image;
    picture.image.values = NULL;
done:
    prnn_image_free(&picture.image);
    return status;
}

prnn_status prnn_picture_read(prnn_context *ctx, const char *path, const prnn_look *look, prnn_image *image,
                              prnn_found *found) {
    *image = (prnn_image){0};
    uint8_t *bytes;
    size_t size;
    prnn_status status = prnn_file_read(ctx, path, PRNN_PICTURE_BYTES, &bytes, &size);
    if (status == PRNN_OK) {
        status = prnn_picture_decode(ctx, path, bytes, size, look, image, found);
        prnn_free(bytes);
    }
    return status;
}

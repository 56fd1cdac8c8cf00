/* Pictures as they are, for who must not lose anything of them. */
#include "base/call.h"
#include "image/image.h"

#include <pixelrnn/io.h>
#include <string.h>

prnn_status prnn_read_picture(prnn_context *ctx, const char *path, bool as_stored, prnn_pixels *pixels) {
    if (pixels) {
        *pixels = (prnn_pixels){0};
    }
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(pixels));
    const prnn_look look = {.as_stored = as_stored, .keep_alpha = true};
    prnn_image image;
    prnn_found found = {0};
    prnn_status status = prnn_picture_read(ctx, path, &look, &image, &found);
    if (status == PRNN_OK) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): PRNN_ENTER refuses NULL */
        *pixels = (prnn_pixels){image.values,   image.height, image.width,
                                image.channels, found.deep,   found.more_pages};
    }
    return status;
}

void prnn_pixels_free(prnn_pixels *pixels) {
    if (pixels) {
        prnn_image_free(&(prnn_image){.values = pixels->values});
        *pixels = (prnn_pixels){0};
    }
}

typedef struct rows {
    const uint8_t *values;
    size_t bytes;
} rows;

static void copy_row(void *arg, uint32_t row, uint8_t *values) {
    const rows *r = arg;
    memcpy(values, r->values + row * r->bytes, r->bytes);
}

prnn_status prnn_write_picture(prnn_context *ctx, const char *path, const uint8_t *values, int height,
                               int width, int channels) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(values));
    if (height < 1 || width < 1 || channels < 1 || channels > 4) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: a picture of %d x %d x %d (height x width x channels): choose sides from 1 on, and 1 to 4 "
            "channels",
            path, height, width, channels);
    }
    rows r = {values, (size_t)width * (size_t)channels};
    return prnn_png_write(ctx, path, (uint32_t)height, (uint32_t)width, channels, NULL, copy_row, &r);
}

/* Contact sheets. */
#include "base/call.h"
#include "image/image.h"

#include <limits.h>
#include <pixelrnn/io.h>
#include <string.h>

enum { GAP = 1, GAP_GREY = 128 };

typedef struct sheet {
    const uint8_t *images; /* (count, height, width, channels) levels */
    size_t count, height, width, channels, columns, row_bytes;
    uint8_t shown[256]; /* level -> byte */
} sheet;

/* Row `row` of the sheet: one row of each image of a row of images, or a gap. */
static void sheet_row(void *arg, uint32_t row, uint8_t *values) {
    const sheet *s = arg;
    size_t down = row / (s->height + GAP), y = row % (s->height + GAP);
    memset(values, GAP_GREY, s->row_bytes);
    for (size_t x = 0; y < s->height && x < s->columns; x++) {
        size_t i = down * s->columns + x, n = s->width * s->channels;
        if (i >= s->count) {
            return;
        }
        const uint8_t *from = s->images + (i * s->height + y) * n;
        uint8_t *to = values + x * (s->width + GAP) * s->channels;
        for (size_t j = 0; j < n; j++) {
            to[j] = s->shown[from[j]];
        }
    }
}

static prnn_status check(prnn_context *ctx, const char *path, const uint8_t *images, size_t count, int height,
                         int width, int channels, int levels, int columns) {
    if (!count || height < 1 || width < 1 || (channels != 1 && channels != 3) || columns < 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: cannot show %zu images of %dx%dx%d (height x width x channels) in %d columns: "
                         "choose at least one image, channels 1 or 3, and columns 0 (for square) or more",
                         path, count, height, width, channels, columns);
    }
    if (levels < 2 || levels > 256) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: cannot show %d levels: choose 2 to 256", path,
                         levels);
    }
    size_t size, total;
    if (__builtin_mul_overflow((size_t)height * (size_t)width, (size_t)channels, &size) ||
        __builtin_mul_overflow(size, count, &total)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: %zu images of %dx%d are too many", path, count,
                         height, width);
    }
    for (size_t i = 0; levels < 256 && i < total; i++) {
        if (images[i] >= levels) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "%s: image %zu holds the value %d, and %d levels are 0..%d: choose more levels",
                             path, i / size, images[i], levels, levels - 1);
        }
    }
    return PRNN_OK;
}

/* Smallest n with n * n >= count. */
static size_t square_side(size_t count) {
    size_t n = 1;
    while (n < count / n + (count % n != 0)) {
        n++;
    }
    return n;
}

prnn_status prnn_write_png(prnn_context *ctx, const char *path, const uint8_t *images, size_t count,
                           int height, int width, int channels, int levels, int columns) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_ARRAY(images, count));
    prnn_status status = check(ctx, path, images, count, height, width, channels, levels, columns);
    if (status != PRNN_OK) {
        return status;
    }
    sheet s = {images, count, (size_t)height, (size_t)width, (size_t)channels, (size_t)columns, 0, {0}};
    if (!s.columns) {
        s.columns = square_side(count);
    }
    s.columns = s.columns < count ? s.columns : count;
    size_t rows = count / s.columns + (count % s.columns != 0), tall, wide;
    if (__builtin_mul_overflow(rows, s.height + GAP, &tall) ||
        __builtin_mul_overflow(s.columns, s.width + GAP, &wide) || tall - GAP > INT_MAX ||
        wide - GAP > INT_MAX / 3) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: %zu images of %dx%d in %zu columns make too large a sheet: show fewer", path,
                         count, height, width, s.columns);
    }
    s.row_bytes = (wide - GAP) * s.channels;
    prnn_shown_levels(levels, s.shown);
    return prnn_png_write(ctx, path, (uint32_t)(tall - GAP), (uint32_t)(wide - GAP), channels, sheet_row, &s);
}

/* Contact sheets. */
#include "base/call.h"
#include "base/try.h"
#include "image/image.h"
#include "image/palette.h"

#include <limits.h>
#include <pixelrnn/io.h>
#include <string.h>

enum { GAP = 1, GAP_GREY = 128 };

typedef struct sheet {
    const uint8_t *images; /* (count, height, width, channels) levels */
    size_t count, height, width, channels, columns, row_bytes;
    uint8_t gap;        /* byte */
    uint8_t shown[256]; /* level -> byte */
} sheet;

/* Row `row` of the sheet: one row of each image of a row of images, or a gap. */
static void sheet_row(void *arg, uint32_t row, uint8_t *values) {
    const sheet *s = arg;
    size_t down = row / (s->height + GAP), y = row % (s->height + GAP);
    memset(values, s->gap, s->row_bytes);
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
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: cannot show %zu images of %d x %d x %d (height x width x channels) in %d columns: "
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
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: %zu images of %d x %d are too many", path, count,
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

/* Lays out the images, and writes what is shown of them. */
static prnn_status write_sheet(prnn_context *ctx, const char *path, sheet *s, const prnn_palette *palette) {
    if (!s->columns) {
        s->columns = square_side(s->count);
    }
    s->columns = s->columns < s->count ? s->columns : s->count;
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): there is an image */
    size_t rows = s->count / s->columns + (s->count % s->columns != 0), tall, wide;
    if (__builtin_mul_overflow(rows, s->height + GAP, &tall) ||
        __builtin_mul_overflow(s->columns, s->width + GAP, &wide) || tall - GAP > INT_MAX ||
        wide - GAP > INT_MAX / 3) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: %zu images of %zu x %zu in %zu columns make too large a sheet: show fewer",
                         path, s->count, s->height, s->width, s->columns);
    }
    s->row_bytes = (wide - GAP) * s->channels;
    return prnn_png_write(ctx, path, (uint32_t)(tall - GAP), (uint32_t)(wide - GAP), (int)s->channels,
                          palette, sheet_row, s);
}

prnn_status prnn_write_png(prnn_context *ctx, const char *path, const uint8_t *images, size_t count,
                           int height, int width, int channels, int levels, int columns) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_ARRAY(images, count));
    prnn_status status = check(ctx, path, images, count, height, width, channels, levels, columns);
    if (status != PRNN_OK) {
        return status;
    }
    sheet s = {images,   count, (size_t)height, (size_t)width, (size_t)channels, (size_t)columns, 0,
               GAP_GREY, {0}};
    prnn_shown_levels(levels, s.shown);
    return write_sheet(ctx, path, &s, NULL);
}

/* The number of the palette's colour that is nearest to the grey of gaps, which is added where there is room.
 */
static uint8_t number_of_gap(prnn_palette *palette) {
    int best = 0, least = INT_MAX;
    if (palette->count < PRNN_PALETTE_MOST) {
        memset(palette->colours[palette->count++], GAP_GREY, 3);
    }
    for (int k = 0; k < palette->count; k++) {
        int distance = 0;
        for (int c = 0; c < 3; c++) {
            int d = palette->colours[k][c] - GAP_GREY;
            distance += d * d;
        }
        best = distance < least ? k : best;
        least = distance < least ? distance : least;
    }
    return (uint8_t)best;
}

prnn_status prnn_write_palette_png(prnn_context *ctx, const char *path, const uint8_t *images, size_t count,
                                   int height, int width, const prnn_palette *palette, int columns) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_ARRAY(images, count), PRNN_GIVEN(palette));
    prnn_colours colours;
    prnn_status status;
    TRY(prnn_colours_take(ctx, path, palette, &colours));
    TRY(check(ctx, path, images, count, height, width, 1, palette->count, columns));
    sheet s = {images, count, (size_t)height, (size_t)width, 1, (size_t)columns, 0, 0, {0}};
    for (int k = 0; k < palette->count; k++) {
        s.shown[k] = (uint8_t)k;
    }
    if (count > 1) {
        s.gap = number_of_gap(&colours.palette);
    }
    status = write_sheet(ctx, path, &s, &colours.palette);
done:
    return status;
}

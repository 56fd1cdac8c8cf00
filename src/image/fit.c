/* Pictures of another size or with other channels, in exact integer arithmetic. */
#include "image/image.h"

#include <string.h>

typedef struct rectangle {
    int top, left, height, width;
} rectangle;

/* The largest centred rectangle of the shape height : width. */
static rectangle centre_of_shape(const prnn_image *from, int height, int width) {
    int64_t h = from->height, w = from->width;
    if (w * height > h * width) {
        w = (2 * h * width + height) / (2 * (int64_t)height);
    } else {
        h = (2 * w * height + width) / (2 * (int64_t)width);
    }
    h = h < 1 ? 1 : h;
    w = w < 1 ? 1 : w;
    return (rectangle){(from->height - (int)h) / 2, (from->width - (int)w) / 2, (int)h, (int)w};
}

/* How much of the source pixel `i` lies under the target pixel `t`, where `from` source pixels are spread
 * over `to` target pixels; in units in which a source pixel is `to` long and a target pixel `from`. */
static uint64_t overlap(int64_t i, int64_t t, int64_t from, int64_t to) {
    int64_t begin = i * to > t * from ? i * to : t * from;
    int64_t end = (i + 1) * to < (t + 1) * from ? (i + 1) * to : (t + 1) * from;
    return end > begin ? (uint64_t)(end - begin) : 0;
}

/* The average of what lies under the target pixel (y, x). */
static void average(const prnn_image *from, const rectangle *r, const prnn_image *to, int y, int x,
                    uint8_t pixel[3]) {
    int64_t row = (int64_t)y * r->height / to->height, first = (int64_t)x * r->width / to->width;
    uint64_t sum[3] = {0}, total = (uint64_t)r->height * (uint64_t)r->width;
    for (; row < r->height && row * to->height < (int64_t)(y + 1) * r->height; row++) {
        uint64_t tall = overlap(row, y, r->height, to->height);
        const uint8_t *line = from->values + (size_t)(r->top + row) * (size_t)from->width * from->channels;
        for (int64_t col = first; col < r->width && col * to->width < (int64_t)(x + 1) * r->width; col++) {
            uint64_t area = tall * overlap(col, x, r->width, to->width);
            for (int c = 0; c < from->channels; c++) {
                sum[c] += area * line[(r->left + col) * from->channels + c];
            }
        }
    }
    for (int c = 0; c < from->channels; c++) {
        pixel[c] = (uint8_t)((2 * sum[c] + total) / (2 * total));
    }
}

static void store(const uint8_t *pixel, int from_channels, uint8_t *to, int to_channels) {
    if (from_channels == 3 && to_channels == 1) {
        to[0] = (uint8_t)((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
        return;
    }
    for (int c = 0; c < to_channels; c++) {
        to[c] = pixel[from_channels == 3 ? c : 0];
    }
}

static prnn_status choose(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                          const prnn_image *to, rectangle *r) {
    bool same = from->height == to->height && from->width == to->width;
    if (fit == PRNN_FIT_RESIZE) {
        *r = centre_of_shape(from, to->height, to->width);
        return PRNN_OK;
    }
    if (fit == PRNN_FIT_EXACT && !same) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: the image is %dx%d (height x width) where %dx%d is wanted: choose a size and "
                         "fit crop or resize",
                         name, from->height, from->width, to->height, to->width);
    }
    if (from->height < to->height || from->width < to->width) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: the image is %dx%d (height x width), too small to crop to %dx%d: choose a "
                         "smaller size, or fit resize",
                         name, from->height, from->width, to->height, to->width);
    }
    *r = (rectangle){(from->height - to->height) / 2, (from->width - to->width) / 2, to->height, to->width};
    return PRNN_OK;
}

/* The pixels (row * step, col * step). */
static prnn_status subsample(prnn_context *ctx, const char *name, const prnn_image *from, prnn_image *to) {
    int step = from->height / to->height;
    if (step < 1 || from->height != step * to->height || from->width != step * to->width) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %dx%d (height x width), which is not %dx%d times a whole number: choose "
            "another size, or fit resize",
            name, from->height, from->width, to->height, to->width);
    }
    uint8_t *out = to->values;
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++, out += to->channels) {
            size_t pixel = ((size_t)y * (size_t)from->width + (size_t)x) * (size_t)step;
            store(from->values + pixel * (size_t)from->channels, from->channels, out, to->channels);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_image_fit(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                           prnn_image *to) {
    if (fit == PRNN_FIT_SUBSAMPLE) {
        return subsample(ctx, name, from, to);
    }
    rectangle r = {0};
    prnn_status status = choose(ctx, name, from, fit, to, &r);
    if (status != PRNN_OK) {
        return status;
    }
    if (from->height == to->height && from->width == to->width && from->channels == to->channels) {
        memcpy(to->values, from->values, (size_t)to->height * (size_t)to->width * (size_t)to->channels);
        return PRNN_OK;
    }
    uint8_t *out = to->values;
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++, out += to->channels) {
            uint8_t pixel[3];
            average(from, &r, to, y, x, pixel);
            store(pixel, from->channels, out, to->channels);
        }
    }
    return PRNN_OK;
}

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

/* The source pixels first..last that lie under a target pixel, and how much of them does, where `from` source
 * pixels are spread over `to` target pixels: in units in which a source pixel is `to` long and a target pixel
 * `from`. Pixels between the first and the last lie under it whole. */
typedef struct cover {
    size_t first, last;
    uint64_t of_first, of_last, whole;
} cover;

static cover cover_of(uint64_t t, uint64_t from, uint64_t to) {
    uint64_t begin = t * from, end = begin + from, first = begin / to, last = (end - 1) / to;
    uint64_t head = first == last ? from : (first + 1) * to - begin;
    return (cover){first, last, head, end - last * to, to};
}

/* The sum of the pixels first..last-1 of a row. */
static inline void sum_inside(const uint8_t *line, size_t first, size_t last, size_t channels,
                              uint32_t sum[3]) {
    for (size_t i = first; i < last; i++) {
        for (size_t c = 0; c < channels; c++) {
            sum[c] += line[i * channels + c];
        }
    }
}

/* What lies of a row under x. */
static void sum_row(const uint8_t *line, size_t channels, const cover *x, uint64_t sum[3]) {
    uint32_t inside[3] = {0};
    if (channels == 3) { /* loops of a known length are unrolled */
        sum_inside(line, x->first + 1, x->last, 3, inside);
    } else {
        sum_inside(line, x->first + 1, x->last, 1, inside);
    }
    for (size_t c = 0; c < channels; c++) {
        sum[c] = x->of_first * line[x->first * channels + c] + x->whole * inside[c];
        sum[c] += x->last > x->first ? x->of_last * line[x->last * channels + c] : 0;
    }
}

/* The average of what lies under the target pixel (y, x). */
static void average(const prnn_image *from, const rectangle *r, const cover *y, const cover *x,
                    uint8_t pixel[3]) {
    size_t channels = (size_t)from->channels, stride = (size_t)from->width * channels;
    const uint8_t *corner = from->values + (size_t)r->top * stride + (size_t)r->left * channels;
    uint64_t sum[3] = {0}, total = (uint64_t)r->height * (uint64_t)r->width;
    for (size_t row = y->first; row <= y->last; row++) {
        uint64_t tall = row == y->first ? y->of_first : row == y->last ? y->of_last : y->whole, part[3];
        sum_row(corner + row * stride, channels, x, part);
        for (size_t c = 0; c < channels; c++) {
            sum[c] += tall * part[c];
        }
    }
    for (size_t c = 0; c < channels; c++) {
        pixel[c] = (uint8_t)((2 * sum[c] + total) / (2 * total));
    }
}

static void store(const uint8_t *pixel, int from_channels, uint8_t *to, int to_channels) {
    if (from_channels == 3 && to_channels == 1) {
        to[0] = prnn_luma(pixel);
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
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %d x %d (height x width) where %d x %d is wanted: choose a size and "
            "fit crop, resize or subsample",
            name, from->height, from->width, to->height, to->width);
    }
    if (from->height < to->height || from->width < to->width) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: the image is %d x %d (height x width), too small to crop to %d x %d: choose a "
                         "smaller size, or fit resize",
                         name, from->height, from->width, to->height, to->width);
    }
    *r = (rectangle){(from->height - to->height) / 2, (from->width - to->width) / 2, to->height, to->width};
    return PRNN_OK;
}

static prnn_status choose_step(prnn_context *ctx, const char *name, const prnn_image *from, int height,
                               int width, int *step) {
    *step = from->height / height;
    if (*step < 1 || from->height != *step * height || from->width != *step * width) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %d x %d (height x width), which is not %d x %d times a whole number: choose "
            "another size, or fit resize",
            name, from->height, from->width, height, width);
    }
    return PRNN_OK;
}

prnn_status prnn_image_grid(prnn_context *ctx, const char *name, const prnn_image *from, prnn_fit fit,
                            int height, int width, prnn_grid *grid) {
    const prnn_image to = {.height = height, .width = width};
    rectangle r = {0};
    int step = 1;
    prnn_status status = fit == PRNN_FIT_SUBSAMPLE ? choose_step(ctx, name, from, height, width, &step)
                                                   : choose(ctx, name, from, fit, &to, &r);
    *grid = (prnn_grid){r.top, r.left, step};
    return status;
}

static prnn_status subsample(prnn_context *ctx, const char *name, const prnn_image *from, prnn_image *to) {
    int step;
    prnn_status status = choose_step(ctx, name, from, to->height, to->width, &step);
    uint8_t *out = to->values;
    for (int y = 0; status == PRNN_OK && y < to->height; y++) {
        for (int x = 0; x < to->width; x++, out += to->channels) {
            size_t pixel = ((size_t)y * (size_t)from->width + (size_t)x) * (size_t)step;
            store(from->values + pixel * (size_t)from->channels, from->channels, out, to->channels);
        }
    }
    return status;
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
        cover down = cover_of((uint64_t)y, (uint64_t)r.height, (uint64_t)to->height);
        for (int x = 0; x < to->width; x++, out += to->channels) {
            cover across = cover_of((uint64_t)x, (uint64_t)r.width, (uint64_t)to->width);
            uint8_t pixel[3] = {0};
            average(from, &r, &down, &across, pixel);
            store(pixel, from->channels, out, to->channels);
        }
    }
    return PRNN_OK;
}

#include "image/orientation.h"

#include "base/memory.h"

#include <string.h>

static unsigned number(const uint8_t *p, size_t bytes, bool little) {
    unsigned v = 0;
    for (size_t i = 0; i < bytes; i++) {
        v = v << 8 | p[little ? bytes - 1 - i : i];
    }
    return v;
}

int prnn_exif_orientation(const uint8_t *p, size_t n) {
    enum { ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };
    if (n >= 6 && memcmp(p, "Exif\0", 6) == 0) { /* always in a JPEG, of some programs in a PNG */
        p += 6;
        n -= 6;
    }
    if (n < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0)) {
        return 1;
    }
    bool little = p[0] == 'I';
    size_t at = number(p + 4, 4, little);
    if (at > n - 2) {
        return 1;
    }
    size_t count = number(p + at, 2, little);
    at += 2;
    for (size_t i = 0; i < count && n - at >= ENTRY; i++, at += ENTRY) {
        if (number(p + at, 2, little) == ORIENTATION) {
            unsigned v = number(p + at + 8, 2, little);
            bool valid = number(p + at + 2, 2, little) == SHORT && number(p + at + 4, 4, little) == 1 &&
                         v >= 1 && v <= 8;
            return valid ? (int)v : 1;
        }
    }
    return 1;
}

size_t prnn_turn_bytes(size_t image, int orientation) {
    return orientation == 1 ? 0 : image;
}

prnn_status prnn_image_turn(prnn_context *ctx, const char *name, prnn_image *image, int orientation) {
    static const bool from_bottom[] = {0, 0, 0, 1, 1, 0, 1, 1, 0}, from_right[] = {0, 0, 1, 1, 0, 0, 0, 1, 1};
    if (orientation == 1) {
        return PRNN_OK;
    }
    size_t height = (size_t)image->height, width = (size_t)image->width, channels = (size_t)image->channels;
    bool across = orientation >= 5; /* a row becomes a column */
    prnn_image to = {(int)(across ? width : height), (int)(across ? height : width), image->channels, NULL};
    to.values = prnn_alloc_raw(ctx, height * width, channels, name);
    if (!to.values) {
        return PRNN_ERROR_MEMORY;
    }
    uint8_t *value = to.values;
    for (size_t y = 0; y < (size_t)to.height; y++) {
        for (size_t x = 0; x < (size_t)to.width; x++, value += channels) {
            size_t row = across ? x : y, column = across ? y : x;
            row = from_bottom[orientation] ? height - 1 - row : row;
            column = from_right[orientation] ? width - 1 - column : column;
            memcpy(value, image->values + (row * width + column) * channels, channels);
        }
    }
    prnn_image_free(image);
    *image = to;
    return PRNN_OK;
}

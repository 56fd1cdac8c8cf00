#include "image/image.h"

#include "base/memory.h"

void prnn_image_free(prnn_image *image) {
    prnn_free(image->values);
    *image = (prnn_image){0};
}

prnn_status prnn_picture_check_size(prnn_context *ctx, const char *name, uint32_t height, uint32_t width) {
    if (width > PRNN_PICTURE_SIDE || height > PRNN_PICTURE_SIDE ||
        (uint64_t)width * height > PRNN_PICTURE_PIXELS) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %u x %u pixels (height x width), which is more than the %d a side "
            "and %d in all that are read",
            name, height, width, PRNN_PICTURE_SIDE, PRNN_PICTURE_PIXELS);
    }
    return PRNN_OK;
}

void prnn_printable(char *words) {
    for (char *p = words; *p; p++) {
        *p = *p < ' ' || *p > '~' ? '?' : *p;
    }
}

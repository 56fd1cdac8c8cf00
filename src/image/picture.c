/* What PNG and JPEG share: telling them apart, and limits. */
#include "image/image.h"

#include "base/file.h"
#include "base/memory.h"

#include <string.h>

void prnn_image_free(prnn_image *image) {
    prnn_free(image->values);
    *image = (prnn_image){0};
}

prnn_status prnn_picture_check_size(prnn_context *ctx, const char *name, uint32_t height, uint32_t width) {
    if (width > PRNN_PICTURE_SIDE || height > PRNN_PICTURE_SIDE ||
        (uint64_t)width * height > PRNN_PICTURE_PIXELS) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %ux%u pixels (height x width), which is more than the %d a side "
            "and %d in all that are read",
            name, height, width, PRNN_PICTURE_SIDE, PRNN_PICTURE_PIXELS);
    }
    return PRNN_OK;
}

bool prnn_is_png(const uint8_t *head, size_t size) {
    return size >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

bool prnn_is_jpeg(const uint8_t *head, size_t size) {
    return size >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0;
}

prnn_status prnn_picture_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                prnn_image *image) {
    *image = (prnn_image){0};
    if (prnn_is_png(bytes, size)) {
        return prnn_png_decode(ctx, name, bytes, size, image);
    }
    if (prnn_is_jpeg(bytes, size)) {
        return prnn_jpeg_decode(ctx, name, bytes, size, image);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is neither a PNG nor a JPEG file", name);
}

prnn_status prnn_picture_read(prnn_context *ctx, const char *path, prnn_image *image) {
    *image = (prnn_image){0};
    uint8_t *bytes;
    size_t size;
    prnn_status status = prnn_file_read(ctx, path, PRNN_PICTURE_BYTES, &bytes, &size);
    if (status == PRNN_OK) {
        status = prnn_picture_decode(ctx, path, bytes, size, image);
        prnn_free(bytes);
    }
    return status;
}

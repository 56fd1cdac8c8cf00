/* A picture whose format is told by its first bytes. */
#include "image/image.h"

#include "base/file.h"
#include "base/memory.h"

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

/* Masks for completion: pictures or .npy. */
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "data/npy.h"
#include "image/alpha.h"

#include <pixelrnn/io.h>
#include <string.h>

static prnn_status check_size(prnn_context *ctx, const char *path, uint64_t has_height, uint64_t has_width,
                              int height, int width) {
    if (has_height != (uint64_t)height || has_width != (uint64_t)width) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: the mask is %llu x %llu (height x width), the images are %d x %d: make a mask of their "
            "size",
            path, (unsigned long long)has_height, (unsigned long long)has_width, height, width);
    }
    return PRNN_OK;
}

/* Whether a mask was drawn in the alpha channel: what is seen has one colour. */
static bool is_in_alpha(const prnn_image *image) {
    size_t n = (size_t)image->height * (size_t)image->width, channels = (size_t)image->channels;
    const uint8_t *seen = NULL;
    if (prnn_image_is_opaque(image)) {
        return false;
    }
    for (const uint8_t *p = image->values; p < image->values + n * channels; p += channels) {
        if (p[channels - 1] && seen && memcmp(p, seen, channels - 1) != 0) {
            return false;
        }
        seen = p[channels - 1] ? p : seen;
    }
    return true;
}

/* Leaves of an image with alpha that alone. */
static void keep_alpha(prnn_image *image) {
    size_t n = (size_t)image->height * (size_t)image->width, channels = (size_t)image->channels;
    for (size_t i = 0; i < n; i++) {
        image->values[i] = image->values[i * channels + channels - 1];
    }
    image->channels = 1;
}

static prnn_status from_picture(prnn_context *ctx, prnn_input *input, int height, int width, uint8_t *known) {
    static const prnn_look look = {.keep_alpha = true};
    prnn_image image = {0}, grey = {height, width, 1, known};
    uint8_t *bytes = NULL;
    prnn_status status;
    TRY(prnn_input_take(ctx, input, PRNN_PICTURE_BYTES, &bytes));
    TRY(prnn_picture_decode(ctx, input->name, bytes, (size_t)input->size, &look, &image, NULL));
    TRY(check_size(ctx, input->name, (uint64_t)image.height, (uint64_t)image.width, height, width));
    if (is_in_alpha(&image)) {
        keep_alpha(&image);
    } else {
        prnn_image_flatten(&image, look.alpha, look.background);
    }
    TRY(prnn_image_fit(ctx, input->name, &image, PRNN_FIT_EXACT, &grey));
    int brightest = 0;
    for (size_t i = 0; i < (size_t)height * (size_t)width; i++) {
        brightest = known[i] > brightest ? known[i] : brightest;
        known[i] = known[i] >= 128;
    }
    if (brightest > 0 && brightest < 128) {
        status =
            prnn_fail(ctx, PRNN_ERROR_FORMAT,
                      "%s: no pixel of the mask is above %d, and known ones are 128 or more: save them as "
                      "255, or the mask as a .npy",
                      input->name, brightest);
    }
done:
    prnn_free(bytes);
    prnn_image_free(&image);
    return status;
}

static prnn_status from_npy(prnn_context *ctx, prnn_input *input, int height, int width, uint8_t *known) {
    prnn_stream stream = prnn_stream_plain(input);
    prnn_npy npy;
    size_t n = (size_t)height * (size_t)width;
    prnn_status status;
    TRY(prnn_npy_read_header(ctx, &stream, &npy));
    if ((!prnn_npy_is_uint8(&npy) && !prnn_npy_is_bool(&npy)) || npy.fortran_order || npy.rank != 2) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: is an array of type '%s' with %d dimension%s%s, a mask is (height, width) of uint8 or bool: "
            "save numpy.ascontiguousarray(mask%s).astype('uint8')",
            input->name, npy.type, npy.rank, prnn_plural((uint64_t)npy.rank),
            npy.fortran_order ? " in Fortran order" : "",
            npy.rank == 4   ? "[0, :, :, 0]"
            : npy.rank == 3 ? (npy.shape[2] == 1 ? "[:, :, 0]" : "[0]")
                            : "");
    }
    TRY(check_size(ctx, input->name, npy.shape[0], npy.shape[1], height, width));
    TRY(prnn_stream_read(ctx, &stream, known, n));
    TRY(prnn_stream_end(ctx, &stream));
    for (size_t i = 0; i < n; i++) {
        known[i] = known[i] != 0;
    }
done:
    return status;
}

static prnn_status read_input(prnn_context *ctx, prnn_input *input, int height, int width, uint8_t *known) {
    uint8_t head[16] = {0};
    size_t n = input->size < sizeof head ? (size_t)input->size : sizeof head;
    prnn_probe probe = {head, input->is_folder ? 0 : n, input->size, input->is_folder};
    prnn_status status = input->is_folder ? PRNN_OK : prnn_input_read(ctx, input, 0, head, n);
    if (status != PRNN_OK) {
        return status;
    }
    if (prnn_picture_probe(&probe)) {
        return from_picture(ctx, input, height, width, known);
    }
    if (prnn_npy_probe(&probe)) {
        return from_npy(ctx, input, height, width, known);
    }
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: is no mask: a picture such as a .png file, or a .npy file of uint8 or bool, is read",
        input->name);
}

prnn_status prnn_read_mask(prnn_context *ctx, const char *path, int height, int width, uint8_t *known) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(known));
    if (height < 1 || width < 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: a mask of %d x %d: choose a height and width of 1 or more", path, height,
                         width);
    }
    prnn_input input;
    prnn_status status = prnn_input_open_any(ctx, path, &input);
    if (status == PRNN_OK) {
        status = read_input(ctx, &input, height, width, known);
        prnn_input_close(&input);
    }
    return status;
}

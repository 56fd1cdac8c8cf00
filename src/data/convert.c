/* A data set of any size into one .npy file. */
#include "base/call.h"
#include "data/data.h"
#include "data/npy.h"

/* The images go behind a header that is written last, when their number is known. */
static prnn_status write_images(prnn_builder *b, const char *path) {
    return prnn_npy_write_head(b->out->stream, 0, 0, 0, 0) ? prnn_builder_read(b, path)
                                                           : prnn_builder_fail_write(b);
}

static prnn_status finish(prnn_builder *b, const prnn_data *d) {
    prnn_file_writer *out = b->out;
    if (fseeko(out->stream, 0, SEEK_SET) != 0 ||
        !prnn_npy_write_head(out->stream, d->count, d->height, d->width, d->channels)) {
        prnn_status status = prnn_builder_fail_write(b);
        prnn_file_abandon(out);
        return status;
    }
    return prnn_file_commit(b->ctx, out);
}

prnn_status prnn_data_convert(prnn_context *ctx, const char *path, const prnn_data_options *options,
                              const char *out, size_t *written, size_t *skipped) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(out));
    prnn_builder b;
    prnn_file_writer writer;
    prnn_data *data = NULL;
    prnn_status status = prnn_builder_init(&b, ctx, path, options);
    if (status == PRNN_OK && b.options.binarize_sample) {
        status =
            prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                      "%s: what is drawn anew each epoch cannot be written: convert the bytes, and binarize "
                      "when they are read",
                      path);
    }
    if (status == PRNN_OK) {
        status = prnn_file_begin(ctx, out, &writer);
    }
    if (status != PRNN_OK) {
        return status;
    }
    b.out = &writer;
    status = prnn_builder_finish(&b, write_images(&b, path), &data);
    if (status != PRNN_OK) {
        prnn_file_abandon(&writer);
        return status;
    }
    status = finish(&b, data);
    if (status == PRNN_OK && written) {
        *written = data->count;
    }
    if (status == PRNN_OK && skipped) {
        *skipped = data->skipped;
    }
    prnn_data_free(data);
    return status;
}

/* A data set of any size into one .npy file. */
#define _DEFAULT_SOURCE /* realpath */
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "data/finish.h"
#include "data/npy.h"
#include "data/shuffle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The images go behind a header that is written last, when their number is known. */
static prnn_status write_images(prnn_builder *b, const char *path) {
    return !b->out->stream || prnn_npy_write_head(b->out->stream, 0, 0, 0, 0) ? prnn_builder_read(b, path)
                                                                              : prnn_builder_fail_write(b);
}

static prnn_status write_head(prnn_builder *b, const prnn_data *d) {
    FILE *stream = b->out->stream;
    return fseeko(stream, 0, SEEK_SET) == 0 &&
                   prnn_npy_write_head(stream, d->count, d->height, d->width, d->channels)
               ? PRNN_OK
               : prnn_builder_fail_write(b);
}

/* Colours that were found on the way get their last numbers. */
static prnn_status renumber(prnn_builder *b, const prnn_data *d) {
    enum { PIECE = 1 << 16 };
    uint8_t *piece = prnn_alloc(b->ctx, PIECE, 1, "numbers of colours");
    FILE *stream = b->out->stream;
    size_t left = d->count * prnn_data_size(d);
    off_t at = PRNN_NPY_HEAD;
    bool ok = true;
    while (piece && ok && left) {
        size_t n = left < PIECE ? left : PIECE;
        ok = fseeko(stream, at, SEEK_SET) == 0 && fread(piece, 1, n, stream) == n;
        for (size_t i = 0; i < n; i++) {
            piece[i] = b->renumbered[piece[i]];
        }
        ok = ok && fseeko(stream, at, SEEK_SET) == 0 && fwrite(piece, 1, n, stream) == n;
        left -= n;
        at += (off_t)n;
    }
    bool memory = piece != NULL;
    prnn_free(piece);
    return !memory ? PRNN_ERROR_MEMORY : ok ? PRNN_OK : prnn_builder_fail_write(b);
}

/* Whether `out` is the file `path`, or a file in the folder `path`, by any name. */
static bool is_read(const char *path, const char *out) {
    struct stat input, output;
    if (stat(path, &input) != 0 || stat(out, &output) != 0) {
        return false;
    }
    if (!S_ISDIR(input.st_mode)) {
        return input.st_dev == output.st_dev && input.st_ino == output.st_ino;
    }
    char *folder = realpath(path, NULL), *file = realpath(out, NULL);
    size_t n = folder ? strlen(folder) : 0;
    bool inside = folder && file && strncmp(folder, file, n) == 0 && file[n] == '/';
    free(folder);
    free(file);
    return inside;
}

static prnn_status check_paths(const prnn_builder *b, const char *path, const char *out) {
    if (b->options.binarize_sample) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_ARGUMENT,
            "%s: what is drawn anew each epoch cannot be written: convert the bytes, and binarize "
            "when they are read",
            path);
    }
    return is_read(path, out)
               ? prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                           "%s: is, or is in, the data that is to be converted; write into another file", out)
               : PRNN_OK;
}

/* The file, but for its images. */
static prnn_status complete(prnn_builder *b, prnn_data *data, const char *out) {
    prnn_status status;
    TRY(b->options.paletted && !b->options.palette ? renumber(b, data) : PRNN_OK);
    if (b->options.shuffle) {
        TRY(prnn_shuffle_file(b->ctx, data, b->out->stream, out, PRNN_NPY_HEAD, b->options.shuffle));
    }
    TRY(write_head(b, data));
    TRY(prnn_file_commit(b->ctx, b->out));
done:
    return status;
}

prnn_status prnn_data_convert(prnn_context *ctx, const char *path, const prnn_data_options *options,
                              const char *out, size_t *written, size_t *skipped) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(out));
    prnn_builder b;
    prnn_file_writer writer = {.stream = NULL};
    prnn_data *data = NULL;
    prnn_status status;
    TRY(prnn_builder_init(&b, ctx, path, options));
    b.together = b.options.together && prnn_context_rank_count(ctx) > 1;
    bool writes = !b.together || prnn_context_rank(ctx) == 0;
    TRY(check_paths(&b, path, out));
    TRY(writes ? prnn_file_begin(ctx, out, &writer) : PRNN_OK);
    b.out = &writer;
    TRY(prnn_builder_finish(&b, write_images(&b, path), &data));
    TRY(b.together ? prnn_ranks_vote(ctx, PRNN_OK, NULL, data->count) : PRNN_OK);
    TRY(writes ? complete(&b, data, out) : PRNN_OK);
    TRY(b.together ? prnn_ranks_vote(ctx, PRNN_OK, NULL, data->count) : PRNN_OK);
    if (written) {
        *written = data->count;
    }
    if (skipped) {
        *skipped = data->skipped;
    }
done:
    if (writer.stream) {
        prnn_file_abandon(&writer);
    }
    prnn_data_free(data);
    return b.together ? prnn_ranks_fail(ctx, status) : status;
}

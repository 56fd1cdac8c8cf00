#include "data/builder.h"

#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum { SIDE_LIMIT = 4096, SOURCE_SIDE_LIMIT = 65536, REPORT = 64 /* images between two reports */ };

static prnn_status check_options(prnn_context *ctx, const prnn_data_options *o) {
    if (o->levels < 2 || o->levels > 256) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d levels: choose 2 to 256", o->levels);
    }
    if (o->values != PRNN_VALUES_8BIT && o->values != PRNN_VALUES_LEVELS) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "values %d: choose 8bit or levels", (int)o->values);
    }
    if (o->binarize_sample && (o->levels != 2 || o->values != PRNN_VALUES_8BIT)) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "binarizing by sampling makes 2 levels out of 8-bit values: it cannot make %d levels%s",
            o->levels, o->values == PRNN_VALUES_8BIT ? "" : ", nor start from levels");
    }
    if (o->height < 0 || o->height > SIDE_LIMIT || o->width < 0 || o->width > SIDE_LIMIT) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a size of %dx%d (height x width): choose 1 to %d each, or 0 for that of the file",
                         o->height, o->width, SIDE_LIMIT);
    }
    if (o->channels != 0 && o->channels != 1 && o->channels != 3) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d channels: choose 1 or 3, or 0 for those of the file",
                         o->channels);
    }
    if (o->fit != PRNN_FIT_EXACT && o->fit != PRNN_FIT_CROP && o->fit != PRNN_FIT_RESIZE &&
        o->fit != PRNN_FIT_SUBSAMPLE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "fit %d: choose exact, crop, resize or subsample",
                         (int)o->fit);
    }
    return PRNN_OK;
}

prnn_status prnn_builder_init(prnn_builder *b, prnn_context *ctx, const char *name,
                              const prnn_data_options *options) {
    *b = (prnn_builder){.ctx = ctx, .name = name, .options = PRNN_DATA_OPTIONS_INIT, .began = prnn_clock()};
    prnn_status status = prnn_options_read(ctx, &b->options, &prnn_data_options_fields, options);
    return status == PRNN_OK ? check_options(ctx, &b->options) : status;
}

prnn_status prnn_builder_slice(prnn_builder *b, uint64_t total) {
    if (!total) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: holds no images", b->name);
    }
    if (b->options.first >= total) {
        return prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                         "%s: holds %llu images, so none is left when the first %zu are left out", b->name,
                         (unsigned long long)total, b->options.first);
    }
    b->first = b->options.first;
    b->count = (size_t)(total - b->first);
    if (b->options.limit && b->options.limit < b->count) {
        b->count = b->options.limit;
    }
    return PRNN_OK;
}

/* Memory for all images, or for the one on its way to a file. */
static prnn_status make_room(prnn_builder *b) {
    prnn_data *d = b->data;
    uint8_t **room = b->out ? &b->one : &d->values;
    *room = prnn_alloc(b->ctx, b->out ? 1 : b->count, prnn_data_size(d), "the images");
    if (!*room) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_MEMORY,
            "%s: %zu images of %dx%dx%d (height x width x channels) need more memory than this "
            "machine has: choose a limit or a smaller size, or convert them into a .npy file, which "
            "is read from where it is",
            b->name, b->count, d->height, d->width, d->channels);
    }
    return PRNN_OK;
}

/* The data set without its images. */
static prnn_status make_data(prnn_builder *b, const char *name, const prnn_image *image) {
    const prnn_data_options *o = &b->options;
    prnn_data *d = prnn_alloc(b->ctx, 1, sizeof *d, "a data set");
    if (!d) {
        return PRNN_ERROR_MEMORY;
    }
    b->data = d;
    d->height = o->height ? o->height : image->height;
    d->width = o->width ? o->width : image->width;
    d->channels = o->channels ? o->channels : image->channels;
    d->levels = o->levels;
    d->scale = o->values;
    d->fit = o->fit;
    d->any_channels = o->channels != 0;
    d->draw = o->binarize_sample;
    if (d->height > SIDE_LIMIT || d->width > SIDE_LIMIT) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %dx%d (height x width), and at most %dx%d is read: choose a size and "
            "fit crop, resize or subsample",
            name, image->height, image->width, SIDE_LIMIT, SIDE_LIMIT);
    }
    return PRNN_OK;
}

prnn_status prnn_builder_begin(prnn_builder *b, const char *name, const prnn_image *image) {
    prnn_status status = make_data(b, name, image);
    return status == PRNN_OK ? make_room(b) : status;
}

/* PRNN_STOPPED if the caller wants that. */
static prnn_status tell(prnn_builder *b) {
    size_t seen = b->done + b->skipped;
    if (!b->options.progress || (seen % REPORT && seen != b->count)) {
        return PRNN_OK;
    }
    double seconds = prnn_clock() - b->began;
    const prnn_progress p = {.size = sizeof p,
                             .phase = b->out ? "convert" : "read",
                             .done = seen,
                             .total = b->count,
                             .seconds = seconds,
                             .images_per_second = seconds > 0 ? (double)seen / seconds : 0};
    return b->options.progress(b->options.user, &p)
               ? PRNN_OK
               : prnn_fail(b->ctx, PRNN_STOPPED, "%s: stopped after %zu of %zu images%s", b->name, seen,
                           b->count, b->out ? "; nothing was written" : "");
}

prnn_status prnn_builder_fail_write(prnn_builder *b) {
    return prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: could not be written: %s; nothing was changed",
                     b->out->path, strerror(errno));
}

prnn_status prnn_builder_store(prnn_builder *b, const uint8_t *values) {
    size_t size = prnn_data_size(b->data);
    uint8_t *to = b->out ? NULL : b->data->values + b->done * size;
    if (b->out && fwrite(values, 1, size, b->out->stream) != size) {
        return prnn_builder_fail_write(b);
    }
    if (to && to != values) {
        memcpy(to, values, size);
    }
    b->done++;
    return tell(b);
}

prnn_status prnn_builder_skip(prnn_builder *b, const char *path, const char *why) {
    if (!b->skipped++) {
        snprintf(b->reason, sizeof b->reason, "%s", why);
    }
    if (b->options.skipped) {
        b->options.skipped(b->options.user, path, why);
    }
    return tell(b);
}

prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image) {
    prnn_status status = b->data ? PRNN_OK : prnn_builder_begin(b, name, image);
    if (status != PRNN_OK) {
        return status;
    }
    uint8_t *to = b->out ? b->one : b->data->values + b->done * prnn_data_size(b->data);
    status = prnn_data_take(b->ctx, b->data, name, b->first + b->done, image, to, &b->highest);
    return status == PRNN_OK ? prnn_builder_store(b, to) : status;
}

/* ---------------------------------------------------------------------------------------- arrays */

prnn_status prnn_builder_check_array(prnn_builder *b, const prnn_stream *s, const prnn_array *a) {
    const uint64_t count = a->count, height = a->height, width = a->width, channels = a->channels;
    uint64_t size = height * width * channels, bytes;
    if (!count) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: holds no images", s->name);
    }
    if (height < 1 || height > SOURCE_SIDE_LIMIT || width < 1 || width > SOURCE_SIDE_LIMIT) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its header says images of %llux%llu (height x width), and 1 to %d each are read", s->name,
            (unsigned long long)height, (unsigned long long)width, SOURCE_SIDE_LIMIT);
    }
    if (channels != 1 && channels != 3) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: its header says images of %llu channels in the last dimension, and 1 or 3 are "
                         "read: put the array into the order (n, height, width, channels)",
                         s->name, (unsigned long long)channels);
    }
    if (__builtin_mul_overflow(size, count, &bytes) || bytes > s->left || (s->exact && bytes < s->left)) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %llu images of %llux%llux%llu (height x width x channels), but %s"
            "%llu bytes follow: it is cut off or damaged; fetch or make it anew",
            s->name, (unsigned long long)count, (unsigned long long)height, (unsigned long long)width,
            (unsigned long long)channels, s->exact ? "" : "at most ", (unsigned long long)s->left);
    }
    return PRNN_OK;
}

/* Planes to pixels. */
static void interleave(const prnn_array *a, const uint8_t *from, uint8_t *to) {
    size_t plane = (size_t)(a->height * a->width), channels = (size_t)a->channels;
    for (size_t p = 0; p < plane; p++) {
        for (size_t c = 0; c < channels; c++) {
            to[p * channels + c] = from[c * plane + p];
        }
    }
}

prnn_status prnn_builder_put_part(prnn_builder *b, prnn_stream *s, const prnn_array *a, uint64_t from,
                                  size_t n) {
    size_t size = (size_t)(a->height * a->width * a->channels);
    uint8_t *memory = prnn_alloc(b->ctx, a->planes ? 2 : 1, size, s->name);
    if (!memory) {
        return PRNN_ERROR_MEMORY;
    }
    uint8_t *raw = a->planes ? memory + size : memory;
    const prnn_image image = {(int)a->height, (int)a->width, (int)a->channels, memory};
    prnn_status status = prnn_stream_skip(b->ctx, s, from * size);
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        status = prnn_stream_read(b->ctx, s, raw, size);
        if (status == PRNN_OK && a->planes) {
            interleave(a, raw, memory);
        }
        if (status == PRNN_OK) {
            status = prnn_builder_put(b, s->name, &image);
        }
    }
    if (status == PRNN_OK && from + n == a->count) {
        status = prnn_stream_end(b->ctx, s);
    }
    prnn_free(memory);
    return status;
}

/* The images stay in their file. The first one is read, so that a size that does not fit is known now. */
static prnn_status leave_on_disk(prnn_builder *b, prnn_stream *s, const prnn_array *a) {
    uint64_t size = a->height * a->width * a->channels;
    prnn_disk *disk;
    prnn_status status =
        prnn_disk_open(b->ctx, s->name, fileno(s->input->file), s->offset + b->first * size, &disk);
    if (status != PRNN_OK) {
        return status;
    }
    disk->first = b->first;
    disk->height = (int)a->height;
    disk->width = (int)a->width;
    disk->channels = (int)a->channels;
    b->data->disk = disk;
    b->done = b->count;
    uint8_t *image = prnn_alloc(b->ctx, prnn_data_size(b->data), 1, "an image");
    status = image ? prnn_disk_read(b->ctx, b->data, 0, image, &b->highest) : PRNN_ERROR_MEMORY;
    prnn_free(image);
    return status;
}

static bool is_large(const prnn_builder *b) {
    return b->count > b->options.memory_limit / prnn_data_size(b->data);
}

prnn_status prnn_builder_put_array(prnn_builder *b, prnn_stream *s, const prnn_array *a) {
    prnn_status status = prnn_builder_check_array(b, s, a);
    if (status == PRNN_OK) {
        status = prnn_builder_slice(b, a->count);
    }
    if (status == PRNN_OK) {
        const prnn_image image = {(int)a->height, (int)a->width, (int)a->channels, NULL};
        status = make_data(b, s->name, &image);
    }
    if (status != PRNN_OK) {
        return status;
    }
    if (s->plain && s->input->file && !a->planes && !b->out && is_large(b)) {
        return leave_on_disk(b, s, a);
    }
    status = make_room(b);
    return status == PRNN_OK ? prnn_builder_put_part(b, s, a, b->first, b->count) : status;
}

/* ---------------------------------------------------------------------------------------- finish */

/* Whether a byte makes all of them dark, or may yet. */
static bool is_dark(const prnn_builder *b) {
    return b->highest < b->options.levels && b->highest * b->options.levels / 256 == 0;
}

/* Images on disk: as many as it takes to see a bright one. */
static prnn_status look_for_bright(prnn_builder *b) {
    prnn_data *d = b->data;
    uint8_t *image = prnn_alloc(b->ctx, prnn_data_size(d), 1, "an image");
    prnn_status status = image ? PRNN_OK : PRNN_ERROR_MEMORY;
    for (size_t i = 0; i < b->count && is_dark(b) && status == PRNN_OK; i++) {
        status = prnn_disk_read(b->ctx, d, i, image, &b->highest);
    }
    prnn_free(image);
    return status;
}

/* Images of levels, read as bytes, would all be black without a word. */
static prnn_status check_scale(prnn_builder *b) {
    const prnn_data_options *o = &b->options;
    if (o->values != PRNN_VALUES_8BIT || o->levels == 256) {
        return PRNN_OK;
    }
    prnn_status status = b->data->disk ? look_for_bright(b) : PRNN_OK;
    if (status == PRNN_OK && b->highest > 0 && is_dark(b)) {
        status = prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: no value is above %d, so as 8-bit values all become level 0 of %d: say values levels if "
            "these are levels",
            b->name, b->highest, o->levels);
    }
    return status;
}

prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data) {
    if (status == PRNN_OK && !b->done) {
        status =
            prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: none of its %zu pictures can be used; the first: %s",
                      b->name, b->skipped, b->reason);
    }
    if (status == PRNN_OK) {
        status = check_scale(b);
    }
    prnn_free(b->one);
    b->one = NULL;
    if (status != PRNN_OK) {
        prnn_data_free(b->data);
        b->data = NULL;
        return status;
    }
    b->data->count = b->done;
    b->data->skipped = b->skipped;
    *data = b->data;
    return PRNN_OK;
}

#include "data/builder.h"

#include "base/memory.h"

#include <string.h>

enum { SIDE_LIMIT = 4096, SOURCE_SIDE_LIMIT = 65536 };

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
    *b = (prnn_builder){.ctx = ctx, .name = name, .options = PRNN_DATA_OPTIONS_INIT};
    prnn_status status = prnn_options_read(ctx, &b->options, sizeof b->options, options);
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

/* Memory for all images, once the first one has shown their size. */
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
    d->draw = o->binarize_sample;
    if (d->height > SIDE_LIMIT || d->width > SIDE_LIMIT) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %dx%d (height x width), and at most %dx%d is read: choose a size and "
            "fit crop or resize",
            name, image->height, image->width, SIDE_LIMIT, SIDE_LIMIT);
    }
    size_t size = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    d->values = prnn_alloc(b->ctx, b->count, size, "the images");
    if (!d->values) {
        return prnn_fail(b->ctx, PRNN_ERROR_MEMORY,
                         "%s: %zu images of %dx%dx%d (height x width x channels) need more memory than this "
                         "machine has: choose a limit or a smaller size",
                         b->name, b->count, d->height, d->width, d->channels);
    }
    return PRNN_OK;
}

static prnn_status check_levels(prnn_builder *b, const char *name, const prnn_image *image) {
    size_t n = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    int levels = b->options.levels;
    for (size_t i = 0; levels < 256 && i < n; i++) {
        if (image->values[i] >= levels) {
            return prnn_fail(
                b->ctx, PRNN_ERROR_FORMAT,
                "%s: image %zu holds the value %d, and %d levels are 0..%d: choose more levels, or "
                "values 8bit if these are bytes to be divided into levels",
                name, b->first + b->done, image->values[i], levels, levels - 1);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image) {
    const prnn_data_options *o = &b->options;
    prnn_status status = b->data ? PRNN_OK : make_data(b, name, image);
    if (status == PRNN_OK && o->values == PRNN_VALUES_LEVELS) {
        status = check_levels(b, name, image);
    }
    if (status != PRNN_OK) {
        return status;
    }
    prnn_data *d = b->data;
    if (!o->channels && image->channels != d->channels) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: the image has %d channel%s, the first one %d: choose channels 1 or 3, so that all "
            "are converted",
            name, image->channels, image->channels == 1 ? "" : "s", d->channels);
    }
    size_t size = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    prnn_image to = {d->height, d->width, d->channels, d->values + b->done * size};
    status = prnn_image_fit(b->ctx, name, image, o->fit, &to);
    for (size_t i = 0; i < size && status == PRNN_OK; i++) {
        b->highest = to.values[i] > b->highest ? to.values[i] : b->highest;
    }
    if (status == PRNN_OK && o->values == PRNN_VALUES_8BIT && !d->draw && d->levels < 256) {
        for (size_t i = 0; i < size; i++) {
            to.values[i] = (uint8_t)(to.values[i] * d->levels / 256);
        }
    }
    b->done++;
    return status;
}

static prnn_status check_array(prnn_builder *b, const prnn_stream *s, uint64_t count, uint64_t height,
                               uint64_t width, uint64_t channels) {
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
            "%s: its header says %llu images of %llux%llux%llu (height x width x channels), but %s "
            "%llu bytes follow: it is cut off or damaged; fetch or make it anew",
            s->name, (unsigned long long)count, (unsigned long long)height, (unsigned long long)width,
            (unsigned long long)channels, s->exact ? "" : "at most", (unsigned long long)s->left);
    }
    return PRNN_OK;
}

prnn_status prnn_builder_put_array(prnn_builder *b, prnn_stream *s, uint64_t count, uint64_t height,
                                   uint64_t width, uint64_t channels) {
    prnn_status status = check_array(b, s, count, height, width, channels);
    if (status == PRNN_OK) {
        status = prnn_builder_slice(b, count);
    }
    if (status != PRNN_OK) {
        return status;
    }
    size_t size = (size_t)(height * width * channels);
    prnn_image image = {(int)height, (int)width, (int)channels, prnn_alloc(b->ctx, size, 1, s->name)};
    if (!image.values) {
        return PRNN_ERROR_MEMORY;
    }
    status = prnn_stream_skip(b->ctx, s, b->first * size);
    for (size_t i = 0; i < b->count && status == PRNN_OK; i++) {
        status = prnn_stream_read(b->ctx, s, image.values, size);
        if (status == PRNN_OK) {
            status = prnn_builder_put(b, s->name, &image);
        }
    }
    if (status == PRNN_OK && b->first + b->count == count) {
        status = prnn_stream_end(b->ctx, s);
    }
    prnn_image_free(&image);
    return status;
}

/* Images of levels, read as bytes, would all be black without a word. */
static prnn_status check_scale(const prnn_builder *b) {
    const prnn_data_options *o = &b->options;
    bool dark = b->highest > 0 && b->highest < o->levels && b->highest * o->levels / 256 == 0;
    if (o->values == PRNN_VALUES_8BIT && dark) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: no value is above %d, so as 8-bit values all become level 0 of %d: say values levels if "
            "these are levels",
            b->name, b->highest, o->levels);
    }
    return PRNN_OK;
}

prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data) {
    if (status == PRNN_OK) {
        status = check_scale(b);
    }
    if (status != PRNN_OK) {
        prnn_data_free(b->data);
        b->data = NULL;
        return status;
    }
    b->data->count = b->done;
    *data = b->data;
    return PRNN_OK;
}

#include "data/array.h"

#include "base/memory.h"
#include "base/try.h"

/* Most rows, or columns, of an image of an array, before it is fitted. */
enum { ARRAY_SIDE = 65536 };

static prnn_status fail_channels(prnn_context *ctx, const char *name, const prnn_array *a) {
    unsigned long long channels = a->channels;
    if (a->height == 1 || a->height == 3) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says images of %llu channels in the last dimension, and 1 or 3 are read: put the "
            "array into the order (n, height, width, channels); if its channels come second, save "
            "array.transpose(0, 2, 3, 1)",
            name, channels);
    }
    if (channels == 2 || channels == 4) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says images of %llu channels, and 1 or 3 are read: drop the alpha channel, "
            "save array[..., :%llu]",
            name, channels, channels - 1);
    }
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: its header says images of %llu channels in the last dimension, and 1 or 3 are read: put the "
        "array into the order (n, height, width, channels)",
        name, channels);
}

prnn_status prnn_array_check(prnn_builder *b, const prnn_stream *s, const prnn_array *a) {
    const uint64_t count = a->count, height = a->height, width = a->width, channels = a->channels;
    uint64_t size = height * width * channels, bytes;
    if (!count) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: holds no images", s->name);
    }
    if (height < 1 || height > ARRAY_SIDE || width < 1 || width > ARRAY_SIDE) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its header says images of %llu x %llu (height x width), and 1 to %d each are read", s->name,
            (unsigned long long)height, (unsigned long long)width, ARRAY_SIDE);
    }
    if (channels != 1 && channels != 3) {
        return fail_channels(b->ctx, s->name, a);
    }
    if (__builtin_mul_overflow(size, count, &bytes) || bytes > s->left || (s->exact && bytes < s->left)) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %llu image%s of %llu x %llu x %llu (height x width x channels), but %s"
            "%llu bytes follow: it is cut off or damaged; fetch or make it anew",
            s->name, (unsigned long long)count, prnn_plural(count), (unsigned long long)height,
            (unsigned long long)width, (unsigned long long)channels, s->exact ? "" : "at most ",
            (unsigned long long)s->left);
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

/* Truth to bytes, or to levels. */
static void whiten(const prnn_builder *b, uint8_t *values, size_t n) {
    uint8_t white = b->options.values == PRNN_VALUES_LEVELS ? 1 : 255;
    for (size_t i = 0; i < n; i++) {
        values[i] = values[i] ? white : 0;
    }
}

prnn_status prnn_array_put_part(prnn_builder *b, prnn_stream *s, const prnn_array *a, uint64_t from,
                                size_t n) {
    size_t size = (size_t)(a->height * a->width * a->channels);
    uint8_t *memory = prnn_alloc(b->ctx, a->planes ? 2 : 1, size, s->name);
    if (!memory) {
        return PRNN_ERROR_MEMORY;
    }
    uint8_t *raw = a->planes ? memory + size : memory;
    const prnn_image image = {(int)a->height, (int)a->width, (int)a->channels, memory};
    prnn_status status;
    TRY(prnn_stream_skip(b->ctx, s, from * size));
    for (size_t i = 0; i < n; i++) {
        TRY(prnn_stream_read(b->ctx, s, raw, size));
        if (a->truth) {
            whiten(b, raw, size);
        }
        if (a->planes) {
            interleave(a, raw, memory);
        }
        TRY(prnn_builder_put(b, s->name, &image));
    }
    if (from + n == a->count) {
        TRY(prnn_stream_end(b->ctx, s));
    }
done:
    prnn_free(memory);
    return status;
}

/* Whether the images can be read from where they are, and are more than should be in memory. */
static bool stays_on_disk(const prnn_builder *b, const prnn_stream *s, const prnn_array *a) {
    return s->plain && s->input->file && !a->planes && !a->truth && !b->out &&
           b->count > b->options.memory_limit / prnn_data_size(b->data);
}

/* A pass over the whole file. */
static prnn_status find_colours(prnn_builder *b) {
    const prnn_disk *disk = b->data->disk;
    size_t raw = prnn_disk_size(disk), size = prnn_data_size(b->data);
    uint8_t *memory = prnn_alloc(b->ctx, raw + size, 1, disk->name);
    const prnn_image image = {disk->height, disk->width, disk->channels, memory};
    prnn_status status;
    TRY(memory ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (b->done = 0; b->done < b->count; b->done++) {
        TRY(prnn_disk_read(b->ctx, disk, b->done, memory));
        TRY(prnn_data_take(b->ctx, b->data, disk->name, prnn_disk_number(disk, b->done), &image, memory + raw,
                           &b->highest, b->found + 1));
        TRY(prnn_builder_merge(b, disk->name, b->found + 1, memory + raw));
    }
    TRY(prnn_builder_number(b));
done:
    prnn_free(memory);
    return status;
}

/* The first image is read, so that a size that does not fit is known now. */
static prnn_status leave_on_disk(prnn_builder *b, const prnn_stream *s, const prnn_array *a) {
    prnn_disk disk = {.file = fileno(s->input->file),
                      .offset = s->offset + b->first * a->height * a->width * a->channels,
                      .first = b->first,
                      .height = (int)a->height,
                      .width = (int)a->width,
                      .channels = (int)a->channels};
    uint8_t *image = NULL;
    prnn_status status;
    TRY(prnn_disk_open(b->ctx, &disk, s->name, &b->data->disk));
    TRY(b->found ? find_colours(b) : PRNN_OK);
    b->done = b->count;
    image = prnn_alloc(b->ctx, prnn_data_size(b->data), 1, "an image");
    TRY(image ? prnn_data_load(b->ctx, b->data, 0, image, &b->highest) : PRNN_ERROR_MEMORY);
done:
    prnn_free(image);
    return status;
}

prnn_status prnn_array_put(prnn_builder *b, prnn_stream *s, const prnn_array *a) {
    const prnn_image image = {(int)a->height, (int)a->width, (int)a->channels, NULL};
    prnn_status status;
    TRY(prnn_array_check(b, s, a));
    TRY(prnn_builder_slice(b, a->count));
    TRY(prnn_builder_shape(b, s->name, &image));
    if (stays_on_disk(b, s, a)) {
        return leave_on_disk(b, s, a);
    }
    TRY(prnn_builder_room(b));
    TRY(prnn_array_put_part(b, s, a, b->first, b->count));
done:
    return status;
}

/* Data sets: the table of formats, and opening. */
#include "data/data.h"
#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/array.h"
#include "data/finish.h"

#include <stdio.h>

const prnn_format prnn_formats[] = {
    {"a folder of pictures, of CIFAR .bin or of .npz files", prnn_folder_probe, prnn_folder_open},
    {"idx (MNIST)", prnn_idx_probe, prnn_idx_open},
    {"idx.gz", prnn_idx_gz_probe, prnn_idx_gz_open},
    {".npy", prnn_npy_probe, prnn_npy_open},
    {".npz", prnn_npz_probe, prnn_npz_open},
    {"a picture (.png, .jpg, .webp, .tif)", prnn_picture_probe, prnn_picture_open},
    /* Last, because it has no magic bytes, only a size. */
    {"CIFAR .bin (a multiple of 3073 or 3074 bytes)", prnn_cifar_probe, prnn_cifar_open},
    {NULL, NULL, NULL},
};

/* Version 2 and later, of which every pickle says so, as CIFAR for Python does. */
static bool is_pickle(const prnn_probe *probe) {
    return probe->head_size >= 2 && probe->head[0] == 0x80 && probe->head[1] >= 2 && probe->head[1] <= 5;
}

static prnn_status fail_unknown(prnn_context *ctx, const prnn_input *input, const prnn_probe *probe) {
    if (is_pickle(probe)) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: is a pickle, which is a program for Python and is not run: of CIFAR, fetch the binary "
            "version (cifar-10-binary.tar.gz, cifar-100-binary.tar.gz); of anything else, save the "
            "array (numpy.save)",
            input->name);
    }
    char list[512] = "";
    size_t used = 0;
    for (const prnn_format *f = prnn_formats; f->name && used < sizeof list; f++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", f->name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its %llu byte%s are in no format that is read: %s",
                     input->name, (unsigned long long)input->size, prnn_plural(input->size), list);
}

/* A picture is decoded from the file of a name, or from memory. */
static prnn_status open_piped(prnn_builder *b, prnn_input *input, prnn_format_open open) {
    uint8_t *bytes = NULL;
    prnn_status status;
    TRY(prnn_input_take(b->ctx, input, PRNN_PICTURE_BYTES, &bytes));
    prnn_input memory = prnn_input_memory(input->name, bytes, (size_t)input->size);
    TRY(open(b, &memory));
done:
    prnn_free(bytes);
    return status;
}

/* Tells the format and reads. */
static prnn_status open_input(prnn_builder *b, prnn_input *input) {
    uint8_t head[16] = {0};
    prnn_probe probe = {head, input->size < sizeof head ? (size_t)input->size : sizeof head, input->size,
                        input->is_folder};
    if (!input->is_folder) {
        prnn_status status = prnn_input_read(b->ctx, input, 0, head, probe.head_size);
        if (status != PRNN_OK) {
            return status;
        }
    }
    for (const prnn_format *f = prnn_formats; f->name; f++) {
        if (f->probe(&probe)) {
            bool picture = f->open == prnn_picture_open;
            return input->piped && picture ? open_piped(b, input, f->open) : f->open(b, input);
        }
    }
    return fail_unknown(b->ctx, input, &probe);
}

prnn_status prnn_data_open(prnn_context *ctx, const char *path, const prnn_data_options *options,
                           prnn_data **data) {
    PRNN_NOTHING_YET(data);
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(data));
    prnn_builder b;
    prnn_status status = prnn_builder_init(&b, ctx, path, options);
    if (status != PRNN_OK) {
        return status;
    }
    return prnn_builder_finish(&b, prnn_builder_read(&b, path), data);
}

prnn_status prnn_builder_read(prnn_builder *b, const char *path) {
    prnn_input input;
    prnn_status status = prnn_input_open_any(b->ctx, path, &input);
    b->from_file = true;
    if (status == PRNN_OK) {
        b->piped = input.piped;
        status = open_input(b, &input);
        prnn_input_close(&input);
    }
    return status;
}

prnn_status prnn_data_open_bytes(prnn_context *ctx, prnn_format_open open, const uint8_t *bytes, size_t size,
                                 const prnn_data_options *options, prnn_data **data) {
    *data = NULL;
    prnn_input input = prnn_input_memory("bytes in memory", bytes, size);
    prnn_builder b;
    prnn_status status = prnn_builder_init(&b, ctx, input.name, options);
    if (status == PRNN_OK) {
        status = open ? open(&b, &input) : open_input(&b, &input);
    }
    return prnn_builder_finish(&b, status, data);
}

prnn_status prnn_data_from_memory(prnn_context *ctx, const uint8_t *images, size_t count, int height,
                                  int width, int channels, const prnn_data_options *options,
                                  prnn_data **data) {
    PRNN_NOTHING_YET(data);
    PRNN_ENTER(ctx, PRNN_ARRAY(images, count), PRNN_GIVEN(data));
    static const char name[] = "images in memory";
    prnn_builder b;
    prnn_status status = prnn_builder_init(&b, ctx, name, options);
    if (status != PRNN_OK) {
        return status;
    }
    uint64_t size, bytes;
    if (count < 1 || height < 1 || width < 1 || (channels != 1 && channels != 3) ||
        __builtin_mul_overflow((uint64_t)height * (uint64_t)width, (uint64_t)channels, &size) ||
        __builtin_mul_overflow(size, count, &bytes) || bytes > SIZE_MAX / 2) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: %zu of %d x %d x %d (height x width x channels): choose at least one, and channels 1 "
            "or 3",
            name, count, height, width, channels);
    }
    prnn_input input = prnn_input_memory(name, images, (size_t)bytes);
    prnn_stream stream = prnn_stream_plain(&input);
    const prnn_array array = {count, (uint64_t)height, (uint64_t)width, (uint64_t)channels, false, false};
    status = prnn_array_put(&b, &stream, &array);
    return prnn_builder_finish(&b, status, data);
}

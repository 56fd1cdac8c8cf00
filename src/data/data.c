/* Data sets: the table of formats, and reading from what was opened. */
#include "data/data.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

const prnn_format prnn_formats[] = {
    {"a folder of .png files or of CIFAR .bin files", prnn_folder_probe, prnn_folder_open},
    {"idx (MNIST)", prnn_idx_probe, prnn_idx_open},
    {"idx.gz", prnn_idx_gz_probe, prnn_idx_gz_open},
    {".npy", prnn_npy_probe, prnn_npy_open},
    {".npz", prnn_npz_probe, prnn_npz_open},
    {".png", prnn_png_probe, prnn_png_open},
    /* Last, because it has no magic bytes, only a size. */
    {"CIFAR .bin (a multiple of 3073 or 3074 bytes)", prnn_cifar_probe, prnn_cifar_open},
    {NULL, NULL, NULL},
};

static prnn_status fail_unknown(prnn_context *ctx, const prnn_input *input) {
    char list[512] = "";
    size_t used = 0;
    for (const prnn_format *f = prnn_formats; f->name && used < sizeof list; f++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", f->name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its %llu bytes are in no format that is read: %s",
                     input->name, (unsigned long long)input->size, list);
}

/* Tells the format and reads. */
static prnn_status open_input(prnn_builder *b, prnn_input *input) {
    uint8_t head[16];
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
            return f->open(b, input);
        }
    }
    return fail_unknown(b->ctx, input);
}

prnn_status prnn_data_open(prnn_context *ctx, const char *path, const prnn_data_options *options,
                           prnn_data **data) {
    *data = NULL;
    prnn_builder b;
    prnn_status status = prnn_builder_init(&b, ctx, path, options);
    if (status != PRNN_OK) {
        return status;
    }
    prnn_input input;
    status = prnn_input_open(ctx, path, &input);
    if (status == PRNN_OK) {
        status = open_input(&b, &input);
        prnn_input_close(&input);
    }
    return prnn_builder_finish(&b, status, data);
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
    *data = NULL;
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
            "%s: %zu of %dx%dx%d (height x width x channels): choose at least one, and channels 1 "
            "or 3",
            name, count, height, width, channels);
    }
    prnn_input input = prnn_input_memory(name, images, (size_t)bytes);
    prnn_stream stream = prnn_stream_plain(&input);
    status =
        prnn_builder_put_array(&b, &stream, count, (uint64_t)height, (uint64_t)width, (uint64_t)channels);
    return prnn_builder_finish(&b, status, data);
}

void prnn_data_free(prnn_data *data) {
    if (data) {
        prnn_free(data->values);
        prnn_free(data);
    }
}

size_t prnn_data_count(const prnn_data *data) {
    return data->count;
}

int prnn_data_height(const prnn_data *data) {
    return data->height;
}

int prnn_data_width(const prnn_data *data) {
    return data->width;
}

int prnn_data_channels(const prnn_data *data) {
    return data->channels;
}

int prnn_data_levels(const prnn_data *data) {
    return data->levels;
}

uint64_t prnn_data_fingerprint(const prnn_data *data) {
    size_t size = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    return (uint64_t)crc32_z(data->draw, data->values, data->count * size) << 8 |
           (uint64_t)data->levels % 256;
}

/* Level 1 with probability v / 255. A value number needs 26 bits (4096 * 4096 * 3 < 2^26), which leaves 38
 * for the image; the epoch has a word of its own, so no two draws share a counter. */
static void draw(const uint8_t *bytes, size_t n, uint64_t seed, uint64_t epoch, uint64_t image, uint8_t *to) {
    for (size_t i = 0; i < n; i++) {
        double u = prnn_random_uniform(seed, PRNN_RANDOM_BINARIZE, epoch, image << 26 | i);
        to[i] = u * 255 < bytes[i];
    }
}

prnn_status prnn_data_read(prnn_context *ctx, const prnn_data *data, const size_t *indices, size_t n,
                           uint64_t seed, uint64_t epoch, uint8_t *images) {
    size_t size = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= data->count) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "image %zu: the data set has images 0..%zu",
                             indices[i], data->count - 1);
        }
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = data->values + indices[i] * size;
        if (data->draw) {
            draw(from, size, seed, epoch, indices[i], images + i * size);
        } else {
            memcpy(images + i * size, from, size);
        }
    }
    return PRNN_OK;
}

#include "data/set.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void prnn_data_free(prnn_data *data) {
    if (data) {
        prnn_free(data->values);
        prnn_disk_free(data->disk);
        for (size_t i = 0; data->names && i < data->count; i++) {
            free(data->names[i].path);
        }
        prnn_free(data->names);
        prnn_free(data->folders);
        prnn_free(data->colours);
        free(data->source);
        prnn_free(data);
    }
}

prnn_status prnn_data_set_source(prnn_context *ctx, prnn_data *d, const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    if (begin == end || strncmp(path, "/dev/", 5) == 0) {
        return PRNN_OK;
    }
    free(d->source);
    d->source = strndup(path + begin, end - begin);
    return d->source ? PRNN_OK
                     : prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for its name", path);
}

/* The images from number `first` on, as they are stored. */
static prnn_status copy_rest(prnn_context *ctx, const prnn_data *data, size_t first, prnn_data *rest) {
    size_t size = prnn_data_size(data);
    if (data->names) {
        rest->names = prnn_alloc(ctx, rest->count, sizeof *rest->names, "the names of files");
        if (!rest->names) {
            return PRNN_ERROR_MEMORY;
        }
    }
    if (data->folders) {
        rest->folders = prnn_alloc_raw(ctx, rest->count, sizeof *rest->folders, "the numbers of folders");
        if (!rest->folders) {
            return PRNN_ERROR_MEMORY;
        }
        memcpy(rest->folders, data->folders + first, rest->count * sizeof *rest->folders);
    }
    if (data->colours) {
        rest->colours = prnn_alloc(ctx, 1, sizeof *rest->colours, "a palette");
        if (!rest->colours) {
            return PRNN_ERROR_MEMORY;
        }
        *rest->colours = *data->colours;
    }
    if (data->disk) {
        return prnn_disk_rest(ctx, data->disk, first, &rest->disk);
    }
    rest->values = prnn_alloc_raw(ctx, rest->count, size, "the images");
    if (!rest->values) {
        return PRNN_ERROR_MEMORY;
    }
    memcpy(rest->values, data->values + first * size, rest->count * size);
    return PRNN_OK;
}

/* `rest` may be NULL. */
static void hand_over_names(prnn_data *data, size_t first, prnn_data *rest) {
    for (size_t i = first; data->names && i < data->count; i++) {
        if (rest) {
            rest->names[i - first] = data->names[i];
        } else {
            free(data->names[i].path);
        }
    }
}

prnn_status prnn_data_split(prnn_context *ctx, prnn_data *data, size_t first, prnn_data **rest) {
    PRNN_ENTER(ctx, PRNN_GIVEN(data));
    if (rest) {
        *rest = NULL;
    }
    if (first < 1 || first > data->count || (rest && first == data->count)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a set of %zu image%s cannot be cut before image %zu: each part needs an image",
                         data->count, prnn_plural(data->count), first);
    }
    prnn_data *part = NULL;
    if (rest) {
        part = prnn_alloc(ctx, 1, sizeof *part, "a data set");
        if (!part) {
            return PRNN_ERROR_MEMORY;
        }
        *part = *data;
        part->values = NULL;
        part->disk = NULL;
        part->names = NULL;
        part->source = NULL;
        part->colours = NULL;
        part->first += first;
        part->folders = NULL;
        part->skipped = 0;
        part->count = data->count - first;
        prnn_status status = copy_rest(ctx, data, first, part);
        if (status == PRNN_OK && data->source) {
            status = prnn_data_set_source(ctx, part, data->source);
        }
        if (status != PRNN_OK) {
            prnn_data_free(part);
            return status;
        }
        *rest = part;
    }
    hand_over_names(data, first, part);
    data->count = first;
    return PRNN_OK;
}

size_t prnn_data_count(const prnn_data *data) {
    return data->count;
}

size_t prnn_data_skipped(const prnn_data *data) {
    return data->skipped;
}

const char *prnn_data_name(const prnn_data *data, size_t index) {
    return data->names && index < data->count ? data->names[index].path : NULL;
}

size_t prnn_data_number(const prnn_data *data, size_t index) {
    return data->names && index < data->count ? data->names[index].number : data->first + index;
}

prnn_status prnn_data_folders(prnn_context *ctx, const prnn_data *data, size_t first, size_t n,
                              size_t *folders) {
    PRNN_ENTER(ctx, PRNN_GIVEN(data), PRNN_GIVEN(folders));
    *folders = 0;
    if (first > data->count || n > data->count - first) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%zu image%s from number %zu on: the data set has images 0..%zu", n, prnn_plural(n),
                         first, data->count - 1);
    }
    if (!data->folders) {
        return PRNN_OK;
    }
    uint32_t most = 0;
    for (size_t i = first; i < first + n; i++) {
        most = data->folders[i] > most ? data->folders[i] : most;
    }
    bool *met = prnn_alloc(ctx, (size_t)most + 1, sizeof *met, "the numbers of folders");
    if (!met) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = first; i < first + n; i++) {
        *folders += !met[data->folders[i]];
        met[data->folders[i]] = true;
    }
    prnn_free(met);
    return PRNN_OK;
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

bool prnn_data_has_one_value(const prnn_data *data) {
    return data->one_value;
}

int prnn_data_levels(const prnn_data *data) {
    return data->levels;
}

const prnn_palette *prnn_data_palette(const prnn_data *data) {
    return data->colours ? &data->colours->palette : NULL;
}

/* ---------------------------------------------------------------------------------------- taking */

static prnn_status check_levels(prnn_context *ctx, const prnn_data *d, const char *name, size_t number,
                                const prnn_image *image) {
    if (d->paletted && image->channels != 1) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: holds colours, and values levels says that it holds their numbers: leave that "
                         "out",
                         name);
    }
    size_t n = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    for (size_t i = 0; d->levels < 256 && i < n; i++) {
        if (image->values[i] >= d->levels) {
            return prnn_fail(
                ctx, PRNN_ERROR_FORMAT,
                "%s: image %zu holds the value %d, and %d levels are 0..%d: choose more levels, or "
                "values 8bit if these are bytes to be divided into levels",
                name, number, image->values[i], d->levels, d->levels - 1);
        }
    }
    return PRNN_OK;
}

static prnn_status fit(prnn_context *ctx, const prnn_data *d, const char *name, const prnn_image *image,
                       uint8_t *values) {
    if (!d->any_channels && image->channels != d->channels) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: the image has %d channel%s, the first one %d: choose channels 3 (grey is repeated) or 1 "
            "(colours become grey)",
            name, image->channels, prnn_plural((uint64_t)image->channels), d->channels);
    }
    prnn_image to = {d->height, d->width, d->channels, values};
    return values == image->values ? PRNN_OK : prnn_image_fit(ctx, name, image, d->fit, &to);
}

/* What is taken of an image of colours. */
typedef struct indexing {
    const prnn_data *d;
    const char *name;
    size_t number;
    const prnn_image *image;
    prnn_grid grid;
} indexing;

static const uint8_t *colour_at(const indexing *x, int row, int col, uint8_t grey[3]) {
    int y = x->grid.top + row * x->grid.step, at = x->grid.left + col * x->grid.step;
    const uint8_t *pixel =
        x->image->values + ((size_t)y * (size_t)x->image->width + (size_t)at) * (size_t)x->image->channels;
    memset(grey, pixel[0], 3);
    return x->image->channels == 3 ? pixel : grey;
}

/* Of one picture; a bit for each colour. 0: no memory. */
static size_t count_colours(prnn_context *ctx, const indexing *x) {
    uint8_t *seen = prnn_alloc(ctx, 1 << 21, 1, "the colours of a picture"), grey[3];
    size_t count = 0;
    for (int row = 0; seen && row < x->d->height; row++) {
        for (int col = 0; col < x->d->width; col++) {
            const uint8_t *c = colour_at(x, row, col, grey);
            size_t all = (size_t)c[0] << 16 | (size_t)c[1] << 8 | c[2];
            count += !(seen[all / 8] >> all % 8 & 1);
            seen[all / 8] = (uint8_t)(seen[all / 8] | 1 << all % 8);
        }
    }
    prnn_free(seen);
    return count;
}

static prnn_status fail_colour(prnn_context *ctx, const indexing *x, int row, int col, bool finding) {
    size_t count = finding ? count_colours(ctx, x) : 0;
    uint8_t grey[3];
    const uint8_t *c = colour_at(x, row, col, grey);
    if (finding && !count) {
        return PRNN_ERROR_MEMORY;
    }
    if (finding) {
        return prnn_data_fail_colours(ctx, x->name, x->number, count);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                     "%s: the pixel in row %d, column %d of image %zu is #%02x%02x%02x, which is none of the "
                     "palette's %d colours: choose images in these colours (alpha says what is behind "
                     "transparent ones)%s",
                     x->name, x->grid.top + row * x->grid.step, x->grid.left + col * x->grid.step, x->number,
                     c[0], c[1], c[2], x->d->colours->palette.count,
                     x->image->channels == 1 ? ", or values levels, if the file holds numbers of colours"
                                             : ", or another palette");
}

prnn_status prnn_data_fail_colours(prnn_context *ctx, const char *name, size_t number, size_t count) {
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: with image %zu there are %zu colours, and a palette has at most %d: reduce the images "
        "to fewer colours (quantise them), or read them without a palette",
        name, number, count, PRNN_PALETTE_MOST);
}

/* Colours to their numbers. */
static prnn_status take_colours(prnn_context *ctx, const indexing *x, uint8_t *to, prnn_colours *own) {
    uint8_t grey[3];
    for (int row = 0; row < x->d->height; row++) {
        for (int col = 0; col < x->d->width; col++) {
            const uint8_t *colour = colour_at(x, row, col, grey);
            int k = x->d->colours ? prnn_colours_find(x->d->colours, colour) : prnn_colours_add(own, colour);
            if (k < 0) {
                return fail_colour(ctx, x, row, col, !x->d->colours);
            }
            to[(size_t)row * (size_t)x->d->width + (size_t)col] = (uint8_t)k;
        }
    }
    return PRNN_OK;
}

/* Where the image's own memory is `to`, a number is written where its colour, or one before it, was. */
static prnn_status take_paletted(prnn_context *ctx, const prnn_data *d, const char *name, size_t number,
                                 const prnn_image *image, uint8_t *to, prnn_colours *own) {
    indexing x = {.d = d, .name = name, .number = number, .image = image};
    prnn_status status;
    TRY(prnn_image_grid(ctx, name, image, d->fit, d->height, d->width, &x.grid));
    if (own) {
        *own = (prnn_colours){0};
    }
    TRY(take_colours(ctx, &x, to, own));
done:
    return status;
}

prnn_status prnn_data_take(prnn_context *ctx, const prnn_data *d, const char *name, size_t number,
                           const prnn_image *image, uint8_t *to, int *highest, prnn_colours *own) {
    size_t size = prnn_data_size(d);
    int most = 0;
    prnn_status status;
    if (d->paletted && d->scale == PRNN_VALUES_8BIT) {
        return take_paletted(ctx, d, name, number, image, to, own);
    }
    TRY(d->scale == PRNN_VALUES_LEVELS ? check_levels(ctx, d, name, number, image) : PRNN_OK);
    TRY(fit(ctx, d, name, image, to));
    for (size_t i = 0; i < size; i++) {
        most = to[i] > most ? to[i] : most;
    }
    *highest = most > *highest ? most : *highest;
    if (d->scale == PRNN_VALUES_8BIT && !d->draw && d->levels < 256) {
        for (size_t i = 0; i < size; i++) {
            to[i] = (uint8_t)(to[i] * d->levels / 256);
        }
    }
done:
    return status;
}

/* --------------------------------------------------------------------------------------- reading */

/* An image of another shape than the set's goes through memory of its own. */
static prnn_status load_from_disk(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to,
                                  int *highest) {
    const prnn_disk *disk = d->disk;
    bool same = disk->height == d->height && disk->width == d->width && disk->channels == d->channels;
    size_t n = prnn_disk_size(disk);
    prnn_image image = {disk->height, disk->width, disk->channels, to};
    if (!same) {
        image.values = prnn_take(ctx, n, 1, disk->name);
        if (!image.values) {
            return PRNN_ERROR_MEMORY;
        }
    }
    prnn_status status = prnn_disk_read(ctx, disk, index, image.values);
    if (status == PRNN_OK) {
        status = prnn_data_take(ctx, d, disk->name, prnn_disk_number(disk, index), &image, to, highest, NULL);
    }
    if (!same) {
        prnn_give(ctx, image.values, n);
    }
    return status;
}

prnn_status prnn_data_load(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to, int *highest) {
    size_t size = prnn_data_size(d);
    if (d->disk) {
        return load_from_disk(ctx, d, index, to, highest);
    }
    memcpy(to, d->values + index * size, size);
    return PRNN_OK;
}

prnn_status prnn_data_stored(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to) {
    int highest = 0;
    return prnn_data_load(ctx, d, index, to, &highest);
}

void prnn_data_prefetch(const prnn_data *d, const uint64_t *indices, size_t n) {
    if (d->disk) {
        prnn_disk_prefetch(d->disk, indices, n);
    }
}

/* Level 1 with probability v / 255, in place. A value number needs 26 bits (PRNN_DRAWN_VALUES), which leaves
 * 38 for the image; the epoch has a word of its own, so no two draws share a counter. */
static void draw(uint8_t *values, size_t n, uint64_t seed, uint64_t epoch, uint64_t image) {
    for (size_t i = 0; i < n; i++) {
        double u = prnn_random_uniform(seed, PRNN_RANDOM_BINARIZE, epoch, image << 26 | i);
        values[i] = u * 255 < values[i];
    }
}

prnn_status prnn_data_read(prnn_context *ctx, const prnn_data *data, const size_t *indices, size_t n,
                           uint64_t seed, uint64_t epoch, uint8_t *images) {
    PRNN_ENTER(ctx, PRNN_GIVEN(data), PRNN_ARRAY(indices, n), PRNN_ARRAY(images, n));
    size_t size = prnn_data_size(data);
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= data->count) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "image %zu: the data set has images 0..%zu",
                             indices[i], data->count - 1);
        }
    }
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n; i++) {
        TRY(prnn_data_stored(ctx, data, indices[i], images + i * size));
        if (data->draw) {
            draw(images + i * size, size, seed, epoch, indices[i]);
        }
    }
done:
    return status;
}

/* ----------------------------------------------------------------------------------- fingerprint */

/* Larger sets are sampled: a run should not begin with a pass over all of ImageNet. */
static const size_t whole_limit = (size_t)256 << 20, sample_bytes = (size_t)64 << 20;
enum { SAMPLE_MIN = 16, SAMPLE_MAX = 1024 };

/* Number of images that the fingerprint is of; the first and the last are among them. */
static size_t sample_count(const prnn_data *d) {
    size_t size = prnn_data_size(d), n = sample_bytes / size;
    if (d->count <= whole_limit / size) {
        return d->count;
    }
    n = n < SAMPLE_MIN ? SAMPLE_MIN : n > SAMPLE_MAX ? SAMPLE_MAX : n;
    return n < d->count ? n : d->count;
}

prnn_status prnn_data_fingerprint(prnn_context *ctx, const prnn_data *d, uint64_t *print) {
    size_t size = prnn_data_size(d), n = sample_count(d);
    uint8_t *image = prnn_alloc(ctx, size, 1, "an image");
    if (!image) {
        return PRNN_ERROR_MEMORY;
    }
    unsigned long crc = d->draw;
    if (n < d->count) {
        char shape[96];
        int length =
            snprintf(shape, sizeof shape, "%zu %d %d %d", d->count, d->height, d->width, d->channels);
        crc = crc32_z(crc, (const uint8_t *)shape, (size_t)length);
    }
    if (d->colours) {
        crc = crc32_z(crc, *d->colours->palette.colours, (size_t)d->levels * 3);
    }
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        uint64_t at = n < d->count ? (uint64_t)i * (d->count - 1) / (n > 1 ? n - 1 : 1) : i;
        status = prnn_data_stored(ctx, d, (size_t)at, image);
        crc = crc32_z(crc, image, size);
    }
    prnn_free(image);
    *print = (uint64_t)crc << 8 | (uint64_t)d->levels % 256;
    return status;
}

#include "codec/directory.h"

#include "base/memory.h"
#include "base/try.h"
#include "codec/bytes.h"
#include "codec/chunk.h"
#include "image/image.h"

#include <string.h>
#include <zlib.h>

/* Bytes of a record in front of its name, which ends with 0; those that name a palette come before that. */
enum { RECORD_BYTES = 14, PALETTE_BYTES = 4 };

static size_t bytes_before_name(prnn_how how) {
    return how == PRNN_HOW_COLOURS ? RECORD_BYTES + PALETTE_BYTES : RECORD_BYTES;
}

const prnn_record *prnn_directory_find(const prnn_directory *d, size_t i) {
    size_t low = 0;
    for (size_t high = d->count; high - low > 1;) {
        size_t middle = (low + high) / 2;
        low = d->list[middle].first <= i ? middle : low;
        high = d->list[middle].first <= i ? high : middle;
    }
    return &d->list[low];
}

prnn_archive_image prnn_record_describe(const prnn_record *r, int levels) {
    prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
    image.name = r->name;
    image.height = r->height;
    image.width = r->width;
    image.channels = r->channels;
    image.levels = r->how == PRNN_HOW_STORED ? 0 : r->how == PRNN_HOW_LEVELS ? levels : 256;
    image.colours = r->how == PRNN_HOW_COLOURS ? levels : 0;
    image.palette = r->palette;
    return image;
}

uint32_t prnn_palette_checksum(const prnn_palette *palette) {
    return prnn_crc32(*palette->colours, (size_t)palette->count * sizeof *palette->colours);
}

bool prnn_name_is_safe(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n > PRNN_NAME_BYTES) {
        return n == 0;
    }
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");
        bool dots = (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.');
        if (length == 0 || dots) {
            return false;
        }
        part += length;
        if (!*part) {
            return true;
        }
    }
}

/* ---------------------------------------------------------------------------------------- write */

prnn_status prnn_directory_pack(prnn_context *ctx, const prnn_directory *d, uint8_t **bytes, size_t *n) {
    size_t size = 0, at = 0;
    uint8_t *raw = NULL;
    prnn_status status;
    *bytes = NULL;
    for (size_t r = 0; r < d->count; r++) {
        size += bytes_before_name(d->list[r].how) + strlen(d->list[r].name) + 1;
    }
    uLongf packed = compressBound(size);
    raw = prnn_alloc(ctx, size, 1, "the names of images");
    TRY(raw ? PRNN_OK : PRNN_ERROR_MEMORY);
    *bytes = prnn_alloc(ctx, 4 + packed, 1, "the names of images");
    TRY(*bytes ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t r = 0; r < d->count; r++) {
        const prnn_record *record = &d->list[r];
        size_t before = bytes_before_name(record->how), name = strlen(record->name) + 1;
        prnn_put32(raw + at, record->run);
        prnn_put32(raw + at + 4, (uint32_t)record->height);
        prnn_put32(raw + at + 8, (uint32_t)record->width);
        raw[at + 12] = (uint8_t)record->channels;
        raw[at + 13] = (uint8_t)record->how;
        if (record->how == PRNN_HOW_COLOURS) {
            prnn_put32(raw + at + RECORD_BYTES, record->palette);
        }
        memcpy(raw + at + before, record->name, name);
        at += before + name;
    }
    prnn_put32(*bytes, (uint32_t)size);
    TRY(compress2(*bytes + 4, &packed, raw, size, 9) == Z_OK
            ? PRNN_OK
            : prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to compress the names of images"));
    *n = 4 + packed;
done:
    prnn_free(raw);
    if (status != PRNN_OK) {
        prnn_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* ----------------------------------------------------------------------------------------- read */

static prnn_status refuse(prnn_context *ctx) {
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "its list of images is damaged");
}

static bool is_valid(const prnn_record *r) {
    return r->run >= 1 && r->run <= PRNN_BATCH_IMAGES && r->height >= 1 && r->height <= PRNN_PICTURE_SIDE &&
           r->width >= 1 && r->width <= PRNN_PICTURE_SIDE &&
           (size_t)r->height * (size_t)r->width <= PRNN_PICTURE_PIXELS && r->channels >= 1 &&
           r->channels <= 4 && r->how <= PRNN_HOW_COLOURS && prnn_name_is_safe(r->name) &&
           (!*r->name || r->run == 1);
}

/* The records in `size` bytes, into `list` unless that is NULL; returns how many, or 0: they are none. */
static size_t parse(const uint8_t *raw, size_t size, prnn_record *list) {
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        const uint8_t *p = raw + at;
        size_t left = size - at, before = left > RECORD_BYTES ? bytes_before_name((prnn_how)p[13]) : left;
        const uint8_t *end = left > before ? memchr(p + before, 0, left - before) : NULL;
        if (!end) {
            return 0;
        }
        if (list) {
            list[count] = (prnn_record){.run = prnn_get32(p),
                                        .height = (int)(prnn_get32(p + 4) & INT32_MAX),
                                        .width = (int)(prnn_get32(p + 8) & INT32_MAX),
                                        .channels = p[12],
                                        .how = (prnn_how)p[13],
                                        .palette = before > RECORD_BYTES ? prnn_get32(p + RECORD_BYTES) : 0,
                                        .name = (const char *)p + before};
        }
        at = (size_t)(end - raw) + 1;
    }
    return count;
}

/* Whether they are a batch of so many images. */
static bool is_batch(prnn_directory *d, size_t images) {
    size_t bytes = 0;
    for (size_t r = 0; r < d->count; r++) {
        if (!is_valid(&d->list[r])) {
            return false;
        }
        d->list[r].first = (uint32_t)d->images;
        d->images += d->list[r].run;
        bytes += d->list[r].run * prnn_record_bytes(&d->list[r]);
        if (d->images > images || (d->images > 1 && bytes > PRNN_BATCH_BYTES)) {
            return false;
        }
    }
    return d->images == images;
}

prnn_status prnn_directory_unpack(prnn_context *ctx, const uint8_t *bytes, size_t n, size_t images,
                                  prnn_directory *d) {
    /* deflate makes at most 1032 bytes out of one */
    size_t size = n > 4 ? prnn_get32(bytes) : 0;
    uLongf got = (uLongf)size;
    uLong used = (uLong)(n - 4);
    prnn_status status = PRNN_OK;
    *d = (prnn_directory){0};
    if (size == 0 || size / 1032 > n || images > PRNN_BATCH_IMAGES ||
        size > images * (RECORD_BYTES + PALETTE_BYTES + PRNN_NAME_BYTES + 1)) {
        return refuse(ctx);
    }
    d->text = prnn_alloc(ctx, size, 1, "the names of images");
    TRY(d->text ? PRNN_OK : PRNN_ERROR_MEMORY);
    int error = uncompress2(d->text, &got, bytes + 4, &used);
    TRY(error != Z_MEM_ERROR
            ? PRNN_OK
            : prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to read the names of images"));
    TRY(error == Z_OK && got == size && used == n - 4 ? PRNN_OK : refuse(ctx));
    d->count = parse(d->text, size, NULL);
    TRY(d->count ? PRNN_OK : refuse(ctx));
    d->list = prnn_alloc(ctx, d->count, sizeof *d->list, "the names of images");
    TRY(d->list ? PRNN_OK : PRNN_ERROR_MEMORY);
    parse(d->text, size, d->list);
    TRY(is_batch(d, images) ? PRNN_OK : refuse(ctx));
done:
    if (status != PRNN_OK) {
        prnn_directory_free(d);
    }
    return status;
}

void prnn_directory_free(prnn_directory *d) {
    prnn_free(d->list);
    prnn_free(d->text);
    *d = (prnn_directory){0};
}

/* Archives, as they are and with the checksums of their chunks set right, without which no change would get
 * far: the bytes behind a byte that says which. Read with a model of the same kind and without one. */
#include "codec/archive.h"
#include "codec/bytes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void set_checksums(uint8_t *bytes, size_t size) {
    for (size_t at = 0; size - at >= PRNN_CHUNK_BYTES;) {
        uint8_t *head = bytes + at;
        size_t left = size - at - PRNN_CHUNK_BYTES, n = prnn_get32(head + 24);
        memcpy(head, prnn_chunk_mark, PRNN_MARK_BYTES);
        head[10] = head[11] = 0;
        n = n < left ? n : left;
        prnn_put32(head + 24, (uint32_t)n);
        prnn_put32(head + 28, prnn_crc32(head + PRNN_CHUNK_BYTES, n));
        prnn_put32(head + 36, prnn_crc32(head, 36));
        at += PRNN_CHUNK_BYTES + n;
    }
}

static prnn_model *model_of(prnn_context *ctx) {
    static prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = PRNN_ROW;
    c.height = c.width = c.levels = 4;
    c.layers = 1;
    c.hidden = c.head = 2;
    if (!model &&
        (prnn_model_create(ctx, &c, 1, &model) != PRNN_OK ||
         prnn_model_set_metadata(ctx, model, "palette", "000000 ff0000 0000ff ffffff") != PRNN_OK)) {
        abort();
    }
    return model;
}

static bool on_image(void *user, uint64_t index, const prnn_archive_image *image, const uint8_t *values,
                     const char *why) {
    (void)index;
    if (!values == !why || !image->name) {
        abort();
    }
    for (size_t i = 0; values && i < (size_t)image->height * (size_t)image->width; i++) {
        *(unsigned *)user += values[i]; /* all of it is there */
    }
    return true;
}

static void read_all(prnn_context *ctx, prnn_archive *archive) {
    unsigned sum = 0;
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    prnn_model *inside;
    options.max_pixels = 1 << 16;
    options.image = on_image;
    options.user = &sum;
    (void)prnn_archive_read(ctx, archive, NULL, &options);
    if (prnn_archive_model(ctx, archive, &inside) == PRNN_OK) {
        prnn_model_free(inside);
    }
    /* As if it had been made with this model. */
    (void)prnn_header_of(ctx, model_of(ctx), archive->header.tile, &archive->header);
    (void)prnn_archive_read(ctx, archive, model_of(ctx), &options);
    for (uint64_t i = 0; i < prnn_archive_count(archive); i += 1 + i / 8) {
        prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
        uint64_t found;
        prnn_archive_image_at(archive, i, &image);
        (void)prnn_archive_find(archive, image.name, &found);
    }
}

/* The bytes as a file. */
static void read_file(prnn_context *ctx, int file, const char *path, const uint8_t *bytes, size_t size) {
    prnn_archive *archive;
    if (write(file, bytes, size) != (ssize_t)size) {
        abort();
    }
    if (prnn_archive_open(ctx, path, &archive) == PRNN_OK) {
        read_all(ctx, archive);
        prnn_archive_free(archive);
    } else if (!prnn_message(ctx)[0]) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[] = "/dev/shm/fuzz_archive_XXXXXX";
    prnn_context *ctx = prnn_context_create();
    uint8_t *copy = malloc(size + 1);
    int file = mkstemp(path);
    if (ctx && copy && file >= 0 && size > 0 && prnn_context_set_threads(ctx, 1) == PRNN_OK) {
        memcpy(copy, bytes + 1, size - 1);
        if (bytes[0] % 2) {
            set_checksums(copy, size - 1);
        }
        read_file(ctx, file, path, copy, size - 1);
    }
    close(file);
    unlink(path);
    free(copy);
    prnn_context_free(ctx);
    return 0;
}

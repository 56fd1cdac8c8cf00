/* Images that stay in their file: each is read when it is asked for. The system's cache holds what fits, and
 * the process nothing. */
#include "base/memory.h"
#include "data/set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

prnn_status prnn_disk_open(prnn_context *ctx, const char *name, int file, uint64_t offset, prnn_disk **to) {
    *to = NULL;
    prnn_disk *disk = prnn_alloc(ctx, 1, sizeof *disk, "a data set");
    if (!disk) {
        return PRNN_ERROR_MEMORY;
    }
    disk->offset = offset;
    disk->file = fcntl(file, F_DUPFD_CLOEXEC, 0);
    disk->name = disk->file < 0 ? NULL : strdup(name);
    if (!disk->name) {
        prnn_status status = prnn_fail_system(ctx, errno, "%s: cannot be kept open", name);
        prnn_disk_free(disk);
        return status;
    }
    *to = disk;
    return PRNN_OK;
}

void prnn_disk_free(prnn_disk *disk) {
    if (disk) {
        if (disk->file >= 0) {
            close(disk->file);
        }
        free(disk->name);
        prnn_free(disk);
    }
}

static size_t image_bytes(const prnn_disk *disk) {
    return (size_t)disk->height * (size_t)disk->width * (size_t)disk->channels;
}

static prnn_status read_bytes(prnn_context *ctx, const prnn_disk *disk, size_t index, uint8_t *to) {
    size_t n = image_bytes(disk), done = 0;
    uint64_t offset = disk->offset + (uint64_t)index * n;
    while (done < n) {
        ssize_t got = pread(disk->file, to + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR) {
            return prnn_fail_system(ctx, errno, "%s: image %zu cannot be read", disk->name,
                                    disk->first + index);
        }
        if (got == 0) {
            return prnn_fail(ctx, PRNN_ERROR_FILE,
                             "%s: image %zu cannot be read: the file has become shorter", disk->name,
                             disk->first + index);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return PRNN_OK;
}

prnn_status prnn_disk_read(prnn_context *ctx, const prnn_data *d, size_t index, uint8_t *to, int *highest) {
    const prnn_disk *disk = d->disk;
    bool same = disk->height == d->height && disk->width == d->width && disk->channels == d->channels;
    size_t n = image_bytes(disk);
    prnn_image image = {disk->height, disk->width, disk->channels, to};
    if (!same) {
        image.values = prnn_take(ctx, n, 1, disk->name);
        if (!image.values) {
            return PRNN_ERROR_MEMORY;
        }
    }
    prnn_status status = read_bytes(ctx, disk, index, image.values);
    if (status == PRNN_OK) {
        status = prnn_data_take(ctx, d, disk->name, disk->first + index, &image, to, highest);
    }
    if (!same) {
        prnn_give(ctx, image.values, n);
    }
    return status;
}

void prnn_data_prefetch(const prnn_data *d, const uint64_t *indices, size_t n) {
#ifdef POSIX_FADV_WILLNEED
    for (size_t i = 0; d->disk && i < n; i++) {
        size_t size = image_bytes(d->disk);
        posix_fadvise(d->disk->file, (off_t)(d->disk->offset + indices[i] * size), (off_t)size,
                      POSIX_FADV_WILLNEED);
    }
#else
    (void)d;
    (void)indices;
    (void)n;
#endif
}

#include "data/disk.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

prnn_status prnn_disk_open(prnn_context *ctx, const prnn_disk *where, const char *name, prnn_disk **to) {
    *to = NULL;
    prnn_disk *disk = prnn_alloc(ctx, 1, sizeof *disk, "a data set");
    if (!disk) {
        return PRNN_ERROR_MEMORY;
    }
    *disk = *where;
    disk->order = NULL;
    disk->file = fcntl(where->file, F_DUPFD_CLOEXEC, 0);
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
        prnn_free(disk->order);
        prnn_free(disk);
    }
}

prnn_status prnn_disk_rest(prnn_context *ctx, const prnn_disk *disk, size_t first, prnn_disk **rest) {
    if (!disk->order) {
        prnn_disk from = *disk;
        from.offset += first * prnn_disk_size(disk);
        from.first += first;
        return prnn_disk_open(ctx, &from, disk->name, rest);
    }
    size_t n = disk->ordered - first;
    uint64_t *order = prnn_alloc_raw(ctx, n, sizeof *order, "the order of the images");
    if (!order) {
        return PRNN_ERROR_MEMORY;
    }
    memcpy(order, disk->order + first, n * sizeof *order);
    prnn_status status = prnn_disk_open(ctx, disk, disk->name, rest);
    if (status == PRNN_OK) {
        prnn_disk_reorder(*rest, order, n);
    } else {
        prnn_free(order);
    }
    return status;
}

void prnn_disk_reorder(prnn_disk *disk, uint64_t *order, size_t n) {
    prnn_free(disk->order);
    disk->order = order;
    disk->ordered = n;
}

/* Among those that `disk` begins with. */
static uint64_t place_of(const prnn_disk *disk, uint64_t index) {
    return disk->order ? disk->order[index] : index;
}

size_t prnn_disk_number(const prnn_disk *disk, size_t index) {
    return disk->first + (size_t)place_of(disk, index);
}

size_t prnn_disk_size(const prnn_disk *disk) {
    return (size_t)disk->height * (size_t)disk->width * (size_t)disk->channels;
}

prnn_status prnn_disk_read(prnn_context *ctx, const prnn_disk *disk, size_t index, uint8_t *to) {
    size_t n = prnn_disk_size(disk);
    ssize_t got = prnn_file_read_at(disk->file, disk->offset + place_of(disk, index) * n, to, n);
    if (got < 0) {
        return prnn_fail_system(ctx, errno, "%s: image %zu cannot be read", disk->name,
                                prnn_disk_number(disk, index));
    }
    return (size_t)got == n
               ? PRNN_OK
               : prnn_fail(ctx, PRNN_ERROR_FILE, "%s: image %zu cannot be read: the file has become shorter",
                           disk->name, prnn_disk_number(disk, index));
}

void prnn_disk_prefetch(const prnn_disk *disk, const uint64_t *indices, size_t n) {
#ifdef POSIX_FADV_WILLNEED
    size_t size = prnn_disk_size(disk);
    for (size_t i = 0; i < n; i++) {
        posix_fadvise(disk->file, (off_t)(disk->offset + place_of(disk, indices[i]) * size), (off_t)size,
                      POSIX_FADV_WILLNEED);
    }
#else
    (void)disk;
    (void)indices;
    (void)n;
#endif
}

#include "data/shuffle.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Pieces of one size, in memory or in a file. */
typedef struct pieces {
    prnn_context *ctx;
    uint8_t *memory;  /* NULL: in the file */
    const char *path; /* of the file */
    int file;
    off_t offset;
    size_t size;
} pieces;

static prnn_status fail_access(const pieces *p) {
    return prnn_fail_system(p->ctx, errno, "%s: the images cannot be put into another order", p->path);
}

static prnn_status get(const pieces *p, uint64_t i, uint8_t *to) {
    if (p->memory) {
        memcpy(to, p->memory + i * p->size, p->size);
        return PRNN_OK;
    }
    ssize_t n = prnn_file_read_at(p->file, (uint64_t)p->offset + i * p->size, to, p->size);
    if (n < 0) {
        return fail_access(p);
    }
    return (size_t)n == p->size
               ? PRNN_OK
               : prnn_fail(p->ctx, PRNN_ERROR_FILE, "%s: became shorter while it was written", p->path);
}

static prnn_status put(const pieces *p, uint64_t i, const uint8_t *from) {
    if (p->memory) {
        memcpy(p->memory + i * p->size, from, p->size);
        return PRNN_OK;
    }
    for (size_t done = 0; done < p->size;) {
        ssize_t n = pwrite(p->file, from + done, p->size - done, p->offset + (off_t)(i * p->size + done));
        if (n < 0 && errno != EINTR) {
            return fail_access(p);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return PRNN_OK;
}

/* A circle of the order, beginning with piece `first`, which is in `held`; where it has been, the order
 * becomes that of pieces in their places. */
static prnn_status move_circle(const pieces *p, uint64_t *order, uint64_t first, const uint8_t *held,
                               uint8_t *moved) {
    uint64_t at = first;
    prnn_status status;
    while (order[at] != first) {
        uint64_t from = order[at];
        TRY(get(p, from, moved));
        TRY(put(p, at, moved));
        order[at] = at;
        at = from;
    }
    order[at] = at;
    TRY(put(p, at, held));
done:
    return status;
}

/* Puts piece order[i] into the place i, for all of them; `order` is used up. */
static prnn_status reorder(const pieces *p, uint64_t *order, size_t count) {
    uint8_t *two = prnn_alloc(p->ctx, 2, p->size, "an image");
    prnn_status status = two ? PRNN_OK : PRNN_ERROR_MEMORY;
    for (uint64_t i = 0; i < count && status == PRNN_OK; i++) {
        if (order[i] != i) {
            TRY(get(p, i, two));
            TRY(move_circle(p, order, i, two, two + p->size));
        }
    }
done:
    prnn_free(two);
    return status;
}

/* No epoch of a training has this number, whose order is one of the same seed. */
static const uint64_t before_training = UINT64_MAX;

static uint64_t *draw_order(prnn_context *ctx, size_t count, uint64_t seed) {
    uint64_t *order = prnn_alloc(ctx, count, sizeof *order, "the order of the images");
    if (order) {
        prnn_random_permutation(seed, before_training, count, order);
    }
    return order;
}

/* As `order` says, which is left as it is. */
static prnn_status reorder_folders(prnn_context *ctx, prnn_data *d, const uint64_t *order) {
    uint32_t *folders =
        d->folders ? prnn_alloc(ctx, d->count, sizeof *folders, "the numbers of folders") : NULL;
    if (d->folders && !folders) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; folders && i < d->count; i++) {
        folders[i] = d->folders[order[i]];
    }
    prnn_free(d->folders);
    d->folders = folders;
    return PRNN_OK;
}

/* The same of the names. Images that have none get their numbers alone. */
static prnn_status reorder_names(prnn_context *ctx, prnn_data *d, const uint64_t *order) {
    prnn_name *names = prnn_alloc(ctx, d->count, sizeof *names, "the names of files");
    if (!names) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < d->count; i++) {
        names[i] = d->names ? d->names[order[i]] : (prnn_name){NULL, d->first + (size_t)order[i]};
    }
    prnn_free(d->names);
    d->names = names;
    return PRNN_OK;
}

prnn_status prnn_shuffle_set(prnn_context *ctx, prnn_data *data, uint64_t seed) {
    const pieces images = {.ctx = ctx, .memory = data->values, .size = prnn_data_size(data)};
    uint64_t *order = draw_order(ctx, data->count, seed);
    prnn_status status = order ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(status);
    TRY(reorder_folders(ctx, data, order));
    TRY(reorder_names(ctx, data, order));
    if (data->disk) {
        prnn_disk_reorder(data->disk, order, data->count);
        return PRNN_OK;
    }
    TRY(reorder(&images, order, data->count));
done:
    prnn_free(order);
    return status;
}

prnn_status prnn_shuffle_file(prnn_context *ctx, const prnn_data *data, FILE *stream, const char *path,
                              off_t offset, uint64_t seed) {
    const pieces images = {
        .ctx = ctx, .path = path, .file = fileno(stream), .offset = offset, .size = prnn_data_size(data)};
    uint64_t *order = draw_order(ctx, data->count, seed);
    prnn_status status = order ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(status);
    if (fflush(stream) != 0) {
        status = fail_access(&images);
    }
    TRY(status);
    TRY(reorder(&images, order, data->count));
done:
    prnn_free(order);
    return status;
}

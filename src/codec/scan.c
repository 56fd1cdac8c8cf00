#include "codec/scan.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How far into a file its first chunk is looked for. */
enum { BEGINNING = 1 << 16, WINDOW = 1 << 16 };

/* So many times the size of the file is read at most to know which chunks before gaps are damaged. Damage
 * alone takes less than once; chunks within one another, which somebody made, would take their number times
 * it. */
enum { MOST_READ = 4 };

/* Reads n bytes from `at` on, which are there. */
static prnn_status read_at(prnn_context *ctx, const prnn_scan *s, uint64_t at, uint8_t *to, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(s->file, to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR) {
            return prnn_fail_system(ctx, errno, "%s: cannot be read", s->path);
        }
        if (got == 0) {
            return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: has become shorter while it was read", s->path);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return PRNN_OK;
}

static prnn_status add(prnn_context *ctx, prnn_scan *s, prnn_found_chunk found) {
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        prnn_found_chunk *larger = prnn_alloc_raw(ctx, room, sizeof *larger, "the list of blocks");
        if (!larger) {
            return PRNN_ERROR_MEMORY;
        }
        if (s->count) {
            memcpy(larger, s->list, s->count * sizeof *larger);
        }
        prnn_free(s->list);
        s->list = larger;
        s->room = room;
    }
    s->list[s->count++] = found;
    return PRNN_OK;
}

/* *at becomes the place of the next mark from there on, or the end of the file. */
static prnn_status find_mark(prnn_context *ctx, const prnn_scan *s, uint64_t *at) {
    uint8_t window[WINDOW];
    prnn_status status = PRNN_OK;
    while (s->size - *at >= PRNN_CHUNK_BYTES) {
        size_t n = s->size - *at < WINDOW ? (size_t)(s->size - *at) : WINDOW;
        TRY(read_at(ctx, s, *at, window, n));
        for (size_t i = 0; i + PRNN_MARK_BYTES <= n; i++) {
            if (memcmp(window + i, prnn_chunk_mark, PRNN_MARK_BYTES) == 0) {
                *at += i;
                return PRNN_OK;
            }
        }
        *at += n - PRNN_MARK_BYTES + 1; /* a mark may lie across */
    }
    *at = s->size;
done:
    return status;
}

/* The chunk at `at`, if one is there and all of it is. */
static prnn_status look(prnn_context *ctx, const prnn_scan *s, uint64_t at, prnn_chunk *chunk, bool *there) {
    uint8_t head[PRNN_CHUNK_BYTES];
    prnn_status status = PRNN_OK;
    *there = s->size - at >= PRNN_CHUNK_BYTES;
    if (*there) {
        TRY(read_at(ctx, s, at, head, sizeof head));
        *there = prnn_chunk_read(head, chunk) && chunk->length <= s->size - at - PRNN_CHUNK_BYTES;
    }
done:
    return status;
}

prnn_status prnn_scan_read(prnn_context *ctx, const prnn_scan *s, const prnn_found_chunk *found,
                           uint8_t **bytes) {
    size_t n = found->chunk.length;
    prnn_status status;
    *bytes = prnn_alloc_raw(ctx, n, 1, "a part of an archive");
    TRY(*bytes ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(read_at(ctx, s, found->at + PRNN_CHUNK_BYTES, *bytes, n));
    TRY(prnn_crc32(*bytes, n) == found->chunk.crc
            ? PRNN_OK
            : prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: the %zu bytes at %llu are damaged", s->path, n,
                        (unsigned long long)found->at));
done:
    if (status != PRNN_OK) {
        prnn_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* Where to look for the next chunk if there is none at `at`: where bytes are gone, that is inside the last
 * one. */
static prnn_status after_damage(prnn_context *ctx, prnn_scan *s, uint64_t *at) {
    const prnn_found_chunk *last = s->count ? &s->list[s->count - 1] : NULL;
    bool follows =
        last && last->at + PRNN_CHUNK_BYTES + last->chunk.length == *at && s->read / MOST_READ < s->size;
    uint8_t *bytes = NULL;
    s->read += follows ? last->chunk.length : 0;
    prnn_status status = follows ? prnn_scan_read(ctx, s, last, &bytes) : PRNN_OK;
    prnn_free(bytes);
    *at = status == PRNN_ERROR_FORMAT ? last->at + PRNN_CHUNK_BYTES : *at + 1;
    return status == PRNN_ERROR_FORMAT ? PRNN_OK : status;
}

/* *at becomes the place of the next chunk from there on, or the end of the file. */
static prnn_status find_chunk(prnn_context *ctx, const prnn_scan *s, uint64_t *at) {
    prnn_chunk chunk;
    bool there = false;
    prnn_status status = PRNN_OK;
    while (!there && *at < s->size && (s->count || *at < BEGINNING)) {
        TRY(find_mark(ctx, s, at));
        TRY(*at < s->size ? look(ctx, s, *at, &chunk, &there) : PRNN_OK);
        *at += !there && *at < s->size;
    }
    *at = there ? *at : s->size;
done:
    return status;
}

static prnn_status scan_all(prnn_context *ctx, prnn_scan *s) {
    prnn_status status = PRNN_OK;
    for (uint64_t at = 0; at < s->size;) {
        prnn_chunk chunk;
        bool there;
        TRY(look(ctx, s, at, &chunk, &there));
        if (there) {
            TRY(add(ctx, s, (prnn_found_chunk){chunk, at}));
            at += PRNN_CHUNK_BYTES + chunk.length;
        } else {
            s->first_gap = s->gaps++ ? s->first_gap : at;
            TRY(after_damage(ctx, s, &at));
            TRY(find_chunk(ctx, s, &at));
        }
    }
done:
    return status;
}

prnn_status prnn_scan_open(prnn_context *ctx, const char *path, prnn_scan *s) {
    prnn_status status;
    *s = (prnn_scan){.file = -1};
    s->path = prnn_alloc(ctx, strlen(path) + 1, 1, path);
    TRY(s->path ? PRNN_OK : PRNN_ERROR_MEMORY);
    memcpy(s->path, path, strlen(path) + 1);
    TRY(prnn_file_open(ctx, path, &s->file, &s->size));
    TRY(scan_all(ctx, s));
    TRY(s->count ? PRNN_OK
                 : prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: is no archive of pixelrnn, or its beginning is damaged", path));
done:
    if (status != PRNN_OK) {
        prnn_scan_close(s);
    }
    return status;
}

void prnn_scan_close(prnn_scan *s) {
    if (s->file >= 0) {
        close(s->file);
    }
    prnn_free(s->list);
    prnn_free(s->path);
    *s = (prnn_scan){.file = -1};
}

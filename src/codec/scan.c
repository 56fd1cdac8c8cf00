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
    ssize_t got = prnn_file_read_at(s->file, at, to, n);
    if (got < 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be read", s->path);
    }
    return (size_t)got == n
               ? PRNN_OK
               : prnn_fail(ctx, PRNN_ERROR_FILE, "%s: has become shorter while it was read", s->path);
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

/* The window holds the bytes from `at` on, at least those of a mark, which are there. */
static prnn_status move_window(prnn_context *ctx, prnn_scan *s, uint64_t at) {
    prnn_status status = PRNN_OK;
    if (at < s->window_at || at + PRNN_MARK_BYTES > s->window_at + s->window_bytes) {
        size_t n = s->size - at < WINDOW ? (size_t)(s->size - at) : WINDOW;
        s->window_bytes = 0;
        TRY(read_at(ctx, s, at, s->window, n));
        s->window_at = at;
        s->window_bytes = n;
    }
done:
    return status;
}

/* *at becomes the place of the next mark from there on, at `end` or before it, or the end of the file. */
static prnn_status find_mark(prnn_context *ctx, prnn_scan *s, uint64_t *at, uint64_t end) {
    prnn_status status = PRNN_OK;
    while (*at <= end && s->size - *at >= PRNN_CHUNK_BYTES) {
        TRY(move_window(ctx, s, *at));
        const uint8_t *from = s->window + (*at - s->window_at);
        size_t places = (size_t)(s->window_at + s->window_bytes - *at) - PRNN_MARK_BYTES + 1;
        for (size_t i = 0; i < places; i++) {
            if (memcmp(from + i, prnn_chunk_mark, PRNN_MARK_BYTES) == 0) {
                *at += i;
                return PRNN_OK;
            }
        }
        *at += places; /* a mark may lie across */
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
static prnn_status find_chunk(prnn_context *ctx, prnn_scan *s, uint64_t *at) {
    uint64_t end = s->count ? s->size : BEGINNING;
    prnn_chunk chunk;
    bool there = false;
    prnn_status status = PRNN_OK;
    while (!there && *at < s->size) {
        TRY(find_mark(ctx, s, at, end));
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
    s->window = prnn_alloc_raw(ctx, WINDOW, 1, path);
    TRY(s->window ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(scan_all(ctx, s));
    TRY(s->count ? PRNN_OK
                 : prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: is no archive of pixelrnn, or its beginning is damaged", path));
done:
    prnn_free(s->window);
    s->window = NULL;
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

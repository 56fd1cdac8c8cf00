#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include "base/available.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks begin at a multiple of a cache line, and from two huge pages on at one of these. */
enum { LINE = 64, HUGE_PAGE = 2 << 20 };

/* Bytes of a block of this size: whole cache lines, or whole huge pages. */
static size_t block_bytes(size_t bytes) {
    return prnn_round_up(bytes ? bytes : 1, bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE);
}

size_t prnn_block_bytes(size_t count, size_t size) {
    return size && count > (SIZE_MAX - HUGE_PAGE) / size ? SIZE_MAX : block_bytes(count * size);
}

void *prnn_alloc(prnn_context *ctx, size_t count, size_t size, const char *what) {
    void *memory = prnn_alloc_raw(ctx, count, size, what);
    if (memory) {
        memset(memory, 0, block_bytes(count * size));
    }
    return memory;
}

void prnn_give_up(prnn_context *ctx) {
    for (int i = 0; ctx && i < PRNN_SPARES; i++) {
        prnn_free(ctx->spare[i].memory);
        ctx->spare[i] = (prnn_spare){0};
    }
}

void *prnn_alloc_raw(prnn_context *ctx, size_t count, size_t size, const char *what) {
    if (size && count > (SIZE_MAX - HUGE_PAGE) / size) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s: %zu times %zu bytes", what, count, size);
        return NULL;
    }
    size_t bytes = block_bytes(count * size);
    bool there = bytes < PRNN_LARGE || bytes <= prnn_memory_available(), huge = bytes >= 2 * HUGE_PAGE;
    if (!there) {
        prnn_give_up(ctx);
        there = bytes <= prnn_memory_available();
    }
    void *memory = there ? aligned_alloc(huge ? HUGE_PAGE : LINE, bytes) : NULL;
    if (!memory) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
        return NULL;
    }
    if (ctx) {
        ctx->asked += bytes;
    }
#ifdef MADV_HUGEPAGE
    if (huge) {
        madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: fewer addresses to translate */
    }
#endif
    return memory;
}

void prnn_free(void *memory) {
    free(memory);
}

void *prnn_take(prnn_context *ctx, size_t count, size_t size, const char *what) {
    for (int i = 0; i < PRNN_SPARES && size && count <= SIZE_MAX / size; i++) {
        prnn_spare *spare = &ctx->spare[i];
        if (spare->memory && spare->bytes / size >= count && spare->bytes / 4 <= count * size) {
            void *memory = spare->memory;
            *spare = (prnn_spare){0};
            return memory;
        }
    }
    return prnn_alloc_raw(ctx, count, size, what);
}

void prnn_give(prnn_context *ctx, void *memory, size_t bytes) {
    if (!memory || bytes > PRNN_LARGE) {
        prnn_free(memory);
        return;
    }
    /* In the first free place, or instead of what is smallest. */
    prnn_spare *place = &ctx->spare[0], given = {memory, bytes};
    for (int i = 1; i < PRNN_SPARES && place->memory; i++) {
        prnn_spare *other = &ctx->spare[i];
        place = !other->memory || other->bytes < place->bytes ? other : place;
    }
    if (!place->memory || place->bytes < bytes) {
        prnn_spare before = *place;
        *place = given;
        given = before;
    }
    prnn_free(given.memory);
}

size_t prnn_layout_add(prnn_layout *layout, size_t floats) {
    size_t at = layout->floats;
    layout->floats += prnn_round_up(floats, 16);
    return at;
}

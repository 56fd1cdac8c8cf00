#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From here on a request is compared with what the machine has. */
enum { LARGE = 64 << 20 };

/* Blocks begin at a multiple of a cache line, and from two huge pages on at one of these. */
enum { LINE = 64, HUGE_PAGE = 2 << 20 };

/* Bytes that can be had without swapping, or SIZE_MAX if nobody says. A system that promises more memory than
 * it has would kill the program later. */
size_t prnn_memory_available(void) {
    unsigned long long kilobytes = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    while (f && fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %llu kB", &kilobytes) != 1) {
    }
    if (f) {
        fclose(f);
    }
    if (kilobytes) {
        return (size_t)kilobytes * 1024;
    }
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

/* Bytes of a block of this size: whole cache lines, or whole huge pages. */
static size_t block_bytes(size_t bytes) {
    return prnn_round_up(bytes ? bytes : 1, bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE);
}

void *prnn_alloc(prnn_context *ctx, size_t count, size_t size, const char *what) {
    void *memory = prnn_alloc_raw(ctx, count, size, what);
    if (memory) {
        memset(memory, 0, block_bytes(count * size));
    }
    return memory;
}

void *prnn_alloc_raw(prnn_context *ctx, size_t count, size_t size, const char *what) {
    if (size && count > (SIZE_MAX - HUGE_PAGE) / size) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s: %zu times %zu bytes", what, count, size);
        return NULL;
    }
    size_t bytes = block_bytes(count * size);
    bool there = bytes < LARGE || bytes <= prnn_memory_available(), huge = bytes >= 2 * HUGE_PAGE;
    void *memory = there ? aligned_alloc(huge ? HUGE_PAGE : LINE, bytes) : NULL;
    if (!memory) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
        return NULL;
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
    for (int i = 0; i < PRNN_SPARES && memory && bytes <= LARGE; i++) {
        if (!ctx->spare[i].memory) {
            ctx->spare[i] = (prnn_spare){memory, bytes};
            return;
        }
    }
    prnn_free(memory);
}

size_t prnn_layout_add(prnn_layout *layout, size_t floats) {
    size_t at = layout->floats;
    layout->floats += prnn_round_up(floats, 16);
    return at;
}

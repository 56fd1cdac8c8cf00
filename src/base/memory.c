#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From here on a request is compared with what the machine has. */
enum { LARGE = 64 << 20 };

/* From twice this on a block begins at a multiple of it. */
enum { HUGE_PAGE = 2 << 20 };

/* Bytes that can be had without swapping, or SIZE_MAX if nobody says. A system that promises more memory than
 * it has would kill the program later. */
static size_t available(void) {
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

void *prnn_alloc(prnn_context *ctx, size_t count, size_t size, const char *what) {
    if (size && count > (SIZE_MAX - 64) / size) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s: %zu times %zu bytes", what, count, size);
        return NULL;
    }
    size_t bytes = prnn_round_up(count * size, 64);
    bool there = bytes < LARGE || bytes <= available(), huge = bytes >= 2 * HUGE_PAGE;
    bytes = prnn_round_up(bytes ? bytes : 64, huge ? HUGE_PAGE : 64);
    void *memory = there ? aligned_alloc(huge ? HUGE_PAGE : 64, bytes) : NULL;
    if (!memory) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (huge) {
        madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: fewer addresses to translate */
    }
#endif
    memset(memory, 0, bytes);
    return memory;
}

void prnn_free(void *memory) {
    free(memory);
}

size_t prnn_layout_add(prnn_layout *layout, size_t floats) {
    size_t at = layout->floats;
    layout->floats += prnn_round_up(floats, 16);
    return at;
}

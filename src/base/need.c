#include "base/need.h"

#include "base/available.h"

#include <stdio.h>

void prnn_need_add(size_t *need, size_t bytes) {
    *need = bytes > SIZE_MAX - *need ? SIZE_MAX : *need + bytes;
}

void prnn_need_block(size_t *need, size_t count, size_t size) {
    prnn_need_add(need, prnn_block_bytes(count, size));
}

size_t prnn_need_total(const prnn_need *need, int workers) {
    size_t total = need->shared, n = (size_t)workers;
    prnn_need_add(&total, need->worker > SIZE_MAX / n ? SIZE_MAX : need->worker * n);
    return total;
}

static const char *bytes_text(size_t bytes, char text[32]) {
    double megabytes = (double)bytes / 1e6;
    snprintf(text, 32, megabytes < 999.5 ? "%.0f MB" : "%.1f GB",
             megabytes < 999.5 ? megabytes : megabytes / 1e3);
    return text;
}

prnn_status prnn_need_afford(prnn_context *ctx, const prnn_need *need, int *workers, const char *what,
                             const char *way_out) {
    size_t there = ctx->memory ? ctx->memory : SIZE_MAX;
    if (prnn_need_total(need, *workers) >= PRNN_LARGE) {
        /* Stacks, alignment and whatever else the process does take a little, too. */
        size_t available = prnn_memory_available();
        if (prnn_need_total(need, *workers) > available - available / 16) {
            prnn_give_up(ctx);
            available = prnn_memory_available();
        }
        size_t usable = available - available / 16;
        there = usable < there ? usable : there;
    }
    if (prnn_need_total(need, *workers) <= there) {
        return PRNN_OK;
    }
    if (prnn_need_total(need, 1) > there) {
        char needed[32], left[32];
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s needs %s of memory, and %s are there: %s", what,
                         bytes_text(prnn_need_total(need, 1), needed), bytes_text(there, left), way_out);
    }
    *workers = (int)((there - need->shared) / need->worker);
    return PRNN_OK;
}

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *prnn_alloc(prnn_context *ctx, size_t count, size_t size, const char *what) {
    if (size && count > (SIZE_MAX - 64) / size) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s: %zu times %zu bytes", what, count, size);
        return NULL;
    }
    size_t bytes = prnn_round_up(count * size, 64);
    void *memory = aligned_alloc(64, bytes ? bytes : 64);
    if (!memory) {
        prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
        return NULL;
    }
    memset(memory, 0, bytes ? bytes : 64);
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

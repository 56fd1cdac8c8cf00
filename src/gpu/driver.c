#include "gpu/driver.h"

#include "base/message.h"

prnn_status prnn_gpu_no_room(prnn_context *ctx, prnn_gpu *gpu, size_t bytes, const char *what) {
    return prnn_fail(
        ctx, PRNN_ERROR_MEMORY,
        "%s: no room for %s: %.3f GB are needed, and %.3f GB are there: choose a smaller batch, a "
        "smaller hidden size or fewer layers",
        gpu->info.name, what, (double)bytes / 1e9, (double)gpu->driver->room(gpu) / 1e9);
}

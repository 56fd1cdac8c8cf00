#include "device/device.h"

#include "base/available.h"
#include "base/memory.h"
#include "base/parallel.h"

const prnn_device *prnn_device_of(const prnn_context *ctx) {
    return ctx->device ? ctx->device : &prnn_cpu;
}

int prnn_device_threads(const prnn_context *ctx, size_t n) {
    return prnn_device_of(ctx)->apart ? 1 : prnn_threads_for(ctx, n);
}

/* Bytes that maps may well take: a quarter of the memory that is left of a device that is apart, half of the
 * host's, whose threads share it. */
static size_t room(const prnn_context *ctx, size_t threads) {
    const prnn_device *device = prnn_device_of(ctx);
    if (device->apart) {
        return device->memory(ctx) / 4;
    }
    size_t there = prnn_memory_available();
    return (ctx->memory && ctx->memory < there ? ctx->memory : there) / 2 / threads;
}

bool prnn_device_has_room(const prnn_context *ctx, size_t floats) {
    return floats * sizeof(float) <= room(ctx, 1);
}

size_t prnn_device_shard(const prnn_context *ctx, size_t count, size_t most, size_t floats) {
    size_t threads = (size_t)prnn_device_threads(ctx, count), shard = (count + threads - 1) / threads;
    size_t image = floats * sizeof(float) + 1;
    most = prnn_device_of(ctx)->apart ? PRNN_MOST_APART : most;
    shard = shard < most ? shard : most;
    if (shard * threads * image >= PRNN_LARGE) {
        most = room(ctx, threads) / image;
        shard = shard < most ? shard : most;
    }
    return shard < 1 ? 1 : shard;
}

prnn_status prnn_view_open(prnn_context *ctx, const prnn_device *device, prnn_block block, prnn_view *view) {
    *view = (prnn_view){.floats = device->host(block)};
    if (view->floats) {
        return PRNN_OK;
    }
    view->copy = prnn_alloc_raw(ctx, block.count, sizeof(float), "a copy of what the device holds");
    if (!view->copy) {
        return PRNN_ERROR_MEMORY;
    }
    device->download(block, view->copy);
    prnn_status status = device->check(ctx);
    if (status != PRNN_OK) {
        prnn_view_close(view);
        return status;
    }
    view->floats = view->copy;
    return PRNN_OK;
}

void prnn_view_close(prnn_view *view) {
    prnn_free(view->copy);
    *view = (prnn_view){0};
}

#include "device/device.h"

#include "base/memory.h"
#include "base/parallel.h"

const prnn_device *prnn_device_of(const prnn_context *ctx) {
    return ctx->device ? ctx->device : &prnn_cpu;
}

int prnn_device_threads(const prnn_context *ctx, size_t n) {
    return prnn_device_of(ctx)->apart ? 1 : prnn_threads_for(ctx, n);
}

/* A quarter of the memory that is left is well. */
size_t prnn_device_shard(const prnn_context *ctx, size_t count, size_t most, size_t floats) {
    const prnn_device *device = prnn_device_of(ctx);
    size_t threads = (size_t)prnn_device_threads(ctx, count), shard = (count + threads - 1) / threads;
    if (device->apart) {
        most = device->memory(ctx) / 4 / (floats * sizeof(float) + 1);
        most = most < PRNN_MOST_APART ? most : PRNN_MOST_APART;
    }
    shard = shard < most ? shard : most;
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

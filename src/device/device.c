#include "device/device.h"

#include "base/memory.h"

const prnn_device *prnn_device_of(const prnn_context *ctx) {
    (void)ctx; /* there is no other one */
    return &prnn_cpu;
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
    view->floats = view->copy;
    return PRNN_OK;
}

void prnn_view_close(prnn_view *view) {
    prnn_free(view->copy);
    *view = (prnn_view){0};
}

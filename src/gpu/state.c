#include "gpu/state.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdio.h>
#include <string.h>

void prnn_gpu_note(prnn_gpu_state *state, prnn_status status) {
    if (status != PRNN_OK && state->status == PRNN_OK) {
        state->status = status;
        snprintf(state->message, sizeof state->message, "%s", state->ctx->message);
    }
}

/* Compiles the kernels of a precision, in the place of those of the other one. */
static prnn_status compile(prnn_gpu_state *s, bool bf16) {
    static const char *const names[] = {
#define NAME(name, items) #name,
        PRNN_GPU_KERNELS(NAME) PRNN_GPU_TENSOR_KERNELS(NAME)
#undef NAME
    };
    const prnn_gpu_driver *driver = s->gpu->driver;
    prnn_gpu_program *program = NULL;
    prnn_gpu_kernel *kernels[PRNN_GPU_KERNEL_COUNT] = {NULL};
    prnn_status status;
    if (bf16 && s->gpu->info.why_no_bf16[0]) {
        return prnn_fail(s->ctx, PRNN_ERROR_DEVICE, "%s, %s, has no bf16: %s; choose precision fp32", s->name,
                         s->gpu->info.name, s->gpu->info.why_no_bf16);
    }
    TRY(driver->compile(s->ctx, s->gpu, bf16 ? PRNN_GPU_BF16 : PRNN_GPU_FP32, &program));
    for (int i = 0; i < (bf16 ? PRNN_GPU_KERNEL_COUNT : PRNN_GPU_product_tall4); i++) {
        TRY(driver->kernel(s->ctx, s->gpu, program, names[i], &kernels[i]));
    }
    driver->forget(s->gpu, s->program);
    s->program = program;
    s->bf16 = bf16;
    memcpy(s->kernels, kernels, sizeof kernels);
    program = NULL;
done:
    driver->forget(s->gpu, program);
    return status;
}

prnn_status prnn_gpu_state_set_bf16(prnn_gpu_state *s, bool bf16) {
    if (s->bf16 == bf16) {
        return PRNN_OK;
    }
    if (s->used) {
        return prnn_fail(s->ctx, PRNN_ERROR_ARGUMENT,
                         "%s is in use by a training or a stepper of this context: free that first", s->name);
    }
    return compile(s, bf16);
}

prnn_status prnn_gpu_state_open(prnn_context *ctx, const prnn_gpu_driver *driver, int number,
                                prnn_gpu_state **state) {
    prnn_status status;
    *state = NULL;
    prnn_gpu_state *s = prnn_alloc(ctx, 1, sizeof *s, "a device");
    TRY(s ? PRNN_OK : PRNN_ERROR_MEMORY);
    s->ctx = ctx;
    snprintf(s->name, sizeof s->name, "%s:%d", driver->name, number);
    TRY(driver->open(ctx, number, &s->gpu));
    if (!s->gpu->info.doubles) {
        status = prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s, %s, cannot be used: it has no numbers in fp64",
                           s->name, s->gpu->info.name);
        goto done;
    }
    TRY(compile(s, ctx->bf16));
    *state = s;
done:
    if (status != PRNN_OK) {
        prnn_gpu_state_close(s);
    }
    return status;
}

void prnn_gpu_state_close(prnn_gpu_state *s) {
    if (s && s->gpu) {
        const prnn_gpu_driver *driver = s->gpu->driver;
        driver->release(s->gpu, s->spare);
        driver->release(s->gpu, s->sums);
        driver->forget(s->gpu, s->program);
        driver->close(s->gpu);
    }
    prnn_free(s);
}

void prnn_gpu_run(prnn_gpu_state *state, prnn_gpu_kernel_number kernel, size_t x, size_t y,
                  const prnn_gpu_argument *arguments, int count) {
    static const uint32_t items[] = {
#define ITEMS(name, items) items,
        PRNN_GPU_KERNELS(ITEMS) PRNN_GPU_TENSOR_KERNELS(ITEMS)
#undef ITEMS
    };
    prnn_gpu_launch launch = {.kernel = state->kernels[kernel],
                              .x = (uint32_t)x,
                              .y = (uint32_t)y,
                              .items = items[kernel],
                              .count = count};
    memcpy(launch.arguments, arguments, (size_t)count * sizeof *arguments);
    if (state->status == PRNN_OK) {
        prnn_gpu_note(state, state->gpu->driver->launch(state->ctx, state->gpu, &launch));
    }
}

void prnn_gpu_upload(prnn_gpu_state *state, prnn_gpu_block *block, size_t at, const void *from,
                     size_t bytes) {
    if (state->status == PRNN_OK) {
        prnn_gpu_note(state, state->gpu->driver->upload(state->ctx, state->gpu, block, at, from, bytes));
    }
}

void prnn_gpu_download(prnn_gpu_state *state, const prnn_gpu_block *block, size_t at, void *to,
                       size_t bytes) {
    if (state->status == PRNN_OK) {
        prnn_gpu_note(state, state->gpu->driver->download(state->ctx, state->gpu, block, at, to, bytes));
    }
    if (state->status != PRNN_OK) {
        memset(to, 0, bytes);
    }
}

void prnn_gpu_clear(prnn_gpu_state *state, prnn_gpu_block *block, size_t first, size_t count) {
    uint64_t n = count, from = first;
    PRNN_GPU_RUN(state, PRNN_GPU_clear, prnn_gpu_groups(count, 256), 1, PRNN_GPU_VALUE(n),
                 PRNN_GPU_VALUE(from), PRNN_GPU_BLOCK(block));
}

prnn_status prnn_gpu_put_table(prnn_gpu_state *state, const void *table, size_t bytes,
                               prnn_gpu_block **block) {
    const prnn_gpu_driver *driver = state->gpu->driver;
    prnn_status status;
    TRY(driver->allocate(state->ctx, state->gpu, bytes, "the tables of a network", block));
    TRY(driver->upload(state->ctx, state->gpu, *block, 0, table, bytes));
done:
    return status;
}

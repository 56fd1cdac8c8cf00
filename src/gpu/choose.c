/* Which device a context uses. */

#include "base/call.h"
#include "base/fields.h"
#include "base/try.h"
#include "gpu/device.h"
#include "gpu/state.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const prnn_gpu_driver *const drivers[] = {&prnn_gpu_cuda, &prnn_gpu_opencl};
enum { DRIVERS = sizeof drivers / sizeof *drivers };

/* Gives up the present device, unless somebody uses it. */
static prnn_status leave(prnn_context *ctx) {
    if (ctx->gpu && ctx->gpu->used) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is in use by a training or a stepper of this context: free that first",
                         ctx->gpu->name);
    }
    if (ctx->gpu) {
        prnn_gpu_state_close(ctx->gpu);
    }
    ctx->gpu = NULL;
    ctx->device = NULL;
    return PRNN_OK;
}

static prnn_status open_one(prnn_context *ctx, const prnn_gpu_driver *driver, int number) {
    prnn_gpu_state *state = NULL;
    prnn_status status;
    TRY(prnn_gpu_state_open(ctx, driver, number, &state));
    ctx->gpu = state;
    ctx->close_gpu = prnn_gpu_state_close;
    ctx->set_gpu_bf16 = prnn_gpu_state_set_bf16;
    ctx->device = &prnn_gpu_device;
done:
    return status;
}

/* The first device of a driver that can be used; `number` -1: none, and why. */
static prnn_status find(prnn_context *ctx, const prnn_gpu_driver *driver, int *number) {
    prnn_gpu_info infos[PRNN_GPU_MOST_DEVICES];
    int count = 0;
    prnn_status status;
    *number = -1;
    TRY(driver->list(ctx, infos, &count));
    for (int i = 0; i < count && *number < 0; i++) {
        *number = infos[i].why_not[0] || !infos[i].doubles ? -1 : i;
    }
    if (*number < 0) {
        status = prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s has no device that can be used%s%s", driver->name,
                           count ? ": " : "", count ? infos[0].why_not : "");
    }
done:
    return status;
}

/* The best GPU: of NVIDIA's driver, or of OpenCL. */
static prnn_status open_any(prnn_context *ctx) {
    char why[DRIVERS][300];
    for (int d = 0; d < DRIVERS; d++) {
        int number;
        prnn_status status = find(ctx, drivers[d], &number);
        if (status == PRNN_OK) {
            return open_one(ctx, drivers[d], number);
        }
        snprintf(why[d], sizeof why[d], "%.299s", prnn_message(ctx));
    }
    return prnn_fail(ctx, PRNN_ERROR_DEVICE, "there is no GPU: %s; and %s", why[0], why[1]);
}

/* "cuda" or "cuda:1": the driver, and the number or -1. */
static const prnn_gpu_driver *parse(const char *name, int *number) {
    for (int d = 0; d < DRIVERS; d++) {
        size_t length = strlen(drivers[d]->name);
        if (strncmp(name, drivers[d]->name, length) != 0) {
            continue;
        }
        const char *rest = name + length;
        char *end = NULL;
        *number = -1;
        if (!*rest) {
            return drivers[d];
        }
        long n = *rest == ':' && rest[1] >= '0' && rest[1] <= '9' ? strtol(rest + 1, &end, 10) : -1;
        if (n >= 0 && n < PRNN_GPU_MOST_DEVICES && !*end) {
            *number = (int)n;
            return drivers[d];
        }
    }
    return NULL;
}

static prnn_status open_named(prnn_context *ctx, const char *name) {
    int number = -1;
    const prnn_gpu_driver *driver = parse(name, &number);
    prnn_status status = PRNN_OK;
    if (!driver) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "no device \"%.40s\": choose auto, cpu, gpu, cuda, cuda:N, opencl or opencl:N",
                         name);
    }
    if (number < 0) {
        TRY(find(ctx, driver, &number));
    }
    TRY(open_one(ctx, driver, number));
done:
    return status;
}

/* A GPU by its own driver, if there is one that can be used. */
static prnn_status open_best(prnn_context *ctx) {
    int number;
    return find(ctx, &prnn_gpu_cuda, &number) == PRNN_OK ? open_one(ctx, &prnn_gpu_cuda, number) : PRNN_OK;
}

static bool processor_has_bf16(prnn_context *ctx) {
    return (ctx->bf16 && !ctx->gpu) || prnn_kernels_in_bf16(prnn_kernels_of(ctx));
}

/* The processor is the device now; without bf16 it takes fp32. */
static void fall_back(prnn_context *ctx) {
    ctx->bf16 = ctx->bf16 && prnn_kernels_of(ctx);
}

prnn_status prnn_context_set_device(prnn_context *ctx, const char *name) {
    PRNN_ENTER_SETTING(ctx);
    const char *wish = getenv("PRNN_DEVICE");
    prnn_status status;
    if (!name) {
        name = wish && *wish ? wish : "cpu";
    }
    if (strcmp(name, "cpu") == 0 && ctx->bf16 && !processor_has_bf16(ctx)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the processor has no bf16 products; choose precision fp32 first");
    }
    TRY(leave(ctx));
    if (strcmp(name, "auto") == 0) {
        TRY(open_best(ctx));
    } else if (strcmp(name, "gpu") == 0) {
        TRY(open_any(ctx));
    } else if (strcmp(name, "cpu") != 0) {
        TRY(open_named(ctx, name));
    }
done:
    if (!ctx->gpu) {
        fall_back(ctx);
    }
    return status;
}

const char *prnn_context_device(const prnn_context *ctx) {
    return ctx->gpu ? ctx->gpu->name : "cpu";
}

/* ---------------------------------------------------------------------------------------- list */

static void describe(const prnn_gpu_driver *driver, int number, const prnn_gpu_info *from,
                     prnn_device_info *to) {
    snprintf(to->name, sizeof to->name, "%s:%d", driver->name, number);
    snprintf(to->product, sizeof to->product, "%s", from->name);
    snprintf(to->driver, sizeof to->driver, "%s", from->driver);
    snprintf(to->why_not, sizeof to->why_not, "%s",
             from->why_not[0] || from->doubles ? from->why_not : "it has no numbers in fp64");
    snprintf(to->why_no_bf16, sizeof to->why_no_bf16, "%s", to->why_not[0] ? "" : from->why_no_bf16);
    to->memory = from->memory;
}

/* Number `number` of a driver's; if there is none of it, how many there are. */
static size_t describe_of(prnn_context *ctx, const prnn_gpu_driver *driver, size_t number,
                          prnn_device_info *to) {
    prnn_gpu_info infos[PRNN_GPU_MOST_DEVICES];
    int count = 0;
    if (driver->list(ctx, infos, &count) != PRNN_OK) { /* one that says why there is none */
        count = 1;
        if (number == 0) {
            snprintf(to->name, sizeof to->name, "%s", driver->name);
            snprintf(to->why_not, sizeof to->why_not, "%.255s", prnn_message(ctx));
        }
    } else if (number < (size_t)count) {
        describe(driver, (int)number, &infos[number], to);
    }
    return (size_t)count;
}

prnn_status prnn_device_describe(prnn_context *ctx, size_t number, prnn_device_info *info, bool *found) {
    PRNN_ENTER(ctx, PRNN_GIVEN(info), PRNN_GIVEN(found));
    prnn_device_info full = PRNN_DEVICE_INFO_INIT;
    prnn_status status;
    TRY(prnn_fields_check(ctx, &prnn_device_info_fields, info));
    *found = number == 0;
    if (*found) {
        snprintf(full.name, sizeof full.name, "cpu");
        snprintf(full.product, sizeof full.product, "%s", prnn_context_cpu(ctx));
        full.memory = sysconf(_SC_PHYS_PAGES) > 0
                          ? (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE)
                          : 0;
        snprintf(full.why_no_bf16, sizeof full.why_no_bf16, "%s",
                 processor_has_bf16(ctx) ? "" : "it needs a processor with AVX512_BF16");
    }
    size_t before = 1;
    for (int d = 0; d < DRIVERS && !*found; d++) {
        size_t count = describe_of(ctx, drivers[d], number - before, &full);
        *found = number - before < count;
        before += count;
    }
    if (*found) {
        prnn_fields_copy(&prnn_device_info_fields, info->size, info, &full);
    }
done:
    return status;
}

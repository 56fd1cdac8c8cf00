/* What the tests of a device's kernels share: the devices that are there, blocks, launches, random
 * structures. */
#ifndef TESTS_GPU_H
#define TESTS_GPU_H

#include <stdio.h>

#include "kernels.h"

#include "gpu/driver.h"
#include "gpu/structures.h"

enum { MOST_KERNELS = 64, SKIPPED = 77 };

/* A device under test, with the program of an arithmetic. */
typedef struct rig {
    prnn_context *ctx;
    prnn_gpu *gpu;
    prnn_gpu_program *program;
    struct {
        char name[32];
        prnn_gpu_kernel *kernel;
    } kernels[MOST_KERNELS];
    int kernel_count;
} rig;

static UNUSED void must(rig *r, prnn_status status) {
    if (status != PRNN_OK) {
        fail_msg("%s", prnn_message(r->ctx));
    }
}

static UNUSED prnn_gpu_kernel *kernel_named(rig *r, const char *name) {
    for (int i = 0; i < r->kernel_count; i++) {
        if (strcmp(r->kernels[i].name, name) == 0) {
            return r->kernels[i].kernel;
        }
    }
    assert_true(r->kernel_count < MOST_KERNELS);
    prnn_gpu_kernel **kernel = &r->kernels[r->kernel_count].kernel;
    must(r, r->gpu->driver->kernel(r->ctx, r->gpu, r->program, name, kernel));
    snprintf(r->kernels[r->kernel_count].name, sizeof r->kernels->name, "%s", name);
    r->kernel_count++;
    return *kernel;
}

/* ----------------------------------------------------------------------------------------- memory */

static UNUSED prnn_gpu_block *put(rig *r, const void *bytes, size_t size) {
    prnn_gpu_block *block;
    must(r, r->gpu->driver->allocate(r->ctx, r->gpu, size, "a test", &block));
    must(r, r->gpu->driver->upload(r->ctx, r->gpu, block, 0, bytes, size));
    return block;
}

static UNUSED void take(rig *r, prnn_gpu_block *block, void *bytes, size_t size) {
    must(r, r->gpu->driver->download(r->ctx, r->gpu, block, 0, bytes, size));
}

static UNUSED void drop(rig *r, prnn_gpu_block *block) {
    r->gpu->driver->release(r->gpu, block);
}

#define LAUNCH(r, name, x, y, items, ...)                                                                    \
    launch(r, name, (uint32_t)(x), (uint32_t)(y), items, (const prnn_gpu_argument[]){__VA_ARGS__},           \
           (int)(sizeof((const prnn_gpu_argument[]){__VA_ARGS__}) / sizeof(prnn_gpu_argument)))

static UNUSED void launch(rig *r, const char *name, uint32_t x, uint32_t y, uint32_t items,
                          const prnn_gpu_argument *arguments, int count) {
    prnn_gpu_launch l = {.kernel = kernel_named(r, name), .x = x, .y = y, .items = items, .count = count};
    memcpy(l.arguments, arguments, (size_t)count * sizeof *arguments);
    must(r, r->gpu->driver->launch(r->ctx, r->gpu, &l));
}

static UNUSED uint32_t groups_of(size_t n, size_t items) {
    return (uint32_t)((n + items - 1) / items);
}

/* ----------------------------------------------------------------------------------------- random */

static UNUSED uint32_t below(uint32_t n) {
    return (uint32_t)random_below(n);
}

/* Mostly between -1 and 1; some zeros of both signs, and denormal numbers. */
static UNUSED float any_float(void) {
    switch (below(40)) {
    case 0:
        return 0;
    case 1:
        return -0.0f;
    case 2:
        return (float)(random_signed() * 1e-39);
    default:
        return (float)random_signed();
    }
}

static UNUSED float *any_floats(size_t n) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        x[i] = any_float();
    }
    return x;
}

static UNUSED void expect_bits(const char *what, const float *own, const float *expected, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&own[i], &expected[i], sizeof own[i]) != 0 && !(isnan(own[i]) && isnan(expected[i]))) {
            fail_msg("%s: float %zu of %zu is %a, plain C has %a", what, i, n, (double)own[i],
                     (double)expected[i]);
        }
    }
}

/* Where position m is. */
static UNUSED size_t position(prnn_gpu_place p, uint32_t m, uint32_t run) {
    return (size_t)(p.at + (uint64_t)(m / run) * p.pitch + (uint64_t)(m % run) * p.stride);
}

/* A map of `width` features for `rows` positions in runs, with margins or without. `used` grows. */
static UNUSED prnn_gpu_place new_place(size_t *used, uint32_t width, uint32_t rows, uint32_t run) {
    uint32_t stride = (width + 15) / 16 * 16, margin = below(3) * stride;
    prnn_gpu_place p = {.at = *used, .stride = stride, .pitch = run * stride + margin};
    *used += (size_t)((rows + run - 1) / run) * p.pitch + 16;
    return p;
}

/* ---------------------------------------------------------------------------------------- devices */

static UNUSED int run_on_device(const prnn_gpu_driver *driver, int number, prnn_gpu_arithmetic arithmetic,
                                const kernel_test *tests, size_t n) {
    rig r = {.ctx = prnn_context_create()};
    struct CMUnitTest all[MOST_KERNEL_TESTS] = {{0}};
    char name[160];
    int failures = 1;
    if (driver->open(r.ctx, number, &r.gpu) != PRNN_OK ||
        driver->compile(r.ctx, r.gpu, arithmetic, &r.program) != PRNN_OK) {
        print_error("%s:%d: %s\n", driver->name, number, prnn_message(r.ctx));
    } else {
        for (size_t t = 0; t < n; t++) {
            all[t] = (struct CMUnitTest){tests[t].name, tests[t].test, NULL, NULL, &r};
        }
        snprintf(name, sizeof name, "%s:%d %s", driver->name, number, r.gpu->info.name);
        failures = _cmocka_run_group_tests(name, all, n, NULL, NULL);
    }
    if (r.gpu) {
        driver->forget(r.gpu, r.program);
        driver->close(r.gpu);
    }
    prnn_context_free(r.ctx);
    return failures;
}

/* test_gpu_X [PATTERN]: runs the tests on every device that can be used; skipped where there is none. Returns
 * the exit status. */
static UNUSED int run_on_devices(prnn_gpu_arithmetic arithmetic, const kernel_test *tests, size_t n,
                                 int count, char **arguments) {
    const prnn_gpu_driver *const drivers[] = {&prnn_gpu_cuda, &prnn_gpu_opencl};
    prnn_context *ctx = prnn_context_create();
    int failures = 0, used = 0;
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    for (int d = 0; d < 2; d++) {
        prnn_gpu_info infos[PRNN_GPU_MOST_DEVICES];
        int devices = 0;
        if (drivers[d]->list(ctx, infos, &devices) != PRNN_OK) {
            print_message("%s: %s\n", drivers[d]->name, prnn_message(ctx));
        }
        for (int i = 0; i < devices; i++) {
            print_message("%s:%d %s (%s), %.1f GB%s%s\n", drivers[d]->name, i, infos[i].name, infos[i].driver,
                          (double)infos[i].memory / 1e9, infos[i].why_not[0] ? ": not used, " : "",
                          infos[i].why_not);
            if (!infos[i].why_not[0]) {
                failures += run_on_device(drivers[d], i, arithmetic, tests, n);
                used++;
            }
        }
    }
    prnn_context_free(ctx);
    return used ? failures != 0 : SKIPPED;
}

#endif

/* CUDA, through NVIDIA's driver libcuda.so.1; kernels are compiled by NVRTC. */

#include "base/memory.h"
#include "base/try.h"
#include "gpu/cache.h"
#include "gpu/driver.h"
#include "gpu/library.h"
#include "gpu/nvrtc.h"

#include <stdio.h>
#include <string.h>

/* ----------------------------------------------------------------------- the part of it that serves here */

typedef void *handle;
typedef uint64_t address; /* CUdeviceptr */

#define CALLS(X)                                                                                             \
    X(int, cuInit, (unsigned))                                                                               \
    X(int, cuDriverGetVersion, (int *))                                                                      \
    X(int, cuGetErrorName, (int, const char **))                                                             \
    X(int, cuGetErrorString, (int, const char **))                                                           \
    X(int, cuDeviceGetCount, (int *))                                                                        \
    X(int, cuDeviceGet, (int *, int))                                                                        \
    X(int, cuDeviceGetName, (char *, int, int))                                                              \
    X(int, cuDeviceGetAttribute, (int *, int, int))                                                          \
    X(int, cuDeviceTotalMem_v2, (size_t *, int))                                                             \
    X(int, cuDevicePrimaryCtxRetain, (handle *, int))                                                        \
    X(int, cuDevicePrimaryCtxRelease_v2, (int))                                                              \
    X(int, cuCtxPushCurrent_v2, (handle))                                                                    \
    X(int, cuCtxPopCurrent_v2, (handle *))                                                                   \
    X(int, cuMemGetInfo_v2, (size_t *, size_t *))                                                            \
    X(int, cuMemAlloc_v2, (address *, size_t))                                                               \
    X(int, cuMemFree_v2, (address))                                                                          \
    X(int, cuMemHostAlloc, (void **, size_t, unsigned))                                                      \
    X(int, cuMemFreeHost, (void *))                                                                          \
    X(int, cuMemcpyHtoDAsync_v2, (address, const void *, size_t, handle))                                    \
    X(int, cuMemcpyDtoHAsync_v2, (void *, address, size_t, handle))                                          \
    X(int, cuStreamCreate, (handle *, unsigned))                                                             \
    X(int, cuStreamDestroy_v2, (handle))                                                                     \
    X(int, cuStreamSynchronize, (handle))                                                                    \
    X(int, cuStreamBeginCapture_v2, (handle, int))                                                           \
    X(int, cuStreamEndCapture, (handle, handle *))                                                           \
    X(int, cuGraphInstantiateWithFlags, (handle *, handle, unsigned long long))                              \
    X(int, cuGraphLaunch, (handle, handle))                                                                  \
    X(int, cuGraphDestroy, (handle))                                                                         \
    X(int, cuGraphExecDestroy, (handle))                                                                     \
    X(int, cuModuleLoadData, (handle *, const void *))                                                       \
    X(int, cuModuleUnload, (handle))                                                                         \
    X(int, cuModuleGetFunction, (handle *, handle, const char *))                                            \
    X(int, cuLaunchKernel,                                                                                   \
      (handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **,        \
       void **))

typedef struct functions {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration has none to spare */
#define MEMBER(type, name, arguments) type(*name) arguments;
    CALLS(MEMBER)
} functions;

enum { UNITS = 16, CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76 }; /* CUdevice_attribute */
enum { ERROR_OUT_OF_MEMORY = 2, ERROR_NO_DEVICE = 100 };
enum { STREAM_NON_BLOCKING = 1, CAPTURE_THREAD_LOCAL = 1 };
enum { LEAST_CAPABILITY = 80 };

static prnn_status call_result(prnn_context *ctx, const functions *f, const char *device,
                               const char *function, int code) {
    if (code == 0) {
        return PRNN_OK;
    }
    const char *name = NULL, *meaning = NULL;
    f->cuGetErrorName(code, &name);
    f->cuGetErrorString(code, &meaning);
    return prnn_fail(ctx, code == ERROR_OUT_OF_MEMORY ? PRNN_ERROR_MEMORY : PRNN_ERROR_DEVICE,
                     "%s: %s says %d (%s: %s)", device, function, code, name ? name : "unknown",
                     meaning ? meaning : "no explanation");
}

static prnn_status load(prnn_context *ctx, functions *f) {
    static const char *const files[] = {"libcuda.so.1", NULL};
#define SYMBOL(type, name, arguments) {#name, &f->name},
    const prnn_gpu_symbol symbols[] = {CALLS(SYMBOL){NULL, NULL}};
    prnn_status status =
        prnn_gpu_library_open(ctx, "libcuda.so.1, NVIDIA's driver (12.0 or later),", files, symbols);
    if (status != PRNN_OK) {
        return status;
    }
    int code = f->cuInit(0);
    return code == ERROR_NO_DEVICE
               ? prnn_fail(ctx, PRNN_ERROR_DEVICE, "NVIDIA's driver is there, and sees no GPU")
               : call_result(ctx, f, "cuda", "cuInit", code);
}

/* -------------------------------------------------------------------------------------------- devices */

static int attribute(const functions *f, int device, int what) {
    int value = 0;
    f->cuDeviceGetAttribute(&value, what, device);
    return value;
}

static int capability_of(const functions *f, int device) {
    return 10 * attribute(f, device, CAPABILITY_MAJOR) + attribute(f, device, CAPABILITY_MINOR);
}

/* The major version of the toolkit whose code the driver takes, and no later one's. */
static int newest_toolkit(const functions *f) {
    int version = 0;
    return f->cuDriverGetVersion(&version) == 0 && version >= 1000 ? version / 1000 : PRNN_GPU_ANY_TOOLKIT;
}

static prnn_gpu_info describe(const functions *f, int device) {
    prnn_gpu_info info = {.units = attribute(f, device, UNITS), .doubles = true, .tensor = true};
    int version = 0, capability = capability_of(f, device);
    size_t memory = 0;
    char compiler[16];
    f->cuDeviceGetName(info.name, sizeof info.name - 1, device);
    f->cuDeviceTotalMem_v2(&memory, device);
    f->cuDriverGetVersion(&version);
    int newest = newest_toolkit(f);
    prnn_gpu_nvrtc_version(newest, compiler);
    info.memory = info.largest = memory;
    snprintf(info.driver, sizeof info.driver, "CUDA %d.%d, sm_%d, %s%s", version / 1000, version % 1000 / 10,
             capability, compiler[0] ? "NVRTC " : "no NVRTC", compiler);
    if (capability < LEAST_CAPABILITY) {
        snprintf(info.why_not, sizeof info.why_not,
                 "its compute capability is %d.%d, and 8.0 is needed; OpenCL "
                 "may serve",
                 capability / 10, capability % 10);
    } else if (!compiler[0]) {
        snprintf(info.why_not, sizeof info.why_not,
                 "libnvrtc, NVIDIA's compiler of kernels, is not there in a version that this driver takes "
                 "(of the "
                 "CUDA toolkit, 11.2 to %d.x); OpenCL may serve",
                 newest);
    }
    return info;
}

static prnn_status list(prnn_context *ctx, prnn_gpu_info *infos, int *count) {
    functions f;
    prnn_status status;
    *count = 0;
    TRY(load(ctx, &f));
    TRY(call_result(ctx, &f, "cuda", "cuDeviceGetCount", f.cuDeviceGetCount(count)));
    *count = *count > PRNN_GPU_MOST_DEVICES ? PRNN_GPU_MOST_DEVICES : *count;
    for (int i = 0; i < *count; i++) {
        int device = 0;
        TRY(call_result(ctx, &f, "cuda", "cuDeviceGet", f.cuDeviceGet(&device, i)));
        infos[i] = describe(&f, device);
    }
done:
    return status;
}

/* ----------------------------------------------------------------------------------- an open device */

enum { STAGE_BYTES = 1 << 20 };

typedef struct cuda {
    prnn_gpu gpu;
    functions f;
    int device, capability, entered; /* what the present call's way into the context ended with */
    bool retained;
    handle context, stream;
    void *stage;   /* pinned memory of the host, from which uploads go */
    size_t staged; /* bytes of it that may still be on their way */
} cuda;

static cuda *of(prnn_gpu *gpu) {
    return (cuda *)gpu;
}

/* A call of a function, with the device's context; the thread's own comes back afterwards, since it may be
 * somebody else's. */
#define CALL(ctx, d, name, ...)                                                                              \
    call_in(ctx, d, #name, enter(d) == 0 ? (d)->f.name(__VA_ARGS__) : (d)->entered)

/* Fails where somebody has reset the device: then there is nothing to leave. */
static int enter(cuda *d) {
    d->entered = d->f.cuCtxPushCurrent_v2(d->context);
    return d->entered;
}

static prnn_status call_in(prnn_context *ctx, cuda *d, const char *function, int code) {
    handle own;
    if (d->entered == 0) {
        d->f.cuCtxPopCurrent_v2(&own);
    }
    return call_result(ctx, &d->f, d->gpu.info.name, function, code);
}

static void close_device(prnn_gpu *gpu) {
    cuda *d = of(gpu);
    if (!d) {
        return;
    }
    if (d->stream) {
        (void)CALL(NULL, d, cuStreamSynchronize, d->stream);
        (void)CALL(NULL, d, cuStreamDestroy_v2, d->stream);
    }
    if (d->stage) {
        (void)CALL(NULL, d, cuMemFreeHost, d->stage);
    }
    if (d->retained) {
        d->f.cuDevicePrimaryCtxRelease_v2(d->device);
    }
    prnn_free(d);
}

static prnn_status open_found(prnn_context *ctx, cuda *d, int number) {
    int count = 0;
    prnn_status status;
    TRY(load(ctx, &d->f));
    TRY(call_result(ctx, &d->f, "cuda", "cuDeviceGetCount", d->f.cuDeviceGetCount(&count)));
    if (number < 0 || number >= count) {
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "no device cuda:%d: there are %d, from 0 on", number, count);
    }
    TRY(call_result(ctx, &d->f, "cuda", "cuDeviceGet", d->f.cuDeviceGet(&d->device, number)));
    d->gpu.info = describe(&d->f, d->device);
    d->capability = capability_of(&d->f, d->device);
    if (d->gpu.info.why_not[0]) {
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "cuda:%d, %s, cannot be used: %s", number, d->gpu.info.name,
                         d->gpu.info.why_not);
    }
    TRY(call_result(ctx, &d->f, d->gpu.info.name, "cuDevicePrimaryCtxRetain",
                    d->f.cuDevicePrimaryCtxRetain(&d->context, d->device)));
    d->retained = true;
    TRY(CALL(ctx, d, cuStreamCreate, &d->stream, STREAM_NON_BLOCKING));
    TRY(CALL(ctx, d, cuMemHostAlloc, &d->stage, STAGE_BYTES, 0));
done:
    return status;
}

static prnn_status open_device(prnn_context *ctx, int number, prnn_gpu **gpu) {
    cuda *d = prnn_alloc(ctx, 1, sizeof *d, "a device");
    *gpu = NULL;
    if (!d) {
        return PRNN_ERROR_MEMORY;
    }
    d->gpu.driver = &prnn_gpu_cuda;
    prnn_status status = open_found(ctx, d, number);
    if (status != PRNN_OK) {
        close_device(&d->gpu);
        return status;
    }
    *gpu = &d->gpu;
    return PRNN_OK;
}

/* --------------------------------------------------------------------------------------------- memory */

struct prnn_gpu_block {
    address at;
};

static void release(prnn_gpu *gpu, prnn_gpu_block *block) {
    if (block) {
        (void)CALL(NULL, of(gpu), cuMemFree_v2, block->at);
        prnn_free(block);
    }
}

/* But for what the driver takes besides: recorded walks, and the ends of blocks, which it rounds up. Who
 * cannot tell fails again when asked for some of it, with a sentence of the driver's. */
static uint64_t room(prnn_gpu *gpu) {
    size_t left = 0, all = 0;
    prnn_status status = CALL(NULL, of(gpu), cuMemGetInfo_v2, &left, &all);
    left -= left / 64;
    return status == PRNN_OK && left < gpu->info.largest ? left : gpu->info.largest;
}

static prnn_status allocate(prnn_context *ctx, prnn_gpu *gpu, size_t bytes, const char *what,
                            prnn_gpu_block **block) {
    *block = NULL;
    prnn_gpu_block *b = prnn_alloc(ctx, 1, sizeof *b, what);
    if (!b) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = bytes > gpu->info.largest
                             ? PRNN_ERROR_MEMORY
                             : CALL(ctx, of(gpu), cuMemAlloc_v2, &b->at, bytes ? bytes : 1);
    if (status != PRNN_OK) {
        prnn_free(b);
        return status == PRNN_ERROR_MEMORY ? prnn_gpu_no_room(ctx, gpu, bytes, what) : status;
    }
    *block = b;
    return PRNN_OK;
}

static prnn_status wait(prnn_context *ctx, prnn_gpu *gpu) {
    of(gpu)->staged = 0;
    return CALL(ctx, of(gpu), cuStreamSynchronize, of(gpu)->stream);
}

/* A copy from the caller's memory may go on after the call, where a device reads pageable memory by itself.
 * So what is small goes by way of the stage, and for what is large the call waits. */
static prnn_status upload(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_block *block, size_t at,
                          const void *from, size_t bytes) {
    cuda *d = of(gpu);
    size_t room = prnn_round_up(bytes, 256);
    prnn_status status = PRNN_OK;
    if (bytes && room > STAGE_BYTES) {
        TRY(CALL(ctx, d, cuMemcpyHtoDAsync_v2, block->at + at, from, bytes, d->stream));
        TRY(wait(ctx, gpu));
    } else if (bytes) {
        TRY(d->staged + room > STAGE_BYTES ? wait(ctx, gpu) : PRNN_OK);
        void *stage = (uint8_t *)d->stage + d->staged;
        memcpy(stage, from, bytes);
        TRY(CALL(ctx, d, cuMemcpyHtoDAsync_v2, block->at + at, stage, bytes, d->stream));
        d->staged += room;
    }
done:
    return status;
}

static prnn_status download(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_block *block, size_t at,
                            void *to, size_t bytes) {
    cuda *d = of(gpu);
    prnn_status status = PRNN_OK;
    if (bytes) {
        TRY(CALL(ctx, d, cuMemcpyDtoHAsync_v2, to, block->at + at, bytes, d->stream));
        TRY(wait(ctx, gpu));
    }
done:
    return status;
}

/* ------------------------------------------------------------------------------------------- programs */

struct prnn_gpu_kernel {
    handle function;
    prnn_gpu_kernel *next;
};

struct prnn_gpu_program {
    handle module;
    prnn_gpu_kernel *kernels;
};

static void forget(prnn_gpu *gpu, prnn_gpu_program *program) {
    if (!program) {
        return;
    }
    while (program->kernels) {
        prnn_gpu_kernel *next = program->kernels->next;
        prnn_free(program->kernels);
        program->kernels = next;
    }
    if (program->module) {
        (void)CALL(NULL, of(gpu), cuModuleUnload, program->module);
    }
    prnn_free(program);
}

static prnn_gpu_cache_key key_of(const prnn_gpu *gpu, const char *source) {
    const char *texts[4 + PRNN_GPU_NVRTC_OPTIONS] = {gpu->driver->name, source, gpu->info.name,
                                                     gpu->info.driver};
    memcpy(texts + 4, prnn_gpu_nvrtc_options, sizeof prnn_gpu_nvrtc_options);
    return prnn_gpu_cache_key_of(texts, 4 + PRNN_GPU_NVRTC_OPTIONS);
}

static prnn_status load_program(prnn_context *ctx, cuda *d, const char *source,
                                prnn_gpu_arithmetic arithmetic, handle *module) {
    size_t size = 0;
    prnn_gpu_cache_key key = key_of(&d->gpu, source);
    uint8_t *bytes = prnn_gpu_cache_get(key, &size);
    prnn_status status = bytes ? CALL(NULL, d, cuModuleLoadData, module, bytes) : PRNN_ERROR_DEVICE;
    if (status != PRNN_OK) {
        prnn_free(bytes);
        bytes = NULL;
        TRY(prnn_gpu_nvrtc(ctx, newest_toolkit(&d->f), d->capability, arithmetic, &bytes, &size, NULL));
        TRY(CALL(ctx, d, cuModuleLoadData, module, bytes));
        prnn_gpu_cache_put(key, bytes, size);
    }
done:
    prnn_free(bytes);
    return status;
}

static prnn_status compile(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_arithmetic arithmetic,
                           prnn_gpu_program **program) {
    char *source = NULL;
    prnn_status status;
    *program = NULL;
    prnn_gpu_program *p = prnn_alloc(ctx, 1, sizeof *p, "a program");
    if (!p) {
        return PRNN_ERROR_MEMORY;
    }
    TRY(prnn_gpu_source(ctx, arithmetic, &source));
    TRY(load_program(ctx, of(gpu), source, arithmetic, &p->module));
    *program = p;
done:
    if (status != PRNN_OK) {
        forget(gpu, p);
    }
    prnn_free(source);
    return status;
}

static prnn_status kernel_of(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_program *program, const char *name,
                             prnn_gpu_kernel **kernel) {
    *kernel = NULL;
    prnn_gpu_kernel *k = prnn_alloc(ctx, 1, sizeof *k, "a kernel");
    if (!k) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = CALL(ctx, of(gpu), cuModuleGetFunction, &k->function, program->module, name);
    if (status != PRNN_OK) {
        prnn_free(k);
        return status;
    }
    k->next = program->kernels;
    program->kernels = k;
    *kernel = k;
    return PRNN_OK;
}

/* ------------------------------------------------------------------------------------------- launches */

struct prnn_gpu_tape {
    handle graph;
};

static prnn_status launch(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_launch *l) {
    cuda *d = of(gpu);
    void *arguments[PRNN_GPU_MOST_ARGUMENTS];
    if (l->x == 0 || l->y == 0) {
        return PRNN_OK;
    }
    for (int i = 0; i < l->count; i++) {
        const prnn_gpu_block *block = l->arguments[i].value;
        const void *value = l->arguments[i].size ? l->arguments[i].value : (const void *)&block->at;
        memcpy(&arguments[i], &value, sizeof value); /* the driver only reads */
    }
    return CALL(ctx, d, cuLaunchKernel, l->kernel->function, l->x, l->y, 1, l->items, 1, 1, 0, d->stream,
                arguments, NULL);
}

static prnn_status record(prnn_context *ctx, prnn_gpu *gpu) {
    return CALL(ctx, of(gpu), cuStreamBeginCapture_v2, of(gpu)->stream, CAPTURE_THREAD_LOCAL);
}

static prnn_status recorded(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape **tape) {
    cuda *d = of(gpu);
    handle graph = NULL;
    prnn_status status;
    *tape = NULL;
    prnn_gpu_tape *t = prnn_alloc(ctx, 1, sizeof *t, "recorded launches");
    TRY(CALL(ctx, d, cuStreamEndCapture, d->stream, &graph));
    TRY(t ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(CALL(ctx, d, cuGraphInstantiateWithFlags, &t->graph, graph, 0));
    *tape = t;
    t = NULL;
done:
    if (graph) {
        (void)CALL(NULL, d, cuGraphDestroy, graph);
    }
    prnn_free(t);
    return status;
}

static prnn_status replay(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape *tape) {
    return CALL(ctx, of(gpu), cuGraphLaunch, tape->graph, of(gpu)->stream);
}

static void erase(prnn_gpu *gpu, prnn_gpu_tape *tape) {
    if (tape) {
        (void)CALL(NULL, of(gpu), cuGraphExecDestroy, tape->graph);
        prnn_free(tape);
    }
}

const prnn_gpu_driver prnn_gpu_cuda = {
    .name = "cuda",
    .list = list,
    .open = open_device,
    .close = close_device,
    .room = room,
    .allocate = allocate,
    .release = release,
    .upload = upload,
    .download = download,
    .compile = compile,
    .forget = forget,
    .kernel = kernel_of,
    .launch = launch,
    .record = record,
    .recorded = recorded,
    .replay = replay,
    .erase = erase,
    .wait = wait,
};

/* OpenCL 1.2, of any vendor, through the loader libOpenCL.so.1. Its drivers keep compiled programs
 * themselves. */

#include "base/memory.h"
#include "base/try.h"
#include "gpu/driver.h"
#include "gpu/library.h"
#include "gpu/structures.h"

#include <stdio.h>
#include <string.h>

/* ----------------------------------------------------------------------- the part of it that serves here */

typedef void *handle;

#define CALLS(X)                                                                                             \
    X(int32_t, clGetPlatformIDs, (uint32_t, handle *, uint32_t *))                                           \
    X(int32_t, clGetPlatformInfo, (handle, uint32_t, size_t, void *, size_t *))                              \
    X(int32_t, clGetDeviceIDs, (handle, uint64_t, uint32_t, handle *, uint32_t *))                           \
    X(int32_t, clGetDeviceInfo, (handle, uint32_t, size_t, void *, size_t *))                                \
    X(handle, clCreateContext, (const intptr_t *, uint32_t, const handle *, void *, void *, int32_t *))      \
    X(int32_t, clReleaseContext, (handle))                                                                   \
    X(handle, clCreateCommandQueue, (handle, handle, uint64_t, int32_t *))                                   \
    X(int32_t, clReleaseCommandQueue, (handle))                                                              \
    X(handle, clCreateProgramWithSource, (handle, uint32_t, const char **, const size_t *, int32_t *))       \
    X(int32_t, clBuildProgram, (handle, uint32_t, const handle *, const char *, void *, void *))             \
    X(int32_t, clGetProgramBuildInfo, (handle, handle, uint32_t, size_t, void *, size_t *))                  \
    X(int32_t, clReleaseProgram, (handle))                                                                   \
    X(handle, clCreateKernel, (handle, const char *, int32_t *))                                             \
    X(int32_t, clReleaseKernel, (handle))                                                                    \
    X(int32_t, clSetKernelArg, (handle, uint32_t, size_t, const void *))                                     \
    X(handle, clCreateBuffer, (handle, uint64_t, size_t, void *, int32_t *))                                 \
    X(int32_t, clReleaseMemObject, (handle))                                                                 \
    X(int32_t, clEnqueueNDRangeKernel,                                                                       \
      (handle, handle, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t, const handle *,   \
       handle *))                                                                                            \
    X(int32_t, clEnqueueReadBuffer,                                                                          \
      (handle, handle, uint32_t, size_t, size_t, void *, uint32_t, const handle *, handle *))                \
    X(int32_t, clEnqueueWriteBuffer,                                                                         \
      (handle, handle, uint32_t, size_t, size_t, const void *, uint32_t, const handle *, handle *))          \
    X(int32_t, clFlush, (handle))                                                                            \
    X(int32_t, clFinish, (handle))

typedef struct functions {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration has none to spare */
#define MEMBER(type, name, arguments) type(*name) arguments;
    CALLS(MEMBER)
} functions;

enum {
    PLATFORM_VERSION = 0x0901,
    DEVICE_TYPE_ALL = -1,
    DEVICE_COMPUTE_UNITS = 0x1002,
    DEVICE_GROUP_SIZE = 0x1004,
    DEVICE_LARGEST = 0x1010,
    DEVICE_FP32 = 0x101b,
    DEVICE_MEMORY = 0x101f,
    DEVICE_LOCAL_MEMORY = 0x1023,
    DEVICE_LITTLE_ENDIAN = 0x1026,
    DEVICE_AVAILABLE = 0x1027,
    DEVICE_COMPILER = 0x1028,
    DEVICE_NAME = 0x102b,
    DRIVER_VERSION = 0x102d,
    DEVICE_FP64 = 0x1032,
    BUILD_LOG = 0x1183,
};

/* Of DEVICE_FP32. */
enum { FP_DENORMALS = 1, FP_INFINITY = 2, FP_NEAREST = 4, FP_FMA = 32, FP_DIVISION = 128 };

static prnn_status load(prnn_context *ctx, functions *f) {
    static const char *const files[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
#define SYMBOL(type, name, arguments) {#name, &f->name},
    const prnn_gpu_symbol symbols[] = {CALLS(SYMBOL){NULL, NULL}};
    return prnn_gpu_library_open(ctx, "libOpenCL.so.1, the loader of OpenCL (Debian: ocl-icd-libopencl1),",
                                 files, symbols);
}

static const char *error_name(int32_t code) {
    static const char *const names[] = {
        "success",          "no device found",       "device not available",     "compiler not available",
        "no memory object", "out of resources",      "out of the host's memory", "no profiling information",
        "copies overlap",   "image format mismatch", "no such image format",     "the build failed",
        "mapping failed",   "misaligned sub-buffer", "an event failed",
    };
    return code <= 0 && code > -15 ? names[-code] : "an error";
}

static prnn_status failed(prnn_context *ctx, const prnn_gpu_info *info, const char *function, int32_t code) {
    return prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s: %s says %d (%s)", info->name[0] ? info->name : "OpenCL",
                     function, (int)code, error_name(code));
}

/* A call of a function that returns its error. */
#define CALL(ctx, device, name, ...)                                                                         \
    call_result(ctx, &(device)->gpu.info, #name, (device)->f.name(__VA_ARGS__))

static prnn_status call_result(prnn_context *ctx, const prnn_gpu_info *info, const char *name, int32_t code) {
    return code == 0 ? PRNN_OK : failed(ctx, info, name, code);
}

/* -------------------------------------------------------------------------------------------- devices */

typedef struct found {
    handle platform, device;
} found;

enum { MOST_PLATFORMS = 16 };

static prnn_status find_devices(prnn_context *ctx, const functions *f, found *all, int *count) {
    handle platforms[MOST_PLATFORMS], devices[PRNN_GPU_MOST_DEVICES];
    uint32_t n = 0;
    *count = 0;
    if (f->clGetPlatformIDs(MOST_PLATFORMS, platforms, &n) != 0 || n == 0) {
        return prnn_fail(
            ctx, PRNN_ERROR_DEVICE,
            "OpenCL has no platform: install the vendor's driver, or for the processor PoCL (Debian: "
            "pocl-opencl-icd)");
    }
    for (uint32_t p = 0; p < n && p < MOST_PLATFORMS; p++) {
        uint32_t some = 0;
        if (f->clGetDeviceIDs(platforms[p], (uint64_t)(uint32_t)DEVICE_TYPE_ALL, PRNN_GPU_MOST_DEVICES,
                              devices, &some) != 0) {
            continue; /* a platform without devices */
        }
        for (uint32_t d = 0; d < some && d < PRNN_GPU_MOST_DEVICES && *count < PRNN_GPU_MOST_DEVICES; d++) {
            all[(*count)++] = (found){platforms[p], devices[d]};
        }
    }
    return PRNN_OK;
}

static uint64_t number(const functions *f, handle device, uint32_t what) {
    uint64_t value = 0;
    f->clGetDeviceInfo(device, what, sizeof value, &value, NULL);
    return value;
}

/* Everything that the kernels take for granted. */
static void judge(const functions *f, handle device, prnn_gpu_info *info) {
    uint64_t local = number(f, device, DEVICE_LOCAL_MEMORY);
    uint64_t fp32 = number(f, device, DEVICE_FP32), needed = FP_INFINITY | FP_NEAREST | FP_FMA | FP_DENORMALS;
    const char *why = NULL;
    if (!number(f, device, DEVICE_AVAILABLE) || !number(f, device, DEVICE_COMPILER)) {
        why = "it is not available, or has no compiler";
    } else if (!number(f, device, DEVICE_LITTLE_ENDIAN)) {
        why = "its numbers are big endian";
    } else if ((fp32 & needed) != needed || !(fp32 & FP_DIVISION)) {
        why = "its fp32 arithmetic is not exact (fused multiply-add, denormal numbers, division, roots)";
    } else if (number(f, device, DEVICE_GROUP_SIZE) < 256 || local < 32 << 10) {
        why = "it has groups of fewer than 256 items, or less than 32 KB of local memory";
    }
    snprintf(info->why_not, sizeof info->why_not, "%s", why ? why : "");
    if (local < PRNN_GPU_EMULATION) {
        snprintf(info->why_no_bf16, sizeof info->why_no_bf16,
                 "it has %llu KB of local memory, and its kernels need %d", (unsigned long long)(local >> 10),
                 PRNN_GPU_EMULATION >> 10);
    }
}

static prnn_gpu_info describe(const functions *f, found of) {
    prnn_gpu_info info = {.memory = number(f, of.device, DEVICE_MEMORY),
                          .largest = number(f, of.device, DEVICE_LARGEST),
                          .units = (int)number(f, of.device, DEVICE_COMPUTE_UNITS),
                          .doubles = number(f, of.device, DEVICE_FP64) != 0};
    char platform[256] = "", driver[64] = "";
    f->clGetDeviceInfo(of.device, DEVICE_NAME, sizeof info.name, info.name, NULL);
    f->clGetDeviceInfo(of.device, DRIVER_VERSION, sizeof driver, driver, NULL);
    f->clGetPlatformInfo(of.platform, PLATFORM_VERSION, sizeof platform, platform, NULL);
    info.name[sizeof info.name - 1] = driver[sizeof driver - 1] = platform[sizeof platform - 1] = 0;
    snprintf(info.driver, sizeof info.driver, "%.60s, driver %.50s", platform, driver);
    judge(f, of.device, &info);
    return info;
}

static prnn_status list(prnn_context *ctx, prnn_gpu_info *infos, int *count) {
    functions f;
    found all[PRNN_GPU_MOST_DEVICES];
    prnn_status status;
    *count = 0;
    TRY(load(ctx, &f));
    TRY(find_devices(ctx, &f, all, count));
    for (int i = 0; i < *count; i++) {
        infos[i] = describe(&f, all[i]);
    }
done:
    return status;
}

/* ----------------------------------------------------------------------------------- an open device */

typedef struct opencl {
    prnn_gpu gpu;
    functions f;
    handle device, context, queue;
    uint64_t used; /* bytes of all blocks: nobody else tells */
    prnn_gpu_tape *recording;
} opencl;

struct prnn_gpu_block {
    handle buffer;
    size_t bytes;
};

static opencl *of(prnn_gpu *gpu) {
    return (opencl *)gpu;
}

static void close_device(prnn_gpu *gpu) {
    opencl *d = of(gpu);
    if (!d) {
        return;
    }
    if (d->queue) {
        d->f.clReleaseCommandQueue(d->queue);
    }
    if (d->context) {
        d->f.clReleaseContext(d->context);
    }
    prnn_free(d);
}

static prnn_status open_found(prnn_context *ctx, opencl *d, int number_of) {
    found all[PRNN_GPU_MOST_DEVICES];
    int32_t code = 0;
    int count;
    prnn_status status;
    TRY(load(ctx, &d->f));
    TRY(find_devices(ctx, &d->f, all, &count));
    if (number_of < 0 || number_of >= count) {
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "no device opencl:%d: there are %d, from 0 on", number_of,
                         count);
    }
    d->device = all[number_of].device;
    d->gpu.info = describe(&d->f, all[number_of]);
    if (d->gpu.info.why_not[0]) {
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "opencl:%d, %s, cannot be used: %s", number_of,
                         d->gpu.info.name, d->gpu.info.why_not);
    }
    d->context = d->f.clCreateContext(NULL, 1, &d->device, NULL, NULL, &code);
    TRY(call_result(ctx, &d->gpu.info, "clCreateContext", code));
    d->queue = d->f.clCreateCommandQueue(d->context, d->device, 0, &code);
    TRY(call_result(ctx, &d->gpu.info, "clCreateCommandQueue", code));
done:
    return status;
}

static prnn_status open_device(prnn_context *ctx, int number_of, prnn_gpu **gpu) {
    opencl *d = prnn_alloc(ctx, 1, sizeof *d, "a device");
    *gpu = NULL;
    if (!d) {
        return PRNN_ERROR_MEMORY;
    }
    d->gpu.driver = &prnn_gpu_opencl;
    prnn_status status = open_found(ctx, d, number_of);
    if (status != PRNN_OK) {
        close_device(&d->gpu);
        return status;
    }
    *gpu = &d->gpu;
    return PRNN_OK;
}

static void release(prnn_gpu *gpu, prnn_gpu_block *block) {
    if (block) {
        of(gpu)->f.clReleaseMemObject(block->buffer);
        of(gpu)->used -= block->bytes;
        prnn_free(block);
    }
}

static uint64_t room(prnn_gpu *gpu) {
    uint64_t used = of(gpu)->used, left = used < gpu->info.memory ? gpu->info.memory - used : 0;
    return left < gpu->info.largest ? left : gpu->info.largest;
}

static prnn_status allocate(prnn_context *ctx, prnn_gpu *gpu, size_t bytes, const char *what,
                            prnn_gpu_block **block) {
    opencl *d = of(gpu);
    int32_t code = 0;
    *block = NULL;
    prnn_gpu_block *b = prnn_alloc(ctx, 1, sizeof *b, what);
    if (!b) {
        return PRNN_ERROR_MEMORY;
    }
    b->buffer =
        bytes > gpu->info.largest ? NULL : d->f.clCreateBuffer(d->context, 1, bytes ? bytes : 1, NULL, &code);
    if (!b->buffer) {
        prnn_free(b);
        return prnn_gpu_no_room(ctx, gpu, bytes, what);
    }
    b->bytes = bytes;
    d->used += bytes;
    *block = b;
    return PRNN_OK;
}

static prnn_status upload(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_block *block, size_t at,
                          const void *from, size_t bytes) {
    opencl *d = of(gpu);
    return bytes == 0 ? PRNN_OK
                      : CALL(ctx, d, clEnqueueWriteBuffer, d->queue, block->buffer, 1, at, bytes, from, 0,
                             NULL, NULL);
}

static prnn_status download(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_block *block, size_t at,
                            void *to, size_t bytes) {
    opencl *d = of(gpu);
    return bytes == 0
               ? PRNN_OK
               : CALL(ctx, d, clEnqueueReadBuffer, d->queue, block->buffer, 1, at, bytes, to, 0, NULL, NULL);
}

static prnn_status wait(prnn_context *ctx, prnn_gpu *gpu) {
    opencl *d = of(gpu);
    return CALL(ctx, d, clFinish, d->queue);
}

/* ------------------------------------------------------------------------------------------- programs */

struct prnn_gpu_kernel {
    handle kernel;
    prnn_gpu_kernel *next;
};

struct prnn_gpu_program {
    handle program;
    prnn_gpu_kernel *kernels;
};

static const char *options_of(const prnn_gpu *gpu, prnn_gpu_arithmetic arithmetic) {
    (void)arithmetic;
    return gpu->info.doubles ? "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt -DDOUBLES"
                             : "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt";
}

/* What the compiler says, or NULL; its beginning is the first error. */
static char *log_of(opencl *d, handle program) {
    size_t size = 0;
    d->f.clGetProgramBuildInfo(program, d->device, BUILD_LOG, 0, NULL, &size);
    char *log = prnn_alloc(NULL, size + 1, 1, "a log");
    if (log) {
        d->f.clGetProgramBuildInfo(program, d->device, BUILD_LOG, size, log, NULL);
    }
    return log;
}

static prnn_status build(prnn_context *ctx, opencl *d, handle program, const char *options) {
    int32_t code = d->f.clBuildProgram(program, 1, &d->device, options, NULL, NULL);
    if (code == 0) {
        return PRNN_OK;
    }
    char *log = log_of(d, program);
    prnn_status status = prnn_fail(
        ctx, PRNN_ERROR_DEVICE, "%s: its driver cannot compile the kernels: clBuildProgram says %d: %.600s",
        d->gpu.info.name, (int)code, log ? log : "");
    prnn_free(log);
    return status;
}

static prnn_status from_source(prnn_context *ctx, opencl *d, const char *source, const char *options,
                               handle *program) {
    int32_t code = 0;
    *program = d->f.clCreateProgramWithSource(d->context, 1, &source, NULL, &code);
    prnn_status status = call_result(ctx, &d->gpu.info, "clCreateProgramWithSource", code);
    return status == PRNN_OK ? build(ctx, d, *program, options) : status;
}

static void forget(prnn_gpu *gpu, prnn_gpu_program *program) {
    if (!program) {
        return;
    }
    while (program->kernels) {
        prnn_gpu_kernel *next = program->kernels->next;
        of(gpu)->f.clReleaseKernel(program->kernels->kernel);
        prnn_free(program->kernels);
        program->kernels = next;
    }
    if (program->program) {
        of(gpu)->f.clReleaseProgram(program->program);
    }
    prnn_free(program);
}

static prnn_status compile(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_arithmetic arithmetic,
                           prnn_gpu_program **program) {
    opencl *d = of(gpu);
    const char *options = options_of(gpu, arithmetic);
    char *source = NULL;
    prnn_status status;
    *program = NULL;
    prnn_gpu_program *p = prnn_alloc(ctx, 1, sizeof *p, "a program");
    if (!p) {
        return PRNN_ERROR_MEMORY;
    }
    TRY(prnn_gpu_source(ctx, arithmetic, &source));
    TRY(from_source(ctx, d, source, options, &p->program));
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
    opencl *d = of(gpu);
    int32_t code = 0;
    *kernel = NULL;
    prnn_gpu_kernel *k = prnn_alloc(ctx, 1, sizeof *k, "a kernel");
    if (!k) {
        return PRNN_ERROR_MEMORY;
    }
    k->kernel = d->f.clCreateKernel(program->program, name, &code);
    if (code != 0) {
        prnn_free(k);
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s: clCreateKernel of %s says %d (%s)", gpu->info.name,
                         name, (int)code, error_name(code));
    }
    k->next = program->kernels;
    program->kernels = k;
    *kernel = k;
    return PRNN_OK;
}

/* ------------------------------------------------------------------------------------------- launches */

/* Written down: a launch, and the bytes of its arguments. */
typedef struct note {
    prnn_gpu_launch launch;
    size_t at[PRNN_GPU_MOST_ARGUMENTS]; /* in the tape's bytes */
} note;

struct prnn_gpu_tape {
    note *notes;
    uint8_t *bytes;
    size_t count, capacity, used, room;
};

static void erase(prnn_gpu *gpu, prnn_gpu_tape *tape) {
    (void)gpu;
    if (tape) {
        prnn_free(tape->notes);
        prnn_free(tape->bytes);
        prnn_free(tape);
    }
}

static prnn_status run(prnn_context *ctx, opencl *d, const prnn_gpu_launch *l) {
    size_t items[2] = {(size_t)l->x * l->items, l->y}, group[2] = {l->items, 1};
    handle kernel = l->kernel->kernel;
    prnn_status status;
    for (int i = 0; i < l->count; i++) {
        const prnn_gpu_argument *a = &l->arguments[i];
        const prnn_gpu_block *block = a->value;
        size_t size = a->size ? a->size : sizeof block->buffer;
        TRY(CALL(ctx, d, clSetKernelArg, kernel, (uint32_t)i, size,
                 a->size ? a->value : (const void *)&block->buffer));
    }
    TRY(CALL(ctx, d, clEnqueueNDRangeKernel, d->queue, kernel, 2, NULL, items, group, 0, NULL, NULL));
done:
    return status;
}

/* Room for one more note, with all its bytes. */
static bool grow(prnn_context *ctx, prnn_gpu_tape *tape) {
    size_t most = (size_t)PRNN_GPU_MOST_ARGUMENTS * PRNN_GPU_MOST_VALUE;
    if (tape->count < tape->capacity && tape->used + most <= tape->room) {
        return true;
    }
    size_t capacity = 2 * tape->capacity + 64, room = 2 * tape->room + 64 * most;
    note *notes = prnn_alloc(ctx, capacity, sizeof *notes, "recorded launches");
    uint8_t *bytes = prnn_alloc(ctx, room, 1, "recorded launches");
    if (!notes || !bytes) {
        prnn_free(notes);
        prnn_free(bytes);
        return false;
    }
    if (tape->count) {
        memcpy(notes, tape->notes, tape->count * sizeof *notes);
        memcpy(bytes, tape->bytes, tape->used);
    }
    prnn_free(tape->notes);
    prnn_free(tape->bytes);
    *tape = (prnn_gpu_tape){notes, bytes, tape->count, capacity, tape->used, room};
    return true;
}

static prnn_status write_down(prnn_context *ctx, prnn_gpu_tape *tape, const prnn_gpu_launch *l) {
    if (!grow(ctx, tape)) {
        return PRNN_ERROR_MEMORY;
    }
    note *n = &tape->notes[tape->count++];
    n->launch = *l;
    for (int i = 0; i < l->count; i++) {
        if (l->arguments[i].size) {
            n->at[i] = tape->used;
            memcpy(tape->bytes + tape->used, l->arguments[i].value, l->arguments[i].size);
            tape->used += prnn_round_up(l->arguments[i].size, 16);
        }
    }
    return PRNN_OK;
}

static prnn_status launch(prnn_context *ctx, prnn_gpu *gpu, const prnn_gpu_launch *l) {
    opencl *d = of(gpu);
    if (l->x == 0 || l->y == 0) {
        return PRNN_OK;
    }
    return d->recording ? write_down(ctx, d->recording, l) : run(ctx, d, l);
}

static prnn_status record(prnn_context *ctx, prnn_gpu *gpu) {
    of(gpu)->recording = prnn_alloc(ctx, 1, sizeof(prnn_gpu_tape), "recorded launches");
    return of(gpu)->recording ? PRNN_OK : PRNN_ERROR_MEMORY;
}

static prnn_status recorded(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape **tape) {
    (void)ctx;
    *tape = of(gpu)->recording;
    of(gpu)->recording = NULL;
    return PRNN_OK;
}

static prnn_status replay(prnn_context *ctx, prnn_gpu *gpu, prnn_gpu_tape *tape) {
    opencl *d = of(gpu);
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < tape->count; i++) {
        note *n = &tape->notes[i];
        for (int a = 0; a < n->launch.count; a++) {
            if (n->launch.arguments[a].size) {
                n->launch.arguments[a].value = tape->bytes + n->at[a];
            }
        }
        TRY(run(ctx, d, &n->launch));
    }
    TRY(CALL(ctx, d, clFlush, d->queue));
done:
    return status;
}

const prnn_gpu_driver prnn_gpu_opencl = {
    .name = "opencl",
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

/* Stands in for NVIDIA's driver, libcuda.so.1, and for its compiler, libnvrtc.so.13, in test_cuda.sh: a GPU
 * that computes nothing, and ends the program where a call is not what a real one takes.
 *   CUDA_FAULT   the number of the call, from 1, from which on the device is lost; 0: none
 *   CUDA_RESET   the number of the call from which on the context is gone
 *   CUDA_FULL    there is no room for recorded walks; "replay": which shows when one is replayed
 *   CUDA_DRIVER  the driver's version, instead of 13000
 *   CUDA_REPORT  a file that gets, at the end, the numbers of calls, of recorded and of replayed walks, and
 *                of what is left
 * Copies are as late as they may be: at the next wait. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef void *handle;
#define CALL __attribute__((visibility("default"))) int
#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* NVIDIA's headers have them */

enum { BAD_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500, LOST = 700, GIGABYTES = 48, MOST_COPIES = 4096 };

static long calls, recorded, replayed;
static int entered, retained, streams, modules, graphs, blocks, pinned;
static bool capturing;
static void *stage; /* pinned memory, of which there is one */

/* What is wrong cannot be overlooked. */
static void demand(bool right, const char *what) {
    if (!right) {
        fprintf(stderr, "cuda: %s\n", what);
        abort();
    }
}

/* A call that may fail; from the one that is to fail on, none succeeds. */
static bool lost(void) {
    const char *fault = getenv("CUDA_FAULT");
    long at = fault ? atol(fault) : 0;
    calls++;
    return at > 0 && calls >= at;
}
#define MAY_FAIL                                                                                             \
    if (lost()) {                                                                                            \
        return LOST;                                                                                         \
    }
/* In the device's context, and not while launches are recorded. */
#define NOW(what)                                                                                            \
    demand(entered == 1, what " without a context");                                                         \
    demand(!capturing, what " while launches are recorded")

__attribute__((destructor)) static void report(void) {
    const char *name = getenv("CUDA_REPORT");
    FILE *file = calls && name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "calls %ld\nrecorded %ld\nreplayed %ld\nleft %d\n", calls, recorded, replayed,
                entered + retained + streams + modules + graphs + blocks + pinned);
        fclose(file);
    }
}

/* ------------------------------------------------------------------------------------------- devices */

CALL cuInit(unsigned flags) {
    MAY_FAIL return flags ? BAD_VALUE : 0;
}
CALL cuDriverGetVersion(int *version) {
    const char *asked = getenv("CUDA_DRIVER");
    return *version = asked ? atoi(asked) : 13000, 0;
}
CALL cuGetErrorName(int code, const char **name) {
    return *name = code == LOST ? "LOST" : "ERROR", 0;
}
CALL cuGetErrorString(int code, const char **text) {
    return (void)code, *text = "it was told to fail", 0;
}
CALL cuDeviceGetCount(int *count) {
    MAY_FAIL return *count = 1, 0;
}
CALL cuDeviceGet(int *device, int number) {
    MAY_FAIL return *device = number, 0;
}
CALL cuDeviceGetName(char *name, int size, int device) {
    return (void)device, snprintf(name, (size_t)size, "Stand-in"), 0;
}
CALL cuDeviceGetAttribute(int *value, int what, int device) {
    return (void)device, *value = what == 16 ? 132 : what == 75 ? 9 : 0, 0;
}
CALL cuDeviceTotalMem_v2(size_t *bytes, int device) {
    return (void)device, *bytes = (size_t)GIGABYTES << 30, 0;
}
CALL cuDevicePrimaryCtxRetain(handle *context, int device) {
    MAY_FAIL return (void)device, *context = &retained, retained++, 0;
}
CALL cuDevicePrimaryCtxRelease_v2(int device) {
    return (void)device, retained--, 0;
}
CALL cuCtxPushCurrent_v2(handle context) {
    const char *reset = getenv("CUDA_RESET");
    demand(context == &retained && retained > 0, "a context that is not there");
    if (reset && calls >= atol(reset)) {
        return LOST;
    }
    return entered++, 0;
}
CALL cuCtxPopCurrent_v2(handle *context) {
    demand(entered == 1, "a context is left that was not entered");
    return *context = &retained, entered--, 0;
}
CALL cuStreamCreate(handle *stream, unsigned flags) {
    NOW("cuStreamCreate");
    MAY_FAIL return *stream = &streams, streams++, flags == 1 ? 0 : BAD_VALUE;
}
CALL cuStreamDestroy_v2(handle stream) {
    return (void)stream, streams--, lost() ? LOST : 0;
}

/* -------------------------------------------------------------------------------------------- memory */

typedef struct copy {
    uint64_t to;
    const void *from;
    void *was; /* there, when the copy was asked for */
    size_t bytes;
} copy;
static copy copies[MOST_COPIES];
static int copy_count;

typedef struct block {
    uint64_t at;
    size_t bytes;
    struct block *next;
} block;
static block *all;

static bool is_there(uint64_t at, size_t bytes) {
    for (const block *b = all; b; b = b->next) {
        if (at >= b->at && at + bytes <= b->at + b->bytes) {
            return true;
        }
    }
    return false;
}

static void *memory_at(uint64_t at) {
    return (void *)(uintptr_t)at; /* NOLINT(performance-no-int-to-ptr): a driver's address is a number */
}

static void finish_copies(void) {
    for (int i = 0; i < copy_count; i++) {
        copy *c = &copies[i];
        demand(memcmp(c->from, c->was, c->bytes) == 0,
               "the source of an upload was changed before it was copied");
        demand(is_there(c->to, c->bytes), "a copy to memory that was released");
        memcpy(memory_at(c->to), c->was, c->bytes);
        free(c->was);
    }
    copy_count = 0;
}

CALL cuMemGetInfo_v2(size_t *left, size_t *bytes) {
    NOW("cuMemGetInfo");
    MAY_FAIL return *left = *bytes = (size_t)GIGABYTES << 30, 0;
}
/* Pages that nobody touches take no room. */
CALL cuMemAlloc_v2(uint64_t *at, size_t bytes) {
    NOW("cuMemAlloc");
    MAY_FAIL
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    block *b = malloc(sizeof *b);
    if (memory == MAP_FAILED || !b) {
        return OUT_OF_MEMORY;
    }
    *b = (block){(uint64_t)(uintptr_t)memory, bytes, all};
    all = b, *at = b->at, blocks++;
    return 0;
}
CALL cuMemFree_v2(uint64_t at) {
    NOW("cuMemFree");
    finish_copies(); /* it waits */
    block **link = &all;
    while (*link && (*link)->at != at) {
        link = &(*link)->next;
    }
    demand(*link, "memory is released that is not there");
    block *b = *link;
    *link = b->next, blocks--;
    munmap(memory_at(at), b->bytes);
    free(b);
    return lost() ? LOST : 0;
}
CALL cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
    NOW("cuMemHostAlloc");
    MAY_FAIL
    demand(pinned == 0 && !flags, "pinned memory twice");
    *memory = stage = malloc(bytes), pinned++;
    return 0;
}
CALL cuMemFreeHost(void *memory) {
    NOW("cuMemFreeHost");
    demand(memory == stage && copy_count == 0, "pinned memory is released that is not there, or in use");
    free(memory), pinned--;
    return lost() ? LOST : 0;
}
CALL cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, handle stream) {
    NOW("an upload");
    demand(stream == &streams && is_there(to, bytes), "an upload to where nothing is");
    MAY_FAIL
    if (copy_count == MOST_COPIES) {
        finish_copies();
    }
    copy *c = &copies[copy_count++];
    *c = (copy){to, from, malloc(bytes), bytes};
    memcpy(c->was, from, bytes);
    return 0;
}
CALL cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, handle stream) {
    NOW("a download");
    demand(stream == &streams && is_there(from, bytes), "a download from where nothing is");
    MAY_FAIL
    finish_copies();
    return memcpy(to, memory_at(from), bytes), 0;
}
CALL cuStreamSynchronize(handle stream) {
    NOW("cuStreamSynchronize");
    finish_copies();
    return lost() ? LOST : stream == &streams ? 0 : BAD_VALUE;
}

/* ------------------------------------------------------------------------------- programs and launches */

CALL cuModuleLoadData(handle *module, const void *bytes) {
    NOW("cuModuleLoadData");
    MAY_FAIL return *module = strdup(bytes), modules++, 0;
}
CALL cuModuleUnload(handle module) {
    NOW("cuModuleUnload");
    return free(module), modules--, lost() ? LOST : 0;
}
/* Names are in the source, as they are or made by PASTE. */
CALL cuModuleGetFunction(handle *function, handle module, const char *name) {
    NOW("cuModuleGetFunction");
    MAY_FAIL return *function = module, *name ? 0 : NOT_FOUND;
}
CALL cuLaunchKernel(handle function, unsigned x, unsigned y, unsigned z, unsigned items, unsigned items_y,
                    unsigned items_z, unsigned shared, handle stream, void **arguments, void **more) {
    demand(entered == 1 && modules > 0 && function && stream == &streams, "a launch of nothing");
    demand(x && y && z && x < 1U << 31 && y < 1U << 16 && z < 1U << 16, "too many groups");
    demand(items <= 1024 && items_y == 1 && items_z == 1 && shared <= 48U << 10, "a group that is too large");
    demand(arguments && arguments[0] && !more, "a launch without arguments");
    MAY_FAIL return 0;
}
CALL cuStreamBeginCapture_v2(handle stream, int mode) {
    NOW("cuStreamBeginCapture");
    MAY_FAIL return capturing = stream == &streams && mode == 1, 0;
}
CALL cuStreamEndCapture(handle stream, handle *graph) {
    demand(entered == 1 && capturing && stream == &streams, "the end of a record that has not begun");
    capturing = false;
    MAY_FAIL return *graph = &graphs, graphs++, 0;
}
CALL cuGraphInstantiateWithFlags(handle *walk, handle graph, unsigned long long flags) {
    NOW("cuGraphInstantiate");
    MAY_FAIL
    const char *full = getenv("CUDA_FULL");
    if (full && strcmp(full, "replay") != 0) {
        return OUT_OF_MEMORY;
    }
    return *walk = graph, graphs++, recorded++, flags ? BAD_VALUE : 0;
}
CALL cuGraphLaunch(handle walk, handle stream) {
    NOW("cuGraphLaunch");
    MAY_FAIL
    if (getenv("CUDA_FULL")) {
        return OUT_OF_MEMORY;
    }
    return replayed++, walk == &graphs && stream == &streams ? 0 : BAD_VALUE;
}
CALL cuGraphDestroy(handle graph) {
    return (void)graph, graphs--, lost() ? LOST : 0;
}
CALL cuGraphExecDestroy(handle walk) {
    return (void)walk, graphs--, lost() ? LOST : 0;
}

/* ------------------------------------------------------------------------------------------- compiler */

/* A program is its source. */
CALL nvrtcVersion(int *major, int *minor) {
    return *major = 13, *minor = 0, 0;
}
CALL nvrtcGetNumSupportedArchs(int *count) {
    return *count = 1, 0;
}
CALL nvrtcGetSupportedArchs(int *known) {
    return *known = 90, 0;
}
CALL nvrtcCreateProgram(handle *program, const char *source, const char *name, int count,
                        const char *const *headers, const char *const *names) {
    return (void)name, (void)headers, (void)names, *program = strdup(source), count;
}
CALL nvrtcCompileProgram(handle program, int count, const char *const *options) {
    return program && count > 0 && strcmp(options[0], "--gpu-architecture=sm_90") == 0 ? 0 : BAD_VALUE;
}
CALL nvrtcDestroyProgram(handle *program) {
    return free(*program), 0;
}
CALL nvrtcGetProgramLogSize(handle program, size_t *size) {
    return (void)program, *size = 1, 0;
}
CALL nvrtcGetProgramLog(handle program, char *log) {
    return (void)program, *log = 0, 0;
}
CALL nvrtcGetCUBINSize(handle program, size_t *size) {
    return *size = strlen(program) + 1, 0;
}
CALL nvrtcGetCUBIN(handle program, char *bytes) {
    return strcpy(bytes, program), 0;
}
CALL nvrtcGetPTXSize(handle program, size_t *size) {
    return nvrtcGetCUBINSize(program, size);
}
CALL nvrtcGetPTX(handle program, char *bytes) {
    return nvrtcGetCUBIN(program, bytes);
}
__attribute__((visibility("default"))) const char *nvrtcGetErrorString(int code) {
    return code ? "an error" : "";
}

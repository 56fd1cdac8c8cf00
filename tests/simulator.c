/* Stands in for OpenCL's loader, libOpenCL.so.1, in test_races.sh: all functions are those of the library
 * that this one is linked with and that oclgrind loads before the program, but for two. SIMULATED  a file
 * that gets the name of every kernel that is launched */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;

enum { DEVICE_FP32 = 0x101b, FP_FMA = 32, FP_DIVISION = 128, KERNEL_NAME = 0x1190, NOT_FOUND = -1 };

int32_t clGetDeviceInfo(handle device, uint32_t what, size_t size, void *value, size_t *needed);
int32_t clEnqueueNDRangeKernel(handle queue, handle kernel, uint32_t dimensions, const size_t *offset,
                               const size_t *items, const size_t *group, uint32_t waits, const handle *wait,
                               handle *event);

/* The function of that name of oclgrind, at `function`. */
static int found(const char *name, void *function) {
    void *at = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &at, sizeof at);
    return at != NULL;
}

/* oclgrind does not say that fma, division and roots are exact, and its device would be refused. They are: it
 * calls fmaf, and rounds once more what it computed in double. */
int32_t clGetDeviceInfo(handle device, uint32_t what, size_t size, void *value, size_t *needed) {
    int32_t (*ask)(handle, uint32_t, size_t, void *, size_t *);
    if (!found("clGetDeviceInfo", &ask)) {
        return NOT_FOUND;
    }
    int32_t code = ask(device, what, size, value, needed);
    if (code == 0 && what == DEVICE_FP32 && value) {
        uint64_t can;
        memcpy(&can, value, sizeof can);
        can |= FP_FMA | FP_DIVISION;
        memcpy(value, &can, sizeof can);
    }
    return code;
}

int32_t clEnqueueNDRangeKernel(handle queue, handle kernel, uint32_t dimensions, const size_t *offset,
                               const size_t *items, const size_t *group, uint32_t waits, const handle *wait,
                               handle *event) {
    int32_t (*launch)(handle, handle, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,
                      const handle *, handle *);
    int32_t (*ask)(handle, uint32_t, size_t, void *, size_t *);
    const char *names = getenv("SIMULATED");
    char name[64] = "";
    if (!found("clEnqueueNDRangeKernel", &launch) || !found("clGetKernelInfo", &ask)) {
        return NOT_FOUND;
    }
    FILE *file = names ? fopen(names, "a") : NULL;
    if (file) {
        ask(kernel, KERNEL_NAME, sizeof name, name, NULL);
        fprintf(file, "%s\n", name);
        fclose(file);
    }
    return launch(queue, kernel, dimensions, offset, items, group, waits, wait, event);
}

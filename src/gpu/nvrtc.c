#include "gpu/nvrtc.h"

#include "base/memory.h"
#include "base/try.h"
#include "gpu/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;

#define CALLS(X)                                                                                             \
    X(int, nvrtcVersion, (int *, int *))                                                                     \
    X(int, nvrtcGetNumSupportedArchs, (int *))                                                               \
    X(int, nvrtcGetSupportedArchs, (int *))                                                                  \
    X(int, nvrtcCreateProgram,                                                                               \
      (handle *, const char *, const char *, int, const char *const *, const char *const *))                 \
    X(int, nvrtcCompileProgram, (handle, int, const char *const *))                                          \
    X(int, nvrtcDestroyProgram, (handle *))                                                                  \
    X(int, nvrtcGetProgramLogSize, (handle, size_t *))                                                       \
    X(int, nvrtcGetProgramLog, (handle, char *))                                                             \
    X(int, nvrtcGetCUBINSize, (handle, size_t *))                                                            \
    X(int, nvrtcGetCUBIN, (handle, char *))                                                                  \
    X(int, nvrtcGetPTXSize, (handle, size_t *))                                                              \
    X(int, nvrtcGetPTX, (handle, char *))                                                                    \
    X(const char *, nvrtcGetErrorString, (int))

typedef struct functions {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration has none to spare */
#define MEMBER(type, name, arguments) type(*name) arguments;
    CALLS(MEMBER)
} functions;

/* Of a major version up to `newest`: a driver takes no code of a later one. Where toolkits put it, if the
 * loader does not know. The paths live as long as the call. */
static prnn_status load(prnn_context *ctx, int newest, functions *f) {
    static const char *const folders[] = {"", "/usr/local/cuda/lib64/", NULL};
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
                                        "libnvrtc.so"};
    static const int majors[] = {13, 12, 11, 0};
    enum { NAMES = sizeof names / sizeof *names };
    int count = 0;
    char paths[3 * NAMES][512];
    const char *files[3 * NAMES + 1] = {NULL}, *home = getenv("CUDA_HOME");
    home = home ? home : getenv("CUDA_PATH");
    for (int i = 0; i < 3 * NAMES; i++) {
        const char *folder = folders[i / NAMES];
        if (majors[i % NAMES] > newest) {
            continue;
        }
        snprintf(paths[i], sizeof paths[i], "%s%s%s",
                 folder ? folder
                 : home ? home
                        : "",
                 folder ? "" : "/lib64/", names[i % NAMES]);
        files[count++] = paths[i];
    }
#define SYMBOL(type, name, arguments) {#name, &f->name},
    const prnn_gpu_symbol symbols[] = {CALLS(SYMBOL){NULL, NULL}};
    prnn_status status = prnn_gpu_library_open(
        ctx, "libnvrtc, NVIDIA's compiler of kernels (of the CUDA toolkit, 11.2 or later),", files, symbols);
    int major = 0, minor = 0;
    if (status == PRNN_OK && f->nvrtcVersion(&major, &minor) == 0 &&
        major > newest) { /* without one in its name */
        status = prnn_fail(ctx, PRNN_ERROR_DEVICE,
                           "libnvrtc is of CUDA %d.%d, and the driver takes code of CUDA %d at most: install "
                           "libnvrtc of that, or a newer driver",
                           major, minor, newest);
    }
    return status;
}

void prnn_gpu_nvrtc_version(int newest, char version[16]) {
    functions f;
    int major = 0, minor = 0;
    version[0] = 0;
    if (load(NULL, newest, &f) == PRNN_OK && f.nvrtcVersion(&major, &minor) == 0) {
        snprintf(version, 16, "%d.%d", major, minor);
    }
}

/* What the compiler knows that runs on the device: machine code for it, or for an older one of its major
 * version; else PTX. */
static int choose(const functions *f, int capability, bool *machine_code) {
    int known[256], n = 0, best = 0, any = 0;
    if (f->nvrtcGetNumSupportedArchs(&n) != 0 || n < 1 || n > 256 || f->nvrtcGetSupportedArchs(known) != 0) {
        n = 0;
    }
    for (int i = 0; i < n; i++) {
        if (known[i] <= capability) {
            any = known[i] > any ? known[i] : any;
            best = known[i] / 10 == capability / 10 && known[i] > best ? known[i] : best;
        }
    }
    *machine_code = best != 0;
    return best ? best : any ? any : capability;
}

static prnn_status failed(prnn_context *ctx, const functions *f, const char *function, int code) {
    return prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s says %d (%s)", function, code, f->nvrtcGetErrorString(code));
}

static char *log_of(const functions *f, handle program) {
    size_t size = 0;
    char *log =
        f->nvrtcGetProgramLogSize(program, &size) == 0 ? prnn_alloc(NULL, size + 1, 1, "a log") : NULL;
    if (log && f->nvrtcGetProgramLog(program, log) != 0) {
        log[0] = 0;
    }
    return log;
}

static prnn_status take(prnn_context *ctx, const functions *f, handle program, bool machine_code,
                        uint8_t **bytes, size_t *size) {
    int code = machine_code ? f->nvrtcGetCUBINSize(program, size) : f->nvrtcGetPTXSize(program, size);
    if (code != 0) {
        return failed(ctx, f, machine_code ? "nvrtcGetCUBINSize" : "nvrtcGetPTXSize", code);
    }
    *bytes = prnn_alloc(ctx, *size + 1, 1, "a program");
    if (!*bytes) {
        return PRNN_ERROR_MEMORY;
    }
    code = machine_code ? f->nvrtcGetCUBIN(program, (char *)*bytes) : f->nvrtcGetPTX(program, (char *)*bytes);
    return code == 0 ? PRNN_OK : failed(ctx, f, machine_code ? "nvrtcGetCUBIN" : "nvrtcGetPTX", code);
}

const char *const prnn_gpu_nvrtc_options[PRNN_GPU_NVRTC_OPTIONS] = {
    "--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true", "-DDOUBLES",
};

static prnn_status run(prnn_context *ctx, const functions *f, handle program, int capability, bool verbose,
                       bool *machine_code) {
    char architecture[64];
    int chosen = choose(f, capability, machine_code);
    snprintf(architecture, sizeof architecture, "--gpu-architecture=%s_%d", *machine_code ? "sm" : "compute",
             chosen);
    const char *options[PRNN_GPU_NVRTC_OPTIONS + 2] = {architecture};
    memcpy(options + 1, prnn_gpu_nvrtc_options, sizeof prnn_gpu_nvrtc_options);
    options[PRNN_GPU_NVRTC_OPTIONS + 1] = "--ptxas-options=-v"; /* registers and spills, into the log */
    int code = f->nvrtcCompileProgram(program, PRNN_GPU_NVRTC_OPTIONS + (verbose ? 2 : 1), options);
    if (code == 0) {
        return PRNN_OK;
    }
    char *log = log_of(f, program);
    prnn_status status = prnn_fail(ctx, PRNN_ERROR_DEVICE,
                                   "the kernels do not compile for %s: nvrtcCompileProgram "
                                   "says %d (%s): %.600s",
                                   architecture, code, f->nvrtcGetErrorString(code), log ? log : "");
    prnn_free(log);
    return status;
}

prnn_status prnn_gpu_nvrtc(prnn_context *ctx, int newest, int capability, prnn_gpu_arithmetic arithmetic,
                           uint8_t **program, size_t *size, char **log) {
    functions f;
    handle made = NULL;
    char *source = NULL;
    bool machine_code = true;
    prnn_status status;
    *program = NULL;
    TRY(load(ctx, newest, &f));
    TRY(prnn_gpu_source(ctx, arithmetic, &source));
    int code = f.nvrtcCreateProgram(&made, source, "kernels.cl", 0, NULL, NULL);
    TRY(code == 0 ? PRNN_OK : failed(ctx, &f, "nvrtcCreateProgram", code));
    TRY(run(ctx, &f, made, capability, log != NULL, &machine_code));
    TRY(take(ctx, &f, made, machine_code, program, size));
    if (log) {
        *log = log_of(&f, made);
    }
done:
    if (made) {
        f.nvrtcDestroyProgram(&made);
    }
    if (status != PRNN_OK) {
        prnn_free(*program);
        *program = NULL;
    }
    prnn_free(source);
    return status;
}

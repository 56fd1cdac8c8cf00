/* NVIDIA's compiler, NVRTC: from source to a cubin. */
#ifndef PRNN_GPU_NVRTC_H
#define PRNN_GPU_NVRTC_H

#include "gpu/source.h"

/* Of the toolkit's major version, the newest that a driver takes code of. */
enum { PRNN_GPU_ANY_TOOLKIT = 1000 };

/* Machine code for compute capability `capability` (90: sm_90), or, if the compiler does not know it, PTX of
 * the best that it does, which the driver then compiles; by a compiler up to major version `newest`. With
 * `log` the compiler tells of registers and spills. Free *program and *log with prnn_free. */
prnn_status prnn_gpu_nvrtc(prnn_context *ctx, int newest, int capability, prnn_gpu_arithmetic arithmetic,
                           uint8_t **program, size_t *size, char **log);

/* What every program is compiled with, beside its architecture. */
enum { PRNN_GPU_NVRTC_OPTIONS = 6 };
extern const char *const prnn_gpu_nvrtc_options[PRNN_GPU_NVRTC_OPTIONS];

/* Its version, "13.0", or "" if it is not there, or later than major version `newest`. */
void prnn_gpu_nvrtc_version(int newest, char version[16]);

#endif

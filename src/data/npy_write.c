/* Writing .npy. */
#include "base/call.h"
#include "base/file.h"
#include "data/npy.h"

#include <pixelrnn/io.h>
#include <string.h>

enum { ALIGNMENT = 64, PREAMBLE = 10 };

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NATIVE ">"
#else
#define NATIVE "<"
#endif

static const struct {
    const char *name;
    size_t size;
} types[] = {[PRNN_U8] = {"|u1", 1}, [PRNN_F32] = {NATIVE "f4", 4}, [PRNN_F64] = {NATIVE "f8", 8}};

/* The whole header, a multiple of 64 bytes so that the values are aligned, and at least `least`; at most 384
 * bytes, as 8 sizes have at most 22 characters each. */
static size_t make_header(char header[512], prnn_type type, int rank, const size_t *shape, size_t least) {
    char sizes[256] = "";
    size_t n = 0;
    for (int i = 0; i < rank; i++) {
        n += (size_t)snprintf(sizes + n, sizeof sizes - n, "%zu%s", shape[i],
                              rank == 1 || i + 1 < rank ? ", " : "");
    }
    if (rank == 1) {
        sizes[n - 1] = '\0'; /* Python writes (5,) */
    }
    size_t used = PREAMBLE + (size_t)snprintf(header + PREAMBLE, 512 - PREAMBLE,
                                              "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                                              types[type].name, sizes);
    size_t whole = (used + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    whole = whole < least ? least : whole;
    memset(header + used, ' ', whole - used);
    header[whole - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((whole - PREAMBLE) & 255);
    header[9] = (char)((whole - PREAMBLE) >> 8);
    return whole;
}

prnn_status prnn_write_npy(prnn_context *ctx, const char *path, prnn_type type, int rank, const size_t *shape,
                           const void *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(shape));
    if (type != PRNN_U8 && type != PRNN_F32 && type != PRNN_F64) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: cannot write values of type %d", path, (int)type);
    }
    if (rank < 1 || rank > 8) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: cannot write an array of %d dimensions: choose 1 to 8", path, rank);
    }
    size_t bytes = types[type].size;
    for (int i = 0; i < rank; i++) {
        if (__builtin_mul_overflow(bytes, shape[i], &bytes)) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: cannot write so large an array", path);
        }
    }
    if (bytes && !values) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: values is NULL; it must point to something",
                         __func__);
    }
    prnn_file_writer writer;
    prnn_status status = prnn_file_begin(ctx, path, &writer);
    if (status != PRNN_OK) {
        return status;
    }
    char header[512];
    size_t n = make_header(header, type, rank, shape, 0);
    if (fwrite(header, 1, n, writer.stream) == n && bytes) {
        fwrite(values, 1, bytes, writer.stream);
    }
    return prnn_file_commit(ctx, &writer); /* which also reports a failure of the stream */
}

bool prnn_npy_write_head(FILE *to, size_t n, int height, int width, int channels) {
    const size_t shape[] = {n, (size_t)height, (size_t)width, (size_t)channels};
    char header[512];
    size_t length = make_header(header, PRNN_U8, 4, shape, PRNN_NPY_HEAD);
    return fwrite(header, 1, length, to) == length;
}

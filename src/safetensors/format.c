#include "safetensors/format.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian, and this reader is for little-endian machines only"
#endif

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [PRNN_DTYPE_BOOL] = {"BOOL", 1}, [PRNN_DTYPE_U8] = {"U8", 1},   [PRNN_DTYPE_I8] = {"I8", 1},
    [PRNN_DTYPE_U16] = {"U16", 2},   [PRNN_DTYPE_I16] = {"I16", 2}, [PRNN_DTYPE_F16] = {"F16", 2},
    [PRNN_DTYPE_BF16] = {"BF16", 2}, [PRNN_DTYPE_U32] = {"U32", 4}, [PRNN_DTYPE_I32] = {"I32", 4},
    [PRNN_DTYPE_F32] = {"F32", 4},   [PRNN_DTYPE_U64] = {"U64", 8}, [PRNN_DTYPE_I64] = {"I64", 8},
    [PRNN_DTYPE_F64] = {"F64", 8},
};

enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *prnn_dtype_name(prnn_dtype dtype) {
    return dtypes[dtype].name;
}

size_t prnn_dtype_size(prnn_dtype dtype) {
    return dtypes[dtype].size;
}

bool prnn_dtype_from_name(const char *name, prnn_dtype *dtype) {
    for (int i = 0; i < DTYPES; i++) {
        if (!strcmp(name, dtypes[i].name)) {
            *dtype = (prnn_dtype)i;
            return true;
        }
    }
    return false;
}

bool prnn_safetensors_measure(prnn_safetensors_entry *e) {
    e->count = 1;
    for (int i = 0; i < e->rank; i++) {
        if (__builtin_mul_overflow(e->count, e->shape[i], &e->count)) {
            return false;
        }
    }
    return !__builtin_mul_overflow(e->count, prnn_dtype_size(e->dtype), &e->bytes);
}

bool prnn_safetensors_is_printable(const char *name) {
    for (; *name; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7f) {
            return false;
        }
    }
    return true;
}

bool prnn_is_utf8(const char *text) {
    for (const uint8_t *p = (const uint8_t *)text; *p;) {
        int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;
        uint32_t code = more ? *p & (0x3fu >> more) : *p;
        if (more == 3 && (*p < 0xf0 || *p > 0xf4)) {
            return false;
        }
        p++;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80) {
                return false;
            }
            code = code << 6 | (*p & 0x3fu);
        }
        bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
        if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            return false;
        }
    }
    return true;
}

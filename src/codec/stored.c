#include "codec/stored.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

size_t prnn_stored_bound(const prnn_raster *raster) {
    return compressBound(prnn_raster_bytes(raster));
}

/* Of left, above and above left the one that is nearest to left + above - above left (Paeth 1991). */
static uint8_t nearest(int left, int above, int corner) {
    int p = left + above - corner, a = abs(p - left), b = abs(p - above), c = abs(p - corner);
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
}

/* What the pixels before a value, number i of an image, suggest: 0 beyond the border. */
static uint8_t predicted(const prnn_raster *r, const uint8_t *image, size_t i) {
    size_t step = (size_t)r->channels, row = (size_t)r->width * step;
    bool left = i % row >= step, above = i >= row;
    return nearest(left ? image[i - step] : 0, above ? image[i - row] : 0,
                   left && above ? image[i - row - step] : 0);
}

static void to_differences(const prnn_raster *r, const uint8_t *values, uint8_t *differences) {
    size_t bytes = prnn_raster_bytes(r) / r->count;
    for (size_t k = 0; k < r->count; k++, values += bytes, differences += bytes) {
        for (size_t i = 0; i < bytes; i++) {
            differences[i] = (uint8_t)(values[i] - predicted(r, values, i));
        }
    }
}

static void from_differences(const prnn_raster *r, uint8_t *values) {
    size_t bytes = prnn_raster_bytes(r) / r->count;
    for (size_t k = 0; k < r->count; k++, values += bytes) {
        for (size_t i = 0; i < bytes; i++) {
            values[i] = (uint8_t)(values[i] + predicted(r, values, i));
        }
    }
}

bool prnn_stored_pack(const prnn_raster *raster, const uint8_t *values, uint8_t *bytes, uint8_t *scratch,
                      size_t *n, prnn_method *method) {
    const int level = 6; /* zlib's own choice: more takes long and gains little */
    size_t raw = prnn_raster_bytes(raster);
    uLongf plain = compressBound(raw), other = plain;
    uint8_t *differences = malloc(raw);
    bool ok = differences != NULL;
    if (ok) {
        to_differences(raster, values, differences);
        ok = compress2(bytes, &plain, values, raw, level) == Z_OK &&
             compress2(scratch, &other, differences, raw, level) == Z_OK;
    }
    free(differences);
    *method = other < plain ? PRNN_METHOD_GRADIENT : PRNN_METHOD_DEFLATE;
    *n = other < plain ? other : plain;
    if (ok && other < plain) {
        memcpy(bytes, scratch, other);
    }
    return ok;
}

prnn_status prnn_stored_unpack(const prnn_raster *raster, prnn_method method, const uint8_t *bytes, size_t n,
                               uint8_t *values) {
    uLongf got = prnn_raster_bytes(raster);
    uLong used = n;
    int error = uncompress2(values, &got, bytes, &used);
    if (error == Z_MEM_ERROR) {
        return PRNN_ERROR_MEMORY;
    }
    if (error != Z_OK || got != prnn_raster_bytes(raster) || used != n) {
        return PRNN_ERROR_FORMAT;
    }
    if (method == PRNN_METHOD_GRADIENT) {
        from_differences(raster, values);
    }
    return PRNN_OK;
}

/* What no model codes, or what a model would enlarge: values compressed by zlib, as they are or, as PNG has
 * it, as differences to what the pixels beside and above suggest. */
#ifndef PRNN_CODEC_STORED_H
#define PRNN_CODEC_STORED_H

#include "codec/chunk.h"

/* `count` images of (height, width, channels) bytes, one after the other. */
typedef struct prnn_raster {
    size_t count;
    int height, width, channels;
} prnn_raster;

static inline size_t prnn_raster_bytes(const prnn_raster *raster) {
    return raster->count * (size_t)raster->height * (size_t)raster->width * (size_t)raster->channels;
}

/* Room for what prnn_stored_pack makes. */
size_t prnn_stored_bound(const prnn_raster *raster);

/* Writes `values` the shorter way into `bytes`, and sets *n and *method. `scratch` has room for as many bytes
 * as `bytes`. false: no memory. */
bool prnn_stored_pack(const prnn_raster *raster, const uint8_t *values, uint8_t *bytes, uint8_t *scratch,
                      size_t *n, prnn_method *method);

/* The other way. PRNN_ERROR_FORMAT: the bytes are no such images; PRNN_ERROR_MEMORY. */
prnn_status prnn_stored_unpack(const prnn_raster *raster, prnn_method method, const uint8_t *bytes, size_t n,
                               uint8_t *values);

#endif

/* Numbers in files: little-endian, whatever the machine. */
#ifndef PRNN_CODEC_BYTES_H
#define PRNN_CODEC_BYTES_H

#include <stdint.h>

static inline void prnn_put16(uint8_t *to, uint32_t x) {
    to[0] = (uint8_t)x;
    to[1] = (uint8_t)(x >> 8);
}

static inline void prnn_put32(uint8_t *to, uint32_t x) {
    prnn_put16(to, x);
    prnn_put16(to + 2, x >> 16);
}

static inline uint32_t prnn_get16(const uint8_t *from) {
    return from[0] | (uint32_t)from[1] << 8;
}

static inline uint32_t prnn_get32(const uint8_t *from) {
    return prnn_get16(from) | prnn_get16(from + 2) << 16;
}

static inline void prnn_put64(uint8_t *to, uint64_t x) {
    prnn_put32(to, (uint32_t)x);
    prnn_put32(to + 4, (uint32_t)(x >> 32));
}

static inline uint64_t prnn_get64(const uint8_t *from) {
    return prnn_get32(from) | (uint64_t)prnn_get32(from + 4) << 32;
}

#endif

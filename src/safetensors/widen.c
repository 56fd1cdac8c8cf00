#include "safetensors/widen.h"

#include <string.h>

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 0) { /* subnormal: a normal float */
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    exponent = exponent == 31 ? 255 : exponent - 15 + 127;
    return from_bits(sign | exponent << 23 | fraction << 13);
}

bool prnn_widen(const prnn_safetensors_entry *entry, float *to) {
    const uint16_t *halves = entry->data;
    const double *doubles = entry->data;
    switch (entry->dtype) {
    case PRNN_DTYPE_F32:
        memcpy(to, entry->data, entry->count * sizeof *to);
        return true;
    case PRNN_DTYPE_F16:
        for (size_t i = 0; i < entry->count; i++) {
            to[i] = from_f16(halves[i]);
        }
        return true;
    case PRNN_DTYPE_BF16:
        for (size_t i = 0; i < entry->count; i++) {
            to[i] = from_bits((uint32_t)halves[i] << 16);
        }
        return true;
    case PRNN_DTYPE_F64:
        for (size_t i = 0; i < entry->count; i++) {
            to[i] = (float)doubles[i];
        }
        return true;
    default:
        return false;
    }
}

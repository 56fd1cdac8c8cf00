/* Bytes as a stream of the range coder, by intervals that they choose themselves: every decoder ends, and
 * what it takes for a stream is the one that the encoder makes. */
#include "codec/coder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { VALUES = 400 };

/* Interval number i of those that a byte chooses: as a distribution of 2 to 17 levels, one of them likely. */
static prnn_interval interval_at(uint8_t seed, size_t i, uint32_t number) {
    uint32_t levels = 2 + (seed + (uint32_t)i) % 16, whole = 1u << PRNN_INTERVAL_BITS;
    uint32_t likely = (uint32_t)i % levels, rest = 1u + seed * 7u, start = 0;
    for (uint32_t k = 0;; k++) {
        uint32_t n = k == likely ? whole - rest * (levels - 1) : rest;
        if (number - start < n) {
            return (prnn_interval){start, n};
        }
        start += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static uint8_t again[3 * VALUES + 16];
    if (size < 1) {
        return 0;
    }
    prnn_decoder d = prnn_decoder_begin(bytes + 1, size - 1);
    prnn_encoder e = prnn_encoder_begin(again, sizeof again);
    for (size_t i = 0; i < VALUES; i++) {
        prnn_interval interval = interval_at(bytes[0], i, prnn_decoder_number(&d));
        prnn_decoder_take(&d, interval);
        prnn_encoder_put(&e, interval);
    }
    size_t n = prnn_encoder_end(&e);
    if (prnn_decoder_end(&d) != (n == size - 1 && memcmp(again, bytes + 1, n) == 0)) {
        abort();
    }
    return 0;
}

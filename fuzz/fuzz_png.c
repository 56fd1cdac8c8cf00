/* PNG files: as they are, and with checksums set right, without which no change would get far. */
#include "open.h"

#include <zlib.h>

static void set_checksums(uint8_t *bytes, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        size_t n = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 |
                   bytes[at + 3];
        if (n > size - at - 12) {
            return;
        }
        uint32_t crc = (uint32_t)crc32(0, bytes + at + 4, (uInt)n + 4);
        for (size_t i = 0; i < 4; i++) {
            bytes[at + 8 + n + i] = (uint8_t)(crc >> (24 - 8 * i));
        }
        at += n + 12;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_open(prnn_picture_open, bytes, size);
    uint8_t *copy = malloc(size + 1);
    if (copy && size) {
        memcpy(copy, bytes, size);
        set_checksums(copy, size);
        fuzz_open(prnn_picture_open, copy, size);
    }
    free(copy);
    return 0;
}

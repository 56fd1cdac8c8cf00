/* Deterministic damage to files whose headers are JSON. */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* xorshift64 (Marsaglia 2003); *s is never 0. */
static inline uint64_t next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* One to `most` edits of bytes[from .. size): a bit flipped, a character of the alphabet, or another byte. */
static inline void mutate(uint8_t *bytes, size_t from, size_t size, uint64_t most, const char *alphabet,
                          uint64_t *seed) {
    for (uint64_t edits = 1 + next(seed) % most; edits > 0; edits--) {
        size_t at = from + next(seed) % (size - from);
        switch (next(seed) % 3) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next(seed) % 8);
            break;
        case 1:
            bytes[at] = (uint8_t)alphabet[next(seed) % strlen(alphabet)];
            break;
        default:
            bytes[at] = bytes[next(seed) % size];
        }
    }
}

#endif

/* SHA-256 (FIPS 180-4): which model an archive needs must not be a matter of chance. */
#ifndef PRNN_BASE_SHA256_H
#define PRNN_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { PRNN_SHA256_BYTES = 32 };

typedef struct prnn_sha256 {
    uint32_t state[8];
    uint8_t block[64];
    uint64_t bytes; /* so far */
} prnn_sha256;

void prnn_sha256_begin(prnn_sha256 *sha);
void prnn_sha256_add(prnn_sha256 *sha, const void *bytes, size_t n);
void prnn_sha256_end(prnn_sha256 *sha, uint8_t digest[PRNN_SHA256_BYTES]);

#endif

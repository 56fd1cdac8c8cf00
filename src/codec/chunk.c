#include "codec/chunk.h"

#include "codec/bytes.h"

#include <string.h>
#include <zlib.h>

const uint8_t prnn_chunk_mark[PRNN_MARK_BYTES] = {0x8b, 'P', 'R', 'N', '\r', '\n', 0x1a, '\n'};

uint32_t prnn_crc32(const uint8_t *bytes, size_t n) {
    return (uint32_t)crc32_z(0, bytes, n);
}

void prnn_chunk_write(FILE *stream, prnn_chunk *chunk, const uint8_t *bytes, size_t n) {
    uint8_t head[PRNN_CHUNK_BYTES] = {0};
    chunk->length = (uint32_t)n;
    chunk->crc = prnn_crc32(bytes, n);
    memcpy(head, prnn_chunk_mark, PRNN_MARK_BYTES);
    head[8] = chunk->type;
    head[9] = chunk->method;
    prnn_put32(head + 12, chunk->number);
    prnn_put32(head + 16, chunk->first);
    prnn_put32(head + 20, chunk->count);
    prnn_put32(head + 24, chunk->length);
    prnn_put32(head + 28, chunk->crc);
    prnn_put32(head + 32, chunk->content);
    prnn_put32(head + 36, prnn_crc32(head, 36));
    if (fwrite(head, 1, sizeof head, stream) == sizeof head && n > 0) {
        (void)!fwrite(bytes, 1, n, stream); /* prnn_file_commit sees what failed */
    }
}

bool prnn_chunk_read(const uint8_t *head, prnn_chunk *chunk) {
    *chunk = (prnn_chunk){.type = head[8],
                          .method = head[9],
                          .number = prnn_get32(head + 12),
                          .first = prnn_get32(head + 16),
                          .count = prnn_get32(head + 20),
                          .length = prnn_get32(head + 24),
                          .crc = prnn_get32(head + 28),
                          .content = prnn_get32(head + 32)};
    return memcmp(head, prnn_chunk_mark, PRNN_MARK_BYTES) == 0 && prnn_get16(head + 10) == 0 &&
           prnn_get32(head + 36) == prnn_crc32(head, 36);
}

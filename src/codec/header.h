/* What all images of an archive need to be decoded: which model, computed how. */
#ifndef PRNN_CODEC_HEADER_H
#define PRNN_CODEC_HEADER_H

#include "base/sha256.h"
#include "model/model.h"

enum { PRNN_ARCHIVE_VERSION = 1, PRNN_HEADER_BYTES = 64 };

typedef struct prnn_header {
    int version;
    int channels, levels;                   /* C, K of the model */
    int tile;                               /* longest side of what is coded as one image, 16..4096 */
    uint8_t fingerprint[PRNN_SHA256_BYTES]; /* of the model */
    uint32_t probe;
    char arithmetic[16]; /* ends with 0 */
} prnn_header;

/* That of archives that are made with a model in this context. Refuses conditional models, and bf16. */
prnn_status prnn_header_of(prnn_context *ctx, const prnn_model *model, int tile, prnn_header *header);

void prnn_header_write(const prnn_header *header, uint8_t bytes[PRNN_HEADER_BYTES]);
/* Refuses what is of another version, or no header. `path` is for messages. */
prnn_status prnn_header_read(prnn_context *ctx, const char *path, const uint8_t *bytes, size_t n,
                             prnn_header *header);

/* Whether a model, in this context, is the one that the archive was made with, and computes as it did then:
 * PRNN_ERROR_ARGUMENT says what both sides are. */
prnn_status prnn_header_check_model(prnn_context *ctx, const char *path, const prnn_header *header,
                                    const prnn_model *model);

/* What it says of an archive. */
void prnn_header_describe(const prnn_header *header, prnn_archive_info *info);

#endif

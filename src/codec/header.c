#include "codec/header.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/try.h"
#include "codec/bytes.h"
#include "codec/chunk.h"

#include <stdio.h>
#include <string.h>

/* Of all that the probabilities follow from: the network, but for the size of its images, and its weights. So
 * the same model in another file, or of another size, has the same. */
static void fingerprint_of(const prnn_model *model, uint8_t digest[PRNN_SHA256_BYTES]) {
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_sha256 sha;
    char text[256];
    prnn_model_config(model, &c);
    int n = snprintf(text, sizeof text,
                     "pixelrnn kind=%s channels=%d levels=%d layers=%d residual=%d hidden=%d skip=%d head=%d "
                     "output=%s components=%d\n",
                     prnn_kind_name(c.kind), c.channels, c.levels, c.layers, c.residual, c.hidden, c.skip,
                     c.head, prnn_output_name(c.output), c.components);
    prnn_sha256_begin(&sha);
    prnn_sha256_add(&sha, text, (size_t)n);
    for (size_t i = 0; i < prnn_model_tensor_count(model); i++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(model, i, &tensor);
        prnn_sha256_add(&sha, tensor.values, tensor.count * sizeof *tensor.values);
    }
    prnn_sha256_end(&sha, digest);
}

/* 64 hexadecimal digits. */
static void fingerprint_text(const uint8_t fingerprint[PRNN_SHA256_BYTES],
                             char text[2 * PRNN_SHA256_BYTES + 1]) {
    for (int i = 0; i < PRNN_SHA256_BYTES; i++) {
        snprintf(text + (ptrdiff_t)2 * i, 3, "%02x", fingerprint[i]);
    }
}

prnn_status prnn_model_fingerprint(prnn_context *ctx, const prnn_model *model, char *text) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(text));
    uint8_t digest[PRNN_SHA256_BYTES];
    fingerprint_of(model, digest);
    fingerprint_text(digest, text);
    return PRNN_OK;
}

enum { PROBE_SIDE = 8 };

/* CRC of the logits of a small image: what an arithmetic that only has the name would get wrong. */
static prnn_status probe_of(prnn_context *ctx, const prnn_model *model, uint32_t *probe) {
    const prnn_config *c = &model->network->plan.config;
    uint8_t image[PROBE_SIDE * PROBE_SIDE * 3];
    size_t values = PROBE_SIDE * PROBE_SIDE * (size_t)c->channels;
    size_t numbers = values * prnn_logits_per_value(model);
    prnn_model *small = NULL;
    float *logits = prnn_alloc(ctx, numbers, sizeof *logits, "logits");
    prnn_status status;
    TRY(logits ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < values; i++) {
        image[i] = (uint8_t)((i * i + 5 * i) * 7 % (size_t)c->levels);
    }
    TRY(prnn_model_resize(ctx, model, PROBE_SIDE, PROBE_SIDE, &small));
    TRY(prnn_logits(ctx, small, image, 1, logits));
    *probe = prnn_crc32((const uint8_t *)logits, numbers * sizeof *logits);
done:
    prnn_model_free(small);
    prnn_free(logits);
    return status;
}

prnn_status prnn_header_of(prnn_context *ctx, const prnn_model *model, int tile, prnn_header *header) {
    const prnn_config *c = &model->network->plan.config;
    if (c->condition_size) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the model expects small images of %d x %d beside the large ones, which an archive "
                         "does not have: take a model that is not conditional",
                         c->condition_size, c->condition_size);
    }
    if (strcmp(prnn_context_precision(ctx), "fp32") != 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the precision is %s, in which not every processor computes: archives are made and "
                         "read in fp32",
                         prnn_context_precision(ctx));
    }
    *header = (prnn_header){
        .version = PRNN_ARCHIVE_VERSION, .channels = c->channels, .levels = c->levels, .tile = tile};
    snprintf(header->arithmetic, sizeof header->arithmetic, "%s", prnn_context_arithmetic(ctx));
    fingerprint_of(model, header->fingerprint);
    return probe_of(ctx, model, &header->probe);
}

/* ------------------------------------------------------------------------------------- as bytes */

void prnn_header_write(const prnn_header *h, uint8_t bytes[PRNN_HEADER_BYTES]) {
    memset(bytes, 0, PRNN_HEADER_BYTES);
    prnn_put16(bytes, (uint32_t)h->version);
    prnn_put16(bytes + 2, (uint32_t)h->channels);
    prnn_put16(bytes + 4, (uint32_t)h->levels);
    prnn_put16(bytes + 6, (uint32_t)h->tile);
    prnn_put32(bytes + 8, h->probe);
    memcpy(bytes + 12, h->arithmetic, sizeof h->arithmetic);
    memcpy(bytes + 28, h->fingerprint, PRNN_SHA256_BYTES);
}

prnn_status prnn_header_read(prnn_context *ctx, const char *path, const uint8_t *bytes, size_t n,
                             prnn_header *h) {
    *h = (prnn_header){.version = n >= 2 ? (int)prnn_get16(bytes) : 0};
    if (h->version != PRNN_ARCHIVE_VERSION) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: is an archive of version %d, and this version of pixelrnn reads %d: take a newer one", path,
            h->version, PRNN_ARCHIVE_VERSION);
    }
    if (n == PRNN_HEADER_BYTES) {
        h->channels = (int)prnn_get16(bytes + 2);
        h->levels = (int)prnn_get16(bytes + 4);
        h->tile = (int)prnn_get16(bytes + 6);
        h->probe = prnn_get32(bytes + 8);
        memcpy(h->arithmetic, bytes + 12, sizeof h->arithmetic);
        memcpy(h->fingerprint, bytes + 28, PRNN_SHA256_BYTES);
    }
    bool valid = (h->channels == 1 || h->channels == 3) && h->levels >= 2 && h->levels <= 256 &&
                 h->tile >= 16 && h->tile <= 4096 && h->arithmetic[sizeof h->arithmetic - 1] == 0;
    return valid ? PRNN_OK
                 : prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its header is none of an archive of version %d",
                             path, h->version);
}

void prnn_header_describe(const prnn_header *h, prnn_archive_info *info) {
    info->channels = h->channels;
    info->levels = h->levels;
    info->tile = h->tile;
    snprintf(info->arithmetic, sizeof info->arithmetic, "%s", h->arithmetic);
    fingerprint_text(h->fingerprint, info->fingerprint);
}

/* --------------------------------------------------------------------------------------- models */

prnn_status prnn_header_check_model(prnn_context *ctx, const char *path, const prnn_header *header,
                                    const prnn_model *model) {
    prnn_header own;
    char theirs[2 * PRNN_SHA256_BYTES + 1], ours[2 * PRNN_SHA256_BYTES + 1];
    prnn_status status;
    TRY(prnn_header_of(ctx, model, header->tile, &own));
    fingerprint_text(header->fingerprint, theirs);
    fingerprint_text(own.fingerprint, ours);
    if (strcmp(theirs, ours) != 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: was made with the model %.16s, and this is %.16s ('pixelrnn info' prints it): "
                         "give the one that it was made with",
                         path, theirs, ours);
    }
    if (header->channels != own.channels || header->levels != own.levels) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: says that its model has %d channels and %d levels, and that has %d and %d: it is "
            "damaged",
            path, header->channels, header->levels, own.channels, own.levels);
    }
    if (strcmp(header->arithmetic, own.arithmetic) != 0) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%s: was made in the arithmetic %s, and this version of pixelrnn computes in %s: take "
            "one that computes in %s",
            path, header->arithmetic, own.arithmetic, header->arithmetic);
    }
    if (header->probe != own.probe) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: the model's logits of a test image have the CRC %08x, and here they have %08x: "
                         "this machine or this build does not compute %s as it should",
                         path, header->probe, own.probe, own.arithmetic);
    }
done:
    return status;
}

/* What the fuzz targets of the data formats share. */
#ifndef PRNN_FUZZ_OPEN_H
#define PRNN_FUZZ_OPEN_H

#include "data/data.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Opens the bytes with several options. Whatever they are: no data set without images, no level out of
 * range, no failure without a sentence. */
static void fuzz_open(prnn_format_open open, const uint8_t *bytes, size_t size) {
    prnn_data_options options[5] = {PRNN_DATA_OPTIONS_INIT, PRNN_DATA_OPTIONS_INIT, PRNN_DATA_OPTIONS_INIT,
                                    PRNN_DATA_OPTIONS_INIT, PRNN_DATA_OPTIONS_INIT};
    options[1].levels = 16;
    options[1].values = PRNN_VALUES_LEVELS;
    options[1].first = 1;
    options[2].levels = 2;
    options[2].binarize_sample = true;
    options[2].fit = PRNN_FIT_CROP;
    options[2].height = 2;
    options[2].channels = 1;
    options[3].fit = PRNN_FIT_RESIZE;
    options[3].height = options[3].width = options[3].channels = 3;
    options[3].limit = 5;
    options[3].shuffle = 1;
    options[4].paletted = true;
    options[4].fit = PRNN_FIT_CROP;
    options[4].height = options[4].width = 2;
    prnn_context *ctx = prnn_context_create();
    for (size_t o = 0; ctx && o < 5; o++) {
        prnn_data *data;
        ctx->message[0] = '\0';
        if (prnn_data_open_bytes(ctx, open, bytes, size, &options[o], &data) != PRNN_OK) {
            if (!ctx->message[0] || data) {
                abort();
            }
            continue;
        }
        size_t n =
            (size_t)prnn_data_height(data) * (size_t)prnn_data_width(data) * (size_t)prnn_data_channels(data);
        size_t last = prnn_data_count(data) - 1;
        uint8_t *image = malloc(n);
        if (!image || prnn_data_read(ctx, data, &last, 1, 0, 0, image) != PRNN_OK) {
            abort();
        }
        for (size_t i = 0; i < n; i++) {
            if (image[i] >= prnn_data_levels(data)) {
                abort();
            }
        }
        free(image);
        prnn_data_free(data);
    }
    prnn_context_free(ctx);
}

#endif

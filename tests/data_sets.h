/* A context, a folder and one open data set, for the programs that test data sets. */
#ifndef TESTS_DATA_SETS_H
#define TESTS_DATA_SETS_H

#include "data_files.h"

#include "data/data.h"

static prnn_context *ctx;
static prnn_data *data;

static int setup(void **state) {
    ctx = prnn_context_create();
    return ctx ? make_test_folder(state) : -1;
}

static int teardown(void **state) {
    prnn_data_free(data);
    data = NULL;
    prnn_context_free(ctx);
    return remove_test_folder(state);
}

/* Opens, and frees what was open before. */
static prnn_status open_data(const char *path, const prnn_data_options *options) {
    prnn_data_free(data);
    return prnn_data_open(ctx, path, options, &data);
}

/* Decodes a picture with one byte of it changed, `count` times: that succeeds, or ends in a sentence that
 * names it. */
static UNUSED void decode_changed(const char *name, bytes b, size_t count) {
    uint8_t *copy = malloc(b.n);
    char named[64];
    snprintf(named, sizeof named, "%s: ", name);
    for (size_t i = 0; i < count; i++) {
        memcpy(copy, b.p, b.n);
        copy[i % b.n] = (uint8_t)(copy[i % b.n] + 1 + i / b.n * 37);
        prnn_image image;
        if (prnn_picture_decode(ctx, name, copy, b.n, NULL, &image, NULL) == PRNN_OK) {
            prnn_image_free(&image);
        } else {
            assert_message(ctx, named);
        }
    }
    free(copy);
}

#endif

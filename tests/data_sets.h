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

#endif

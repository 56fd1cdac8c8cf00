/* Archives that were written on an x86-64 processor are read everywhere: on each instruction set here, and on
 * other processors. PRNN_RECORD_ARCHIVES=1 writes them anew, after a change of the format or the arithmetic.
 */
#include "archives.h"

static const struct recorded {
    const char *model, *archive;
    bool paletted; /* the model gets a palette */
} all[] = {{"tests/golden/row_rgb_skip.model", "row_rgb_skip", false},
           {"tests/golden/diagonal_binary.model", "diagonal_binary", false},
           {"models/cifar10-8x8", "cifar10-8x8", false},
           {"tests/golden/cnn_grey.model", "cnn_grey_palette", true}};

static void reads(const prnn_kernels *k, const struct recorded *r) {
    prnn_context *ctx = context_of(k->name, 2);
    prnn_model *model;
    prnn_config config = PRNN_CONFIG_INIT;
    char path[512];
    snprintf(path, sizeof path, "%s/%s.safetensors", PRNN_SOURCE_DIR, r->model);
    assert_ok(ctx, prnn_model_load(ctx, path, &model));
    prnn_model_config(model, &config);
    album a = r->paletted ? album_of_colours(config.levels) : album_of(config.levels);
    if (r->paletted) {
        const prnn_palette palette = palette_of(config.levels);
        model_set_palette(ctx, model, &palette);
    }
    snprintf(path, sizeof path, "%s/tests/golden/%s.prnn", PRNN_SOURCE_DIR, r->archive);
    if (getenv("PRNN_RECORD_ARCHIVES")) {
        prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
        archive_write(ctx, model, &a, path, &options);
    }
    expect_album(ctx, model, &a, path);
    album_free(&a);
    prnn_model_free(model);
    prnn_context_free(ctx);
}

static void test_recorded(void **state) {
    (void)state;
    for (int i = 0; prnn_kernels_at(i); i++) {
        for (size_t n = 0; prnn_kernels_at(i)->supported() && n < sizeof all / sizeof *all; n++) {
            reads(prnn_kernels_at(i), &all[n]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

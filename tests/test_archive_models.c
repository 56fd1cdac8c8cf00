/* The models that ship: pictures of sizes from 1 x 1 to 500 x 333 come back from an archive, which is the
 * same file on every instruction set and with any number of threads. */
#include "archives.h"

#include <math.h>

static char path[] = "/tmp/prnn_test_archive_models_XXXXXX";

static const char *const models[] = {"photos-colour", "photos-grey",      "cifar10-8x8", "cifar10-row",
                                     "mnist-cnn",     "mnist-diagonal-1", "mnist-row",   "mnist-diagonal"};

enum { MODELS = sizeof models / sizeof *models };

/* Something like a picture: smooth, with edges and a little noise. */
static void draw(picture *p, int levels, uint64_t seed) {
    picture_paint(p, 256, seed);
    size_t i = 0;
    for (int row = 0; row < p->height; row++) {
        for (int col = 0; col < p->width; col++) {
            for (int c = 0; c < p->channels; c++, i++) {
                double x = 0.5 + 0.4 * sin(row * 0.11 + c) * cos(col * 0.07 + (double)(seed % 7));
                int edge = (row / 9 + col / 13) % 3 == 0 ? 20 : 0;
                int value = (int)(200 * x) + edge + p->values[i] % 4;
                p->values[i] = (uint8_t)(levels == 256 ? value : value > 128 ? 255 : 0);
            }
        }
    }
}

static prnn_model *model_load(prnn_context *ctx, const char *name, int *levels) {
    char file[512];
    prnn_model *model;
    prnn_config config = PRNN_CONFIG_INIT;
    snprintf(file, sizeof file, "%s/models/%s.safetensors", PRNN_SOURCE_DIR, name);
    assert_ok(ctx, prnn_model_load(ctx, file, &model));
    prnn_model_config(model, &config);
    *levels = config.levels;
    return model;
}

/* Writes and reads the album on an instruction set; returns the file's bytes. */
static uint8_t *round_trip(const prnn_kernels *k, int threads, const char *name, const album *a, int block,
                           size_t *n) {
    prnn_context *ctx = context_of(k->name, threads);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    int levels;
    prnn_model *model = model_load(ctx, name, &levels);
    options.block = block;
    options.no_verify = true;
    prnn_archive_info info = archive_write(ctx, model, a, path, &options);
    assert_true(info.blocks > 0);
    expect_album(ctx, model, a, path);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return file_bytes(path, n);
}

static void check_album(const char *name, const album *a, int block, bool generic_too) {
    static const int threads[] = {1, 2, 16};
    uint8_t *first = NULL;
    size_t n = 0, size;
    for (int i = 0; prnn_kernels_at(i); i++) {
        const prnn_kernels *k = prnn_kernels_at(i);
        if (!k->supported() || (!generic_too && strcmp(k->name, "generic") == 0)) {
            continue;
        }
        uint8_t *bytes = round_trip(k, threads[i % 3], name, a, block, &size);
        assert_true(!first || (size == n && memcmp(first, bytes, n) == 0));
        n = size;
        if (first) {
            free(bytes);
        } else {
            first = bytes;
        }
    }
    free(first);
}

static void test_small(void **state) {
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        bool colour = strncmp(models[m], "cifar", 5) == 0;
        album a = {.count = 0};
        album_add(&a, "1", 1, 1, 3, PAINT_ANY);
        album_add(&a, "2", 21, 30, 4, PAINT_ANY);
        for (int i = 0; i < 33; i++) {
            album_add(&a, NULL, 7, 6, colour ? 3 : 1, PAINT_ANY);
        }
        for (size_t i = 0; i < a.count; i++) {
            draw(&a.list[i], colour ? 256 : 2, i);
        }
        check_album(models[m], &a, m % 2 ? 1 : 32, true);
        album_free(&a);
    }
}

/* A photograph's size, in tiles, by the models of colours; plain C would take minutes. */
static void test_large(void **state) {
    (void)state;
    for (size_t m = 0; m < 2; m++) {
        album a = {.count = 0};
        album_add(&a, "large", 500, 333, 3, PAINT_ANY);
        draw(&a.list[0], 256, 3);
        check_album(models[m], &a, 0, false);
        album_free(&a);
    }
}

static int make_file(void **state) {
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? 1 : close(file);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

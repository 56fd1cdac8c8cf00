/* How long files of images would be: those that are written, for any number of threads. */
#include "laws.h"

#include <pixelrnn/io.h>
#include <unistd.h>

#ifdef PRNN_HAVE_WEBP
#include <webp/encode.h>
#endif

enum { N = 9, HEIGHT = 7, WIDTH = 11, MOST = 3 * HEIGHT * WIDTH };

static prnn_context *ctx;

/* Image i has i values that are not 0. */
static void make_images(size_t size, int levels, uint8_t *images) {
    uint64_t seed = 3;
    memset(images, 0, N * size);
    for (size_t i = 0; i < N; i++) {
        for (size_t n = 0; n < i * size / N; n++) {
            images[i * size + random_bits(&seed) % size] = (uint8_t)(random_bits(&seed) % (uint64_t)levels);
        }
    }
}

static size_t length_of(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long n = ftell(file);
    fclose(file);
    return (size_t)n;
}

static void check_png(int channels, int levels) {
    uint8_t images[N * MOST];
    size_t size = (size_t)channels * HEIGHT * WIDTH, bytes[N], again[N];
    char path[64];
    snprintf(path, sizeof path, "compressed-%ld.png", (long)getpid());
    make_images(size, levels, images);
    for (int threads = 3; threads > 0; threads -= 2) {
        assert_ok(ctx, prnn_context_set_threads(ctx, threads));
        memset(bytes, 0, sizeof bytes);
        assert_ok(ctx, prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, images, N, HEIGHT, WIDTH, channels,
                                             levels, threads == 3 ? again : bytes));
    }
    assert_memory_equal(bytes, again, sizeof bytes);
    for (size_t i = 0; i < N; i++) {
        assert_ok(ctx, prnn_write_png(ctx, path, images + i * size, 1, HEIGHT, WIDTH, channels, levels, 1));
        assert_int_equal(bytes[i], length_of(path));
    }
    remove(path);
    assert_true(bytes[N - 1] > bytes[0] + 20);
}

static void test_png(void **state) {
    (void)state;
    check_png(1, 2);
    check_png(3, 7);
    check_png(3, 256);
}

static void test_webp(void **state) {
    (void)state;
    uint8_t images[N * MOST];
    size_t bytes[N];
    make_images(MOST, 256, images);
#ifdef PRNN_HAVE_WEBP
    assert_ok(ctx, prnn_compressed_bytes(ctx, PRNN_LOSSLESS_WEBP, images, N, HEIGHT, WIDTH, 3, 256, bytes));
    for (size_t i = 0; i < N; i++) {
        uint8_t *file = NULL;
        assert_int_equal(bytes[i], WebPEncodeLosslessRGB(images + i * MOST, WIDTH, HEIGHT, 3 * WIDTH, &file));
        WebPFree(file);
    }
    /* Grey is R = G = B. */
    uint8_t grey[HEIGHT * WIDTH];
    size_t of_grey;
    for (size_t i = 0; i < sizeof grey; i++) {
        grey[i] = (uint8_t)(i * i % 5);
        images[3 * i] = images[3 * i + 1] = images[3 * i + 2] = grey[i];
    }
    assert_ok(ctx, prnn_compressed_bytes(ctx, PRNN_LOSSLESS_WEBP, images, 1, HEIGHT, WIDTH, 3, 5, bytes));
    assert_ok(ctx, prnn_compressed_bytes(ctx, PRNN_LOSSLESS_WEBP, grey, 1, HEIGHT, WIDTH, 1, 5, &of_grey));
    assert_int_equal(of_grey, bytes[0]);
#else
    assert_int_equal(prnn_compressed_bytes(ctx, PRNN_LOSSLESS_WEBP, images, N, HEIGHT, WIDTH, 3, 256, bytes),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "libwebp-dev"));
#endif
}

static void refused(const char *words, prnn_lossless format, int height, int channels, int levels) {
    uint8_t images[2 * MOST] = {0};
    size_t bytes[2];
    images[MOST + 1] = 9;
    assert_int_equal(prnn_compressed_bytes(ctx, format, images, 2, height, WIDTH, channels, levels, bytes),
                     PRNN_ERROR_ARGUMENT);
    if (!strstr(prnn_message(ctx), words)) {
        fail_msg("\"%s\" is not in \"%s\"", words, prnn_message(ctx));
    }
}

static void test_refused(void **state) {
    (void)state;
    refused("there is no lossless format 7", (prnn_lossless)7, HEIGHT, 3, 256);
    refused("images of 0 x 11 x 3", PRNN_LOSSLESS_PNG, 0, 3, 256);
    refused("images of 7 x 11 x 2", PRNN_LOSSLESS_PNG, HEIGHT, 2, 256);
    refused("and 1 levels", PRNN_LOSSLESS_PNG, HEIGHT, 3, 1);
    refused("image 1 holds the value 9, and 9 levels are 0..8", PRNN_LOSSLESS_PNG, HEIGHT, 3, 9);
    assert_ok(ctx, prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, NULL, 0, 1, 1, 1, 2, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_webp),
        cmocka_unit_test(test_refused),
    };
    ctx = prnn_context_create();
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    prnn_context_free(ctx);
    return failures;
}

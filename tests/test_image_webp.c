/* WebP: still pictures, with losses and without. */
#include "data_sets.h"

#include "base/budget.h"

#ifdef PRNN_HAVE_WEBP
#include <webp/encode.h>

static prnn_status decode(bytes b, const prnn_look *look, prnn_image *image, prnn_found *found) {
    return prnn_picture_decode(ctx, "x.webp", b.p, b.n, look, image, found);
}

/* What the encoder gave, in memory that free() frees. */
static bytes kept(uint8_t *packed, size_t n) {
    bytes b = {0};
    assert_true(n > 0);
    add(&b, packed, n);
    WebPFree(packed);
    return b;
}

static bytes lossless(int height, int width, int channels, const uint8_t *raw) {
    uint8_t *packed = NULL;
    size_t n = channels == 4 ? WebPEncodeLosslessRGBA(raw, width, height, 4 * width, &packed)
                             : WebPEncodeLosslessRGB(raw, width, height, 3 * width, &packed);
    return kept(packed, n);
}

/* Slopes, which losses keep well. */
static bytes lossy(int height, int width, int channels) {
    uint8_t *raw = malloc((size_t)(height * width * channels)), *packed = NULL;
    for (int i = 0; i < height * width; i++) {
        for (int c = 0; c < channels; c++) {
            raw[i * channels + c] =
                (uint8_t)(c == 3 ? i % 256 : 40 + 3 * (i / width) + 2 * (i % width) + 10 * c);
        }
    }
    size_t n = channels == 4 ? WebPEncodeRGBA(raw, width, height, 4 * width, 100, &packed)
                             : WebPEncodeRGB(raw, width, height, 3 * width, 100, &packed);
    free(raw);
    return kept(packed, n);
}

static void test_lossless(void **state) {
    (void)state;
    bytes b = lossless(5, 7, 3, values());
    prnn_image image;
    prnn_found found;
    assert_int_equal(decode(b, NULL, &image, &found), PRNN_OK);
    assert_int_equal(image.height, 5);
    assert_int_equal(image.width, 7);
    assert_int_equal(image.channels, 3);
    assert_memory_equal(image.values, values(), 105);
    assert_false(found.transparent || found.more_pages);
    prnn_image_free(&image);
    assert_int_equal(open_data(write_file("named.png", b), NULL), PRNN_OK); /* by content */
    mkdir(at("w"), 0777);
    write_file("w/a.webp", b);
    assert_int_equal(open_data(at("w"), NULL), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 1);
    free(b.p);
}

static void test_lossy(void **state) {
    (void)state;
    for (int channels = 3; channels <= 4; channels++) {
        bytes b = lossy(16, 20, channels);
        const prnn_look look = {.alpha = PRNN_ALPHA_DROP};
        prnn_image image;
        prnn_found found;
        assert_int_equal(decode(b, &look, &image, &found), PRNN_OK);
        assert_int_equal(image.channels, 3);
        assert_int_equal(found.transparent, channels == 4);
        for (int i = 1; i < 16 * 20; i++) {
            for (int c = 0; c < 3 && i % 256 > 100; c++) { /* what nobody sees may be anything */
                int v = 40 + 3 * (i / 20) + 2 * (i % 20) + 10 * c;
                assert_in_range(image.values[3 * i + c] + 12, v, v + 24);
            }
        }
        prnn_image_free(&image);
        free(b.p);
    }
}

static void test_alpha(void **state) {
    (void)state;
    const uint8_t raw[] = {100, 200, 255, 51, 1, 2, 3, 255};
    const prnn_look looks[] = {{0}, {.background = {200, 100, 50}}, {.alpha = PRNN_ALPHA_DROP}};
    const uint8_t expected[][6] = {{20, 40, 51, 1, 2, 3}, {180, 120, 91, 1, 2, 3}, {100, 200, 255, 1, 2, 3}};
    bytes b = lossless(1, 2, 4, raw);
    for (size_t i = 0; i < 3; i++) {
        prnn_image image;
        prnn_found found;
        assert_int_equal(decode(b, &looks[i], &image, &found), PRNN_OK);
        assert_true(found.transparent);
        assert_int_equal(image.channels, 3);
        assert_memory_equal(image.values, expected[i], 6);
        prnn_image_free(&image);
    }
    free(b.p);
}

static void add_chunk(bytes *b, const char *type, const void *p, size_t n) {
    add(b, type, 4);
    add(b, (uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8), 0, 0}, 4);
    add(b, p, n);
    add(b, "", n % 2);
    size_t riff = b->n - 8;
    memcpy(b->p + 4, (uint8_t[]){(uint8_t)riff, (uint8_t)(riff >> 8)}, 2);
}

/* The picture of 2 x 3 pixels that `simple` holds, with the flags and the chunks of an extended file. */
static bytes extended(bytes simple, uint8_t flags, bytes exif) {
    bytes b = {0};
    add(&b, "RIFF\0\0\0\0WEBP", 12);
    add_chunk(&b, "VP8X", (uint8_t[]){flags, 0, 0, 0, 2, 0, 0, 1, 0, 0}, 10);
    add(&b, simple.p + 12, simple.n - 12);
    add_chunk(&b, "EXIF", exif.p, exif.n);
    return b;
}

static void test_orientation(void **state) {
    (void)state;
    uint8_t raw[18];
    for (int i = 0; i < 18; i++) {
        raw[i] = (uint8_t)(i / 3 + 1 + 10 * (i % 3));
    }
    bytes simple = lossless(2, 3, 3, raw);
    for (int i = 0; i < 16; i++) {
        bytes exif = make_exif(i & 1, (uint8_t)(i / 2 + 1)), b = extended(simple, 8, exif);
        const prnn_look stored = {.as_stored = true};
        prnn_image image;
        assert_int_equal(decode(b, NULL, &image, NULL), PRNN_OK);
        assert_int_equal(image.height, i / 2 < 4 ? 2 : 3);
        for (int k = 0; k < 18; k++) {
            assert_int_equal(image.values[k], turned[i / 2 + 1][k / 3] + 10 * (k % 3));
        }
        prnn_image_free(&image);
        assert_int_equal(decode(b, &stored, &image, NULL), PRNN_OK);
        assert_memory_equal(image.values, raw, 18);
        prnn_image_free(&image);
        free(b.p);
        free(exif.p);
    }
    free(simple.p);
}

static void refuse(bytes b, const char *part) {
    prnn_image image;
    assert_int_equal(decode(b, NULL, &image, NULL), PRNN_ERROR_FORMAT);
    assert_null(image.values);
    assert_message(ctx, "x.webp: ");
    assert_message(ctx, part);
}

static void test_refused(void **state) {
    (void)state;
    bytes exif = make_exif(true, 1), simple = lossless(2, 3, 3, values());
    bytes animated = extended(simple, 2, exif);
    refuse(animated, "is an animation");
    free(animated.p);
    bytes files[] = {simple, lossy(16, 20, 3), lossy(16, 20, 4), extended(simple, 8, exif)};
    for (size_t f = 0; f < 4; f++) {
        for (size_t n = 12; n < files[f].n; n++) {
            refuse((bytes){files[f].p, n}, "is not a valid WebP file");
        }
    }
    files[0].p[20] ^= 1; /* the signature of lossless pictures */
    refuse(files[0], "is not a valid WebP file");
    for (size_t f = 0; f < 4; f++) {
        free(files[f].p);
    }
    free(exif.p);
}

static void test_mutations(void **state) {
    (void)state;
    bytes exif = make_exif(true, 3), simple = lossless(2, 3, 3, values());
    bytes files[] = {lossless(9, 7, 4, values()), lossy(16, 20, 3), lossy(16, 20, 4),
                     extended(simple, 8, exif)};
    for (size_t f = 0; f < 4; f++) {
        decode_changed("x.webp", files[f], 3000);
        free(files[f].p);
    }
    free(simple.p);
    free(exif.p);
}

/* Pixels, some rows of them, the file, and of what is coded without losses the decoder's own: six bytes a
 * pixel, and 6 KB for each group of codes that there may be. */
static void test_budget(void **state) {
    (void)state;
    enum { PIXELS = 64 * 64, ROWS = 1 << 20, GROUP = 6 << 10 };
    const struct {
        bytes file;
        size_t channels;
        bool coded;
    } cases[] = {{lossy(64, 64, 3), 3, false},
                 {lossy(64, 64, 4), 4, true},
                 {lossless(64, 64, 3, values()), 3, true},
                 {lossless(64, 64, 4, values()), 4, true}};
    for (size_t i = 0; i < 4; i++) {
        bytes b = cases[i].file;
        size_t groups = b.n / 5 * 2 < PIXELS / 16 ? b.n / 5 * 2 + 1 : PIXELS / 16 + 1;
        size_t own = cases[i].coded ? 6 * PIXELS + groups * GROUP : 0;
        prnn_budget budget;
        prnn_budget_init(&budget, (size_t)1 << 40);
        prnn_context with = {.budget = &budget};
        prnn_image image;
        assert_int_equal(prnn_picture_decode(&with, "x", b.p, b.n, NULL, &image, NULL), PRNN_OK);
        prnn_image_free(&image);
        assert_int_equal(budget.taken, cases[i].channels * PIXELS + own + ROWS + b.n);
        budget.bytes = budget.taken - 1;
        prnn_budget_give(&with);
        assert_int_equal(prnn_picture_decode(&with, "x", b.p, b.n, NULL, &image, NULL), PRNN_ERROR_MEMORY);
        assert_message(&with, "x: takes ");
        prnn_budget_destroy(&budget);
        free(b.p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_lossless), TEST(test_lossy),     TEST(test_alpha),  TEST(test_orientation),
        TEST(test_refused),  TEST(test_mutations), TEST(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
/* Files of a folder are counted and named, with what it takes to read them. */
static void note(void *user, const char *path, const char *why) {
    (void)path;
    snprintf(user, 1024, "%s", why);
}

static void test_without(void **state) {
    (void)state;
    char why[1024] = "";
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.skipped = note;
    o.user = why;
    mkdir(at("w"), 0777);
    write_file("w/a.webp", (bytes){(uint8_t *)"RIFF\4\0\0\0WEBP", 12});
    bytes b = make_png(1, 1, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){1}, 1);
    write_file("w/b.png", b);
    free(b.p);
    assert_int_equal(open_data(at("w"), &o), PRNN_OK);
    assert_int_equal(prnn_data_skipped(data), 1);
    assert_non_null(strstr(why, "w/a.webp: this build of pixelrnn has no libwebp and reads no WebP: "));
    assert_non_null(strstr(why, "(Debian: libwebp-dev)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_without, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif

/* PNG, fitting, contact sheets, .npy files that are written, masks. */
#include "data_files.h"

#include <pixelrnn/io.h>

#include <signal.h>
#include <sys/resource.h>

static prnn_context *ctx;

static int setup(void **state) {
    ctx = prnn_context_create();
    return ctx ? make_test_folder(state) : -1;
}

static int teardown(void **state) {
    prnn_context_free(ctx);
    return remove_test_folder(state);
}

/* ---------------------------------------------------------------------------------------- PNG */

static void check_png(uint8_t type, uint8_t depth, const uint8_t *raw, size_t n, uint32_t height,
                      uint32_t width, int channels, const uint8_t *expected) {
    bytes b = make_png(height, width, type, depth, 0, raw, n);
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    assert_int_equal(image.height, height);
    assert_int_equal(image.width, width);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.values, expected, height * width * (size_t)channels);
    prnn_image_free(&image);
    free(b.p);
}

static void test_png_types(void **state) {
    (void)state;
    check_png(SPNG_COLOR_TYPE_GRAYSCALE, 8, (uint8_t[]){1, 2, 3, 4, 5, 6}, 6, 2, 3, 1,
              (uint8_t[]){1, 2, 3, 4, 5, 6});
    check_png(SPNG_COLOR_TYPE_GRAYSCALE, 1, (uint8_t[]){0xa0, 0x40}, 2, 2, 3, 1,
              (uint8_t[]){255, 0, 255, 0, 255, 0});
    check_png(SPNG_COLOR_TYPE_GRAYSCALE, 2, (uint8_t[]){0x1b}, 1, 1, 4, 1, (uint8_t[]){0, 85, 170, 255});
    check_png(SPNG_COLOR_TYPE_GRAYSCALE, 4, (uint8_t[]){0x0f, 0x80}, 2, 1, 3, 1, (uint8_t[]){0, 255, 136});
    uint16_t deep[] = {0x12ff, 0xfe00};
    check_png(SPNG_COLOR_TYPE_GRAYSCALE, 16, (uint8_t *)deep, 4, 1, 2, 1, (uint8_t[]){0x12, 0xfe});
    check_png(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, (uint8_t[]){9, 0, 8, 255}, 4, 1, 2, 1, (uint8_t[]){0, 8});
    check_png(SPNG_COLOR_TYPE_TRUECOLOR, 8, (uint8_t[]){1, 2, 3, 4, 5, 6}, 6, 2, 1, 3,
              (uint8_t[]){1, 2, 3, 4, 5, 6});
    check_png(SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, (uint8_t[]){1, 2, 3, 0, 4, 5, 6, 128}, 8, 1, 2, 3,
              (uint8_t[]){0, 0, 0, 2, 3, 3});
    check_png(SPNG_COLOR_TYPE_INDEXED, 2, (uint8_t[]){0xc6}, 1, 1, 4, 3,
              (uint8_t[]){255, 0, 128, 10, 20, 30, 40, 50, 60, 70, 80, 90});
}

/* The picture `b`, which is freed, is seen so, by default, over a colour, and without its alpha. */
static void check_alpha(bytes b, int channels, bool transparent, size_t n, const uint8_t *over_black,
                        const uint8_t *over_colour, const uint8_t *dropped) {
    const prnn_look looks[] = {{0}, {.background = {200, 100, 50}}, {.alpha = PRNN_ALPHA_DROP}};
    const uint8_t *const expected[] = {over_black, over_colour, dropped};
    for (size_t i = 0; i < 3; i++) {
        prnn_image image;
        prnn_found found;
        assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, &looks[i], &image, &found), PRNN_OK);
        assert_int_equal(image.channels, channels);
        assert_int_equal(found.transparent, transparent);
        assert_false(found.more_pages);
        assert_memory_equal(image.values, expected[i], n);
        prnn_image_free(&image);
    }
    free(b.p);
}

/* Of grey the background's luma counts: 124. */
static void test_png_alpha(void **state) {
    (void)state;
    static const uint8_t grey[] = {100, 0, 100, 128, 100, 255}, opaque[] = {7, 255, 8, 255},
                         colour[] = {10, 20, 30, 0, 100, 200, 255, 51};
    check_alpha(make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, grey, 6), 1, true, 3,
                (uint8_t[]){0, 50, 100}, (uint8_t[]){124, 112, 100}, (uint8_t[]){100, 100, 100});
    check_alpha(make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, opaque, 4), 1, false, 2,
                (uint8_t[]){7, 8}, (uint8_t[]){7, 8}, (uint8_t[]){7, 8});
    check_alpha(make_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, 1, colour, 8), 3, true, 6,
                (uint8_t[]){0, 0, 0, 20, 40, 51}, (uint8_t[]){200, 100, 50, 180, 120, 91},
                (uint8_t[]){10, 20, 30, 100, 200, 255});
    /* High bytes, of colours and of alpha. */
    const uint16_t deep_grey[] = {0x64ff, 0x00ff, 0x6400, 0x80ff, 0x6412, 0xff00},
                   deep[] = {0x0a01, 0x1402, 0x1e03, 0x00ff, 0x64ff, 0xc8ff, 0xffff, 0x3300};
    check_alpha(make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 16, 0, (const uint8_t *)deep_grey, 12), 1,
                true, 3, (uint8_t[]){0, 50, 100}, (uint8_t[]){124, 112, 100}, (uint8_t[]){100, 100, 100});
    check_alpha(make_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 16, 0, (const uint8_t *)deep, 16), 3, true, 6,
                (uint8_t[]){0, 0, 0, 20, 40, 51}, (uint8_t[]){200, 100, 50, 180, 120, 91},
                (uint8_t[]){10, 20, 30, 100, 200, 255});
}

/* `b`, which is freed, with a chunk before its pixels. */
static bytes with_before(bytes b, const char *type, const void *values, size_t n) {
    size_t at = AFTER_IHDR;
    while (memcmp(b.p + at + 4, "IDAT", 4) != 0) {
        at += 12 + (size_t)(b.p[at + 2] << 8 | b.p[at + 3]);
    }
    bytes with = with_chunk(b, at, type, values, n);
    free(b.p);
    return with;
}

/* A colour, or entries of a palette, that a chunk declares transparent. */
static void test_png_transparency_chunk(void **state) {
    (void)state;
    static const uint8_t grey[] = {1, 2, 3}, colour[] = {1, 2, 3, 4, 5, 6}, indices[] = {0x1b};
    check_alpha(with_before(make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 3), "tRNS", "\0\2", 2), 1,
                true, 3, (uint8_t[]){1, 0, 3}, (uint8_t[]){1, 124, 3}, grey);
    check_alpha(with_before(make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 3), "tRNS", "\0\7", 2), 1,
                false, 3, grey, grey, grey);
    const uint16_t deep[] = {0x0102, 0x0103};
    check_alpha(with_before(make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 16, 0, (const uint8_t *)deep, 4),
                            "tRNS", "\1\2", 2),
                1, true, 2, (uint8_t[]){0, 1}, (uint8_t[]){124, 1}, (uint8_t[]){1, 1});
    check_alpha(
        with_before(make_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, colour, 6), "tRNS", "\0\4\0\5\0\6", 6), 3,
        true, 6, (uint8_t[]){1, 2, 3, 0, 0, 0}, (uint8_t[]){1, 2, 3, 200, 100, 50}, colour);
    static const uint8_t palette[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 0, 128};
    check_alpha(with_before(make_png(1, 4, SPNG_COLOR_TYPE_INDEXED, 2, 0, indices, 1), "tRNS", "\0\x80", 2),
                3, true, 12, (uint8_t[]){0, 0, 0, 20, 25, 30, 70, 80, 90, 255, 0, 128},
                (uint8_t[]){200, 100, 50, 120, 75, 55, 70, 80, 90, 255, 0, 128}, palette);
    /* Malformed ones do not matter, as no ancillary chunk does: too long, too short, or after the pixels. */
    static const struct {
        const char *values;
        size_t n;
    } wrong[] = {{"\0\2\0", 3}, {"\0", 1}, {"", 0}};
    for (size_t i = 0; i < 3; i++) {
        check_alpha(with_before(make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 3), "tRNS",
                                wrong[i].values, wrong[i].n),
                    1, false, 3, grey, grey, grey);
    }
    check_alpha(
        with_before(make_png(1, 4, SPNG_COLOR_TYPE_INDEXED, 2, 0, indices, 1), "tRNS", "\0\0\0\0\0", 5), 3,
        false, 12, palette, palette, palette);
    bytes b = make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 3);
    check_alpha(with_chunk(b, b.n - IEND, "tRNS", "\0\2", 2), 1, false, 3, grey, grey, grey);
    free(b.p);
    check_alpha(
        with_before(make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, (uint8_t[]){1, 255, 2, 255}, 4),
                    "tRNS", "\0\2", 2),
        1, false, 2, grey, grey, grey);
}

static void test_png_interlaced(void **state) {
    (void)state;
    uint8_t values[105];
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = value_at(i);
    }
    bytes b = make_png(5, 7, SPNG_COLOR_TYPE_TRUECOLOR, 8, 1, values, sizeof values);
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    assert_memory_equal(image.values, values, sizeof values);
    prnn_image_free(&image);
    free(b.p);
}

/* Ancillary chunks, however many, and whatever they hold. */
static void test_png_ancillary(void **state) {
    (void)state;
    const uint8_t values[] = {1, 2, 3, 4};
    bytes b = make_png(2, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, values, 4);
    for (int i = 0; i < 2001; i++) {
        bytes more = with_chunk(b, i % 2 ? AFTER_IHDR : b.n - IEND, i % 3 ? "tEXt" : "gAMA", "a\0b", 3);
        free(b.p);
        b = more;
    }
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    assert_memory_equal(image.values, values, 4);
    prnn_image_free(&image);
    assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n - IEND - 1, NULL, &image, NULL),
                     PRNN_ERROR_FORMAT);
    free(b.p);
}

static void check_turned(bytes b, size_t at, bytes exif, int channels, int orientation) {
    bytes with = with_chunk(b, at, "eXIf", exif.p, exif.n);
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", with.p, with.n, NULL, &image, NULL), PRNN_OK);
    assert_int_equal(image.height, orientation < 5 ? 2 : 3);
    assert_int_equal(image.width, orientation < 5 ? 3 : 2);
    assert_int_equal(image.channels, channels);
    for (int i = 0; i < 6 * channels; i++) {
        int v = turned[orientation][i / channels];
        assert_int_equal(image.values[i], v + 10 * (i % channels));
    }
    prnn_image_free(&image);
    free(with.p);
}

/* Before the pixels and after them. */
static void test_png_orientation(void **state) {
    (void)state;
    static const uint8_t grey[] = {1, 2, 3, 4, 5, 6},
                         alpha[] = {1, 255, 2, 255, 3, 255, 4, 255, 5, 255, 6, 255},
                         colour[] = {1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24, 5, 15, 25, 6, 16, 26};
    bytes files[] = {make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 6),
                     make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, alpha, 12),
                     make_png(2, 3, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, colour, 18)};
    for (size_t f = 0; f < 3; f++) {
        for (int i = 0; i < 32; i++) {
            bytes exif = make_exif(i & 1, (uint8_t)(i / 4 + 1));
            check_turned(files[f], i & 2 ? AFTER_IHDR : files[f].n - IEND, exif, f < 2 ? 1 : 3, i / 4 + 1);
            free(exif.p);
        }
        free(files[f].p);
    }
}

static void test_as_stored(void **state) {
    (void)state;
    static const uint8_t grey[] = {1, 2, 3, 4, 5, 6};
    const prnn_look look = {.as_stored = true};
    bytes exif = make_exif(true, 6), b = make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, grey, 6);
    bytes with = with_chunk(b, AFTER_IHDR, "eXIf", exif.p, exif.n);
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", with.p, with.n, &look, &image, NULL), PRNN_OK);
    assert_int_equal(image.height, 2);
    assert_memory_equal(image.values, grey, 6);
    prnn_image_free(&image);
    free(with.p);
    free(b.p);
    free(exif.p);
}

/* An animation holds more pictures than the one that is read, unless that is its only frame; one that is no
 * valid animation is a still picture. */
static void test_png_animation(void **state) {
    (void)state;
    static const uint8_t frame[26] = {0};
    static const struct {
        uint8_t frames;
        size_t bytes;
        bool is_frame, more;
    } cases[] = {{1, 8, true, false}, {2, 8, true, true}, {1, 8, false, true}, {2, 7, true, false}};
    bytes b = make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){1, 2, 3}, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t animation[8] = {0, 0, 0, cases[i].frames};
        size_t frame_at = cases[i].is_frame ? AFTER_IHDR : b.n - IEND;
        bytes framed = with_chunk(b, frame_at, "fcTL", frame, sizeof frame);
        bytes with = with_chunk(framed, AFTER_IHDR, "acTL", animation, cases[i].bytes);
        bytes late = with_chunk(framed, framed.n - IEND, "acTL", animation, cases[i].bytes);
        prnn_image image;
        prnn_found found;
        assert_int_equal(prnn_picture_decode(ctx, "x.png", with.p, with.n, NULL, &image, &found), PRNN_OK);
        assert_memory_equal(image.values, ((uint8_t[]){1, 2, 3}), 3);
        assert_int_equal(found.more_pages, cases[i].more);
        prnn_image_free(&image);
        assert_int_equal(prnn_picture_decode(ctx, "x.png", late.p, late.n, NULL, &image, &found), PRNN_OK);
        assert_false(found.more_pages);
        prnn_image_free(&image);
        free(late.p);
        free(with.p);
        free(framed.p);
    }
    free(b.p);
}

/* Malformed EXIF is ignored: cut off anywhere, of no orientation that there is, or of another type. */
static void test_exif_malformed(void **state) {
    (void)state;
    bytes b = make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){1, 2, 3, 4, 5, 6}, 6);
    for (int little = 0; little < 2; little++) {
        bytes exif = make_exif(little, 6);
        for (size_t n = 0; n < 34; n++) {
            check_turned(b, AFTER_IHDR, (bytes){exif.p, n}, 1, 1);
        }
        for (size_t i = 0; i < 8; i++) { /* the signature, and where its entries are */
            exif.p[i] ^= 0x81;
            check_turned(b, AFTER_IHDR, exif, 1, 1);
            exif.p[i] ^= 0x81;
        }
        exif.p[little ? 24 : 25] = 4;
        check_turned(b, AFTER_IHDR, exif, 1, 1);
        free(exif.p);
        for (uint8_t v = 0; v < 10; v = v ? v + 1 : 9) {
            exif = make_exif(little, v);
            check_turned(b, AFTER_IHDR, exif, 1, 1);
            free(exif.p);
        }
    }
    free(b.p);
}

static void test_png_refused(void **state) {
    (void)state;
    prnn_image image;
    bytes b = make_png(2, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){1, 2, 3, 4}, 4);
    for (size_t n = 0; n + 4 < b.n;
         n++) { /* without the last 4 bytes, the checksum of nothing, it is whole */
        prnn_status status = prnn_picture_decode(ctx, "x.png", b.p, n, NULL, &image, NULL);
        assert_int_equal(status, PRNN_ERROR_FORMAT);
        assert_message(ctx, "x.png: ");
        assert_null(image.values);
    }
    static const uint8_t huge[][4] = {{0, 0, 0x70, 0}, {0, 0, 0x80, 1}, {0x7f, 0xff, 0xff, 0xff}};
    for (size_t i = 0; i < 3; i++) {
        memcpy(b.p + 16, huge[i], 4);
        memcpy(b.p + 20, huge[i], 4);
        uint32_t crc = (uint32_t)crc32(0, b.p + 12, 17);
        memcpy(b.p + 29,
               (uint8_t[]){(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc}, 4);
        assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, NULL, &image, NULL), PRNN_ERROR_FORMAT);
        assert_message(ctx, "its header says");
    }
    free(b.p);
    assert_int_equal(prnn_picture_read(ctx, at("missing.png"), NULL, &image, NULL), PRNN_ERROR_FILE);
}

static void test_png_mutations(void **state) {
    (void)state;
    bytes b = make_png(5, 7, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, (uint8_t[105]){1, 2, 3}, 105);
    uint8_t *copy = malloc(b.n);
    for (size_t i = 0; i < 4000; i++) {
        memcpy(copy, b.p, b.n);
        copy[i % b.n] = (uint8_t)(copy[i % b.n] + 1 + i / b.n * 37);
        prnn_image image;
        if (prnn_picture_decode(ctx, "x.png", copy, b.n, NULL, &image, NULL) == PRNN_OK) {
            prnn_image_free(&image);
        } else {
            assert_message(ctx, "x.png: ");
        }
    }
    free(copy);
    free(b.p);
}

/* ---------------------------------------------------------------------------------------- fit */

static void check_fit(prnn_image from, prnn_fit fit, prnn_image to, const uint8_t *expected) {
    uint8_t values[64];
    to.values = values;
    assert_int_equal(prnn_image_fit(ctx, "x", &from, fit, &to), PRNN_OK);
    assert_memory_equal(values, expected, (size_t)(to.height * to.width * to.channels));
}

static void test_fit(void **state) {
    (void)state;
    uint8_t grey[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    prnn_image square = {4, 4, 1, grey}, wide = {2, 8, 1, grey};
    check_fit(square, PRNN_FIT_EXACT, (prnn_image){4, 4, 1, NULL}, grey);
    check_fit(square, PRNN_FIT_CROP, (prnn_image){2, 2, 1, NULL}, (uint8_t[]){5, 6, 9, 10});
    check_fit(square, PRNN_FIT_CROP, (prnn_image){1, 4, 1, NULL}, (uint8_t[]){4, 5, 6, 7});
    check_fit(square, PRNN_FIT_RESIZE, (prnn_image){4, 4, 1, NULL}, grey);
    check_fit(square, PRNN_FIT_RESIZE, (prnn_image){2, 2, 1, NULL}, (uint8_t[]){3, 5, 11, 13}); /* 2.5 -> 3 */
    check_fit(square, PRNN_FIT_RESIZE, (prnn_image){1, 1, 1, NULL}, (uint8_t[]){8});            /* 7.5 -> 8 */
    check_fit(wide, PRNN_FIT_RESIZE, (prnn_image){1, 1, 1, NULL}, (uint8_t[]){8}); /* 3 4 11 12 -> 7.5 */
    /* To 3 of 4: the middle one covers 2/3 of pixels 1 and 2 each. */
    prnn_image line = {1, 4, 1, (uint8_t[]){0, 90, 180, 255}};
    check_fit(line, PRNN_FIT_RESIZE, (prnn_image){1, 4, 1, NULL}, (uint8_t[]){0, 90, 180, 255});
    prnn_image four = {4, 4, 1,
                       (uint8_t[]){0, 90, 180, 240, 0, 90, 180, 240, 0, 90, 180, 240, 0, 90, 180, 240}};
    check_fit(four, PRNN_FIT_RESIZE, (prnn_image){3, 3, 1, NULL},
              (uint8_t[]){23, 135, 225, 23, 135, 225, 23, 135, 225}); /* 22.5, 135, 225 */
    /* Enlarged: pixels are repeated. */
    check_fit((prnn_image){1, 2, 1, (uint8_t[]){7, 9}}, PRNN_FIT_RESIZE, (prnn_image){2, 4, 1, NULL},
              (uint8_t[]){7, 7, 9, 9, 7, 7, 9, 9});
    /* Subsampled: the first pixel of each square. */
    check_fit(square, PRNN_FIT_SUBSAMPLE, (prnn_image){4, 4, 1, NULL}, grey);
    check_fit(square, PRNN_FIT_SUBSAMPLE, (prnn_image){2, 2, 1, NULL}, (uint8_t[]){0, 2, 8, 10});
    check_fit(wide, PRNN_FIT_SUBSAMPLE, (prnn_image){1, 4, 1, NULL}, (uint8_t[]){0, 2, 4, 6});
    check_fit(wide, PRNN_FIT_SUBSAMPLE, (prnn_image){1, 4, 3, NULL},
              (uint8_t[]){0, 0, 0, 2, 2, 2, 4, 4, 4, 6, 6, 6});
}

static void test_fit_channels(void **state) {
    (void)state;
    prnn_image colour = {1, 3, 3, (uint8_t[]){255, 0, 0, 0, 255, 0, 10, 20, 31}};
    check_fit(colour, PRNN_FIT_EXACT, (prnn_image){1, 3, 1, NULL}, (uint8_t[]){76, 150, 18}); /* 18.264 */
    check_fit((prnn_image){1, 1, 3, (uint8_t[]){255, 255, 255}}, PRNN_FIT_EXACT, (prnn_image){1, 1, 1, NULL},
              (uint8_t[]){255});
    check_fit((prnn_image){1, 2, 1, (uint8_t[]){3, 5}}, PRNN_FIT_EXACT, (prnn_image){1, 2, 3, NULL},
              (uint8_t[]){3, 3, 3, 5, 5, 5});
    check_fit(colour, PRNN_FIT_CROP, (prnn_image){1, 1, 3, NULL}, (uint8_t[]){0, 255, 0});
}

static void test_fit_refused(void **state) {
    (void)state;
    uint8_t values[64] = {0};
    prnn_image from = {4, 4, 1, values}, to = {4, 5, 1, values};
    assert_int_equal(prnn_image_fit(ctx, "a.png", &from, PRNN_FIT_EXACT, &to), PRNN_ERROR_FORMAT);
    assert_message(ctx, "a.png: the image is 4 x 4");
    assert_message(ctx, "crop, resize or subsample");
    assert_int_equal(prnn_image_fit(ctx, "a.png", &from, PRNN_FIT_CROP, &to), PRNN_ERROR_FORMAT);
    assert_message(ctx, "too small");
    const int sides[][2] = {{4, 2}, {3, 3}, {8, 8}, {5, 4}};
    for (int i = 0; i < 4; i++) {
        to.height = sides[i][0];
        to.width = sides[i][1];
        assert_int_equal(prnn_image_fit(ctx, "a.png", &from, PRNN_FIT_SUBSAMPLE, &to), PRNN_ERROR_FORMAT);
        assert_message(ctx, "times a whole number");
    }
}

/* ------------------------------------------------------------------------------------- sheets */

static void check_sheet(const char *name, int height, int width, int channels, const uint8_t *expected) {
    prnn_image image;
    assert_int_equal(prnn_picture_read(ctx, at(name), NULL, &image, NULL), PRNN_OK);
    assert_int_equal(image.height, height);
    assert_int_equal(image.width, width);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.values, expected, (size_t)(height * width * channels));
    prnn_image_free(&image);
}

static void test_sheets(void **state) {
    (void)state;
    const uint8_t levels[] = {0, 1, 2, 3, 3, 2};
    assert_int_equal(prnn_write_png(ctx, at("one.png"), levels, 1, 2, 3, 1, 4, 0), PRNN_OK);
    check_sheet("one.png", 2, 3, 1, (uint8_t[]){0, 85, 170, 255, 255, 170});
    assert_int_equal(prnn_write_png(ctx, at("three.png"), levels, 3, 1, 2, 1, 4, 0), PRNN_OK);
    check_sheet("three.png", 3, 5, 1,
                (uint8_t[]){0, 85, 128, 170, 255, 128, 128, 128, 128, 128, 255, 170, 128, 128, 128});
    assert_int_equal(prnn_write_png(ctx, at("row.png"), levels, 2, 1, 1, 3, 256, 9), PRNN_OK);
    check_sheet("row.png", 1, 3, 3, (uint8_t[]){0, 1, 2, 128, 128, 128, 3, 3, 2});
    assert_int_equal(prnn_write_png(ctx, at("bits.png"), (uint8_t[]){1, 0}, 2, 1, 1, 1, 2, 1), PRNN_OK);
    check_sheet("bits.png", 3, 1, 1, (uint8_t[]){255, 128, 0});
    assert_int_equal(count_files(test_folder), 4);
}

static void test_sheets_refused(void **state) {
    (void)state;
    const uint8_t v[] = {0, 3};
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, 0, 1, 1, 1, 4, 0), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, 1, 1, 1, 2, 4, 0), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, 1, 1, 1, 1, 257, 0), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, 1, 1, 1, 1, 4, -1), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, SIZE_MAX, 2, 1, 1, 256, 0), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, SIZE_MAX, 1, 1, 1, 256, 1), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "too large");
    assert_int_equal(prnn_write_png(ctx, at("x.png"), v, 2, 1, 1, 1, 3, 0), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "image 1 holds the value 3");
    assert_int_equal(access(at("x.png"), F_OK), -1);
}

/* -------------------------------------------------------------------------------- .npy written */

/* Pictures with transparency, as they are: written and read again, of any channels; what has more bits says
 * so. */
static void test_pictures_as_they_are(void **state) {
    (void)state;
    uint8_t values[3 * 5 * 4];
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = (uint8_t)(i * 37 + i * i);
    }
    for (int channels = 1; channels <= 4; channels++) {
        prnn_pixels pixels;
        assert_int_equal(prnn_write_picture(ctx, at("p.png"), values, 3, 5, channels), PRNN_OK);
        assert_int_equal(prnn_read_picture(ctx, at("p.png"), false, &pixels), PRNN_OK);
        assert_true(pixels.height == 3 && pixels.width == 5 && pixels.channels == channels);
        assert_false(pixels.deep || pixels.more_pages);
        assert_memory_equal(pixels.values, values, (size_t)(15 * channels));
        prnn_pixels_free(&pixels);
        assert_null(pixels.values);
    }
    unlink(at("p.png"));
    uint16_t deep[] = {0x12ff, 0xfe00};
    bytes b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 16, 0, (uint8_t *)deep, 4);
    prnn_image image;
    prnn_found found;
    assert_int_equal(prnn_picture_decode(ctx, "x.png", b.p, b.n, NULL, &image, &found), PRNN_OK);
    assert_true(found.deep);
    prnn_image_free(&image);
    free(b.p);
}

static void test_write_npy(void **state) {
    (void)state;
    const float values[] = {1.5f, -2, 3, 4, 5, 6};
    assert_int_equal(prnn_write_npy(ctx, at("a.npy"), PRNN_F32, 2, (size_t[]){2, 3}, values), PRNN_OK);
    bytes b = read_file(at("a.npy"));
    assert_int_equal(b.n, 128 + sizeof values);
    assert_memory_equal(
        b.p, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  ", 71);
    assert_int_equal(b.p[127], '\n');
    assert_memory_equal(b.p + 128, values, sizeof values);
    free(b.p);
    assert_int_equal(prnn_write_npy(ctx, at("b.npy"), PRNN_U8, 1, (size_t[]){3}, "abc"), PRNN_OK);
    b = read_file(at("b.npy"));
    assert_non_null(strstr((char *)b.p + 10, "'descr': '|u1'"));
    assert_non_null(strstr((char *)b.p + 10, "(3,)"));
    assert_memory_equal(b.p + b.n - 3, "abc", 3);
    free(b.p);
    const size_t big[8] = {SIZE_MAX / 2, 1, 1, 1, 1, 1, 1, 3},
                 none[8] = {0, SIZE_MAX, SIZE_MAX, 1, 1, 1, 1, SIZE_MAX};
    assert_int_equal(prnn_write_npy(ctx, at("c.npy"), PRNN_F64, 8, none, NULL), PRNN_OK);
    b = read_file(at("c.npy"));
    assert_int_equal(b.n % 64, 0);
    free(b.p);
    assert_int_equal(prnn_write_npy(ctx, at("d.npy"), PRNN_F64, 8, big, values), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_npy(ctx, at("d.npy"), PRNN_F64, 0, big, values), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_npy(ctx, at("d.npy"), PRNN_F64, 9, big, values), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_write_npy(ctx, at("d.npy"), (prnn_type)7, 1, big, values), PRNN_ERROR_ARGUMENT);
}

/* A disk that is full after 100 bytes: the old files stay, and nothing else does. */
static void test_full_disk(void **state) {
    (void)state;
    static uint8_t values[64 * 64 * 3];
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = value_at(i);
    }
    write_file("old.png", (bytes){(uint8_t *)"old", 3});
    write_file("old.npy", (bytes){(uint8_t *)"older", 5});
    size_t before = count_files(test_folder);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){100, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    prnn_status png = prnn_write_png(ctx, at("old.png"), values, 1, 64, 64, 3, 256, 0);
    char message[256];
    snprintf(message, sizeof message, "%s", prnn_message(ctx));
    prnn_status npy = prnn_write_npy(ctx, at("old.npy"), PRNN_U8, 1, (size_t[]){sizeof values}, values);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(png, PRNN_ERROR_FILE);
    assert_non_null(strstr(message, "old.png: could not be written"));
    assert_int_equal(npy, PRNN_ERROR_FILE);
    assert_message(ctx, "old.npy: could not be written");
    assert_int_equal(count_files(test_folder), before);
    bytes b = read_file(at("old.png"));
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "old", 3);
    free(b.p);
    /* A folder that cannot be written, even by root: below a file. */
    assert_int_equal(prnn_write_png(ctx, at("old.png/x.png"), values, 1, 1, 1, 1, 256, 0), PRNN_ERROR_FILE);
    assert_int_equal(prnn_write_npy(ctx, at("old.npy/x.npy"), PRNN_U8, 1, (size_t[]){1}, values),
                     PRNN_ERROR_FILE);
    assert_message(ctx, "old.npy/x.npy");
}

/* -------------------------------------------------------------------------------------- masks */

static void test_masks(void **state) {
    (void)state;
    uint8_t known[6];
    bytes b = make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){0, 127, 128, 255, 1, 200}, 6);
    write_file("m.png", b);
    free(b.p);
    assert_int_equal(prnn_read_mask(ctx, at("m.png"), 2, 3, known), PRNN_OK);
    assert_memory_equal(known, ((uint8_t[]){0, 0, 1, 1, 0, 1}), 6);
    assert_int_equal(prnn_read_mask(ctx, at("m.png"), 3, 2, known), PRNN_ERROR_FORMAT);
    assert_message(ctx, "the mask is 2 x 3");
    b = make_png(1, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){0, 1, 1}, 3); /* as an array has it */
    write_file("d.png", b);
    free(b.p);
    assert_int_equal(prnn_read_mask(ctx, at("d.png"), 1, 3, known), PRNN_ERROR_FORMAT);
    assert_message(ctx, "no pixel of the mask is above 1, and known ones are 128 or more");
    static const char *const dicts[] = {NPY_DICT("|b1", "(2, 3)"), NPY_DICT("|u1", "(2, 3)")};
    for (size_t i = 0; i < 2; i++) {
        b = make_npy(1, dicts[i], 0);
        add(&b, (uint8_t[]){0, 1, 0, 2, 0, 255}, 6);
        write_file("m.npy", b);
        assert_int_equal(prnn_read_mask(ctx, at("m.npy"), 2, 3, known), PRNN_OK);
        assert_memory_equal(known, ((uint8_t[]){0, 1, 0, 1, 0, 1}), 6);
        for (size_t n = 0; n < b.n; n++) {
            write_file("m.npy", (bytes){b.p, n});
            assert_int_equal(prnn_read_mask(ctx, at("m.npy"), 2, 3, known), PRNN_ERROR_FORMAT);
            assert_message(ctx, "m.npy: ");
        }
        free(b.p);
    }
    b = make_npy(1, NPY_DICT("<f4", "(2, 3)"), 24);
    write_file("f.npy", b);
    free(b.p);
    assert_int_equal(prnn_read_mask(ctx, at("f.npy"), 2, 3, known), PRNN_ERROR_FORMAT);
    assert_message(ctx, "'<f4'");
    assert_int_equal(prnn_read_mask(ctx, at("none.npy"), 2, 3, known), PRNN_ERROR_FILE);
    assert_int_equal(prnn_read_mask(ctx, test_folder, 2, 3, known), PRNN_ERROR_FORMAT);
    assert_int_equal(prnn_read_mask(ctx, at("f.npy"), 0, 3, known), PRNN_ERROR_ARGUMENT);
}

static void check_mask(uint8_t type, const uint8_t *raw, size_t n, const uint8_t expected[3]) {
    uint8_t known[3];
    bytes b = make_png(1, 3, type, 8, 0, raw, n);
    write_file("a.png", b);
    free(b.p);
    assert_int_equal(prnn_read_mask(ctx, at("a.png"), 1, 3, known), PRNN_OK);
    assert_memory_equal(known, expected, 3);
}

/* Drawn in the alpha channel, where nothing else tells the pixels apart that are seen; else over black. */
static void test_masks_of_alpha(void **state) {
    (void)state;
    check_mask(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, (uint8_t[]){0, 0, 0, 128, 0, 255}, 6, (uint8_t[]){0, 1, 1});
    check_mask(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, (uint8_t[]){255, 0, 255, 127, 255, 255}, 6,
               (uint8_t[]){0, 0, 1});
    check_mask(SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, (uint8_t[]){1, 2, 3, 255, 255, 255, 255, 0, 1, 2, 3, 200}, 12,
               (uint8_t[]){1, 0, 1});
    check_mask(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, (uint8_t[]){255, 255, 0, 255, 255, 10}, 6,
               (uint8_t[]){1, 0, 0});
    check_mask(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, (uint8_t[]){255, 255, 0, 255, 255, 255}, 6,
               (uint8_t[]){1, 0, 1});
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_png_types),
        TEST(test_png_interlaced),
        TEST(test_png_ancillary),
        TEST(test_png_animation),
        TEST(test_png_orientation),
        TEST(test_exif_malformed),
        TEST(test_png_refused),
        TEST(test_png_mutations),
        TEST(test_fit),
        TEST(test_fit_channels),
        TEST(test_fit_refused),
        TEST(test_sheets),
        TEST(test_sheets_refused),
        TEST(test_write_npy),
        TEST(test_full_disk),
        TEST(test_masks),
        TEST(test_masks_of_alpha),
        TEST(test_png_alpha),
        TEST(test_png_transparency_chunk),
        TEST(test_as_stored),
        TEST(test_pictures_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

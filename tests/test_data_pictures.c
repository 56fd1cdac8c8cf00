/* Pictures: JPEG, folders of folders, what is skipped and what is not, threads. */
#include "data_sets.h"

/* ------------------------------------------------------------------------------------------ JPEG */

#ifdef PRNN_HAVE_TURBOJPEG
static void check_near(const prnn_image *image, int height, int width, int channels) {
    assert_int_equal(image->height, height);
    assert_int_equal(image->width, width);
    assert_int_equal(image->channels, channels);
    for (int i = 0; i < height * width; i++) {
        for (int c = 0; c < channels; c++) {
            int v = 40 + 3 * (i / width) + 2 * (i % width) + 40 * c;
            assert_in_range(image->values[i * channels + c] + 4, v, v + 8);
        }
    }
}

static void test_jpeg(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        for (int progressive = 0; progressive < 2; progressive++) {
            bytes b = make_jpeg(11, 20, channels, progressive ? TJFLAG_PROGRESSIVE : 0);
            prnn_image image;
            assert_int_equal(prnn_picture_decode(ctx, "x", b.p, b.n, NULL, &image, NULL), PRNN_OK);
            check_near(&image, 11, 20, channels);
            prnn_image_free(&image);
            assert_int_equal(open_data(write_file("named.png", b), NULL), PRNN_OK); /* by content */
            assert_int_equal(prnn_data_channels(data), channels);
            free(b.p);
        }
    }
}

/* As Adobe writes it: 255 is no ink. */
static void test_cmyk(void **state) {
    (void)state;
    bytes b = make_jpeg(8, 8, 4, 0);
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "x", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    assert_int_equal(image.channels, 3);
    for (int i = 0; i < 64; i++) {
        int v = 40 + 3 * (i / 8) + 2 * (i % 8), expected = (v + 80) * (v + 120) / 255; /* blue */
        assert_in_range(image.values[3 * i + 2] + 4, expected, expected + 8);
    }
    prnn_image_free(&image);
    free(b.p);
}

static void refuse_jpeg(const uint8_t *p, size_t n, const char *part) {
    prnn_image image;
    assert_int_equal(prnn_picture_decode(ctx, "file.jpg", p, n, NULL, &image, NULL), PRNN_ERROR_FORMAT);
    assert_null(image.values);
    assert_message(ctx, "file.jpg: ");
    assert_message(ctx, part);
}

/* `b` with `n` bytes put in at `at`, read as make_jpeg made it. */
static void read_with(bytes b, size_t at, const char *more, size_t n) {
    bytes with = {0};
    add(&with, b.p, at);
    add(&with, more, n);
    add(&with, b.p + at, b.n - at);
    prnn_image image;
    if (prnn_picture_decode(ctx, "x", with.p, with.n, NULL, &image, NULL) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    check_near(&image, 11, 20, 3);
    prnn_image_free(&image);
    free(with.p);
}

/* What libjpeg only warns about, after which every block is decoded all the same. */
static void test_jpeg_warnings(void **state) {
    (void)state;
    enum { APP0 = 18 };
    for (int progressive = 0; progressive < 2; progressive++) {
        bytes b = make_jpeg(11, 20, 3, progressive ? TJFLAG_PROGRESSIVE : 0);
        read_with(b, 2 + APP0, "\0\0", 2);
        read_with(b, 2 + APP0, (char *)b.p + 2, APP0); /* JFIF twice */
        read_with(b, 2 + APP0, "\xff\xfe\0\5abc\0\xff\0", 10);
        read_with(b, b.n - 2, "\0\0\0", 3);
        b.p[2 + 9] = 2;
        read_with(b, 0, "", 0);
        read_with(b, b.n - 2, "\0\0\0", 3); /* the second warning has no words */
        if (!progressive) {
            b.n -= 2;
            read_with(b, 0, "", 0);
            read_with(b, b.n, "\xff", 1);
        }
        free(b.p);
    }
}

/* A file that is cut off is damaged wherever it is, until only its end is missing; so is one whose blocks
 * are no code, under a warning that harms nothing. */
static void test_jpeg_cut(void **state) {
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        for (int major = 1; major <= 2; major++) {
            bytes b = make_jpeg(11, 20, 3, progressive ? TJFLAG_PROGRESSIVE : 0);
            b.p[2 + 9] = (uint8_t)major;
            for (size_t n = 3; n + (progressive ? 2 : 4) < b.n; n++) {
                refuse_jpeg(b.p, n, "not a valid JPEG");
            }
            free(b.p);
        }
    }
}

/* A slope shows where its corners have gone: orientations as test_image.c has them for each pixel. */
static void test_jpeg_orientation(void **state) {
    (void)state;
    bytes b = make_jpeg(11, 20, 3, 0);
    for (int i = 0; i < 32; i++) { /* both byte orders; also of a file that is mended */
        int orientation = i / 4 + 1, across = orientation >= 5;
        bytes exif = make_exif(i & 1, (uint8_t)orientation), with = {0};
        add(&with, b.p, 20);
        add(&with, "\0", i & 2 ? 1 : 0);
        add(&with, "\xff\xe1\0\x2e\x45xif\0", 10);
        add(&with, exif.p, exif.n);
        add(&with, b.p + 20, b.n - 20);
        prnn_image image;
        assert_int_equal(prnn_picture_decode(ctx, "x", with.p, with.n, NULL, &image, NULL), PRNN_OK);
        assert_int_equal(image.height, across ? 20 : 11);
        assert_int_equal(image.width, across ? 11 : 20);
        for (int k = 0; k < 220; k++) {
            int y = k / image.width, x = k % image.width, row = across ? x : y, column = across ? y : x;
            row = strchr("3467", '0' + orientation) ? 10 - row : row;
            column = strchr("2378", '0' + orientation) ? 19 - column : column;
            int v = 40 + 3 * row + 2 * column;
            assert_in_range(image.values[3 * k] + 4, v, v + 8);
        }
        prnn_image_free(&image);
        free(exif.p);
        free(with.p);
    }
    free(b.p);
}

static void test_jpeg_refused(void **state) {
    (void)state;
    bytes b = make_jpeg(40, 60, 3, 0);
    size_t frame = 0;
    while (b.p[frame] != 0xff || b.p[frame + 1] != 0xc0) {
        frame++;
    }
    refuse_jpeg(b.p, b.n / 2, "premature end of data");
    refuse_jpeg(b.p, frame, "not a valid JPEG");
    refuse_jpeg(b.p, 3, "not a valid JPEG");
    b.p[frame + 5] = 0xff; /* height, width */
    b.p[frame + 7] = 0xff;
    refuse_jpeg(b.p, b.n, "65320 x 65340 pixels (height x width), which is more than");
    b.p[frame + 5] = b.p[frame + 7] = 0x1f;
    refuse_jpeg(b.p, b.n, "bytes cannot hold");
    b.p[frame + 7] = b.p[frame + 8] = 0;
    refuse_jpeg(b.p, b.n, "not a valid JPEG");
    free(b.p);
}
#else
static void test_jpeg(void **state) {
    (void)state;
    assert_int_equal(open_data(write_file("x.jpg", (bytes){(uint8_t *)"\xff\xd8\xff\xe0", 4}), NULL),
                     PRNN_ERROR_FORMAT);
    assert_message(ctx, "no libturbojpeg");
}

static void test_cmyk(void **state) {
    (void)state;
}

static void test_jpeg_warnings(void **state) {
    (void)state;
}

static void test_jpeg_cut(void **state) {
    (void)state;
}

static void test_jpeg_orientation(void **state) {
    (void)state;
}

static void test_jpeg_refused(void **state) {
    (void)state;
}
#endif

/* --------------------------------------------------------------------------------------- folders */

static void add_png(const char *name, uint32_t height, uint32_t width, uint8_t value) {
    uint8_t v[4096];
    memset(v, value, sizeof v);
    bytes b = make_png(height, width, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, v, (size_t)height * width);
    write_file(name, b);
    free(b.p);
}

static void assert_values(const uint8_t *expected, size_t n) {
    assert_int_equal(prnn_data_count(data), n);
    for (size_t i = 0; i < n; i++) {
        uint8_t image[4096];
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        assert_int_equal(image[0], expected[i]);
    }
}

static void test_tree(void **state) {
    (void)state;
    static const char *const folders[] = {"t", "t/b", "t/b/deep", "t/a", "t/.git", "t/c.png"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        mkdir(at(folders[i]), 0777);
    }
    add_png("t/b/2.png", 1, 1, 4);
    add_png("t/b/10.png", 1, 1, 3); /* bytes, not numbers */
    add_png("t/b/deep/1.PNG", 1, 1, 5);
    add_png("t/a/z.jpeg", 1, 1, 2); /* the content counts */
    add_png("t/0.png", 1, 1, 1);
    add_png("t/c.png/x.jpg", 1, 1, 6);
    add_png("t/.git/x.png", 1, 1, 9);
    write_file("t/b/labels.txt", (bytes){(uint8_t *)"x", 1});
    assert_int_equal(symlink("..", at("t/b/round")), 0);
    assert_int_equal(symlink("b", at("t/d")), 0);
    assert_int_equal(mkfifo(at("t/pipe.png"), 0666), 0);
    assert_int_equal(open_data(at("t"), NULL), PRNN_OK);
    assert_values((uint8_t[]){1, 2, 3, 4, 5, 6}, 6);
    assert_int_equal(prnn_data_skipped(data), 0);
}

/* A folder to which there are more paths than could ever be walked. */
static void test_links(void **state) {
    (void)state;
    enum { LEVELS = 40 };
    char name[64], to[64];
    mkdir(at("links"), 0777);
    for (int i = 0; i < LEVELS; i++) {
        snprintf(name, sizeof name, "links/%d", i);
        mkdir(at(name), 0777);
        for (int way = 0; i > 0 && way < 2; way++) {
            snprintf(name, sizeof name, "links/%d/%c", i - 1, 'a' + way);
            snprintf(to, sizeof to, "../%d", i);
            assert_int_equal(symlink(to, at(name)), 0);
        }
    }
    snprintf(name, sizeof name, "links/%d/x.png", LEVELS - 1);
    add_png(name, 1, 1, 7);
    assert_int_equal(open_data(at("links/0"), NULL), PRNN_OK);
    assert_values((uint8_t[]){7}, 1);
}

/* --------------------------------------------------------------------------------------- skipped */

typedef struct notes {
    size_t count;
    char all[4096];
} notes;

static void note(void *user, const char *path, const char *why) {
    notes *n = user;
    assert_non_null(strstr(why, path));
    n->count++;
    strncat(n->all, why, sizeof n->all - strlen(n->all) - 2);
    strcat(n->all, "\n");
}

static void hear(void *user, const char *sentence) {
    note(user, "", sentence);
}

/* 12 bits in files of 16, as cameras write them: hardly anything is left in the high 8. */
static void test_deep(void **state) {
    (void)state;
    uint16_t dim[] = {0x0fff, 0x0123};
    const int levels[] = {256, 4};
    bytes b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 16, 0, (uint8_t *)dim, 4);
    mkdir(at("dim"), 0777);
    write_file("dim/1.png", b);
    write_file("dim/2.png", b);
    free(b.p);
    for (size_t i = 0; i < 2; i++) {
        notes n = {0};
        prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
        o.levels = levels[i];
        o.note = hear;
        o.user = &n;
        assert_int_equal(open_data(at("dim"), &o), i ? PRNN_ERROR_FORMAT : PRNN_OK);
        assert_non_null(
            strstr(n.all, "2 of 2 pictures have samples of 16 bits, of which the high 8 were read"));
        const char *where = i ? prnn_message(ctx) : n.all;
        assert_non_null(strstr(where, "no value is above 15 of 255, since of 16 bits the high 8 are read"));
    }
}

static void make_mixed_folder(void) {
    mkdir(at("m"), 0777);
    write_file("m/00.png", (bytes){(uint8_t *)"no picture", 10});
    write_file("m/01.png", (bytes){(uint8_t *)"", 0});
    add_png("m/02.png", 4, 6, 2);
    add_png("m/03.png", 4, 6, 3);
    bytes b = read_file(at("m/03.png"));
    write_file("m/03.png", (bytes){b.p, b.n / 2});
    free(b.p);
    add_png("m/04.png", 4, 6, 4);
    assert_int_equal(symlink("nowhere", at("m/05.jpg")), 0);
    add_png("m/06.png", 4, 6, 6);
}

static void test_skipped(void **state) {
    (void)state;
    make_mixed_folder();
    notes n = {0};
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.skipped = note;
    o.user = &n;
    assert_int_equal(open_data(at("m"), &o), PRNN_OK);
    assert_values((uint8_t[]){2, 4, 6}, 3);
    assert_int_equal(prnn_data_skipped(data), 4);
    assert_int_equal(n.count, 4);
    static const char *const parts[] = {"m/00.png: is no picture of a kind that is read: PNG, JPEG",
                                        "m/01.png: ", "m/03.png: ", "m/05.jpg: cannot be opened"};
    const char *from = n.all;
    for (size_t i = 0; i < 4; i++) { /* in their order */
        from = strstr(from, parts[i]);
        assert_non_null(from);
    }
    assert_int_equal(open_data(at("m"), NULL), PRNN_OK); /* nobody needs to listen */
    /* first and limit count files. */
    o.first = 1;
    o.limit = 4;
    assert_int_equal(open_data(at("m"), &o), PRNN_OK);
    assert_values((uint8_t[]){2, 4}, 2);
    assert_int_equal(prnn_data_skipped(data), 2);
    o.limit = 1;
    assert_int_equal(open_data(at("m"), &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "its picture cannot be used: ");
    assert_message(ctx, "01.png");
    assert_int_equal(open_data(at("m/00.png"), NULL), PRNN_ERROR_FORMAT);
    assert_int_equal(open_data(at("m/03.png"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "03.png: is not a valid PNG");
}

static void test_too_small(void **state) {
    (void)state;
    mkdir(at("s"), 0777);
    add_png("s/1.png", 5, 5, 1);
    add_png("s/2.png", 3, 9, 2);
    add_png("s/3.png", 4, 4, 3);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    notes n = {0};
    o.height = o.width = 4;
    o.skipped = note;
    o.user = &n;
    assert_int_equal(open_data(at("s"), &o), PRNN_ERROR_FORMAT); /* exact: the set is at fault */
    assert_message(ctx, "1.png: the image is 5 x 5");
    o.fit = PRNN_FIT_CROP;
    assert_int_equal(open_data(at("s"), &o), PRNN_OK);
    assert_values((uint8_t[]){1, 3}, 2);
    assert_int_equal(prnn_data_skipped(data), 1);
    assert_non_null(strstr(n.all, "2.png: the image is 3 x 9 (height x width), too small to crop"));
    o.fit = PRNN_FIT_RESIZE;
    assert_int_equal(open_data(at("s"), &o), PRNN_OK);
    assert_values((uint8_t[]){1, 2, 3}, 3);
    /* Values that are no levels are not skipped either. */
    o.values = PRNN_VALUES_LEVELS;
    o.levels = 3;
    assert_int_equal(open_data(at("s"), &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "3.png: image 2 holds the value 3");
}

static void keep_sentence(void *user, const char *sentence) {
    notes *n = user;
    n->count++;
    strncat(n->all, sentence, sizeof n->all - strlen(n->all) - 2);
    strcat(n->all, "\n");
}

static void add_alpha(const char *name, const uint8_t raw[4]) {
    bytes b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, raw, 4);
    write_file(name, b);
    free(b.p);
}

/* Transparent pictures are counted in a sentence, and composited as asked. */
static void test_transparent(void **state) {
    (void)state;
    mkdir(at("a"), 0777);
    add_alpha("a/1.png", (uint8_t[]){10, 0, 10, 9});
    add_alpha("a/2.png", (uint8_t[]){20, 255, 10, 255});
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    notes n = {0};
    o.note = keep_sentence;
    o.user = &n;
    assert_int_equal(open_data(at("a"), &o), PRNN_OK);
    assert_values((uint8_t[]){0, 20}, 2);
    assert_non_null(strstr(n.all, "/a: 1 of 2 pictures is transparent: composited over the colour #000000"));
    memset(o.background, 255, 3);
    assert_int_equal(open_data(at("a/1.png"), &o), PRNN_OK);
    assert_values((uint8_t[]){255}, 1);
    assert_non_null(strstr(n.all, "/a/1.png: is transparent: composited over the colour #ffffff"));
    add_alpha("a/3.png", (uint8_t[]){30, 0, 10, 9});
    o.alpha = PRNN_ALPHA_DROP;
    assert_int_equal(open_data(at("a"), &o), PRNN_OK);
    assert_values((uint8_t[]){10, 20, 30}, 3);
    assert_non_null(strstr(n.all, "/a: 2 of 3 pictures are transparent, which is dropped"));
    assert_int_equal(n.count, 3);
    assert_int_equal(open_data(at("a/2.png"), &o), PRNN_OK);
    assert_int_equal(n.count, 3); /* an opaque alpha is none */
    o.alpha = PRNN_ALPHA_KEEP;
    assert_int_equal(open_data(at("a"), &o), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "alpha is kept where pictures are listed alone");
    o.alpha = (prnn_alpha)3;
    assert_int_equal(open_data(at("a"), &o), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "alpha 3: choose");
}

/* EXIF turns the pictures of a set, unless they are wanted as stored. */
static void test_stored_orientation(void **state) {
    (void)state;
    bytes exif = make_exif(false, 8), b = make_png(2, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, values(), 6);
    bytes with = with_chunk(b, AFTER_IHDR, "eXIf", exif.p, exif.n);
    mkdir(at("o"), 0777);
    write_file("o/x.png", with);
    free(with.p);
    free(b.p);
    free(exif.p);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    for (int i = 0; i < 4; i++) {
        o.as_stored = i & 1;
        assert_int_equal(open_data(at(i & 2 ? "o" : "o/x.png"), &o), PRNN_OK);
        assert_int_equal(prnn_data_height(data), o.as_stored ? 2 : 3);
    }
}

/* The centre of the target's shape, then the mean of what lies under each pixel. */
static void test_resize(void **state) {
    (void)state;
    uint8_t v[4 * 10];
    memset(v, 255, sizeof v); /* of 4 x 10, columns 3..6 are the centre square */
    static const uint8_t square[4][4] = {
        {0, 10, 50, 60}, {20, 31, 70, 80}, {100, 100, 1, 2}, {100, 100, 3, 5}};
    for (size_t y = 0; y < 4; y++) {
        memcpy(v + 10 * y + 3, square[y], 4);
    }
    bytes b = make_png(4, 10, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, v, sizeof v);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.height = o.width = 2;
    o.fit = PRNN_FIT_RESIZE;
    assert_int_equal(open_data(write_file("wide.png", b), &o), PRNN_OK);
    free(b.p);
    uint8_t image[4];
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){0}, 1, 0, 0, image), PRNN_OK);
    assert_memory_equal(image, ((uint8_t[]){15, 65, 100, 3}), 4);
}

/* --------------------------------------------------------------------------------------- threads */

enum { MANY = 600 };

static void make_many(void) {
    mkdir(at("many"), 0777);
    for (uint32_t i = 0; i < MANY; i++) {
        char name[32];
        uint32_t height = 3 + i % 5, width = 4 + i % 3;
        snprintf(name, sizeof name, "many/%04u.png", i);
        if (i % 7 == 3) {
            write_file(name, (bytes){(uint8_t *)"damaged", 7});
        } else {
            bytes b = make_png(height, width, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, values() + i,
                               (size_t)height * width * 3);
            write_file(name, b);
            free(b.p);
        }
    }
}

static void test_threads(void **state) {
    (void)state;
    make_many();
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.height = o.width = 3;
    o.fit = PRNN_FIT_RESIZE;
    uint8_t first[MANY * 27] = {0}, other[MANY * 27];
    size_t good = 0, indices[MANY];
    for (size_t i = 0; i < MANY; i++) {
        good += i % 7 != 3;
        indices[i] = i;
    }
    for (int threads = 1; threads <= 5; threads += 2) {
        assert_int_equal(prnn_context_set_threads(ctx, threads), PRNN_OK);
        assert_int_equal(open_data(at("many"), &o), PRNN_OK);
        assert_int_equal(prnn_data_count(data), good);
        assert_int_equal(prnn_data_skipped(data), MANY - good);
        assert_int_equal(prnn_data_read(ctx, data, indices, good, 0, 0, threads == 1 ? first : other),
                         PRNN_OK);
        if (threads > 1) {
            assert_memory_equal(first, other, good * 27);
        }
    }
}

static bool stop_soon(void *user, const prnn_progress *p) {
    size_t *calls = user;
    assert_string_equal(p->phase, "read");
    assert_int_equal(p->total, MANY);
    return ++*calls < 3;
}

static void test_stop(void **state) {
    (void)state;
    make_many();
    size_t calls = 0;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.height = o.width = 3;
    o.fit = PRNN_FIT_RESIZE;
    o.progress = stop_soon;
    o.user = &calls;
    assert_int_equal(open_data(at("many"), &o), PRNN_STOPPED);
    assert_null(data);
    assert_int_equal(calls, 3);
    assert_message(ctx, "stopped after 192 of 600");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_jpeg),         TEST(test_cmyk),
        TEST(test_jpeg_refused), TEST(test_jpeg_warnings),
        TEST(test_jpeg_cut),     TEST(test_jpeg_orientation),
        TEST(test_tree),         TEST(test_links),
        TEST(test_deep),         TEST(test_skipped),
        TEST(test_too_small),    TEST(test_resize),
        TEST(test_threads),      TEST(test_stop),
        TEST(test_transparent),  TEST(test_stored_orientation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Data sets: every format's content exactly, and the options. */
#include "data_sets.h"

static void assert_data(size_t count, int height, int width, int channels, const uint8_t *expected) {
    assert_int_equal(prnn_data_count(data), count);
    assert_int_equal(prnn_data_height(data), height);
    assert_int_equal(prnn_data_width(data), width);
    assert_int_equal(prnn_data_channels(data), channels);
    size_t size = (size_t)(height * width * channels);
    uint8_t *image = malloc(size);
    for (size_t i = count; i-- > 0;) {
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        assert_memory_equal(image, expected + i * size, size);
    }
    free(image);
}

/* ----------------------------------------------------------------------- contents of the formats */

static void check_bytes(bytes b, size_t count, int height, int width, int channels) {
    assert_int_equal(open_data(write_file("file", b), NULL), PRNN_OK);
    assert_data(count, height, width, channels, values());
    prnn_data_options part = PRNN_DATA_OPTIONS_INIT;
    part.first = 1;
    part.limit = 1;
    assert_int_equal(open_data(at("file"), &part), PRNN_OK);
    assert_data(1, height, width, channels, values() + height * width * channels);
    free(b.p);
}

static void test_contents(void **state) {
    (void)state;
    check_bytes(make_idx(3, (uint32_t[]){5, 4, 3}), 5, 4, 3, 1);
    check_bytes(make_idx(4, (uint32_t[]){5, 4, 3, 3}), 5, 4, 3, 3);
    check_bytes(make_idx(4, (uint32_t[]){5, 4, 3, 1}), 5, 4, 3, 1);
    bytes idx = make_idx(3, (uint32_t[]){15, 40, 30});
    check_bytes(make_gz(idx), 15, 40, 30, 1);
    free(idx.p);
    static const char *const dicts[] = {
        NPY_DICT("|u1", "(5, 4, 3)"), NPY_DICT("<u1", "(5,4,3)"), NPY_DICT("u1", "(5L, 4L, 3L,)"),
        "{\"shape\":(5, 4, 3),\"descr\":\"|u1\",\"fortran_order\":False}          "};
    for (int version = 1; version <= 3; version++) {
        for (size_t i = 0; i < 4; i++) {
            check_bytes(make_npy(version, dicts[i], 60), 5, 4, 3, 1);
        }
    }
    check_bytes(make_npy(1, NPY_DICT("|u1", "(2, 4, 3, 3)"), 72), 2, 4, 3, 3);
}

/* Two gzip members are one file. */
static void test_gz_members(void **state) {
    (void)state;
    bytes idx = make_idx(3, (uint32_t[]){4, 10, 10});
    bytes one = make_gz((bytes){idx.p, 100}), two = make_gz((bytes){idx.p + 100, idx.n - 100});
    add(&one, two.p, two.n);
    check_bytes(one, 4, 10, 10, 1);
    free(two.p);
    free(idx.p);
}

#ifdef PRNN_HAVE_LIBZIP
static void test_npz(void **state) {
    (void)state;
    bytes images = make_npy(1, NPY_DICT("|u1", "(5, 40, 3)"), 600);
    bytes other = make_npy(1, NPY_DICT("|u1", "(1, 2, 3)"), 6),
          labels = make_npy(1, NPY_DICT("<i8", "(5,)"), 40);
    const bytes contents[] = {labels, images, other};
    for (int method = ZIP_CM_STORE; method <= ZIP_CM_DEFLATE; method += ZIP_CM_DEFLATE - ZIP_CM_STORE) {
        check_bytes(make_npz((const char *[]){"y.npy", "x.npy"}, contents, 2, method), 5, 40, 3, 1);
        check_bytes(make_npz((const char *[]){"y.npy", "arr_0.npy", "x.npy"}, contents, 3, method), 5, 40, 3,
                    1);
        check_bytes(make_npz((const char *[]){"y.npy", "images.npy", "arr_0.npy"}, contents, 3, method), 5,
                    40, 3, 1);
    }
    bytes b = make_npz((const char *[]){"y.npy", "train.npy", "test.npy"}, contents, 3, ZIP_CM_STORE);
    assert_int_equal(open_data(write_file("two.npz", b), NULL), PRNN_ERROR_FORMAT);
    assert_message(
        ctx, "holds 2 arrays that may be of images, none named images, data or arr_0: say array NAME for one "
             "of train (5, 40, 3), test (1, 2, 3)");
    free(b.p);
    b = make_npz((const char *[]){"y.npy"}, contents, 1, ZIP_CM_STORE);
    assert_int_equal(open_data(write_file("none.npz", b), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "none of its 1 array is");
    free(b.p);
    for (size_t i = 0; i < 3; i++) {
        free(contents[i].p);
    }
}
#else
static void test_npz(void **state) {
    (void)state;
    assert_int_equal(open_data(write_file("x.npz", (bytes){(uint8_t *)"PK\3\4", 4}), NULL),
                     PRNN_ERROR_FORMAT);
    assert_message(ctx, "no libzip");
}
#endif

/* Reference: planes to pixels. */
static uint8_t *interleaved(size_t count) {
    uint8_t *v = malloc(count * 3072);
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < 1024; p++) {
            for (size_t c = 0; c < 3; c++) {
                v[i * 3072 + p * 3 + c] = value_at(i * 3072 + c * 1024 + p);
            }
        }
    }
    return v;
}

static void test_cifar(void **state) {
    (void)state;
    uint8_t *expected = interleaved(4);
    for (size_t labels = 1; labels <= 2; labels++) {
        bytes b = make_cifar(labels, 4);
        assert_int_equal(open_data(write_file("one.bin", b), NULL), PRNN_OK);
        assert_data(4, 32, 32, 3, expected);
        b.p[3 * (3072 + labels)] = 77;
        assert_int_equal(open_data(write_file("one.bin", b), NULL), PRNN_ERROR_FORMAT);
        assert_message(ctx, "the label of image 3 is 77");
        free(b.p);
    }
    /* A folder: three files are one set; slices across them; the test images stay out. */
    mkdir(at("cifar"), 0777);
    bytes b = make_cifar(1, 4);
    size_t record = 3073;
    write_file("cifar/data_batch_1.bin", (bytes){b.p, record});
    write_file("cifar/data_batch_2.bin", (bytes){b.p + record, 2 * record});
    write_file("cifar/data_batch_3.bin", (bytes){b.p + 3 * record, record});
    write_file("cifar/test_batch.bin", b);
    assert_int_equal(open_data(at("cifar"), NULL), PRNN_OK);
    assert_data(4, 32, 32, 3, expected);
    for (size_t first = 0; first < 4; first++) {
        for (size_t limit = 1; limit <= 4; limit++) {
            prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
            o.first = first;
            o.limit = limit;
            assert_int_equal(open_data(at("cifar"), &o), PRNN_OK);
            assert_data(first + limit < 4 ? limit : 4 - first, 32, 32, 3, expected + first * 3072);
        }
    }
    write_file("cifar/data_batch_2.bin", (bytes){b.p, 2 * record - 1});
    assert_int_equal(open_data(at("cifar"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "data_batch_2.bin: has 6145 bytes");
    mkdir(at("test"), 0777);
    write_file("test/test_batch.bin", b);
    assert_int_equal(open_data(at("test"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "test/test_batch.bin to read them");
    free(b.p);
    b = make_cifar(2, 3);
    mkdir(at("hundred"), 0777);
    write_file("hundred/train.bin", b);
    assert_int_equal(open_data(at("hundred"), NULL), PRNN_OK);
    assert_data(3, 32, 32, 3, expected);
    free(b.p);
    free(expected);
}

/* A CIFAR file that begins like an idx file, and one whose size fits both kinds. */
static void test_cifar_told_apart(void **state) {
    (void)state;
    uint8_t *expected = interleaved(1);
    bytes b = make_cifar(1, 1);
    memcpy(b.p, "\0\0\x08\x03", 4);
    expected[0] = 0;
    expected[3] = 8;
    expected[6] = 3;
    assert_int_equal(open_data(write_file("dark.bin", b), NULL), PRNN_OK);
    assert_data(1, 32, 32, 3, expected);
    free(b.p);
    free(expected);
    b = make_cifar(1, 3074);
    assert_int_equal(open_data(write_file("both.bin", b), NULL), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 3074);
    free(b.p);
    b = make_cifar(2, 3073);
    assert_int_equal(open_data(write_file("both.bin", b), NULL), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 3073);
    free(b.p);
}

static void add_png(const char *name, uint32_t height, uint32_t width, int channels, uint8_t value) {
    uint8_t v[4096];
    memset(v, value, sizeof v);
    uint8_t type = channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
    bytes b = make_png(height, width, type, 8, 0, v, (size_t)height * width * (size_t)channels);
    write_file(name, b);
    free(b.p);
}

static void test_png_folder(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    mkdir(at("p"), 0777);
    assert_int_equal(open_data(at("p"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "looked for *.png");
    add_png("p/b.PNG", 1, 1, 1, 2);
    add_png("p/a.png", 1, 1, 1, 1);
    add_png("p/c.png", 1, 1, 1, 3);
    write_file("p/notes.txt", (bytes){(uint8_t *)"x", 1});
    write_file("p/._a.png", (bytes){(uint8_t *)"x", 1});
    assert_int_equal(open_data(at("p"), NULL), PRNN_OK);
    assert_data(3, 1, 1, 1, (uint8_t[]){1, 2, 3});
    assert_int_equal(open_data(at("p/c.png"), NULL), PRNN_OK);
    assert_data(1, 1, 1, 1, (uint8_t[]){3});
    add_png("p/d.png", 2, 2, 1, 4);
    assert_int_equal(open_data(at("p"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "d.png: the image is 2 x 2");
    o.limit = 3;
    assert_int_equal(open_data(at("p"), &o), PRNN_OK);
    o.limit = 0;
    o.fit = PRNN_FIT_CROP;
    assert_int_equal(open_data(at("p"), &o), PRNN_OK);
    assert_data(4, 1, 1, 1, (uint8_t[]){1, 2, 3, 4});
    o.fit = PRNN_FIT_RESIZE;
    o.height = o.width = 2;
    o.first = 2;
    assert_int_equal(open_data(at("p"), &o), PRNN_OK);
    assert_data(2, 2, 2, 1, (uint8_t[]){3, 3, 3, 3, 4, 4, 4, 4});
    add_png("p/e.png", 2, 2, 3, 5);
    assert_int_equal(open_data(at("p"), &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "e.png: the image has 3 channels, the first one 1");
    o.channels = 3;
    o.first = 3;
    assert_int_equal(open_data(at("p"), &o), PRNN_OK);
    assert_int_equal(prnn_data_channels(data), 3);
}

/* ------------------------------------------------------------------------------------- options */

static prnn_status from_memory(const uint8_t *images, size_t n, prnn_data_options o) {
    prnn_data_free(data);
    return prnn_data_from_memory(ctx, images, n, 1, 1, 1, &o, &data);
}

static void test_options_refused(void **state) {
    (void)state;
    const prnn_data_options good = PRNN_DATA_OPTIONS_INIT;
    assert_int_equal(from_memory((uint8_t[]){1}, 1, good), PRNN_OK);
#define REFUSED(change)                                                                                      \
    do {                                                                                                     \
        prnn_data_options o = good;                                                                          \
        change;                                                                                              \
        assert_int_equal(from_memory((uint8_t[]){1}, 1, o), PRNN_ERROR_ARGUMENT);                            \
        assert_null(data);                                                                                   \
        assert_true(prnn_message(ctx)[0]);                                                                   \
    } while (0)
    REFUSED(o.levels = 1);
    REFUSED(o.levels = 257);
    REFUSED(o.values = (prnn_values)2);
    REFUSED(o.binarize_sample = true);
    REFUSED((o.binarize_sample = true, o.levels = 2, o.values = PRNN_VALUES_LEVELS));
    REFUSED(o.height = -1);
    REFUSED(o.width = 4097);
    REFUSED(o.channels = 2);
    REFUSED(o.channels = -1);
    REFUSED(o.fit = (prnn_fit)4);
    REFUSED(o.first = 1);
    assert_message(ctx, "holds 1 image,");
    assert_int_equal(prnn_data_from_memory(ctx, NULL, 0, 1, 1, 1, NULL, &data), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_data_from_memory(ctx, NULL, SIZE_MAX, 9, 9, 1, NULL, &data), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_data_from_memory(ctx, NULL, 1, -1, 9, 1, NULL, &data), PRNN_ERROR_ARGUMENT);
}

static void test_levels(void **state) {
    (void)state;
    uint8_t all[256], expected[256];
    for (int v = 0; v < 256; v++) {
        all[v] = (uint8_t)v;
    }
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    static const int levels[] = {2, 3, 8, 100, 255, 256};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        o.levels = levels[i];
        for (int v = 0; v < 256; v++) {
            expected[v] = (uint8_t)(v * o.levels / 256);
        }
        assert_int_equal(from_memory(all, 256, o), PRNN_OK);
        assert_int_equal(prnn_data_levels(data), o.levels);
        assert_data(256, 1, 1, 1, expected);
    }
    o.values = PRNN_VALUES_LEVELS;
    o.levels = 16;
    assert_int_equal(from_memory(all, 16, o), PRNN_OK);
    assert_data(16, 1, 1, 1, all);
    assert_int_equal(from_memory(all, 17, o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "image 16 holds the value 16, and 16 levels are 0..15");
}

static void test_binarize_sample(void **state) {
    (void)state;
    enum { N = 256, REPEAT = 400 };
    uint8_t bytes_[N], a[N], b[N];
    size_t ones[N] = {0}, changed = 0, order[N];
    for (size_t v = 0; v < N; v++) {
        bytes_[v] = (uint8_t)v;
        order[v] = v;
    }
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.levels = 2;
    o.binarize_sample = true;
    assert_int_equal(from_memory(bytes_, N, o), PRNN_OK);
    for (uint64_t epoch = 0; epoch < REPEAT; epoch++) {
        assert_int_equal(prnn_data_read(ctx, data, order, N, 7, epoch, a), PRNN_OK);
        assert_int_equal(prnn_data_read(ctx, data, order + 100, 56, 7, epoch, b), PRNN_OK);
        assert_memory_equal(a + 100, b, 56); /* whatever else is read with it */
        for (size_t v = 0; v < N; v++) {
            assert_in_range(a[v], 0, 1);
            ones[v] += a[v];
        }
    }
    for (size_t v = 0; v < N; v++) { /* within 5 standard deviations; certain at both ends */
        double p = (double)v / 255, expected = p * REPEAT, deviation = (double)ones[v] - expected;
        assert_true(deviation * deviation <= 25 * REPEAT * p * (1 - p) + 1e-6);
    }
    assert_int_equal(prnn_data_read(ctx, data, order, N, 8, 0, a), PRNN_OK);
    assert_int_equal(prnn_data_read(ctx, data, order, N, 7, 0, b), PRNN_OK);
    for (size_t v = 0; v < N; v++) {
        changed += a[v] != b[v];
    }
    assert_true(changed > 20);
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){0, N}, 2, 7, 0, a), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "image 256");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_contents), TEST(test_gz_members),       TEST(test_npz),
        TEST(test_cifar),    TEST(test_cifar_told_apart), TEST(test_png_folder),
        TEST(test_levels),   TEST(test_options_refused),  TEST(test_binarize_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Data sets: files that are cut off, damaged, or not there. */
#include "data_sets.h"

enum { FIXTURES = 9 };

static bytes fixture(size_t i, prnn_format_open *format) {
    bytes idx = make_idx(3, (uint32_t[]){5, 4, 3}), b = idx;
    bytes npy = make_npy(1, NPY_DICT("|u1", "(5, 4, 3)"), 60);
    static const prnn_format_open opens[FIXTURES] = {prnn_idx_open,   prnn_idx_gz_open,  prnn_npy_open,
                                                     prnn_npz_open,   prnn_npz_open,     prnn_picture_open,
                                                     prnn_cifar_open, prnn_picture_open, prnn_npz_open};
    *format = opens[i];
    switch (i) {
    case 1:
        b = make_gz(idx);
        break;
    case 2:
        b = npy;
        break;
    case 3:
    case 4:
#ifdef PRNN_HAVE_LIBZIP
        b = make_npz((const char *[]){"x.npy"}, &npy, 1, i == 3 ? ZIP_CM_STORE : ZIP_CM_DEFLATE);
#else
        *format = prnn_idx_open;
#endif
        break;
    case 5:
        b = make_png(4, 5, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, values(), 60);
        break;
    case 6:
        b = make_cifar(1, 1);
        break;
    case 7:
#ifdef PRNN_HAVE_TURBOJPEG
        b = make_jpeg(9, 17, 3, 0);
#else
        *format = prnn_idx_open;
#endif
        break;
    case 8:
#ifdef PRNN_HAVE_LIBZIP
        free(npy.p);
        npy = make_npy(1, NPY_DICT("|u1", "(2, 27)"), 54);
        b = make_npz((const char *[]){"data.npy"}, &npy, 1, ZIP_CM_DEFLATE);
#else
        *format = prnn_idx_open;
#endif
        break;
    default:
        break;
    }
    if (b.p != idx.p) {
        free(idx.p);
    }
    if (b.p != npy.p) {
        free(npy.p);
    }
    return b;
}

static prnn_status open_hostile(prnn_format_open format, const uint8_t *p, size_t n) {
    prnn_data *d;
    ctx->message[0] = '\0';
    prnn_status status = prnn_data_open_bytes(ctx, format, p, n, NULL, &d);
    if (status == PRNN_OK) {
        assert_non_null(d);
        prnn_data_free(d);
    } else {
        assert_null(d);
        assert_message(ctx, "bytes in memory: ");
    }
    return status;
}

static void test_cut_off(void **state) {
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        prnn_format_open format;
        bytes b = fixture(i, &format);
        size_t spare = i == 5   ? 4
                       : i == 7 ? 2
                                : 0; /* PNG: the last checksum covers nothing; JPEG: the end mark */
        for (size_t n = 0; n <= b.n; n++) {
            uint8_t *exact = malloc(n + !n); /* so that ASan sees a read beyond it */
            memcpy(exact, b.p, n);
            prnn_status status = open_hostile(format, exact, n);
            if (n + spare < b.n || n == b.n) {
                assert_int_equal(status, n == b.n ? PRNN_OK : PRNN_ERROR_FORMAT);
            }
            open_hostile(NULL, exact, n);
            free(exact);
        }
        for (size_t n = 0; n < b.n; n += 7) { /* the same through a file */
            assert_int_not_equal(open_data(write_file("cut", (bytes){b.p, n}), NULL),
                                 n + spare < b.n ? PRNN_OK : 99);
            assert_message(ctx, "cut: ");
        }
        free(b.p);
    }
}

static void test_mutations(void **state) {
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        prnn_format_open format;
        bytes b = fixture(i, &format);
        uint8_t *copy = malloc(b.n);
        for (size_t round = 0; round < 4000; round++) {
            memcpy(copy, b.p, b.n);
            uint32_t r = (uint32_t)(round * 2654435761u + i);
            size_t part = b.n < 400 ? b.n : 400;
            copy[round % part] =
                (uint8_t)(round < 4 * part ? ((const uint8_t[]){0, 255, 128, 1})[round / part] : r >> 9);
            if (round % 3 == 0) {
                copy[(r >> 4) % part] ^= (uint8_t)(1 << (r & 7));
            }
            open_hostile(format, copy, b.n);
            open_hostile(NULL, copy, b.n);
        }
        free(copy);
        free(b.p);
    }
}

static void check_refused(bytes b, const char *part) {
    assert_int_equal(open_data(write_file("bad", b), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "bad: ");
    assert_message(ctx, part);
    free(b.p);
}

static bytes raw(const char *p, size_t n) {
    bytes b = {0};
    add(&b, p, n);
    return b;
}

static void test_refused(void **state) {
    (void)state;
    check_refused(raw("hello", 5), "CIFAR");
    check_refused(raw("", 0), "no format");
    check_refused(raw("\0\0\x0d\x03\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\0", 20), "float");
    check_refused(raw("\0\0\x08\x01\0\0\0\1\0", 9), "labels");
    check_refused(raw("\0\0\x08\x03\0\0\0\0\0\0\0\1\0\0\0\1", 16), "no images");
    check_refused(raw("\0\0\x08\x03\0\0\0\1\0\0\0\0\0\0\0\1", 16), "0 x 1");
    check_refused(raw("\0\0\x08\x03\xff\xff\xff\xff\0\0\xff\xff\0\0\xff\xff", 16), "0 bytes follow");
    check_refused(raw("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20),
                  "4294967295");
    check_refused(raw("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\7\7", 18), "2 bytes follow");
    bytes b = raw("\0\0\x08\x03\0\x0f\xff\xff\0\0\0\x1c\0\0\0\x1c", 16);
    check_refused(make_gz(b), "at most");
    free(b.p);
    b = raw("a tar archive", 13);
    check_refused(make_gz(b), "holds no idx data");
    free(b.p);
    b = raw("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\7\7", 18);
    check_refused(make_gz(b), "goes on");
    free(b.p);
    check_refused(make_npy(1, NPY_DICT("<f4", "(1, 1, 1)"), 4), "'<f4'");
    check_refused(make_npy(1, NPY_DICT("|u1", "(1, 1)"), 1), "its rows have 1 value, which");
    check_refused(make_npy(1, NPY_DICT("|u1", "(1, 3, 2, 2)"), 12), "(n, height, width, channels)");
    check_refused(make_npy(1, NPY_DICT("|u1", "(18446744073709551615, 65536, 65536)"), 12),
                  "18446744073709551615");
    check_refused(make_npy(1, NPY_DICT("|u1", "(18446744073709551616, 1, 1)"), 12), "not understood");
    check_refused(make_npy(1, NPY_DICT("|u1", "(0, 1, 1)"), 0), "no images");
    check_refused(make_npy(1, NPY_DICT("|u1", "(1, 1, 1"), 1), "not understood");
    check_refused(make_npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1, 1), }", 1),
                  "ascontiguousarray");
    check_refused(make_npy(1, "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 1, 1), }", 1),
                  "not understood");
    check_refused(make_npy(4, NPY_DICT("|u1", "(1, 1, 1)"), 1), "version 4.0");
    assert_int_equal(open_data(at("missing"), NULL), PRNN_ERROR_FILE);
    assert_message(ctx, "missing: cannot be opened");
    assert_int_equal(open_data("/dev/null", NULL), PRNN_ERROR_FILE);
    assert_message(ctx, "neither a file nor a folder");
    mkdir(at("x"), 0777);
    mkdir(at("x/a.png"), 0777);
    assert_int_equal(open_data(at("x"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "x: the folder holds no images");
}

static void test_too_large(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(1, 1, 40000)"), 40000);
    check_refused(b, "1 x 40000 (height x width), and at most 32768 x 32768 is read");
    /* More than a model can have, for tiles. */
    b = make_npy(1, NPY_DICT("|u1", "(1, 1, 5000)"), 5000);
    write_file("wide", b);
    free(b.p);
    assert_int_equal(open_data(at("wide"), NULL), PRNN_OK);
    assert_int_equal(prnn_data_width(data), 5000);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.width = 4;
    o.fit = PRNN_FIT_CROP;
    assert_int_equal(open_data(at("wide"), &o), PRNN_OK);
    uint8_t image[4];
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){0}, 1, 0, 0, image), PRNN_OK);
    assert_memory_equal(image, ((uint8_t[]){value_at(2498), value_at(2499), value_at(2500), value_at(2501)}),
                        4);
    /* 2 TB by wish: refused before memory is asked for. */
    b = make_npy(1, NPY_DICT("|u1", "(40000, 1, 1)"), 40000);
    write_file("many", b);
    free(b.p);
    o.width = o.height = 4096;
    o.channels = 3;
    o.fit = PRNN_FIT_RESIZE;
    o.memory_limit = SIZE_MAX;
    assert_int_equal(open_data(at("many"), &o), PRNN_ERROR_MEMORY);
    assert_message(ctx, "choose a limit");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_cut_off),
        TEST(test_mutations),
        TEST(test_refused),
        TEST(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Arrays that are not quite images, or more than one; sets of one value; pipes; another order. */
#include "data_sets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

static char said[4096]; /* the notes of the last set that was opened */

static void note(void *user, const char *sentence) {
    assert_null(user);
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", sentence);
}

static prnn_status open_noted(const char *path, prnn_data_options o) {
    said[0] = 0;
    o.note = note;
    return open_data(path, &o);
}

static const prnn_data_options plain = PRNN_DATA_OPTIONS_INIT;

static void refuse(const char *path, prnn_data_options o, prnn_status status, const char *part) {
    assert_int_equal(open_noted(path, o), status);
    assert_null(data);
    assert_message(ctx, part);
}

static void assert_said(const char *part) {
    if (part ? !strstr(said, part) : said[0] != 0) {
        fail_msg("\"%s\" is not what \"%s\" says", said, part ? part : "");
    }
}

static void assert_shape(size_t count, int height, int width, int channels) {
    assert_int_equal(prnn_data_count(data), count);
    assert_int_equal(prnn_data_height(data), height);
    assert_int_equal(prnn_data_width(data), width);
    assert_int_equal(prnn_data_channels(data), channels);
}

/* All values of a set, in memory of the test. */
static const uint8_t *all(void) {
    static uint8_t v[65536];
    size_t n = prnn_data_count(data), size = prnn_data_size(data);
    assert_true(n * size <= sizeof v);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, v + i * size), PRNN_OK);
    }
    return v;
}

static const char *write_npy(const char *name, const char *dict, const uint8_t *v, size_t n) {
    bytes b = make_npy(1, dict, 0);
    add(&b, v, n);
    const char *path = write_file(name, b);
    free(b.p);
    return path;
}

/* ----------------------------------------------------------------------------------- .npz by name */

#ifdef PRNN_HAVE_LIBZIP
static void test_named(void **state) {
    (void)state;
    const bytes contents[] = {
        make_npy(1, NPY_DICT("|u1", "(5, 4, 3)"), 60), make_npy(1, NPY_DICT("|u1", "(2, 6, 5)"), 60),
        make_npy(1, NPY_DICT("|b1", "(2, 6, 5)"), 60), make_npy(1, NPY_DICT("<i8", "(5,)"), 40)};
    bytes b = make_npz((const char *[]){"train.npy", "test.npy", "mask.npy", "labels.npy"}, contents, 4, 0);
    const char *path = write_file("two.npz", b);
    prnn_data_options o = plain;
    refuse(
        path, o, PRNN_ERROR_FORMAT,
        "holds 3 arrays that may be of images, none named images, data or arr_0: say array NAME for one of "
        "train (5, 4, 3), test (2, 6, 5), mask (2, 6, 5)");
    static const char *const names[] = {"test", "test.npy", "train"};
    for (size_t i = 0; i < 3; i++) {
        o.array = names[i];
        assert_int_equal(open_noted(path, o), PRNN_OK);
        assert_shape(i < 2 ? 2 : 5, i < 2 ? 6 : 4, i < 2 ? 5 : 3, 1);
        assert_memory_equal(all(), values(), 60);
        assert_said(NULL);
    }
    o.array = "mask";
    assert_int_equal(open_noted(path, o), PRNN_OK);
    assert_said("mask.npy: its values are of type bool, and True is read as 255");
    o.array = "labels";
    refuse(path, o, PRNN_ERROR_FORMAT, "labels.npy: its values are of type '<i8'");
    o.array = "valid";
    refuse(path, o, PRNN_ERROR_FORMAT,
           "holds no array valid: choose one of train (5, 4, 3), test (2, 6, 5), ");
    mkdir(at("folder"), 0777);
    write_file("folder/1.npz", b);
    write_file("folder/2.npz", b);
    o.array = "test";
    assert_int_equal(open_data(at("folder"), &o), PRNN_OK);
    assert_shape(4, 6, 5, 1);
    refuse(write_file("x.npy", contents[0]), o, PRNN_ERROR_ARGUMENT,
           "x.npy: is no .npz file, and so has no array of the name test: leave the name out");
    free(b.p);
    for (size_t i = 0; i < 4; i++) {
        free(contents[i].p);
    }
}
#else
static void test_named(void **state) {
    (void)state;
    prnn_data_options o = plain;
    o.array = "test";
    refuse(write_npy("x.npy", NPY_DICT("|u1", "(2, 1, 1)"), (uint8_t[]){1, 2}, 2), o, PRNN_ERROR_ARGUMENT,
           "x.npy: is no .npz file, and so has no array of the name test: leave the name out");
}
#endif

/* ------------------------------------------------------------------------------------ rows and bool */

static void test_bool(void **state) {
    (void)state;
    static const uint8_t raw[] = {0, 1, 1, 0, 1, 1, 0, 2}, bytes_[] = {0, 255, 255, 0, 255, 255, 0, 255},
                         levels[] = {0, 1, 1, 0, 1, 1, 0, 1};
    const char *path = write_npy("b.npy", NPY_DICT("|b1", "(2, 2, 2)"), raw, 8);
    prnn_data_options o = plain;
    o.memory_limit = 0;
    assert_int_equal(open_noted(path, o), PRNN_OK);
    assert_memory_equal(all(), bytes_, 8);
    assert_said("b.npy: its values are of type bool, and True is read as 255");
    o.levels = 2;
    assert_int_equal(open_noted(path, o), PRNN_OK);
    assert_memory_equal(all(), levels, 8);
    o.values = PRNN_VALUES_LEVELS;
    assert_int_equal(open_noted(path, o), PRNN_OK);
    assert_memory_equal(all(), levels, 8);
    assert_said("True is read as level 1");
    o = plain;
    assert_int_equal(prnn_data_convert(ctx, path, &o, at("c.npy"), NULL, NULL), PRNN_OK);
    assert_int_equal(open_data(at("c.npy"), NULL), PRNN_OK);
    assert_memory_equal(all(), bytes_, 8);
}

static void test_rows(void **state) {
    (void)state;
    prnn_data_options o = plain;
    const char *square = write_npy("s.npy", NPY_DICT("|u1", "(4, 9)"), values(), 36);
    assert_int_equal(open_noted(square, o), PRNN_OK);
    assert_shape(4, 3, 3, 1);
    assert_memory_equal(all(), values(), 36);
    assert_said("s.npy: its rows of 9 values are read as grey images of 3 x 3 (height x width)\n");
    const char *wide = write_npy("w.npy", NPY_DICT("|u1", "(3, 12)"), values(), 36);
    refuse(wide, o, PRNN_ERROR_FORMAT,
           "its rows have 12 values, which are no square image: save array.reshape");
    o.height = 3;
    o.width = 4;
    o.memory_limit = 0;
    assert_int_equal(open_noted(wide, o), PRNN_OK);
    assert_shape(3, 3, 4, 1);
    assert_memory_equal(all(), values(), 36);
    assert_said("images of 3 x 4");
    prnn_data_options known = plain; /* as of a model */
    known.array_height = 6;
    known.array_width = 2;
    assert_int_equal(open_data(wide, &known), PRNN_OK);
    assert_shape(3, 6, 2, 1);
    assert_int_equal(open_data(square, &known), PRNN_OK);
    assert_shape(4, 3, 3, 1);
    known.height = 4; /* what is said goes before it */
    known.width = 3;
    assert_int_equal(open_data(wide, &known), PRNN_OK);
    assert_shape(3, 4, 3, 1);
    refuse(square, o, PRNN_ERROR_FORMAT, "is 3 x 3");
    o.fit = PRNN_FIT_RESIZE; /* then they are the size that is wanted */
    assert_int_equal(open_data(square, &o), PRNN_OK);
    assert_shape(4, 3, 4, 1);
    o = plain;
    refuse(write_npy("l.npy", NPY_DICT("|u1", "(9, 1)"), values(), 9), o, PRNN_ERROR_FORMAT,
           "its rows have 1 value,");
    refuse(write_npy("l.npy", NPY_DICT("|u1", "(9,)"), values(), 9), o, PRNN_ERROR_FORMAT,
           "its array has 1 dimension,");
}

static void test_one_picture(void **state) {
    (void)state;
    prnn_data_options o = plain;
    const char *path = write_npy("p.npy", NPY_DICT("|u1", "(16, 20, 3)"), values(), 960);
    refuse(path, o, PRNN_ERROR_FORMAT,
           "its shape (16, 20, 3) is that of one colour picture, and would be 16 grey images of 20 x 3: save "
           "array[None, ..., :3], or array[..., None] if they are that");
    prnn_data_options known = plain;
    known.array_height = o.height = 20;
    known.array_width = o.width = 3;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    assert_shape(16, 20, 3, 1);
    assert_int_equal(open_data(path, &known), PRNN_OK);
    assert_shape(16, 20, 3, 1);
    refuse(write_npy("p.npy", NPY_DICT("|u1", "(16, 20, 4)"), values(), 1280), plain, PRNN_ERROR_FORMAT,
           "one colour picture");
    assert_int_equal(open_data(write_npy("p.npy", NPY_DICT("|u1", "(15, 20, 3)"), values(), 900), NULL),
                     PRNN_OK);
    assert_int_equal(open_data(write_npy("p.npy", NPY_DICT("|u1", "(1, 16, 20, 3)"), values(), 960), NULL),
                     PRNN_OK);
    assert_shape(1, 16, 20, 3);
}

static void test_channels(void **state) {
    (void)state;
    refuse(write_npy("a.npy", NPY_DICT("|u1", "(2, 5, 5, 4)"), values(), 200), plain, PRNN_ERROR_FORMAT,
           "images of 4 channels, and 1 or 3 are read: drop the alpha channel, save array[..., :3]");
    refuse(write_npy("a.npy", NPY_DICT("|u1", "(2, 5, 5, 2)"), values(), 100), plain, PRNN_ERROR_FORMAT,
           "drop the alpha channel, save array[..., :1]");
    refuse(write_npy("a.npy", NPY_DICT("|u1", "(2, 3, 5, 5)"), values(), 150), plain, PRNN_ERROR_FORMAT,
           "if its channels come second, save array.transpose(0, 2, 3, 1)");
}

/* A pickle begins with 0x80 and its version. */
static void test_pickle(void **state) {
    (void)state;
    refuse(write_file("data_batch_1", (bytes){(uint8_t *)"\x80\4\x95", 3}), plain, PRNN_ERROR_FORMAT,
           "is a pickle, which is a program for Python and is not run: of CIFAR, fetch the binary version "
           "(cifar-10-binary.tar.gz");
}

/* --------------------------------------------------------------------------------------- one value */

/* In memory, and in its file. */
static void check_both(const char *path, prnn_data_options o, const char *part) {
    for (int disk = 0; disk < 2; disk++) {
        o.memory_limit = disk ? 0 : SIZE_MAX;
        if (part) {
            refuse(path, o, PRNN_ERROR_FORMAT, part);
        } else {
            assert_int_equal(open_noted(path, o), PRNN_OK);
        }
    }
}

static void test_one_value(void **state) {
    (void)state;
    uint8_t v[64];
    prnn_data_options o = plain, first = plain;
    memset(v, 7, sizeof v);
    const char *path = write_npy("v.npy", NPY_DICT("|u1", "(4, 4, 4)"), v, 64);
    check_both(path, o, NULL);
    assert_said("v.npy: all values of its 4 images are the same");
    first.limit = 1;
    check_both(path, first, NULL); /* a blank picture to be completed */
    v[60] = 8;
    path = write_npy("v.npy", NPY_DICT("|u1", "(4, 4, 4)"), v, 64);
    check_both(path, o, NULL);
    assert_said("v.npy: no value is above 8: if these are levels and not bytes, say so with values levels "
                "and 16 levels");
    memset(v, 200, sizeof v);
    v[3] = 255;
    path = write_npy("v.npy", NPY_DICT("|u1", "(4, 4, 4)"), v, 64);
    check_both(path, o, NULL);
    assert_said(NULL);
    o.levels = 2;
    check_both(path, o, NULL);
    assert_said("v.npy: all values of its 4 images are the same");
    o.binarize_sample = true; /* drawn, they differ */
    check_both(path, o, NULL);
}

static void test_levels_as_bytes(void **state) {
    (void)state;
    uint8_t v[64];
    prnn_data_options o = plain;
    for (size_t i = 0; i < sizeof v; i++) {
        v[i] = (uint8_t)(i % 16);
    }
    const char *path = write_npy("v.npy", NPY_DICT("|u1", "(4, 4, 4)"), v, 64);
    check_both(path, o, NULL);
    assert_said("no value is above 15");
    static const int levels[] = {2, 8, 16};
    for (size_t i = 0; i < 3; i++) {
        o.levels = levels[i];
        check_both(path, o, "v.npy: no value is above 15, so as 8-bit values all become level 0 of");
        assert_message(ctx, "if these are levels, say values levels and at least 16 levels");
    }
    o.levels = 17; /* 15 * 17 / 256 is 0, and 16 * 17 / 256 is 1 */
    check_both(path, o, "no value is above 15");
    v[5] = 16;
    check_both(write_npy("v.npy", NPY_DICT("|u1", "(4, 4, 4)"), v, 64), o, NULL);
}

/* ------------------------------------------------------------------------------------------- pipes */

/* Opens a pipe into which a child writes. */
static prnn_status open_pipe(bytes b, prnn_data_options o) {
    const char *path = at("pipe");
    assert_int_equal(mkfifo(path, 0666), 0);
    pid_t child = fork();
    if (child == 0) {
        int file = open(path, O_WRONLY);
        size_t done = 0;
        for (ssize_t n; done < b.n && (n = write(file, b.p + done, b.n - done)) > 0;) {
            done += (size_t)n;
        }
        _exit(done == b.n ? 0 : 1);
    }
    prnn_status status = open_data(path, &o);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void test_pipe(void **state) {
    (void)state;
    mkdir(at("temporary"), 0777);
    assert_int_equal(setenv("TMPDIR", at("temporary"), 1), 0);
    prnn_data_options o = plain;
    for (int disk = 0; disk < 2; disk++) {
        o.memory_limit = disk ? 0 : SIZE_MAX;
        bytes b = make_npy(1, NPY_DICT("|u1", "(500, 16, 2)"), 16000);
        assert_int_equal(open_pipe(b, o), PRNN_OK);
        assert_shape(500, 16, 2, 1);
        assert_memory_equal(all(), values(), 16000);
        assert_int_equal(data->disk != NULL, disk);
        free(b.p);
        b = make_png(5, 4, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, values(), 20);
        assert_int_equal(open_pipe(b, o), PRNN_OK);
        assert_memory_equal(all(), values(), 20);
        free(b.p);
        b = make_cifar(1, 2);
        assert_int_equal(open_pipe(b, o), PRNN_OK);
        assert_shape(2, 32, 32, 3);
        free(b.p);
#ifdef PRNN_HAVE_LIBZIP
        bytes npy = make_npy(1, NPY_DICT("|u1", "(5, 4, 3)"), 60);
        b = make_npz((const char *[]){"x.npy"}, &npy, 1, ZIP_CM_DEFLATE);
        assert_int_equal(open_pipe(b, o), PRNN_OK);
        assert_memory_equal(all(), values(), 60);
        free(npy.p);
        free(b.p);
#endif
    }
    assert_int_equal(open_pipe((bytes){NULL, 0}, o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "pipe: its 0 bytes are in no format");
    assert_int_equal(count_files(at("temporary")), 0);
    assert_int_equal(setenv("TMPDIR", at("nowhere"), 1), 0);
    assert_int_equal(open_pipe((bytes){NULL, 0}, o), PRNN_ERROR_FILE);
    assert_message(ctx, "nowhere/pixelrnn-");
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* ----------------------------------------------------------------------------------------- shuffling */

enum { COUNT = 200, SIZE = 6 };

/* The order of the set: image i begins with two bytes that say where it was. */
static void read_order(size_t *order) {
    const uint8_t *v = all();
    for (size_t i = 0; i < prnn_data_count(data); i++) {
        order[i] = (size_t)v[i * SIZE] + 256 * (size_t)v[i * SIZE + 1];
        assert_memory_equal(v + i * SIZE + 2, values() + order[i], SIZE - 2);
    }
}

static const char *write_numbered(void) {
    uint8_t v[COUNT * SIZE];
    for (size_t i = 0; i < COUNT; i++) {
        v[i * SIZE] = (uint8_t)i;
        v[i * SIZE + 1] = (uint8_t)(i >> 8);
        memcpy(v + i * SIZE + 2, values() + i, SIZE - 2);
    }
    return write_npy("n.npy", NPY_DICT("|u1", "(200, 3, 2)"), v, sizeof v);
}

static void test_shuffle(void **state) {
    (void)state;
    const char *path = write_numbered();
    prnn_data_options o = plain;
    size_t order[COUNT], other[COUNT], met[COUNT] = {0}, moved = 0;
    o.shuffle = 7;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    read_order(order);
    for (size_t i = 0; i < COUNT; i++) {
        met[order[i]]++;
        moved += order[i] != i;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(met[i], 1);
    }
    assert_true(moved > COUNT - 10);
    /* On every machine the same. */
    assert_memory_equal(order, ((size_t[]){73, 191, 107, 122, 116, 140, 77, 1}), 8 * sizeof *order);
    o.memory_limit = 0;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    read_order(other);
    assert_memory_equal(order, other, sizeof order);
    assert_int_equal(prnn_data_convert(ctx, path, &o, at("c.npy"), NULL, NULL), PRNN_OK);
    assert_int_equal(open_data(at("c.npy"), NULL), PRNN_OK);
    read_order(other);
    assert_memory_equal(order, other, sizeof order);
    o.shuffle = 8;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    read_order(other);
    assert_memory_not_equal(order, other, sizeof order);
    o.first = 50; /* what is left is shuffled */
    o.limit = 10;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    read_order(other);
    memset(met, 0, sizeof met);
    for (size_t i = 0; i < 10; i++) {
        met[other[i]]++;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(met[i], i >= 50 && i < 60);
    }
}

/* Both parts of a shuffled set, in memory and in its file. */
static void test_shuffle_split(void **state) {
    (void)state;
    const char *path = write_numbered();
    prnn_data_options o = plain;
    size_t order[COUNT], part[COUNT];
    uint64_t prints[2][2];
    o.shuffle = 7;
    for (int disk = 0; disk < 2; disk++) {
        prnn_data *rest;
        o.memory_limit = disk ? 0 : SIZE_MAX;
        assert_int_equal(open_data(path, &o), PRNN_OK);
        read_order(order);
        assert_int_equal(prnn_data_split(ctx, data, 150, &rest), PRNN_OK);
        assert_int_equal(prnn_data_fingerprint(ctx, data, &prints[disk][0]), PRNN_OK);
        assert_int_equal(prnn_data_fingerprint(ctx, rest, &prints[disk][1]), PRNN_OK);
        read_order(part);
        assert_memory_equal(part, order, 150 * sizeof *order);
        prnn_data_free(data);
        data = rest;
        read_order(part);
        assert_memory_equal(part, order + 150, 50 * sizeof *order);
        if (disk) {
            prnn_data_prefetch(data, (uint64_t[]){0, 49}, 2);
            assert_int_equal(truncate(path, 100), 0);
            assert_int_equal(prnn_data_read(ctx, data, (size_t[]){49}, 1, 0, 0, (uint8_t[SIZE]){0}),
                             PRNN_ERROR_FILE);
            char number[64];
            snprintf(number, sizeof number, "n.npy: image %zu cannot be read", order[199]);
            assert_message(ctx, number);
        }
    }
    assert_memory_equal(prints[0], prints[1], sizeof prints[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_named),    TEST(test_bool),    TEST(test_rows),          TEST(test_one_picture),
        TEST(test_channels), TEST(test_pickle),  TEST(test_one_value),     TEST(test_levels_as_bytes),
        TEST(test_pipe),     TEST(test_shuffle), TEST(test_shuffle_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

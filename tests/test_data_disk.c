/* Data sets that stay in their file: the same images, the same refusals, the same fingerprint as in memory.
 */
#include "data_sets.h"

#include <fcntl.h>

enum { COUNT = 23, HEIGHT = 6, WIDTH = 5, SIZE = HEIGHT * WIDTH };

static prnn_data *in_memory;

static int setup_both(void **state) {
    in_memory = NULL;
    return setup(state);
}

static int teardown_both(void **state) {
    prnn_data_free(in_memory);
    return teardown(state);
}

static prnn_status open_on_disk(const char *path, prnn_data_options o) {
    o.memory_limit = 0;
    return open_data(path, &o);
}

/* Opens both ways; `data` is on disk. */
static void open_both(const char *path, prnn_data_options o) {
    prnn_data_free(in_memory);
    o.memory_limit = SIZE_MAX;
    assert_int_equal(prnn_data_open(ctx, path, &o, &in_memory), PRNN_OK);
    assert_int_equal(open_on_disk(path, o), PRNN_OK);
    assert_non_null(in_memory->values);
    assert_null(data->values);
    assert_non_null(data->disk);
}

static uint64_t print_of(const prnn_data *d) {
    uint64_t print;
    assert_int_equal(prnn_data_fingerprint(ctx, d, &print), PRNN_OK);
    return print;
}

static void assert_same(void) {
    size_t n = prnn_data_count(in_memory), size = prnn_data_size(in_memory), indices[2 * COUNT];
    assert_int_equal(prnn_data_count(data), n);
    assert_int_equal(prnn_data_size(data), size);
    for (size_t i = 0; i < 2 * n; i++) {
        indices[i] = i * 7 % n;
    }
    uint8_t *a = malloc(2 * n * size), *b = malloc(2 * n * size);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        assert_int_equal(prnn_data_read(ctx, in_memory, indices, 2 * n, 5, epoch, a), PRNN_OK);
        assert_int_equal(prnn_data_read(ctx, data, indices, 2 * n, 5, epoch, b), PRNN_OK);
        assert_memory_equal(a, b, 2 * n * size);
    }
    free(a);
    free(b);
    assert_true(print_of(data) == print_of(in_memory));
    uint64_t some[] = {0, n - 1};
    prnn_data_prefetch(data, some, 2);
    prnn_data_prefetch(in_memory, some, 2);
}

static void check_options(const char *path) {
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    open_both(path, o);
    assert_same();
    o.first = 3;
    o.limit = 11;
    open_both(path, o);
    assert_same();
    o.levels = 16;
    open_both(path, o);
    assert_same();
    o.levels = 2;
    o.binarize_sample = true;
    open_both(path, o);
    assert_same();
    o.binarize_sample = false;
    o.levels = 200;
    o.height = 3;
    o.width = 4;
    o.channels = 3;
    o.fit = PRNN_FIT_CROP;
    open_both(path, o);
    assert_same();
    o.fit = PRNN_FIT_RESIZE;
    open_both(path, o);
    assert_same();
    o.channels = 1;
    open_both(path, o);
    assert_same();
    o.shuffle = 5;
    open_both(path, o);
    assert_same();
}

static void test_equal(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(23, 6, 5)"), COUNT * SIZE);
    check_options(write_file("grey.npy", b));
    free(b.p);
    b = make_npy(2, NPY_DICT("|u1", "(23, 6, 5, 3)"), COUNT * SIZE * 3);
    check_options(write_file("colour.npy", b));
    free(b.p);
    b = make_idx(3, (uint32_t[]){COUNT, HEIGHT, WIDTH});
    check_options(write_file("images.idx", b));
    free(b.p);
}

static void check_split(size_t memory_limit) {
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.first = 2;
    o.memory_limit = SIZE_MAX;
    prnn_data_free(in_memory);
    assert_int_equal(prnn_data_open(ctx, at("x.npy"), &o, &in_memory), PRNN_OK);
    o.memory_limit = memory_limit;
    assert_int_equal(open_data(at("x.npy"), &o), PRNN_OK);
    size_t n = prnn_data_count(data);
    uint8_t expected[COUNT * SIZE], image[SIZE];
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(prnn_data_read(ctx, in_memory, &i, 1, 0, 0, expected + i * SIZE), PRNN_OK);
    }
    prnn_data *rest = in_memory;
    assert_int_equal(prnn_data_split(ctx, data, 0, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_data_split(ctx, data, n + 1, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_data_split(ctx, data, n, &rest), PRNN_ERROR_ARGUMENT);
    assert_null(rest);
    assert_int_equal(prnn_data_split(ctx, data, n, NULL), PRNN_OK);
    assert_int_equal(prnn_data_split(ctx, data, 13, &rest), PRNN_OK);
    assert_int_equal(prnn_data_split(ctx, rest, 3, NULL), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 13);
    assert_int_equal(prnn_data_count(rest), 3);
    for (size_t i = 0; i < 16; i++) {
        size_t index = i < 13 ? i : i - 13;
        assert_int_equal(prnn_data_read(ctx, i < 13 ? data : rest, &index, 1, 0, 0, image), PRNN_OK);
        assert_memory_equal(image, expected + i * SIZE, SIZE);
    }
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){13}, 1, 0, 0, image), PRNN_ERROR_ARGUMENT);
    prnn_data_free(data); /* the rest stands alone */
    data = rest;
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){2}, 1, 0, 0, image), PRNN_OK);
    assert_memory_equal(image, expected + 15 * SIZE, SIZE);
}

static void test_split(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(23, 6, 5)"), COUNT * SIZE);
    write_file("x.npy", b);
    free(b.p);
    check_split(0);
    check_split(SIZE_MAX);
}

/* What the limit is compared with, and what never stays on disk. */
static void test_limit(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(23, 6, 5)"), COUNT * SIZE);
    const char *path = write_file("x.npy", b);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.memory_limit = COUNT * SIZE;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    assert_non_null(data->values);
    o.memory_limit--;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    assert_null(data->values);
    o.limit = COUNT - 1;
    assert_int_equal(open_data(path, &o), PRNN_OK);
    assert_non_null(data->values);
    o.memory_limit = 0;
    assert_int_equal(prnn_data_open_bytes(ctx, prnn_npy_open, b.p, b.n, &o, &in_memory), PRNN_OK);
    assert_non_null(in_memory->values);
    free(b.p);
    b = make_cifar(1, 2);
    assert_int_equal(open_data(write_file("x.bin", b), &o), PRNN_OK);
    assert_non_null(data->values);
    free(b.p);
}

static void refuse(const char *path, prnn_data_options o, const char *part) {
    assert_int_not_equal(open_on_disk(path, o), PRNN_OK);
    assert_null(data);
    assert_message(ctx, part);
    char message[1024];
    strcpy(message, prnn_message(ctx));
    o.memory_limit = SIZE_MAX;
    assert_int_not_equal(open_data(path, &o), PRNN_OK);
    assert_string_equal(prnn_message(ctx), message); /* word for word */
}

static void test_refused(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(23, 6, 5)"), COUNT * SIZE);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    const char *path = write_file("x.npy", b);
    o.height = 9;
    refuse(path, o, "x.npy: the image is 6 x 5 (height x width) where 9 x 5 is wanted");
    o.fit = PRNN_FIT_CROP;
    refuse(path, o, "too small to crop");
    o = (prnn_data_options)PRNN_DATA_OPTIONS_INIT;
    o.first = COUNT;
    refuse(path, o, "holds 23 images");
    write_file("x.npy", (bytes){b.p, b.n - 1});
    o.first = 0;
    refuse(path, o, "bytes follow");
    /* Levels, read as bytes: also where the first images are all black. */
    uint8_t *v = b.p + b.n - COUNT * SIZE;
    memset(v, 0, COUNT * SIZE);
    v[COUNT * SIZE - 1] = 7;
    write_file("x.npy", b);
    o.levels = 8;
    refuse(path, o, "x.npy: no value is above 7");
    v[COUNT * SIZE - 2] = 200;
    write_file("x.npy", b);
    open_both(path, o);
    assert_same();
    free(b.p);
}

/* What only shows when an image is read. */
static void test_late(void **state) {
    (void)state;
    bytes b = make_npy(1, NPY_DICT("|u1", "(23, 6, 5)"), COUNT * SIZE);
    uint8_t *v = b.p + b.n - COUNT * SIZE, image[SIZE];
    memset(v, 3, COUNT * SIZE);
    v[2 * SIZE] = 2;
    v[9 * SIZE + 4] = 4;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.values = PRNN_VALUES_LEVELS;
    o.levels = 4;
    o.first = 2;
    assert_int_equal(open_on_disk(write_file("late.npy", b), o), PRNN_OK);
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){6}, 1, 0, 0, image), PRNN_OK);
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){7}, 1, 0, 0, image), PRNN_ERROR_FORMAT);
    assert_message(ctx, "late.npy: image 9 holds the value 4, and 4 levels are 0..3");
    assert_int_equal(truncate(at("late.npy"), (off_t)(b.n - 1)), 0);
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){19}, 1, 0, 0, image), PRNN_OK);
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){20}, 1, 0, 0, image), PRNN_ERROR_FILE);
    assert_message(ctx, "late.npy: image 22 cannot be read: the file has become shorter");
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){21}, 1, 0, 0, image), PRNN_ERROR_ARGUMENT);
    free(b.p);
}

/* A file of 300 MB, of which the disk holds little. */
static void test_large_fingerprint(void **state) {
    (void)state;
    enum { LARGE = 300000, BYTES = 1024 };
    bytes b = make_npy(1, NPY_DICT("|u1", "(300000, 32, 32)"), BYTES); /* the others are 0 */
    const char *path = write_file("large.npy", b);
    size_t head = b.n - BYTES;
    free(b.p);
    assert_int_equal(truncate(path, (off_t)(head + (size_t)LARGE * BYTES)), 0);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    open_both(path, o);
    uint64_t print = print_of(data);
    assert_true(print_of(in_memory) == print);
    prnn_data_free(in_memory);
    in_memory = NULL;
    o.limit = LARGE - 1;
    assert_int_equal(open_on_disk(path, o), PRNN_OK);
    assert_true(print_of(data) != print);
    o.limit = 0;
    o.levels = 255;
    assert_int_equal(open_on_disk(path, o), PRNN_OK);
    assert_true(print_of(data) != print);
    o.levels = 256;
    static const size_t sampled[] = {0, LARGE - 1, (size_t)500 * (LARGE - 1) / 1023};
    for (size_t i = 0; i < 3; i++) {
        int file = open(path, O_WRONLY);
        assert_int_equal(pwrite(file, "\x55", 1, (off_t)(head + sampled[i] * BYTES + 900)), 1);
        close(file);
        assert_int_equal(open_on_disk(path, o), PRNN_OK);
        assert_true(print_of(data) != print);
        print = print_of(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_both, teardown_both)
        TEST(test_equal),   TEST(test_split), TEST(test_limit),
        TEST(test_refused), TEST(test_late),  TEST(test_large_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

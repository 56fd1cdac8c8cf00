/* Where the images of a set came from: paths and numbers of files. */
#include "data_sets.h"

#include <pixelrnn/io.h>
#include <sys/stat.h>

/* Of 1x1 pictures, each with its number as its value; number 2 and number 5 are damaged. */
static void make_folder(void) {
    mkdir(at("f"), 0777);
    for (uint8_t i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "f/%d.png", i);
        if (i == 2 || i == 5) {
            write_file(name, (bytes){(uint8_t *)"damaged", 7});
        } else {
            uint8_t value = (uint8_t)(30 * i + 1);
            bytes b = make_png(1, 1, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, &value, 1);
            write_file(name, b);
            free(b.p);
        }
    }
}

/* The images of the set are those of the files numbers[0..n-1]. */
static void check_files(const prnn_data *set, const size_t *numbers, size_t n) {
    assert_int_equal(prnn_data_count(set), n);
    for (size_t i = 0; i < n; i++) {
        char name[16];
        uint8_t value;
        snprintf(name, sizeof name, "f/%zu.png", numbers[i]);
        assert_int_equal(prnn_data_read(ctx, set, &i, 1, 0, 0, &value), PRNN_OK);
        assert_int_equal(value, 30 * numbers[i] + 1);
        assert_string_equal(prnn_data_name(set, i), at(name));
        assert_int_equal(prnn_data_number(set, i), numbers[i]);
    }
    assert_null(prnn_data_name(set, n));
}

static void test_names(void **state) {
    (void)state;
    make_folder();
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(prnn_context_set_threads(ctx, threads), PRNN_OK);
        assert_int_equal(open_data(at("f"), &o), PRNN_OK);
        check_files(data, (size_t[]){0, 1, 3, 4, 6, 7}, 6);
    }
    o.first = 2;
    o.limit = 5;
    assert_int_equal(open_data(at("f"), &o), PRNN_OK);
    check_files(data, (size_t[]){3, 4, 6}, 3);
}

/* An image's number as `first` gives a set that begins with it. */
static void test_first(void **state) {
    (void)state;
    make_folder();
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    assert_int_equal(open_data(at("f"), NULL), PRNN_OK);
    o.first = prnn_data_number(data, 4);
    assert_int_equal(open_data(at("f"), &o), PRNN_OK);
    check_files(data, (size_t[]){6, 7}, 2);
}

static void test_split(void **state) {
    (void)state;
    make_folder();
    prnn_data *rest = NULL;
    assert_int_equal(open_data(at("f"), NULL), PRNN_OK);
    assert_int_equal(prnn_data_split(ctx, data, 2, &rest), PRNN_OK);
    check_files(data, (size_t[]){0, 1}, 2);
    check_files(rest, (size_t[]){3, 4, 6, 7}, 4);
    assert_int_equal(prnn_data_split(ctx, rest, 1, NULL), PRNN_OK);
    check_files(rest, (size_t[]){3}, 1);
    prnn_data_free(rest);
}

static void test_one_picture(void **state) {
    (void)state;
    make_folder();
    assert_int_equal(open_data(at("f/3.png"), NULL), PRNN_OK);
    assert_string_equal(prnn_data_name(data, 0), at("f/3.png"));
    assert_int_equal(prnn_data_number(data, 0), 0);
}

/* Arrays, in memory and on disk, have numbers and no names. */
static void test_array(void **state) {
    (void)state;
    const uint8_t images[6] = {1, 60, 120, 180, 240, 250};
    const size_t shape[] = {6, 1, 1};
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    prnn_data *rest = NULL;
    assert_int_equal(prnn_write_npy(ctx, at("a.npy"), PRNN_U8, 3, shape, images), PRNN_OK);
    o.first = 2;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        o.memory_limit = on_disk ? 0 : 1000;
        assert_int_equal(open_data(at("a.npy"), &o), PRNN_OK);
        assert_null(prnn_data_name(data, 0));
        assert_int_equal(prnn_data_number(data, 3), 5);
        assert_int_equal(prnn_data_split(ctx, data, 1, &rest), PRNN_OK);
        assert_null(prnn_data_name(rest, 0));
        assert_int_equal(prnn_data_number(rest, 0), 3);
        prnn_data_free(rest);
    }
}

/* Names and numbers go with the images. */
static void test_shuffled(void **state) {
    (void)state;
    const uint8_t images[6] = {0, 30, 60, 90, 120, 150};
    const size_t shape[] = {6, 1, 1};
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    uint8_t value;
    size_t moved = 0;
    make_folder();
    o.shuffle = 3;
    assert_int_equal(open_data(at("f"), &o), PRNN_OK);
    for (size_t i = 0; i < 6; i++) {
        char name[16];
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, &value), PRNN_OK);
        snprintf(name, sizeof name, "f/%d.png", value / 30);
        assert_string_equal(prnn_data_name(data, i), at(name));
        assert_int_equal(prnn_data_number(data, i), value / 30);
        moved += (size_t)(value / 30) != i;
    }
    assert_int_not_equal(moved, 0);
    assert_int_equal(prnn_write_npy(ctx, at("a.npy"), PRNN_U8, 3, shape, images), PRNN_OK);
    o.first = 1;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        o.memory_limit = on_disk ? 0 : 1000;
        assert_int_equal(open_data(at("a.npy"), &o), PRNN_OK);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, &value), PRNN_OK);
            assert_int_equal(prnn_data_number(data, i), value / 30);
            assert_null(prnn_data_name(data, i));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_names),       TEST(test_first), TEST(test_split),
        TEST(test_one_picture), TEST(test_array), TEST(test_shuffled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

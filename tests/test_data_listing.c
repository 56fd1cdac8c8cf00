/* Lists of pictures of many sizes: which there are, in what order, and a data set for each size. */
#include "data_sets.h"

static prnn_listing *listing;

/* A picture of one channel (`type` grey) or three, that begins with the values of `seed` on. */
static void write_picture(const char *name, uint32_t height, uint32_t width, uint8_t type, size_t seed) {
    uint8_t pixels[4096];
    size_t n = (size_t)height * width * (type == SPNG_COLOR_TYPE_GRAYSCALE ? 1 : 3);
    for (size_t i = 0; i < n; i++) {
        pixels[i] = value_at(seed + i);
    }
    bytes b = make_png(height, width, type, 8, 0, pixels, n);
    write_file(name, b);
    free(b.p);
}

/* Sizes in turn, two of them with damaged files between, and a folder below. */
static void make_folder(void) {
    mkdir(at("f"), 0777);
    mkdir(at("f/g"), 0777);
    write_picture("f/0.png", 5, 7, SPNG_COLOR_TYPE_TRUECOLOR, 0);
    write_picture("f/1.png", 1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 1);
    write_file("f/2.png", (bytes){(uint8_t *)"damaged", 7});
    write_picture("f/3.png", 7, 5, SPNG_COLOR_TYPE_GRAYSCALE, 3);
    write_picture("f/4.png", 5, 7, SPNG_COLOR_TYPE_TRUECOLOR, 4);
    write_picture("f/5.png", 5, 8, SPNG_COLOR_TYPE_TRUECOLOR, 5);
    write_picture("f/g/6.png", 1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 6);
    write_picture("f/g/7.png", 5, 7, SPNG_COLOR_TYPE_TRUECOLOR, 7);
}

static prnn_status open_listing(const char *path, const prnn_data_options *options) {
    prnn_listing_free(listing);
    return prnn_listing_open(ctx, path, options, &listing);
}

static int free_all(void **state) {
    prnn_listing_free(listing);
    listing = NULL;
    return teardown(state);
}

static prnn_picture_info info_of(size_t i) {
    prnn_picture_info info = PRNN_PICTURE_INFO_INIT;
    prnn_listing_picture(listing, i, &info);
    return info;
}

typedef struct expected {
    const char *name;
    size_t number, group;
    int height, width, channels;
} expected;

static const expected all[] = {{"f/0.png", 0, 0, 5, 7, 3},  {"f/1.png", 1, 1, 1, 1, 3},
                               {"f/3.png", 3, 2, 7, 5, 1},  {"f/4.png", 4, 0, 5, 7, 3},
                               {"f/5.png", 5, 3, 5, 8, 3},  {"f/g/6.png", 6, 1, 1, 1, 3},
                               {"f/g/7.png", 7, 0, 5, 7, 3}};
enum { PICTURES = sizeof all / sizeof *all, GROUPS = 4 };

/* The set is of the pictures members[0..n-1] of `all`, as a picture alone is read. */
static void check_set(const prnn_data *set, const prnn_data_options *o, const size_t *members, size_t n) {
    size_t bytes_of = (size_t)(prnn_data_height(set) * prnn_data_width(set) * prnn_data_channels(set));
    assert_int_equal(prnn_data_count(set), n);
    assert_int_equal(prnn_data_channels(set), o->channels);
    for (size_t i = 0; i < n; i++) {
        const expected *e = &all[members[i]];
        uint8_t own[1024], alone[1024];
        size_t zero = 0;
        assert_string_equal(prnn_data_name(set, i), at(e->name));
        assert_int_equal(prnn_data_number(set, i), e->number);
        assert_int_equal(prnn_data_height(set), e->height);
        assert_int_equal(prnn_data_width(set), e->width);
        assert_int_equal(open_data(at(e->name), o), PRNN_OK);
        assert_int_equal(prnn_data_read(ctx, set, &i, 1, 0, 0, own), PRNN_OK);
        assert_int_equal(prnn_data_read(ctx, data, &zero, 1, 0, 0, alone), PRNN_OK);
        assert_memory_equal(own, alone, bytes_of);
    }
}

static size_t skips;

static void on_skipped(void *user, const char *path, const char *why) {
    assert_ptr_equal(user, &skips);
    assert_non_null(strstr(path, "2.png"));
    assert_non_null(strstr(why, "no picture"));
    skips++;
}

static void test_lists(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    make_folder();
    o.channels = 3;
    o.skipped = on_skipped;
    o.user = &skips;
    for (int threads = 1; threads <= 16; threads *= 4) {
        skips = 0;
        assert_int_equal(prnn_context_set_threads(ctx, threads), PRNN_OK);
        assert_int_equal(open_listing(at("f"), &o), PRNN_OK);
        assert_int_equal(skips, 1);
        assert_int_equal(prnn_listing_skipped(listing), 1);
        assert_int_equal(prnn_listing_count(listing), PICTURES);
        assert_int_equal(prnn_listing_group_count(listing), GROUPS);
        for (size_t i = 0; i < PICTURES; i++) {
            prnn_picture_info info = info_of(i);
            assert_string_equal(info.name, at(all[i].name));
            assert_int_equal(info.number, all[i].number);
            assert_int_equal(info.group, all[i].group);
            assert_int_equal(info.height, all[i].height);
            assert_int_equal(info.width, all[i].width);
            assert_int_equal(info.channels, all[i].channels);
            assert_int_equal(info.transparent, 0);
        }
    }
}

/* Groups have every picture once, and their sets the images; a set outlives the list. */
static void test_groups(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT, plain = o;
    prnn_data *set;
    size_t met = 0, count;
    make_folder();
    plain.channels = o.channels = 3;
    o.levels = plain.levels = 16;
    assert_int_equal(open_listing(at("f"), &o), PRNN_OK);
    for (size_t g = 0; g < GROUPS; g++) {
        const size_t *members = prnn_listing_group(listing, g, &count);
        met += count;
        assert_int_equal(prnn_listing_data(ctx, listing, g, 0, 0, &set), PRNN_OK);
        assert_int_equal(prnn_data_levels(set), 16);
        check_set(set, &plain, members, count);
        prnn_data_free(set);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(all[members[i]].group, g);
            assert_true(i == 0 || members[i] > members[i - 1]);
            assert_int_equal(prnn_listing_data(ctx, listing, g, i, 1, &set), PRNN_OK);
            check_set(set, &plain, members + i, 1);
            prnn_data_free(set);
        }
    }
    assert_int_equal(met, PICTURES);
    assert_int_equal(prnn_listing_data(ctx, listing, GROUPS, 0, 0, &set), PRNN_ERROR_ARGUMENT);
    assert_null(set);
    assert_int_equal(prnn_listing_data(ctx, listing, 0, 3, 0, &set), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "the list has 4 groups, and this one 3 pictures");
    assert_int_equal(prnn_listing_data(ctx, listing, 0, 2, 9, &set), PRNN_OK);
    prnn_listing_free(listing);
    listing = NULL;
    check_set(set, &plain, (size_t[]){6}, 1);
    size_t folders;
    assert_int_equal(prnn_data_folders(ctx, set, 0, 1, &folders), PRNN_OK);
    assert_int_equal(folders, 1);
    prnn_data_free(set);
}

/* `first` and `limit` count files, as for a data set. */
static void test_part(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    make_folder();
    o.first = 2;
    o.limit = 4;
    assert_int_equal(open_listing(at("f"), &o), PRNN_OK);
    assert_int_equal(prnn_listing_count(listing), 3);
    assert_string_equal(info_of(0).name, at("f/3.png"));
    assert_int_equal(info_of(0).number, 3);
    assert_int_equal(info_of(2).number, 5);
    assert_int_equal(open_listing(at("f/5.png"), NULL), PRNN_OK);
    assert_int_equal(prnn_listing_count(listing), 1);
    assert_int_equal(info_of(0).width, 8);
    o = (prnn_data_options)PRNN_DATA_OPTIONS_INIT;
    o.first = 8;
    assert_int_equal(open_listing(at("f"), &o), PRNN_ERROR_ARGUMENT);
}

/* Some pictures may be dark, or of one value, where not all are; larger than a model's images, too. */
static void test_odd_ones(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    const uint8_t black[2] = {0, 1}, white[2] = {255, 255};
    uint8_t *wide = calloc(1, 5000);
    make_folder();
    for (size_t i = 0; i < 2; i++) {
        bytes b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, i ? white : black, 2);
        write_file(i ? "f/8.png" : "f/9.png", b);
        free(b.p);
    }
    bytes b = make_png(1, 5000, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, wide, 5000);
    write_file("f/wide.png", b);
    free(b.p);
    free(wide);
    o.levels = 2;
    o.channels = 1;
    assert_int_equal(open_listing(at("f"), &o), PRNN_OK);
    for (size_t g = 0; g < prnn_listing_group_count(listing); g++) {
        size_t count;
        prnn_listing_group(listing, g, &count);
        for (size_t i = 0; i <= count; i++) { /* each alone, and all */
            prnn_data *set;
            assert_int_equal(prnn_listing_data(ctx, listing, g, i % count, i < count, &set), PRNN_OK);
            prnn_data_free(set);
        }
    }
    mkdir(at("d"), 0777);
    b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, black, 2);
    write_file("d/9.png", b);
    free(b.p);
    assert_int_equal(open_listing(at("d"), &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "all become level 0");
    o.values = PRNN_VALUES_LEVELS;
    assert_int_equal(open_listing(at("d"), &o), PRNN_OK);
    assert_int_equal(open_listing(at("f"), &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "choose more levels");
}

/* Files that change under the list are named, whatever happened to them. */
static void test_changed(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    prnn_data *set;
    make_folder();
    o.channels = 3;
    assert_int_equal(open_listing(at("f"), &o), PRNN_OK);
    write_picture("f/5.png", 5, 9, SPNG_COLOR_TYPE_TRUECOLOR, 0);
    assert_int_equal(prnn_listing_data(ctx, listing, 3, 0, 0, &set), PRNN_ERROR_FILE);
    assert_message(ctx,
                   "5.png: has changed since it was listed: it was 5 x 8 (height x width), and is 5 x 9");
    assert_null(set);
    write_picture("f/4.png", 6, 7, SPNG_COLOR_TYPE_TRUECOLOR, 0);
    assert_int_equal(prnn_listing_data(ctx, listing, 0, 0, 0, &set), PRNN_ERROR_FORMAT);
    assert_message(ctx, "4.png: the image is 6 x 7");
    assert_int_equal(unlink(at("f/1.png")), 0);
    assert_int_equal(prnn_listing_data(ctx, listing, 1, 0, 0, &set), PRNN_ERROR_FILE);
    assert_message(ctx, "1.png");
    assert_int_equal(prnn_listing_data(ctx, listing, 1, 0, 1, &set), PRNN_ERROR_FILE);
    assert_int_equal(prnn_listing_data(ctx, listing, 1, 1, 1, &set), PRNN_OK);
    prnn_data_free(set);
    write_picture("f/3.png", 7, 5, SPNG_COLOR_TYPE_TRUECOLOR, 0);
    assert_int_equal(prnn_listing_data(ctx, listing, 2, 0, 0, &set), PRNN_OK);
    prnn_data_free(set);
}

static void test_refused(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    make_folder();
    assert_int_equal(open_listing(at("nothing"), NULL), PRNN_ERROR_FILE);
    assert_null(listing);
    mkdir(at("empty"), 0777);
    assert_int_equal(open_listing(at("empty"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "holds no images");
    write_file("f/g/garbage.png", (bytes){(uint8_t *)"damaged", 7});
    assert_int_equal(open_listing(at("f/g/garbage.png"), NULL), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "neither a folder nor a picture");
    bytes png = make_png(3, 3, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, values(), 9);
    png.n -= 20;
    write_file("f/g/cut.png", png);
    free(png.p);
    assert_int_equal(open_listing(at("f/g/cut.png"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "its picture cannot be used");
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(open_listing(at("pipe"), NULL), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "is a pipe");
    bytes cifar = make_cifar(1, 2);
    mkdir(at("c"), 0777);
    write_file("c/data_batch_1.bin", cifar);
    assert_int_equal(open_listing(at("c"), NULL), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "whose images are of one size");
    assert_int_equal(open_listing(at("c/data_batch_1.bin"), NULL), PRNN_ERROR_ARGUMENT);
    free(cifar.p);
    o.fit = PRNN_FIT_CROP;
    assert_int_equal(open_listing(at("f"), &o), PRNN_ERROR_ARGUMENT);
    o = (prnn_data_options)PRNN_DATA_OPTIONS_INIT;
    o.width = 5;
    assert_int_equal(open_listing(at("f"), &o), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "keep their sizes");
    o = (prnn_data_options)PRNN_DATA_OPTIONS_INIT;
    o.shuffle = 1;
    assert_int_equal(open_listing(at("f"), &o), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "leave out the shuffling");
}

static bool stop(void *user, const prnn_progress *report) {
    (void)user;
    assert_string_equal(report->phase, "read");
    assert_int_equal(report->total, 8);
    return false;
}

static void test_stopped(void **state) {
    (void)state;
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    make_folder();
    o.progress = stop;
    assert_int_equal(open_listing(at("f"), &o), PRNN_STOPPED);
    assert_null(listing);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST_LISTING(f) cmocka_unit_test_setup_teardown(f, setup, free_all)
        TEST_LISTING(test_lists),    TEST_LISTING(test_groups),  TEST_LISTING(test_part),
        TEST_LISTING(test_odd_ones), TEST_LISTING(test_changed), TEST_LISTING(test_refused),
        TEST_LISTING(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

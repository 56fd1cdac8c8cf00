/* Conversion into one .npy, and the batches of downsampled ImageNet. */
#include "data_sets.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static void add_png(const char *name, uint32_t side, const uint8_t *from) {
    bytes b = make_png(side, side, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, from, (size_t)side * side * 3);
    write_file(name, b);
    free(b.p);
}

static void make_folder(size_t count) {
    mkdir(at("in"), 0777);
    mkdir(at("out"), 0777);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/%04zu.png", i);
        if (i % 5 == 2) {
            write_file(name, (bytes){(uint8_t *)"damaged", 7});
        } else {
            add_png(name, 4 + (uint32_t)(i % 3), values() + i);
        }
    }
}

static prnn_data_options small_options(void) {
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.height = o.width = 4;
    o.fit = PRNN_FIT_RESIZE;
    return o;
}

/* The set that is open holds what `other` holds. */
static void assert_same_images(const prnn_data *other) {
    size_t n = prnn_data_count(other), size = prnn_data_size(other);
    assert_int_equal(prnn_data_count(data), n);
    assert_int_equal(prnn_data_height(data), prnn_data_height(other));
    assert_int_equal(prnn_data_channels(data), prnn_data_channels(other));
    assert_int_equal(prnn_data_size(data), size);
    uint8_t *a = malloc(size), *b = malloc(size);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(prnn_data_read(ctx, other, &i, 1, 0, 0, a), PRNN_OK);
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, b), PRNN_OK);
        assert_memory_equal(a, b, size);
    }
    free(a);
    free(b);
}

/* Converts what `path` holds, and compares; how many images there are. */
static size_t check_convert(const char *path, const prnn_data_options *o) {
    size_t written = 0, skipped = 0;
    prnn_data *direct;
    assert_int_equal(prnn_data_open(ctx, path, o, &direct), PRNN_OK);
    assert_int_equal(prnn_data_convert(ctx, path, o, at("out/set.npy"), &written, &skipped), PRNN_OK);
    assert_int_equal(written, prnn_data_count(direct));
    assert_int_equal(skipped, prnn_data_skipped(direct));
    assert_int_equal(count_files(at("out")), 1);
    prnn_data_options plain = PRNN_DATA_OPTIONS_INIT;
    plain.memory_limit = 0;
    if (o && o->levels != 256) {
        plain.levels = o->levels;
        plain.values = PRNN_VALUES_LEVELS;
    }
    assert_int_equal(open_data(at("out/set.npy"), &plain), PRNN_OK);
    assert_same_images(direct);
    prnn_data_free(direct);
    return written;
}

static void test_convert(void **state) {
    (void)state;
    make_folder(400);
    prnn_data_options o = small_options();
    assert_int_equal(check_convert(at("in"), &o), 320);
    bytes first = read_file(at("out/set.npy"));
    for (int threads = 1; threads <= 4; threads += 3) { /* the same file */
        assert_int_equal(prnn_context_set_threads(ctx, threads), PRNN_OK);
        check_convert(at("in"), &o);
        bytes other = read_file(at("out/set.npy"));
        assert_int_equal(first.n, other.n);
        assert_memory_equal(first.p, other.p, first.n);
        free(other.p);
    }
    assert_int_equal(first.n, 128 + 320 * 48);
    assert_non_null(strstr((char *)first.p + 10, "'shape': (320, 4, 4, 3)"));
    free(first.p);
    o.first = 3;
    o.limit = 9;
    o.channels = 1;
    o.levels = 16;
    assert_int_equal(check_convert(at("in"), &o), 8);
    /* Other formats; and a file into itself. */
    bytes b = make_cifar(1, 3);
    assert_int_equal(check_convert(write_file("x.bin", b), NULL), 3);
    free(b.p);
    size_t written = 7;
    o = small_options();
    bytes before = read_file(at("out/set.npy"));
    const char *inputs[] = {"out/set.npy", "out"};
    for (int i = 0; i < 2; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s", at(inputs[i]));
        assert_int_equal(prnn_data_convert(ctx, path, &o, at("out/../out/set.npy"), &written, NULL),
                         PRNN_ERROR_ARGUMENT);
        assert_non_null(strstr(prnn_message(ctx), "the data that is to be converted"));
    }
    bytes after = read_file(at("out/set.npy"));
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, after.n);
    free(before.p);
    free(after.p);
    assert_int_equal(open_data(at("out/set.npy"), NULL), PRNN_OK);
    assert_int_equal(prnn_data_height(data), 32);
}

/* ---------------------------------------------------------------------------------------- npz */

#ifdef PRNN_HAVE_LIBZIP
/* Images of 3 planes of 2 x 2, of which the first value is first, first + 1, ...; and what else such files
 * have. */
static void add_batch(const char *name, size_t count, uint8_t first, int method) {
    char dict[128];
    snprintf(dict, sizeof dict, NPY_DICT("|u1", "(%zu, 12)"), count);
    bytes images = make_npy(1, dict, count * 12), labels = make_npy(1, NPY_DICT("<i8", "(1,)"), 8);
    bytes mean = make_npy(1, NPY_DICT("<f8", "(12,)"), 96);
    for (size_t i = 0; i < count; i++) {
        images.p[images.n - (count - i) * 12] = (uint8_t)(first + i);
    }
    const bytes contents[] = {images, labels, mean};
    bytes b = make_npz((const char *[]){"data.npy", "labels.npy", "mean.npy"}, contents, 3, method);
    write_file(name, b);
    free(b.p);
    free(mean.p);
    free(labels.p);
    free(images.p);
}

static void assert_firsts(const uint8_t *firsts, size_t n) {
    assert_int_equal(prnn_data_count(data), n);
    for (size_t i = 0; i < n; i++) {
        uint8_t image[12];
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        assert_int_equal(image[0], firsts[i]);
    }
}

static void test_planes(void **state) {
    (void)state;
    add_batch("one.npz", 2, 100, ZIP_CM_DEFLATE);
    assert_int_equal(open_data(at("one.npz"), NULL), PRNN_OK);
    assert_int_equal(prnn_data_height(data), 2);
    assert_int_equal(prnn_data_width(data), 2);
    assert_int_equal(prnn_data_channels(data), 3);
    uint8_t image[12];
    assert_int_equal(prnn_data_read(ctx, data, (size_t[]){1}, 1, 0, 0, image), PRNN_OK);
    for (size_t p = 0; p < 4; p++) {
        for (size_t c = 0; c < 3; c++) {
            assert_int_equal(image[3 * p + c], p + c ? value_at(12 + 4 * c + p) : 101);
        }
    }
    /* Rows of anything else, or under another name, are no images. */
    const char *const dicts[] = {NPY_DICT("|u1", "(2, 13)"), NPY_DICT("|u1", "(2, 0)"),
                                 NPY_DICT("<f4", "(2, 12)")};
    const char *const parts[] = {"rows have 13 values", "rows have 0 values", "'<f4'"};
    for (size_t i = 0; i < 3; i++) {
        bytes npy = make_npy(1, dicts[i], 26),
              b = make_npz((const char *[]){"data.npy"}, &npy, 1, ZIP_CM_STORE);
        assert_int_equal(open_data(write_file("bad.npz", b), NULL), PRNN_ERROR_FORMAT);
        assert_message(ctx, parts[i]);
        free(b.p);
        free(npy.p);
    }
    bytes npy = make_npy(1, NPY_DICT("|u1", "(2, 12)"), 24),
          b = make_npz((const char *[]){"images.npy"}, &npy, 1, 0);
    assert_int_equal(open_data(write_file("bad.npz", b), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "its rows have 12 values, which are no square image: save array.reshape");
    free(b.p);
    free(npy.p);
}

static void test_batches(void **state) {
    (void)state;
    mkdir(at("b"), 0777);
    mkdir(at("out"), 0777);
    add_batch("b/train_data_batch_10.npz", 2, 40, ZIP_CM_STORE);
    add_batch("b/train_data_batch_2.npz", 3, 20, ZIP_CM_DEFLATE);
    add_batch("b/train_data_batch_1.npz", 1, 10, ZIP_CM_DEFLATE);
    const uint8_t all[] = {10, 20, 21, 22, 40, 41};
    assert_int_equal(open_data(at("b"), NULL), PRNN_OK);
    assert_firsts(all, 6);
    for (size_t first = 0; first < 6; first++) {
        for (size_t limit = 1; limit <= 6; limit++) {
            prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
            o.first = first;
            o.limit = limit;
            assert_int_equal(open_data(at("b"), &o), PRNN_OK);
            assert_firsts(all + first, limit < 6 - first ? limit : 6 - first);
        }
    }
    assert_int_equal(check_convert(at("b"), NULL), 6);
    add_batch("b/val_data.npz", 2, 70, ZIP_CM_STORE); /* stays out */
    assert_int_equal(open_data(at("b"), NULL), PRNN_OK);
    assert_firsts(all, 6);
    mkdir(at("v"), 0777);
    add_batch("v/x_3.npz", 1, 3, ZIP_CM_STORE);
    add_batch("v/x_03.npz", 1, 1, ZIP_CM_STORE);
    add_batch("v/x_20.npz", 1, 5, ZIP_CM_STORE);
    add_batch("v/x_4.npz", 1, 4, ZIP_CM_STORE);
    add_batch("v/w.npz", 1, 0, ZIP_CM_STORE);
    assert_int_equal(open_data(at("v"), NULL), PRNN_OK);
    assert_firsts((uint8_t[]){0, 1, 3, 4, 5}, 5);
    write_file("v/x_5.npz", (bytes){(uint8_t *)"PK\3\4damaged", 11});
    assert_int_equal(open_data(at("v"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "x_5.npz: ");
}
#else
static void test_planes(void **state) {
    (void)state;
    mkdir(at("b"), 0777);
    write_file("b/x.npz", (bytes){(uint8_t *)"PK\3\4", 4});
    assert_int_equal(open_data(at("b"), NULL), PRNN_ERROR_FORMAT);
    assert_message(ctx, "x.npz: this build of pixelrnn has no libzip");
}

static void test_batches(void **state) {
    (void)state;
}
#endif

/* ----------------------------------------------------------------------------------- failures */

static bool stop_now(void *user, const prnn_progress *p) {
    (void)user;
    assert_string_equal(p->phase, "convert");
    assert_int_equal(p->total, 400);
    assert_int_equal(p->size, sizeof *p);
    assert_true(isnan(p->train_nats) && isnan(p->valid_nats) && isnan(p->best_nats)); /* nothing is trained */
    return p->done < 128;
}

static void refuse(const char *path, const prnn_data_options *o, const char *out, prnn_status expected,
                   const char *part) {
    bytes before = read_file(at("out/old.npy"));
    size_t written = 77, skipped = 77;
    assert_int_equal(prnn_data_convert(ctx, path, o, out, &written, &skipped), expected);
    assert_message(ctx, part);
    assert_int_equal(written, 77);
    assert_int_equal(count_files(at("out")), 1); /* nothing is left behind */
    bytes after = read_file(at("out/old.npy"));
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    free(before.p);
    free(after.p);
}

static void test_failures(void **state) {
    (void)state;
    make_folder(400);
    bytes b = make_npy(1, NPY_DICT("|u1", "(5, 4, 3)"), 60);
    write_file("out/old.npy", b);
    b.p[b.n - 1]++;
    write_file("cut.npy", (bytes){b.p, b.n - 1});
    free(b.p);
    prnn_data_options o = small_options();
    refuse(at("nothing"), &o, at("out/new.npy"), PRNN_ERROR_FILE, "nothing: cannot be opened");
    refuse(at("cut.npy"), &o, at("out/old.npy"), PRNN_ERROR_FORMAT, "cut.npy: ");
    refuse(at("in"), &o, at("nowhere/new.npy"), PRNN_ERROR_FILE, "new.npy: cannot be written");
    prnn_data_options exact = PRNN_DATA_OPTIONS_INIT;
    refuse(at("in"), &exact, at("out/old.npy"), PRNN_ERROR_FORMAT, "0001.png: the image is 5 x 5");
    exact.levels = 2;
    exact.binarize_sample = true;
    refuse(at("in"), &exact, at("out/new.npy"), PRNN_ERROR_ARGUMENT, "binarize");
    o.progress = stop_now;
    refuse(at("in"), &o, at("out/old.npy"), PRNN_STOPPED,
           "stopped after 128 of 400 images; nothing was written");
    o.progress = NULL;
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    refuse(at("in"), &o, at("out/new.npy"), PRNN_ERROR_FILE, "new.npy: could not be written: File too large");
    setrlimit(RLIMIT_FSIZE, &limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_convert),
        TEST(test_planes),
        TEST(test_batches),
        TEST(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which files of a folder are the data, what is said of the others, and in which folders pictures lie. */
#include "data_sets.h"

#include <errno.h>

static char said[4096], skipped[4096];
static size_t skips;

static void note(void *user, const char *sentence) {
    (void)user;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", sentence);
}

static void on_skipped(void *user, const char *path, const char *why) {
    (void)user;
    assert_non_null(strstr(why, path));
    size_t used = strlen(skipped);
    snprintf(skipped + used, sizeof skipped - used, "%s\n", why);
    skips++;
}

static prnn_status open_folder(const char *name, uint64_t shuffle) {
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.note = note;
    o.skipped = on_skipped;
    o.shuffle = shuffle;
    said[0] = skipped[0] = 0;
    skips = 0;
    return open_data(at(name), &o);
}

static void refuse(const char *name, const char *part) {
    assert_int_equal(open_folder(name, 0), PRNN_ERROR_FORMAT);
    assert_message(ctx, part);
}

static void assert_in(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
    }
}

static void add_png(const char *name, uint8_t value) {
    bytes b = make_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, (uint8_t[]){value, 255}, 2);
    write_file(name, b);
    free(b.p);
}

static void add_text(const char *name) {
    write_file(name, (bytes){(uint8_t *)"anything", 8});
}

/* --------------------------------------------------------------------------------------- the data */

static void test_beside_pictures(void **state) {
    (void)state;
    mkdir(at("p"), 0777);
    mkdir(at("p/below"), 0777);
    add_png("p/a.png", 1);
    add_text("p/labels.npz");
    refuse("p", "p: holds pictures (");
    assert_message(ctx, "p/a.png) and other data (");
    assert_message(ctx, "p/labels.npz), and either may be meant: move one of them into another folder");
    add_png("p/below/b.png", 2);
    add_text("p/below/c.npz"); /* only that folder's own are looked at */
    assert_int_equal(open_folder("p", 0), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 2);
    assert_in(said, "p: its pictures are read, and not ");
    assert_in(said, "p/labels.npz: name it to read that");
    add_text("p/more.npy");
    add_text("p/other.npy");
    assert_int_equal(open_folder("p", 0), PRNN_OK);
    assert_in(said, "p/more.npy and 1 more: name it");
    /* Files of known names are sure to be data. */
    static const char *const sure[] = {"p/data_batch_1.bin", "p/train.bin", "p/train_data_batch_1.npz"};
    for (size_t i = 0; i < 3; i++) {
        add_text(sure[i]);
        refuse("p", sure[i]);
        assert_message(ctx, "p/a.png and 1 more) and other data (");
        assert_int_equal(unlink(at(sure[i])), 0);
    }
}

static void test_training_images(void **state) {
    (void)state;
    mkdir(at("c"), 0777);
    bytes b = make_cifar(1, 2);
    write_file("c/data_batch_1.bin", b);
    assert_int_equal(open_folder("c", 0), PRNN_OK);
    assert_string_equal(said, "");
    write_file("c/test_batch.bin", b);
    add_text("c/x.gif");
    assert_int_equal(open_folder("c", 0), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 2);
    assert_in(said, "c: the training images, data_batch_*.bin, are read, and not ");
    assert_in(said, "c/test_batch.bin: name it to read that");
    free(b.p);
}

/* What would be data if it were named, or something else than it is. */
static void test_no_data(void **state) {
    (void)state;
    static const struct {
        const char *folder, *file, *part;
    } cases[] = {
        {"py", "py/data_batch_1",
         "py/data_batch_1), and its binary version is read: fetch cifar-10-binary.tar.gz"},
        {"raw", "raw/train-images-idx3-ubyte", "but idx files: name one of its files, such as "},
        {"npy", "npy/x.npy", "npy/x.npy"},
        {"text", "text/x.txt", "holds no images: looked for *.png"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mkdir(at(cases[i].folder), 0777);
        add_text(cases[i].file);
        refuse(cases[i].folder, cases[i].part);
    }
    add_text("raw/t10k-images-idx3-ubyte");
    refuse("raw", "raw/train-images-idx3-ubyte");
}

/* ---------------------------------------------------------------------------------------- skipped */

static void test_not_read(void **state) {
    (void)state;
    mkdir(at("g"), 0777);
    add_text("g/0.gif");
    add_text("g/3.heic");
    refuse("g", "g: none of its 2 pictures can be used; the first: ");
    assert_message(ctx, "g/0.gif: is ");
    add_png("g/1.png", 1);
    add_png("g/2.bmp", 2); /* the content counts */
    add_text("g/notes.txt");
    add_text("g/4.JFIF");
    assert_int_equal(open_folder("g", 0), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 2);
    assert_int_equal(prnn_data_skipped(data), 3);
    assert_int_equal(skips, 3);
    const char *from = skipped;
    static const char *const in_order[] = {"g/0.gif", "g/3.heic", "g/4.JFIF"};
    for (size_t i = 0; i < 3; i++) {
        from = strstr(from, in_order[i]);
        assert_non_null(from);
    }
}

/* Root may read all folders, so it becomes somebody else for a while. */
static void test_locked(void **state) {
    (void)state;
    bool root = geteuid() == 0;
    mkdir(at("l"), 0777);
    mkdir(at("l/lost+found"), 0777);
    add_png("l/lost+found/0.png", 1);
    add_png("l/1.png", 2);
    assert_int_equal(chmod(test_folder, 0755), 0);
    assert_int_equal(chmod(at("l/lost+found"), 0), 0);
    if (root) {
        assert_int_equal(seteuid(65534), 0);
    }
    prnn_status status = open_folder("l", 0);
    size_t count = status == PRNN_OK ? prnn_data_count(data) : 0;
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(status, PRNN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(prnn_data_skipped(data), 1);
    assert_in(skipped, "l/lost+found: the folder cannot be read: Permission denied");
    assert_int_equal(chmod(at("l"), 0), 0);
    if (root) {
        assert_int_equal(seteuid(65534), 0);
    }
    status = open_folder("l", 0);
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(status, PRNN_ERROR_FILE); /* what was named must be there */
    assert_int_equal(chmod(at("l"), 0755), 0);
    assert_int_equal(chmod(at("l/lost+found"), 0755), 0);
}

/* ---------------------------------------------------------------------------------------- folders */

static size_t count_folders(const prnn_data *d, size_t first, size_t n) {
    size_t folders = 99;
    assert_int_equal(prnn_data_folders(ctx, d, first, n, &folders), PRNN_OK);
    return folders;
}

static void test_folders(void **state) {
    (void)state;
    static const char *const folders[] = {"f", "f/a", "f/a/m", "f/a/m/x", "f/a-", "f/b"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        mkdir(at(folders[i]), 0777);
    }
    /* In their order; a folder goes on after one within it. */
    static const char *const files[] = {"f/0.png",       "f/a-/1.png", "f/a/a.png",     "f/a/m/1.png",
                                        "f/a/m/x/1.png", "f/a/n.png",  "f/a/zzz/1.png", "f/b/1.png",
                                        "f/b/2.png",     "f/z.png"};
    static const int folder_of[] = {0, 1, 2, 3, 4, 2, 5, 6, 6, 0};
    mkdir(at("f/a/zzz"), 0777);
    for (size_t i = 0; i < 10; i++) {
        add_png(files[i], (uint8_t)i);
    }
    add_text("f/a/b.gif"); /* skipped */
    assert_int_equal(open_folder("f", 0), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 10);
    for (size_t first = 0; first < 10; first++) {
        for (size_t n = 0; first + n <= 10; n++) {
            size_t expected = 0;
            bool met[7] = {false};
            for (size_t i = first; i < first + n; i++) {
                expected += !met[folder_of[i]];
                met[folder_of[i]] = true;
            }
            assert_int_equal(count_folders(data, first, n), expected);
        }
    }
    size_t none;
    assert_int_equal(prnn_data_folders(ctx, data, 5, 6, &none), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "6 images from number 5 on: the data set has images 0..9");
    prnn_data *rest;
    assert_int_equal(prnn_data_split(ctx, data, 7, &rest), PRNN_OK);
    assert_int_equal(count_folders(data, 0, 7), 6);
    assert_int_equal(count_folders(rest, 0, 3), 2);
    prnn_data_free(rest);
    /* Shuffled, each keeps its folder. */
    assert_int_equal(open_folder("f", 3), PRNN_OK);
    size_t where[10];
    for (size_t i = 0; i < 10; i++) {
        uint8_t image[2];
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        where[i] = image[0];
    }
    for (size_t i = 0; i + 1 < 10; i++) {
        assert_int_equal(count_folders(data, i, 2), folder_of[where[i]] == folder_of[where[i + 1]] ? 1 : 2);
    }
    bytes b = make_npy(1, NPY_DICT("|u1", "(3, 2, 2)"), 12);
    assert_int_equal(open_data(write_file("x.npy", b), NULL), PRNN_OK);
    assert_int_equal(count_folders(data, 0, 3), 0);
    free(b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_beside_pictures), TEST(test_training_images), TEST(test_no_data),
        TEST(test_not_read),        TEST(test_locked),          TEST(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

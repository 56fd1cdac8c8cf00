/* The memory that threads which decode pictures share, and what a picture asks of it. */
#include "base/budget.h"
#include "base/parallel.h"
#include "data_sets.h"

#include <stdatomic.h>
#include <unistd.h>

enum { BUDGET = 100, PIECES = 64 };

typedef struct work {
    prnn_budget budget;
    size_t bytes; /* that each takes */
    atomic_int now, most, failed;
} work;

static void take_and_give(void *arg, size_t i, void *own_memory) {
    (void)i;
    (void)own_memory;
    work *w = arg;
    prnn_context own = {.budget = &w->budget};
    if (prnn_budget_take(&own, w->bytes, "it") != PRNN_OK) {
        atomic_fetch_add(&w->failed, 1);
        return;
    }
    int now = atomic_fetch_add(&w->now, 1) + 1;
    int most = atomic_load(&w->most);
    while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now)) {
    }
    usleep(500);
    atomic_fetch_sub(&w->now, 1);
    prnn_budget_give(&own);
}

/* At most so many of eight threads have theirs at once, and all get it. */
static void test_threads(void **state) {
    (void)state;
    assert_int_equal(prnn_context_set_threads(ctx, 8), PRNN_OK);
    for (size_t at_once = 1; at_once <= 4; at_once++) {
        work w = {.bytes = BUDGET / at_once};
        prnn_budget_init(&w.budget, BUDGET);
        prnn_parallel_for(ctx, PIECES, take_and_give, &w);
        assert_in_range(w.most, 1, at_once);
        assert_int_equal(w.failed, 0);
        assert_int_equal(w.budget.taken, 0);
        prnn_budget_destroy(&w.budget);
    }
}

static void test_too_much(void **state) {
    (void)state;
    prnn_budget budget;
    prnn_budget_init(&budget, BUDGET);
    prnn_context own = {.budget = &budget};
    assert_int_equal(prnn_budget_take(&own, BUDGET + 1, "it"), PRNN_ERROR_MEMORY);
    assert_message(&own, "it: takes 101 bytes of memory to decode, and 100 are free");
    prnn_budget_give(&own);
    assert_int_equal(budget.taken, 0);
    prnn_budget_destroy(&budget);
    assert_int_equal(prnn_budget_take(ctx, (size_t)1 << 60, "it"), PRNN_ERROR_MEMORY); /* of the machine */
    assert_int_equal(prnn_budget_take(ctx, 1 << 20, "it"), PRNN_OK);
}

/* How much of a budget that is large enough the picture takes; and that one byte less is refused. */
static size_t taken_by(bytes b) {
    prnn_budget budget;
    prnn_budget_init(&budget, (size_t)1 << 40);
    prnn_context own = {.budget = &budget};
    prnn_image image;
    assert_int_equal(prnn_picture_decode(&own, "x", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    prnn_image_free(&image);
    size_t taken = budget.taken;
    prnn_budget_give(&own);
    assert_int_equal(budget.taken, 0);
    budget.bytes = taken - 1;
    assert_int_equal(prnn_picture_decode(&own, "x", b.p, b.n, NULL, &image, NULL), PRNN_ERROR_MEMORY);
    assert_null(image.values);
    assert_message(&own, "x: takes ");
    prnn_budget_destroy(&budget);
    free(b.p);
    return taken;
}

static void test_png(void **state) {
    (void)state;
    bytes grey = make_png(64, 64, SPNG_COLOR_TYPE_GRAYSCALE, 8, 0, values(), 64 * 64);
    bytes colour = make_png(64, 64, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, values(), 64 * 64 * 3);
    size_t grey_file = grey.n, colour_file = colour.n;
    assert_int_equal(open_data(write_file("grey.png", grey), NULL), PRNN_OK); /* where there is no budget */
    assert_int_equal(prnn_data_channels(data), 1);
    assert_int_equal(taken_by(grey), 64 * 64 + grey_file);
    assert_int_equal(taken_by(colour), 64 * 64 * 3 + colour_file);
}

/* A turned picture is there twice for a while. */
static void test_turned(void **state) {
    (void)state;
    bytes exif = make_exif(true, 6);
    bytes grey = make_png(64, 32, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 0, values(), 64 * 32 * 2);
    bytes turned_grey = with_chunk(grey, AFTER_IHDR, "eXIf", exif.p, exif.n);
    size_t file = turned_grey.n;
    assert_int_equal(taken_by(turned_grey), 64 * 32 * 4 + 64 * 32 + file);
    free(grey.p);
#ifdef PRNN_HAVE_TURBOJPEG
    enum { APP0_END = 20 };
    bytes jpeg = make_jpeg(64, 48, 3, 0), turned_jpeg = {0};
    add(&turned_jpeg, jpeg.p, APP0_END);
    add(&turned_jpeg, "\xff\xe1\0\x2e\x45xif\0", 10);
    add(&turned_jpeg, exif.p, exif.n);
    add(&turned_jpeg, jpeg.p + APP0_END, jpeg.n - APP0_END);
    file = turned_jpeg.n;
    assert_int_equal(taken_by(turned_jpeg), 2 * 64 * 48 * 3 + file);
    jpeg.p[11] = 2; /* mended in a copy of the file */
    file = jpeg.n;
    assert_int_equal(taken_by(jpeg), 64 * 48 * 3 + 2 * file);
#endif
    free(exif.p);
}

/* A few kilobytes that ask for much are refused before anything is decoded. */
static void test_bomb(void **state) {
    (void)state;
    enum { SIDE = 16384, BYTES = SIDE / 8 * SIDE };
    uint8_t *zeros = calloc(BYTES, 1);
    bytes b = make_png(SIDE, SIDE, SPNG_COLOR_TYPE_GRAYSCALE, 1, 0, zeros, BYTES);
    free(zeros);
    assert_in_range(b.n, 1, 100000);
    prnn_budget budget;
    prnn_budget_init(&budget, 64 << 20);
    prnn_context own = {.budget = &budget};
    prnn_image image;
    assert_int_equal(prnn_picture_decode(&own, "bomb.png", b.p, b.n, NULL, &image, NULL), PRNN_ERROR_MEMORY);
    assert_message(&own, "bomb.png: takes 268");
    prnn_budget_destroy(&budget);
    free(b.p);
}

/* A progressive picture takes its coefficients too. */
static void test_jpeg(void **state) {
    (void)state;
#ifdef PRNN_HAVE_TURBOJPEG
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        bytes plain = make_jpeg(64, 48, channels, 0);
        bytes passes = make_jpeg(64, 48, channels, TJFLAG_PROGRESSIVE);
        size_t pixels = 64 * 48 * (size_t)channels, plain_file = plain.n, passes_file = passes.n;
        assert_int_equal(taken_by(plain), pixels + plain_file);
        assert_int_equal(taken_by(passes), pixels + 2 * pixels + passes_file);
    }
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_threads), TEST(test_too_much), TEST(test_png),
        TEST(test_turned),  TEST(test_bomb),     TEST(test_jpeg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

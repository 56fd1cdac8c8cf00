/* Conversions that ranks do together (ranks.h): whatever their number, the file has the bytes that one rank
 * alone writes, and what fails on one of them fails on all and leaves nothing. Run under the thread sanitizer
 * too. */
#include "data_files.h"
#include "ranks.h"

static char in[256], fewer[256], nowhere[256], out[256], alone[256];

enum { RANKS = 4, PICTURES = 600, COLOURS = 5 };

/* What is different on one rank. */
typedef enum trouble { NONE, ANOTHER_FOLDER, NO_FOLDER, STOP, NO_PLACE, TROUBLES } trouble;

typedef struct job {
    const char *path, *out;
    prnn_data_options options;
    trouble trouble;
    int rank; /* that has it */
    prnn_status status[TEAM_MOST];
    char message[TEAM_MOST][512];
    size_t written[TEAM_MOST], skipped[TEAM_MOST];
    uint64_t heard[TEAM_MOST]; /* hash of what was said of skipped pictures */
    prnn_palette palette[TEAM_MOST];
} job;

typedef struct watch {
    job *of;
    int rank;
} watch;

static void on_skipped(void *user, const char *path, const char *why) {
    const watch *w = user;
    uint64_t *hash = &w->of->heard[w->rank];
    for (const char *c = path; *c; c++) {
        *hash = *hash * 31 + (uint8_t)*c;
    }
    for (const char *c = why; *c; c++) {
        *hash = *hash * 31 + (uint8_t)*c;
    }
}

static bool on_progress(void *user, const prnn_progress *p) {
    const watch *w = user;
    (void)p;
    return w->of->trouble != STOP || w->of->rank != w->rank;
}

static void convert(prnn_context *own, int rank, void *user) {
    job *j = user;
    watch w = {j, rank};
    bool troubled = rank == j->rank;
    prnn_data_options o = j->options;
    const char *path = troubled && j->trouble == ANOTHER_FOLDER ? fewer
                       : troubled && j->trouble == NO_FOLDER    ? nowhere
                                                                : j->path;
    o.together = true;
    o.skipped = on_skipped;
    o.progress = on_progress;
    o.user = &w;
    o.palette_used = o.paletted ? &j->palette[rank] : NULL;
    j->heard[rank] = 0;
    j->palette[rank] = (prnn_palette){.count = 0};
    j->status[rank] = prnn_data_convert(own, path, &o, j->trouble == NO_PLACE ? nowhere : j->out,
                                        &j->written[rank], &j->skipped[rank]);
    snprintf(j->message[rank], sizeof j->message[rank], "%s",
             j->status[rank] == PRNN_OK ? "" : prnn_message(own));
}

/* ---------------------------------------------------------------------------------------- data */

/* Of some colours, which pictures have in different orders; some are damaged, the first two among them. */
static void add_pictures(const char *folder, size_t count) {
    uint8_t pixels[4 * 5 * 3];
    mkdir(at(folder), 0777);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%04zu.png", folder, i);
        if (i < 2 || i % 50 == 7) {
            write_file(name, (bytes){(uint8_t *)"damaged", 7});
            continue;
        }
        for (size_t p = 0; p < 20; p++) {
            uint8_t colour = (uint8_t)((p * p + i) % (i < 300 ? 3 : COLOURS));
            pixels[3 * p] = (uint8_t)(40 * colour);
            pixels[3 * p + 1] = (uint8_t)(250 - 50 * colour);
            pixels[3 * p + 2] = 9;
        }
        bytes b = make_png(4, 5, SPNG_COLOR_TYPE_TRUECOLOR, 8, 0, pixels, sizeof pixels);
        write_file(name, b);
        free(b.p);
    }
}

static void make_folders(void) {
    mkdir(at("out"), 0777);
    add_pictures("in", PICTURES);
    add_pictures("fewer", PICTURES - 1);
    snprintf(in, sizeof in, "%s", at("in"));
    snprintf(fewer, sizeof fewer, "%s", at("fewer"));
    snprintf(nowhere, sizeof nowhere, "%s", at("nowhere/set.npy"));
    snprintf(out, sizeof out, "%s", at("out/set.npy"));
    snprintf(alone, sizeof alone, "%s", at("alone.npy"));
}

/* ------------------------------------------------------------------------------------ the same bytes */

static void assert_same_file(const char *a, const char *b) {
    FILE *one = fopen(a, "rb"), *other = fopen(b, "rb");
    int c;
    assert_true(one && other);
    while ((c = getc(one)) != EOF) {
        assert_int_equal(c, getc(other));
    }
    assert_int_equal(getc(other), EOF);
    fclose(one);
    fclose(other);
}

static void check_ranks(job *j) {
    static job one;
    prnn_context *ctx = prnn_context_create();
    one = *j;
    one.out = alone;
    convert(ctx, 0, &one);
    prnn_context_free(ctx);
    assert_string_equal(one.message[0], "");
    for (int ranks = 2; ranks <= 17; ranks += 1 + ranks / 2) {
        team_run(ranks, 1 + ranks % 2, convert, j);
        for (int r = 0; r < ranks; r++) {
            assert_string_equal(j->message[r], "");
            assert_int_equal(j->written[r], one.written[0]);
            assert_int_equal(j->skipped[r], one.skipped[0]);
            assert_int_equal(j->heard[r], one.heard[0]);
            assert_memory_equal(&j->palette[r], &one.palette[0], sizeof one.palette[0]);
        }
        assert_same_file(alone, out);
        unlink(out);
    }
    unlink(alone);
}

static void test_bytes(void **state) {
    (void)state;
    static job j;
    make_folders();
    j = (job){.path = in, .out = out, .options = PRNN_DATA_OPTIONS_INIT};
    check_ranks(&j);
    j.options.first = 3;
    j.options.limit = 400;
    j.options.shuffle = 8;
    check_ranks(&j);
    j.options = (prnn_data_options)PRNN_DATA_OPTIONS_INIT;
    j.options.paletted = true;
    check_ranks(&j);
    assert_int_equal(j.palette[0].count, COLOURS);
}

/* --------------------------------------------------------------------------------------- failures */

static void test_failures(void **state) {
    (void)state;
    static const char *const says[TROUBLES] = {"", "has another list of pictures", "nowhere", "stopped",
                                               "nowhere"};
    static job j;
    make_folders();
    for (trouble t = ANOTHER_FOLDER; t < TROUBLES; t++) {
        j = (job){.path = in, .out = out, .options = PRNN_DATA_OPTIONS_INIT, .trouble = t, .rank = 2};
        team_run(RANKS, 1, convert, &j);
        for (int r = 0; r < RANKS; r++) {
            assert_int_not_equal(j.status[r], PRNN_OK);
            if (!strstr(j.message[r], says[t])) {
                fail_msg("trouble %d, rank %d says \"%s\"", (int)t, r, j.message[r]);
            }
        }
        assert_int_equal(count_files(at("out")), 0);
    }
}

/* In each call of the table in turn. What is there afterwards is whole. */
static void test_loss(void **state) {
    (void)state;
    static job j;
    long call = 0;
    make_folders();
    j = (job){.path = in, .out = alone, .options = PRNN_DATA_OPTIONS_INIT};
    team_run(1, 1, convert, &j);
    do {
        j = (job){.path = in, .out = out, .options = PRNN_DATA_OPTIONS_INIT};
        j.status[0] = PRNN_ERROR_RANK; /* lost before the conversion began */
        team_run_and_lose(RANKS, 1, convert, &j, 2, ++call);
        if (count_files(at("out")) > 0) {
            assert_same_file(alone, out);
            unlink(out);
        } else {
            assert_int_equal(j.status[0], PRNN_ERROR_RANK);
        }
    } while (j.status[0] == PRNN_ERROR_RANK);
    assert_string_equal(j.message[0], "");
    assert_true(call > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_failures, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_loss, make_test_folder, remove_test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

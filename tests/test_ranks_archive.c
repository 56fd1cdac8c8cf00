/* Archives that ranks write together (ranks.h): whatever their number, the file has the bytes that one rank
 * alone writes, and what fails on one of them fails on all and leaves nothing. Run under the thread sanitizer
 * too. */
#include "archives.h"
#include "ranks.h"

#include <dirent.h>

enum { SEED = 5, RANKS = 4, LARGE = 4096 };

static char folder[] = "/tmp/prnn_test_ranks_archive_XXXXXX";
static char path[sizeof folder + 16];

/* What is different on one rank. */
typedef enum trouble {
    NONE,
    ANOTHER_IMAGE,
    ANOTHER_NAME,
    FEWER_IMAGES,
    ANOTHER_TILE,
    ANOTHER_MODEL,
    NO_IMAGE, /* that can be one */
    STOP,
    TROUBLES
} trouble;

/* What ranks are asked to write, and what came of it on each. */
typedef struct job {
    const prnn_model *model, *other;
    const album *album;
    prnn_archive_options options;
    const char *path;
    trouble trouble;
    int rank; /* that has it */
    prnn_status status[TEAM_MOST];
    char message[TEAM_MOST][512];
    prnn_archive_info info[TEAM_MOST];
    uint64_t last[TEAM_MOST]; /* of its progress */
    bool odd[TEAM_MOST];      /* which is not as it should be */
} job;

typedef struct watch {
    job *of;
    int rank;
} watch;

static bool on_progress(void *user, const prnn_progress *p) {
    const watch *w = user;
    w->of->odd[w->rank] |=
        strcmp(p->phase, "compress") != 0 || p->done < w->of->last[w->rank] || p->done > p->total;
    w->of->last[w->rank] = p->done;
    return w->of->trouble != STOP || w->of->rank != w->rank;
}

static prnn_status add_all(prnn_context *ctx, const job *j, bool troubled, prnn_archive_writer *writer) {
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < j->album->count && status == PRNN_OK; i++) {
        picture p = j->album->list[i];
        uint8_t other = 1;
        bool here = troubled && i == 2;
        if (here && j->trouble == FEWER_IMAGES) {
            continue;
        }
        p.name = here && j->trouble == ANOTHER_NAME ? "another.png" : p.name;
        p.channels = here && j->trouble == NO_IMAGE ? 5 : p.channels;
        if (here && j->trouble == ANOTHER_IMAGE) {
            p.values = &other;
            p.height = p.width = p.channels = 1;
        }
        status = prnn_archive_writer_add(ctx, writer, p.name, p.values, 1, p.height, p.width, p.channels);
    }
    return status;
}

static void write_archive(prnn_context *ctx, int rank, void *user) {
    job *j = user;
    watch w = {j, rank};
    prnn_archive_writer *writer;
    prnn_archive_options options = j->options;
    bool troubled = rank == j->rank;
    const prnn_model *model = troubled && j->trouble == ANOTHER_MODEL ? j->other : j->model;
    options.tile = troubled && j->trouble == ANOTHER_TILE ? 17 : options.tile;
    options.progress = on_progress;
    options.user = &w;
    j->last[rank] = 0;
    j->odd[rank] = false;
    j->info[rank] = (prnn_archive_info)PRNN_ARCHIVE_INFO_INIT;
    prnn_status status = prnn_archive_writer_create(ctx, model, j->path, &options, &writer);
    status = status == PRNN_OK ? add_all(ctx, j, troubled, writer) : status;
    status = status == PRNN_OK ? prnn_archive_writer_finish(ctx, writer, &j->info[rank]) : status;
    prnn_archive_writer_free(writer);
    j->status[rank] = status;
    snprintf(j->message[rank], sizeof j->message[rank], "%s", status == PRNN_OK ? "" : prnn_message(ctx));
}

/* ------------------------------------------------------------------------------------ the same bytes */

static void check_written(const job *j, int ranks, const uint8_t *bytes, size_t n,
                          const prnn_archive_info *info) {
    size_t size;
    uint8_t *file = file_bytes(j->path, &size);
    for (int r = 0; r < ranks; r++) {
        if (j->status[r] != PRNN_OK) {
            fail_msg("rank %d of %d: %s", r, ranks, j->message[r]);
        }
        assert_memory_equal(&j->info[r], info, sizeof *info);
        assert_false(j->odd[r]);
    }
    if (size != n || memcmp(file, bytes, n) != 0) {
        fail_msg("%d ranks write another archive than one, with block %d", ranks, j->options.block);
    }
    free(file);
    unlink(j->path);
}

static void check_ranks(job *j, int most) {
    size_t n;
    prnn_context *ctx = context_of(NULL, 2);
    write_archive(ctx, 0, j);
    assert_ok(ctx, j->status[0]);
    prnn_archive_info info = j->info[0];
    uint8_t *bytes = file_bytes(j->path, &n);
    prnn_context_free(ctx);
    unlink(j->path);
    for (int ranks = 2; ranks <= most; ranks += 1 + ranks / 3) {
        team_run(ranks, 1 + ranks % 2, write_archive, j);
        check_written(j, ranks, bytes, n, &info);
    }
    free(bytes);
}

/* Of all sizes, in blocks of one part and of many, so also fewer blocks than ranks. */
static void test_bytes(void **state) {
    (void)state;
    static const prnn_kind kinds[] = {PRNN_ROW, PRNN_DIAGONAL, PRNN_CNN};
    static job j;
    album a = album_of(3);
    for (int i = 0; i < 3; i++) {
        prnn_config c =
            law_config(kinds[i], &(law_shape){"", 4, 4, i == 1 ? 3 : 1, 3, 1, 3, 4, true, false, 0, 0, 0});
        law_model m = law_open(&c, SEED);
        for (int block = 0; block < 4; block++) {
            j = (job){.model = m.model, .album = &a, .options = PRNN_ARCHIVE_OPTIONS_INIT, .path = path};
            j.options.block = block == 3 ? 1000 : block;
            j.options.tile = 16;
            j.options.model_inside = block == 1;
            j.options.no_verify = block == 2;
            check_ranks(&j, block == 1 ? 17 : 5);
        }
        law_close(&m);
    }
    album_free(&a);
}

/* Three batches. No level of the model: stored. */
static void test_batches(void **state) {
    (void)state;
    static job j;
    album a = {.count = 0};
    prnn_config c = law_config(PRNN_CNN, &(law_shape){"", 4, 4, 1, 3, 1, 3, 4, true, false, 0, 0, 0});
    law_model m = law_open(&c, SEED);
    uint8_t *values = malloc((size_t)LARGE * LARGE);
    assert_non_null(values);
    memset(values, 77, (size_t)LARGE * LARGE);
    for (int i = 0; i < 5; i++) {
        album_add(&a, NULL, LARGE, LARGE, 1, PAINT_FLAT);
        a.list[i].values = values;
    }
    j = (job){.model = m.model, .album = &a, .options = PRNN_ARCHIVE_OPTIONS_INIT, .path = path};
    j.options.no_verify = true;
    check_ranks(&j, 3);
    assert_int_equal(j.info[0].raw_bytes, (uint64_t)5 * LARGE * LARGE);
    free(values);
    law_close(&m);
}

/* --------------------------------------------------------------------------------------- failures */

/* Neither an archive nor what would have become one. */
static void assert_empty(void) {
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            fail_msg("%s is left", e->d_name);
        }
    }
    closedir(d);
}

static void assert_failed(const job *j, prnn_status status, const char *says) {
    for (int r = 0; r < RANKS; r++) {
        assert_int_equal(j->status[r], status);
        if (!strstr(j->message[r], says)) {
            fail_msg("trouble %d, rank %d: should say \"%s\", says \"%s\"", (int)j->trouble, r, says,
                     j->message[r]);
        }
    }
    assert_empty();
}

typedef struct setting {
    law_model m, other;
    album a;
    job j;
} setting;

static void setting_open(setting *s) {
    prnn_config c = law_config(PRNN_ROW, &(law_shape){"", 4, 4, 1, 3, 1, 3, 4, true, false, 0, 0, 0});
    s->m = law_open(&c, SEED);
    s->other = law_open(&c, SEED + 1);
    s->a = album_of(3);
    s->j = (job){.model = s->m.model,
                 .other = s->other.model,
                 .album = &s->a,
                 .options = PRNN_ARCHIVE_OPTIONS_INIT,
                 .path = path,
                 .rank = 2};
    s->j.options.block = 1;
    s->j.options.tile = 16;
}

static void setting_close(setting *s) {
    album_free(&s->a);
    law_close(&s->m);
    law_close(&s->other);
}

static void test_failures(void **state) {
    (void)state;
    static const char *const says[TROUBLES] = {
        [ANOTHER_IMAGE] = "has another batch of images to compress",
        [ANOTHER_NAME] = "has another batch of images to compress",
        [FEWER_IMAGES] = "has another batch of images to compress",
        [ANOTHER_TILE] = "has another model, or other options, to compress with",
        [ANOTHER_MODEL] = "has another model, or other options, to compress with",
        [NO_IMAGE] = "channels 1 to 4",
        [STOP] = "stopped",
    };
    static setting s;
    setting_open(&s);
    for (s.j.trouble = NONE + 1; s.j.trouble < TROUBLES; s.j.trouble++) {
        char where[64];
        snprintf(where, sizeof where, "rank %d on ", s.j.rank);
        team_run(RANKS, 1, write_archive, &s.j);
        assert_failed(&s.j, s.j.trouble == STOP ? PRNN_STOPPED : PRNN_ERROR_ARGUMENT, says[s.j.trouble]);
        assert_failed(&s.j, s.j.status[0], where);
    }
    setting_close(&s);
}

/* Rank 0 alone has a file to fail with, at its beginning or at its end. */
static void test_unwritable(void **state) {
    (void)state;
    static setting s;
    char lost[sizeof folder + 16];
    setting_open(&s);
    snprintf(lost, sizeof lost, "%s/no/a.prnn", folder);
    s.j.path = lost;
    team_run(RANKS, 1, write_archive, &s.j);
    assert_failed(&s.j, PRNN_ERROR_FILE, "rank 0 on ");
    s.j.path = folder; /* a file is not renamed over a folder */
    team_run(RANKS, 1, write_archive, &s.j);
    assert_failed(&s.j, PRNN_ERROR_FILE, "rank 0 on ");
    setting_close(&s);
}

/* In each call of the table in turn: no rank waits for ever, and no archive is there unless it is whole. */
static void test_loss(void **state) {
    (void)state;
    static setting s;
    size_t n, size;
    setting_open(&s);
    write_archive(s.m.ctx, 0, &s.j);
    assert_ok(s.m.ctx, s.j.status[0]);
    uint8_t *whole = file_bytes(path, &n);
    unlink(path);
    int lost = 0;
    for (long at = 3;; at++) {
        team_run_and_lose(RANKS, 1, write_archive, &s.j, 2, at);
        if (s.j.status[0] == PRNN_OK && s.j.status[2] == PRNN_OK) {
            break;
        }
        lost++;
        assert_int_equal(s.j.status[2], PRNN_ERROR_RANK);
        if (access(path, F_OK) == 0) {
            uint8_t *bytes = file_bytes(path, &size);
            assert_true(size == n && memcmp(bytes, whole, n) == 0);
            free(bytes);
            unlink(path);
        }
        assert_empty();
    }
    unlink(path);
    assert_true(lost >= 8); /* four agreements, two comparisons, heads and bytes of blocks */
    free(whole);
    setting_close(&s);
}

static int make_folder(void **state) {
    (void)state;
    bool made = mkdtemp(folder) != NULL;
    snprintf(path, sizeof path, "%s/a.prnn", folder);
    return made ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_batches), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_unwritable), cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

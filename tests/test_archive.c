/* Laws of archives: any images come back to the bit, whoever wrote them and whoever reads them, and take as
 * many bits as their likelihood says; what an archive needs is compared before anything is decoded. */
#include "archives.h"

#include "codec/directory.h"
#include "codec/header.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[] = "/tmp/prnn_test_archive_XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* The instruction set number i of this processor; NULL: there are no more. */
static const char *cpu_at(int i) {
    for (int k = 0; prnn_kernels_at(k); k++) {
        if (prnn_kernels_at(k)->supported() && i-- == 0) {
            return prnn_kernels_at(k)->name;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------ round trips */

/* Written on every instruction set, with 1, 2 or 16 threads, it is one file, and each reads it: so each reads
 * what any other wrote. */
static void test_round_trips(void **state) {
    static const int threads[] = {1, 2, 16}, blocks[] = {0, 1, 32, 3}, tiles[] = {0, 16, 0, 64};
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 3);
    album a = album_of(config.levels);
    for (int turn = config.layers % 2; turn < 4; turn += 2) {
        size_t n = 0, again;
        uint8_t *first = NULL;
        for (int i = 0; cpu_at(i); i++) {
            prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
            prnn_context *ctx = context_of(cpu_at(i), threads[(turn + i) % 3]);
            options.block = blocks[turn];
            options.tile = tiles[turn];
            archive_write(ctx, m.model, &a, path_of("a.prnn"), &options);
            uint8_t *bytes = file_bytes(path_of("a.prnn"), &again);
            assert_true(!first || again == n);
            n = again;
            first = first ? first : bytes;
            assert_memory_equal(bytes, first, n);
            expect_album(ctx, m.model, &a, path_of("a.prnn"));
            if (bytes != first) {
                free(bytes);
            }
            prnn_context_free(ctx);
        }
        free(first);
    }
    album_free(&a);
    law_close(&m);
}

/* Images that the model draws cost what it says, but for the end of a stream. */
static void test_length(void **state) {
    enum { N = 64 };
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 5);
    uint8_t *images = malloc(N * m.bytes);
    double nats[N], bits = 0;
    assert_non_null(images);
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, N, NULL, images));
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, NULL));
    for (int i = 0; i < N; i++) {
        bits += nats[i] / log(2);
    }
    for (int block = 1; block <= N; block *= 4) {
        prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
        prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
        prnn_archive_writer *writer;
        options.block = block;
        assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("c.prnn"), &options, &writer));
        assert_ok(m.ctx, prnn_archive_writer_add(m.ctx, writer, NULL, images, N, config.height, config.width,
                                                 config.channels));
        assert_ok(m.ctx, prnn_archive_writer_finish(m.ctx, writer, &info));
        prnn_archive_writer_free(writer);
        if (info.stored_blocks == 0) {
            double most = bits * 1.0003 + 9.0 * (double)info.blocks;
            assert_int_equal(info.blocks, N / block);
            if (!((double)info.coded_bytes * 8 <= most)) {
                fail_msg("blocks of %d: %llu bits, and the likelihood says %.1f", block,
                         8 * (unsigned long long)info.coded_bytes, bits);
            }
        }
    }
    free(images);
    law_close(&m);
}

/* ----------------------------------------------------------------------------------------- refused */

static prnn_config small_config(void) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = PRNN_ROW;
    c.height = c.width = 4;
    c.channels = 3;
    c.levels = 256;
    c.layers = 1;
    c.hidden = 4;
    c.head = 8;
    c.output = PRNN_LOGISTICS;
    c.components = 2;
    return c;
}

static void expect_refused(prnn_context *ctx, const prnn_model *model, prnn_archive *archive,
                           const char *word, const char *other) {
    assert_int_equal(prnn_archive_read(ctx, archive, model, NULL), PRNN_ERROR_ARGUMENT);
    if (!strstr(prnn_message(ctx), word) || !strstr(prnn_message(ctx), other)) {
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", prnn_message(ctx), word, other);
    }
}

/* Another model, another arithmetic, bf16, and a machine that computes something else. */
static void test_refused(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1), other = law_open(&config, 2);
    album a = album_of(256);
    char one[72], two[72];
    prnn_archive *archive;
    archive_write(m.ctx, m.model, &a, path_of("d.prnn"), NULL);
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("d.prnn"), &archive));
    assert_ok(m.ctx, prnn_model_fingerprint(m.ctx, m.model, one));
    assert_ok(m.ctx, prnn_model_fingerprint(m.ctx, other.model, two));
    one[16] = two[16] = 0;
    expect_refused(m.ctx, other.model, archive, one, two);
    expect_refused(m.ctx, NULL, archive, one, "give it");
    if (prnn_context_set_precision(m.ctx, "bf16") == PRNN_OK) {
        prnn_archive_writer *writer;
        expect_refused(m.ctx, m.model, archive, "bf16", "fp32");
        assert_int_equal(prnn_archive_writer_create(m.ctx, m.model, path_of("no.prnn"), NULL, &writer),
                         PRNN_ERROR_ARGUMENT);
        assert_ok(m.ctx, prnn_context_set_precision(m.ctx, "fp32"));
    }
    prnn_archive_free(archive);
    album_free(&a);
    law_close(&m);
    law_close(&other);
}

/* The same model in a file of another size can read it; one whose header says something else cannot. */
static void test_header(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    prnn_model *wide;
    prnn_header header, wide_header;
    assert_ok(m.ctx, prnn_model_resize(m.ctx, m.model, 9, 5, &wide));
    assert_ok(m.ctx, prnn_header_of(m.ctx, m.model, 64, &header));
    assert_ok(m.ctx, prnn_header_of(m.ctx, wide, 64, &wide_header));
    assert_memory_equal(&header, &wide_header, sizeof header);
    assert_ok(m.ctx, prnn_header_check_model(m.ctx, "f", &header, m.model));
    prnn_header changed = header;
    changed.probe ^= 1;
    assert_int_equal(prnn_header_check_model(m.ctx, "f", &changed, m.model), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "does not compute"));
    changed = header;
    snprintf(changed.arithmetic, sizeof changed.arithmetic, "fma32-2");
    assert_int_equal(prnn_header_check_model(m.ctx, "f", &changed, m.model), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "fma32-2"));
    assert_non_null(strstr(prnn_message(m.ctx), "fma32-1"));
    prnn_model_free(wide);
    law_close(&m);
}

static void test_arguments(void **state) {
    (void)state;
    static const char *const names[] = {"/a", "a//b", "../a", "a/..", "./a", "a/", "."};
    prnn_config config = small_config(), conditional = small_config();
    conditional.condition_size = 2;
    conditional.condition_features = 3;
    law_model m = law_open(&config, 1), given = law_open(&conditional, 1);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_writer *writer;
    uint8_t values[48] = {0};
    assert_int_equal(prnn_archive_writer_create(m.ctx, given.model, path_of("no"), NULL, &writer),
                     PRNN_ERROR_ARGUMENT);
    assert_null(writer);
    options.tile = 15;
    assert_int_equal(prnn_archive_writer_create(m.ctx, m.model, path_of("no"), &options, &writer),
                     PRNN_ERROR_ARGUMENT);
    options.tile = 0;
    options.block = 65536;
    assert_int_equal(prnn_archive_writer_create(m.ctx, m.model, path_of("no"), &options, &writer),
                     PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_archive_writer_create(m.ctx, m.model, "/no/such/folder/a", NULL, &writer),
                     PRNN_ERROR_FILE);
    assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("no"), NULL, &writer));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(prnn_archive_writer_add(m.ctx, writer, names[i], values, 1, 4, 4, 3),
                         PRNN_ERROR_ARGUMENT);
    }
    assert_int_equal(prnn_archive_writer_add(m.ctx, writer, "x", values, 2, 2, 2, 3), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_archive_writer_add(m.ctx, writer, NULL, values, 1, 0, 4, 3), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_archive_writer_add(m.ctx, writer, NULL, values, 1, 4, 4, 5), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_archive_writer_add(m.ctx, writer, NULL, values, 1, 40000, 4, 3), PRNN_ERROR_FORMAT);
    prnn_archive_writer_free(writer);
    assert_int_not_equal(access(path_of("no"), F_OK), 0);
    law_close(&m);
    law_close(&given);
}

/* ---------------------------------------------------------------------------------------- reading */

/* Any images of an archive, by number and by name; none at all. */
static void test_some(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    album a = album_of(256), none = {.count = 0};
    prnn_archive *archive;
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    uint64_t index;
    archive_write(m.ctx, m.model, &a, path_of("e.prnn"), NULL);
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("e.prnn"), &archive));
    for (size_t first = 0; first < a.count; first++) {
        for (size_t count = 1; first + count <= a.count; count += 11) {
            seen s = {.album = &a};
            options = (prnn_archive_read_options)PRNN_ARCHIVE_READ_OPTIONS_INIT;
            options.first = first;
            options.count = count;
            options.image = see;
            options.user = &s;
            assert_ok(m.ctx, prnn_archive_read(m.ctx, archive, m.model, &options));
            assert_int_equal(s.whole, count);
            assert_true(s.given[first] && s.given[first + count - 1]);
        }
    }
    for (size_t i = 0; i < a.count; i++) {
        prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
        prnn_archive_image_at(archive, i, &image);
        assert_int_equal(image.width, a.list[i].width);
        if (a.list[i].name) {
            assert_true(prnn_archive_find(archive, a.list[i].name, &index) && index == i);
            assert_string_equal(image.name, a.list[i].name);
        }
    }
    assert_false(prnn_archive_find(archive, "none", &index) || prnn_archive_find(archive, "", &index));
    options.first = 3;
    options.count = a.count - 2;
    assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, &options), PRNN_ERROR_ARGUMENT);
    options.first = options.count = 0;
    options.max_pixels = 100;
    assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, &options), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "at most 100"));
    prnn_archive_free(archive);
    archive_write(m.ctx, m.model, &none, path_of("e.prnn"), NULL);
    expect_album(m.ctx, m.model, &none, path_of("e.prnn"));
    album_free(&a);
    law_close(&m);
}

static void test_model_inside(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    album a = album_of(256);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive *archive;
    prnn_model *inside;
    char one[72], two[72];
    options.model_inside = true;
    prnn_archive_info info = archive_write(m.ctx, m.model, &a, path_of("f.prnn"), &options);
    size_t n;
    free(file_bytes(path_of("f.prnn"), &n));
    assert_int_equal(info.bytes, n);
    assert_true(info.model_bytes > 4 * m.parameters);
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("f.prnn"), &archive));
    assert_ok(m.ctx, prnn_archive_model(m.ctx, archive, &inside));
    assert_ok(m.ctx, prnn_model_fingerprint(m.ctx, m.model, one));
    assert_ok(m.ctx, prnn_model_fingerprint(m.ctx, inside, two));
    assert_string_equal(one, two);
    expect_album(m.ctx, inside, &a, path_of("f.prnn"));
    prnn_archive_info read = PRNN_ARCHIVE_INFO_INIT;
    prnn_archive_describe(archive, &read);
    assert_memory_equal(&info, &read, sizeof info);
    prnn_model_free(inside);
    prnn_archive_free(archive);
    archive_write(m.ctx, m.model, &a, path_of("f.prnn"), NULL);
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("f.prnn"), &archive));
    assert_int_equal(prnn_archive_model(m.ctx, archive, &inside), PRNN_ERROR_ARGUMENT);
    assert_null(inside);
    prnn_archive_free(archive);
    album_free(&a);
    law_close(&m);
}

/* What the model would enlarge is stored; a picture that compresses well stays small. */
static void test_stored(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    album a = {.count = 0};
    album_add(&a, "flat", 100, 100, 3, PAINT_FLAT);
    album_add(&a, "noise", 100, 100, 3, PAINT_ANY);
    picture_paint(&a.list[0], 256, 1);
    picture_paint(&a.list[1], 256, 1);
    prnn_archive_info info = archive_write(m.ctx, m.model, &a, path_of("g.prnn"), NULL);
    assert_true(info.bytes < 30000 + 30000 / 1000 + 600);
    expect_album(m.ctx, m.model, &a, path_of("g.prnn"));
    album_free(&a);
    law_close(&m);
}

static bool stop_at_once(void *user, const prnn_progress *progress) {
    (void)user;
    assert_true(progress->done <= progress->total);
    return false;
}

/* Stopped, an archive leaves nothing, and what was there before stays. */
static void test_stopped(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    album a = album_of(256);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_read_options reading = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    prnn_archive_writer *writer;
    prnn_archive *archive;
    archive_write(m.ctx, m.model, &a, path_of("h.prnn"), NULL);
    options.progress = stop_at_once;
    assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("h.prnn"), &options, &writer));
    assert_ok(m.ctx, prnn_archive_writer_add(m.ctx, writer, NULL, a.list[0].values, 1, 1, 1, 1));
    assert_int_equal(prnn_archive_writer_finish(m.ctx, writer, NULL), PRNN_STOPPED);
    assert_int_equal(prnn_archive_writer_finish(m.ctx, writer, NULL), PRNN_ERROR_ARGUMENT);
    prnn_archive_writer_free(writer);
    expect_album(m.ctx, m.model, &a, path_of("h.prnn"));
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("h.prnn"), &archive));
    reading.progress = stop_at_once;
    assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, &reading), PRNN_STOPPED);
    prnn_archive_free(archive);
    album_free(&a);
    law_close(&m);
}

typedef struct nested {
    prnn_context *ctx;
    prnn_archive_writer *writer;
    int calls;
} nested;

static bool add_and_finish(void *user, const prnn_progress *progress) {
    static const uint8_t value = 0;
    nested *n = user;
    (void)progress;
    n->calls++;
    assert_int_equal(prnn_archive_writer_add(n->ctx, n->writer, NULL, &value, 1, 1, 1, 1),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(n->ctx), "its callback cannot add to it or finish it"));
    assert_int_equal(prnn_archive_writer_finish(n->ctx, n->writer, NULL), PRNN_ERROR_ARGUMENT);
    return true;
}

/* What an archive's own callback does to it is refused, and nothing is lost: while images are added (a batch
 * of them is then full), and at the end. */
static void test_nested(void **state) {
    (void)state;
    enum { IMAGES = PRNN_BATCH_IMAGES + 2 };
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    nested n = {.ctx = m.ctx};
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    uint8_t *values = malloc(IMAGES);
    assert_non_null(values);
    memset(values, 255, IMAGES); /* no level of the model: stored */
    options.progress = add_and_finish;
    options.user = &n;
    assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("n.prnn"), &options, &n.writer));
    assert_ok(m.ctx, prnn_archive_writer_add(m.ctx, n.writer, NULL, values, IMAGES, 1, 1, 1));
    int adding = n.calls;
    assert_true(adding > 0);
    assert_ok(m.ctx, prnn_archive_writer_finish(m.ctx, n.writer, &info));
    assert_true(n.calls > adding && info.images == IMAGES);
    prnn_archive_writer_free(n.writer);
    prnn_archive *archive;
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("n.prnn"), &archive));
    assert_int_equal(prnn_archive_count(archive), IMAGES);
    prnn_archive_free(archive);
    free(values);
    law_close(&m);
}

/* A disk that is full is noticed while images are added, after the batch that met it, and not at the end. */
static void test_full_disk(void **state) {
    (void)state;
    enum { IMAGES = 2 * PRNN_BATCH_IMAGES + 1 }; /* the second batch is full when another image comes */
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    uint8_t *values = malloc(IMAGES);
    prnn_archive_writer *writer;
    struct rlimit low, old;
    assert_non_null(values);
    random_images(1, 256, IMAGES, values);
    for (size_t i = 0; i < IMAGES; i++) {
        values[i] |= 1; /* mostly no level of the model: stored */
    }
    assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("full.prnn"), NULL, &writer));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 10000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    prnn_status status = prnn_archive_writer_add(m.ctx, writer, NULL, values, IMAGES, 1, 1, 1);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, PRNN_ERROR_FILE);
    assert_non_null(strstr(prnn_message(m.ctx), "full.prnn: could not be written: File too large"));
    prnn_archive_writer_free(writer);
    assert_int_equal(access(path_of("full.prnn"), F_OK), -1);
    free(values);
    law_close(&m);
}

/* Of a file without its end all images are there. Who asks for one, of however many, gets it. */
static void test_without_end(void **state) {
    (void)state;
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    prnn_archive_read_options one = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    one.count = 1;
    for (size_t count = 1; count <= 2; count++) {
        album a = {.count = 0};
        prnn_archive *archive;
        for (size_t i = 0; i < count; i++) {
            album_add(&a, NULL, 5, 5, 3, PAINT_FLAT);
            picture_paint(&a.list[i], 256, 1);
        }
        prnn_archive_info info = archive_write(m.ctx, m.model, &a, path_of("e.prnn"), NULL);
        assert_int_equal(truncate(path_of("e.prnn"), (off_t)info.bytes - 10), 0);
        assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("e.prnn"), &archive));
        assert_ok(m.ctx, prnn_archive_read(m.ctx, archive, m.model, &one));
        assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, NULL), PRNN_ERROR_FORMAT);
        assert_non_null(strstr(prnn_message(m.ctx), "its end is missing"));
        prnn_archive_free(archive);
        album_free(&a);
    }
    law_close(&m);
}

typedef struct calls {
    uint64_t done[16];
    size_t count, most; /* stop at the last of them */
} calls;

static bool count_calls(void *user, const prnn_progress *progress) {
    calls *c = user;
    assert_true(c->count < 16);
    c->done[c->count++] = progress->done;
    return c->count < c->most;
}

/* In a block of many images the caller hears of each group of 32, coded and then read again, and may stop. */
static void test_progress_in_block(void **state) {
    (void)state;
    enum { N = 70, GROUPS = 3 };
    static const uint64_t told[] = {16, 32, 35, 51, 67, 70}, told_reading[] = {32, 64, 70};
    prnn_config config = small_config();
    law_model m = law_open(&config, 1);
    uint8_t *images = malloc(N * m.bytes);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_read_options reading = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    prnn_archive_writer *writer;
    prnn_archive *archive;
    calls c;
    assert_non_null(images);
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, N, NULL, images));
    options.block = N;
    options.progress = count_calls;
    options.user = &c;
    for (int whole = 0; whole < 2; whole++) {
        c = (calls){.most = whole ? 16 : 2};
        assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path_of("k.prnn"), &options, &writer));
        for (size_t i = 0; i < N; i++) {
            assert_ok(m.ctx, prnn_archive_writer_add(m.ctx, writer, NULL, images + i * m.bytes, 1,
                                                     config.height, config.width, config.channels));
        }
        assert_int_equal(prnn_archive_writer_finish(m.ctx, writer, NULL), whole ? PRNN_OK : PRNN_STOPPED);
        prnn_archive_writer_free(writer);
        assert_int_equal(c.count, whole ? 2 * GROUPS : 2);
        assert_memory_equal(c.done, told, c.count * sizeof *told);
    }
    reading.progress = count_calls;
    reading.user = &c;
    for (int whole = 0; whole < 2; whole++) {
        c = (calls){.most = whole ? 16 : 2};
        assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("k.prnn"), &archive));
        assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, &reading),
                         whole ? PRNN_OK : PRNN_STOPPED);
        prnn_archive_free(archive);
        assert_int_equal(c.count, whole ? GROUPS : 2);
        assert_memory_equal(c.done, told_reading, c.count * sizeof *told_reading);
    }
    free(images);
    law_close(&m);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(int argc, char **argv) {
    law_choose(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_header),
        cmocka_unit_test(test_arguments),    cmocka_unit_test(test_some),
        cmocka_unit_test(test_model_inside), cmocka_unit_test(test_stored),
        cmocka_unit_test(test_stopped),      cmocka_unit_test(test_progress_in_block),
        cmocka_unit_test(test_nested),       cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_without_end),
    };
    int failures = make_folder(NULL) + cmocka_run_group_tests(tests, NULL, NULL);
    failures += law_run_unconditional("round trips", test_round_trips);
    failures += law_run_unconditional("length", test_length);
    return failures + remove_folder(NULL);
}

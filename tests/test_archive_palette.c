/* Archives by a model with a palette: pictures whose colours are all in it cost what the numbers of these
 * cost, and come back to the bit; who reads them needs that palette; and an archive of numbers is what it is
 * without one. */
#include "archives.h"

#include <math.h>

#include "codec/parts.h"

static char folder[] = "/tmp/prnn_test_archive_palette_XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* A model of one channel, with the palette of its levels. */
static law_model open_with_palette(const prnn_config *config, uint64_t seed) {
    law_model m = law_open(config, seed);
    const prnn_palette palette = palette_of(config->levels);
    model_set_palette(m.ctx, m.model, &palette);
    return m;
}

static prnn_config small_config(int levels) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = PRNN_ROW;
    c.height = c.width = 6;
    c.levels = levels;
    c.layers = 1;
    c.hidden = 4;
    c.head = 8;
    return c;
}

/* How many images an archive says are coded by their colours. */
static size_t count_paletted(prnn_context *ctx, const char *path, const prnn_palette *palette) {
    prnn_archive *archive;
    size_t count = 0;
    assert_ok(ctx, prnn_archive_open(ctx, path, &archive));
    for (uint64_t i = 0; i < prnn_archive_count(archive); i++) {
        prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
        prnn_archive_image_at(archive, i, &image);
        assert_int_equal(image.colours, image.palette ? palette->count : 0);
        assert_true(!image.colours ||
                    (image.levels == 256 && image.palette == prnn_palette_checksum(palette)));
        count += image.colours > 0;
    }
    prnn_archive_free(archive);
    return count;
}

/* ------------------------------------------------------------------------------------------- laws */

/* On every instruction set it is one file, which each reads. */
static void test_round_trips(void **state) {
    static const int threads[] = {2, 1, 16}, blocks[] = {0, 1, 5}, tiles[] = {16, 0, 32};
    prnn_config config = law_of_state(state);
    if (config.channels != 1) {
        return;
    }
    law_model m = open_with_palette(&config, 3);
    album a = album_of_colours(config.levels);
    const prnn_palette palette = palette_of(config.levels);
    for (int turn = 0; turn < 3; turn++) {
        uint8_t *first = NULL, *bytes = NULL;
        size_t n = 0, again = 0;
        for (int i = 0; prnn_kernels_at(i); i++) {
            const prnn_kernels *k = prnn_kernels_at(i);
            prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
            if (!k->supported()) {
                continue;
            }
            prnn_context *ctx = context_of(k->name, threads[(turn + i) % 3]);
            options.block = blocks[turn];
            options.tile = tiles[turn];
            archive_write(ctx, m.model, &a, path_of("a.prnn"), &options);
            bytes = file_bytes(path_of("a.prnn"), &again);
            assert_true(!first || (again == n && memcmp(first, bytes, n) == 0));
            free(first);
            first = bytes;
            n = again;
            expect_album(ctx, m.model, &a, path_of("a.prnn"));
            prnn_context_free(ctx);
        }
        free(first);
        assert_true(count_paletted(m.ctx, path_of("a.prnn"), &palette) >= 21);
    }
    album_free(&a);
    law_close(&m);
}

static prnn_archive_info write_all(law_model *m, const uint8_t *images, size_t n, int channels, int block,
                                   const char *path) {
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    prnn_archive_writer *writer;
    options.block = block;
    assert_ok(m->ctx, prnn_archive_writer_create(m->ctx, m->model, path, &options, &writer));
    assert_ok(m->ctx, prnn_archive_writer_add(m->ctx, writer, NULL, images, n, m->config.height,
                                              m->config.width, channels));
    assert_ok(m->ctx, prnn_archive_writer_finish(m->ctx, writer, &info));
    prnn_archive_writer_free(writer);
    return info;
}

/* Of small images of 256 levels, some would be greys by chance. */
static prnn_palette palette_without_grey(int levels) {
    prnn_palette p = {.count = levels};
    for (int k = 0; k < levels; k++) {
        p.colours[k][0] = (uint8_t)k;
        p.colours[k][1] = (uint8_t)(255 - k);
    }
    return p;
}

/* Images that the model draws have one stream, as numbers and as colours. */
static void test_length(void **state) {
    enum { N = 48 };
    prnn_config config = law_of_state(state);
    if (config.channels != 1) {
        return;
    }
    law_model m = law_open(&config, 5);
    const prnn_palette coloured = palette_without_grey(config.levels), *palette = &coloured;
    model_set_palette(m.ctx, m.model, palette);
    uint8_t *numbers = malloc(N * m.bytes), *colours = malloc(N * m.bytes * 3);
    assert_true(numbers && colours);
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, N, NULL, numbers));
    for (size_t i = 0; i < N * m.bytes; i++) {
        memcpy(colours + 3 * i, palette->colours[numbers[i]], 3);
    }
    for (int block = 0; block <= 7; block = 6 * block + 1) {
        prnn_archive_info a = write_all(&m, numbers, N, 1, block, path_of("numbers.prnn"));
        prnn_archive_info b = write_all(&m, colours, N, 3, block, path_of("colours.prnn"));
        assert_int_equal(count_paletted(m.ctx, path_of("colours.prnn"), palette), N);
        assert_int_equal(b.raw_bytes, 3 * a.raw_bytes);
        if (a.stored_blocks + b.stored_blocks == 0) {
            assert_int_equal(a.coded_bytes, b.coded_bytes);
            assert_int_equal(a.blocks, b.blocks);
        }
    }
    free(numbers);
    free(colours);
    law_close(&m);
}

/* Blocks have as many pixels, in whichever way they are counted. */
static void test_blocks(void **state) {
    enum { SIDE = 300, PIXELS = SIDE * SIDE };
    (void)state;
    prnn_config config = small_config(200);
    config.height = config.width = SIDE;
    law_model m = open_with_palette(&config, 1);
    const prnn_palette *palette = prnn_model_palette(m.model);
    uint8_t *numbers = malloc(PIXELS), *colours = malloc((size_t)PIXELS * 3);
    uint64_t seed = 1;
    assert_true(numbers && colours);
    for (size_t i = 0; i < PIXELS; i++) {
        numbers[i] = (uint8_t)(random_bits(&seed) % 200);
        memcpy(colours + 3 * i, palette->colours[numbers[i]], 3);
    }
    prnn_archive_info a = write_all(&m, numbers, 1, 1, 0, path_of("numbers.prnn"));
    prnn_archive_info b = write_all(&m, colours, 1, 3, 0, path_of("colours.prnn"));
    assert_true(a.blocks + a.stored_blocks > 1);
    assert_int_equal(a.blocks + a.stored_blocks, b.blocks + b.stored_blocks);
    free(numbers);
    free(colours);
    law_close(&m);
}

/* ----------------------------------------------------------------------------------------- choice */

/* Whether an image of 1 x n pixels is taken for numbers ('n'), colours ('c'), neither ('-') or spread levels
 * ('s'), with a palette of white, black and #0a141e. */
static char taken_for(const char *values, size_t n, int channels, int levels) {
    static const char marks[] = {
        [PRNN_HOW_STORED] = '-', [PRNN_HOW_LEVELS] = 'n', [PRNN_HOW_SPREAD] = 's', [PRNN_HOW_COLOURS] = 'c'};
    const prnn_palette palette = {.count = 3, .colours = {{255, 255, 255}, {0, 0, 0}, {10, 20, 30}}};
    prnn_context *ctx = prnn_context_create();
    prnn_colours colours;
    assert_non_null(ctx);
    assert_ok(ctx, prnn_colours_take(ctx, "p", &palette, &colours));
    char mark = marks[prnn_how_of((const uint8_t *)values, n, channels, levels, &colours)];
    prnn_context_free(ctx);
    return mark;
}

static void test_choice(void **state) {
    (void)state;
    assert_int_equal(taken_for("\0\0\0\377\377\377", 6, 3, 3), 'c');
    assert_int_equal(taken_for("\0\0\0\377\377\377", 6, 3, 256), 'c');
    assert_int_equal(taken_for("\12\24\36\0\0\0", 6, 3, 3), 'c');
    assert_int_equal(taken_for("\0\0\0", 3, 3, 3), 'c');
    assert_int_equal(taken_for("\12\24\36\0\0\1", 6, 3, 3), '-');
    assert_int_equal(taken_for("\0\0\0\1\2\0", 6, 3, 3), 'n');
    assert_int_equal(taken_for("\12\24\36\7\0\0\0\10", 8, 4, 3), 'c'); /* alpha is no colour */
    assert_int_equal(taken_for("\0\377\0\377", 4, 1, 3), 'c');
    assert_int_equal(taken_for("\0\377\0\377", 4, 1, 256), 'c');
    assert_int_equal(taken_for("\0\100\377\200", 4, 2, 3), 'c');
    assert_int_equal(taken_for("\377\377", 2, 1, 3), 'c');
    assert_int_equal(taken_for("\0\0\0\0", 4, 1, 3), 'n'); /* background, more likely */
    assert_int_equal(taken_for("\0\1\2\1", 4, 1, 3), 'n');
    assert_int_equal(taken_for("\0\200\377", 3, 1, 3), 's');
    assert_int_equal(taken_for("\12\24\36", 3, 1, 3), '-');
}

/* Numbers, as before there were colours: the same bytes with a palette and without one. */
static void test_numbers(void **state) {
    (void)state;
    prnn_config config = small_config(7);
    law_model m = law_open(&config, 2), with = open_with_palette(&config, 2);
    uint8_t images[30 * 36];
    uint64_t seed = 9;
    size_t n, more;
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = i < 3 * 36 ? 0 : (uint8_t)(random_bits(&seed) % 7);
    }
    write_all(&m, images, 30, 1, 0, path_of("without.prnn"));
    write_all(&with, images, 30, 1, 0, path_of("with.prnn"));
    assert_int_equal(count_paletted(m.ctx, path_of("with.prnn"), prnn_model_palette(with.model)), 0);
    uint8_t *a = file_bytes(path_of("without.prnn"), &n), *b = file_bytes(path_of("with.prnn"), &more);
    assert_int_equal(n, more);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    law_close(&m);
    law_close(&with);
}

/* ---------------------------------------------------------------------------------------- refused */

static void expect_refused(law_model *m, prnn_archive *archive, const prnn_archive_read_options *options,
                           const char *word) {
    assert_int_equal(prnn_archive_read(m->ctx, archive, m->model, options), PRNN_ERROR_ARGUMENT);
    if (!strstr(prnn_message(m->ctx), "palette") || !strstr(prnn_message(m->ctx), word)) {
        fail_msg("\"%s\" does not say \"palette\" and \"%s\"", prnn_message(m->ctx), word);
    }
}

/* The same weights with another palette, or its colours in another order, or none. */
static void test_refused(void **state) {
    (void)state;
    prnn_config config = small_config(5);
    law_model m = open_with_palette(&config, 1);
    const prnn_palette palette = palette_of(5);
    prnn_palette other = palette, mirrored = palette;
    album a = album_of_colours(5);
    prnn_archive *archive;
    char ours[16], theirs[16];
    other.colours[3][1] ^= 1;
    memcpy(mirrored.colours[1], palette.colours[4], 3);
    memcpy(mirrored.colours[4], palette.colours[1], 3);
    snprintf(theirs, sizeof theirs, "%08x", prnn_palette_checksum(&palette));
    snprintf(ours, sizeof ours, "%08x", prnn_palette_checksum(&other));
    archive_write(m.ctx, m.model, &a, path_of("a.prnn"), NULL);
    assert_ok(m.ctx, prnn_archive_open(m.ctx, path_of("a.prnn"), &archive));
    model_set_palette(m.ctx, m.model, &other);
    expect_refused(&m, archive, NULL, ours);
    expect_refused(&m, archive, NULL, theirs);
    model_set_palette(m.ctx, m.model, &mirrored);
    expect_refused(&m, archive, NULL, theirs);
    assert_ok(m.ctx, prnn_model_set_metadata(m.ctx, m.model, "palette", NULL));
    expect_refused(&m, archive, NULL, "has none");
    model_set_palette(m.ctx, m.model, &palette);
    assert_ok(m.ctx, prnn_archive_read(m.ctx, archive, m.model, NULL));
    prnn_archive_free(archive);
    album_free(&a);
    /* Where no image is coded by colours, the palette is nobody's business. */
    a = album_of(5);
    model_set_palette(m.ctx, m.model, &other);
    archive_write(m.ctx, m.model, &a, path_of("b.prnn"), NULL);
    assert_int_equal(count_paletted(m.ctx, path_of("b.prnn"), &other), 0);
    assert_ok(m.ctx, prnn_model_set_metadata(m.ctx, m.model, "palette", NULL));
    expect_album(m.ctx, m.model, &a, path_of("b.prnn"));
    album_free(&a);
    law_close(&m);
}

static int remove_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(int argc, char **argv) {
    law_choose(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused),
    };
    int failures = !mkdtemp(folder);
    failures += cmocka_run_group_tests(tests, NULL, NULL);
    failures += law_run_unconditional("round trips", test_round_trips);
    failures += law_run_unconditional("length", test_length);
    return failures + remove_folder();
}

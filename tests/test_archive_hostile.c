/* Damaged archives: whatever byte is changed and wherever the file is cut off, no value is given out that is
 * not right, what is undamaged is recovered, and what is lost is told. And archives that claim what is not
 * so. */
#include "archives.h"

#include "codec/bytes.h"
#include "codec/chunk.h"
#include "codec/directory.h"
#include "codec/header.h"

#include "base/memory.h"

static char path[] = "/tmp/prnn_test_hostile_XXXXXX";

/* A small archive, by a model with a palette; with its model inside. */
typedef struct small {
    law_model m;
    album a;
    uint8_t *bytes;
    size_t n;
} small;

static small small_archive(bool model_inside) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = PRNN_ROW;
    c.height = c.width = 4;
    c.levels = 4;
    c.layers = 1;
    c.hidden = c.head = 2;
    small s = {.m = law_open(&c, 1)};
    const prnn_palette palette = palette_of(4);
    model_set_palette(s.m.ctx, s.m.model, &palette);
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    options.model_inside = model_inside;
    options.block = 2;
    options.tile = 16;
    for (int i = 0; i < 3; i++) {
        album_add(&s.a, i ? "b" : "a", 3, 3, 1, PAINT_LEVELS);
        album_add(&s.a, NULL, 2, 2, 3, PAINT_ANY);
    }
    album_add(&s.a, "tiles", 18, 2, 2, PAINT_LEVELS);
    for (int i = 0; i < 3; i++) {
        album_add(&s.a, "sprite", 3, 3, 3, PAINT_COLOURS);
    }
    album_add(&s.a, "clear", 17, 3, 4, PAINT_COLOURS);
    album_add(&s.a, "grey", 3, 3, 1, PAINT_COLOURS);
    for (size_t i = 0; i < s.a.count; i++) {
        picture_paint(&s.a.list[i], 4, i);
    }
    prnn_archive_info info = archive_write(s.m.ctx, s.m.model, &s.a, path, &options);
    assert_true(info.blocks > 5); /* also of sprites */
    s.bytes = file_bytes(path, &s.n);
    return s;
}

static void small_free(small *s) {
    free(s->bytes);
    album_free(&s->a);
    law_close(&s->m);
}

/* Reads what is in the file; returns how many images came whole, and says whether anything was refused. */
static size_t read_what_is_there(const small *s, bool *refused) {
    prnn_context *ctx = s->m.ctx;
    prnn_archive *archive;
    seen got = {.album = &s->a};
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    options.image = see;
    options.user = &got;
    prnn_status status = prnn_archive_open(ctx, path, &archive);
    if (status == PRNN_OK) {
        status = prnn_archive_read(ctx, archive, s->m.model, &options);
        prnn_archive_free(archive);
    }
    *refused = status != PRNN_OK;
    assert_true(status == PRNN_OK || strlen(prnn_message(ctx)) > 0);
    assert_true(status == PRNN_OK || status == PRNN_ERROR_FORMAT || status == PRNN_ERROR_ARGUMENT);
    return got.whole;
}

/* Images that a damaged place can take: those of a block. Nothing else is there once. */
static size_t most_lost(const small *s, size_t at) {
    for (size_t from = 0; from < s->n;) {
        prnn_chunk chunk;
        assert_true(prnn_chunk_read(s->bytes + from, &chunk));
        size_t next = from + PRNN_CHUNK_BYTES + chunk.length;
        if (at < next) {
            return chunk.type == PRNN_CHUNK_BLOCK ? chunk.count : 0;
        }
        from = next;
    }
    return 0;
}

/* One changed byte. `inside`: there is a model, whose bytes nobody needs who has it. */
static void flip(small *s, size_t at, uint8_t mask, bool inside) {
    bool refused;
    s->bytes[at] ^= mask;
    file_put(path, s->bytes, s->n);
    s->bytes[at] ^= mask;
    size_t whole = read_what_is_there(s, &refused), most = most_lost(s, at);
    if (whole + most < s->a.count || (!refused && (!inside || whole < s->a.count))) {
        fail_msg("byte %zu ^ %d: %zu of %zu images, and at most %zu can be lost", at, mask, whole, s->a.count,
                 most);
    }
}

static void test_flips(void **state) {
    static const uint8_t masks[] = {1, 0x80, 0xff};
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        small s = small_archive(inside);
        for (size_t at = 0, n = 0; at < s.n; at += inside ? 61 : 1, n++) {
            for (size_t k = 0; k < 3; k++) {
                flip(&s, at, masks[k], inside);
            }
        }
        small_free(&s);
    }
}

/* Cut off anywhere, images whose blocks are before that are there. */
static void test_truncations(void **state) {
    (void)state;
    small s = small_archive(false);
    size_t before = 0;
    for (size_t n = 0; n < s.n; n++) {
        bool refused;
        file_put(path, s.bytes, n);
        size_t whole = read_what_is_there(&s, &refused);
        assert_true(refused && whole >= before && whole <= s.a.count);
        before = whole;
    }
    assert_int_equal(before, s.a.count);
    small_free(&s);
}

/* Bytes that are put in, left out, doubled; a file after a file. */
static void test_shifts(void **state) {
    (void)state;
    small s = small_archive(false);
    uint8_t *bytes = malloc(2 * s.n + 1);
    bool refused;
    assert_non_null(bytes);
    for (size_t at = 0; at < s.n; at++) {
        memcpy(bytes, s.bytes, at);
        bytes[at] = 0x8b;
        memcpy(bytes + at + 1, s.bytes + at, s.n - at);
        file_put(path, bytes, s.n + 1);
        assert_true(read_what_is_there(&s, &refused) + most_lost(&s, at) >= s.a.count && refused);
        memcpy(bytes + at, s.bytes + at + 1, s.n - at - 1);
        file_put(path, bytes, s.n - 1);
        assert_true(read_what_is_there(&s, &refused) + most_lost(&s, at) >= s.a.count && refused);
    }
    memcpy(bytes, s.bytes, s.n);
    memcpy(bytes + s.n, s.bytes, s.n);
    file_put(path, bytes, 2 * s.n);
    assert_int_equal(read_what_is_there(&s, &refused), s.a.count);
    free(bytes);
    small_free(&s);
}

/* Every chunk gone, one after the other. */
static void test_lost_chunks(void **state) {
    (void)state;
    small s = small_archive(false);
    uint8_t *bytes = malloc(s.n);
    assert_non_null(bytes);
    for (size_t from = 0; from < s.n;) {
        prnn_chunk chunk;
        bool refused;
        assert_true(prnn_chunk_read(s.bytes + from, &chunk));
        size_t next = from + PRNN_CHUNK_BYTES + chunk.length;
        memcpy(bytes, s.bytes, from);
        memcpy(bytes + from, s.bytes + next, s.n - next);
        file_put(path, bytes, s.n - (next - from));
        size_t whole = read_what_is_there(&s, &refused);
        assert_true(refused && whole + (chunk.type == PRNN_CHUNK_BLOCK ? chunk.count : 0) >= s.a.count);
        from = next;
    }
    free(bytes);
    small_free(&s);
}

/* ------------------------------------------------------------------------------- false claims */

/* The file with one chunk changed, and its checksums right. */
static void put_changed(const small *s, prnn_chunk_type type,
                        void (*change)(prnn_chunk *chunk, uint8_t *bytes)) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t from = 0; from < s->n;) {
        prnn_chunk chunk;
        assert_true(prnn_chunk_read(s->bytes + from, &chunk));
        uint8_t *bytes = malloc(chunk.length + 1u);
        assert_non_null(bytes);
        size_t n = chunk.length;
        memcpy(bytes, s->bytes + from + PRNN_CHUNK_BYTES, n);
        from += PRNN_CHUNK_BYTES + n;
        if (chunk.type == type) {
            change(&chunk, bytes);
        }
        prnn_chunk_write(f, &chunk, bytes, n);
        free(bytes);
    }
    assert_int_equal(fclose(f), 0);
}

static void other_method(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->method = chunk->method == PRNN_METHOD_MODEL ? PRNN_METHOD_DEFLATE : PRNN_METHOD_MODEL;
}

static void unknown_method(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->method = 77;
}

static void too_many_parts(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->count = UINT32_MAX;
}

static void far_parts(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->first = UINT32_MAX;
}

static void no_parts(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->count = 0;
}

static void other_batch(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->number = 12345;
}

static void other_content(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->content ^= 1;
}

static void other_bytes(prnn_chunk *chunk, uint8_t *bytes) {
    for (size_t i = 0; i < chunk->length; i++) {
        bytes[i] = (uint8_t)(i * 37 + 1);
    }
}

/* C of the model, whose levels would be somewhere else. */
static void other_channels(prnn_chunk *chunk, uint8_t *bytes) {
    (void)chunk;
    prnn_put16(bytes + 2, 3);
}

static void many_images(prnn_chunk *chunk, uint8_t *bytes) {
    (void)bytes;
    chunk->count = UINT32_MAX;
}

/* Blocks that say they are something else, with checksums that are right: nothing wrong comes of them. */
static void test_claims(void **state) {
    (void)state;
    small s = small_archive(false);
    void (*const changes[])(prnn_chunk *, uint8_t *) = {other_method, unknown_method, too_many_parts,
                                                        far_parts,    no_parts,       other_batch,
                                                        other_bytes,  other_content};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bool refused;
        put_changed(&s, PRNN_CHUNK_BLOCK, changes[i]);
        size_t whole = read_what_is_there(&s, &refused);
        assert_true(refused && whole == 0);
    }
    bool refused;
    put_changed(&s, PRNN_CHUNK_HEADER, other_channels);
    assert_int_equal(read_what_is_there(&s, &refused), 0);
    assert_true(refused && strstr(prnn_message(s.m.ctx), "3 channels"));
    void (*const lists[])(prnn_chunk *, uint8_t *) = {other_bytes, many_images, no_parts};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        put_changed(&s, PRNN_CHUNK_DIRECTORY, lists[i]);
        read_what_is_there(&s, &refused);
        put_changed(&s, PRNN_CHUNK_COPY, lists[i]);
        read_what_is_there(&s, &refused);
        put_changed(&s, PRNN_CHUNK_HEADER, lists[i]);
        read_what_is_there(&s, &refused);
    }
    small_free(&s);
}

/* Writes the list of images of a chunk as it is, but for what `how` and `palette` say of each, behind `file`.
 */
static void put_list(const small *s, FILE *file, prnn_chunk chunk, const uint8_t *bytes, prnn_how how,
                     uint32_t palette) {
    prnn_directory d;
    uint8_t *packed;
    size_t n;
    assert_ok(s->m.ctx, prnn_directory_unpack(s->m.ctx, bytes, chunk.length, chunk.count, &d));
    for (size_t i = 0; i < d.count; i++) {
        d.list[i].how = how;
        d.list[i].palette = palette;
    }
    assert_ok(s->m.ctx, prnn_directory_pack(s->m.ctx, &d, &packed, &n));
    prnn_chunk_write(file, &chunk, packed, n);
    prnn_free(packed);
    prnn_directory_free(&d);
}

/* The file with such a list of images, and no copy of it. */
static void put_other_list(const small *s, prnn_how how, uint32_t palette) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t from = 0; from < s->n;) {
        prnn_chunk chunk;
        const uint8_t *bytes = s->bytes + from + PRNN_CHUNK_BYTES;
        assert_true(prnn_chunk_read(s->bytes + from, &chunk));
        if (chunk.type == PRNN_CHUNK_DIRECTORY) {
            put_list(s, f, chunk, bytes, how, palette);
        } else if (chunk.type != PRNN_CHUNK_COPY) {
            prnn_chunk_write(f, &chunk, bytes, chunk.length);
        }
        from += PRNN_CHUNK_BYTES + chunk.length;
    }
    assert_int_equal(fclose(f), 0);
}

/* Lists that say that all values are levels in one way, or in one that is none: pixels may come as those of
 * another image, since checksums are right, but all are there or none, and parts that no model could have
 * coded are lost. */
static void test_other_levels(void **state) {
    (void)state;
    small s = small_archive(false);
    const prnn_palette palette = palette_of(4);
    uint32_t checksum = prnn_palette_checksum(&palette);
    prnn_archive *archive;
    for (int how = PRNN_HOW_STORED; how <= PRNN_HOW_COLOURS + 1; how++) {
        put_other_list(&s, (prnn_how)how, checksum);
        assert_ok(s.m.ctx, prnn_archive_open(s.m.ctx, path, &archive));
        assert_int_equal(prnn_archive_read(s.m.ctx, archive, s.m.model, NULL), PRNN_ERROR_FORMAT);
        assert_non_null(strstr(prnn_message(s.m.ctx), "images are damaged and lost"));
        prnn_archive_free(archive);
    }
    put_other_list(&s, PRNN_HOW_COLOURS, checksum ^ 1);
    assert_ok(s.m.ctx, prnn_archive_open(s.m.ctx, path, &archive));
    assert_int_equal(prnn_archive_read(s.m.ctx, archive, s.m.model, NULL), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(s.m.ctx), "palette"));
    prnn_archive_free(archive);
    small_free(&s);
}

/* Behind the header, bytes of no chunk, so that the mark of the next one lies across the ends of what is read
 * at once, or near them. */
static void test_gaps(void **state) {
    (void)state;
    enum { READ = 1 << 16 };
    small s = small_archive(false);
    prnn_chunk chunk;
    assert_true(prnn_chunk_read(s.bytes, &chunk));
    size_t head = PRNN_CHUNK_BYTES + chunk.length;
    uint8_t *bytes = malloc(s.n + READ + 16);
    assert_non_null(bytes);
    for (size_t gap = READ - 16; gap < READ + 16; gap++) {
        bool refused;
        memcpy(bytes, s.bytes, head);
        memset(bytes + head, 0, gap);
        memcpy(bytes + head + gap, s.bytes + head, s.n - head);
        file_put(path, bytes, s.n + gap);
        assert_int_equal(read_what_is_there(&s, &refused), s.a.count);
        assert_true(refused);
    }
    free(bytes);
    small_free(&s);
}

/* A few bytes that say that there are a million images, of which nothing else is there: each is at least a
 * pixel of those that are allowed. */
static void test_claimed_images(void **state) {
    (void)state;
    enum { CLAIMS = 16 };
    small s = small_archive(false);
    uint8_t lists[PRNN_HEADER_BYTES + 12 * CLAIMS] = {0};
    prnn_chunk copy = {.type = PRNN_CHUNK_COPY, .count = CLAIMS};
    for (uint32_t i = 0; i < CLAIMS; i++) {
        prnn_put32(lists + PRNN_HEADER_BYTES + 12 * i, 100 + i);
        prnn_put32(lists + PRNN_HEADER_BYTES + 12 * i + 4, PRNN_BATCH_IMAGES);
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    prnn_chunk_write(f, &copy, lists, sizeof lists);
    assert_true(fwrite(s.bytes, 1, s.n, f) == s.n);
    assert_int_equal(fclose(f), 0);
    prnn_archive *archive;
    assert_ok(s.m.ctx, prnn_archive_open(s.m.ctx, path, &archive));
    assert_int_equal(prnn_archive_count(archive), s.a.count + (size_t)CLAIMS * PRNN_BATCH_IMAGES);
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    options.max_pixels = (uint64_t)CLAIMS * PRNN_BATCH_IMAGES;
    assert_int_equal(prnn_archive_read(s.m.ctx, archive, s.m.model, &options), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(s.m.ctx), "pixels, and at most 1048576 are decoded"));
    options.max_pixels *= 2;
    assert_int_equal(prnn_archive_read(s.m.ctx, archive, s.m.model, &options), PRNN_ERROR_FORMAT);
    prnn_archive_free(archive);
    small_free(&s);
}

enum { NESTED = 25000 };

/* The head of a block that says that it has so many bytes, and not what they add up to. */
static void put_head(FILE *f, size_t length) {
    uint8_t head[PRNN_CHUNK_BYTES] = {0};
    memcpy(head, prnn_chunk_mark, PRNN_MARK_BYTES);
    head[8] = PRNN_CHUNK_BLOCK;
    prnn_put32(head + 24, (uint32_t)length);
    prnn_put32(head + 36, prnn_crc32(head, 36));
    assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
}

/* Behind an archive, blocks within one another that all end where the damage is: to read each of them would
 * be the work of hours for a file of some megabytes. */
static void test_nested(void **state) {
    (void)state;
    small s = small_archive(false);
    prnn_archive *archive;
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    bool refused;
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(s.bytes, 1, s.n, f) == s.n);
    for (size_t left = NESTED; left > 0; left--) {
        put_head(f, (left - 1) * PRNN_CHUNK_BYTES);
    }
    assert_true(fputs("damage", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_ok(s.m.ctx, prnn_archive_open(s.m.ctx, path, &archive));
    prnn_archive_describe(archive, &info);
    prnn_archive_free(archive);
    assert_true(info.damaged && info.blocks + info.stored_blocks < 100);
    assert_int_equal(read_what_is_there(&s, &refused), s.a.count);
    small_free(&s);
}

/* An archive of another version, and files that are none. */
static void newer_version(prnn_chunk *chunk, uint8_t *bytes) {
    (void)chunk;
    prnn_put16(bytes, 2);
}

static void test_others(void **state) {
    (void)state;
    small s = small_archive(false);
    prnn_archive *archive;
    put_changed(&s, PRNN_CHUNK_HEADER, newer_version);
    assert_int_equal(prnn_archive_open(s.m.ctx, path, &archive), PRNN_ERROR_FORMAT);
    assert_non_null(strstr(prnn_message(s.m.ctx), "version 2"));
    uint8_t *zeros = calloc(1 << 18, 1);
    assert_non_null(zeros);
    file_put(path, zeros, 1 << 18);
    free(zeros);
    assert_int_equal(prnn_archive_open(s.m.ctx, path, &archive), PRNN_ERROR_FORMAT);
    assert_non_null(strstr(prnn_message(s.m.ctx), "is no archive"));
    assert_null(archive);
    assert_int_equal(prnn_archive_open(s.m.ctx, "/tmp", &archive), PRNN_ERROR_FILE);
    assert_int_equal(prnn_archive_open(s.m.ctx, "/no/such/file", &archive), PRNN_ERROR_FILE);
    small_free(&s);
}

static int make_file(void **state) {
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? 1 : close(file);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flips),  cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_shifts), cmocka_unit_test(test_lost_chunks),
        cmocka_unit_test(test_claims), cmocka_unit_test(test_other_levels),
        cmocka_unit_test(test_gaps),   cmocka_unit_test(test_claimed_images),
        cmocka_unit_test(test_nested), cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

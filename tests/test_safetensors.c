/* The safetensors container: round trips, every refusal, damaged files, failing writes. */
#include "base/file.h"
#include "base/memory.h"
#include "mutate.h"
#include "safetensors/json.h"
#include "safetensors/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static prnn_context *ctx;
static char folder[] = "/tmp/prnn_test_safetensors_XXXXXX";
static char path[128];

static int setup(void **state) {
    (void)state;
    ctx = prnn_context_create();
    if (!ctx || !mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    prnn_context_free(ctx);
    return 0;
}

/* Number of files in the test's folder. */
static int count_files(void) {
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static const float weights[2][3] = {{1, 2, 3}, {-4, 5.5f, 0}};
static const uint8_t bytes3[3] = {7, 8, 9};
static const uint64_t step = 0x0123456789abcdefu;

static prnn_status write_example(const char *to) {
    const prnn_safetensors_entry entries[] = {
        {.name = "image", .dtype = PRNN_DTYPE_U8, .rank = 3, .shape = {1, 3, 1}, .data = bytes3},
        {.name = "layers.0.weight", .dtype = PRNN_DTYPE_F32, .rank = 2, .shape = {2, 3}, .data = weights},
        {.name = "nothing", .dtype = PRNN_DTYPE_F32, .rank = 2, .shape = {0, 3}, .data = NULL},
        {.name = "step", .dtype = PRNN_DTYPE_U64, .rank = 0, .data = &step},
    };
    const prnn_safetensors_pair metadata[] = {{"format", "pixelrnn"}, {"config", "{\"kind\":\"row\"}\n"}};
    return prnn_safetensors_write(ctx, to, entries, 4, metadata, 2);
}

static void round_trip(void **state) {
    (void)state;
    assert_int_equal(write_example(path), PRNN_OK);
    prnn_safetensors *st;
    assert_int_equal(prnn_safetensors_read(ctx, path, &st), PRNN_OK);
    assert_int_equal(st->count, 4);
    assert_string_equal(st->entries[0].name, "step"); /* wide elements come first */
    assert_string_equal(st->entries[3].name, "image");
    const prnn_safetensors_entry *e = prnn_safetensors_find(st, "layers.0.weight");
    assert_non_null(e);
    assert_int_equal(e->dtype, PRNN_DTYPE_F32);
    assert_int_equal(e->rank, 2);
    assert_int_equal(e->shape[0], 2);
    assert_int_equal(e->shape[1], 3);
    assert_int_equal(e->count, 6);
    assert_int_equal(e->bytes, sizeof weights);
    assert_memory_equal(e->data, weights, sizeof weights);
    assert_int_equal((uintptr_t)e->data % 64, 0);
    assert_memory_equal(prnn_safetensors_find(st, "image")->data, bytes3, 3);
    e = prnn_safetensors_find(st, "step");
    assert_int_equal(e->rank, 0);
    assert_int_equal(e->count, 1);
    assert_memory_equal(e->data, &step, 8);
    assert_int_equal(prnn_safetensors_find(st, "nothing")->count, 0);
    assert_null(prnn_safetensors_find(st, "layers.0.weigh"));
    assert_null(prnn_safetensors_find(st, "__metadata__"));
    assert_string_equal(prnn_safetensors_metadata(st, "config"), "{\"kind\":\"row\"}\n");
    assert_null(prnn_safetensors_metadata(st, "version"));
    prnn_safetensors_free(st);
    prnn_safetensors_free(NULL);
}

static void bytes_are_deterministic_and_aligned(void **state) {
    (void)state;
    uint8_t *a, *b;
    size_t a_size, b_size;
    assert_int_equal(write_example(path), PRNN_OK);
    assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &a, &a_size), PRNN_OK);
    assert_int_equal(write_example(path), PRNN_OK);
    assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &b, &b_size), PRNN_OK);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    uint64_t length;
    memcpy(&length, a, 8);
    assert_int_equal(length % 8, 0);
    assert_memory_equal(a + 8, "{\"__metadata__\":{\"format\":\"pixelrnn\",", 37);
    assert_memory_equal(a + 8 + length, &step, 8);
    assert_int_equal(a_size, 8 + length + 8 + sizeof weights + 3);
    prnn_free(a);
    prnn_free(b);
}

static void empty_file_round_trip(void **state) {
    (void)state;
    assert_int_equal(prnn_safetensors_write(ctx, path, NULL, 0, NULL, 0), PRNN_OK);
    prnn_safetensors *st;
    assert_int_equal(prnn_safetensors_read(ctx, path, &st), PRNN_OK);
    assert_int_equal(st->count, 0);
    assert_null(prnn_safetensors_find(st, "a"));
    assert_null(prnn_safetensors_metadata(st, "a"));
    prnn_safetensors_free(st);
}

/* Parses `header` followed by `data` zero bytes, from memory of exactly that size. */
static prnn_status parse(const char *header, size_t data, prnn_safetensors **st) {
    uint64_t length = strlen(header);
    uint8_t *file = calloc(8 + length + data, 1);
    assert_non_null(file);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, length);
    prnn_status status = prnn_safetensors_parse(ctx, "f.safetensors", file, 8 + length + data, st);
    free(file);
    return status;
}

static void reads_what_others_write(void **state) {
    (void)state;
    prnn_safetensors *st;
    /* No padding, an unaligned tensor, entries out of order, a field that we do not know, spaces. */
    const char *header = "{\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[3,11],\"note\":1},"
                         "\"a\":{\"data_offsets\":[0,3],\"dtype\":\"I8\",\"shape\":[3]}}   ";
    assert_int_equal(parse(header, 11, &st), PRNN_OK);
    assert_string_equal(st->entries[0].name, "a");
    assert_int_equal((uintptr_t)prnn_safetensors_find(st, "b")->data % 8, 0);
    prnn_safetensors_free(st);
}

#define ONE(dtype, shape, offsets)                                                                           \
    "{\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                                                   \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first "},"                                    \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

static const struct {
    const char *header;
    size_t data;
    const char *says;
} refusals[] = {
    {"", 0, "the header is not valid JSON"},
    {"{", 0, "the header is not valid JSON"},
    {"{}x", 0, "the header is not valid JSON"},
    {"[]", 0, "the header is not a JSON object"},
    {" {}", 0, "the header is not a JSON object"},
    {"{}", 5, "the last 5 bytes of the file belong to no tensor"},
    {"{\"a\":1,\"a\":2}", 0, "duplicate"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is not a JSON object"},
    {"{\"__metadata__\":{\"version\":1}}", 0, "version in __metadata__ is not a string"},
    {"{\"w\":[]}", 0, "tensor w is not described by a JSON object"},
    {"{\"w\\n\":{}}", 0, "control characters"},
    {"{\"w\\u0000\":{}}", 0, "the header is not valid JSON"},
    {"{\"w\":{}}", 0, "tensor w has no dtype"},
    {ONE("\"F33\"", "[1]", "[0,4]"), 4, "tensor w is of the unknown type F33"},
    {ONE("\"F\\n\"", "[1]", "[0,4]"), 4, "tensor w is of the unknown type ?"},
    {ONE("4", "[1]", "[0,4]"), 4, "tensor w has no dtype"},
    {ONE("\"F32\"", "{}", "[0,4]"), 4, "tensor w has no shape"},
    {ONE("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "has 9 dimensions, at most 8"},
    {ONE("\"F32\"", "[1.0]", "[0,4]"), 4, "dimension 0 of its shape"},
    {ONE("\"F32\"", "[1,-1]", "[0,4]"), 4, "dimension 1 of its shape"},
    {ONE("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, "too large for any machine"},
    {ONE("\"F64\"", "[4611686018427387904]", "[0,0]"), 0, "too large for any machine"},
    {ONE("\"F32\"", "[18446744073709551616]", "[0,4]"), 4, "the header is not valid JSON"},
    {ONE("\"F32\"", "[1]", "[0]"), 4, "no data_offsets"},
    {ONE("\"F32\"", "[1]", "[0,4.0]"), 4, "no data_offsets"},
    {ONE("\"F32\"", "[1]", "4"), 4, "no data_offsets"},
    {ONE("\"F32\"", "[1]", "[0,4]"), 3, "bytes 0 to 4, and the file has 3 bytes of tensors"},
    {ONE("\"F32\"", "[1]", "[-4,0]"), 4, "bytes -4 to 0"},
    {ONE("\"F32\"", "[1]", "[4,0]"), 4, "bytes 4 to 0"},
    {ONE("\"F32\"", "[2]", "[0,4]"), 4, "tensor w has 4 bytes, its shape and type F32 need 8"},
    {ONE("\"F32\"", "[1]", "[2,6]"), 6, "2 bytes before tensor w belong to no tensor"},
    {TWO("[0,4]", "[3,7]"), 7, "tensors a and b overlap at byte 3"},
    {TWO("[0,4]", "[0,4]"), 4, "tensors a and b overlap at byte 0"},
    {TWO("[0,4]", "[5,9]"), 9, "1 bytes before tensor b belong to no tensor"},
    {TWO("[0,4]", "[4,8]"), 9, "the last 1 bytes of the file belong to no tensor"},
};

static void refuses_each_with_its_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        prnn_safetensors *st;
        assert_int_equal(parse(refusals[i].header, refusals[i].data, &st), PRNN_ERROR_FORMAT);
        assert_null(st);
        const char *message = prnn_message(ctx);
        assert_ptr_equal(strstr(message, "f.safetensors: "), message);
        if (!strstr(message, refusals[i].says)) {
            fail_msg("%s: should say \"%s\", says \"%s\"", refusals[i].header, refusals[i].says, message);
        }
        assert_null(strchr(message, '\n'));
    }
}

static void refuses_a_bad_length_of_the_header(void **state) {
    (void)state;
    static const struct {
        uint64_t length;
        const char *says;
    } cases[] = {
        {3, "header should have 3 bytes, and 2 follow"},
        {100000000, "header should have 100000000 bytes, and 2 follow"},
        {100000001, "at most 100000000 are read"},
        {UINT64_MAX, "at most 100000000 are read"},
    };
    prnn_safetensors *st;
    for (size_t i = 0; i < 4; i++) {
        uint8_t file[10] = {[8] = '{', '}'};
        memcpy(file, &cases[i].length, 8);
        assert_int_equal(prnn_safetensors_parse(ctx, "f", file, sizeof file, &st), PRNN_ERROR_FORMAT);
        assert_non_null(strstr(prnn_message(ctx), cases[i].says));
    }
}

static void says_what_other_files_are(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "'git lfs pull'"},
        {"PK\x03\x04xxxxxxxxxxxx", "is a zip archive"},
        {"PK\x03\x04xxxxxxxxxxxx", "safetensors.torch.save_file("},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", "is a Python pickle"},
        {"\x80\x04\x95xxxxxxxxxxxx", "is a Python pickle"},
        {"\x8bPRN\r\n\x1a\nxxxx", "is an archive of images, not a model; list,"},
        {"\x93NUMPY\x01xxxxxxxx", "is a .npy file"},
        {"\x89PNG\r\n\x1a\nxxxx", "is a PNG picture"},
        {"\x89HDF\r\n\x1a\nxxxx", "is an HDF5 file"},
        {"<!DOCTYPE html><html></html>", "is a web page"},
        {"\r\n  <!doctype HTML><html></html>", "is a web page"},
        {"<html><body></body></html>", "is a web page"},
        {"\x1f\x8b\x08\x08xxxxxxxxxxxx", "is compressed with gzip"},
        {"             ", "is not a safetensors file"},
        {"<!doctype", "is not a safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t *bytes = (const uint8_t *)cases[i].text;
        prnn_safetensors *st;
        assert_int_equal(prnn_safetensors_parse(ctx, "f", bytes, strlen(cases[i].text), &st),
                         PRNN_ERROR_FORMAT);
        if (!strstr(prnn_message(ctx), cases[i].says)) {
            fail_msg("should say \"%s\", says \"%s\"", cases[i].says, prnn_message(ctx));
        }
    }
    static const uint16_t lengths[] = {0x0280, 0x0580, 0x8b1f}; /* of headers, not pickles or gzip */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *file = calloc(8 + (size_t)lengths[i], 1);
        assert_non_null(file);
        memcpy(file, &lengths[i], sizeof lengths[i]);
        memset(file + 8, ' ', lengths[i]);
        memcpy(file + 8, "{}", 2);
        prnn_safetensors *st;
        assert_int_equal(prnn_safetensors_parse(ctx, "f", file, 8 + (size_t)lengths[i], &st), PRNN_OK);
        prnn_safetensors_free(st);
        free(file);
    }
}

static void refuses_files_that_are_not_there(void **state) {
    (void)state;
    prnn_safetensors *st;
    assert_int_equal(prnn_safetensors_read(ctx, "/nonexistent/x.safetensors", &st), PRNN_ERROR_FILE);
    assert_null(st);
    assert_int_equal(prnn_safetensors_read(ctx, folder, &st), PRNN_ERROR_FILE);
    assert_int_equal(write_example("/nonexistent/x.safetensors"), PRNN_ERROR_FILE);
    assert_non_null(strstr(prnn_message(ctx), "/nonexistent/x.safetensors"));
}

static uint8_t *example_bytes(size_t *size) {
    uint8_t *bytes;
    assert_int_equal(write_example(path), PRNN_OK);
    assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &bytes, size), PRNN_OK);
    return bytes;
}

static void refuses_every_truncation(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = example_bytes(&size);
    for (size_t n = 0; n < size; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, n);
        prnn_safetensors *st;
        assert_int_equal(prnn_safetensors_parse(ctx, "cut", cut, n, &st), PRNN_ERROR_FORMAT);
        assert_null(st);
        free(cut);
    }
    prnn_free(bytes);
}

/* Read or refused, but never out of bounds (the sanitizers watch). */
static void survives_mutations(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = example_bytes(&size);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    uint64_t seed = 1;
    int read = 0, refused = 0;
    for (int i = 0; i < 5000; i++) {
        memcpy(copy, bytes, size);
        mutate(copy, 0, size, 4, "{}[]\",:0123456789-eFU._", &seed);
        prnn_safetensors *st;
        if (prnn_safetensors_parse(ctx, "mutant", copy, size, &st) == PRNN_OK) {
            for (size_t k = 0; k < st->count; k++) {
                const prnn_safetensors_entry *e = &st->entries[k];
                assert_ptr_equal(prnn_safetensors_find(st, e->name), e);
                memcpy(copy, e->data, e->bytes);
            }
            prnn_safetensors_free(st);
            read++;
        } else {
            assert_null(st);
            refused++;
        }
    }
    assert_true(read > 0 && refused > 0);
    free(copy);
    prnn_free(bytes);
}

static void refuses_to_write_nonsense(void **state) {
    (void)state;
    prnn_safetensors_entry two[2] = {
        {.name = "a", .dtype = PRNN_DTYPE_U8, .rank = 1, .shape = {1}, .data = "x"},
        {.name = "a", .dtype = PRNN_DTYPE_F32, .rank = 1, .shape = {0}}};
    unlink(path);
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 2, NULL, 0), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "two tensors named a"));
    two[1].name = "\xff";
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 2, NULL, 0), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "not UTF-8"));
    two[1].name = "__metadata__";
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 2, NULL, 0), PRNN_ERROR_ARGUMENT);
    two[1].name = "b";
    two[1].shape[0] = SIZE_MAX / 2;
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 2, NULL, 0), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "too large"));
    two[1].rank = PRNN_SAFETENSORS_RANK + 1;
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 2, NULL, 0), PRNN_ERROR_ARGUMENT);
    const prnn_safetensors_pair bad = {"key", "\xc3"};
    assert_int_equal(prnn_safetensors_write(ctx, path, two, 1, &bad, 1), PRNN_ERROR_ARGUMENT);
    assert_int_equal(count_files(), 0);
}

static void a_failing_write_leaves_the_old_file(void **state) {
    (void)state;
    size_t size, size_after;
    uint8_t *before = example_bytes(&size), *after;
    static uint8_t big[200000];
    const prnn_safetensors_entry entry = {
        .name = "big", .dtype = PRNN_DTYPE_U8, .rank = 1, .shape = {sizeof big}, .data = big};
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit low = {.rlim_cur = 50000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    prnn_status status = prnn_safetensors_write(ctx, path, &entry, 1, NULL, 0);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, PRNN_ERROR_FILE);
    assert_non_null(strstr(prnn_message(ctx), "x.safetensors"));
    assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &after, &size_after), PRNN_OK);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    assert_int_equal(count_files(), 1);
    prnn_free(before);
    prnn_free(after);
}

/* Blocks that jansson gets before the one that it does not get. */
static int blocks_left;

static void *all_but_one_block(size_t size) {
    return blocks_left-- != 0 ? malloc(size) : NULL;
}

/* jansson itself goes on without a key that it has no memory for. */
static void memory_loses_no_letter(void **state) {
    (void)state;
    json_t *value = json_object();
    for (int i = 0; i < 40; i++) {
        char key[64];
        snprintf(key, sizeof key, "a key that takes room, number %d", i);
        assert_int_equal(json_object_set_new(value, key, json_pack("[s, i]", "text", i)), 0);
    }
    char *whole = prnn_json_dump(value, JSON_COMPACT);
    assert_non_null(whole);
    bool written = false;
    for (int n = 0; n < 300; n++) {
        json_set_alloc_funcs(all_but_one_block, free);
        blocks_left = n;
        char *text = prnn_json_dump(value, JSON_COMPACT);
        json_set_alloc_funcs(malloc, free);
        written |= text != NULL;
        if (text) {
            assert_string_equal(text, whole);
        }
        free(text);
    }
    assert_true(written);
    free(whole);
    json_decref(value);
}

/* Files that the reference implementation wrote. */
static void reads_the_golden_files(void **state) {
    (void)state;
    DIR *d = opendir(PRNN_TEST_DATA);
    if (!d) {
        skip();
    }
    for (struct dirent *e; (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot && !strcmp(dot, ".safetensors")) {
            char name[4096];
            snprintf(name, sizeof name, "%s/%s", PRNN_TEST_DATA, e->d_name);
            prnn_safetensors *st;
            if (prnn_safetensors_read(ctx, name, &st) != PRNN_OK) {
                fail_msg("%s", prnn_message(ctx));
            }
            assert_true(st->count > 0);
            prnn_safetensors_free(st);
        }
    }
    closedir(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(bytes_are_deterministic_and_aligned),
        cmocka_unit_test(empty_file_round_trip),
        cmocka_unit_test(reads_what_others_write),
        cmocka_unit_test(refuses_each_with_its_sentence),
        cmocka_unit_test(refuses_a_bad_length_of_the_header),
        cmocka_unit_test(says_what_other_files_are),
        cmocka_unit_test(refuses_files_that_are_not_there),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(survives_mutations),
        cmocka_unit_test(refuses_to_write_nonsense),
        cmocka_unit_test(a_failing_write_leaves_the_old_file),
        cmocka_unit_test(memory_loses_no_letter),
        cmocka_unit_test(reads_the_golden_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

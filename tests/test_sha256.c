/* SHA-256: the examples of FIPS 180-4, and any cuts of what is hashed. */
#include "laws.h"

#include "base/sha256.h"

static void digest_of(const char *text, size_t n, size_t step, char hex[65]) {
    uint8_t digest[PRNN_SHA256_BYTES];
    prnn_sha256 sha;
    prnn_sha256_begin(&sha);
    for (size_t at = 0; at < n; at += step) {
        prnn_sha256_add(&sha, text + at, n - at < step ? n - at : step);
    }
    prnn_sha256_end(&sha, digest);
    for (int i = 0; i < PRNN_SHA256_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

static void test_examples(void **state) {
    static const char *const examples[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        for (size_t step = 1; step < 60; step++) {
            char hex[65];
            digest_of(examples[i][0], strlen(examples[i][0]), step, hex);
            assert_string_equal(hex, examples[i][1]);
        }
    }
}

static void test_million(void **state) {
    (void)state;
    enum { N = 1000000 };
    char *text = malloc(N), hex[65];
    assert_non_null(text);
    memset(text, 'a', N);
    digest_of(text, N, 12345, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples), cmocka_unit_test(test_million)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The range coder: any intervals come back, in as few bytes as they should take, and the decoder knows of
 * every other stream that it is another one. */
#include "laws.h"

#include "codec/coder.h"

enum { MOST = 3000, WHOLE = 1 << PRNN_INTERVAL_BITS };

static uint32_t random_number(void) {
    static uint64_t state = 1;
    return (uint32_t)(random_bits(&state) >> 32);
}

typedef struct stream {
    prnn_interval list[MOST];
    size_t n, bytes;
    uint8_t coded[4 * MOST + 16];
    double bits; /* that the intervals say */
} stream;

/* Sizes of all magnitudes. 0: the first, 1: the last, 2: the one before the last, 3: any interval. */
static prnn_interval random_interval(int place) {
    uint32_t size = (random_number() & (WHOLE - 1)) >> random_number() % 24, room;
    size = size ? size : 1;
    room = WHOLE - size;
    uint32_t start = place == 0   ? 0
                     : place == 1 ? room
                     : place == 2 ? room - (room > 0)
                                  : random_number() % (room + 1);
    return (prnn_interval){start, size};
}

static void encode(stream *s) {
    prnn_encoder e = prnn_encoder_begin(s->coded, sizeof s->coded);
    s->bits = 0;
    for (size_t i = 0; i < s->n; i++) {
        prnn_encoder_put(&e, s->list[i]);
        s->bits += PRNN_INTERVAL_BITS - log2(s->list[i].size);
    }
    s->bytes = prnn_encoder_end(&e);
}

/* Whether the bytes are the stream of the intervals. */
static bool decodes(const stream *s, const uint8_t *bytes, size_t count) {
    prnn_decoder d = prnn_decoder_begin(bytes, count);
    for (size_t i = 0; i < s->n; i++) {
        uint32_t number = prnn_decoder_number(&d);
        assert_true(number < WHOLE);
        if (number - s->list[i].start >= s->list[i].size) {
            return false;
        }
        prnn_decoder_take(&d, s->list[i]);
    }
    return prnn_decoder_end(&d);
}

static void random_stream(stream *s, int kind) {
    for (size_t i = 0; i < s->n; i++) {
        s->list[i] = random_interval(kind < 3 ? kind : kind == 3 ? 3 : (int)(random_number() % 4));
    }
    encode(s);
}

static void test_round_trips(void **state) {
    (void)state;
    static stream s;
    for (int turn = 0; turn < 400; turn++) {
        s.n = turn < 40 ? (size_t)turn / 5 : random_number() % MOST;
        random_stream(&s, turn % 5);
        assert_true(s.bytes <= sizeof s.coded);
        assert_true(decodes(&s, s.coded, s.bytes));
        /* At most a byte more than the intervals say: the end, and the rounding of the range. */
        assert_true((double)s.bytes <= s.bits / 8 + 1.01 + 1e-6 * s.bits);
    }
}

/* Carries run through bytes of 255, as far as there are any. */
static void test_carries(void **state) {
    (void)state;
    static stream s;
    for (size_t n = 1; n < 200; n++) {
        s.n = n;
        for (size_t i = 0; i < n; i++) {
            s.list[i] = i + 1 < n ? (prnn_interval){WHOLE / 2 - 1 + (i > 0) * (WHOLE / 2 - 1), 2}
                                  : (prnn_interval){WHOLE - 1, 1};
            s.list[i].size = s.list[i].start + 2 > WHOLE ? 1 : s.list[i].size;
        }
        encode(&s);
        assert_true(decodes(&s, s.coded, s.bytes));
    }
}

/* Each bit, each shorter stream, and bytes behind the end. */
static void test_other_bytes(void **state) {
    (void)state;
    static stream s;
    for (int turn = 0; turn < 60; turn++) {
        s.n = 1 + random_number() % 60;
        random_stream(&s, turn % 5);
        for (size_t bit = 0; bit < 8 * s.bytes; bit++) {
            s.coded[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(decodes(&s, s.coded, s.bytes));
            s.coded[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < s.bytes; n++) {
            assert_false(decodes(&s, s.coded, n));
        }
        for (int byte = 0; byte < 256; byte += 51) {
            for (size_t more = 1; more <= 12; more++) {
                memset(s.coded + s.bytes, 0, more);
                s.coded[s.bytes + more - 1] = (uint8_t)byte;
                assert_false(decodes(&s, s.coded, s.bytes + more));
            }
        }
    }
}

/* A stream that has no room says so, and writes nothing behind it. */
static void test_room(void **state) {
    (void)state;
    static stream s;
    s.n = 500;
    random_stream(&s, 4);
    for (size_t room = 0; room < s.bytes + 2; room++) {
        uint8_t *bytes = malloc(room + 1);
        assert_non_null(bytes);
        bytes[room] = 77;
        prnn_encoder e = prnn_encoder_begin(bytes, room);
        for (size_t i = 0; i < s.n; i++) {
            prnn_encoder_put(&e, s.list[i]);
        }
        size_t count = prnn_encoder_end(&e);
        assert_int_equal(bytes[room], 77);
        assert_true(count == s.bytes || (room < s.bytes + 8 && count == room + 1));
        assert_true(room >= s.bytes || count == room + 1);
        assert_true(count > room || memcmp(bytes, s.coded, count) == 0);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trips), cmocka_unit_test(test_carries),
                                       cmocka_unit_test(test_other_bytes), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codec/coder.h"

/* The range is kept at 2^56 or more, 2^32 for each of the 2^24 numbers. */
static const uint64_t LEAST = (uint64_t)1 << 56;

/* The part of a range that begins at low + (unit of a number) * start. The last interval gets what rounding
 * leaves. */
static uint64_t part_of(uint64_t range, prnn_interval interval) {
    uint64_t unit = range >> PRNN_INTERVAL_BITS;
    bool last = interval.start + interval.size == 1u << PRNN_INTERVAL_BITS;
    return last ? range - unit * interval.start : unit * interval.size;
}

/* The end of a stream: the number in low .. low + range - 1 (modulo 2^64; *carry: beyond that) with the
 * fewest bytes that are not 0. */
static uint64_t shortest(uint64_t low, uint64_t range, bool *carry) {
    uint64_t end = 0;
    for (int bytes = 0; bytes <= 8; bytes++) {
        uint64_t tail = bytes == 8 ? 0 : UINT64_MAX >> (8 * bytes);
        end = (low + tail) & ~tail;
        if (end - low < range) {
            break;
        }
    }
    *carry = end < low;
    return end;
}

/* -------------------------------------------------------------------------------------- encoder */

prnn_encoder prnn_encoder_begin(uint8_t *bytes, size_t room) {
    return (prnn_encoder){.range = UINT64_MAX, .bytes = bytes, .room = room};
}

static void put_byte(prnn_encoder *e, uint8_t byte) {
    if (e->count < e->room) {
        e->bytes[e->count++] = byte;
    } else {
        e->full = true;
    }
}

/* 1 is added to the bytes so far, as one number. */
static void add_carry(prnn_encoder *e) {
    for (size_t i = e->count; i > 0 && ++e->bytes[i - 1] == 0; i--) {
    }
}

void prnn_encoder_put(prnn_encoder *e, prnn_interval interval) {
    uint64_t before = e->low;
    e->low += (e->range >> PRNN_INTERVAL_BITS) * interval.start;
    e->range = part_of(e->range, interval);
    if (e->low < before) {
        add_carry(e);
    }
    for (; e->range < LEAST; e->range <<= 8, e->low <<= 8) {
        put_byte(e, (uint8_t)(e->low >> 56));
    }
}

size_t prnn_encoder_end(prnn_encoder *e) {
    bool carry;
    uint64_t end = shortest(e->low, e->range, &carry);
    if (carry) {
        add_carry(e);
    }
    for (; end; end <<= 8) {
        put_byte(e, (uint8_t)(end >> 56));
    }
    while (e->count > 0 && e->bytes[e->count - 1] == 0) {
        e->count--;
    }
    return e->full ? e->room + 1 : e->count;
}

/* -------------------------------------------------------------------------------------- decoder */

static void next_byte(prnn_decoder *d) {
    d->code = d->code << 8 | (d->at < d->count ? d->bytes[d->at] : 0);
    d->at++;
}

prnn_decoder prnn_decoder_begin(const uint8_t *bytes, size_t count) {
    prnn_decoder d = {.range = UINT64_MAX, .bytes = bytes, .count = count};
    for (int i = 0; i < 8; i++) {
        next_byte(&d);
    }
    return d;
}

uint32_t prnn_decoder_number(const prnn_decoder *d) {
    const uint64_t most = (1u << PRNN_INTERVAL_BITS) - 1;
    uint64_t number = d->code / (d->range >> PRNN_INTERVAL_BITS);
    return (uint32_t)(number < most ? number : most);
}

void prnn_decoder_take(prnn_decoder *d, prnn_interval interval) {
    uint64_t start = (d->range >> PRNN_INTERVAL_BITS) * interval.start;
    d->low += start;
    d->code -= start;
    d->range = part_of(d->range, interval);
    d->lost = d->lost || d->code >= d->range;
    for (; d->range < LEAST; d->range <<= 8, d->low <<= 8) {
        next_byte(d);
    }
}

bool prnn_decoder_end(const prnn_decoder *d) {
    bool carry;
    bool whole = d->count <= d->at && (d->count == 0 || d->bytes[d->count - 1] != 0);
    return whole && !d->lost && d->code == shortest(d->low, d->range, &carry) - d->low;
}

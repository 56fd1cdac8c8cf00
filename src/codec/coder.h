/* A range coder (Martin 1979): an encoder turns intervals of 0 .. 2^24 - 1 (heads/head.h) into bytes, a
 * decoder finds them again, first in, first out. It keeps 64 bits of the low end and the size of a range,
 * which costs less than a millionth more than the intervals' sizes say. A stream ends in as few bytes as tell
 * it from all others; zeros at its end are left out. So there is one stream for some intervals, and a decoder
 * can tell whether it has read it. */
#ifndef PRNN_CODEC_CODER_H
#define PRNN_CODEC_CODER_H

#include "heads/head.h"

typedef struct prnn_encoder {
    uint64_t low, range;
    uint8_t *bytes;
    size_t count, room;
    bool full; /* the room was too small: the bytes are of no use */
} prnn_encoder;

/* Writes into `bytes`, which has that much room. */
prnn_encoder prnn_encoder_begin(uint8_t *bytes, size_t room);
void prnn_encoder_put(prnn_encoder *encoder, prnn_interval interval);
/* Bytes of the stream; `room` + 1: it has more. */
size_t prnn_encoder_end(prnn_encoder *encoder);

typedef struct prnn_decoder {
    uint64_t low, range, code; /* of the same range; code: where the stream is above low */
    const uint8_t *bytes;
    size_t count, at;
    bool lost; /* the stream was above the range, and its high bits have gone */
} prnn_decoder;

prnn_decoder prnn_decoder_begin(const uint8_t *bytes, size_t count);
/* A number in the next interval: 0 .. 2^24 - 1, also of bytes that are no stream. */
uint32_t prnn_decoder_number(const prnn_decoder *decoder);
/* Goes on after that interval. */
void prnn_decoder_take(prnn_decoder *decoder, prnn_interval interval);
/* Whether the bytes are the stream of the intervals that were taken: nothing less, nothing more. */
bool prnn_decoder_end(const prnn_decoder *decoder);

#endif

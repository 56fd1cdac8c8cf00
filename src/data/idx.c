/* idx, the format of MNIST: 0, 0, type, rank; rank sizes as big-endian 32-bit numbers; the values. */
#include "data/data.h"

#include "data/array.h"

enum { UNSIGNED_BYTE = 8 };

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static const char *type_name(uint8_t type) {
    static const char *const names[] = {"unsigned byte",  "signed byte", "",      "16-bit integer",
                                        "32-bit integer", "float",       "double"};
    return type >= 8 && type <= 14 ? names[type - 8] : "";
}

bool prnn_idx_probe(const prnn_probe *probe) {
    const uint8_t *p = probe->head;
    if (probe->head_size < 4 || p[0] || p[1] || !type_name(p[2])[0] || p[3] < 1 || p[3] > 8) {
        return false;
    }
    /* A CIFAR file can begin like that too (an aeroplane in a dark corner): then the "sizes" are pixels. */
    return !(prnn_cifar_probe(probe) && probe->head_size == 16 &&
             (big_endian(p + 8) > 65535 || big_endian(p + 12) > 65535));
}

prnn_status prnn_idx_put(prnn_builder *b, prnn_stream *s) {
    uint8_t head[20];
    prnn_status status = prnn_stream_read(b->ctx, s, head, 4);
    if (status != PRNN_OK) {
        return status;
    }
    if (head[0] || head[1] || !type_name(head[2])[0]) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: holds no idx data (it begins with %02x %02x %02x %02x, idx images with 00 00 08 "
            "03); unpack anything else, such as .tar.gz, first",
            s->name, head[0], head[1], head[2], head[3]);
    }
    if (head[2] != UNSIGNED_BYTE) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: its idx values are of type %s, and only unsigned byte is read: convert it",
                         s->name, type_name(head[2]));
    }
    if (head[3] != 3 && head[3] != 4) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its idx array has %d dimension%s, images have 3 (n, height, width) or 4 (n, height, "
            "width, channels)%s",
            s->name, head[3], prnn_plural(head[3]), head[3] == 1 ? ": these look like the labels" : "");
    }
    status = prnn_stream_read(b->ctx, s, head + 4, 4 * (size_t)head[3]);
    if (status != PRNN_OK) {
        return status;
    }
    const prnn_array array = {big_endian(head + 4),
                              big_endian(head + 8),
                              big_endian(head + 12),
                              head[3] == 4 ? big_endian(head + 16) : 1,
                              false,
                              false};
    return prnn_array_put(b, s, &array);
}

prnn_status prnn_idx_open(prnn_builder *b, prnn_input *input) {
    prnn_stream stream = prnn_stream_plain(input);
    return prnn_idx_put(b, &stream);
}

#include "data/stream.h"

static prnn_status plain_read(prnn_context *ctx, prnn_stream *s, void *to, size_t n, size_t *got) {
    uint64_t rest = s->input->size - s->offset;
    *got = n < rest ? n : (size_t)rest;
    prnn_status status = prnn_input_read(ctx, s->input, s->offset, to, *got);
    s->offset += *got;
    return status;
}

static prnn_status plain_skip(prnn_context *ctx, prnn_stream *s, uint64_t n) {
    if (n > s->input->size - s->offset) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is cut off", s->name);
    }
    s->offset += n;
    return PRNN_OK;
}

prnn_stream prnn_stream_plain(prnn_input *input) {
    return (prnn_stream){.name = input->name,
                         .left = input->size,
                         .exact = true,
                         .read = plain_read,
                         .skip = plain_skip,
                         .input = input,
                         .plain = true};
}

static void passed(prnn_stream *s, uint64_t n) {
    s->left -= n < s->left ? n : s->left;
}

prnn_status prnn_stream_read(prnn_context *ctx, prnn_stream *s, void *to, size_t n) {
    size_t got;
    prnn_status status = s->read(ctx, s, to, n, &got);
    if (status != PRNN_OK) {
        return status;
    }
    passed(s, got);
    if (got < n) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: is cut off: %zu more byte%s should follow at its end; fetch or make it anew",
                         s->name, n - got, prnn_plural(n - got));
    }
    return PRNN_OK;
}

prnn_status prnn_stream_skip(prnn_context *ctx, prnn_stream *s, uint64_t n) {
    if (s->skip) {
        passed(s, n);
        return s->skip(ctx, s, n);
    }
    uint8_t waste[16384];
    prnn_status status = PRNN_OK;
    while (n && status == PRNN_OK) {
        size_t piece = n < sizeof waste ? (size_t)n : sizeof waste;
        status = prnn_stream_read(ctx, s, waste, piece);
        n -= piece;
    }
    return status;
}

prnn_status prnn_stream_end(prnn_context *ctx, prnn_stream *s) {
    uint8_t extra;
    size_t got;
    prnn_status status = s->read(ctx, s, &extra, 1, &got);
    if (status == PRNN_OK && got) {
        status = prnn_fail(ctx, PRNN_ERROR_FORMAT,
                           "%s: goes on after the last image that its header announces", s->name);
    }
    return status;
}

/* gzip, and idx within it. */
#include "data/data.h"

#include "base/memory.h"

#include <zlib.h>

typedef struct gzip {
    z_stream z;
    bool ended; /* the last member is complete */
    uint8_t buffer[65536];
} gzip;

static prnn_status fail_memory(prnn_context *ctx, const char *name) {
    return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to unpack it", name);
}

static prnn_status refill(prnn_context *ctx, prnn_stream *s, gzip *g) {
    uint64_t rest = s->input->size - s->offset;
    size_t n = rest < sizeof g->buffer ? (size_t)rest : sizeof g->buffer;
    prnn_status status = prnn_input_read(ctx, s->input, s->offset, g->buffer, n);
    s->offset += n;
    g->z.next_in = g->buffer;
    g->z.avail_in = (uInt)n;
    return status;
}

static prnn_status gzip_read(prnn_context *ctx, prnn_stream *s, void *to, size_t n, size_t *got) {
    gzip *g = s->state;
    *got = 0;
    while (*got < n) {
        if (!g->z.avail_in) {
            prnn_status status = refill(ctx, s, g);
            if (status != PRNN_OK) {
                return status;
            }
            if (!g->z.avail_in) {
                return g->ended ? PRNN_OK
                                : prnn_fail(ctx, PRNN_ERROR_FORMAT,
                                            "%s: the gzip data is cut off; fetch or make it anew", s->name);
            }
        }
        if (g->ended) { /* a gzip file may have several members */
            inflateReset(&g->z);
            g->ended = false;
        }
        size_t piece = n - *got < (1u << 30) ? n - *got : 1u << 30;
        g->z.next_out = (uint8_t *)to + *got;
        g->z.avail_out = (uInt)piece;
        int code = inflate(&g->z, Z_NO_FLUSH);
        *got += piece - g->z.avail_out;
        if (code == Z_STREAM_END) {
            g->ended = true;
        } else if (code == Z_MEM_ERROR) {
            return fail_memory(ctx, s->name);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: the gzip data is damaged (%s); fetch or make it anew", s->name,
                             g->z.msg ? g->z.msg : "unknown");
        }
    }
    return PRNN_OK;
}

prnn_status prnn_stream_gzip(prnn_context *ctx, prnn_input *input, prnn_stream *s) {
    uint64_t most =
        input->size < PRNN_UNPACKED_LIMIT ? input->size * PRNN_DEFLATE_RATIO : PRNN_UNPACKED_LIMIT;
    *s = (prnn_stream){.name = input->name,
                       .left = most < PRNN_UNPACKED_LIMIT ? most : PRNN_UNPACKED_LIMIT,
                       .read = gzip_read,
                       .input = input};
    gzip *g = prnn_alloc(ctx, 1, sizeof *g, "unpacking gzip");
    if (!g) {
        return PRNN_ERROR_MEMORY;
    }
    if (inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) {
        prnn_free(g);
        return fail_memory(ctx, input->name);
    }
    s->state = g;
    return PRNN_OK;
}

void prnn_stream_gzip_close(prnn_stream *s) {
    gzip *g = s->state;
    inflateEnd(&g->z);
    prnn_free(g);
}

bool prnn_idx_gz_probe(const prnn_probe *probe) {
    return probe->head_size >= 2 && probe->head[0] == 0x1f && probe->head[1] == 0x8b;
}

prnn_status prnn_idx_gz_open(prnn_builder *b, prnn_input *input) {
    prnn_stream stream;
    prnn_status status = prnn_stream_gzip(b->ctx, input, &stream);
    if (status == PRNN_OK) {
        status = prnn_idx_put(b, &stream);
        prnn_stream_gzip_close(&stream);
    }
    return status;
}

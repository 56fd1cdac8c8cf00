#include "codec/stream.h"

#include "sample/generation.h"

size_t prnn_stream_logits(const prnn_network *net, size_t images) {
    const prnn_config *c = &net->plan.config;
    return images * (size_t)c->width * (size_t)c->channels * (size_t)net->head.per_value;
}

/* Images of the group that begins at `first`. */
static size_t group_of(size_t count, size_t first) {
    return count - first < PRNN_STREAM_GROUP ? count - first : PRNN_STREAM_GROUP;
}

/* ---------------------------------------------------------------------------------------- write */

typedef struct writing {
    const prnn_stream_worker *worker;
    prnn_encoder encoder;
    const uint8_t *images; /* of the group */
    size_t count;
    bool finite, stopped;
} writing;

/* One row of the images of the group. */
static void write_row(writing *w, int row) {
    const prnn_network *net = w->worker->network;
    const prnn_head *head = &net->head;
    size_t image = prnn_config_values(&net->plan.config), values = image / (size_t)net->plan.config.height;
    size_t per_value = (size_t)head->per_value, distance = values * per_value;
    const uint8_t *levels = w->images + (size_t)row * values;
    for (size_t v = 0; v < values; v++) {
        for (size_t i = 0; i < w->count && w->finite; i++) {
            prnn_interval interval;
            const float *logits = w->worker->logits + i * distance + v * per_value;
            w->finite =
                head->kind->interval(w->worker->kernels, head, logits, levels[i * image + v], &interval);
            if (w->finite) {
                prnn_encoder_put(&w->encoder, interval);
            }
        }
    }
}

static void write_rows(void *arg, const prnn_pass *pass, prnn_region rows) {
    writing *w = arg;
    const prnn_network *net = w->worker->network;
    size_t distance = prnn_stream_logits(net, 1);
    for (int row = rows.row; row < rows.row + rows.rows && w->finite && !w->encoder.full; row++) {
        prnn_head_read_logits(pass, &net->head, net->logits, prnn_region_row(rows, row), -1,
                              w->worker->logits, distance);
        write_row(w, row);
    }
}

void prnn_stream_write(const prnn_stream_worker *worker, prnn_stream *s) {
    size_t image = prnn_config_values(&worker->network->plan.config);
    writing w = {.worker = worker, .encoder = prnn_encoder_begin(s->bytes, s->size), .finite = true};
    for (size_t first = 0; first < s->count && w.finite && !w.encoder.full && !w.stopped; first += w.count) {
        w.count = group_of(s->count, first);
        w.images = s->images + first * image;
        prnn_batch batch = {.images = w.images, .n = (int)w.count};
        prnn_network_walk(worker->network, worker->pass, &batch, write_rows, &w);
        w.stopped = !worker->done(worker->user, w.count);
    }
    size_t room = s->size;
    s->size = prnn_encoder_end(&w.encoder);
    s->whole = w.finite && !w.stopped && s->size <= room;
}

/* ----------------------------------------------------------------------------------------- read */

typedef struct reading {
    const prnn_stream_worker *worker;
    prnn_stream *streams;
    prnn_decoder *decoders;
    size_t n;        /* streams */
    size_t count;    /* images of the group, of each stream */
    uint8_t *images; /* of the group: those of the first stream, of the second one, ... */
} reading;

/* The next value of all images of a stream, from the logits of the first one on. */
static void read_values(const reading *r, size_t stream, const float *logits, uint8_t *levels) {
    const prnn_head *head = &r->worker->network->head;
    size_t image = prnn_config_values(&r->worker->network->plan.config);
    prnn_decoder *decoder = &r->decoders[stream];
    for (size_t i = 0; i < r->count; i++, logits += head->per_value, levels += image) {
        prnn_interval interval;
        int level =
            head->kind->level_at(r->worker->kernels, head, logits, prnn_decoder_number(decoder), &interval);
        if (level < 0) {
            r->streams[stream].whole = false;
            level = 0;
            interval = (prnn_interval){0, 1};
        }
        prnn_decoder_take(decoder, interval);
        *levels = (uint8_t)level;
    }
}

static void read_group(const reading *r) {
    const prnn_network *net = r->worker->network;
    const prnn_config *c = &net->plan.config;
    size_t values = prnn_config_values(&net->plan.config), per_value = (size_t)net->head.per_value;
    prnn_generation g = prnn_generation_begin(net, r->worker->pass, (int)(r->n * r->count), r->images);
    for (size_t v = 0; v < values; v++) {
        prnn_place at = prnn_place_of(c, v);
        prnn_generation_advance(&g, v);
        prnn_network_read_logits(net, r->worker->pass, at.row, at.col, at.channel, r->worker->logits,
                                 per_value);
        for (size_t s = 0; s < r->n; s++) {
            size_t first = s * r->count;
            read_values(r, s, r->worker->logits + first * per_value, r->images + first * values + v);
        }
    }
}

void prnn_streams_read(const prnn_stream_worker *worker, prnn_stream *streams, size_t n) {
    size_t image = prnn_config_values(&worker->network->plan.config);
    prnn_decoder decoders[PRNN_GENERATION_MOST];
    reading r = {.worker = worker, .streams = streams, .decoders = decoders, .n = n};
    bool stopped = false;
    for (size_t s = 0; s < n; s++) {
        streams[s].whole = true;
        decoders[s] = prnn_decoder_begin(streams[s].bytes, streams[s].size);
    }
    for (size_t first = 0; first < streams[0].count && !stopped; first += r.count) {
        r.count = group_of(streams[0].count, first);
        r.images = streams[0].images + first * image;
        read_group(&r);
        stopped = !worker->done(worker->user, n * r.count);
    }
    for (size_t s = 0; s < n; s++) {
        streams[s].whole = streams[s].whole && !stopped && prnn_decoder_end(&decoders[s]);
    }
}

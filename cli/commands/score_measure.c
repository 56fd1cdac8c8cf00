/* Numbers of images, and the scores that they make. */
#include "commands/score.h"
#include "support/memory.h"
#include "support/statistics.h"
#include "support/try.h"

#include <math.h>
#include <pixelrnn/ranks.h>

/* Images that a rank measures at a time; and bytes of what the model expected of their values, on all. */
enum { CHUNK = 256, EXPECTED_BYTES = 256 << 20 };

/* ---------------------------------------------------------------------------------- the numbers */

static int allocate_column(session *s, size_t count, bool wanted, double **column) {
    *column = wanted ? session_allocate(s, count, sizeof **column) : NULL;
    return wanted ? check_memory(*column) : EXIT_OK;
}

static int allocate_measured(scoring *w, size_t count, measured *m) {
    const score_settings *want = w->want;
    int code;
    m->count = count;
    TRY(allocate_column(w->s, count, true, &m->nats));
    TRY(allocate_column(w->s, count, want->background, &m->background));
    TRY(allocate_column(w->s, count, want->complexity != COMPLEXITY_NONE, &m->compressed));
    TRY(allocate_column(w->s, count, want->surprise, &m->expected));
    TRY(allocate_column(w->s, count, want->surprise, &m->variance));
done:
    return code;
}

/* Some images at a time, of which a rank reads its share, and what is made of them. */
typedef struct chunk {
    const prnn_data *data;
    const char *path;
    size_t *indices; /* in the data */
    uint8_t *images;
    float *expected; /* entropies, then variances, of each value; NULL: not wanted */
    size_t *bytes;   /* NULL: not wanted */
    size_t n, to;    /* images, and where their numbers go */
} chunk;

static int allocate_chunk(scoring *w, size_t most, chunk *c) {
    session *s = w->s;
    size_t values = image_size(&s->config);
    int code;
    c->indices = session_allocate(s, most, sizeof *c->indices);
    TRY(check_memory(c->indices));
    c->images = session_allocate(s, most, values);
    TRY(check_memory(c->images));
    if (w->want->surprise) {
        c->expected = session_allocate(s, most, 2 * values * sizeof *c->expected);
        TRY(check_memory(c->expected));
    }
    if (w->want->complexity != COMPLEXITY_NONE) {
        c->bytes = session_allocate(s, most, sizeof *c->bytes);
        TRY(check_memory(c->bytes));
    }
done:
    return code;
}

/* Likelihoods under a chain, whose last model is `model`. */
static int evaluate(const scoring *w, const chunk *c, const prnn_chain *chain, const char *model,
                    prnn_evaluate_options *options, double *nats) {
    const session *s = w->s;
    prnn_status status = prnn_chain_evaluate(s->ctx, chain, c->images, c->n, options, nats, NULL, NULL);
    size_t bad = first_not_finite(nats, c->n);
    if (status == PRNN_ERROR_FORMAT &&
        bad < c->n) { /* the library counts from the first image of the chunk */
        return fail_not_finite(model, prnn_data_number(c->data, c->indices[bad]), c->path);
    }
    return exit_code(s->ctx, status);
}

/* Sums over the values of each image, in their order. */
static void sum_values(const chunk *c, size_t size, const float *values, double *sums) {
    for (size_t i = 0; i < c->n; i++) {
        sums[i] = 0;
        for (size_t v = 0; v < size; v++) {
            sums[i] += (double)*values++;
        }
    }
}

/* Images of a chunk of `n` of them or fewer. */
static size_t chunk_of(const scoring *w, size_t n) {
    size_t ranks = (size_t)prnn_context_rank_count(w->s->ctx), each = CHUNK;
    size_t expected = ranks * image_size(&w->s->config) * 2 * sizeof(float);
    if (w->want->surprise && each > EXPECTED_BYTES / expected) {
        each = EXPECTED_BYTES / expected ? EXPECTED_BYTES / expected : 1;
    }
    return n < each * ranks ? n : each * ranks;
}

static int measure_compressed(const scoring *w, const chunk *c, double *nats) {
    const prnn_config *config = &w->s->config;
    prnn_lossless format = w->want->complexity == COMPLEXITY_WEBP ? PRNN_LOSSLESS_WEBP : PRNN_LOSSLESS_PNG;
    int code;
    TRY(exit_code(w->s->ctx,
                  prnn_compressed_bytes(w->s->ctx, format, c->images, c->n, config->height, config->width,
                                        config->channels, config->levels, c->bytes)));
    for (size_t i = 0; i < c->n; i++) {
        nats[i] = (double)c->bytes[i] * 8 * log(2);
    }
done:
    return code;
}

static int measure_chunk(const scoring *w, const chunk *c, const measured *m) {
    const session *s = w->s;
    size_t size = image_size(&s->config), first, mine;
    prnn_evaluate_options asked = PRNN_EVALUATE_OPTIONS_INIT;
    int code;
    prnn_ranks_share(s->ctx, c->n, &first, &mine);
    TRY(exit_code(s->ctx, prnn_data_read(s->ctx, c->data, c->indices + first, mine, w->want->seed, 0,
                                         c->images + first * size)));
    if (c->expected) {
        asked.entropies = c->expected;
        asked.variances = c->expected + c->n * size;
    }
    TRY(evaluate(w, c, s->chain, s->path, &asked, m->nats + c->to));
    if (c->expected) {
        sum_values(c, size, asked.entropies, m->expected + c->to);
        sum_values(c, size, asked.variances, m->variance + c->to);
    }
    if (m->background) {
        TRY(evaluate(w, c, s->other, w->want->background, NULL, m->background + c->to));
    }
    if (m->compressed) {
        TRY(measure_compressed(w, c, m->compressed + c->to));
    }
done:
    return code;
}

/* Number i of n that are spread evenly over `total`: i total / n, which itself may be too large. */
static size_t spread(size_t i, size_t n, size_t total) {
    return i * (total / n) + i * (total % n) / n;
}

/* `n` images of a set, spread evenly over it, whose numbers go to `to` and after. */
static int measure_images(scoring *w, const prnn_data *data, const char *path, const char *phase, size_t n,
                          const measured *m, size_t to) {
    size_t most = chunk_of(w, n), total = prnn_data_count(data);
    chunk c = {.data = data, .path = path, .to = to};
    double begin = clock_seconds();
    int code;
    progress_begin(&w->s->bar, w->s->common->quiet, NULL);
    TRY(allocate_chunk(w, most, &c));
    for (size_t done = 0; done < n; done += c.n, c.to += c.n) {
        c.n = n - done < most ? n - done : most;
        for (size_t i = 0; i < c.n; i++) {
            c.indices[i] = spread(done + i, n, total);
        }
        TRY(measure_chunk(w, &c, m));
        progress_count(&w->s->bar, phase, done + c.n, n, clock_seconds() - begin);
    }
done:
    progress_end(&w->s->bar);
    return code;
}

/* ------------------------------------------------------------------------------------- the sets */

static int open_reference(const scoring *w, const char *path, prnn_data **set) {
    session *s = w->s;
    data_settings settings = w->want->data;
    skipped missing = {0};
    const selection all = {0, 0, &missing};
    int code;
    settings.path = path;
    TRY(session_open_set(s, &settings, &s->config, s->path, &all, set));
done:
    skipped_free(&missing);
    return code;
}

/* Only likelihoods are typical or not. */
static int measure_typical(scoring *w) {
    scoring plain = *w;
    score_settings nats_alone = *w->want;
    measured m = {0};
    prnn_data *set = NULL;
    size_t n = 0;
    int code;
    nats_alone.background = NULL;
    nats_alone.complexity = COMPLEXITY_NONE;
    nats_alone.surprise = false;
    plain.want = &nats_alone;
    TRY(open_reference(w, w->want->typical, &set));
    n = prnn_data_count(set);
    if (w->want->typical_limit && w->want->typical_limit < n) {
        n = w->want->typical_limit;
    }
    TRY(allocate_measured(&plain, n, &m));
    TRY(measure_images(&plain, set, w->want->typical, "typical", n, &m, 0));
    w->typical.images = n;
    mean_and_deviation(m.nats, n, &w->typical.mean, &w->typical.deviation);
    if (!(w->typical.deviation > 0)) {
        code =
            fail("--typical %s: %s: a spread of likelihoods is needed, of images like those that the model "
                 "was trained on",
                 w->want->typical,
                 n > 1 ? "all of its images have the same likelihood" : "one image has no spread");
    }
done:
    prnn_data_free(set);
    return code;
}

int score_measure_calibration(scoring *w, units *u) {
    measured m = {0};
    prnn_data *set = NULL;
    int code;
    TRY(open_reference(w, w->want->calibrate, &set));
    TRY(allocate_measured(w, prnn_data_count(set), &m));
    TRY(measure_images(w, set, w->want->calibrate, "calibrate", m.count, &m, 0));
    TRY(score_units(w, (const prnn_data *const[]){set}, 1, &m, u));
done:
    prnn_data_free(set);
    return code;
}

int score_measure(scoring *w) {
    session *s = w->s;
    size_t more = s->valid ? prnn_data_count(s->valid) : 0;
    double begin = clock_seconds();
    int code;
    w->data_count = prnn_data_count(s->data);
    if (w->want->typical) {
        TRY(measure_typical(w));
    }
    TRY(allocate_measured(w, w->data_count + more, &w->m));
    TRY(measure_images(w, s->data, w->want->data.path, "score", w->data_count, &w->m, 0));
    if (s->valid) {
        TRY(measure_images(w, s->valid, w->want->anomalous, "anomalous", more, &w->m, w->data_count));
    }
    const prnn_data *sets[] = {s->data, s->valid};
    TRY(score_units(w, sets, s->valid ? 2 : 1, &w->m, &w->u));
    w->seconds = clock_seconds() - begin;
done:
    return code;
}

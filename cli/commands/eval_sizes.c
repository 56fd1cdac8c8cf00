/* Images of sizes of their own, whole or in tiles: those of one size go through the model together, and what
 * is found out of each is in the order of the files. */
#include "commands/eval.h"
#include "commands/tiles.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/try.h"

#include <math.h>
#include <stdlib.h>

/* At most so many images are read at a time, or one. */
static const size_t piece_bytes = (size_t)64 << 20;
enum { PIECE = 1024, WHOLE_LIMIT = 4096 };

/* --------------------------------------------------------------------------------------- opening */

static int allocate_all(evaluation *e) {
    session *s = e->s;
    int code;
    e->own = session_allocate(s, 1, sizeof *e->own);
    TRY(check_memory(e->own));
    *e->own = (eval_sizes){0};
    e->nats = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->nats));
    TRY(eval_allocate_parts(e));
    e->own->heights = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->own->heights));
    e->own->widths = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->own->widths));
    e->own->values = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->own->values));
done:
    return code;
}

/* Every image says its size, before any is measured. */
static int look_at(const evaluation *e, size_t i) {
    const session *s = e->s;
    prnn_picture_info info = PRNN_PICTURE_INFO_INIT;
    if (s->listing) {
        prnn_listing_picture(s->listing, i, &info);
    } else {
        info.height = prnn_data_height(s->data);
        info.width = prnn_data_width(s->data);
    }
    e->own->heights[i] = info.height;
    e->own->widths[i] = info.width;
    e->own->values[i] = (double)info.height * info.width * s->config.channels;
    if (!e->want->tile && (info.height > WHOLE_LIMIT || info.width > WHOLE_LIMIT)) {
        return fail(
            "%s: is %d x %d pixels, and whole images are up to %d x %d: cut them into tiles (--tile 128)",
            session_image_name(s, i), info.height, info.width, WHOLE_LIMIT, WHOLE_LIMIT);
    }
    return EXIT_OK;
}

int eval_open_own(evaluation *e) {
    session *s = e->s;
    int code;
    TRY(session_open_own(s, &e->want->data, e->want->first, e->want->limit));
    e->count = session_image_count(s);
    TRY(allocate_all(e));
    e->own->different = s->listing ? prnn_listing_group_count(s->listing) : 1;
    for (size_t i = 0; i < e->count; i++) {
        TRY(look_at(e, i));
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------- measuring */

/* Some images of one size: numbers first .. first + n - 1 of a data set, which are images[0..n-1] of all, or
 * (NULL) have the same numbers. */
typedef struct piece {
    const prnn_data *data;
    size_t first, n;
    const size_t *images;
} piece;

static int measure(evaluation *e, const piece *p) {
    session *s = e->s;
    const int height = prnn_data_height(p->data), width = prnn_data_width(p->data);
    const int channels = prnn_data_channels(p->data);
    int code;
    uint8_t *levels = allocate(p->n, (size_t)height * (size_t)width * (size_t)channels);
    double *nats = allocate(p->n, sizeof *nats);
    double *parts = e->part_nats ? allocate(p->n, e->parts * sizeof *parts) : NULL;
    const pictures all = {levels, p->n, height, width, channels};
    TRY(check_memory(levels));
    TRY(check_memory(nats));
    TRY(e->part_nats ? check_memory(parts) : EXIT_OK);
    TRY(data_read(s->ctx, p->data, p->first, p->n, e->want->seed, levels));
    TRY(tiles_evaluate(s->ctx, s->measured.ensemble, &all, e->want->tile, nats, parts));
    for (size_t i = 0; i < p->n; i++) {
        size_t image = p->images ? p->images[i] : p->first + i;
        e->nats[image] = nats[i];
        for (size_t k = 0; parts && k < e->parts; k++) {
            e->part_nats[image * e->parts + k] = parts[i * e->parts + k];
        }
        TRY(session_check_finite(s, e->want->data.path, e->nats, image, 1));
    }
done:
    free(levels);
    free(nats);
    free(parts);
    return code;
}

static size_t piece_of(double values) {
    size_t n = piece_bytes / (size_t)values;
    return n < 1 ? 1 : n < PIECE ? n : PIECE;
}

static void tell(evaluation *e, size_t done, double begin) {
    e->seconds = clock_seconds() - begin;
    progress_count(&e->s->bar, "evaluate", done, e->count, e->seconds);
}

static int measure_group(evaluation *e, size_t group, size_t *done, double begin) {
    session *s = e->s;
    prnn_data *data = NULL;
    size_t count;
    const size_t *images = prnn_listing_group(s->listing, group, &count);
    size_t most = piece_of(e->own->values[images[0]]);
    int code = EXIT_OK;
    for (size_t from = 0; from < count; from += most) {
        size_t n = count - from < most ? count - from : most;
        TRY(exit_code(s->ctx, prnn_listing_data(s->ctx, s->listing, group, from, n, &data)));
        TRY(measure(e, &(piece){data, 0, n, images + from}));
        prnn_data_free(data);
        data = NULL;
        tell(e, *done += n, begin);
    }
done:
    prnn_data_free(data);
    return code;
}

int eval_own(evaluation *e) {
    session *s = e->s;
    size_t done = 0, most = piece_of(e->own->values[0]);
    double begin = clock_seconds();
    int code = EXIT_OK;
    progress_begin(&s->bar, s->common->quiet, NULL);
    for (size_t g = 0; s->listing && g < e->own->different; g++) {
        TRY(measure_group(e, g, &done, begin));
    }
    for (size_t from = 0; !s->listing && from < e->count; from += most) {
        size_t n = e->count - from < most ? e->count - from : most;
        TRY(measure(e, &(piece){s->data, from, n, NULL}));
        tell(e, done += n, begin);
    }
done:
    progress_end(&s->bar);
    return code;
}

/* ---------------------------------------------------------------------------------------- means */

void eval_sum_up_own(evaluation *e) {
    eval_sizes *own = e->own;
    double nats = 0, values = 0, bits = 0, squares = 0, n = (double)e->count;
    for (size_t i = 0; i < e->count; i++) {
        nats += e->nats[i];
        values += own->values[i];
        bits += eval_bits(e, i, e->nats[i]);
    }
    /* The error of a ratio of means: what the images cost beyond their share. */
    for (size_t i = 0; i < e->count; i++) {
        double beyond = e->nats[i] - nats / values * own->values[i];
        squares += beyond * beyond;
    }
    own->total = values;
    own->bits = nats / (values * log(2));
    own->bits_error = e->count > 1 ? sqrt(squares / (n - 1) / n) * n / (values * log(2)) : NAN;
    own->mean_bits = bits / n;
}

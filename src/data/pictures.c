/* Pictures: one file, or many, decoded on all threads and stored in their order. */
#include "base/available.h"
#include "base/budget.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "data/data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROUND = 256, ROUND_BYTES = 64 << 20 }; /* decoded between two times that all threads wait */

bool prnn_picture_probe(const prnn_probe *probe) {
    return prnn_is_picture(probe->head, probe->head_size);
}

static prnn_look look_of(const prnn_data_options *o) {
    return (prnn_look){o->alpha, {o->background[0], o->background[1], o->background[2]}, o->as_stored, false};
}

/* ----------------------------------------------------------------------------------------- notes */

void prnn_pictures_count_found(prnn_builder *b, const prnn_found *found) {
    b->transparent += found->transparent;
    b->paged += found->more_pages;
    b->deep += found->deep;
}

/* Tells that n of the pictures, or the one, "are", "is", "have" or "has" something. */
static void note_some(prnn_builder *b, size_t n, const char *verb, const char *what) {
    if (b->done == 1) {
        prnn_builder_note(b, "%s: %s %s", b->name, verb, what);
    } else {
        prnn_builder_note(b, "%s: %zu of %zu pictures %s %s", b->name, n, b->done, verb, what);
    }
}

/* What the caller should know of the pictures that were read. */
void prnn_pictures_note_found(prnn_builder *b) {
    const prnn_data_options *o = &b->options;
    char behind[128] = "transparent, which is dropped";
    if (o->alpha == PRNN_ALPHA_KEEP) {
        return;
    }
    if (o->alpha == PRNN_ALPHA_OVER) {
        snprintf(behind, sizeof behind,
                 "transparent: composited over the colour #%02x%02x%02x (alpha chooses another one, or drop)",
                 o->background[0], o->background[1], o->background[2]);
    }
    if (b->transparent) {
        note_some(b, b->transparent, b->transparent == 1 ? "is" : "are", behind);
    }
    if (b->paged) {
        note_some(b, b->paged, b->paged == 1 ? "has" : "have",
                  "several pages or frames, of which the first was read");
    }
    if (b->deep) {
        note_some(b, b->deep, b->deep == 1 ? "has" : "have",
                  "samples of 16 bits, of which the high 8 were read");
    }
}

/* ------------------------------------------------------------------------------------------- one */

prnn_status prnn_picture_open(prnn_builder *b, prnn_input *input) {
    const prnn_look look = look_of(&b->options);
    prnn_image image = {0};
    prnn_found found;
    prnn_status status;
    TRY(prnn_builder_slice(b, 1));
    TRY(input->file ? prnn_picture_read(b->ctx, input->name, &look, &image, &found)
                    : prnn_picture_decode(b->ctx, input->name, input->memory, (size_t)input->size, &look,
                                          &image, &found));
    TRY(prnn_builder_put(b, input->name, &image));
    TRY(input->file ? prnn_builder_name(b, input->name) : PRNN_OK);
    prnn_pictures_count_found(b, &found);
    prnn_pictures_note_found(b);
done:
    prnn_image_free(&image);
    return status;
}

/* ------------------------------------------------------------------------------------------ many */

/* Whether the picture is at fault: damaged, not there, or not to be read. What the system refuses for any
 * other reason it may refuse for good pictures too, and a set without them would be another set. */
static bool at_fault(const prnn_context *ctx, prnn_status status) {
    return status == PRNN_ERROR_FORMAT ||
           (status == PRNN_ERROR_FILE && (!ctx->cause || prnn_file_is_absent(ctx)));
}

/* What became of a picture of a round. */
typedef struct outcome {
    prnn_status status;
    bool unusable; /* it, not the set, is at fault */
    prnn_found found;
    char why[sizeof((prnn_context *)0)->message];
} outcome;

typedef struct job {
    prnn_builder *b;
    const prnn_taker *taker;
    char *const *paths; /* of the pictures of this round */
    size_t seen;        /* pictures before them */
    prnn_share own;     /* those that this rank decodes */
    outcome *outcomes;
    prnn_budget budget; /* of all threads; the files themselves are little beside what they decode to */
} job;

/* Of what is free, for what is decoded: the rest is for the decoder's own, and for others. */
static size_t decoding_bytes(void) {
    return prnn_memory_available() / 4 * 3;
}

static void decode_one(job *j, size_t i) {
    const prnn_builder *b = j->b;
    const prnn_look look = look_of(&b->options);
    prnn_context ctx = {.budget = &j->budget}; /* for its message alone */
    outcome *o = &j->outcomes[i];
    prnn_image image;
    o->status = prnn_picture_read(&ctx, j->paths[i], &look, &image, &o->found);
    o->unusable = at_fault(&ctx, o->status);
    if (o->status == PRNN_OK) {
        size_t number = b->numbers ? b->numbers[j->seen + i] : b->first + j->seen + i;
        o->status = j->taker->take(j->taker->user, &ctx, i, j->paths[i], number, &image, &o->unusable);
        prnn_image_free(&image);
    }
    memcpy(o->why, ctx.message, sizeof o->why);
    prnn_budget_give(&ctx);
}

static void decode(void *arg, size_t index, void *own) {
    (void)own;
    job *j = arg;
    decode_one(j, j->own.first + index);
}

/* This rank's part of a round of n pictures; then all know what became of all. */
static prnn_status decode_round(job *j, size_t n) {
    prnn_context *ctx = j->b->ctx;
    prnn_budget_init(&j->budget, decoding_bytes());
    prnn_parallel_for(ctx, j->own.count, decode, j);
    for (size_t i = j->own.first; i < j->own.first + j->own.count; i++) {
        if (j->outcomes[i].status == PRNN_ERROR_MEMORY) { /* alone it may find enough */
            decode_one(j, i);
        }
    }
    prnn_budget_destroy(&j->budget);
    if (!j->b->together) {
        return PRNN_OK;
    }
    const prnn_results outcomes = {j->outcomes, sizeof *j->outcomes};
    prnn_status status;
    TRY(prnn_ranks_collect(ctx, PRNN_OK, j->seen, n, &outcomes, 1));
    TRY(prnn_ranks_collect(ctx, PRNN_OK, j->seen, n, j->taker->made,
                           sizeof j->taker->made / sizeof *j->taker->made));
done:
    return status;
}

/* What became of the pictures of a round, in their order. */
static prnn_status collect(const job *j, size_t n) {
    prnn_builder *b = j->b;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        const outcome *o = &j->outcomes[i];
        if (o->status == PRNN_OK) {
            prnn_pictures_count_found(b, &o->found);
            status = j->taker->keep(j->taker->user, b, i, j->paths[i], &o->found);
        } else if (o->unusable) {
            status = prnn_builder_skip(b, j->paths[i], o->why);
        } else {
            status = prnn_fail(b->ctx, o->status, "%s", o->why);
        }
    }
    return status;
}

/* Fails unless all ranks have the same list. */
static prnn_status compare_paths(const prnn_builder *b, char *const *paths) {
    char text[64];
    uint64_t hash = PRNN_HASH_BEGIN;
    for (size_t i = 0; i < b->count; i++) {
        hash = prnn_ranks_hash(hash, paths[i], strlen(paths[i]) + 1);
    }
    snprintf(text, sizeof text, "%zu, fingerprint %" PRIx64, b->count, hash);
    return prnn_ranks_compare(b->ctx, "list of pictures", text);
}

prnn_status prnn_pictures_take(prnn_builder *b, char *const *paths, const prnn_taker *taker) {
    outcome *outcomes = prnn_alloc(b->ctx, taker->round, sizeof *outcomes, "pictures");
    prnn_status status = outcomes ? PRNN_OK : PRNN_ERROR_MEMORY;
    TRY(status);
    TRY(b->together ? compare_paths(b, paths) : PRNN_OK);
    for (size_t seen; (seen = b->done + b->skipped) < b->count;) {
        size_t n = b->count - seen < taker->round ? b->count - seen : taker->round;
        prnn_share own = b->together ? prnn_share_mine(b->ctx, n) : (prnn_share){0, n};
        job j = {b, taker, paths + seen, seen, own, outcomes, {.bytes = 0}};
        TRY(decode_round(&j, n));
        TRY(collect(&j, n));
    }
done:
    prnn_free(outcomes);
    return status;
}

/* ------------------------------------------------------------------------------------ into a set */

/* The images of a round, as the set stores them. */
typedef struct storing {
    const prnn_data *data;
    uint8_t *values;   /* of all places */
    prnn_colours *own; /* of their pictures, where a palette is to be found; else NULL */
    int highest[ROUND];
} storing; /* all but `data` is shared by ranks */

static prnn_status take(void *user, prnn_context *ctx, size_t place, const char *path, size_t number,
                        const prnn_image *image, bool *unusable) {
    storing *s = user;
    const prnn_data *d = s->data;
    bool small = image->height < d->height || image->width < d->width;
    s->highest[place] = 0;
    prnn_status status = prnn_data_take(ctx, d, path, number, image, s->values + place * prnn_data_size(d),
                                        &s->highest[place], s->own ? s->own + place : NULL);
    *unusable = status == PRNN_ERROR_FORMAT && small && d->fit == PRNN_FIT_CROP;
    return status;
}

static prnn_status keep(void *user, prnn_builder *b, size_t place, const char *path,
                        const prnn_found *found) {
    storing *s = user;
    uint8_t *values = s->values + place * prnn_data_size(s->data);
    prnn_status status;
    (void)found;
    b->highest = s->highest[place] > b->highest ? s->highest[place] : b->highest;
    TRY(s->own ? prnn_builder_merge(b, path, s->own + place, values) : PRNN_OK);
    TRY(prnn_builder_store(b, values));
    TRY(prnn_builder_name(b, path));
done:
    return status;
}

/* The first picture that can be read shows the size of all; it is decoded again in its round. */
static prnn_status begin(prnn_builder *b, char *const *paths) {
    const prnn_look look = look_of(&b->options);
    while (b->skipped < b->count) {
        const char *path = paths[b->skipped];
        prnn_image image;
        prnn_status status = prnn_picture_read(b->ctx, path, &look, &image, NULL);
        if (status == PRNN_OK) {
            status = prnn_builder_shape(b, path, &image);
            prnn_image_free(&image);
            return status == PRNN_OK ? prnn_builder_room(b) : status;
        }
        if (!at_fault(b->ctx, status)) {
            return status;
        }
        char why[sizeof b->ctx->message];
        snprintf(why, sizeof why, "%s", prnn_message(b->ctx));
        status = prnn_builder_skip(b, path, why);
        if (status != PRNN_OK) {
            return status;
        }
    }
    return PRNN_OK;
}

static prnn_status put_all(prnn_builder *b, char *const *paths) {
    size_t size = prnn_data_size(b->data), round = ROUND_BYTES / size;
    round = round < 1 ? 1 : round > ROUND ? ROUND : round;
    storing *s = prnn_alloc(b->ctx, 1, sizeof *s, "pictures");
    uint8_t *values = prnn_alloc(b->ctx, round, size, "pictures");
    prnn_colours *own = b->found ? prnn_alloc(b->ctx, round, sizeof *own, "palettes of pictures") : NULL;
    prnn_status status = PRNN_ERROR_MEMORY;
    if (s && values && (own || !b->found)) {
        s->data = b->data;
        s->values = values;
        s->own = own;
        const prnn_taker taker = {
            take,
            keep,
            s,
            round,
            {{values, size}, {s->highest, sizeof *s->highest}, {own, own ? sizeof *own : 0}}};
        status = prnn_pictures_take(b, paths, &taker);
    }
    prnn_free(s);
    prnn_free(values);
    prnn_free(own);
    return status;
}

prnn_status prnn_pictures_put(prnn_builder *b, char *const *paths, size_t count) {
    prnn_status status;
    TRY(prnn_builder_slice(b, count));
    TRY(begin(b, paths + b->first));
    if (b->data) { /* else all were skipped */
        TRY(put_all(b, paths + b->first));
    }
    prnn_pictures_note_found(b);
done:
    return status;
}

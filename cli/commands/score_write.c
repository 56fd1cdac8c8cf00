/* The files of pixelrnn score: the table of all images, and the sheet of those that stand out. */
#include "commands/captions.h"
#include "commands/score.h"
#include "commands/scores.h"
#include "commands/sheets.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- table */

enum { COLUMNS = 32, NAME = 40 };

typedef struct table {
    score_column columns[COLUMNS];
    char names[COLUMNS][NAME];
    size_t n;
} table;

static void add(table *t, const char *before, const char *name, const double *values) {
    snprintf(t->names[t->n], NAME, "%s%s", before, name);
    t->columns[t->n] = (score_column){t->names[t->n], values, 1};
    t->n++;
}

/* A column of what a unit has, for each image. */
static int add_unit(const scoring *w, table *t, const char *before, const char *name, const double *values) {
    if (w->u.of) {
        double *column = session_allocate(w->s, w->m.count, sizeof *column);
        for (size_t i = 0; column && i < w->m.count; i++) {
            column[i] = values[w->u.of[i]];
        }
        values = column;
    }
    add(t, before, name, values);
    return check_memory(values);
}

/* The scores of images as if each was a unit. */
static int score_images(const scoring *w, units *u) {
    score_settings alone = *w->want;
    scoring single = *w;
    const prnn_data *sets[] = {w->s->data, w->s->valid};
    alone.group = 0;
    alone.group_folders = false;
    single.want = &alone;
    return score_units(&single, sets, w->s->valid ? 2 : 1, &w->m, u);
}

static int add_bits(const scoring *w, table *t) {
    double *bits = session_allocate(w->s, w->m.count, sizeof *bits);
    int code;
    TRY(check_memory(bits));
    for (size_t i = 0; i < w->m.count; i++) {
        bits[i] = prnn_bits_per_dim(session_last_model(w->s), w->m.nats[i]);
    }
    add(t, "", "bits_per_dim", bits);
done:
    return code;
}

/* What the scores of images are made of, and these. */
static int add_images(const scoring *w, table *t) {
    const measured *m = &w->m;
    units u = {0};
    int code;
    TRY(score_images(w, &u));
    add(t, "", score_names[SCORE_NATS], m->nats);
    TRY(add_bits(w, t));
    if (m->background) {
        add(t, "", "background_nats", m->background);
    }
    if (m->compressed) {
        add(t, "", "compressed_nats", m->compressed);
    }
    if (m->expected) {
        add(t, "", "expected_nats", m->expected);
        add(t, "", "expected_variance", m->variance);
    }
    for (int k = SCORE_NATS + 1; k < SCORES; k++) {
        if (u.scores[k]) {
            add(t, "", score_names[k], u.scores[k]);
        }
    }
done:
    return code;
}

static int add_group_scores(const scoring *w, table *t) {
    double *numbers = session_allocate(w->s, w->u.count, sizeof *numbers);
    int code;
    TRY(check_memory(numbers));
    for (size_t i = 0; i < w->u.count; i++) {
        numbers[i] = (double)i;
    }
    TRY(add_unit(w, t, "", "group", numbers));
    for (int k = 0; k < SCORES; k++) {
        if (w->u.scores[k]) {
            TRY(add_unit(w, t, "group_", score_names[k], w->u.scores[k]));
        }
    }
done:
    return code;
}

static int add_labels(const scoring *w, table *t) {
    double *labels = session_allocate(w->s, w->u.count, sizeof *labels);
    int code;
    TRY(check_memory(labels));
    for (size_t i = 0; i < w->u.count; i++) {
        labels[i] = w->labels[i];
    }
    TRY(add_unit(w, t, "", "label", labels));
done:
    return code;
}

static int write_scores(const scoring *w) {
    const score_set sets[] = {{{w->s->data, NULL}, &w->s->missing},
                              {{w->s->valid, NULL}, &w->s->more_missing}};
    table t = {.n = 0};
    int code;
    TRY(add_images(w, &t));
    if (w->u.of) {
        TRY(add_group_scores(w, &t));
    }
    for (int k = 0; k < SCORES; k++) {
        if (w->judged[k].p) {
            TRY(add_unit(w, &t, w->u.of ? "p_group_" : "p_", score_names[k], w->judged[k].p));
        }
    }
    if (w->labels) {
        TRY(add_labels(w, &t));
    }
    TRY(scores_write_sets(w->s, w->want->scores, sets, w->s->valid ? 2 : 1, t.columns, t.n));
done:
    return code;
}

/* --------------------------------------------------------------------------------------- sheet */

static int draw_image(const scoring *w, size_t image, uint8_t *pixels, caption *text) {
    const session *s = w->s;
    char number[32], label[64];
    double score = w->u.scores[w->by][image];
    const prnn_data *set = score_set_of(w, &image);
    caption_image_of(set, set == s->data ? w->want->data.path : w->want->anomalous, image, "", text);
    snprintf(label, sizeof label, "%s: %s", text->label, format_fixed(score, 2, number));
    snprintf(text->label, sizeof text->label, "%.31s", label);
    return exit_code(s->ctx, prnn_data_read(s->ctx, set, &image, 1, w->want->seed, 0, pixels));
}

static int write_sheet(const scoring *w) {
    session *s = w->s;
    size_t size = image_size(&s->config);
    uint8_t *images = session_allocate(s, w->ranking.listed, size);
    caption *captions = session_allocate(s, w->ranking.listed, sizeof *captions);
    int code;
    TRY(check_memory(images));
    TRY(check_memory(captions));
    for (size_t i = 0; i < w->ranking.listed; i++) {
        TRY(draw_image(w, w->ranking.list[i].image, images + i * size, &captions[i]));
    }
    const sheet all = sheet_of(s, images, w->ranking.listed, w->want->columns, w->want->zoom, captions);
    TRY(sheet_write(s->ctx, w->want->sheet, &all));
done:
    return code;
}

int score_write(scoring *w) {
    int code = EXIT_OK;
    if (w->want->scores) {
        TRY(write_scores(w));
    }
    if (w->want->sheet) {
        TRY(write_sheet(w));
    }
done:
    return code;
}

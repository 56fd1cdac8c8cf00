/* What the scores are worth: against a calibration set, and against labels. */
#include "commands/labels.h"
#include "commands/score.h"
#include "support/memory.h"
#include "support/try.h"

#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------- labels */

static int label_images(const scoring *w, uint8_t *labels) {
    const score_settings *want = w->want;
    session *s = w->s;
    if (want->labels) {
        return labels_read(s, want->labels, want->data.path, !want->first && !want->limit, labels);
    }
    if (want->normal) {
        return labels_from_folder(s, want->data.path, want->normal, labels);
    }
    for (size_t i = 0; i < w->m.count; i++) {
        labels[i] = i >= w->data_count; /* --anomalous */
    }
    return EXIT_OK;
}

/* A group has the label of its images. */
static int label_groups(const scoring *w, const uint8_t *of_images, uint8_t *labels) {
    const units *u = &w->u;
    for (size_t i = 0; i < w->m.count; i++) {
        size_t first = u->first[u->of[i]];
        if (of_images[i] != of_images[first]) {
            return fail("group %zu of %s has images that belong and others that do not, such as %zu and %zu: "
                        "it needs to be of one kind",
                        u->of[i], w->want->data.path, prnn_data_number(w->s->data, first),
                        prnn_data_number(w->s->data, i));
        }
        labels[u->of[i]] = of_images[i];
    }
    return EXIT_OK;
}

int score_label(scoring *w) {
    const score_settings *want = w->want;
    uint8_t *labels = NULL;
    int code = EXIT_OK;
    if (!want->labels && !want->normal && !want->anomalous) {
        return EXIT_OK;
    }
    labels = session_allocate(w->s, w->m.count, 1);
    TRY(check_memory(labels));
    TRY(label_images(w, labels));
    TRY(labels_check(want->labels   ? want->labels
                     : want->normal ? want->data.path
                                    : want->anomalous,
                     labels, w->m.count));
    w->labels = labels;
    if (w->u.of) {
        w->labels = session_allocate(w->s, w->u.count, 1);
        TRY(check_memory(w->labels));
        TRY(label_groups(w, labels, w->labels));
    }
    for (size_t i = 0; i < w->u.count; i++) {
        w->normal += !w->labels[i];
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------ judgement */

/* Scores of what belongs, ascending: of the calibration set, or of the units with the label 0. */
typedef struct reference {
    double *sorted;
    size_t n;
} reference;

static int find_reference(const scoring *w, const units *calibration, score_kind k, reference *r) {
    const double *scores = w->want->calibrate ? calibration->scores[k] : w->u.scores[k];
    size_t n = w->want->calibrate ? calibration->count : w->u.count;
    int code;
    r->n = 0;
    r->sorted = session_allocate(w->s, n, sizeof *r->sorted);
    TRY(check_memory(r->sorted));
    for (size_t i = 0; i < n; i++) {
        if (w->want->calibrate || !w->labels[i]) {
            r->sorted[r->n++] = scores[i];
        }
    }
    sort_numbers(r->sorted, r->n);
done:
    return code;
}

static int find_p_values(const scoring *w, const reference *r, score_kind k, judgement *j) {
    int code;
    j->p = session_allocate(w->s, w->u.count, sizeof *j->p);
    TRY(check_memory(j->p));
    for (size_t i = 0; i < w->u.count; i++) {
        j->p[i] = p_value(r->sorted, r->n, w->u.scores[k][i]);
    }
done:
    return code;
}

static int find_threshold(const scoring *w, const reference *r, score_kind k, judgement *j) {
    const double *scores = w->u.scores[k];
    size_t above[2] = {0, 0};
    if (!threshold_at(r->sorted, r->n, w->want->false_alarms, &j->threshold)) {
        return usage_error("--false-alarms %g takes at least %.0f %s that belong, and there %s %zu", //
                           w->want->false_alarms, ceil(1 / w->want->false_alarms - 1e-9) - 1,
                           w->u.of ? "groups" : "images", r->n == 1 ? "is" : "are", r->n);
    }
    for (size_t i = 0; i < w->u.count; i++) {
        above[w->labels ? w->labels[i] : 0] += scores[i] > j->threshold;
    }
    j->above = above[0] + above[1];
    if (w->labels) {
        j->false_alarms = (double)above[0] / (double)w->normal;
        j->detected = (double)above[1] / (double)(w->u.count - w->normal);
    }
    return EXIT_OK;
}

static int judge(scoring *w, const units *calibration, score_kind k) {
    judgement *j = &w->judged[k];
    reference r = {NULL, 0};
    int code = EXIT_OK;
    mean_and_deviation(w->u.scores[k], w->u.count, &j->mean, &j->deviation);
    if (w->labels) {
        TRY(separation_of(w->u.scores[k], w->labels, w->u.count, &j->apart));
    }
    if (w->want->calibrate || (w->labels && w->want->false_alarms > 0)) {
        TRY(find_reference(w, calibration, k, &r));
    }
    if (w->want->calibrate) {
        TRY(find_p_values(w, &r, k, j));
    }
    if (w->want->false_alarms > 0) {
        TRY(find_threshold(w, &r, k, j));
    }
done:
    return code;
}

int score_judge(scoring *w) {
    units calibration = {0};
    int code = EXIT_OK;
    if (w->want->calibrate) {
        TRY(score_measure_calibration(w, &calibration));
        w->calibration = calibration.count;
    }
    for (int k = 0; k < SCORES; k++) {
        if (w->u.scores[k]) {
            TRY(judge(w, &calibration, (score_kind)k));
        }
    }
done:
    return code;
}

#include "commands/captions.h"
#include "commands/score.h"
#include "commands/scores.h"
#include "draw/sheet.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>

static double score_of(const scoring *w, size_t unit) {
    return w->u.scores[w->by][unit];
}

/* NULL: its images have none. */
static const char *name_of(const scoring *w, size_t image) {
    const prnn_data *set = score_set_of(w, &image);
    return prnn_data_name(set, image);
}

static size_t number_of(const scoring *w, size_t image) {
    const prnn_data *set = score_set_of(w, &image);
    return prnn_data_number(set, image);
}

static size_t first_of(const scoring *w, size_t unit) {
    return w->u.of ? w->u.first[unit] : unit;
}

/* ---------------------------------------------------------------------------------------- JSON */

static void put_unit(const scoring *w, json *j, size_t unit) {
    size_t image = first_of(w, unit);
    const char *name = name_of(w, image);
    report_json_open_object(j, NULL);
    j->flat = true;
    if (w->u.of) {
        report_json_uint(j, "group", unit);
        report_json_uint(j, "images", w->u.images[unit]);
    }
    report_json_uint(j, "image", number_of(w, image));
    if (name) {
        report_json_string(j, "name", name);
    }
    report_json_double(j, score_names[w->by], score_of(w, unit));
    if (w->judged[w->by].p) {
        report_json_double(j, "p", w->judged[w->by].p[unit]);
    }
    if (w->labels) {
        report_json_uint(j, "label", w->labels[unit]);
    }
    report_json_close_object(j);
    j->flat = false;
}

static void put_score(const scoring *w, json *j, score_kind k) {
    const judgement *judged = &w->judged[k];
    report_json_open_object(j, NULL);
    report_json_string(j, "score", score_names[k]);
    report_json_double(j, "mean", judged->mean);
    report_json_double(j, "deviation", judged->deviation);
    if (w->labels) {
        report_json_double(j, "auroc", judged->apart.auroc);
        report_json_double(j, "auroc_stderr", judged->apart.error);
        report_json_double(j, "auroc_low", judged->apart.low);
        report_json_double(j, "auroc_high", judged->apart.high);
        report_json_double(j, "average_precision", judged->apart.average_precision);
    }
    if (w->want->false_alarms > 0) {
        report_json_double(j, "threshold", judged->threshold);
        report_json_uint(j, "above", judged->above);
    }
    if (w->want->false_alarms > 0 && w->labels) {
        report_json_double(j, "false_alarms", judged->false_alarms);
        report_json_double(j, "detected", judged->detected);
    }
    report_json_close_object(j);
}

static void put_sets(const scoring *w, json *j) {
    const session *s = w->s;
    session_name_models(s, j);
    if (w->want->background) {
        report_json_string(j, "background", w->want->background);
    }
    report_json_string(j, "data", w->want->data.path);
    if (w->want->anomalous) {
        report_json_string(j, "anomalous", w->want->anomalous);
    }
    report_json_uint(j, "images", w->m.count);
    report_json_uint(j, "skipped", prnn_data_skipped(s->data) + (s->valid ? prnn_data_skipped(s->valid) : 0));
    if (w->u.of) {
        report_json_uint(j, "groups", w->u.count);
    }
    if (w->labels) {
        report_json_uint(j, "normal_count", w->normal);
        report_json_uint(j, "anomalous_count", w->u.count - w->normal);
    }
    if (w->want->typical) {
        report_json_open_object(j, "typical");
        report_json_uint(j, "images", w->typical.images);
        report_json_double(j, "nats", w->typical.mean);
        report_json_double(j, "deviation", w->typical.deviation);
        report_json_close_object(j);
    }
    if (w->want->calibrate) {
        report_json_uint(j, "calibration_count", w->calibration);
    }
}

static void print_json(const scoring *w) {
    json j;
    report_json_begin(&j, stdout);
    put_sets(w, &j);
    report_json_open_array(&j, "scores");
    for (int k = 0; k < SCORES; k++) {
        if (w->u.scores[k]) {
            put_score(w, &j, (score_kind)k);
        }
    }
    report_json_close_array(&j);
    report_json_double(&j, "seconds", w->seconds);
    if (w->ranking.listed) {
        report_json_string(&j, "by", score_names[w->by]);
        report_json_open_array(&j, w->ranking.best ? "best" : "worst");
        for (size_t i = 0; i < w->ranking.listed; i++) {
            put_unit(w, &j, w->ranking.list[i].image);
        }
        report_json_close_array(&j);
    }
    report_json_end(&j);
}

/* ---------------------------------------------------------------------------------------- text */

static void append(char *line, size_t *n, size_t room, const char *text, int width) {
    int more = snprintf(line + *n, room - *n, "%*s", width, text);
    *n += more > 0 && (size_t)more < room - *n ? (size_t)more : 0;
}

static void append_number(char *line, size_t *n, size_t room, double value, int decimals, int width) {
    char text[32];
    append(line, n, room, isnan(value) ? "-" : format_fixed(value, decimals, text), width);
}

enum { NAME = -11, WIDE = 13, NARROW = 9, LINE = 256 };

static void say_heads(const scoring *w) {
    char line[LINE];
    size_t n = 0;
    bool alarms = w->want->false_alarms > 0;
    append(line, &n, LINE, "score", NAME);
    append(line, &n, LINE, "mean", WIDE);
    append(line, &n, LINE, "deviation", WIDE);
    if (w->labels) {
        append(line, &n, LINE, "AUROC", NARROW);
        append(line, &n, LINE, "from", NARROW);
        append(line, &n, LINE, "to", NARROW);
        append(line, &n, LINE, "precision", NARROW + 2);
    }
    if (alarms) {
        append(line, &n, LINE, "threshold", WIDE);
        append(line, &n, LINE, "above", NARROW);
    }
    if (alarms && w->labels) {
        append(line, &n, LINE, "alarms", NARROW);
        append(line, &n, LINE, "found", NARROW);
    }
    say("%s", line);
}

static void say_score(const scoring *w, score_kind k) {
    const judgement *j = &w->judged[k];
    char line[LINE], count[32];
    size_t n = 0;
    bool alarms = w->want->false_alarms > 0;
    append(line, &n, LINE, score_names[k], NAME);
    append_number(line, &n, LINE, j->mean, 3, WIDE);
    append_number(line, &n, LINE, j->deviation, 3, WIDE);
    if (w->labels) {
        append_number(line, &n, LINE, j->apart.auroc, 4, NARROW);
        append_number(line, &n, LINE, j->apart.low, 4, NARROW);
        append_number(line, &n, LINE, j->apart.high, 4, NARROW);
        append_number(line, &n, LINE, j->apart.average_precision, 4, NARROW + 2);
    }
    if (alarms) {
        snprintf(count, sizeof count, "%zu", j->above);
        append_number(line, &n, LINE, j->threshold, 3, WIDE);
        append(line, &n, LINE, count, NARROW);
    }
    if (alarms && w->labels) {
        append_number(line, &n, LINE, j->false_alarms, 4, NARROW);
        append_number(line, &n, LINE, j->detected, 4, NARROW);
    }
    say("%s", line);
}

/* "image 12", or "image 12 of digits/" of a second set. */
static void say_unit(const scoring *w, size_t unit) {
    size_t image = first_of(w, unit);
    const char *name = name_of(w, image);
    bool second = image >= w->data_count;
    char number[32], p[48] = "", rank[32], group[64] = "";
    if (w->judged[w->by].p) {
        snprintf(p, sizeof p, ", p %s", format_fixed(w->judged[w->by].p[unit], 4, rank));
    }
    if (w->u.of) {
        snprintf(group, sizeof group, "group %zu, %zu image%s from ", unit, w->u.images[unit],
                 plural(w->u.images[unit]));
    }
    say("%simage %zu%s%s: %s %s%s%s%s", group, number_of(w, image), second && !name ? " of " : "",
        second && !name ? w->want->anomalous : "", score_names[w->by],
        format_fixed(score_of(w, unit), 3, number), p, name ? "  " : "", name ? name : "");
}

static void say_references(const scoring *w) {
    char mean[32], deviation[32];
    if (w->want->typical) {
        say("typical: %s ± %s nats, of %zu images", format_fixed(w->typical.mean, 3, mean),
            format_fixed(w->typical.deviation, 3, deviation), w->typical.images);
    }
    if (w->want->calibrate) {
        say("calibrated with %zu %s%s", w->calibration, w->u.of ? "group" : "image", plural(w->calibration));
    }
    if (w->labels) {
        size_t anomalous = w->u.count - w->normal;
        say("%zu %s%s that belong%s, %zu that do%s not; intervals are of 95 %%", w->normal,
            w->u.of ? "group" : "image", plural(w->normal), w->normal == 1 ? "s" : "", anomalous,
            anomalous == 1 ? "es" : "");
    }
}

static void print_text(const scoring *w) {
    say_heads(w);
    for (int k = 0; k < SCORES; k++) {
        if (w->u.scores[k]) {
            say_score(w, (score_kind)k);
        }
    }
    say_references(w);
    say("%zu image%s, %.1f seconds", w->m.count, plural(w->m.count), w->seconds);
    for (size_t i = 0; i < w->ranking.listed; i++) {
        say_unit(w, w->ranking.list[i].image);
    }
}

void score_print(const scoring *w) {
    (w->want->json ? print_json : print_text)(w);
}

/* pixelrnn curves: how training went, as a picture. */
#include "draw/curves.h"
#include "draw/axis.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct settings {
    struct common common;
    const char *names, *title;
    int x;
    double low, high;
    const char *out;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS};

static const struct option options[] = {
    GROUP("Curves"),
    STRING("names", offsetof(settings, names), "A,B,...", 0,
           "what the legend calls the runs, in their order; else their folders' or files' names"),
    STRING("title", offsetof(settings, title), "TEXT", 0, "a line above the picture"),
    CHOICE("x", offsetof(settings, x), "epoch|step|seconds", 0,
           "what is to the right; long times are shown in minutes or hours"),
    DOUBLE("low", offsetof(settings, low), -AXIS_LIMIT, AXIS_LIMIT, OPTION_NO_DEFAULT,
           "where the axis of the NLL begins; else at the lowest value, rounded"),
    DOUBLE("high", offsetof(settings, high), -AXIS_LIMIT, AXIS_LIMIT, OPTION_NO_DEFAULT,
           "where it ends; else at the highest value after the first tenth of each run, rounded"),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.svg", OPTION_REQUIRED, "the picture"),
    FLAG("help", offsetof(struct common, help), OPTION_ACTION, "print this help"),
};

/* ------------------------------------------------------------------------------------- the runs */

/* "runs/row/metrics.csv" and "runs/row/" -> "row", "row.csv" -> "row". */
static char *name_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    if (end > 12 && strncmp(path + end - 12, "/metrics.csv", 12) == 0) {
        end -= 12;
    } else if (end > 4 && strncmp(path + end - 4, ".csv", 4) == 0) {
        end -= 4;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    return strndup(path + begin, end - begin);
}

static int read_run(const char *path, const char *x, curve *run) {
    struct stat st;
    size_t room = strlen(path) + sizeof "/metrics.csv";
    char *file = malloc(room);
    int code;
    run->name = name_of(path);
    TRY(check_memory(file));
    TRY(check_memory(run->name));
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    snprintf(file, room, "%s%s", path, folder ? "/metrics.csv" : "");
    TRY(metrics_read(file, x, &run->m));
    metrics_merge_short(&run->m);
done:
    free(file);
    return code;
}

static const char *unit_of(const curve *run) {
    return run->m.bits ? "bits per dimension" : "nats";
}

static int read_runs(const arguments *args, curve *runs) {
    static const char *const columns[] = {"epoch", "step", "seconds"};
    const settings *want = args->settings;
    int code = 0;
    for (size_t i = 0; i < args->operand_count; i++) {
        TRY(read_run(args->operands[i], columns[want->x], &runs[i]));
        if (runs[i].m.bits != runs[0].m.bits) {
            return fail("%s is in %s and %s in %s: they cannot be drawn together", args->operands[0],
                        unit_of(&runs[0]), args->operands[i], unit_of(&runs[i]));
        }
    }
done:
    return code;
}

static int set_names(const settings *s, curve *runs, size_t count) {
    const char *rest = s->names;
    size_t n = 0;
    for (; rest; n++) {
        size_t length = strcspn(rest, ",");
        if (n < count) {
            free(runs[n].name);
            runs[n].name = strndup(rest, length);
            if (!runs[n].name) {
                return fail_memory();
            }
        }
        rest = rest[length] ? rest + length + 1 : NULL;
    }
    if (s->names && n != count) {
        return usage_error("--names: '%s' has %zu name%s, and there %s %zu run%s", s->names, n, plural(n),
                           count == 1 ? "is" : "are", count, plural(count));
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- the axes */

static void choose_time(curves *c) {
    double last = 0;
    for (size_t i = 0; i < c->count; i++) {
        for (size_t k = 0; k < c->runs[i].m.count; k++) {
            last = fmax(last, c->runs[i].m.x[k]);
        }
    }
    c->x_label = last > 2 * 3600 ? "hours" : last > 2 * 60 ? "minutes" : "seconds";
    c->x_scale = last > 2 * 3600 ? 1.0 / 3600 : last > 2 * 60 ? 1.0 / 60 : 1;
}

static void print_runs(const curves *c, const char *x, const char *out) {
    bool time = strcmp(x, "seconds") == 0;
    for (size_t i = 0; i < c->count; i++) {
        const metrics *m = &c->runs[i].m;
        size_t best;
        if (!metrics_best(m, &best)) {
            say("%s: no validation", c->runs[i].name);
            continue;
        }
        char where[64];
        if (time) {
            snprintf(where, sizeof where, "after %.10g %s", m->x[best], x);
        } else {
            snprintf(where, sizeof where, "at %s %.10g", x, m->x[best]);
        }
        say("%s: lowest validation %.*f %s %s", c->runs[i].name, m->bits ? 4 : 2, m->valid[best], c->unit,
            where);
    }
    say("%s", out);
}

static int draw(const arguments *args, curve *runs) {
    static const char *const labels[] = {"epoch", "step", "seconds"};
    const settings *want = args->settings;
    curves c = {
        .count = args->operand_count, .runs = runs, .named = want->names != NULL, .title = want->title};
    int code;
    TRY(read_runs(args, runs));
    TRY(set_names(want, runs, args->operand_count));
    c.unit = runs[0].m.bits ? "bits per dimension" : "nats per image";
    c.x_label = labels[want->x];
    c.x_scale = 1;
    c.low = option_given(args, "low") ? want->low : NAN;
    c.high = option_given(args, "high") ? want->high : NAN;
    if (want->x == 2) {
        choose_time(&c);
    }
    TRY(curves_draw(&c, want->out));
    print_runs(&c, labels[want->x], want->out);
done:
    return code;
}

static int check(const arguments *args) {
    const settings *want = args->settings;
    output_kind kind;
    int code;
    if (option_given(args, "low") && option_given(args, "high") && want->low >= want->high) {
        return usage_error("--low %g is not below --high %g", want->low, want->high);
    }
    if (args->operand_count > CURVES_MOST) {
        return usage_error("%zu runs are too many for one picture, at most %d can be told apart",
                           args->operand_count, CURVES_MOST);
    }
    TRY(output_check("out", want->out, ALLOW_SVG, &kind));
done:
    return code;
}

static int run(session *s) {
    size_t count = s->args->operand_count;
    curve *runs = NULL;
    int code;
    TRY(check(s->args));
    runs = calloc(count, sizeof *runs);
    TRY(check_memory(runs));
    TRY(draw(s->args, runs));
done:
    for (size_t i = 0; runs && i < count; i++) {
        free(runs[i].name);
        metrics_free(&runs[i].m);
    }
    free(runs);
    return code;
}

const struct command command_curves = {
    .name = "curves",
    .summary = "draw how training went",
    .operand = "RUN",
    .many = true,
    .description =
        "Draws the logs of one or several runs as one SVG picture: training NLL thin and pale, validation "
        "NLL strong with dots, and the lowest validation of each run in the legend. A RUN is a metrics.csv, "
        "or the folder of 'pixelrnn train --out' that holds one; a run that still goes on can be drawn.",
    .examples = "pixelrnn curves run --out curve.svg\n"
                "pixelrnn curves row/metrics.csv diagonal/metrics.csv --names Row,Diagonal --high 100 --out "
                "curves.svg",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

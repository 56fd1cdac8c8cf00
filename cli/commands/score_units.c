/* Images or groups of them, and their scores. */
#include "commands/score.h"
#include "support/memory.h"
#include "support/try.h"

#include <math.h>
#include <string.h>

const char *const score_names[SCORES] = {"nats",       "ratio",    "typicality",
                                         "complexity", "surprise", "surprise_z"};

/* A variance below it is that of a model which is certain of all values: floats cannot tell it from 0. */
static const double least_variance = 1e-12;

/* -------------------------------------------------------------------------------------- groups */

/* Bytes of the folder's part of a path. */
static size_t folder_of(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? (size_t)(slash - name) : 0;
}

static bool same_folder(const char *a, const char *b) {
    size_t n = folder_of(a);
    return n == folder_of(b) && strncmp(a, b, n) == 0;
}

/* Pictures of a folder mostly come one after the other, but for folders in it. */
static size_t find_folder(const prnn_data *set, const units *u, size_t before, size_t first_group,
                          const char *name) {
    for (size_t g = u->count; g-- > first_group;) {
        if (same_folder(prnn_data_name(set, u->first[g] - before), name)) {
            return g;
        }
    }
    return u->count;
}

static void add_to_group(units *u, size_t image, size_t group) {
    if (group == u->count) {
        u->first[group] = image;
        u->images[group] = 0;
        u->count++;
    }
    u->of[image] = group;
    u->images[group]++;
}

/* Groups do not go on from one set to the next; of `n` images of a set, the first of which is number
 * `before`.
 */
static int group_set(const scoring *w, const prnn_data *set, size_t n, size_t before, units *u) {
    size_t first_group = u->count;
    for (size_t i = 0; i < n; i++) {
        const char *name = prnn_data_name(set, i);
        if (w->want->group_folders && !name) {
            return usage_error(
                "--group-folders groups the pictures of folders by the folder, and these images "
                "are none: --group N takes N after each other");
        }
        size_t group = w->want->group_folders ? find_folder(set, u, before, first_group, name)
                                              : first_group + i / w->want->group;
        add_to_group(u, before + i, group);
    }
    return EXIT_OK;
}

static int make_groups(const scoring *w, const prnn_data *const *sets, size_t count, size_t images,
                       units *u) {
    session *s = w->s;
    size_t before = 0;
    int code;
    u->count = 0;
    u->of = session_allocate(s, images, sizeof *u->of);
    TRY(check_memory(u->of));
    u->first = session_allocate(s, images, sizeof *u->first);
    TRY(check_memory(u->first));
    u->images = session_allocate(s, images, sizeof *u->images);
    TRY(check_memory(u->images));
    for (size_t i = 0; i < count; i++) {
        size_t n = prnn_data_count(sets[i]);
        TRY(group_set(w, sets[i], n, before, u));
        before += n;
    }
done:
    return code;
}

/* -------------------------------------------------------------------------------------- scores */

/* column[i] - less[i], or without `less` column[i], as a mean over the images of each unit. */
static void mean_of(const units *u, size_t images, const double *column, const double *less, double *means) {
    memset(means, 0, u->count * sizeof *means);
    for (size_t i = 0; i < images; i++) {
        means[u->of ? u->of[i] : i] += column[i] - (less ? less[i] : 0);
    }
    for (size_t g = 0; g < u->count; g++) {
        means[g] /= u->of ? (double)u->images[g] : 1;
    }
}

/* The mean of n images that are like those of the set has a deviation that is smaller by the root of n. */
static void score_typicality(const scoring *w, const measured *m, units *u) {
    double *scores = u->scores[SCORE_TYPICALITY];
    mean_of(u, m->count, m->nats, NULL, scores);
    for (size_t g = 0; g < u->count; g++) {
        double n = u->of ? (double)u->images[g] : 1;
        scores[g] = fabs(scores[g] - w->typical.mean) / w->typical.deviation * sqrt(n);
    }
}

/* Of values that the model drew, costs less what was expected are uncorrelated, so their variances add. */
static void score_surprise(const measured *m, units *u) {
    double *means = u->scores[SCORE_SURPRISE], *z = u->scores[SCORE_SURPRISE_Z];
    mean_of(u, m->count, m->nats, m->expected, means);
    mean_of(u, m->count, m->variance, NULL, z);
    for (size_t g = 0; g < u->count; g++) {
        double n = u->of ? (double)u->images[g] : 1;
        z[g] = means[g] * sqrt(n) / sqrt(fmax(z[g], least_variance));
    }
}

static int allocate_scores(session *s, const bool wanted[SCORES], units *u) {
    int code = EXIT_OK;
    for (int k = 0; k < SCORES; k++) {
        u->scores[k] = wanted[k] ? session_allocate(s, u->count, sizeof(double)) : NULL;
        TRY(wanted[k] ? check_memory(u->scores[k]) : EXIT_OK);
    }
done:
    return code;
}

int score_units(const scoring *w, const prnn_data *const *sets, size_t count, const measured *m, units *u) {
    const bool wanted[SCORES] = {true,          m->background, w->want->typical,
                                 m->compressed, m->expected,   m->expected};
    int code;
    u->count = m->count;
    if (w->want->group || w->want->group_folders) {
        TRY(make_groups(w, sets, count, m->count, u));
    }
    TRY(allocate_scores(w->s, wanted, u));
    mean_of(u, m->count, m->nats, NULL, u->scores[SCORE_NATS]);
    if (m->background) {
        mean_of(u, m->count, m->nats, m->background, u->scores[SCORE_RATIO]);
    }
    if (m->compressed) {
        mean_of(u, m->count, m->nats, m->compressed, u->scores[SCORE_COMPLEXITY]);
    }
    if (w->want->typical) {
        score_typicality(w, m, u);
    }
    if (m->expected) {
        score_surprise(m, u);
    }
done:
    return code;
}

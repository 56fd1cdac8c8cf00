#include "support/statistics.h"

#include "support/memory.h"
#include "support/report.h"

#include <math.h>
#include <stdlib.h>

/* The mean of n values that lie `distance` apart; returns their variance, NaN of one. */
static double variance_of(const double *values, size_t n, size_t distance, double *mean) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i * distance];
    }
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double from_mean = values[i * distance] - *mean;
        squares += from_mean * from_mean;
    }
    return n > 1 ? squares / (double)(n - 1) : NAN;
}

void mean_and_deviation(const double *values, size_t n, double *mean, double *deviation) {
    *deviation = sqrt(variance_of(values, n, 1, mean));
}

void mean_and_error(const double *values, size_t n, size_t distance, double *mean, double *error) {
    *error = sqrt(variance_of(values, n, distance, mean) / (double)n);
}

size_t first_not_finite(const double *values, size_t n) {
    size_t i = 0;
    while (i < n && isfinite(values[i])) {
        i++;
    }
    return i;
}

/* ---------------------------------------------------------------------------------- two kinds */

typedef struct labelled {
    double score;
    uint8_t label;
} labelled;

/* Members of both kinds: of one score, or below it. */
typedef struct tally {
    double of[2];
} tally;

/* Sums over all members of a kind: of the shares of the other kind that are on the right side of each. */
typedef struct placements {
    double sum[2], squares[2];
} placements;

static int by_score(const void *first, const void *second) {
    const labelled *a = first, *b = second;
    return (a->score > b->score) - (a->score < b->score);
}

/* Those from `i` on that have its score. */
static size_t take_equal(const labelled *all, size_t i, size_t n, tally *equal) {
    double score = all[i].score;
    *equal = (tally){{0, 0}};
    for (; i < n && all[i].score == score; i++) {
        equal->of[all[i].label]++;
    }
    return i;
}

/* With `centre` the squares are those of differences from it. */
static placements place_all(const labelled *all, size_t n, const tally *total, double centre) {
    placements p = {{0, 0}, {0, 0}};
    tally below = {{0, 0}}, equal;
    for (size_t i = 0; i < n;) {
        i = take_equal(all, i, n, &equal);
        double share[2] = {
            (total->of[1] - below.of[1] - equal.of[1] / 2) / total->of[1], /* that do not belong, above */
            (below.of[0] + equal.of[0] / 2) / total->of[0],                /* that belong, below */
        };
        for (int kind = 0; kind < 2; kind++) {
            double away = share[kind] - centre;
            p.sum[kind] += equal.of[kind] * share[kind];
            p.squares[kind] += equal.of[kind] * away * away;
            below.of[kind] += equal.of[kind];
        }
    }
    return p;
}

/* From the largest score down. */
static double precision_of(const labelled *all, size_t n, const tally *total) {
    tally below = {{0, 0}}, equal;
    double sum = 0;
    for (size_t i = 0; i < n;) {
        i = take_equal(all, i, n, &equal);
        double anomalous = total->of[1] - below.of[1], normal = total->of[0] - below.of[0];
        sum += equal.of[1] * anomalous / (anomalous + normal);
        below.of[0] += equal.of[0];
        below.of[1] += equal.of[1];
    }
    return sum / total->of[1];
}

int separation_of(const double *scores, const uint8_t *labels, size_t n, separation *s) {
    labelled *all = allocate(n, sizeof *all);
    tally total = {{0, 0}};
    if (!all) {
        return fail_memory();
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = (labelled){scores[i], labels[i]};
        total.of[labels[i]]++;
    }
    qsort(all, n, sizeof *all, by_score);
    double normal = total.of[0], anomalous = total.of[1];
    s->auroc = place_all(all, n, &total, 0).sum[1] / anomalous;
    placements p = place_all(all, n, &total, s->auroc);
    s->error = sqrt(p.squares[1] / (anomalous - 1) / anomalous + p.squares[0] / (normal - 1) / normal);
    s->low = fmax(0, s->auroc - NORMAL_95 * s->error);
    s->high = fmin(1, s->auroc + NORMAL_95 * s->error);
    s->average_precision = precision_of(all, n, &total);
    if (anomalous < 2 || normal < 2) {
        s->error = s->low = s->high = NAN;
    }
    free(all);
    return EXIT_OK;
}

/* ---------------------------------------------------------------------------------- how rare */

static int by_value(const void *first, const void *second) {
    double a = *(const double *)first, b = *(const double *)second;
    return (a > b) - (a < b);
}

void sort_numbers(double *values, size_t n) {
    qsort(values, n, sizeof *values, by_value);
}

double p_value(const double *sorted, size_t n, double score) {
    size_t low = 0, high = n; /* the first that is as large lies in low .. high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < score) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (double)(1 + n - low) / (double)(n + 1);
}

/* p is at most `rate` where at most `most` - 1 of them are as large. */
bool threshold_at(const double *sorted, size_t n, double rate, double *threshold) {
    double most = floor(rate * (double)(n + 1) * (1 + 1e-12));
    if (most < 1 || most > (double)n) {
        return false;
    }
    *threshold = sorted[n - (size_t)most];
    return true;
}

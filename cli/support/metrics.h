/* The log of a training run, read back: metrics.csv (docs/formats.md). */
#ifndef PIXELRNN_CLI_SUPPORT_METRICS_H
#define PIXELRNN_CLI_SUPPORT_METRICS_H

#include <stdbool.h>
#include <stddef.h>

/* A log with a larger number is refused: no axis has room for it. */
#define METRICS_LIMIT 1e12

typedef struct metrics {
    size_t count;
    double *x;             /* of the column that was asked for */
    double *train, *valid; /* NaN where the log says nothing, or nan or inf */
    double *step;          /* NaN without that column */
    bool bits;             /* bits per dimension; else nats per image */
} metrics;

/* Reads the file with its column `x` ("epoch"). Refuses what is not such a log, and one without a number.
 * Returns 0 or an exit code. Free with metrics_free in any case. */
int metrics_read(const char *path, const char *x, metrics *m);
void metrics_free(metrics *m);

/* A line at a validation may be the mean over a few batches, which is mostly noise: it becomes part of the
 * next line, weighted with its steps. */
void metrics_merge_short(metrics *m);

/* The line with the lowest validation; false if there is none. */
bool metrics_best(const metrics *m, size_t *line);

#endif

/* Tables of scores: a row an image, as CSV (RFC 4180) or JSON lines. */
#ifndef PIXELRNN_CLI_COMMANDS_SCORES_H
#define PIXELRNN_CLI_COMMANDS_SCORES_H

#include "session/session.h"

#define SCORES_OPTION(at, columns)                                                                           \
    OUTPUT("scores", at, "F.csv|F.jsonl", 0,                                                                 \
           "write a row an image: its number, as --first counts, its file in a folder of pictures, " columns \
           ". Files that were skipped have a row with the reason")

typedef struct score_column {
    const char *name;
    const double *values; /* of image i values[i * stride] */
    size_t stride;
} score_column;

/* The path that the option --scores gives, NULL if it does not, can be written. 0 or an exit code, as below.
 */
int scores_check(const char *path);

/* A set whose images have rows: those of all sets are counted on in the columns. */
typedef struct score_set {
    image_set images;
    const skipped *missing; /* with all of them kept */
} score_set;

/* All images of some sets, and the files that these lack, in the order of the files. */
int scores_write_sets(session *s, const char *path, const score_set *sets, size_t count,
                      const score_column *columns, size_t n);

/* The same of the session's data alone. */
int scores_write(session *s, const char *path, const score_column *columns, size_t n);

#endif

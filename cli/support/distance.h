/* Which word was meant. */
#ifndef PIXELRNN_CLI_SUPPORT_DISTANCE_H
#define PIXELRNN_CLI_SUPPORT_DISTANCE_H

#include <stddef.h>

/* What was written, and the nearest of the words that it may stand for: NULL, if all are other words. Begin
 * with all else 0. */
typedef struct nearest {
    const char *written, *known;
    size_t distance; /* of `known`: insertions, deletions and changes of a character (Levenshtein) */
} nearest;

/* One of these words. */
void nearest_try(nearest *n, const char *known);

#endif

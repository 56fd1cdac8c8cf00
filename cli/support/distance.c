#include "support/distance.h"

#include <stdbool.h>
#include <string.h>

/* 40 if `b` is longer than that. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST) {
        return LONGEST;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
        }
    }
    return row[n];
}

void nearest_try(nearest *n, const char *known) {
    size_t length = strlen(n->written), limit = n->known ? n->distance : length / 3 + 2;
    /* A beginning counts as near: --valid for --valid-every. */
    bool begins = length >= 3 && strncmp(known, n->written, length) == 0;
    size_t distance = begins ? 1 : edit_distance(n->written, known);
    if (distance < limit && distance < strlen(known)) {
        n->known = known;
        n->distance = distance;
    }
}

/* How near a word is to what was meant. */
#ifndef PIXELRNN_CLI_SUPPORT_DISTANCE_H
#define PIXELRNN_CLI_SUPPORT_DISTANCE_H

#include <stddef.h>

/* Insertions, deletions and changes of a character that make one word of the other (Levenshtein); 40 if `b`
 * is longer than that. */
size_t edit_distance(const char *a, const char *b);

#endif

/* What each rank has to work with, and what to say where it is less than it could be. */
#ifndef PIXELRNN_CLI_SUPPORT_SEATS_H
#define PIXELRNN_CLI_SUPPORT_SEATS_H

#include <stdint.h>

enum { SEAT_HOST = 64, SEAT_WORDS = 16 };

/* Cores, a bit each. */
typedef struct core_set {
    uint64_t words[SEAT_WORDS];
} core_set;

typedef struct seat {
    char host[SEAT_HOST];
    core_set cores; /* that it may use */
    int online;     /* cores of the machine */
    int threads;    /* that it was told to have; 0: nothing was said */
} seat;

/* That of this process. */
void seat_look(seat *mine, int threads);

/* Of `count` ranks, how many threads a rank should have: as many as it was told, or all its cores, or its
 * part of them where others may use the same. */
int seat_threads(const seat *all, int count, int rank);

/* Notes how many ranks there are, and the first of them that has more threads than cores, or whose machine
 * has cores that no rank may use. */
void seats_note(const seat *all, int count);

#endif

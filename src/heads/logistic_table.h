/* The logistic function as integers, of which mixtures of logistics make integer distributions (head.h). */
#ifndef PRNN_HEADS_LOGISTIC_TABLE_H
#define PRNN_HEADS_LOGISTIC_TABLE_H

#include <stdint.h>

/* Beyond 18 its distance from 0 or 1 is less than 2^-25. */
enum { PRNN_LOGISTIC_STEPS = 64, PRNN_LOGISTIC_MOST = 18 };
enum { PRNN_LOGISTIC_ENTRIES = PRNN_LOGISTIC_STEPS * PRNN_LOGISTIC_MOST + 1 };

/* 2^30 / (1 + e^-x) at x = i / PRNN_LOGISTIC_STEPS, to nearest. */
extern const uint32_t prnn_logistic_table[PRNN_LOGISTIC_ENTRIES];

/* 2^38 / (1 + e^-x): x, a number, is cut to a grid of 2^-24, and between the entries of the table it goes
 * along straight lines, in integers. So it never decreases, and f(-x) = 2^38 - f(x). */
enum { PRNN_LOGISTIC_BITS = 38 };

static inline uint64_t prnn_logistic(double x) {
    enum { GRID = 24, STEP = 18, MORE = PRNN_LOGISTIC_BITS - 30 }; /* powers of two */
    _Static_assert(PRNN_LOGISTIC_STEPS == 1 << (GRID - STEP), "a step of the table is 2^18 of the grid");
    const uint64_t most = (uint64_t)PRNN_LOGISTIC_MOST << GRID, one = (uint64_t)1 << PRNN_LOGISTIC_BITS;
    double size = x < 0 ? -x : x;
    uint64_t at = size < PRNN_LOGISTIC_MOST ? (uint64_t)(size * (1 << GRID)) : most;
    uint64_t i = at >> STEP, rest = at & ((1u << STEP) - 1);
    uint64_t here = prnn_logistic_table[i], next = prnn_logistic_table[i + (rest > 0)];
    uint64_t f = (here << MORE) + ((next - here) * rest >> (STEP - MORE));
    return x < 0 ? one - f : f;
}

#endif

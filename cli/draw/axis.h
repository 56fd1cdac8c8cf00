/* Axes with round numbers. */
#ifndef PIXELRNN_CLI_DRAW_AXIS_H
#define PIXELRNN_CLI_DRAW_AXIS_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers that an axis takes are of at most this size. */
#define AXIS_LIMIT 1e12

typedef struct axis {
    double low, high, step; /* ticks are the multiples of step, which is 1, 2 or 5 times a power of ten */
} axis;

/* An axis from `low` to `high` with about `ticks` ticks; where wanted, an end is moved outwards to a tick. A
 * range that is empty or very small is made wider. */
axis axis_of(double low, double high, int ticks, bool round_low, bool round_high);

/* The ticks inside the axis, at most AXIS_TICKS; returns their number. */
enum { AXIS_TICKS = 32 };
size_t axis_ticks(const axis *a, double ticks[AXIS_TICKS]);

/* A tick as text: "0.25", "20,000". */
void axis_label(const axis *a, double tick, char text[32]);

/* Where `value` lies: 0 at the low end, 1 at the high one. */
double axis_place(const axis *a, double value);

#endif

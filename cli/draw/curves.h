/* The picture of "pixelrnn curves". */
#ifndef PIXELRNN_CLI_DRAW_CURVES_H
#define PIXELRNN_CLI_DRAW_CURVES_H

#include "support/metrics.h"

/* One log. */
typedef struct curve {
    char *name; /* owned */
    metrics m;
} curve;

typedef struct curves {
    size_t count;
    const curve *runs;
    bool named;                 /* show the name of a single run too */
    const char *x_label, *unit; /* "epoch", "nats per image" */
    double x_scale;             /* what the numbers of the x axis are multiplied with */
    double low, high;           /* of the y axis; NaN: chosen */
    const char *title;          /* or NULL */
} curves;

enum { CURVES_MOST = 24 }; /* with more, two would look the same */

/* Draws them and writes the picture. Returns 0 or an exit code. */
int curves_draw(const curves *c, const char *path);

#endif

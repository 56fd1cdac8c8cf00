/* The picture of "pixelrnn histogram". */
#ifndef PIXELRNN_CLI_DRAW_HISTOGRAM_H
#define PIXELRNN_CLI_DRAW_HISTOGRAM_H

#include <pixelrnn/pixelrnn.h>

/* The distribution of one value. */
typedef struct panel {
    size_t pixel; /* which of the pixels */
    int row, column, channel;
    int value;             /* the true one */
    double *probabilities; /* of the levels; owned by the caller */
    double nll;            /* of the true value, in the unit */
} panel;

typedef struct histogram {
    prnn_config config;
    const uint8_t *image;        /* (H, W, C) levels */
    const prnn_palette *palette; /* of them; NULL: they are shades */
    size_t count;
    const panel *panels; /* pixel by pixel, channels inside */
    const char *unit;    /* "nats" or "bits" */
    const char *title;   /* or NULL */
} histogram;

/* "red", "green", "blue"; "" for grey. */
const char *histogram_channel(const histogram *h, int channel);

/* Draws the image with its chosen pixels, and a panel for each value, and writes the SVG. Returns 0 or an
 * exit code. */
int histogram_draw(const histogram *h, const char *path);

#endif

/* The picture of "pixelrnn heat". */
#ifndef PIXELRNN_CLI_DRAW_HEAT_H
#define PIXELRNN_CLI_DRAW_HEAT_H

#include "draw/caption.h"

#include <pixelrnn/pixelrnn.h>

typedef struct heat {
    prnn_config config;
    size_t count;
    const uint8_t *images;       /* (count, H, W, C) levels */
    const prnn_palette *palette; /* of them; NULL: they are shades */
    const float *pixels;         /* (count, H, W), 0 and more, in the unit */
    double maximum;              /* what the brightest colour stands for */
    const char *unit;            /* "nats" or "bits", of a pixel */
    int columns, zoom;           /* pairs in a row; side of a pixel; 0: chosen */
    bool bar;                    /* a colour bar with its numbers at the right */
    const caption *captions;     /* count, below the pairs; NULL: none */
} heat;

/* Draws pairs of image and heat map and writes the PNG. Returns 0 or an exit code. */
int heat_draw(prnn_context *ctx, const heat *h, const char *path);

#endif

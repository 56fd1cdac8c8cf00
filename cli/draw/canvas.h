/* Pictures of pixels with small text, for PNG. */
#ifndef PIXELRNN_CLI_DRAW_CANVAS_H
#define PIXELRNN_CLI_DRAW_CANVAS_H

#include "draw/font.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct canvas {
    int height, width;
    uint8_t *pixels; /* (height, width, 3) */
} canvas;

typedef struct colour {
    uint8_t r, g, b;
} colour;

/* White. Returns false if there is not enough memory. Free with canvas_free. */
bool canvas_create(canvas *c, int height, int width);
void canvas_free(canvas *c);

/* What lies outside the canvas is left out. */
void canvas_fill(canvas *c, int top, int left, int height, int width, colour ink);

/* Text in the letters of draw/font.h, whose pixels have the side `zoom`. */
enum { CANVAS_LETTER_HEIGHT = FONT_HEIGHT, CANVAS_LETTER_WIDTH = FONT_WIDTH + 1 /* the space behind it */ };
void canvas_text(canvas *c, int top, int left, int zoom, colour ink, const char *text);

/* The colour map "inferno" (matplotlib, CC0): from black to pale yellow with evenly rising lightness, so that
 * it also reads without colours. `part` is from 0 to 1. */
colour colour_of_heat(double part);

#endif

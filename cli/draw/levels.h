/* How levels look. */
#ifndef PIXELRNN_CLI_DRAW_LEVELS_H
#define PIXELRNN_CLI_DRAW_LEVELS_H

#include "draw/canvas.h"

#include <pixelrnn/pixelrnn.h>

/* The colour of a pixel of 1 or 3 levels: shades, or the colour of that number in a palette (NULL: none). */
colour colour_of_levels(const uint8_t *pixel, int channels, int levels, const prnn_palette *palette);

/* Whether levels of two models look alike: both are numbers of the same colours, or shades (NULL). */
bool levels_look_alike(const prnn_palette *a, const prnn_palette *b);

#endif

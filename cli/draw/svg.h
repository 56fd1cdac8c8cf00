/* Pictures as SVG text. They are made in memory and written whole. Lengths are in pixels, y goes down. */
#ifndef PIXELRNN_CLI_DRAW_SVG_H
#define PIXELRNN_CLI_DRAW_SVG_H

#include <stddef.h>
#include <stdio.h>

typedef struct svg {
    FILE *stream;
    char *text;
    size_t size;
} svg;

enum { SVG_FONT = 14 }; /* where an element says no other */

/* A white picture; `title` is what screen readers say. Returns 0 or an exit code. */
int svg_begin(svg *s, double width, double height, const char *title);

/* Elements as they are: what comes from users goes through svg_text. */
void svg_put(svg *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of text; `attributes` as in SVG ("text-anchor=\"end\""). Text that might be wider than `limit` is
 * set narrower. */
void svg_text(svg *s, double x, double y, int font, double limit, const char *attributes, const char *text);

/* About how wide a text is, rather too wide. */
double svg_text_width(const char *text, int font);

/* Ends the picture, and writes it if `path` is not NULL. Returns 0 or an exit code. */
int svg_end(svg *s, const char *path);

#endif

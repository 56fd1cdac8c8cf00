/* Palettes: colours that levels stand for, found, looked up, put in order, and as text. */
#ifndef PRNN_IMAGE_PALETTE_H
#define PRNN_IMAGE_PALETTE_H

#include "base/message.h"

enum {
    PRNN_PALETTE_MOST = 256,
    PRNN_PALETTE_SLOTS = 1024,
    PRNN_PALETTE_TEXT = 8 * PRNN_PALETTE_MOST + 1 /* bytes of prnn_palette_format */
};

/* A palette that may grow, and where each of its colours is. Begins as {0}. */
typedef struct prnn_colours {
    prnn_palette palette;
    uint16_t slots[PRNN_PALETTE_SLOTS]; /* number of a colour + 1, by its hash; 0: none */
} prnn_colours;

/* The number of the colour R, G, B; -1: it is not there. */
int prnn_colours_find(const prnn_colours *c, const uint8_t *colour);
/* The same of one that is added where it is not there; -1: there is no room. */
int prnn_colours_add(prnn_colours *c, const uint8_t *colour);

/* *c becomes the colours of a palette. PRNN_ERROR_ARGUMENT: they are not 2 to 256 different ones. */
prnn_status prnn_colours_take(prnn_context *ctx, const char *name, const prnn_palette *palette,
                              prnn_colours *c);

/* Puts the colours into the order of their luma, so that neighbours are alike, and of R, G and B where that
 * is the same. numbers[k]: what number k becomes. */
void prnn_colours_sort(prnn_colours *c, uint8_t numbers[PRNN_PALETTE_MOST]);

/* Whether levels mean the same colours in both; NULL: they are shades. */
bool prnn_palette_same(const prnn_palette *a, const prnn_palette *b);

/* "#rrggbb", each followed by `after`. */
void prnn_palette_format(const prnn_palette *palette, char after, char text[PRNN_PALETTE_TEXT]);

/* Reads colours rrggbb, with or without #, which spaces and line ends separate. PRNN_ERROR_FORMAT: something
 * else is there, or they are not 2 to 256 different ones. */
prnn_status prnn_palette_parse(prnn_context *ctx, const char *name, const char *text, size_t length,
                               prnn_palette *palette);

#endif

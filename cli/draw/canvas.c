#include "draw/canvas.h"

#include "support/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool canvas_create(canvas *c, int height, int width) {
    *c = (canvas){height, width, allocate((size_t)height * (size_t)width, 3)};
    if (c->pixels) {
        memset(c->pixels, 255, (size_t)height * (size_t)width * 3);
    }
    return c->pixels != NULL;
}

void canvas_free(canvas *c) {
    free(c->pixels);
    *c = (canvas){0};
}

void canvas_fill(canvas *c, int top, int left, int height, int width, colour ink) {
    for (int y = top < 0 ? 0 : top; y < top + height && y < c->height; y++) {
        for (int x = left < 0 ? 0 : left; x < left + width && x < c->width; x++) {
            uint8_t *pixel = c->pixels + ((size_t)y * (size_t)c->width + (size_t)x) * 3;
            pixel[0] = ink.r;
            pixel[1] = ink.g;
            pixel[2] = ink.b;
        }
    }
}

void canvas_text(canvas *c, int top, int left, int zoom, colour ink, const char *text) {
    for (; *text; text++, left += CANVAS_LETTER_WIDTH * zoom) {
        const unsigned char *rows = font_letter(*text);
        for (int y = 0; y < CANVAS_LETTER_HEIGHT; y++) {
            for (int x = 0; x < FONT_WIDTH; x++) {
                if (rows[y] >> (FONT_WIDTH - 1 - x) & 1) {
                    canvas_fill(c, top + y * zoom, left + x * zoom, zoom, zoom, ink);
                }
            }
        }
    }
}

colour colour_of_heat(double part) {
    /* Every 16th colour; between them a straight line is off by 6 of 255 at most. */
    static const uint32_t anchors[] = {0x000004, 0x0b0724, 0x210c4a, 0x3d0965, 0x57106e, 0x71196e,
                                       0x8a226a, 0xa32c61, 0xbc3754, 0xd04545, 0xe35933, 0xf1711f,
                                       0xf98c0a, 0xfcaa0f, 0xf9c932, 0xf2e865, 0xfcffa4};
    enum { LAST = sizeof anchors / sizeof anchors[0] - 1 };
    double place = fmin(fmax(part, 0), 1) * LAST;
    int at = place < LAST ? (int)place : LAST - 1;
    double between = place - at;
    uint8_t rgb[3];
    for (int i = 0; i < 3; i++) {
        int shift = 16 - 8 * i;
        double low = anchors[at] >> shift & 255, high = anchors[at + 1] >> shift & 255;
        rgb[i] = (uint8_t)(low + (high - low) * between + 0.5);
    }
    return (colour){rgb[0], rgb[1], rgb[2]};
}

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

/* Rows of a letter from the top; the highest of 5 bits is at the left. */
static const struct {
    char letter;
    uint8_t rows[CANVAS_LETTER_HEIGHT];
} font[] = {
    {'0', {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}}, {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}}, {'3', {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}}, {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
    {'6', {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}}, {'7', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}},
    {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}}, {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}},
    {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}}, {'-', {0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00}},
    {'+', {0x00, 0x04, 0x04, 0x1f, 0x04, 0x04, 0x00}}, {',', {0x00, 0x00, 0x00, 0x00, 0x0c, 0x04, 0x08}},
    {'a', {0x00, 0x00, 0x0e, 0x01, 0x0f, 0x11, 0x0f}}, {'b', {0x10, 0x10, 0x16, 0x19, 0x11, 0x11, 0x1e}},
    {'e', {0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e}}, {'i', {0x04, 0x00, 0x0c, 0x04, 0x04, 0x04, 0x0e}},
    {'n', {0x00, 0x00, 0x16, 0x19, 0x11, 0x11, 0x11}}, {'s', {0x00, 0x00, 0x0e, 0x10, 0x0e, 0x01, 0x1e}},
    {'t', {0x08, 0x08, 0x1c, 0x08, 0x08, 0x09, 0x06}},
};

static const uint8_t *find_letter(char letter) {
    for (size_t i = 0; i < sizeof font / sizeof font[0]; i++) {
        if (font[i].letter == letter) {
            return font[i].rows;
        }
    }
    return NULL;
}

void canvas_text(canvas *c, int top, int left, int zoom, colour ink, const char *text) {
    for (; *text; text++, left += CANVAS_LETTER_WIDTH * zoom) {
        const uint8_t *rows = find_letter(*text);
        for (int y = 0; rows && y < CANVAS_LETTER_HEIGHT; y++) {
            for (int x = 0; x < 5; x++) {
                if (rows[y] >> (4 - x) & 1) {
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

#include "draw/levels.h"

#include <string.h>

colour colour_of_levels(const uint8_t *pixel, int channels, int levels, const prnn_palette *palette) {
    int last = levels - 1;
    uint8_t rgb[3];
    if (palette) {
        const uint8_t *c = palette->colours[pixel[0]];
        return (colour){c[0], c[1], c[2]};
    }
    for (int i = 0; i < 3; i++) {
        rgb[i] = (uint8_t)((pixel[channels == 3 ? i : 0] * 255 + last / 2) / last);
    }
    return (colour){rgb[0], rgb[1], rgb[2]};
}

bool levels_look_alike(const prnn_palette *a, const prnn_palette *b) {
    return a && b ? a->count == b->count && memcmp(a->colours, b->colours, (size_t)a->count * 3) == 0
                  : a == b;
}

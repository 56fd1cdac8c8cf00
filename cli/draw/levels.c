#include "draw/levels.h"

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

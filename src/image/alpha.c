#include "image/alpha.h"

static size_t pixels(const prnn_image *image) {
    return (size_t)image->height * (size_t)image->width;
}

bool prnn_image_is_opaque(const prnn_image *image) {
    size_t channels = (size_t)image->channels, n = prnn_image_has_alpha(image) ? pixels(image) : 0;
    for (size_t i = 0; i < n; i++) {
        if (image->values[i * channels + channels - 1] != 255) {
            return false;
        }
    }
    return true;
}

void prnn_image_flatten(prnn_image *image, prnn_alpha alpha, const uint8_t background[3]) {
    size_t from = (size_t)image->channels, to = from - 1, n = pixels(image);
    if (!prnn_image_has_alpha(image)) {
        return;
    }
    const uint8_t luma = prnn_luma(background), *under = to == 1 ? &luma : background;
    for (size_t i = 0; i < n; i++) {
        unsigned a = alpha == PRNN_ALPHA_DROP ? 255 : image->values[i * from + to];
        for (size_t c = 0; c < to; c++) {
            unsigned v = image->values[i * from + c];
            image->values[i * to + c] = (uint8_t)((v * a + under[c] * (255 - a) + 127) / 255);
        }
    }
    image->channels = (int)to;
}

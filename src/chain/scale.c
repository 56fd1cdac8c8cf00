#include "chain/scale.h"
#include "model/model.h"

#include <string.h>

size_t prnn_scale_pixels(const prnn_config *config) {
    return (size_t)config->height * (size_t)config->width;
}

/* Where pixel number `pixel` of a small image is in the large one. */
static size_t place(const prnn_config *small, const prnn_config *large, size_t pixel) {
    size_t width = (size_t)small->width, step = (size_t)large->width / width;
    return (pixel / width * (size_t)large->width + pixel % width) * step;
}

void prnn_scale_take(const prnn_config *large, const prnn_config *small, size_t bytes, const void *from,
                     size_t count, void *to) {
    const char *image = from;
    char *pixel = to;
    for (size_t i = 0; i < count; i++, image += prnn_scale_pixels(large) * bytes) {
        for (size_t n = 0; n < prnn_scale_pixels(small); n++, pixel += bytes) {
            memcpy(pixel, image + place(small, large, n) * bytes, bytes);
        }
    }
}

void prnn_scale_put(const prnn_config *small, const prnn_config *large, size_t bytes, const void *from,
                    size_t count, void *to) {
    const char *pixel = from;
    char *image = to;
    for (size_t i = 0; i < count; i++, image += prnn_scale_pixels(large) * bytes) {
        for (size_t n = 0; n < prnn_scale_pixels(small); n++, pixel += bytes) {
            memcpy(image + place(small, large, n) * bytes, pixel, bytes);
        }
    }
}

bool prnn_model_pixel_is_given(const prnn_model *model, int row, int column) {
    return prnn_network_is_given(model->network, row, column);
}

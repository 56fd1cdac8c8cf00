/* Transparency. */
#ifndef PRNN_IMAGE_ALPHA_H
#define PRNN_IMAGE_ALPHA_H

#include "image/image.h"

/* Whether the image has alpha as its last channel. */
static inline bool prnn_image_has_alpha(const prnn_image *image) {
    return image->channels == 2 || image->channels == 4;
}

/* Whether all of its alpha is 255, if it has any. */
bool prnn_image_is_opaque(const prnn_image *image);

/* Takes alpha, if there is any, away, in place: composites, or drops it. */
void prnn_image_flatten(prnn_image *image, prnn_alpha alpha, const uint8_t background[3]);

#endif

/* Images of two scales: the pixels of the small one are every n-th of every n-th row of the large one. Pixels
 * are `bytes` long, whatever they consist of. */
#ifndef PRNN_CHAIN_SCALE_H
#define PRNN_CHAIN_SCALE_H

#include <pixelrnn/pixelrnn.h>

/* Pixels of an image. */
size_t prnn_scale_pixels(const prnn_config *config);

/* The small images in `count` large ones. */
void prnn_scale_take(const prnn_config *large, const prnn_config *small, size_t bytes, const void *from,
                     size_t count, void *to);

/* Puts `count` small images into large ones, whose other pixels stay. */
void prnn_scale_put(const prnn_config *small, const prnn_config *large, size_t bytes, const void *from,
                    size_t count, void *to);

#endif

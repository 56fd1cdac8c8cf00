/* Images that are mirrored and moved, anew in each epoch: a function of the seed, the epoch and the image's
 * number in its set, whoever reads it and when. */
#ifndef PRNN_TRAIN_AUGMENT_H
#define PRNN_TRAIN_AUGMENT_H

#include "base/context.h"

/* How images are changed, and their shape. */
typedef struct prnn_augmentation {
    uint64_t seed;
    bool flip; /* mirrored, left to right, with probability 1/2 */
    int shift; /* moved by -shift .. shift pixels down, and as many to the right, each number as likely */
    int height, width, channels;
} prnn_augmentation;

/* Changes n images (height, width, channels) in place; indices[i] is the number of image i. What comes in at
 * a border repeats the pixels at the edge of the image. `scratch` has room for an image. */
void prnn_augment(const prnn_augmentation *how, uint64_t epoch, const size_t *indices, size_t n,
                  uint8_t *images, uint8_t *scratch);

#endif

#include "train/augment.h"

#include "base/random.h"

#include <string.h>

static int clamp(int i, int end) {
    return i < 0 ? 0 : i < end ? i : end - 1;
}

/* -most .. most */
static int draw(uint32_t bits, int most) {
    return (int)((uint64_t)bits * (uint64_t)(2 * most + 1) >> 32) - most;
}

static void change(const prnn_augmentation *how, prnn_random bits, const uint8_t *from, uint8_t *to) {
    bool mirrored = how->flip && bits.word[0] >> 31;
    int down = draw(bits.word[1], how->shift), right = draw(bits.word[2], how->shift);
    size_t pixel = (size_t)how->channels, line = (size_t)how->width * pixel;
    for (int row = 0; row < how->height; row++) {
        const uint8_t *source = from + (size_t)clamp(row - down, how->height) * line;
        for (int col = 0; col < how->width; col++, to += pixel) {
            int at = clamp(col - right, how->width);
            memcpy(to, source + (size_t)(mirrored ? how->width - 1 - at : at) * pixel, pixel);
        }
    }
}

void prnn_augment(const prnn_augmentation *how, uint64_t epoch, const size_t *indices, size_t n,
                  uint8_t *images, uint8_t *scratch) {
    size_t size = (size_t)how->height * (size_t)how->width * (size_t)how->channels;
    for (size_t i = 0; i < n && (how->flip || how->shift); i++) {
        prnn_random bits = prnn_random_at(how->seed, PRNN_RANDOM_AUGMENT, epoch, indices[i]);
        memcpy(scratch, images + i * size, size);
        change(how, bits, scratch, images + i * size);
    }
}

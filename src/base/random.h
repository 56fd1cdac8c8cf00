/* Random numbers as a function of (seed, stream, step, index): Philox 4x32-10 (Salmon et al. 2011), from
 * the Random123 library. Nothing is kept between calls, so a resumed run repeats an uninterrupted one. */
#ifndef PRNN_BASE_RANDOM_H
#define PRNN_BASE_RANDOM_H

#include <stdint.h>

typedef enum prnn_random_stream {
    PRNN_RANDOM_WEIGHTS = 1, /* step: tensor, index: element */
    PRNN_RANDOM_SHUFFLE,     /* step: epoch, index: position */
    PRNN_RANDOM_BINARIZE,    /* step: epoch and image, index: value */
    PRNN_RANDOM_SAMPLE,      /* step: image, index: value */
    PRNN_RANDOM_CHECK,       /* step: image or change, index: value */
    PRNN_RANDOM_AUGMENT,     /* step: epoch, index: image */
    PRNN_RANDOM_DROPOUT      /* step: update, index: prnn_dropout_index */
} prnn_random_stream;

/* 128 random bits. */
typedef struct prnn_random {
    uint32_t word[4];
} prnn_random;

/* 64 bits of key are the seed; of 128 bits of counter the lower half is the index, the upper this. */
static inline uint64_t prnn_random_high(prnn_random_stream stream, uint64_t step) {
    return (uint64_t)stream << 56 ^ step;
}

prnn_random prnn_random_at(uint64_t seed, prnn_random_stream stream, uint64_t step, uint64_t index);

/* Uniform in [0, 1), 53 bits. */
double prnn_random_uniform(uint64_t seed, prnn_random_stream stream, uint64_t step, uint64_t index);

/* Fills order[0..n-1] with a permutation of 0..n-1 (Fisher-Yates). */
void prnn_random_permutation(uint64_t seed, uint64_t step, uint64_t n, uint64_t *order);

#endif

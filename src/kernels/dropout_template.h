/* Dropout: random bits for some blocks of features at a time, in loops that compilers make vectors of. */

#include "kernels/kernels.h"
#include "kernels/vectors.h"

enum { DROP_BLOCKS = 8, DROP_BLOCK = 8, DROP_FEATURES = DROP_BLOCKS * DROP_BLOCK };

/* Philox 4x32-10, as base/random.h has it, of the blocks from drops->index + first on: word w of block b is
 * in word[w][b]. */
INLINE void random_words(const prnn_drops *drops, uint64_t first, uint32_t word[4][DROP_BLOCKS]) {
    uint32_t a = (uint32_t)drops->seed, b = (uint32_t)(drops->seed >> 32);
    for (int i = 0; i < DROP_BLOCKS; i++) {
        uint64_t index = drops->index + first + (uint64_t)i;
        word[0][i] = (uint32_t)index;
        word[1][i] = (uint32_t)(index >> 32);
        word[2][i] = (uint32_t)drops->high;
        word[3][i] = (uint32_t)(drops->high >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < DROP_BLOCKS; i++) {
            uint64_t x = (uint64_t)0xd2511f53u * word[0][i], y = (uint64_t)0xcd9e8d57u * word[2][i];
            word[0][i] = (uint32_t)(y >> 32) ^ word[1][i] ^ a;
            word[1][i] = (uint32_t)y;
            word[2][i] = (uint32_t)(x >> 32) ^ word[3][i] ^ b;
            word[3][i] = (uint32_t)x;
        }
        a += 0x9e3779b9u;
        b += 0xbb67ae85u;
    }
}

static void dropout(const prnn_drops *drops, size_t n, const float *x, const float *add, float *out) {
    uint32_t word[4][DROP_BLOCKS], drawn[DROP_FEATURES];
    for (size_t first = 0; first < n; first += DROP_FEATURES) {
        size_t left = n - first < DROP_FEATURES ? n - first : DROP_FEATURES;
        random_words(drops, first / DROP_BLOCK, word);
        for (size_t i = 0; i < left; i += 2) {
            uint32_t two = word[i / 2 % 4][i / DROP_BLOCK];
            drawn[i] = two & 0xffff;
            drawn[i + 1] = two >> 16;
        }
        for (size_t i = 0; i < left; i++) {
            float kept = x[first + i] * drops->scale;
            kept = drawn[i] < drops->below ? 0 : kept;
            out[first + i] = add ? add[first + i] + kept : kept;
        }
    }
}

/* Dropout: random bits for some blocks of features at a time. */

#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* A block is 8 features, which share 128 random bits. */
enum { DROP_BLOCKS = VECTOR / 2, DROP_BLOCK = 8, DROP_FEATURES = DROP_BLOCKS * DROP_BLOCK };

/* Philox 4x32-10, as base/random.h has it, of the blocks from drops->index + first on: 16 bits a feature. A
 * word is the lower half of a lane; what is in the upper half does not matter. */
INLINE void random_features(const prnn_drops *drops, uint64_t first, uint16_t feature[DROP_FEATURES]) {
    static const uint64_t lane[] = {0, 1, 2, 3, 4, 5, 6, 7};
    vw index = vw_splat(drops->index + first) + *(const vw *)lane;
    vw word[4] = {index, index >> 32, vw_splat(drops->high), vw_splat(drops->high >> 32)};
    uint32_t a = (uint32_t)drops->seed, b = (uint32_t)(drops->seed >> 32);
    UNROLL
    for (int round = 0; round < 10; round++) {
        vw x = vw_product(word[0], 0xd2511f53u), y = vw_product(word[2], 0xcd9e8d57u);
        word[0] = (y >> 32) ^ word[1] ^ vw_splat(a);
        word[1] = y;
        word[2] = (x >> 32) ^ word[3] ^ vw_splat(b);
        word[3] = x;
        a += 0x9e3779b9u;
        b += 0xbb67ae85u;
    }
    vw half[2] = {(word[0] & 0xffffffff) | word[1] << 32, (word[2] & 0xffffffff) | word[3] << 32};
    for (int i = 0; i < DROP_BLOCKS; i++) {
        uint64_t block[2] = {half[0][i], half[1][i]};
        memcpy(feature + (size_t)i * DROP_BLOCK, block, sizeof block);
    }
}

static void dropout(const prnn_drops *drops, size_t n, const float *x, const float *add, float *out) {
    uint16_t drawn[DROP_FEATURES];
    const vi below = (vi){0} + (int32_t)drops->below;
    for (size_t first = 0; first < n; first += DROP_FEATURES) {
        random_features(drops, first / DROP_BLOCK, drawn);
        for (size_t i = 0; i < DROP_FEATURES && first + i < n; i += VECTOR) {
            vi kept = __builtin_convertvector(*(const vh *)(drawn + i), vi) >= below;
            vf y = (vf)((vi)(load(x + first + i) * drops->scale) & kept);
            if (add) {
                y = load(add + first + i) + y;
            }
            store(out + first + i, y);
        }
    }
}

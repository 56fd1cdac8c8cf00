#include "base/random.h"

#include <Random123/philox.h>

prnn_random prnn_random_at(uint64_t seed, prnn_random_stream stream, uint64_t step, uint64_t index) {
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    uint64_t high = prnn_random_high(stream, step);
    philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
    philox4x32_ctr_t r = philox4x32(counter, key);
    return (prnn_random){{r.v[0], r.v[1], r.v[2], r.v[3]}};
}

double prnn_random_uniform(uint64_t seed, prnn_random_stream stream, uint64_t step, uint64_t index) {
    prnn_random r = prnn_random_at(seed, stream, step, index);
    uint64_t bits = ((uint64_t)r.word[1] << 32 | r.word[0]) >> 11;
    return (double)bits * 0x1p-53;
}

void prnn_random_permutation(uint64_t seed, uint64_t step, uint64_t n, uint64_t *order) {
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = (uint64_t)(prnn_random_uniform(seed, PRNN_RANDOM_SHUFFLE, step, i) * (double)(i + 1));
        order[i] = order[j];
        order[j] = i;
    }
}

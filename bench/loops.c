/* The tightest loops of a processor, written once for vectors of several lengths: what nothing that it
 * computes or copies can be faster than. */
#include "bench.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define UNROLL _Pragma("GCC unroll 16")

/* Multiply-adds that do not wait for each other: `chains` of them a turn. No sum leaves the range: it goes to
 * 2, or in bf16 stays where adding a half changes nothing. Where it begins only the caller knows: a compiler
 * sees that a sum that begins at 2 stays there, and leaves it out. */
#define MULTIPLY_ADD(name, target, vector, chains, splat, multiply_add)                                      \
    target static void multiply_add_##name(size_t turns, float *to) {                                        \
        vector x[chains], half = splat(0.5f), one = splat(1.0f);                                             \
        UNROLL for (int i = 0; i < chains; i++) {                                                            \
            x[i] = splat(*to + (float)i);                                                                    \
        }                                                                                                    \
        for (; turns > 0; turns--) {                                                                         \
            UNROLL for (int i = 0; i < chains; i++) {                                                        \
                x[i] = multiply_add(x[i], half, one);                                                        \
            }                                                                                                \
        }                                                                                                    \
        UNROLL for (int i = 1; i < chains; i++) {                                                            \
            x[0] += x[i];                                                                                    \
        }                                                                                                    \
        memcpy(to, &x[0], sizeof x[0]);                                                                      \
    }

/* to = what is computed from a vector at each of the arrays, four at a time. The empty statement keeps
 * compilers from calling memcpy, which is many loops. */
#define MOVE(name, target, vector, to, from)                                                                 \
    target static void name(size_t bytes, char *memory) {                                                    \
        for (size_t i = 0; i < bytes; i += 4 * sizeof(vector)) {                                             \
            const vector *a = (const vector *)(void *)(memory + i);                                          \
            const vector *b = (const vector *)(void *)(memory + bytes + i);                                  \
            vector x[4], *out = (vector *)(void *)(memory + (to)*bytes + i);                                 \
            (void)a, (void)b;                                                                                \
            UNROLL for (int n = 0; n < 4; n++) {                                                             \
                x[n] = (from);                                                                               \
            }                                                                                                \
            UNROLL for (int n = 0; n < 4; n++) {                                                             \
                out[n] = x[n];                                                                               \
            }                                                                                                \
            __asm__ volatile("" ::: "memory");                                                               \
        }                                                                                                    \
    }
#define ALL_MOVES(name, target, vector)                                                                      \
    MOVE(copy_##name, target, vector, 1, a[n])                                                               \
    MOVE(add_##name, target, vector, 2, a[n] + b[n])                                                         \
    MOVE(update_##name, target, vector, 0, -a[n])

/* Vectors that every processor has. */
typedef float four __attribute__((vector_size(16), may_alias));
#define SPLAT_FOUR(x) ((x) - (four){0})
#define MULTIPLY_ADD_FOUR(x, a, b) ((x) * (a) + (b))
MULTIPLY_ADD(generic, , four, 12, SPLAT_FOUR, MULTIPLY_ADD_FOUR)
ALL_MOVES(generic, , four)

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f")))
MULTIPLY_ADD(avx2, AVX2, __m256, 12, _mm256_set1_ps, _mm256_fmadd_ps)
ALL_MOVES(avx2, AVX2, __m256)
MULTIPLY_ADD(avx512, AVX512, __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps)
ALL_MOVES(avx512, AVX512, __m512)
#if __GNUC__ >= 10 || defined(__clang__)
#define HAVE_BF16
#define AVX512BF16 __attribute__((target("avx512f,avx512bf16")))
#define DOT(x, a, b) _mm512_dpbf16_ps(x, (__m512bh)(a), (__m512bh)(b))
MULTIPLY_ADD(avx512bf16, AVX512BF16, __m512, 16, _mm512_set1_ps, DOT)
#endif
#endif

static const loop_set *const all[] = {
#if defined(__x86_64__)
    &(const loop_set){
        "avx512", false, 16 * 32, multiply_add_avx512, {copy_avx512, add_avx512, update_avx512}},
    &(const loop_set){"avx2", false, 12 * 16, multiply_add_avx2, {copy_avx2, add_avx2, update_avx2}},
#if defined(HAVE_BF16)
    &(const loop_set){"avx512bf16", true, 16 * 64, multiply_add_avx512bf16, {NULL}},
#endif
#endif
    &(const loop_set){
        "generic", false, 12 * 8, multiply_add_generic, {copy_generic, add_generic, update_generic}},
};

static bool supported(const loop_set *loops) {
#if defined(__x86_64__)
    if (loops->multiply_add == multiply_add_avx2) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
    if (loops->multiply_add == multiply_add_avx512) {
        return __builtin_cpu_supports("avx512f");
    }
#if defined(HAVE_BF16)
    if (loops->multiply_add == multiply_add_avx512bf16) {
        return __builtin_cpu_supports("avx512bf16");
    }
#endif
#endif
    return loops->multiply_add == multiply_add_generic;
}

const loop_set *loops_at(int i) {
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
        if (supported(all[n]) && i-- == 0) {
            return all[n];
        }
    }
    return NULL;
}

/* Vectors of VECTOR floats: the compiler's own, and the few operations that it has no operator for. An
 * instruction set's file defines VECTOR and includes the template; where the processor has an instruction it
 * is named here.
 *
 * Every operation gives the same bits on every processor, for every VECTOR: each is one of IEEE 754's,
 * rounded to nearest (nothing here is contracted by the compiler: a fused multiply-add is written as vfma),
 * and no result depends on the other lanes, but that of panel_sum and panel_max, whose order is fixed. (A NaN
 * may differ in its sign and payload.) */
#ifndef PRNN_KERNELS_VECTORS_H
#define PRNN_KERNELS_VECTORS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

typedef float vf __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(VECTOR * 2), aligned(2), may_alias)); /* as many halves */
typedef uint64_t vw
    __attribute__((vector_size(VECTOR * 4), aligned(8), may_alias)); /* half as many wide ones */

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE vf load(const float *p) {
    return *(const vf *)p;
}

INLINE void store(float *p, vf x) {
    *(vf *)p = x;
}

INLINE vf splat(float x) {
    return x - (vf){0};
}

INLINE vf vselect(vi mask, vf yes, vf no) {
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* a * b + c, rounded once. */
#if defined(__x86_64__) && VECTOR == 16
INLINE vf vfma(vf a, vf b, vf c) {
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif defined(__x86_64__) && VECTOR == 8
INLINE vf vfma(vf a, vf b, vf c) {
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#elif defined(__x86_64__) && VECTOR == 4
/* Without such an instruction: the product of two floats is exact in double. Its sum with c, rounded to
 * double, can then be rounded to float, unless it has become a tie between two floats, or is so small that a
 * float has fewer bits for it. */
INLINE bool may_round_twice(__m128d low, __m128d high) {
    __m128 l = _mm_castpd_ps(low), h = _mm_castpd_ps(high);
    __m128i tails = _mm_castps_si128(_mm_shuffle_ps(l, h, _MM_SHUFFLE(2, 0, 2, 0)));
    __m128i heads = _mm_castps_si128(_mm_shuffle_ps(l, h, _MM_SHUFFLE(3, 1, 3, 1)));
    __m128i tie =
        _mm_cmpeq_epi32(_mm_and_si128(tails, _mm_set1_epi32(0x1fffffff)), _mm_set1_epi32(0x10000000));
    __m128i size = _mm_and_si128(heads, _mm_set1_epi32(0x7fffffff));
    __m128i small = _mm_and_si128(_mm_cmplt_epi32(size, _mm_set1_epi32((1023 - 126) << 20)),
                                  _mm_cmpgt_epi32(size, _mm_setzero_si128()));
    return _mm_movemask_epi8(_mm_or_si128(tie, small)) != 0;
}

/* The sum of an exact product and c, rounded to odd: where it is not exact, to the neighbour whose last bit
 * is 1. Rounding that to a float is rounding the exact sum (Boldo and Melquiond 2008). */
INLINE __m128d add_to_odd(__m128d product, __m128d c) {
    __m128d sum = _mm_add_pd(product, c), back = _mm_sub_pd(sum, product);
    __m128d lost = _mm_add_pd(_mm_sub_pd(product, _mm_sub_pd(sum, back)), _mm_sub_pd(c, back));
    __m128d zero = _mm_setzero_pd(), inexact = _mm_or_pd(_mm_cmplt_pd(lost, zero), _mm_cmpgt_pd(lost, zero));
    __m128i bits = _mm_castpd_si128(sum), one = _mm_set1_epi64x(1);
    __m128i even = _mm_sub_epi64(_mm_and_si128(bits, one), one); /* all ones */
    __m128i inwards = _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(lost, sum)), 63);
    __m128i step = _mm_sub_epi64(one, _mm_slli_epi64(inwards, 1));
    step = _mm_and_si128(step, _mm_and_si128(even, _mm_castpd_si128(inexact)));
    return _mm_castsi128_pd(_mm_add_epi64(bits, step));
}

INLINE vf vfma(vf a, vf b, vf c) {
    __m128 x = (__m128)a, y = (__m128)b, z = (__m128)c;
    __m128d product[2] = {_mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)),
                          _mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(x, x)), _mm_cvtps_pd(_mm_movehl_ps(y, y)))};
    __m128d more[2] = {_mm_cvtps_pd(z), _mm_cvtps_pd(_mm_movehl_ps(z, z))};
    __m128d low = _mm_add_pd(product[0], more[0]), high = _mm_add_pd(product[1], more[1]);
    if (__builtin_expect(may_round_twice(low, high), 0)) {
        low = add_to_odd(product[0], more[0]);
        high = add_to_odd(product[1], more[1]);
    }
    return (vf)_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
#elif defined(__aarch64__) && VECTOR == 4
INLINE vf vfma(vf a, vf b, vf c) {
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
INLINE vf vfma(vf a, vf b, vf c) {
    for (int i = 0; i < VECTOR; i++) {
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    }
    return c;
}
#endif

INLINE vw vw_splat(uint64_t x) {
    return x - (vw){0};
}

/* The lower 32 bits of each lane, times c: 64 bits. */
#if defined(__x86_64__) && VECTOR == 16
INLINE vw vw_product(vw x, uint32_t c) {
    return (vw)_mm512_mul_epu32((__m512i)x, (__m512i)vw_splat(c));
}
#elif defined(__x86_64__) && VECTOR == 8
INLINE vw vw_product(vw x, uint32_t c) {
    return (vw)_mm256_mul_epu32((__m256i)x, (__m256i)vw_splat(c));
}
#elif defined(__x86_64__) && VECTOR == 4
INLINE vw vw_product(vw x, uint32_t c) {
    return (vw)_mm_mul_epu32((__m128i)x, (__m128i)vw_splat(c));
}
#elif defined(__aarch64__) && VECTOR == 4
INLINE vw vw_product(vw x, uint32_t c) {
    return (vw)vmull_n_u32(vmovn_u64((uint64x2_t)x), c);
}
#else
INLINE vw vw_product(vw x, uint32_t c) {
    return (x & 0xffffffff) * c;
}
#endif

/* p * x + coefficient: a step of Horner's scheme. */
INLINE vf horner(vf p, vf x, float coefficient) {
    return vfma(p, x, splat(coefficient));
}

/* The smaller and the larger of two, and the square root. Where one of two is NaN the result is b, as the
 * instructions of x86-64 have it: so a bound goes first, and lets a NaN through. */
#if defined(__x86_64__) && VECTOR == 16
INLINE vf vmin(vf a, vf b) {
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
INLINE vf vmax(vf a, vf b) {
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
INLINE vf vsqrt(vf x) {
    return (vf)_mm512_sqrt_ps((__m512)x);
}
#elif defined(__x86_64__) && VECTOR == 8
INLINE vf vmin(vf a, vf b) {
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
INLINE vf vmax(vf a, vf b) {
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
INLINE vf vsqrt(vf x) {
    return (vf)_mm256_sqrt_ps((__m256)x);
}
#elif defined(__x86_64__) && VECTOR == 4
INLINE vf vmin(vf a, vf b) {
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
}
INLINE vf vmax(vf a, vf b) {
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
}
INLINE vf vsqrt(vf x) {
    return (vf)_mm_sqrt_ps((__m128)x);
}
#else
INLINE vf vmin(vf a, vf b) {
    return vselect(a < b, a, b);
}
INLINE vf vmax(vf a, vf b) {
    return vselect(a > b, a, b);
}
#if defined(__aarch64__) && VECTOR == 4
INLINE vf vsqrt(vf x) {
    return (vf)vsqrtq_f32((float32x4_t)x);
}
#else
INLINE vf vsqrt(vf x) {
    for (int i = 0; i < VECTOR; i++) {
        x[i] = sqrtf(x[i]);
    }
    return x;
}
#endif
#endif

/* max(x, 0) that lets a NaN through. */
INLINE vf vrelu(vf x) {
    return vmax(splat(0), x);
}

/* tanh: a rational minimax fit of tanh(x)/x in x^2 on [-9.02, 9.02], beyond which tanh rounds to 1.
 * Error below 4e-7, most of it rounding (the fit's own is 6e-8). NaN stays NaN. */
INLINE vf vtanh(vf x) {
    x = vmax(splat(-9.02f), vmin(splat(9.02f), x));
    vf u = x * x;
    vf p = horner(splat(1.8162567e-11f), u, -1.2743862e-08f);
    p = horner(p, u, 9.2551427e-06f);
    p = horner(p, u, 2.9194127e-03f);
    p = horner(p, u, 0.12917973f);
    p = horner(p, u, 0.99999994f);
    vf q = horner(splat(2.2791390e-04f), u, 2.3757642e-02f);
    q = horner(q, u, 0.46251255f);
    q = horner(q, u, 1.0f);
    return x * p / q;
}

/* 1/2 + tanh(x/2)/2, the factors 1/2 in the coefficients. Error below 3e-7. */
INLINE vf vsigmoid(vf x) {
    x = vmax(splat(-18.04f), vmin(splat(18.04f), x));
    vf u = x * x;
    vf p = horner(splat(1.8162567e-11f / 4096), u, -1.2743862e-08f / 1024);
    p = horner(p, u, 9.2551427e-06f / 256);
    p = horner(p, u, 2.9194127e-03f / 64);
    p = horner(p, u, 0.12917973f / 16);
    p = horner(p, u, 0.99999994f / 4);
    vf q = horner(splat(2.2791390e-04f / 64), u, 2.3757642e-02f / 16);
    q = horner(q, u, 0.46251255f / 4);
    q = horner(q, u, 1.0f);
    return x * p / q + 0.5f;
}

/* exp for x <= 88: 2^k * e^r with |r| <= ln 2 / 2 and a minimax polynomial; relative error below 2e-7; below
 * -87 a value under 2e-38. NaN stays NaN. */
INLINE vf vexp(vf x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: rounds to an integer in the low bits */
    x = vmax(splat(-87.0f), x);
    vf shifted = vfma(x, splat(1.44269504f), splat(magic));
    vf k = shifted - magic;
    vf r = vfma(k, splat(-0.693359375f), x);
    r = vfma(k, splat(2.12194440e-4f), r);
    vf p = horner(splat(0.00138367934f), r, 0.00837485678f);
    p = horner(p, r, 0.0416682288f);
    p = horner(p, r, 0.166664198f);
    p = horner(p, r, 0.499999911f);
    p = horner(p, r, 1.0f);
    p = horner(p, r, 1.0f);
    vi power = ((vi)shifted - (vi)splat(magic) + 127) << 23;
    return p * (vf)power;
}

/* log(1 + x) for 0 <= x <= 1, as 2 atanh(s) with s = x / (2 + x) <= 1/3: a minimax polynomial in s^2. Error
 * below 2e-7. */
INLINE vf vlog1p(vf x) {
    vf s = x / (x + 2.0f), u = s * s;
    vf p = horner(splat(0.28198576f), u, 0.27956292f);
    p = horner(p, u, 0.400251955f);
    p = horner(p, u, 0.66666311f);
    p = horner(p, u, 2.0f);
    return s * p;
}

/* log(x) for a positive number that is not denormal: of 2^k * m with 1 <= m < 2. Error below 3e-7, and that
 * of rounding. NaN and infinity become NaN. */
INLINE vf vlog(vf x) {
    vi bits = (vi)x, exponent = (bits >> 23) - 127;
    vf m = (vf)((bits & 0x7fffff) | 0x3f800000), k = __builtin_convertvector(exponent, vf);
    return vfma(k, splat(0.693147181f), vlog1p(m - 1.0f)) + (x - x);
}

INLINE float log_of(float x) {
    return vlog(splat(x))[0];
}

/* One sum (or maximum) for each column of a panel, over many panels: so the order of a sum over a row does
 * not depend on the width of a vector. */
enum { PANEL = 16, PARTS = PANEL / VECTOR };

typedef struct panel {
    vf part[PARTS];
} panel;

INLINE panel panel_of(float x) {
    panel all;
    UNROLL for (int i = 0; i < PARTS; i++) {
        all.part[i] = splat(x);
    }
    return all;
}

/* Over the columns of a panel: halves are added to each other until one column is left. */
INLINE float panel_sum(const panel *all) {
    float x[PANEL];
    memcpy(x, all, sizeof x);
    UNROLL for (int half = PANEL / 2; half > 0; half /= 2) {
        UNROLL for (int i = 0; i < half; i++) {
            x[i] += x[i + half];
        }
    }
    return x[0];
}

INLINE float panel_max(const panel *all) {
    float x[PANEL];
    memcpy(x, all, sizeof x);
    UNROLL for (int half = PANEL / 2; half > 0; half /= 2) {
        UNROLL for (int i = 0; i < half; i++) {
            x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
        }
    }
    return x[0];
}

INLINE bool any(vi mask) {
    int32_t bits = 0;
    UNROLL for (int i = 0; i < VECTOR; i++) {
        bits |= mask[i];
    }
    return bits != 0;
}

#endif

/* Vectors of VECTOR floats: the compiler's own, and the few operations that it has no operator for. An
 * instruction set's file defines VECTOR and includes the template; where the processor has an instruction it
 * is named here. */
#ifndef PRNN_KERNELS_VECTORS_H
#define PRNN_KERNELS_VECTORS_H

#include <math.h>
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

/* A product that is rounded before it is added to something, on every instruction set. */
INLINE vf rounded(vf x) {
#if defined(__x86_64__)
    __asm__("" : "+v"(x));
#elif defined(__aarch64__)
    __asm__("" : "+w"(x));
#endif
    return x;
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
    vf p = u * 1.8162567e-11f - 1.2743862e-08f;
    p = p * u + 9.2551427e-06f;
    p = p * u + 2.9194127e-03f;
    p = p * u + 0.12917973f;
    p = p * u + 0.99999994f;
    vf q = u * 2.2791390e-04f + 2.3757642e-02f;
    q = q * u + 0.46251255f;
    q = q * u + 1.0f;
    return x * p / q;
}

/* 1/2 + tanh(x/2)/2, the factors 1/2 in the coefficients. Error below 3e-7. */
INLINE vf vsigmoid(vf x) {
    x = vmax(splat(-18.04f), vmin(splat(18.04f), x));
    vf u = x * x;
    vf p = u * (1.8162567e-11f / 4096) - 1.2743862e-08f / 1024;
    p = p * u + 9.2551427e-06f / 256;
    p = p * u + 2.9194127e-03f / 64;
    p = p * u + 0.12917973f / 16;
    p = p * u + 0.99999994f / 4;
    vf q = u * (2.2791390e-04f / 64) + 2.3757642e-02f / 16;
    q = q * u + 0.46251255f / 4;
    q = q * u + 1.0f;
    return x * p / q + 0.5f;
}

/* exp for x <= 88: 2^k * e^r with |r| <= ln 2 / 2 and a minimax polynomial; relative error below 2e-7; below
 * -87 a value under 2e-38. NaN stays NaN. */
INLINE vf vexp(vf x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: rounds to an integer in the low bits */
    x = vmax(splat(-87.0f), x);
    vf shifted = x * 1.44269504f + magic;
    vf k = shifted - magic;
    vf r = x - k * 0.693359375f;
    r = r + k * 2.12194440e-4f;
    vf p = r * 0.00138367934f + 0.00837485678f;
    p = p * r + 0.0416682288f;
    p = p * r + 0.166664198f;
    p = p * r + 0.499999911f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vi power = ((vi)shifted - (vi)splat(magic) + 127) << 23;
    return p * (vf)power;
}

/* log(1 + x) for 0 <= x <= 1, as 2 atanh(s) with s = x / (2 + x) <= 1/3: a minimax polynomial in s^2. Error
 * below 2e-7. */
INLINE vf vlog1p(vf x) {
    vf s = x / (x + 2.0f), u = s * s;
    vf p = u * 0.28198576f + 0.27956292f;
    p = p * u + 0.400251955f;
    p = p * u + 0.66666311f;
    p = p * u + 2.0f;
    return s * p;
}

/* log(x) for a positive number that is not denormal: of 2^k * m with 1 <= m < 2. Error below 3e-7, and that
 * of rounding. NaN and infinity become NaN. */
INLINE vf vlog(vf x) {
    vi bits = (vi)x, exponent = (bits >> 23) - 127;
    vf m = (vf)((bits & 0x7fffff) | 0x3f800000), k = __builtin_convertvector(exponent, vf);
    return k * 0.693147181f + vlog1p(m - 1.0f) + (x - x);
}

INLINE float horizontal_max(vf x) {
    float m = x[0];
    for (int i = 1; i < VECTOR; i++) {
        m = x[i] > m ? x[i] : m;
    }
    return m;
}

INLINE float horizontal_sum(vf x) {
    float s = 0;
    for (int i = 0; i < VECTOR; i++) {
        s += x[i];
    }
    return s;
}

#endif

#include "base/real.h"

#include <math.h>
#include <string.h>

static double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 2^k for -1022 <= k <= 1023. */
static double power_of_two(int64_t k) {
    return from_bits((uint64_t)(k + 1023) << 52);
}

/* ln 2 in two parts; the first has so few bits that its product with an exponent is exact. */
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;

/* 2^(j / 32), rounded. */
static const double roots_of_two[32] = {
    0x1.0000000000000p+0, 0x1.059b0d3158574p+0, 0x1.0b5586cf9890fp+0, 0x1.11301d0125b51p+0,
    0x1.172b83c7d517bp+0, 0x1.1d4873168b9aap+0, 0x1.2387a6e756238p+0, 0x1.29e9df51fdee1p+0,
    0x1.306fe0a31b715p+0, 0x1.371a7373aa9cbp+0, 0x1.3dea64c123422p+0, 0x1.44e086061892dp+0,
    0x1.4bfdad5362a27p+0, 0x1.5342b569d4f82p+0, 0x1.5ab07dd485429p+0, 0x1.6247eb03a5585p+0,
    0x1.6a09e667f3bcdp+0, 0x1.71f75e8ec5f74p+0, 0x1.7a11473eb0187p+0, 0x1.82589994cce13p+0,
    0x1.8ace5422aa0dbp+0, 0x1.93737b0cdc5e5p+0, 0x1.9c49182a3f090p+0, 0x1.a5503b23e255dp+0,
    0x1.ae89f995ad3adp+0, 0x1.b7f76f2fb5e47p+0, 0x1.c199bdd85529cp+0, 0x1.cb720dcef9069p+0,
    0x1.d5818dcfba487p+0, 0x1.dfc97337b9b5fp+0, 0x1.ea4afa2a490dap+0, 0x1.f50765b6e4540p+0,
};

double prnn_exp(double x) {
    if (!(x < 709.8)) {
        return x + INFINITY; /* and NaN for NaN */
    }
    if (x < -745.2) {
        return 0;
    }
    /* x = k ln 2 / 32 + r, and e^r by its series. */
    const double magic = 0x1.8p52; /* rounds to an integer */
    double k = (x * (32 * 1.4426950408889634) + magic) - magic;
    double r = (x - k * (LN2_HIGH / 32)) - k * (LN2_LOW / 32), square = r * r;
    double p = (1.0 / 2 + r * (1.0 / 6)) + square * ((1.0 / 24 + r * (1.0 / 120)) + square * (1.0 / 720));
    int64_t whole = (int64_t)k, j = whole & 31, n = (whole - j) / 32;
    double root = roots_of_two[j], scaled = root + root * (r + square * p);
    if (n > -1000 && n < 1000) {
        return from_bits(to_bits(scaled) + ((uint64_t)n << 52));
    }
    return scaled * power_of_two(n / 2) * power_of_two(n - n / 2);
}

double prnn_log(double x) {
    if (!(x > 0)) {
        return x == 0 ? -INFINITY : NAN;
    }
    if (isinf(x)) {
        return x;
    }
    double k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    /* x = 2^k (1 + f) with 1 + f between the roots of 1/2 and 2. */
    uint64_t bits = to_bits(x), from_root = bits - to_bits(0.7071067811865476);
    k += (double)((int64_t)from_root >> 52);
    double f = from_bits(bits - (from_root & 0xfff0000000000000u)) - 1;
    /* log(1 + f) = 2 atanh(s) = f - s (f - rest), rest = 2 (s^2 / 3 + s^4 / 5 + ...). */
    double s = f / (2 + f), z = s * s, rest = 0;
    for (int n = 25; n >= 3; n -= 2) {
        rest = rest * z + 2.0 / n;
    }
    rest *= z;
    return k * LN2_HIGH - ((s * (f - rest) - k * LN2_LOW) - f);
}

double prnn_tanh(double x) {
    double size = fabs(x) < 20 ? 1 - 2 / (prnn_exp(2 * fabs(x)) + 1) : 1;
    return isnan(x) ? x : x < 0 ? -size : size;
}

/* x (1 - x^2 / (first (first + 1)) (1 - x^2 / ((first + 2) (first + 3)) (...))), without its factor x. */
static double alternating(double square, int first) {
    double sum = 1;
    for (int n = first + 18; n >= first; n -= 2) {
        sum = 1 - square / (n * (n + 1)) * sum;
    }
    return sum;
}

double prnn_cos_pi(double x) {
    const double pi = 3.14159265358979323846;
    if (x > 0.5) {
        return -prnn_cos_pi(1 - x);
    }
    double near = x <= 0.25 ? pi * x : pi * (0.5 - x);
    return x <= 0.25 ? alternating(near * near, 1) : near * alternating(near * near, 2);
}

double prnn_power(double x, uint64_t n) {
    double power = 1;
    for (; n; n /= 2, x *= x) {
        power = n % 2 ? power * x : power;
    }
    return power;
}

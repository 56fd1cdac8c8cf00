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

double prnn_exp(double x) {
    static const double inverse_factorials[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
        1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2};
    if (!(x < 709.8)) {
        return x + INFINITY; /* and NaN for NaN */
    }
    if (x < -745.2) {
        return 0;
    }
    const double magic = 0x1.8p52; /* rounds to an integer */
    double k = (x * 1.4426950408889634 + magic) - magic;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW, p = 0;
    for (size_t i = 0; i < sizeof inverse_factorials / sizeof *inverse_factorials; i++) {
        p = p * r + inverse_factorials[i];
    }
    p = 1 + (r + r * r * p);
    int64_t n = (int64_t)k, half = n / 2;
    return p * power_of_two(half) * power_of_two(n - half);
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

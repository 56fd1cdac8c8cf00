/* Functions of real numbers that give the same bits with every compiler, C library and processor, where those
 * of <math.h> do not: only additions, multiplications, divisions and square roots of IEEE 754, each rounded,
 * in a fixed order. (The library is compiled without contraction; PRNN_ENTER sees to the rounding.) */
#ifndef PRNN_BASE_REAL_H
#define PRNN_BASE_REAL_H

#include <stdint.h>

/* e^x, relative error below 2^-52 (more where the result is denormal); 0 below -745.2, infinity above 709.8.
 */
double prnn_exp(double x);

/* The natural logarithm, relative error below 2^-52; -infinity of 0, NaN of negative numbers. */
double prnn_log(double x);

/* Error below 2^-51. */
double prnn_tanh(double x);

/* cos(pi x) for 0 <= x <= 1, error below 2^-51. */
double prnn_cos_pi(double x);

/* x^n, relative error below n 2^-53, by squaring. */
double prnn_power(double x, uint64_t n);

#endif

/* Means of numbers; how well a score tells two kinds apart, and how rare a score is. The larger a score, the
 * less something belongs; all scores are finite. */
#ifndef PIXELRNN_CLI_SUPPORT_STATISTICS_H
#define PIXELRNN_CLI_SUPPORT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a normal distribution, 95 % lie within so many standard deviations. */
#define NORMAL_95 1.959963984540054

/* Mean, and the standard deviation of what they are drawn from: NaN of one. */
void mean_and_deviation(const double *values, size_t n, double *mean, double *deviation);

/* Mean, and its standard error (NaN of one), of n values that lie `distance` apart. */
void mean_and_error(const double *values, size_t n, size_t distance, double *mean, double *error);

/* The number of the first of n values that is not finite; n: all are. */
size_t first_not_finite(const double *values, size_t n);

typedef struct separation {
    /* The share of pairs (one that does not belong, one that does) in which the first has the larger score;
     * equal ones count a half (Mann-Whitney). */
    double auroc;
    double error;     /* standard error (DeLong et al. 1988); NaN where one kind has one member */
    double low, high; /* 95 % interval, normal approximation, within 0 and 1 */
    /* The mean of the precision at the rank of each one that does not belong; equal scores have one rank. */
    double average_precision;
} separation;

/* Of n scores, where labels are 0 (belongs) or 1, each at least once. 0 or an exit code. */
int separation_of(const double *scores, const uint8_t *labels, size_t n, separation *s);

/* Ascending. */
void sort_numbers(double *values, size_t n);

/* Conformal: (1 + how many of n ascending scores of what belongs are as large, or larger) / (n + 1). Of a new
 * one that belongs it is at most a with a probability of at most a. */
double p_value(const double *sorted, size_t n, double score);

/* The score above which p_value is at most `rate`. false: n is too small for one. */
bool threshold_at(const double *sorted, size_t n, double rate, double *threshold);

#endif

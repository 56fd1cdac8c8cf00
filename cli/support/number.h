/* Numbers from text, strictly: the whole text, in range. */
#ifndef PIXELRNN_CLI_SUPPORT_NUMBER_H
#define PIXELRNN_CLI_SUPPORT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

bool parse_int(const char *text, int *value);
bool parse_uint64(const char *text, uint64_t *value);
/* A finite decimal number; no hexadecimal, no "nan" or "inf". */
bool parse_double(const char *text, double *value);
/* "true" or "false". */
bool parse_bool(const char *text, bool *value);

/* The shortest text that reads back as the same number (at most 32 characters with its end). */
void format_double(double value, char text[32]);

/* So many decimals for people to read; from 1e15 on "1.2346e+15", as nobody counts digits. */
const char *format_fixed(double value, int decimals, char text[32]);
/* "79.2043 ± 0.1102", or "79.2043" where there is no error (NaN). */
const char *format_with_error(double value, double error, int decimals, char text[80]);

#endif

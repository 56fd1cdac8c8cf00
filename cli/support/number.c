#include "support/number.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool all_of(const char *text, const char *characters) {
    return *text && text[strspn(text, characters)] == 0;
}

bool parse_uint64(const char *text, uint64_t *value) {
    if (!all_of(text, "0123456789")) {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno || number > UINT64_MAX) {
        return false;
    }
    *value = number;
    return true;
}

bool parse_int(const char *text, int *value) {
    bool minus = *text == '-';
    uint64_t size;
    if (!parse_uint64(text + minus, &size) || size > INT_MAX) {
        return false;
    }
    *value = minus ? -(int)size : (int)size;
    return true;
}

bool parse_double(const char *text, double *value) {
    char *end;
    if (!all_of(text, "0123456789.eE+-")) {
        return false;
    }
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number)) {
        return false;
    }
    *value = number;
    return true;
}

bool parse_bool(const char *text, bool *value) {
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

void format_double(double value, char text[32]) {
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            return;
        }
    }
}

const char *format_fixed(double value, int decimals, char text[32]) {
    snprintf(text, 32, fabs(value) < 1e15 ? "%.*f" : "%.*e", decimals, value);
    return text;
}

const char *format_with_error(double value, double error, int decimals, char text[80]) {
    char a[32], b[32];
    bool known = !isnan(error);
    snprintf(text, 80, "%s%s%s", format_fixed(value, decimals, a), known ? " ± " : "",
             known ? format_fixed(error, decimals, b) : "");
    return text;
}

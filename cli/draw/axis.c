#include "draw/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double round_step(double least) {
    double power = pow(10, floor(log10(least)));
    double digit = least / power;
    /* A little slack: 0.2 may come out of a division as 0.2000000001. */
    return power * (digit <= 1.0001 ? 1 : digit <= 2.0001 ? 2 : digit <= 5.0001 ? 5 : 10);
}

axis axis_of(double low, double high, int ticks, bool round_low, bool round_high) {
    double large = fmax(1e-3, fmax(fabs(low), fabs(high)));
    if (!(high - low >= 1e-6 * large)) {
        double middle = round_low == round_high ? low + (high - low) / 2
                        : round_low             ? high - 0.05 * large
                                                : low + 0.05 * large;
        low = round_low || !round_high ? middle - 0.05 * large : low;
        high = round_high || !round_low ? middle + 0.05 * large : high;
    }
    axis a = {low, high, round_step((high - low) / ticks)};
    if (round_low) {
        a.low = floor(low / a.step + 1e-6) * a.step;
    }
    if (round_high) {
        a.high = ceil(high / a.step - 1e-6) * a.step;
    }
    return a;
}

size_t axis_ticks(const axis *a, double ticks[AXIS_TICKS]) {
    double first = ceil(a->low / a->step - 1e-6), last = floor(a->high / a->step + 1e-6);
    size_t n = 0;
    for (double i = first; i <= last && n < AXIS_TICKS; i++) {
        ticks[n++] = i == 0 ? 0 : i * a->step;
    }
    return n;
}

/* "1234567" -> "1,234,567". */
static void group_digits(char text[32]) {
    size_t minus = text[0] == '-', whole = strcspn(text, ".");
    for (size_t at = whole; at > minus + 3;) {
        at -= 3;
        memmove(text + at + 1, text + at, strlen(text + at) + 1);
        text[at] = ',';
    }
}

void axis_label(const axis *a, double tick, char text[32]) {
    int decimals = (int)fmax(0, -floor(log10(a->step) + 1e-6));
    if (decimals > 9 || fabs(tick) >= 1e9) {
        snprintf(text, 32, "%.6g", tick);
        return;
    }
    snprintf(text, 32, "%.*f", decimals, tick);
    group_digits(text);
}

double axis_place(const axis *a, double value) {
    return (value - a->low) / (a->high - a->low);
}

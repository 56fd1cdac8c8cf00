#include "bench.h"

#include "base/clock.h"

#include <stdlib.h>

enum { MOST = 400, LEAST = 3 }; /* repetitions */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static timing summarize(double *seconds, int count) {
    qsort(seconds, (size_t)count, sizeof *seconds, ascending);
    double median = count % 2 ? seconds[count / 2] : (seconds[count / 2 - 1] + seconds[count / 2]) / 2;
    return (timing){median, seconds[count / 4], seconds[count - 1 - count / 4], seconds[0], count};
}

static double time_calls(timed_call call, size_t calls) {
    double began = prnn_clock();
    for (size_t i = 0; i < calls; i++) {
        call.call(call.arg);
    }
    return prnn_clock() - began;
}

timing time_short(timed_call call, double seconds) {
    size_t calls = 1;
    while (time_calls(call, calls) < seconds / 200) {
        calls *= 2;
    }
    double each[MOST], end = prnn_clock() + seconds;
    int count = 0;
    do {
        each[count++] = time_calls(call, calls) / (double)calls;
    } while (count < LEAST || (count < MOST && prnn_clock() < end));
    return summarize(each, count);
}

void time_turns(int count, const timed_call *calls, double seconds, timing *timings) {
    double each[MOST_TURNS][MOST];
    int turns = 0;
    for (int i = 0; i < count; i++) {
        time_calls(calls[i], 2);
    }
    double end = prnn_clock() + seconds;
    do {
        for (int i = 0; i < count; i++) {
            each[i][turns] = time_calls(calls[i], 1);
        }
        turns++;
    } while (turns < LEAST || (turns < MOST && prnn_clock() < end));
    for (int i = 0; i < count; i++) {
        timings[i] = summarize(each[i], turns);
    }
}

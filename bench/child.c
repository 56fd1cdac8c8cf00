#include "bench.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#undef must /* which is the analyser's (see bench.h) */

static void fail(const char *what) {
    fprintf(stderr, "pixelrnn-bench: %s\n", what);
    exit(1);
}

void must(const prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "pixelrnn-bench: %s\n", prnn_message(ctx));
        _exit(1);
    }
}

/* Seconds that all processors have worked so far, as Linux knows it. */
static double machine_seconds(void) {
    unsigned long long user = 0, nice = 0, system = 0, idle, wait, irq = 0, softirq = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (file) {
        int got = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
                         &irq, &softirq);
        fclose(file);
        if (got == 7) {
            return (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
        }
    }
    return 0;
}

static double seconds_of(const struct rusage *usage) {
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static double most_others;

double other_cores(void) {
    return most_others;
}

static double megabytes_of(const struct rusage *usage) {
#ifdef __APPLE__
    return (double)usage->ru_maxrss / (1 << 20);
#else
    return (double)usage->ru_maxrss / (1 << 10);
#endif
}

double peak_megabytes(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? megabytes_of(&usage) : 0;
}

static _Noreturn void be_child(const options *o, job_fn job, const void *subject, int end) {
    FILE *out = fdopen(end, "wb");
    if (out) {
        job(o, subject, out);
    }
    /* Not exit(), which would print again what the parent has in its buffer. */
    _exit(out && fflush(out) == 0 && !ferror(out) ? 0 : 1);
}

static void take_records(int end, size_t size, take_fn take, void *user) {
    FILE *in = fdopen(end, "rb");
    char *record = malloc(size);
    if (!in || !record) {
        fail("not enough memory");
    }
    while (fread(record, size, 1, in) == 1) {
        take(user, record);
    }
    free(record);
    fclose(in);
}

double run_in_child(const options *o, job_fn job, const void *subject, size_t size, take_fn take,
                    void *user) {
    int ends[2];
    double began = prnn_clock(), busy = machine_seconds();
    fflush(stdout);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child < 0) {
        fail("cannot start a process to measure in");
    }
    if (child == 0) {
        close(ends[0]);
        be_child(o, job, subject, ends[1]);
    }
    close(ends[1]);
    take_records(ends[0], size, take, user);
    int status = 0;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("a measurement failed");
    }
    busy = machine_seconds() - busy;
    double others = (busy - seconds_of(&usage)) / (prnn_clock() - began);
    most_others = busy > 0 && others > most_others ? others : most_others;
    return megabytes_of(&usage);
}

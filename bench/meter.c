/* What each thread would have to do if there were a core for each. The linker puts metered loops in the place
 * of those of base/parallel.h (CMakeLists.txt), and tasks are timed by the clock of the thread that does
 * them, which stands still while another one has the core. */
#include "bench.h"

#include "base/parallel.h"

#include <stdlib.h>
#include <time.h>

#ifdef __linux__

void metered_for_with(prnn_context *ctx, size_t n, prnn_scratches scratches, prnn_task task,
                      void *arg) __asm__("__wrap_prnn_parallel_for_with");
void real_for_with(prnn_context *ctx, size_t n, prnn_scratches scratches, prnn_task task,
                   void *arg) __asm__("__real_prnn_parallel_for_with");
void metered_for(prnn_context *ctx, size_t n, prnn_task task, void *arg) __asm__("__wrap_prnn_parallel_for");

static double thread_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct {
    bool runs;
    meter_reading so_far;
    double began, own; /* of the thread that calls: its clock at the beginning, and what it spent in tasks */
} meter;

static _Thread_local bool calls;

typedef struct loop {
    prnn_task task;
    void *arg;
    double *seconds; /* [n] */
    bool *own;       /* [n] done by the thread that calls */
} loop;

static void timed_task(void *arg, size_t index, void *own) {
    const loop *l = arg;
    double began = thread_seconds();
    l->task(l->arg, index, own);
    l->seconds[index] = thread_seconds() - began;
    l->own[index] = calls;
}

/* Until the last of `threads` threads is done, if each takes the next task when it is free. */
static double makespan(const double *seconds, size_t n, int threads) {
    double busy[PRNN_MOST_THREADS] = {0}, end = 0;
    for (size_t i = 0; i < n; i++) {
        int first = 0;
        for (int t = 1; t < threads; t++) {
            first = busy[t] < busy[first] ? t : first;
        }
        busy[first] += seconds[i];
        end = busy[first] > end ? busy[first] : end;
    }
    return end;
}

void metered_for_with(prnn_context *ctx, size_t n, prnn_scratches scratches, prnn_task task, void *arg) {
    loop l = {task, arg, NULL, NULL};
    if (!meter.runs || n == 0) {
        real_for_with(ctx, n, scratches, task, arg);
        return;
    }
    l.seconds = calloc(n, sizeof *l.seconds);
    l.own = calloc(n, sizeof *l.own);
    if (!l.seconds || !l.own) {
        abort();
    }
    real_for_with(ctx, n, scratches, timed_task, &l);
    int threads = prnn_threads_for(ctx, n);
    threads = threads < scratches.count ? threads : scratches.count;
    meter.so_far.longest += makespan(l.seconds, n, threads);
    for (size_t i = 0; i < n; i++) {
        meter.so_far.tasks += l.seconds[i];
        meter.own += l.own[i] ? l.seconds[i] : 0;
    }
    free(l.seconds);
    free(l.own);
}

void metered_for(prnn_context *ctx, size_t n, prnn_task task, void *arg) {
    metered_for_with(ctx, n, (prnn_scratches){NULL, 0, prnn_thread_count(ctx)}, task, arg);
}

void meter_begin(void) {
    calls = meter.runs = true;
    meter.so_far = (meter_reading){0};
    meter.own = 0;
    meter.began = thread_seconds();
}

meter_reading meter_end(void) {
    meter.so_far.serial = thread_seconds() - meter.began - meter.own;
    meter.runs = false;
    return meter.so_far;
}

bool meter_works(void) {
    return true;
}

#else

void meter_begin(void) {
}

meter_reading meter_end(void) {
    return (meter_reading){0};
}

bool meter_works(void) {
    return false;
}

#endif

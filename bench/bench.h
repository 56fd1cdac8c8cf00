/* What the files of the benchmark share.
 *
 * Every group of measurements runs in a child process, which sends records through a pipe: so none finds the
 * memory, the threads or the caches of another, and the peak memory of each is known. */
#ifndef PRNN_BENCH_BENCH_H
#define PRNN_BENCH_BENCH_H

#include "base/message.h"

#include <stdio.h>

/* ------------------------------------------------------------------------------------- options */

enum { PART_KERNELS = 1, PART_TRAIN = 2, PART_EVALUATION = 4, PART_SAMPLING = 8, PART_THREADS = 16 };

typedef struct options {
    const char *cases; /* letters of networks */
    unsigned parts;
    int threads, batch; /* 0: one per core; that of the case */
    double seconds;     /* of a measurement of a network; one of a kernel or a limit takes a twentieth */
    const char *cpu, *precision;
    bool json;
} options;

/* Fills *options. Returns -1, or the status to exit with: 0 after --help, 2 after a sentence on stderr. */
int options_read(int argc, char **argv, options *o);

/* A context as the options want it; NULL after a sentence on stderr. */
prnn_context *context_of(const options *o);

/* ------------------------------------------------------------------------------------- children */

/* Runs `job` in a child process. It writes records of `size` bytes to `out`, which `take` gets here as they
 * come. Returns the most memory that the child had, in MB. Exits if the child fails. */
typedef void (*job_fn)(const options *o, const void *subject, FILE *out);
typedef void (*take_fn)(void *user, const void *record);
double run_in_child(const options *o, job_fn job, const void *subject, size_t size, take_fn take, void *user);

/* Cores that other processes kept busy while children ran, in the worst case; 0 where nobody can tell. */
double other_cores(void);

/* The most memory that this process has had, in MB. */
double peak_megabytes(void);

/* Ends the benchmark with a sentence, unless all is well. */
void must(const prnn_context *ctx, prnn_status status);
#ifdef __clang_analyzer__ /* which sees one file at a time */
#define must(ctx, status) ((status) ? __builtin_trap() : (void)0)
#endif

/* -------------------------------------------------------------------------------------- timings */

/* Seconds of a call: of repetitions, after a warm-up. */
typedef struct timing {
    double median, low, high; /* and the quartiles */
    double fastest;
    int repetitions;
} timing;

typedef struct timed_call {
    void (*call)(void *arg);
    void *arg;
} timed_call;

/* Short calls: each repetition is as many as the clock can time well. */
timing time_short(timed_call call, double seconds);

/* Long calls, which take turns, so that a drifting machine hits all; `seconds` for all of them. */
enum { MOST_TURNS = 2 };
void time_turns(int count, const timed_call *calls, double seconds, timing *timings);

/* ---------------------------------------------------------------------------------------- meter */

/* Processor seconds of the loops over threads (base/parallel.h) and of what is between them. */
typedef struct meter_reading {
    double tasks;   /* of all threads, in loops */
    double longest; /* of the thread of each loop that would be done last, if each had a core */
    double serial;  /* of the calling thread, between loops */
} meter_reading;

void meter_begin(void);
meter_reading meter_end(void);
bool meter_works(void);

/* --------------------------------------------------------------------------------------- limits */

/* What loops over arrays that lie behind each other do: b = a, c = a + b, a = -a. */
enum { MOVE_COPY, MOVE_ADD, MOVE_UPDATE, MOVES };

/* What the processor can do in its tightest loops. */
typedef struct loop_set {
    const char *name;
    bool bf16;                                     /* sums of products of bf16 numbers, else fp32 */
    double flop;                                   /* of a turn of multiply_add */
    void (*multiply_add)(size_t turns, float *to); /* independent ones; `to`: 16 floats */
    /* Arrays of a multiple of 256 bytes, aligned to 64; NULL with bf16. */
    void (*move[MOVES])(size_t bytes, char *arrays);
} loop_set;

/* Loops number i, of those that this build and this processor have, the best first; NULL after the last. */
const loop_set *loops_at(int i);

enum { LEVEL_L1, LEVEL_L2, LEVEL_L3, LEVEL_MEMORY, LEVELS };
enum { ALONE, TOGETHER, CREWS }; /* one thread, all threads */

typedef struct limits {
    int threads[CREWS];
    double fp32[CREWS], bf16[CREWS]; /* FLOP/s; bf16 is 0 where the processor has none */
    size_t capacity[LEVELS];         /* bytes */
    size_t buffers[LEVELS][CREWS];   /* bytes that a thread worked on */
    /* Bytes read and written in a second; by all threads only copies are measured. */
    double moved[CREWS][LEVELS][MOVES];
} limits;

limits measure_limits(const options *o);

/* The peak of what products compute with. */
const double *peak_of(const limits *l, const options *o);

extern const char *const level_names[LEVELS];

/* -------------------------------------------------------------------------------------- kernels */

typedef struct kernel_result {
    char kernel[32], size[32];
    timing time; /* of a call */
    double flop;
    double bytes;         /* read and written, each once */
    double footprint;     /* bytes of all that is touched */
    int move;             /* that is most like what it does with them */
    bool arithmetic_only; /* the roofline is the arithmetic, whatever the bytes */
} kernel_result;

void measure_kernels(const options *o, const limits *l);

/* The parts of it: each writes kernel_results. */
void time_products(const options *o, prnn_context *ctx, FILE *out);
void time_elementwise(const options *o, prnn_context *ctx, FILE *out);

/* n numbers from -scale to scale; free with prnn_free. */
float *random_numbers(prnn_context *ctx, size_t n, double scale);

/* ------------------------------------------------------------------------------------- networks */

typedef struct network_case {
    char letter;
    prnn_kind kind;
    int side, channels, hidden, layers, head, levels;
    int batch; /* of training */
} network_case;

/* NULL: there is none of this letter. */
const network_case *find_case(char letter);

typedef struct network_result {
    char what[16];    /* "train", "evaluate" or "sample" */
    int images;       /* of a call */
    int crew;         /* ALONE or TOGETHER: the threads that it can use */
    timing time;      /* of a call */
    double flop;      /* that a call needs */
    double relative;  /* sampling: to evaluating as many; else 0 */
    double megabytes; /* 0: those of the process */
} network_result;

void measure_network(const options *o, const limits *l, const network_case *is);

/* What threads up to a number are worth to a call, if each has a core. */
enum { THREAD_COUNTS = 7 }; /* 1, 2, 4 .. 64 */

typedef struct threads_result {
    char what[16];
    int images; /* of a call */
    meter_reading reading[THREAD_COUNTS];
} threads_result;

void measure_threads(const options *o, const network_case *is);

/* --------------------------------------------------------------------------------------- report */

void report_head(const options *o);
void report_limits(const options *o, const limits *l);
void report_kernel(const options *o, const limits *l, const kernel_result *result);
void report_network(const options *o, const limits *l, const network_case *c, const network_result *r,
                    double megabytes);
void report_threads(const options *o, const network_case *c, const threads_result *r);
void report_end(const options *o);

#endif

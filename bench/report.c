#include "bench.h"

#include "base/parallel.h"
#include "kernels/kernels.h"

#include <string.h>

#if defined(__clang__)
#define COMPILER "clang"
#else
#define COMPILER "gcc"
#endif
#if defined(__OPTIMIZE__)
#define OPTIMIZED ""
#else
#define OPTIMIZED ", WITHOUT OPTIMIZATION"
#endif

/* The processor's name, as Linux knows it. */
static const char *processor(char *name, size_t size) {
    snprintf(name, size, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n\"\\")] = 0;
            snprintf(name, size, "%.99s", strchr(line, ':') + 2);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return name;
}

void report_head(const options *o) {
    char name[100];
    prnn_context *ctx = context_of(o);
    const char *cpu = prnn_context_cpu(ctx), *model = processor(name, sizeof name);
    int threads = prnn_thread_count(ctx);
    if (o->json) {
        printf("{\"part\":\"build\",\"version\":\"%s\",\"cpu\":\"%s\",\"precision\":\"%s\",\"threads\":%d,"
               "\"processor\":\"%s\",\"compiler\":\"" COMPILER " " __VERSION__ OPTIMIZED "\"}\n",
               prnn_version(), cpu, o->precision, threads, model);
    } else {
        printf("pixelrnn %s, %s, %s, %d thread%s; %s; " COMPILER " " __VERSION__ OPTIMIZED "\n",
               prnn_version(), cpu, o->precision, threads, threads == 1 ? "" : "s", model);
    }
    prnn_context_free(ctx);
    fflush(stdout);
}

/* --------------------------------------------------------------------------------------- limits */

static const char *size_of(size_t bytes, char *text, size_t size) {
    if (bytes >= 10 << 20) {
        snprintf(text, size, "%zu MB", bytes >> 20);
    } else {
        snprintf(text, size, "%zu KB", bytes >> 10);
    }
    return text;
}

static const char *const move_names[MOVES] = {"copy", "add", "update"};

static void limits_as_json(const limits *l) {
    for (int crew = ALONE; crew < CREWS; crew++) {
        printf("{\"part\":\"limits\",\"what\":\"fp32 multiply-adds\",\"threads\":%d,\"gflops\":%.1f}\n",
               l->threads[crew], l->fp32[crew] * 1e-9);
        if (l->bf16[crew] > 0) {
            printf("{\"part\":\"limits\",\"what\":\"bf16 multiply-adds\",\"threads\":%d,\"gflops\":%.1f}\n",
                   l->threads[crew], l->bf16[crew] * 1e-9);
        }
        for (int i = 0; i < LEVELS; i++) {
            for (int move = 0; move < (crew == ALONE ? MOVES : 1); move++) {
                printf("{\"part\":\"limits\",\"what\":\"%s in %s\",\"threads\":%d,\"bytes_a_thread\":%zu,"
                       "\"gb_per_s\":%.1f}\n",
                       move_names[move], level_names[i], l->threads[crew], l->buffers[i][crew],
                       l->moved[crew][i][move] * 1e-9);
            }
        }
    }
}

static void peak_as_row(const char *what, const double *peak) {
    printf("%-26s%9s%10.0f%13.0f\n", what, "GFLOP/s", peak[ALONE] * 1e-9, peak[TOGETHER] * 1e-9);
}

static void limits_as_table(const limits *l) {
    char threads[32], size[32], what[64];
    snprintf(threads, sizeof threads, "%d thread%s", l->threads[TOGETHER],
             l->threads[TOGETHER] == 1 ? "" : "s");
    printf("\n%-26s%9s%10s%13s%20s%20s\n", "limits of the machine", "", "1 thread", threads,
           "1 thread: a + b", "1 thread: in place");
    peak_as_row("fp32 multiply-adds", l->fp32);
    if (l->bf16[ALONE] > 0) {
        peak_as_row("bf16 multiply-adds", l->bf16);
    }
    for (int i = 0; i < LEVELS; i++) {
        size_of(l->buffers[i][ALONE], size, sizeof size);
        snprintf(what, sizeof what, "copy in %s, %s", level_names[i], size);
        const double *alone = l->moved[ALONE][i];
        printf("%-26s%9s%10.0f%13.0f%20.0f%20.0f\n", what, "GB/s", alone[MOVE_COPY] * 1e-9,
               l->moved[TOGETHER][i][MOVE_COPY] * 1e-9, alone[MOVE_ADD] * 1e-9, alone[MOVE_UPDATE] * 1e-9);
    }
}

void report_limits(const options *o, const limits *l) {
    if (o->json) {
        limits_as_json(l);
    } else {
        limits_as_table(l);
    }
    fflush(stdout);
}

/* -------------------------------------------------------------------------------------- kernels */

/* The least seconds that a call could take, and what says so. */
static double roofline_of(const options *o, const limits *l, const kernel_result *r, const char **bound) {
    int level = LEVEL_L1;
    while (r->footprint > (double)l->capacity[level]) {
        level++;
    }
    double computing = r->flop / peak_of(l, o)[ALONE], moving = r->bytes / l->moved[ALONE][level][r->move];
    bool computes = r->arithmetic_only || computing > moving;
    *bound = computes ? "arithmetic" : level_names[level];
    return computes ? computing : moving;
}

static double spread_of(const timing *t) {
    return 100 * (t->high - t->low) / t->median;
}

void report_kernel(const options *o, const limits *l, const kernel_result *r) {
    static bool begun;
    const char *bound;
    const timing *t = &r->time;
    double share = 100 * roofline_of(o, l, r, &bound) / t->median;
    double gflops = r->flop / t->median * 1e-9, gigabytes = r->bytes / t->median * 1e-9;
    if (o->json) {
        printf("{\"part\":\"kernels\",\"kernel\":\"%s\",\"size\":\"%s\",\"seconds\":%.4g,\"q1\":%.4g,"
               "\"q3\":%.4g,\"fastest\":%.4g,\"repetitions\":%d,\"gflops\":%.4g,\"gb_per_s\":%.4g,"
               "\"percent_of_roofline\":%.1f,\"bound\":\"%s\"}\n",
               r->kernel, r->size, t->median, t->low, t->high, t->fastest, t->repetitions, gflops, gigabytes,
               share, bound);
    } else {
        if (!begun) {
            printf("\n%-25s%-14s%11s%9s%8s%12s  %-11s%5s\n", "kernels, 1 thread", "size", "time, us",
                   "GFLOP/s", "GB/s", "% roofline", "bound", "IQR %");
        }
        char computed[16] = "";
        if (r->flop > 0) {
            snprintf(computed, sizeof computed, "%.1f", gflops);
        }
        printf("%-25s%-14s%11.3f%9s%8.1f%12.0f  %-11s%5.1f\n", r->kernel, r->size, t->median * 1e6, computed,
               gigabytes, share, bound, spread_of(t));
    }
    begun = true;
    fflush(stdout);
}

/* ------------------------------------------------------------------------------------- networks */

static const char *describe(const network_case *c, char *text, size_t size) {
    snprintf(text, size, "%dx%dx%d %s h%d L%d", c->side, c->side, c->channels, prnn_kind_name(c->kind),
             c->hidden, c->layers);
    return text;
}

static void network_as_json(const limits *l, const network_case *c, const network_result *r, double share,
                            double megabytes) {
    char text[64], relative[48] = "";
    const timing *t = &r->time;
    if (r->relative > 0) {
        snprintf(relative, sizeof relative, ",\"times_evaluating\":%.3f", r->relative);
    }
    printf("{\"part\":\"%s\",\"case\":\"%c\",\"network\":\"%s\",\"images\":%d,\"threads\":%d,"
           "\"seconds\":%.6g,\"q1\":%.6g,\"q3\":%.6g,\"fastest\":%.6g,\"repetitions\":%d,"
           "\"images_per_s\":%.5g,\"gflops\":%.4g,\"percent_of_peak\":%.1f,\"peak_mb\":%.1f%s}\n",
           r->what, c->letter, describe(c, text, sizeof text), r->images, l->threads[r->crew], t->median,
           t->low, t->high, t->fastest, t->repetitions, r->images / t->median, r->flop / t->median * 1e-9,
           share, megabytes, relative);
}

static void network_as_row(const network_case *c, const network_result *r, double share, double megabytes) {
    static bool begun;
    char text[64], what[32], relative[32] = "";
    if (!begun) {
        printf("\n%-5s%-25s%-13s%10s%11s%9s%8s%9s%7s  %s\n", "case", "network", "images", "images/s",
               "time, ms", "GFLOP/s", "% peak", "peak MB", "IQR %", "times evaluating");
    }
    begun = true;
    snprintf(what, sizeof what, "%s %d", r->what, r->images);
    if (r->relative > 0) {
        snprintf(relative, sizeof relative, "  %.2f", r->relative);
    }
    printf("%-5c%-25s%-13s%10.1f%11.3f%9.1f%8.1f%9.1f%7.1f%s\n", c->letter, describe(c, text, sizeof text),
           what, r->images / r->time.median, r->time.median * 1e3, r->flop / r->time.median * 1e-9, share,
           megabytes, spread_of(&r->time), relative);
}

void report_network(const options *o, const limits *l, const network_case *c, const network_result *r,
                    double megabytes) {
    double share = 100 * r->flop / r->time.median / peak_of(l, o)[r->crew];
    if (o->json) {
        network_as_json(l, c, r, share, megabytes);
    } else {
        network_as_row(c, r, share, megabytes);
    }
    fflush(stdout);
}

/* -------------------------------------------------------------------------------------- threads */

static double way_of(const meter_reading *r) {
    return r->longest + r->serial;
}

static void threads_as_json(const network_case *c, const threads_result *r) {
    for (int k = 0; k < THREAD_COUNTS; k++) {
        const meter_reading *now = &r->reading[k];
        printf("{\"part\":\"threads\",\"what\":\"%s\",\"case\":\"%c\",\"images\":%d,\"threads\":%d,"
               "\"longest_way_seconds\":%.6g,\"serial_seconds\":%.6g,\"processor_seconds\":%.6g}\n",
               r->what, c->letter, r->images, 1 << k, way_of(now), now->serial, now->tasks + now->serial);
    }
}

static void threads_as_row(const network_case *c, const threads_result *r) {
    static bool begun;
    char text[64], what[32];
    if (!begun) {
        printf("\n%-5s%-25s%-13s", "case", "network", "threads:");
        for (int k = 0; k < THREAD_COUNTS; k++) {
            printf("%12d", 1 << k);
        }
        printf("\n");
    }
    begun = true;
    snprintf(what, sizeof what, "%s %d", r->what, r->images);
    printf("%-5c%-25s%-13s", c->letter, describe(c, text, sizeof text), what);
    const meter_reading *one = &r->reading[0];
    for (int k = 0; k < THREAD_COUNTS; k++) {
        const meter_reading *now = &r->reading[k];
        printf("%6.2f x%.2f", way_of(one) / way_of(now),
               (now->tasks + now->serial) / (one->tasks + one->serial));
    }
    printf("\n");
}

void report_threads(const options *o, const network_case *c, const threads_result *r) {
    if (o->json) {
        threads_as_json(c, r);
    } else {
        threads_as_row(c, r);
    }
    fflush(stdout);
}

/* ------------------------------------------------------------------------------------------ end */

void report_end(const options *o) {
    double others = other_cores();
    if (o->json) {
        printf("{\"part\":\"end\",\"other_cores\":%.2f}\n", others);
    } else if (others > 0.1) {
        printf("\nOther processes kept up to %.1f cores busy meanwhile: measure again without them.\n",
               others);
    }
}

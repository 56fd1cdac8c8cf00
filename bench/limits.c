#include "bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>
#include <unistd.h>

const char *const level_names[LEVELS] = {"L1", "L2", "L3", "memory"};

enum { ROUNDS = 50, TURNS = 1 << 12 };

/* What threads do side by side until a moment. */
typedef struct work {
    const loop_set *loops;
    int move;
    size_t bytes; /* of an array; 0: multiply-adds */
    size_t each;  /* bytes of a thread */
    char *memory;
    double end;
    double *done; /* by each */
} work;

/* Arrays of each move, and how often it reads or writes one. */
static const size_t arrays[MOVES] = {2, 3, 1}, touched[MOVES] = {2, 3, 2};

static double move_for_a_while(const work *w, char *memory) {
    double moved = 0;
    do {
        w->loops->move[w->move](w->bytes, memory);
        moved += (double)(touched[w->move] * w->bytes);
    } while (moved < 1 << 20);
    return moved;
}

static void work_until(void *arg, size_t index, void *own) {
    (void)own;
    const work *w = arg;
    float sum[16] = {1};
    double done = 0;
    do {
        if (w->bytes) {
            done += move_for_a_while(w, w->memory + index * w->each);
        } else {
            w->loops->multiply_add(TURNS, sum);
            done += w->loops->flop * TURNS;
        }
    } while (prnn_clock() < w->end);
    w->done[index] = done;
}

/* Of all threads in a second, in the best of many short rounds: whatever else the machine does only slows
 * down. */
static double rate_of(prnn_context *ctx, work w, size_t threads, double seconds) {
    double done[1024], best = 0, length = seconds / ROUNDS > 2e-3 ? seconds / ROUNDS : 2e-3;
    w.done = done;
    for (int round = 0; round < 5 || (round + 1) * length < seconds; round++) {
        double began = prnn_clock(), sum = 0;
        w.end = began + length;
        prnn_parallel_for(ctx, threads, work_until, &w);
        for (size_t i = 0; i < threads; i++) {
            sum += done[i];
        }
        double rate = sum / (prnn_clock() - began);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Size of a cache of the first core, as Linux knows it; 0: unknown. */
static size_t cache_size(int level) {
    for (int index = 0; index < 8; index++) {
        char path[96], kind[32] = "", unit = 0;
        int own = 0;
        size_t size = 0;
        const char *const names[] = {"level", "type", "size"};
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, names[i]);
            FILE *file = fopen(path, "r");
            if (!file) {
                return 0;
            }
            int got = i == 0   ? fscanf(file, "%d", &own)
                      : i == 1 ? fscanf(file, "%31s", kind)
                               : fscanf(file, "%zu%c", &size, &unit);
            fclose(file);
            if (got < 1) {
                return 0;
            }
        }
        if (own == level && strcmp(kind, "Instruction") != 0) {
            return unit == 'M' ? size << 20 : unit == 'K' ? size << 10 : size;
        }
    }
    return 0;
}

/* Half of a cache, or four times the last one, on all threads; twice the cache before at least. */
static void plan_buffers(limits *l) {
    const size_t usual[] = {32 << 10, 1 << 20, 16 << 20};
    for (int i = LEVEL_L1; i <= LEVEL_L3; i++) {
        size_t known = cache_size(i + 1);
        l->capacity[i] = known ? known : usual[i];
    }
    l->capacity[LEVEL_MEMORY] = SIZE_MAX;
    for (int crew = ALONE; crew < CREWS; crew++) {
        size_t threads = (size_t)l->threads[crew];
        size_t l2 = l->capacity[LEVEL_L2], l3 = l->capacity[LEVEL_L3];
        l->buffers[LEVEL_L1][crew] = l->capacity[LEVEL_L1] / 2;
        l->buffers[LEVEL_L2][crew] = l2 / 2;
        l->buffers[LEVEL_L3][crew] = l3 / 2 / threads > 2 * l2 ? l3 / 2 / threads : 2 * l2;
        l->buffers[LEVEL_MEMORY][crew] = 4 * l3 / threads > 16 << 20 ? 4 * l3 / threads : 16 << 20;
        for (int i = 0; i < LEVELS; i++) {
            l->buffers[i][crew] &= ~(size_t)4095;
        }
    }
}

static void measure_peaks(prnn_context *ctx, limits *l, int crew, double seconds) {
    const loop_set *loops;
    for (int i = 0; (loops = loops_at(i)); i++) {
        double rate = rate_of(ctx, (work){.loops = loops}, (size_t)l->threads[crew], seconds);
        double *best = loops->bf16 ? &l->bf16[crew] : &l->fp32[crew];
        *best = rate > *best ? rate : *best;
    }
}

static void measure_moves(prnn_context *ctx, limits *l, int crew, double seconds) {
    size_t threads = (size_t)l->threads[crew];
    for (int i = 0; i < LEVELS; i++) {
        work w = {.loops = loops_at(0), .each = l->buffers[i][crew]};
        w.memory = prnn_alloc(ctx, threads, w.each, "arrays");
        must(ctx, w.memory ? PRNN_OK : PRNN_ERROR_MEMORY);
        memset(w.memory, 1, threads * w.each);
        for (w.move = 0; w.move < (crew == ALONE ? MOVES : 1); w.move++) {
            w.bytes = w.each / arrays[w.move] & ~(size_t)255;
            l->moved[crew][i][w.move] = rate_of(ctx, w, threads, seconds);
        }
        prnn_free(w.memory);
    }
}

static void find_limits(const options *o, const void *subject, FILE *out) {
    (void)subject;
    prnn_context *ctx = context_of(o);
    limits l = {.threads = {1, prnn_thread_count(ctx)}};
    plan_buffers(&l);
    for (int crew = ALONE; crew < CREWS; crew++) {
        measure_peaks(ctx, &l, crew, o->seconds / 20);
        measure_moves(ctx, &l, crew, o->seconds / 20);
    }
    fwrite(&l, sizeof l, 1, out);
    prnn_context_free(ctx);
}

static void take_limits(void *user, const void *record) {
    memcpy(user, record, sizeof(limits));
}

limits measure_limits(const options *o) {
    limits l = {0};
    run_in_child(o, find_limits, NULL, sizeof l, take_limits, &l);
    return l;
}

const double *peak_of(const limits *l, const options *o) {
    return strcmp(o->precision, "bf16") == 0 && l->bf16[ALONE] > 0 ? l->bf16 : l->fp32;
}

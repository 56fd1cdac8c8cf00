#define _GNU_SOURCE /* sched_getaffinity */
#include "support/seats.h"

#include "support/report.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = SEAT_WORDS, CORES = 64 * WORDS };

static void add_core(core_set *set, int core) {
    set->words[core / 64] |= UINT64_C(1) << core % 64;
}

static int count_cores(const core_set *set) {
    int count = 0;
    for (int core = 0; core < CORES; core++) {
        count += (int)(set->words[core / 64] >> core % 64 & 1);
    }
    return count;
}

void seat_look(seat *mine, int threads) {
    memset(mine, 0, sizeof *mine);
    gethostname(mine->host, SEAT_HOST - 1);
    mine->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    mine->threads = threads;
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (int core = 0; core < CORES && core < CPU_SETSIZE; core++) {
            if (CPU_ISSET((size_t)core, &allowed)) {
                add_core(&mine->cores, core);
            }
        }
        return;
    }
#endif
    for (int core = 0; core < CORES && core < mine->online; core++) {
        add_core(&mine->cores, core);
    }
}

static bool same_host(const seat *a, const seat *b) {
    return memcmp(a->host, b->host, SEAT_HOST) == 0;
}

static bool same_cores(const seat *a, const seat *b) {
    return memcmp(&a->cores, &b->cores, sizeof a->cores) == 0;
}

/* A rank has its cores for itself, or shares them with those that may use the same. */
int seat_threads(const seat *all, int count, int rank) {
    int sharing = 1, cores = count_cores(&all[rank].cores);
    for (int r = 0; r < count; r++) {
        sharing += r != rank && same_host(&all[r], &all[rank]) && same_cores(&all[r], &all[rank]);
    }
    return all[rank].threads ? all[rank].threads : cores / sharing > 1 ? cores / sharing : 1;
}

/* Cores that the ranks of a machine may use together, and their threads. */
static int cores_in_use(const seat *all, int count, int rank, int *threads) {
    core_set together = {{0}};
    *threads = 0;
    for (int r = 0; r < count; r++) {
        if (same_host(&all[r], &all[rank])) {
            *threads += seat_threads(all, count, r);
            for (int word = 0; word < WORDS; word++) {
                together.words[word] |= all[r].cores.words[word];
            }
        }
    }
    return count_cores(&together);
}

static bool first_of_host(const seat *all, int rank) {
    for (int r = 0; r < rank; r++) {
        if (same_host(&all[r], &all[rank])) {
            return false;
        }
    }
    return true;
}

static void note_sizes(const seat *all, int count) {
    int hosts = 0, least = seat_threads(all, count, 0), most = least;
    char each[32];
    for (int r = 0; r < count; r++) {
        int threads = seat_threads(all, count, r);
        hosts += first_of_host(all, r);
        least = threads < least ? threads : least;
        most = threads > most ? threads : most;
    }
    snprintf(each, sizeof each, least == most ? "%d" : "%d to %d", least, most);
    note("%d ranks on %d host%s, %s thread%s each", count, hosts, plural((uint64_t)hosts), each,
         plural((uint64_t)most));
}

/* Whether it was told to have more threads than cores that it is bound to. */
static bool note_bound(const seat *all, int count, int rank) {
    const seat *s = &all[rank];
    int threads = seat_threads(all, count, rank), cores = count_cores(&s->cores);
    if (threads <= cores || cores >= s->online) {
        return false;
    }
    note("rank %d on %s has %d threads and is bound to %d of %d cores: mpirun --bind-to none, --map-by "
         "slot:PE=%d, "
         "or srun --cpus-per-task=%d gives it more",
         rank, s->host, threads, cores, s->online, threads, threads);
    return true;
}

/* Whether its machine has too many threads, or cores that nobody may use. */
static bool note_machine(const seat *all, int count, int rank) {
    const seat *s = &all[rank];
    int threads, cores = cores_in_use(all, count, rank, &threads);
    if (threads > cores) {
        note("the ranks on %s have %d threads together, on %d core%s: fewer --threads, or fewer ranks, are "
             "faster",
             s->host, threads, cores, plural((uint64_t)cores));
    } else if (cores < s->online && !s->threads) {
        note("the ranks on %s are bound to %d of its %d cores: mpirun --bind-to none, or srun "
             "--cpus-per-task, "
             "gives them all",
             s->host, cores, s->online);
    } else {
        return false;
    }
    return true;
}

void seats_note(const seat *all, int count) {
    note_sizes(all, count);
    for (int r = 0; r < count; r++) {
        if (note_bound(all, count, r) || (first_of_host(all, r) && note_machine(all, count, r))) {
            return; /* one of many alike */
        }
    }
}

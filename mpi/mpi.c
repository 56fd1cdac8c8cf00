/* The table of callbacks (<pixelrnn/ranks.h>) over MPI, with what MPI-2 has; one thread speaks it. */
#define _GNU_SOURCE
#include "lifeline.h"
#include "support/mpi_module.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOST = 64, TAG = 17 };

static struct {
    MPI_Comm comm;
    int rank, count;
    MPI_Request *requests; /* [2 count] */
    MPI_Status *statuses;  /* the same */
    int *counts, *places;  /* [count] */
    char (*hosts)[HOST];
    int lost; /* a rank; LIFELINE_NOBODY: none that is known */
    char why[512];
} all = {.lost = LIFELINE_NOBODY};

/* ---------------------------------------------------------------------------------------- waiting */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool lost(int rank) {
    all.lost = rank;
    snprintf(all.why, sizeof all.why,
             "rank %d on %s is lost: its process was killed or has crashed, or its machine or the network "
             "has failed",
             rank, all.hosts[rank]);
    lifeline_tell(rank);
    return false;
}

/* MPI may see before us that a rank is gone, but not say which. */
static bool failed(int code) {
    const struct timespec pause = {.tv_nsec = 50000000};
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    for (int i = 0; i < 20; i++) {
        int rank = lifeline_lost();
        if (rank >= 0) {
            return lost(rank);
        }
        nanosleep(&pause, NULL);
    }
    MPI_Error_string(code, text, &length);
    snprintf(all.why, sizeof all.why, "MPI failed on rank %d on %s: %.300s", all.rank, all.hosts[all.rank],
             text);
    return false;
}

/* Ranks that wait leave their core to those that work: they ask without a pause for as long as an exchange
 * may take, and then less and less often. MPI goes on only while it is asked. */
static bool wait_for(int n, MPI_Request *requests) {
    const struct timespec pause = {.tv_nsec = 50000};
    double began = seconds(), looked = began;
    for (;;) {
        int done = 0, code = MPI_Testall(n, requests, &done, all.statuses);
        if (code != MPI_SUCCESS) {
            return failed(code);
        }
        if (done) {
            return true;
        }
        double now = seconds();
        if (now - looked > 0.05) {
            int rank = lifeline_lost();
            if (rank >= 0) {
                return lost(rank);
            }
            looked = now;
        }
        if (now - began > 0.02) {
            nanosleep(&pause, NULL);
        } else {
            sched_yield();
        }
    }
}

/* -------------------------------------------------------------------------------------- callbacks */

static bool exchange(void *user, const prnn_parcel *send, const prnn_parcel *receive) {
    (void)user;
    int n = 0, code = MPI_SUCCESS;
    for (int i = 1; i < all.count && code == MPI_SUCCESS; i++) {
        int from = (all.rank + all.count - i) % all.count; /* not all begin with the same rank */
        if (receive[from].bytes) {
            code = MPI_Irecv(receive[from].data, (int)receive[from].bytes, MPI_BYTE, from, TAG, all.comm,
                             &all.requests[n++]);
        }
    }
    for (int i = 1; i < all.count && code == MPI_SUCCESS; i++) {
        int to = (all.rank + i) % all.count;
        if (send[to].bytes) {
            code = MPI_Isend(send[to].data, (int)send[to].bytes, MPI_BYTE, to, TAG, all.comm,
                             &all.requests[n++]);
        }
    }
    if (receive[all.rank].bytes) {
        memcpy(receive[all.rank].data, send[all.rank].data, receive[all.rank].bytes);
    }
    return code == MPI_SUCCESS ? wait_for(n, all.requests) : failed(code);
}

/* false: they are further apart than MPI can count. */
static bool place_parts(const prnn_parcel *parts, char **base) {
    char *first = NULL;
    for (int r = 0; r < all.count; r++) {
        char *data = parts[r].data;
        first = parts[r].bytes && (!first || data < first) ? data : first;
    }
    for (int r = 0; r < all.count; r++) {
        size_t place = parts[r].bytes ? (size_t)((char *)parts[r].data - first) : 0;
        if (place + parts[r].bytes > INT_MAX) {
            return false;
        }
        all.places[r] = (int)place;
        all.counts[r] = (int)parts[r].bytes;
    }
    *base = first;
    return true;
}

static bool gather_one_by_one(const prnn_parcel *parts) {
    int n = 0, code = MPI_SUCCESS;
    for (int i = 1; i < all.count && code == MPI_SUCCESS; i++) {
        int from = (all.rank + all.count - i) % all.count;
        code = MPI_Irecv(parts[from].data, (int)parts[from].bytes, MPI_BYTE, from, TAG, all.comm,
                         &all.requests[n++]);
    }
    for (int i = 1; i < all.count && code == MPI_SUCCESS; i++) {
        int to = (all.rank + i) % all.count;
        code = MPI_Isend(parts[all.rank].data, (int)parts[all.rank].bytes, MPI_BYTE, to, TAG, all.comm,
                         &all.requests[n++]);
    }
    return code == MPI_SUCCESS ? wait_for(n, all.requests) : failed(code);
}

static bool gather(void *user, const prnn_parcel *parts) {
    (void)user;
    char *base;
    if (!place_parts(parts, &base)) {
        return gather_one_by_one(parts);
    }
    int code = MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_BYTE, base, all.counts, all.places, MPI_BYTE, all.comm,
                               all.requests);
    return code == MPI_SUCCESS ? wait_for(1, all.requests) : failed(code);
}

static bool broadcast(void *user, void *data, size_t bytes) {
    (void)user;
    int code = MPI_Ibcast(data, (int)bytes, MPI_BYTE, 0, all.comm, all.requests);
    return code == MPI_SUCCESS ? wait_for(1, all.requests) : failed(code);
}

static const char *why(void *user) {
    (void)user;
    return all.why;
}

static bool broken(void) {
    return all.why[0] != 0;
}

/* Rank 0; where it is rank 0 that is lost, the first other one of each host. */
static bool speaks(void) {
    if (all.rank == 0 || all.lost != 0) {
        return all.rank == 0;
    }
    for (int r = 1; r < all.rank; r++) {
        if (strcmp(all.hosts[r], all.hosts[all.rank]) == 0) {
            return false;
        }
    }
    return true;
}

/* --------------------------------------------------------------------------------- begin and end */

static void close_all(void) {
    lifeline_close();
    MPI_Comm_free(&all.comm);
    MPI_Finalize();
    free(all.requests);
    free(all.statuses);
    free(all.counts);
    free(all.places);
    free(all.hosts);
}

static bool make_room(void) {
    size_t n = (size_t)all.count;
    all.requests = calloc(2 * n, sizeof *all.requests);
    all.statuses = calloc(2 * n, sizeof *all.statuses);
    all.counts = calloc(n, sizeof *all.counts);
    all.places = calloc(n, sizeof *all.places);
    all.hosts = calloc(n, sizeof *all.hosts);
    return all.requests && all.statuses && all.counts && all.places && all.hosts;
}

static void tie_lifelines(void) {
    lifeline_call call;
    int tied = 0, sum = 0;
    if (all.rank == 0) {
        lifeline_listen(&call);
    }
    MPI_Bcast(&call, sizeof call, MPI_BYTE, 0, all.comm);
    if (all.rank > 0) {
        tied = lifeline_connect(&call, all.rank);
    }
    MPI_Reduce(&tied, &sum, 1, MPI_INT, MPI_SUM, 0, all.comm);
    if (all.rank == 0) {
        lifeline_accept(&call, sum, all.count);
    } else {
        lifeline_confirm(&call);
    }
}

static int find_local_rank(void) {
    int local = 0;
    gethostname(all.hosts[all.rank], HOST - 1);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_BYTE, all.hosts, HOST, MPI_BYTE, all.comm);
    for (int r = 0; r < all.rank; r++) {
        local += strcmp(all.hosts[r], all.hosts[all.rank]) == 0;
    }
    return local;
}

__attribute__((visibility("default"))) const char *prnn_mpi_open(int version, mpi_module *module);

const char *prnn_mpi_open(int version, mpi_module *module) {
    int level = 0;
    if (version != PRNN_VERSION_NUMBER) {
        return "is of another version than the program: install both from the same build";
    }
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
        level < MPI_THREAD_FUNNELED || MPI_Comm_dup(MPI_COMM_WORLD, &all.comm) != MPI_SUCCESS) {
        return "MPI cannot begin";
    }
    MPI_Comm_set_errhandler(all.comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(all.comm, &all.rank);
    MPI_Comm_size(all.comm, &all.count);
    if (!make_room()) {
        return "not enough memory for the ranks";
    }
    *module = (mpi_module){.ranks = PRNN_RANKS_INIT, .broken = broken, .speaks = speaks, .close = close_all};
    module->ranks.rank = all.rank;
    module->ranks.count = all.count;
    module->ranks.exchange = exchange;
    module->ranks.gather = gather;
    module->ranks.broadcast = broadcast;
    module->ranks.why = why;
    module->local_rank = find_local_rank();
    tie_lifelines();
    return NULL;
}

/* Ranks that are threads of one process: the table of callbacks over shared memory. */
#ifndef TESTS_RANKS_H
#define TESTS_RANKS_H

#include <pixelrnn/ranks.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { TEAM_MOST = 32 };

/* A barrier that breaks when a rank is lost, and what each rank shows the others meanwhile. */
typedef struct team {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    int count, waiting;
    unsigned round;
    int lost; /* number of the rank; -1: none */
    const prnn_parcel *parcels[TEAM_MOST];
} team;

typedef struct team_rank {
    team *of;
    int rank;
    long calls, lost_at; /* it is lost in this call; 0: never */
    char why[64];
} team_rank;

/* false: not all are there any more. */
static inline bool team_wait(team *t) {
    pthread_mutex_lock(&t->mutex);
    unsigned round = t->round;
    if (++t->waiting == t->count) {
        t->waiting = 0;
        t->round++;
        pthread_cond_broadcast(&t->moved);
    }
    while (round == t->round && t->lost < 0) {
        pthread_cond_wait(&t->moved, &t->mutex);
    }
    bool all = round != t->round;
    pthread_mutex_unlock(&t->mutex);
    return all;
}

static inline void team_lose(team_rank *own) {
    team *t = own->of;
    pthread_mutex_lock(&t->mutex);
    t->lost = own->rank;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->mutex);
}

static inline bool team_begin(team_rank *own, const prnn_parcel *parcels) {
    if (++own->calls == own->lost_at) {
        team_lose(own);
        return false;
    }
    own->of->parcels[own->rank] = parcels;
    return team_wait(own->of);
}

static inline bool team_exchange(void *user, const prnn_parcel *send, const prnn_parcel *receive) {
    team_rank *own = user;
    team *t = own->of;
    bool good = team_begin(own, send);
    for (int r = 0; good && r < t->count; r++) {
        const prnn_parcel *from = &t->parcels[r][own->rank];
        good = from->bytes == receive[r].bytes && from->bytes <= PRNN_RANKS_MOST_BYTES;
        if (good && from->bytes) {
            memcpy(receive[r].data, from->data, from->bytes);
        }
    }
    return good && team_wait(t);
}

static inline bool team_gather(void *user, const prnn_parcel *parts) {
    team_rank *own = user;
    team *t = own->of;
    bool good = team_begin(own, parts);
    for (int r = 0; good && r < t->count; r++) {
        const prnn_parcel *from = &t->parcels[r][r];
        good = from->bytes == parts[r].bytes && from->bytes <= PRNN_RANKS_MOST_BYTES;
        if (good && r != own->rank && from->bytes) {
            memcpy(parts[r].data, from->data, from->bytes);
        }
    }
    return good && team_wait(t);
}

static inline bool team_broadcast(void *user, void *data, size_t n) {
    team_rank *own = user;
    team *t = own->of;
    const prnn_parcel mine = {data, n};
    bool good = team_begin(own, &mine);
    const prnn_parcel *from = t->parcels[0];
    good = good && from->bytes == n;
    if (good && own->rank > 0) {
        memcpy(data, from->data, n);
    }
    return good && team_wait(t);
}

static inline const char *team_why(void *user) {
    team_rank *own = user;
    pthread_mutex_lock(&own->of->mutex);
    snprintf(own->why, sizeof own->why, "rank %d is lost", own->of->lost);
    pthread_mutex_unlock(&own->of->mutex);
    return own->why;
}

/* What a rank does, with a context that has ranks already; `user` is what team_run got. */
typedef void (*team_work)(prnn_context *own, int rank, void *user);

typedef struct team_thread {
    team_rank own;
    team_work work;
    void *user;
    int threads;
} team_thread;

static inline void *team_main(void *arg) {
    team_thread *t = arg;
    prnn_context *own = prnn_context_create();
    prnn_ranks ranks = PRNN_RANKS_INIT;
    ranks.rank = t->own.rank;
    ranks.count = t->own.of->count;
    ranks.exchange = team_exchange;
    ranks.gather = team_gather;
    ranks.broadcast = team_broadcast;
    ranks.why = team_why;
    ranks.user = &t->own;
    prnn_context_set_threads(own, t->threads);
    if (prnn_context_set_ranks(own, &ranks) == PRNN_OK) {
        t->work(own, t->own.rank, t->user);
    }
    prnn_context_free(own);
    return NULL;
}

/* `count` ranks of `threads` threads each do some work. Rank `lost` is lost in its call number `lost_at` of
 * the table (0: none is). */
static inline void team_run_and_lose(int count, int threads, team_work work, void *user, int lost,
                                     long lost_at) {
    team t = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER, .count = count, .lost = -1};
    team_thread all[TEAM_MOST];
    pthread_t ids[TEAM_MOST];
    for (int r = 0; r < count; r++) {
        all[r] = (team_thread){{&t, r, 0, r == lost ? lost_at : 0, ""}, work, user, threads};
        pthread_create(&ids[r], NULL, team_main, &all[r]);
    }
    for (int r = 0; r < count; r++) {
        pthread_join(ids[r], NULL);
    }
}

static inline void team_run(int count, int threads, team_work work, void *user) {
    team_run_and_lose(count, threads, work, user, -1, 0);
}

#endif

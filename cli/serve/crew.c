#include "serve/crew.h"

#include <signal.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- queue */

/* With the lock held: the first job that may begin. A lengthy one leaves a worker free, if there are two. */
static job *pick(crew *c) {
    bool lengthy_may = c->lengthy + 1 < c->count || c->count == 1;
    for (job **at = &c->first; *at; at = &(*at)->next) {
        job *j = *at;
        if (lengthy_may || !j->operation->lengthy) {
            *at = j->next;
            j->next = NULL;
            c->waiting--;
            return j;
        }
    }
    return NULL;
}

static void do_job(worker *me, job *j) {
    crew *c = me->crew;
    me->job = j;
    c->lengthy += j->operation->lengthy;
    pthread_mutex_unlock(&c->lock);
    operation_run(me->ctx, c->studio, j);
    pthread_mutex_lock(&c->lock);
    c->lengthy -= j->operation->lengthy;
    me->job = NULL;
    job_release(j);
    pthread_cond_broadcast(&c->changed);
}

static void *work_on(void *arg) {
    worker *me = arg;
    crew *c = me->crew;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        job *j = pick(c);
        if (j) {
            do_job(me, j);
        } else if (c->closing) {
            break;
        } else {
            pthread_cond_wait(&c->changed, &c->lock);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static bool share_key(const job *a, const job *b) {
    return b && a->key[0] && a->operation == b->operation && strcmp(a->key, b->key) == 0;
}

/* With the lock held: requests may come in another order than they were sent in. */
static bool is_outdated(const crew *c, const job *j) {
    bool outdated = false;
    for (size_t i = 0; i < c->count; i++) {
        const job *other = c->workers[i].job;
        outdated = outdated || (share_key(j, other) && other->turn > j->turn);
    }
    for (const job *other = c->first; other; other = other->next) {
        outdated = outdated || (share_key(j, other) && other->turn > j->turn);
    }
    return outdated;
}

/* With the lock held. */
static void end_older(crew *c, const job *newer) {
    for (size_t i = 0; i < c->count; i++) {
        if (share_key(newer, c->workers[i].job)) {
            job_stop(c->workers[i].job, SUPERSEDED);
        }
    }
    for (job **at = &c->first; *at;) {
        job *j = *at;
        if (!share_key(newer, j)) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        c->waiting--;
        job_stop(j, SUPERSEDED);
        job_refuse_ended(j);
        job_release(j);
    }
}

/* With the lock held. */
static void append(crew *c, job *j) {
    job **at = &c->first;
    while (*at) {
        at = &(*at)->next;
    }
    job_hold(j);
    *at = j;
    c->waiting++;
    pthread_cond_broadcast(&c->changed);
}

void crew_take(crew *c, job *j) {
    pthread_mutex_lock(&c->lock);
    bool outdated = is_outdated(c, j);
    if (!outdated) {
        end_older(c, j);
    }
    bool closing = c->closing, full = c->waiting >= CREW_WAITING;
    if (!outdated && !closing && !full) {
        append(c, j);
    }
    pthread_mutex_unlock(&c->lock);
    if (closing) {
        job_refuse(j, 503, "the server is being closed");
    } else if (outdated) {
        job_stop(j, SUPERSEDED);
        job_refuse_ended(j);
    } else if (full) {
        job_refuse(j, 503, "%d requests are waiting already: try again later", CREW_WAITING);
    }
}

/* --------------------------------------------------------------------------------- begin and end */

/* Signals are for the main thread. */
static bool start(worker *me) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&me->thread, NULL, work_on, me) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

bool crew_open(crew *c, const studio *all, prnn_context *const *contexts, size_t count) {
    memset(c, 0, sizeof *c);
    c->studio = all;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    for (size_t i = 0; i < count; i++) {
        c->workers[i] = (worker){.crew = c, .ctx = contexts[i]};
    }
    pthread_mutex_lock(&c->lock); /* they begin when all are there */
    while (c->count < count && start(&c->workers[c->count])) {
        c->count++;
    }
    pthread_mutex_unlock(&c->lock);
    return c->count > 0;
}

void crew_stop(crew *c) {
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    for (size_t i = 0; i < c->count; i++) {
        if (c->workers[i].job) {
            job_stop(c->workers[i].job, CLOSING);
        }
    }
    for (job *j = c->first; j; j = j->next) {
        job_stop(j, CLOSING);
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->count; i++) {
        pthread_join(c->workers[i].thread, NULL);
    }
}

void crew_close(crew *c) {
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
}

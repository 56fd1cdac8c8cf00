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

/* Whether the newer job takes the place of the older one. */
static bool replaces(const job *newer, const job *older) {
    return older && newer->key[0] && newer->operation == older->operation &&
           strcmp(newer->key, older->key) == 0;
}

/* With the lock held. */
static void end_older(crew *c, const job *newer) {
    for (size_t i = 0; i < c->count; i++) {
        if (replaces(newer, c->workers[i].job)) {
            job_stop(c->workers[i].job, SUPERSEDED);
        }
    }
    for (job **at = &c->first; *at;) {
        job *j = *at;
        if (!replaces(newer, j)) {
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

void crew_take(crew *c, job *j) {
    bool taken = false, closing;
    pthread_mutex_lock(&c->lock);
    end_older(c, j);
    closing = c->closing;
    if (!closing && c->waiting < CREW_WAITING) {
        job **at = &c->first;
        while (*at) {
            at = &(*at)->next;
        }
        job_hold(j);
        *at = j;
        c->waiting++;
        taken = true;
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    if (closing) {
        job_refuse(j, 503, "the server is being closed");
    } else if (!taken) {
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

/* The workers: threads with a context each, and the queue of jobs in front of them. */
#ifndef PIXELRNN_CLI_SERVE_CREW_H
#define PIXELRNN_CLI_SERVE_CREW_H

#include "serve/operations.h"

enum { CREW_MOST = 64, CREW_WAITING = 128 };

typedef struct worker {
    struct crew *crew;
    prnn_context *ctx;
    pthread_t thread;
    job *job; /* in hand, or NULL */
} worker;

typedef struct crew {
    const studio *studio;
    worker workers[CREW_MOST];
    size_t count;
    pthread_mutex_t lock; /* of all that follows, and of the workers' jobs */
    pthread_cond_t changed;
    job *first;              /* of the queue */
    size_t waiting, lengthy; /* in the queue; in hand and lengthy */
    bool closing;
} crew;

/* Starts a worker for each context, which become the crew's. False: no thread could be started. */
bool crew_open(crew *c, const studio *all, prnn_context *const *contexts, size_t count);
/* Ends all jobs and waits for the workers. Every job has an answer then. */
void crew_stop(crew *c);
void crew_close(crew *c);

/* Gives a job to the crew, which holds it until it has its answer. Others of the same operation and key, if
 * that is not "", end, unless one has a later turn: then, or if too many wait, the job itself is refused. */
void crew_take(crew *c, job *j);

#endif

/* One piece of work between the thread that speaks HTTP and the worker that does it. The worker writes an
 * answer, whole or piece by piece; the other side takes what is there and waits, without holding a thread,
 * for more. */
#ifndef PIXELRNN_CLI_SERVE_JOB_H
#define PIXELRNN_CLI_SERVE_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { JOB_KEY = 64, JOB_UNREAD = 32 << 20 };

/* Why a job need not go on. */
typedef enum job_end { GOES_ON, SUPERSEDED, GONE, LATE, CLOSING, UNREAD } job_end;

/* What the HTTP side does for a job. Both are called while it waits, with the job's lock held. */
typedef struct job_client {
    void (*wake)(void *user); /* there is something */
    bool (*gone)(void *user); /* whether nobody is there any more */
    void *user;
} job_client;

struct operation; /* operations.h */

typedef struct job {
    const struct operation *operation;
    char *body; /* of the request, or NULL; the job's */
    size_t body_size;
    char key[JOB_KEY];      /* "": none */
    uint64_t turn;          /* among those of its key; of equal ones the later arrival is the newer one */
    double deadline, asked; /* of clock_seconds */
    job_client client;
    pthread_mutex_t lock; /* of all that follows */
    job_end end;
    int holders;
    int status; /* 0: not begun */
    const char *type;
    bool finished, waiting;
    char *out; /* what is not taken yet: from `taken` to `size` */
    size_t size, taken, room;
    struct job *next; /* in the queue */
} job;

/* NULL: no memory. It has one holder; the body stays the caller's in that case. */
job *job_create(const struct operation *operation, char *body, size_t body_size, double seconds);
void job_hold(job *j);
void job_release(job *j); /* frees it with its last holder */

/* --------------------------------------------------------------------------------- the worker's side */

/* Begins the answer. */
void job_begin(job *j, int status, const char *type);
/* Adds to it. */
void job_write(job *j, const void *bytes, size_t size);
/* Ends it. */
void job_finish(job *j);
/* All three. */
void job_answer(job *j, int status, const char *type, const void *bytes, size_t size);
/* Ends it with a sentence: an object with "error", as the answer or, once that has begun, as its last line.
 */
void job_refuse(job *j, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* False: somebody asked it to end, nobody reads it, or its time is over. */
bool job_goes_on(job *j);
/* The refusal of a job that need not go on. */
void job_refuse_ended(job *j);

/* ----------------------------------------------------------------------------------- the other side */

/* The first reason counts. After GONE the client is not called any more. */
void job_stop(job *j, job_end why);
/* Whether the answer has begun; if not, the client waits: `park` is called with the lock held. */
bool job_begun(job *j, void (*park)(void *user));
/* Bytes of the whole answer, of which nothing is taken yet; -1: it is not finished. */
ssize_t job_length(job *j);
/* Takes up to `room` bytes; 0: there will be more, and the client waits; -1: that was all. */
ssize_t job_take(job *j, char *to, size_t room, void (*park)(void *user));

#endif

#include "serve/job.h"

#include "support/json.h"
#include "support/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

job *job_create(const struct operation *operation, char *body, size_t body_size, double seconds) {
    job *j = calloc(1, sizeof *j);
    if (j) {
        j->operation = operation;
        j->body = body;
        j->body_size = body_size;
        j->asked = clock_seconds();
        j->deadline = j->asked + seconds;
        j->holders = 1;
        pthread_mutex_init(&j->lock, NULL);
    }
    return j;
}

void job_hold(job *j) {
    pthread_mutex_lock(&j->lock);
    j->holders++;
    pthread_mutex_unlock(&j->lock);
}

void job_release(job *j) {
    pthread_mutex_lock(&j->lock);
    bool last = --j->holders == 0;
    pthread_mutex_unlock(&j->lock);
    if (last) {
        pthread_mutex_destroy(&j->lock);
        free(j->body);
        free(j->out);
        free(j);
    }
}

/* --------------------------------------------------------------------------------------- writing */

/* With the lock held. */
static void wake(job *j) {
    if (j->waiting) {
        j->waiting = false;
        j->client.wake(j->client.user);
    }
}

/* What was taken makes room once it is the larger part, so that each byte moves once or twice. */
static bool make_room(job *j, size_t more) {
    size_t unread = j->size - j->taken;
    if (j->size + more > j->room && j->taken > 0 && j->taken >= unread) {
        memmove(j->out, j->out + j->taken, unread);
        j->size = unread;
        j->taken = 0;
    }
    if (j->size + more > j->room) {
        size_t room = 2 * (j->size + more);
        char *out = realloc(j->out, room);
        if (!out) {
            return false;
        }
        j->out = out;
        j->room = room;
    }
    return true;
}

/* A client that reads too slowly, or memory that is not there, ends the job. */
static void append(job *j, const void *bytes, size_t size) {
    if (j->end == GONE || j->end == UNREAD || size == 0) {
        return;
    }
    if (j->size - j->taken > JOB_UNREAD || !make_room(j, size)) {
        j->end = UNREAD;
        return;
    }
    memcpy(j->out + j->size, bytes, size);
    j->size += size;
}

void job_begin(job *j, int status, const char *type) {
    pthread_mutex_lock(&j->lock);
    j->status = status;
    j->type = type;
    pthread_mutex_unlock(&j->lock);
}

void job_write(job *j, const void *bytes, size_t size) {
    pthread_mutex_lock(&j->lock);
    append(j, bytes, size);
    wake(j);
    pthread_mutex_unlock(&j->lock);
}

void job_finish(job *j) {
    pthread_mutex_lock(&j->lock);
    j->finished = true;
    wake(j);
    pthread_mutex_unlock(&j->lock);
}

void job_answer(job *j, int status, const char *type, const void *bytes, size_t size) {
    pthread_mutex_lock(&j->lock);
    j->status = status;
    j->type = type;
    append(j, bytes, size);
    j->finished = true;
    wake(j);
    pthread_mutex_unlock(&j->lock);
}

void job_refuse(job *j, int status, const char *format, ...) {
    char sentence[512], line[4096] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    FILE *stream = fmemopen(line, sizeof line, "w");
    if (stream) {
        json out;
        report_json_begin_line(&out, stream);
        report_json_string(&out, "error", sentence);
        report_json_end_line(&out);
        fclose(stream);
    }
    pthread_mutex_lock(&j->lock);
    if (!j->status) {
        j->status = status;
        j->type = "application/json";
    }
    append(j, line, strlen(line));
    j->finished = true;
    wake(j);
    pthread_mutex_unlock(&j->lock);
}

bool job_goes_on(job *j) {
    double now = clock_seconds();
    pthread_mutex_lock(&j->lock);
    if (j->end == GOES_ON && now > j->deadline) {
        j->end = LATE;
    }
    if (j->end == GOES_ON && j->waiting && j->client.gone(j->client.user)) {
        j->end = GONE;
    }
    bool goes_on = j->end == GOES_ON;
    pthread_mutex_unlock(&j->lock);
    return goes_on;
}

void job_refuse_ended(job *j) {
    static const struct {
        int status;
        const char *why;
    } reasons[] = {
        [SUPERSEDED] = {409, "a newer request with the same key took its place"},
        [GONE] = {503, "nobody waits for the answer"},
        [LATE] = {504, "it took longer than the server's --time-limit: ask for less"},
        [CLOSING] = {503, "the server is being closed"},
        [UNREAD] = {503, "the answer is read too slowly, or memory is short"},
    };
    pthread_mutex_lock(&j->lock);
    job_end end = j->end;
    pthread_mutex_unlock(&j->lock);
    if (end != GOES_ON) {
        job_refuse(j, reasons[end].status, "%s", reasons[end].why);
    }
}

/* --------------------------------------------------------------------------------------- reading */

void job_stop(job *j, job_end why) {
    pthread_mutex_lock(&j->lock);
    if (j->end == GOES_ON) {
        j->end = why;
    }
    if (why == GONE) {
        j->waiting = false;
    }
    pthread_mutex_unlock(&j->lock);
}

ssize_t job_length(job *j) {
    pthread_mutex_lock(&j->lock);
    ssize_t length = j->finished ? (ssize_t)(j->size - j->taken) : -1;
    pthread_mutex_unlock(&j->lock);
    return length;
}

bool job_begun(job *j, void (*park)(void *user)) {
    pthread_mutex_lock(&j->lock);
    bool begun = j->status != 0;
    if (!begun) {
        j->waiting = true;
        park(j->client.user);
    }
    pthread_mutex_unlock(&j->lock);
    return begun;
}

ssize_t job_take(job *j, char *to, size_t room, void (*park)(void *user)) {
    pthread_mutex_lock(&j->lock);
    size_t n = j->size - j->taken;
    n = n < room ? n : room;
    bool over = n == 0 && j->finished;
    if (n > 0) {
        memcpy(to, j->out + j->taken, n);
        j->taken += n;
    } else if (!over) {
        j->waiting = true;
        park(j->client.user);
    }
    pthread_mutex_unlock(&j->lock);
    return over ? -1 : (ssize_t)n;
}

/* Progress on stderr: one line that is redrawn on a terminal, plain lines now and then in a log. */
#ifndef PIXELRNN_CLI_SUPPORT_PROGRESS_H
#define PIXELRNN_CLI_SUPPORT_PROGRESS_H

#include <pixelrnn/pixelrnn.h>

typedef struct progress_rate {
    bool known;
    uint64_t done; /* a resumed run does not begin at 0 */
    double seconds;
} progress_rate;

typedef struct progress {
    bool quiet, terminal;
    bool drawn;          /* a line of the terminal is ours */
    bool bits;           /* likelihoods in bits/dim, not nats */
    double bits_per_nat; /* of an image */
    double shown;        /* when a line was last written */
    const char *phase;
    double valid; /* the last validation that was shown */
    progress_rate train, other;
    prnn_progress last; /* last report of training */
} progress;

/* `model` may be NULL if no likelihoods are reported. */
void progress_begin(progress *p, bool quiet, const prnn_model *model);
void progress_show(progress *p, const prnn_progress *report);
/* Work that is counted, `done` of `total`, after so many seconds. */
void progress_count(progress *p, const char *phase, size_t done, size_t total, double seconds);
/* Leaves the line; call before anything else is written to stderr or stdout. */
void progress_end(progress *p);

/* A prnn_progress_fn that never stops; `user` is a progress. */
bool progress_callback(void *user, const prnn_progress *report);

/* Seconds of a clock that only goes forward. */
double clock_seconds(void);

/* "79.20 nats per image (0.1457 bits/dim)", with the unit that is usual for the model first. */
void format_likelihood(const prnn_model *model, double nats, char *text, size_t size);

#endif

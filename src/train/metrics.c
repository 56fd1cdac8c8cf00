/* The log of a training run, a CSV file that spreadsheets and pandas read. */

#include "train/run.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static prnn_status failed(prnn_trainer *t, const char *what) {
    return prnn_fail_system(t->ctx, errno, "%s: %s", t->folder.metrics, what);
}

static bool in_nats(const prnn_trainer *t) {
    return t->model->network->plan.config.levels == 2;
}

/* Where the next line will begin. */
static prnn_status note_length(prnn_trainer *t) {
    long length = fflush(t->metrics) == 0 ? ftell(t->metrics) : -1;
    if (length < 0) {
        return failed(t, "could not be written");
    }
    t->state.metrics_bytes = (uint64_t)length;
    return PRNN_OK;
}

/* A new log writes over nothing, and neither kind follows a link to somewhere else. */
static FILE *opened(prnn_trainer *t, int flags, const char *mode) {
    int file = open(t->folder.metrics, flags | O_CLOEXEC, 0666);
    return file < 0 ? NULL : fdopen(file, mode);
}

/* The first line. */
static const char *header_of(const prnn_trainer *t) {
    return in_nats(t) ? "step,epoch,seconds,learning_rate,train_nats,valid_nats,images_per_second,"
                        "exchange_share\n"
                      : "step,epoch,seconds,learning_rate,train_bits_per_dim,valid_bits_per_dim,"
                        "images_per_second,exchange_share\n";
}

/* All lines of a log have as many columns as its first. */
static void note_columns(prnn_trainer *t) {
    char line[256] = "";
    rewind(t->metrics);
    bool read = fgets(line, sizeof line, t->metrics) != NULL;
    t->log_without_exchange = read && !strstr(line, "exchange_share");
}

void prnn_metrics_sweep(const prnn_trainer *t) {
    const char *header = header_of(t);
    char text[256];
    struct stat st;
    if (t->rank > 0 || lstat(t->folder.metrics, &st) != 0 || !S_ISREG(st.st_mode)) {
        return;
    }
    FILE *file = fopen(t->folder.metrics, "rb");
    if (!file) {
        return;
    }
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    if (length <= strlen(header) && memcmp(text, header, length) == 0) {
        remove(t->folder.metrics);
    }
}

/* Whether what the checkpoint remembers of the log ends with its last line, or with the header. */
static bool ends_as_remembered(const prnn_trainer *t) {
    char tail[256];
    size_t n = t->state.metrics_bytes < sizeof tail ? (size_t)t->state.metrics_bytes : sizeof tail;
    if (fseek(t->metrics, (long)(t->state.metrics_bytes - n), SEEK_SET) != 0 ||
        fread(tail, 1, n, t->metrics) != n || tail[n - 1] != '\n') {
        return false;
    }
    tail[n - 1] = 0;
    const char *before = strrchr(tail, '\n'), *line = before ? before + 1 : tail;
    return strncmp(line, "step,", 5) == 0 || strtoull(line, NULL, 10) == t->state.logged;
}

/* Cuts off what came after the checkpoint. */
static prnn_status go_on(prnn_trainer *t) {
    long length = fseek(t->metrics, 0, SEEK_END) == 0 ? ftell(t->metrics) : -1;
    if (length >= 0 && (uint64_t)length < t->state.metrics_bytes) {
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT,
                         "%s: is shorter (%ld bytes) than the checkpoint remembers (%llu); move it away to "
                         "go on with a new one",
                         t->folder.metrics, length, (unsigned long long)t->state.metrics_bytes);
    }
    if (length >= 0 && !ends_as_remembered(t)) {
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT,
                         "%s: was changed after the checkpoint, which remembers the line of step %llu at "
                         "byte %llu; move it away to go on with a new one",
                         t->folder.metrics, (unsigned long long)t->state.logged,
                         (unsigned long long)t->state.metrics_bytes);
    }
    note_columns(t);
    if (length < 0 || ftruncate(fileno(t->metrics), (off_t)t->state.metrics_bytes) != 0 ||
        fseek(t->metrics, 0, SEEK_END) != 0) {
        return failed(t, "cannot be continued");
    }
    return PRNN_OK;
}

prnn_status prnn_metrics_open(prnn_trainer *t) {
    struct stat st;
    if (t->rank > 0) {
        return PRNN_OK;
    }
    if (stat(t->folder.metrics, &st) == 0 && !S_ISREG(st.st_mode)) {
        return prnn_fail(t->ctx, PRNN_ERROR_FILE, "%s: is not a file; move it away to train here",
                         t->folder.metrics);
    }
    if (t->state.metrics_bytes) {
        t->metrics = opened(t, O_RDWR | O_NOFOLLOW, "r+");
    }
    if (!t->metrics && (t->state.metrics_bytes == 0 || errno == ENOENT)) {
        t->state.metrics_bytes = 0;
        t->metrics = opened(t, O_WRONLY | O_CREAT | O_EXCL, "w");
    }
    if (!t->metrics) {
        return failed(t, errno == EEXIST  ? "is there already, and not of this run; move it away"
                         : errno == ELOOP ? "is a link to another file; move it away"
                                          : "cannot be written");
    }
    if (t->state.metrics_bytes) {
        return go_on(t);
    }
    fputs(header_of(t), t->metrics);
    return note_length(t);
}

static void close_log(prnn_trainer *t) {
    if (t->metrics) {
        fclose(t->metrics);
        t->metrics = NULL;
    }
}

static prnn_status write_line(prnn_trainer *t, bool validated) {
    const prnn_train_state *s = &t->state;
    double unit = in_nats(t) ? 1 : prnn_bits_per_dim(t->model, 1);
    prnn_status status = t->metrics ? PRNN_OK : prnn_metrics_open(t);
    if (status != PRNN_OK) {
        return status;
    }
    fprintf(t->metrics, "%llu,%.4f,%.1f,%.6g,", (unsigned long long)s->step,
            prnn_timetable_epoch(&t->table, s->step), s->seconds + prnn_clock() - t->run_began,
            prnn_run_rate(t, s->step > 0 ? s->step - 1 : 0));
    if (s->images > 0) {
        fprintf(t->metrics, "%.6f", s->last_nats * unit);
    }
    fputc(',', t->metrics);
    if (validated) {
        fprintf(t->metrics, "%.6f", s->valid_nats * unit);
    }
    fprintf(t->metrics, ",%.1f", t->step_seconds > 0 ? t->step_images / t->step_seconds : 0);
    if (!t->log_without_exchange) {
        fprintf(t->metrics, ",%.4f", prnn_run_progress(t, "train", 0, 0, 0, 0).exchange_share);
    }
    fputc('\n', t->metrics);
    return note_length(t);
}

prnn_status prnn_metrics_write(prnn_trainer *t, bool validated) {
    prnn_train_state *s = &t->state;
    prnn_status status;
    if (s->images > 0) {
        s->last_nats = s->nats_sum / s->images;
    }
    uint64_t before = s->metrics_bytes;
    status = t->rank == 0 ? write_line(t, validated) : PRNN_OK;
    status = prnn_ranks_vote(t->ctx, status, NULL, s->step);
    if (status != PRNN_OK) {
        /* Opened anew, it is cut to what the state remembers: the line, or a part of it, does not stay. */
        s->metrics_bytes = before;
        close_log(t);
        return status;
    }
    s->nats_sum = s->images = 0;
    s->logged = s->step;
    return PRNN_OK;
}

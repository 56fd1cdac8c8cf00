#include "support/progress.h"

#include "support/number.h"
#include "support/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 512, BAR = 20 };

static const double terminal_interval = 0.1, log_interval = 10; /* seconds */

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(progress *p, bool quiet, const prnn_model *model) {
    *p = (progress){.quiet = quiet || report_keeps(), .terminal = isatty(STDERR_FILENO) == 1, .valid = NAN};
    p->last.train_nats = p->last.valid_nats = p->last.best_nats = NAN;
    if (model) {
        prnn_config config = PRNN_CONFIG_INIT;
        prnn_model_config(model, &config);
        p->bits = config.levels > 2;
        p->bits_per_nat = prnn_bits_per_dim(model, 1);
    }
    /* A terminal shows the first report at once, a log the one after ten seconds. */
    p->shown = p->terminal ? -log_interval : clock_seconds();
}

__attribute__((format(printf, 2, 3))) static void append(char line[LINE], const char *format, ...) {
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, LINE - used, format, args);
    va_end(args);
}

static void append_time(char line[LINE], double seconds) {
    char days[32];
    if (seconds >= 86400) {
        append(line, "%sd%02.0fh", format_fixed(floor(seconds / 86400), 0, days),
               floor(fmod(seconds, 86400) / 3600));
    } else if (seconds >= 3600) {
        append(line, "%.0fh%02.0fm", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
    } else {
        append(line, "%.0fm%02.0fs", floor(seconds / 60), floor(fmod(seconds, 60)));
    }
}

static void append_rate(char line[LINE], progress_rate *since, const prnn_progress *r) {
    if (!since->known) {
        *since = (progress_rate){true, r->done, r->seconds};
    } else if (r->done > since->done && r->done < r->total) {
        double pace = (r->seconds - since->seconds) / (double)(r->done - since->done);
        append(line, "  ETA ");
        append_time(line, pace * (double)(r->total - r->done));
    }
    if (r->images_per_second > 0) {
        append(line, "  %.*f images/s", r->images_per_second < 10 ? 2 : 0, r->images_per_second);
    }
}

static void append_nll(const progress *p, char line[LINE], const char *name, double nats) {
    char text[32];
    if (!isnan(nats)) {
        append(line, "  %s %s", name,
               p->bits ? format_fixed(nats * p->bits_per_nat, 4, text) : format_fixed(nats, 2, text));
    }
}

static void append_training(const progress *p, char line[LINE], const prnn_progress *r, bool plain) {
    char epoch[32];
    append(line, "  epoch %s", format_fixed(r->epoch, 2, epoch));
    if (plain) {
        append(line, "  lr %.3g", r->learning_rate);
    }
    double trained = r->done ? r->train_nats : NAN; /* no step, no likelihood yet */
    append_nll(p, line, "train", trained);
    append_nll(p, line, "valid", r->valid_nats);
    if (plain) {
        append_nll(p, line, "best", r->best_nats);
    }
    if (!isnan(trained) || !isnan(r->valid_nats)) {
        append(line, p->bits ? " bits/dim" : " nats");
    }
    if (plain && r->exchange_bytes > 0) {
        append(line, "  exchange %.1f%%", 100 * r->exchange_share);
    }
}

static void write_line(progress *p, const prnn_progress *r, bool plain) {
    char line[LINE] = "";
    double part = r->total ? (double)r->done / (double)r->total : 0;
    bool train = strcmp(r->phase, "train") == 0;
    append(line, "%s ", r->phase);
    if (plain) {
        append(line, "%llu/%llu ", (unsigned long long)r->done, (unsigned long long)r->total);
    } else {
        int full = (int)(part * BAR);
        append(line, "[%.*s%.*s] ", full, "####################", BAR - full, "....................");
    }
    append(line, "%3.0f%%", floor(100 * part));
    append_rate(line, train ? &p->train : &p->other, r);
    if (train) {
        append_training(p, line, r, plain);
    }
    if (p->drawn) {
        fputs("\r\033[K", stderr);
    }
    if (plain) {
        fprintf(stderr, "%s\n", line);
        p->drawn = false;
    } else {
        struct winsize window = {0};
        bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
        fprintf(stderr, "%.*s", known ? window.ws_col - 1 : 79, line);
        p->drawn = true;
    }
    fflush(stderr);
}

void progress_show(progress *p, const prnn_progress *report) {
    bool train = strcmp(report->phase, "train") == 0;
    if (train) {
        p->last = *report;
    }
    if (p->quiet) {
        return;
    }
    /* A phase may come twice, as the scales of a chain do. */
    if (!p->phase || strcmp(p->phase, report->phase) != 0 || (!train && report->done < p->other.done)) {
        p->phase = report->phase;
        p->other = (progress_rate){0};
    }
    double now = clock_seconds();
    bool validated = train && !isnan(report->valid_nats) && report->valid_nats != p->valid;
    bool last = train && report->done == report->total;
    if (validated) {
        p->valid = report->valid_nats;
    }
    if (validated || (last && !p->terminal) || (!p->terminal && now - p->shown >= log_interval)) {
        write_line(p, report, true);
        p->shown = now;
    } else if (p->terminal && (now - p->shown >= terminal_interval || report->done == report->total)) {
        write_line(p, report, false);
        p->shown = now;
    } else if (!p->train.known && train) {
        p->train = (progress_rate){true, report->done, report->seconds};
    } else if (!p->other.known && !train) {
        p->other = (progress_rate){true, report->done, report->seconds};
    }
}

void progress_count(progress *p, const char *phase, size_t done, size_t total, double seconds) {
    prnn_progress report = {
        .size = sizeof report, .phase = phase, .done = done, .total = total, .seconds = seconds};
    report.images_per_second = (double)done / fmax(seconds, 1e-9);
    progress_show(p, &report);
}

void progress_end(progress *p) {
    if (p->drawn) {
        fputc('\n', stderr);
        p->drawn = false;
    }
}

bool progress_callback(void *user, const prnn_progress *report) {
    progress_show(user, report);
    return true;
}

void format_likelihood(const prnn_model *model, double nats, char *text, size_t size) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(model, &config);
    double bits = prnn_bits_per_dim(model, nats);
    char a[32], b[32];
    if (config.levels == 2) {
        snprintf(text, size, "%s nats per image (%s bits/dim)", format_fixed(nats, 4, a),
                 format_fixed(bits, 6, b));
    } else {
        snprintf(text, size, "%s bits/dim (%s nats per image)", format_fixed(bits, 4, a),
                 format_fixed(nats, 2, b));
    }
}

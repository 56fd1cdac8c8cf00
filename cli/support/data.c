#include "support/data.h"

#include "support/memory.h"
#include "support/progress.h"
#include "support/ranks.h"
#include "support/report.h"
#include "support/stop.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>

/* What opening or converting a set tells on the way. */
typedef struct reading {
    progress bar;
    skipped *missing;
} reading;

static void on_skipped(void *user, const char *path, const char *why) {
    reading *r = user;
    skipped_note(r->missing, path, why);
}

static void on_note(void *user, const char *sentence) {
    reading *r = user;
    if (!r->bar.quiet) {
        progress_end(&r->bar);
        note("%s", sentence);
    }
}

/* The options, and the reading told of what happens. */
static prnn_data_options watched_by(reading *r, const prnn_data_options *options,
                                    prnn_progress_fn on_progress) {
    prnn_data_options watched = *options;
    watched.progress = on_progress;
    watched.skipped = on_skipped;
    watched.note = on_note;
    watched.user = r;
    return watched;
}

/* ------------------------------------------------------------------------------------- opening */

/* A set that is read at once needs no bar. */
static bool on_opening(void *user, const prnn_progress *report) {
    reading *r = user;
    if (report->seconds > 1) {
        progress_show(&r->bar, report);
    }
    return true;
}

int data_open_and_note(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
                       skipped *missing, prnn_data **set) {
    reading r = {.missing = missing};
    const prnn_data_options watched = watched_by(&r, options, on_opening);
    int code;
    progress_begin(&r.bar, quiet, NULL);
    prnn_status status = prnn_data_open(ctx, path, &watched, set);
    progress_end(&r.bar);
    TRY(exit_code(ctx, status));
    if (!quiet) {
        skipped_print(missing);
    }
done:
    return code;
}

int data_open(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              prnn_data **set) {
    skipped missing = {0};
    int code = data_open_and_note(ctx, quiet, path, options, &missing, set);
    skipped_free(&missing);
    return code;
}

int data_look(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              skipped *missing, prnn_listing **listing, bool *listed) {
    reading r = {.missing = missing};
    const prnn_data_options watched = watched_by(&r, options, on_opening);
    int code = EXIT_OK;
    progress_begin(&r.bar, quiet, NULL);
    prnn_status status = prnn_listing_open(ctx, path, &watched, listing);
    progress_end(&r.bar);
    *listed = status == PRNN_OK;
    /* Refused as an argument is data of another kind. */
    TRY(status == PRNN_ERROR_ARGUMENT ? EXIT_OK : exit_code(ctx, status));
done:
    return code;
}

int data_list(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              skipped *missing, prnn_listing **listing, bool *listed) {
    int code;
    TRY(data_look(ctx, quiet, path, options, missing, listing, listed));
    if (*listed && !quiet) {
        skipped_print(missing);
    }
done:
    return code;
}

/* ---------------------------------------------------------------------------------- converting */

static bool on_converting(void *user, const prnn_progress *report) {
    reading *r = user;
    progress_show(&r->bar, report);
    return !stop_asked();
}

/* What was written, as the file itself says it. */
static int print_written(prnn_context *ctx, const char *out, size_t skipped_files) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    prnn_data *set = NULL;
    int code;
    options.memory_limit = 0;
    TRY(exit_code(ctx, prnn_data_open(ctx, out, &options, &set)));
    size_t count = prnn_data_count(set);
    say("%s: %zu image%s of %d x %d x %d, %zu skipped", out, count, plural(count), prnn_data_height(set),
        prnn_data_width(set), prnn_data_channels(set), skipped_files);
done:
    prnn_data_free(set);
    return code;
}

int data_convert(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
                 const char *out, skipped *missing) {
    reading r = {.missing = missing};
    const prnn_data_options watched = watched_by(&r, options, on_converting);
    int code;
    progress_begin(&r.bar, quiet, NULL);
    stop_catch();
    prnn_status status = prnn_data_convert(ctx, path, &watched, out, NULL, NULL);
    progress_end(&r.bar);
    TRY(exit_code(ctx, status));
    if (!quiet) {
        skipped_print(missing);
    }
    TRY(ranks_first() ? print_written(ctx, out, missing->count) : EXIT_OK);
done:
    return code;
}

/* ------------------------------------------------------------------------------------- reading */

int data_read(prnn_context *ctx, const prnn_data *set, size_t first, size_t n, uint64_t seed,
              uint8_t *images) {
    size_t *indices = allocate(n, sizeof *indices);
    int code;
    TRY(check_memory(indices));
    for (size_t i = 0; i < n; i++) {
        indices[i] = first + i;
    }
    TRY(exit_code(ctx, prnn_data_read(ctx, set, indices, n, seed, 0, images)));
done:
    free(indices);
    return code;
}

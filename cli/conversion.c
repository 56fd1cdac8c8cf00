#include "conversion.h"

#include "progress.h"
#include "report.h"
#include "stop.h"

#include <stdio.h>

typedef struct conversion {
    progress bar;
    skipped *missing;
} conversion;

static bool on_progress(void *user, const prnn_progress *report) {
    conversion *c = user;
    progress_show(&c->bar, report);
    return !stop_asked();
}

static void on_skipped(void *user, const char *path, const char *why) {
    conversion *c = user;
    skipped_note(c->missing, path, why);
}

/* What was written, as the file itself says it. */
static int print_result(prnn_context *ctx, const char *out, size_t skipped_files) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.memory_limit = 0;
    prnn_data *set;
    if (prnn_data_open(ctx, out, &options, &set) != PRNN_OK) {
        return fail_with(ctx);
    }
    printf("%s: %zu images of %d x %d x %d, %zu skipped\n", out, prnn_data_count(set), prnn_data_height(set),
           prnn_data_width(set), prnn_data_channels(set), skipped_files);
    prnn_data_free(set);
    return 0;
}

int convert_data(prnn_context *ctx, const struct common *common, const char *path,
                 const prnn_data_options *options, const char *out, skipped *missing) {
    conversion c = {.missing = missing};
    progress_begin(&c.bar, common->quiet, NULL);
    prnn_data_options watched = *options;
    watched.progress = on_progress;
    watched.skipped = on_skipped;
    watched.user = &c;
    stop_catch();
    prnn_status status = prnn_data_convert(ctx, path, &watched, out, NULL, NULL);
    progress_end(&c.bar);
    if (status != PRNN_OK) {
        return fail_with(ctx);
    }
    if (!common->quiet) {
        skipped_print(missing);
    }
    return print_result(ctx, out, missing->count);
}

/* pixelrnn verify: whether all images of an archive can be decoded. */
#include "commands/archive_report.h"
#include "support/stop.h"
#include "support/try.h"

#include <inttypes.h>

typedef struct settings {
    struct common common;
    bool json;
    uint64_t max_pixels;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .max_pixels = (uint64_t)1 << 30};

static const struct option options[] = {
    UINT64("max-pixels", offsetof(settings, max_pixels), 1, 0,
           "refuse an archive that says that it has more pixels: a small file may claim a huge number"),
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

typedef struct verifying {
    session *s;
    uint64_t whole;
    lost_images lost;
} verifying;

static bool on_image(void *user, uint64_t index, const prnn_archive_image *image, const uint8_t *values,
                     const char *why) {
    verifying *v = user;
    (void)values;
    v->whole += !why;
    if (why) {
        lost_images_add(&v->lost, index, image, why);
    }
    return !stop_asked();
}

static bool on_progress(void *user, const prnn_progress *report) {
    verifying *v = user;
    progress_show(&v->s->bar, report);
    return !stop_asked();
}

static int decode(verifying *v) {
    session *s = v->s;
    const settings *want = s->settings;
    prnn_archive_read_options how = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    how.check_only = true;
    how.max_pixels = want->max_pixels;
    how.image = on_image;
    how.progress = on_progress;
    how.user = v;
    stop_catch();
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status = prnn_archive_read(s->ctx, s->archive, s->model, &how);
    progress_end(&s->bar);
    lost_images_end(&v->lost);
    return exit_code(s->ctx, status);
}

static int run(session *s) {
    const settings *want = s->settings;
    verifying v = {.s = s, .lost.s = s};
    json j;
    int code;
    TRY(session_open(s));
    TRY(session_open_archive(s));
    if (want->json) {
        v.lost.report = &j;
        report_json_begin(&j, stdout);
        report_json_string(&j, "archive", s->path);
        report_json_open_array(&j, "lost");
    }
    code = decode(&v);
    if (want->json) {
        report_json_close_array(&j);
        report_json_uint(&j, "whole", v.whole);
        report_json_bool(&j, "passed", code == EXIT_OK);
        report_json_end(&j);
    } else if (code == EXIT_OK || v.whole + v.lost.count) {
        say("%s: %" PRIu64 " image%s whole, %" PRIu64 " lost", s->path, v.whole, plural(v.whole),
            v.lost.count);
    }
done:
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "whether an archive is whole",
    .operand = "ARCHIVE",
    .before = "MODEL",
    .description =
        "Decodes all images of an archive, writes none, and says which are damaged: exit code 0, if all are "
        "whole and nothing of the file is damaged. The model is the one that the archive was made with, "
        "unless it is inside.",
    .examples = "pixelrnn verify models/photos-colour.safetensors photographs.prnn",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn list: what an archive has. */
#include "commands/archive_report.h"
#include "support/try.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct settings {
    struct common common;
    bool json;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS};

static const struct option options[] = {
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout, with each image"),
    LEAST_OPTIONS,
};

static bool alike(const prnn_archive_image *a, const prnn_archive_image *b) {
    return !*a->name && !*b->name && a->height == b->height && a->width == b->width &&
           a->channels == b->channels && a->levels == b->levels && a->colours == b->colours;
}

/* Image i; of an archive that has no block that the model coded, all are stored. */
static prnn_archive_image image_at(const prnn_archive *archive, const prnn_archive_info *info, uint64_t i) {
    prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
    prnn_archive_image_at(archive, i, &image);
    if (info->blocks == 0 && !info->damaged) {
        image.levels = image.colours = 0;
    }
    return image;
}

static const char *how(const prnn_archive_image *image) {
    return image->height == 0 ? "lost"
           : image->colours   ? "by palette"
           : image->levels    ? "by the model"
                              : "stored";
}

/* Images first .. last, which are alike. */
static void print_images(uint64_t first, uint64_t last, const prnn_archive_image *image) {
    char number[80];
    snprintf(number, sizeof number, "image %" PRIu64, first);
    if (last > first) {
        snprintf(number, sizeof number, "images %" PRIu64 " to %" PRIu64, first, last);
    }
    say("%5d x %5d x %d  %-12s  %s", image->height, image->width, image->channels, how(image),
        *image->name ? image->name : number);
}

static void print_all(const prnn_archive *archive, const prnn_archive_info *info) {
    uint64_t count = prnn_archive_count(archive);
    for (uint64_t i = 0, next; i < count; i = next) {
        prnn_archive_image first = image_at(archive, info, i);
        for (next = i + 1; next < count; next++) {
            prnn_archive_image other = image_at(archive, info, next);
            if (!alike(&first, &other)) {
                break;
            }
        }
        print_images(i, next - 1, &first);
    }
}

static void report_all(json *j, const prnn_archive *archive, const prnn_archive_info *info) {
    report_json_open_array(j, "list");
    for (uint64_t i = 0; i < prnn_archive_count(archive); i++) {
        prnn_archive_image image = image_at(archive, info, i);
        report_json_open_object(j, NULL);
        report_json_uint(j, "number", i);
        if (*image.name) {
            report_json_string(j, "name", image.name);
        }
        report_json_int(j, "height", image.height);
        report_json_int(j, "width", image.width);
        report_json_int(j, "channels", image.channels);
        report_json_bool(j, "by_model", image.levels > 0);
        report_json_bool(j, "by_palette", image.colours > 0);
        report_json_close_object(j);
    }
    report_json_close_array(j);
}

static int run(session *s) {
    const settings *want = s->settings;
    const char *path = s->args->operands[0];
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    int code;
    TRY(session_open(s));
    TRY(exit_code(s->ctx, prnn_archive_open(s->ctx, path, &s->archive)));
    prnn_archive_describe(s->archive, &info);
    if (want->json) {
        json j;
        report_json_begin(&j, stdout);
        archive_report(&j, path, &info);
        report_all(&j, s->archive, &info);
        report_json_end(&j);
    } else {
        print_all(s->archive, &info);
        archive_print(path, &info);
    }
    TRY(info.damaged ? fail("%s: %s", path, info.problem) : EXIT_OK);
done:
    return code;
}

const struct command command_list = {
    .name = "list",
    .summary = "what an archive has",
    .operand = "ARCHIVE",
    .description =
        "Names the images of an archive, with height, width and channels, and says what they take, and how "
        "each is coded: by the model, by the model as numbers of the colours of its palette, or stored; of "
        "images that the model codes, blocks that would become larger are stored too, as the sums tell. No "
        "model is needed, and nothing is decoded. 'pixelrnn info' prints the fingerprint of a model, by "
        "which one finds the one that an archive needs.",
    .examples = "pixelrnn list photographs.prnn",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

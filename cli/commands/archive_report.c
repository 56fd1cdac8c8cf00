#include "commands/archive_report.h"

#include "support/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void tell_lost(lost_images *l, const char *label, bool many) {
    progress_end(&l->s->bar);
    (void)fail("%s: %s %s lost: %s", l->s->path, label, many ? "are" : "is", l->why);
    if (l->report) {
        report_json_string(l->report, NULL, label);
    }
    l->run = 0;
}

void lost_images_end(lost_images *l) {
    char label[80];
    if (l->run > 1) {
        snprintf(label, sizeof label, "images %" PRIu64 " to %" PRIu64, l->first, l->first + l->run - 1);
        tell_lost(l, label, true);
    } else if (l->run == 1) {
        snprintf(label, sizeof label, "image %" PRIu64, l->first);
        tell_lost(l, label, false);
    }
}

void lost_images_add(lost_images *l, uint64_t index, const prnn_archive_image *image, const char *why) {
    bool follows = !*image->name && index == l->first + l->run && strcmp(why, l->why) == 0;
    l->count++;
    if (l->run && follows) {
        l->run++;
        return;
    }
    lost_images_end(l);
    snprintf(l->why, sizeof l->why, "%s", why);
    if (*image->name) {
        tell_lost(l, image->name, false);
    } else {
        l->first = index;
        l->run = 1;
    }
}

static double per_value(const prnn_archive_info *info, uint64_t bytes) {
    return info->raw_bytes ? 8 * (double)bytes / (double)info->raw_bytes : 0;
}

void archive_print(const char *path, const prnn_archive_info *i) {
    uint64_t rest = i->bytes - i->coded_bytes - i->stored_bytes - i->model_bytes;
    say("%s", path);
    say("images      %" PRIu64 ", %" PRIu64 " bytes of values", i->images, i->raw_bytes);
    say("archive     %" PRIu64 " bytes, %.4f bits a value, %.2f %% of the values", i->bytes,
        per_value(i, i->bytes), i->raw_bytes ? 100 * (double)i->bytes / (double)i->raw_bytes : 0);
    say("of these    %" PRIu64 " coded by the model in %" PRIu64 " block%s, %" PRIu64 " stored in %" PRIu64
        ", %" PRIu64 " a model inside, %" PRIu64 " names and checksums",
        i->coded_bytes, i->blocks, plural(i->blocks), i->stored_bytes, i->stored_blocks, i->model_bytes,
        rest);
    say("model       %s", i->fingerprint);
    say("arithmetic  %s", i->arithmetic);
}

void archive_report(json *j, const char *path, const prnn_archive_info *i) {
    report_json_string(j, "archive", path);
    report_json_uint(j, "images", i->images);
    report_json_uint(j, "raw_bytes", i->raw_bytes);
    report_json_uint(j, "bytes", i->bytes);
    report_json_double(j, "bits_per_value", per_value(i, i->bytes));
    report_json_uint(j, "coded_bytes", i->coded_bytes);
    report_json_uint(j, "stored_bytes", i->stored_bytes);
    report_json_uint(j, "model_bytes", i->model_bytes);
    report_json_uint(j, "blocks", i->blocks);
    report_json_uint(j, "stored_blocks", i->stored_blocks);
    report_json_int(j, "channels", i->channels);
    report_json_int(j, "levels", i->levels);
    report_json_int(j, "tile", i->tile);
    report_json_string(j, "model", i->fingerprint);
    report_json_string(j, "arithmetic", i->arithmetic);
    report_json_bool(j, "damaged", i->damaged != 0);
    if (i->damaged) {
        report_json_string(j, "problem", i->problem);
    }
}

/* pixelrnn devices: where networks can be computed. */
#include "session/session.h"
#include "support/report.h"
#include "support/try.h"

#include <stdio.h>

typedef struct settings {
    struct common common;
    bool json;
} settings;

/* Not what the environment asks for, which may be what cannot be used: the list says why. */
static const settings defaults = {.common = {.cpu = "auto", .device = "cpu", .precision = "fp32"}};

static const struct option options[] = {
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

static void print_text(const prnn_device_info *d) {
    printf("%-10s", d->name);
    if (d->product[0]) {
        printf(" %s", d->product);
    }
    if (d->memory) {
        printf(", %.1f GB", (double)d->memory / 1e9);
    }
    if (d->driver[0]) {
        printf(" (%s)", d->driver);
    }
    if (d->why_not[0]) {
        printf(" not used: %s\n", d->why_not);
    } else {
        printf("; fp32, %s%s\n", d->why_no_bf16[0] ? "no bf16: " : "bf16", d->why_no_bf16);
    }
}

static void print_json(json *j, const prnn_device_info *d) {
    report_json_open_object(j, NULL);
    report_json_string(j, "name", d->name);
    report_json_bool(j, "usable", !d->why_not[0]);
    report_json_string(j, "product", d->product);
    report_json_string(j, "driver", d->driver);
    report_json_uint(j, "memory", d->memory);
    report_json_string(j, "why_not", d->why_not);
    report_json_bool(j, "bf16", !d->why_not[0] && !d->why_no_bf16[0]);
    report_json_string(j, "why_no_bf16", d->why_no_bf16);
    report_json_close_object(j);
}

static int run(session *s) {
    const settings *want = s->settings;
    prnn_device_info device = PRNN_DEVICE_INFO_INIT;
    bool found = true;
    json j;
    int code;
    TRY(arguments_check(s->args));
    TRY(session_open(s));
    if (want->json) {
        report_json_begin(&j, stdout);
        report_json_open_array(&j, "devices");
    }
    for (size_t i = 0; found; i++) {
        TRY(exit_code(s->ctx, prnn_device_describe(s->ctx, i, &device, &found)));
        if (found && want->json) {
            print_json(&j, &device);
        } else if (found) {
            print_text(&device);
        }
    }
    if (want->json) {
        report_json_close_array(&j);
        report_json_end(&j);
    }
done:
    return code;
}

const struct command command_devices = {
    .name = "devices",
    .summary = "where networks can be computed",
    .description =
        "Lists the processor and the GPUs of this machine, by NVIDIA's driver (cuda) and by OpenCL, with "
        "their memory and precisions, and says why one cannot be used. Their names are what --device takes.",
    .examples = "pixelrnn devices",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

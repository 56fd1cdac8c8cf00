/* pixelrnn serve: models behind a web page and an HTTP API. */
#include "options/size_option.h"
#include "serve/guard.h"
#include "serve/server.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/try.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct settings {
    struct common common;
    int port, workers;
    const char *size, *host, *name, *token, *run, *beside;
    double time_limit;
    bool open;
} settings;

static const settings defaults = {
    .common = COMMON_DEFAULTS, .port = 8080, .host = "127.0.0.1", .time_limit = 60};

static const struct option options[] = {
    GROUP("Images"),
    SIZE_OPTION(settings, "HxW",
                "of this size, such as 64x96, not the models' own; for unconditional ones alone"),
    GROUP("Where"),
    INTEGER("port", offsetof(settings, port), 0, 65535, 0, "0: one that is free"),
    STRING("host", offsetof(settings, host), "NAME", 0,
           "address to listen on; what is not of this machine alone (0.0.0.0: all) demands a token"),
    STRING("name", offsetof(settings, name), "NAME", 0,
           "a name by which the server is reached beside localhost, --host and its addresses"),
    STRING("token", offsetof(settings, token), "TEXT", 0,
           "whoever asks shows this token, 8 to 128 letters, digits and -._~; without one, and where one is "
           "demanded, a random one is printed"),
    FLAG("open", offsetof(settings, open), 0, "show the page in a browser (xdg-open)"),
    GROUP("Training"),
    INPUT("run", offsetof(settings, run), "RUN", 0,
          "folder of a training, which may still go on: its curves, speed and samples"),
    INPUT("beside", offsetof(settings, beside), "RUN", 0, "a second one, over the first"),
    GROUP("Work"),
    INTEGER("workers", offsetof(settings, workers), 0, 64, 0,
            "requests that are worked on at a time, each with --threads; 0: 3"),
    DOUBLE("time-limit", offsetof(settings, time_limit), 0, 86400, OPTION_OPEN_MIN,
           "seconds that a request may take, waiting included"),
    COMMON_OPTIONS,
};

enum { WORKERS = 3, MOST_WORKERS = 64 };

static void name_runs(const settings *want, studio *all) {
    all->runs[0] = want->run;
    all->runs[1] = want->beside;
}

/* A training may begin later, and a name may be misspelt. */
static void note_absent(const settings *want, const char *option, const char *run) {
    if (run && access(run, F_OK) != 0 && !want->common.quiet) {
        note("--%s %s: is not there yet; what a training writes into it will be shown", option, run);
    }
}

static int check(const session *s) {
    const settings *want = s->settings;
    if (s->args->operand_count == 0 && !want->run) {
        return usage_error("name a MODEL, or a training with --run");
    }
    if (s->args->operand_count == 0 && want->size) {
        return usage_error("--size is of what a MODEL draws: name one");
    }
    if (want->beside && !want->run) {
        return usage_error("--beside is a second run: name the first one with --run");
    }
    if (want->token && !guard_takes_token(want->token)) {
        return usage_error("--token: 8 to 128 letters, digits and -._~ are needed");
    }
    note_absent(want, "run", want->run);
    note_absent(want, "beside", want->beside);
    return server_check();
}

static int serve(session *s, const studio *all) {
    const settings *want = s->settings;
    const server_options how = {.host = want->host,
                                .name = want->name,
                                .token = want->token,
                                .port = want->port,
                                .time_limit = want->time_limit,
                                .open = want->open,
                                .quiet = s->common->quiet};
    prnn_context *contexts[MOST_WORKERS] = {NULL};
    size_t count = want->workers ? (size_t)want->workers : WORKERS;
    int code = EXIT_OK;
    for (size_t i = 0; i < count; i++) {
        TRY(session_make_context(s, &contexts[i]));
    }
    TRY(server_run(all, contexts, count, &how));
done:
    for (size_t i = 0; i < count; i++) {
        prnn_context_free(contexts[i]);
    }
    return code;
}

static int run(session *s) {
    const settings *want = s->settings;
    studio all = {.runs = {NULL}};
    wanted_size size;
    int code;
    TRY(size_option_read_plain(want->size, &size));
    TRY(check(s));
    name_runs(want, &all);
    TRY(session_open(s));
    TRY(gallery_open(&all.gallery, s->ctx, s->args->operands, s->args->operand_count, size.height,
                     size.width));
    TRY(serve(s, &all));
done:
    gallery_close(&all.gallery);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "see what models think, in a browser",
    .operand = "MODEL",
    .many = true,
    .optional = true,
    .description =
        "Serves a web page and prints its address. On it one paints, and sees how the model completes what "
        "is unknown, pixel by pixel; what it expects of each pixel, what each costs, and where it looks; "
        "walls of samples; and how a training goes on. The page is part of this program, and asks no other "
        "host. Ctrl-C ends it.\n\n"
        "Several models are served side by side. A conditional one among them is served as a chain, with "
        "each model whose images it enlarges. Models with a palette paint in its colours.\n\n"
        "Other programs ask by HTTP: docs/api.md says how.\n\n"
        "It listens to this machine alone. With another --host a token is demanded; use a proxy with TLS "
        "where the network is not trusted.",
    .examples = "pixelrnn serve models/mnist-diagonal.safetensors models/mnist-row.safetensors --open\n"
                "pixelrnn serve models/cifar10-8x8.safetensors models/cifar10-32x32-given-8x8.safetensors\n"
                "pixelrnn serve --run run --beside older-run\n"
                "pixelrnn serve models/cifar10-row.safetensors --size 24x64\n"
                "pixelrnn serve model.safetensors --host 0.0.0.0 --token \"$TOKEN\"",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

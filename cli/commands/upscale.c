/* pixelrnn upscale: large images from small ones. */
#include "commands/drawn.h"
#include "commands/sheets.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/try.h"

#include <string.h>

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first;
    int count, samples, zoom;
    bool overwrite, captions;
    uint64_t seed;
    double temperature;
    const char *out;
} settings;

static const settings defaults = {
    .common = COMMON_DEFAULTS, .data = DATA_DEFAULTS, .count = 8, .samples = 4, .zoom = 1, .temperature = 1};

static const struct option options[] = {
    GROUP("Small images"),
    DATA_OPTION(settings, "the small images"),
    DATA_READING_OPTIONS(settings),
    FIRST_OPTION(settings),
    INTEGER("count", offsetof(settings, count), 1, 10000000, 0, "at most so many images"),
    GROUP("Large images"),
    INTEGER("samples", offsetof(settings, samples), 1, 1000000, 0, "large images drawn for each small one"),
    UINT64("seed", offsetof(settings, seed), 0, 0,
           "large image i depends on the models, the seed, i and its small image alone"),
    TEMPERATURE_OPTION(settings, "images"),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.png|F.npy|FOLDER/", OPTION_REQUIRED,
           ".png: a sheet with a row per image: the small one, enlarged, then the large ones; .npy: their "
           "levels, uint8 (count, samples, H, W, C); a folder: each large image, 00012-00003.png is number "
           "3 of image 12, both counted from 0"),
    ZOOM_OPTION(settings),
    CAPTIONS_OPTION(settings, "the number and file of the small one, and which drawing it is"),
    OVERWRITE_OPTION(settings),
    COMMON_OPTIONS,
};

typedef struct upscaling {
    session *s;
    const settings *want;
    prnn_config small; /* the shape of the small images */
    size_t count, samples;
    uint8_t *images; /* (count, s, s, C) */
    uint8_t *large;  /* (count, samples, H, W, C) */
} upscaling;

static int open_small(upscaling *u) {
    session *s = u->s;
    const char *model = s->args->operands[0];
    int code;
    prnn_model_config(prnn_chain_model(s->chain, 0), &u->small);
    if (u->small.condition_size == 0) {
        return usage_error(
            "%s is not conditional: it draws new images ('pixelrnn sample'), and cannot enlarge given "
            "ones",
            model);
    }
    u->small.height = u->small.width = u->small.condition_size;
    TRY(session_open_data(s, &u->want->data, &u->small, model, u->want->first, (size_t)u->want->count));
    u->count = prnn_data_count(s->data);
    u->samples = (size_t)u->want->samples;
    TRY(session_read_all(s, u->want->seed, &u->images));
done:
    return code;
}

static int draw(upscaling *u) {
    session *s = u->s;
    prnn_sample_options how = session_sample_options(s, u->want->seed, u->want->temperature);
    int code;
    TRY(session_allocate_images(s, u->count * u->samples, "--count or --samples", &u->large));
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status =
        prnn_chain_upscale(s->ctx, s->chain, u->images, u->count, u->samples, &how, u->large);
    progress_end(&s->bar);
    TRY(exit_code(s->ctx, status));
done:
    return code;
}

/* A small image with each pixel as a square. */
static void enlarge(const upscaling *u, const uint8_t *small, uint8_t *large) {
    const prnn_config *c = &u->s->config;
    size_t channels = (size_t)c->channels, width = (size_t)c->width, size = (size_t)u->small.width;
    for (size_t pixel = 0; pixel < (size_t)c->height * width; pixel++) {
        size_t row = pixel / width * size / width, col = pixel % width * size / width;
        memcpy(large + pixel * channels, small + (row * size + col) * channels, channels);
    }
}

static drawn drawn_of(const upscaling *u) {
    return (drawn){u->s, u->large, u->count, u->samples};
}

static int write_sheet(const upscaling *u) {
    session *s = u->s;
    size_t bytes = image_size(&s->config), columns = u->samples + 1;
    const drawn all = drawn_of(u);
    caption *captions = u->want->captions ? drawn_captions(&all, u->want->data.path, "small ", NULL) : NULL;
    uint8_t *rows = session_allocate(s, u->count * columns, bytes);
    int code;
    TRY(check_memory(rows));
    TRY(u->want->captions ? check_memory(captions) : EXIT_OK);
    for (size_t i = 0; i < u->count; i++) {
        enlarge(u, u->images + i * image_size(&u->small), rows + i * columns * bytes);
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): allocated when they were drawn */
        memcpy(rows + (i * columns + 1) * bytes, u->large + i * u->samples * bytes, u->samples * bytes);
    }
    const sheet picture = sheet_of(s, rows, u->count * columns, (int)columns, u->want->zoom, captions);
    TRY(sheet_write(s->ctx, u->want->out, &picture));
done:
    return code;
}

static int write_out(const upscaling *u, output_kind kind) {
    const drawn all = drawn_of(u);
    return kind == OUTPUT_PNG ? write_sheet(u) : drawn_write(&all, kind, u->want->out, u->want->zoom);
}

static int run(session *s) {
    const settings *want = s->settings;
    upscaling u = {.s = s, .want = want, .small = PRNN_CONFIG_INIT};
    output_kind kind;
    int code;
    TRY(output_check("out", want->out, ALLOW_PNG | ALLOW_NPY | ALLOW_FOLDER, &kind));
    TRY(sheet_check(s->args, want->out, kind, want->overwrite));
    TRY(session_open(s));
    TRY(session_open_chain(s));
    TRY(open_small(&u));
    const size_t columns = u.samples + 1;
    TRY(sheet_check_drawn(s, kind, u.count * columns, (int)columns, want->zoom));
    TRY(draw(&u));
    TRY(ranks_first() ? write_out(&u, kind) : EXIT_OK);
    say("%s", want->out);
done:
    return code;
}

const struct command command_upscale = {
    .name = "upscale",
    .summary = "draw large images from small ones",
    .operand = "MODEL",
    .many = true,
    .description =
        "Draws large images from small ones with a conditional model. The pixels of a small image are kept: "
        "in the large one they are every n-th of every n-th row. Several models enlarge one after the other.",
    .examples = "pixelrnn upscale 32x32-given-8x8.safetensors --data thumbnails/ --samples 6 --out large.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

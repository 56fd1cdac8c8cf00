/* pixelrnn sample: new images from a model. */
#include "commands/drawn.h"
#include "commands/sheets.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdio.h>

typedef struct settings {
    struct common common;
    int count, columns, zoom;
    bool overwrite, captions;
    uint64_t seed;
    double temperature;
    const char *out;
    const char *size;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .count = 16, .zoom = 1, .temperature = 1};

static const struct option options[] = {
    GROUP("Images"),
    INTEGER("count", offsetof(settings, count), 1, 10000000, 0, "number of images"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "image i depends on the model, the seed and i alone"),
    TEMPERATURE_OPTION(settings, "images"),
    SIZE_OPTION(
        settings, "HxW",
        "height and width of the images, where they are not the model's: any, of an unconditional one"),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.png|F.npy|FOLDER/", OPTION_REQUIRED,
           ".png: a contact sheet; .npy: the levels, uint8 (count, H, W, C); a folder: 00000.png, "
           "00001.png, ..."),
    COLUMNS_OPTION(settings),
    ZOOM_OPTION(settings),
    CAPTIONS_OPTION(settings, "its number"),
    OVERWRITE_OPTION(settings),
    COMMON_OPTIONS,
};

static int write_sheet(session *s, const uint8_t *images) {
    const settings *want = s->settings;
    size_t count = (size_t)want->count;
    caption *captions = want->captions ? session_allocate(s, count, sizeof *captions) : NULL;
    const sheet all = sheet_of(s, images, count, want->columns, want->zoom, captions);
    int code;
    TRY(want->captions ? check_memory(captions) : EXIT_OK);
    for (size_t i = 0; captions && i < count; i++) {
        captions[i] = (caption){.name = ""};
        snprintf(captions[i].label, sizeof captions[i].label, "%zu", i);
    }
    TRY(sheet_write(s->ctx, want->out, &all));
done:
    return code;
}

static int write_images(session *s, output_kind kind, const uint8_t *images) {
    const settings *want = s->settings;
    const prnn_config *c = &s->config;
    size_t count = (size_t)want->count;
    const size_t shape[] = {count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    const sheet all = sheet_of(s, images, count, 0, want->zoom, NULL);
    switch (kind) {
    case OUTPUT_FOLDER:
        return sheet_write_each(s->ctx, want->out, &all, NULL, 0);
    case OUTPUT_PNG:
        return write_sheet(s, images);
    default:
        return exit_code(s->ctx, prnn_write_npy(s->ctx, want->out, PRNN_U8, 4, shape, images));
    }
}

static int sample(session *s, uint8_t **images) {
    const settings *want = s->settings;
    size_t count = (size_t)want->count;
    prnn_sample_options how = session_sample_options(s, want->seed, want->temperature);
    int code;
    TRY(session_allocate_images(s, count, "--count", images));
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status = prnn_chain_sample(s->ctx, s->chain, count, &how, *images);
    progress_end(&s->bar);
    TRY(exit_code(s->ctx, status));
done:
    return code;
}

static int resize(session *s) {
    const settings *want = s->settings;
    wanted_size size;
    int code;
    TRY(size_option_read_plain(want->size, &size));
    if (size.height) {
        TRY(session_resize(s, size.height, size.width));
    }
done:
    return code;
}

static int run(session *s) {
    const settings *want = s->settings;
    output_kind kind;
    uint8_t *images;
    int code;
    TRY(output_check("out", want->out, ALLOW_PNG | ALLOW_NPY | ALLOW_FOLDER, &kind));
    TRY(sheet_check(s->args, want->out, kind, want->overwrite));
    TRY(session_open(s));
    TRY(session_open_chain(s));
    TRY(session_check_first(s));
    TRY(resize(s));
    TRY(sheet_check_drawn(s, kind, (size_t)want->count, want->columns, want->zoom));
    TRY(sample(s, &images));
    TRY(ranks_first() ? write_images(s, kind, images) : EXIT_OK);
    say("%s", want->out);
done:
    return code;
}

const struct command command_sample = {
    .name = "sample",
    .summary = "draw new images",
    .operand = "MODEL",
    .many = true,
    .description =
        "Draws images from a model, value by value in raster order, and prints where they are.\n\n"
        "Several models are a chain: the first draws small images, each other one, which is conditional, "
        "larger images from those of the one before it.\n\n"
        "An unconditional model draws images of any size (--size): no weight depends on it. What it knows of "
        "the borders of images, and of how they hang together, it learned at the size that it was trained "
        "at.",
    .examples = "pixelrnn sample model.safetensors --count 64 --out samples.png\n"
                "pixelrnn sample model.safetensors --count 1000 --seed 7 --out samples.npy\n"
                "pixelrnn sample model.safetensors --size 64x256 --count 4 --out wide.png\n"
                "pixelrnn sample 8x8.safetensors 32x32-given-8x8.safetensors --out samples.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

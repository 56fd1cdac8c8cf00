/* pixelrnn upscale: large images from small ones. */
#include "chain.h"
#include "progress.h"
#include "report.h"
#include "sheet.h"

#include <pixelrnn/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first;
    int count, samples, zoom;
    uint64_t seed;
    double temperature;
    const char *out;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 8, 4, 1, 0, 1.0, NULL};

static const struct option options[] = {
    GROUP("Small images"),
    DATA_OPTION(settings, "the small images"),
    DATA_READING_OPTIONS(settings),
    SIZE("first", offsetof(settings, first), 0, 0, "leave out the images before this one, counted from 0"),
    INTEGER("count", offsetof(settings, count), 1, 10000000, 0, "at most so many images"),
    GROUP("Large images"),
    INTEGER("samples", offsetof(settings, samples), 1, 1000000, 0, "large images drawn for each small one"),
    UINT64("seed", offsetof(settings, seed), 0, 0,
           "large image i depends on the models, the seed, i and its small image alone"),
    DOUBLE("temperature", offsetof(settings, temperature), 1e-38, 1000, 0,
           "log-probabilities are divided by it: below 1 images become more alike, 1 is the model itself"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.png|F.npy", OPTION_REQUIRED,
           ".png: a sheet with a row per image: the small one, enlarged, then the large ones; .npy: their "
           "levels, "
           "uint8 (count, samples, H, W, C)"),
    ZOOM_OPTION(settings),
    COMMON_OPTIONS,
};

typedef struct upscaling {
    chain models;
    prnn_config small; /* the shape of the small images */
    prnn_data *set;
    size_t count, samples;
    uint8_t *images; /* (count, s, s, C) */
    uint8_t *large;  /* (count, samples, H, W, C) */
} upscaling;

static int open_small(prnn_context *ctx, const arguments *args, upscaling *u) {
    const settings *s = args->settings;
    u->small = chain_config(&u->models, 0);
    if (u->small.condition_size == 0) {
        return usage_error(
            "%s is not conditional: it draws new images ('pixelrnn sample'), and cannot enlarge given "
            "ones",
            args->operands[0]);
    }
    u->small.height = u->small.width = u->small.condition_size;
    int code = open_data_for(ctx, &s->common, &s->data, args->operands[0], &u->small, s->first,
                             (size_t)s->count, &u->set);
    if (code) {
        return code;
    }
    u->count = prnn_data_count(u->set);
    u->samples = (size_t)s->samples;
    u->images = allocate(u->count, image_size(&u->small));
    return u->images ? read_images(ctx, u->set, 0, u->count, s->seed, u->images) : fail_memory();
}

static int draw(prnn_context *ctx, const settings *s, upscaling *u) {
    progress bar;
    progress_begin(&bar, s->common.quiet, NULL);
    prnn_sample_options how = PRNN_SAMPLE_OPTIONS_INIT;
    how.seed = s->seed;
    how.temperature = s->temperature;
    how.progress = progress_callback;
    how.user = &bar;
    size_t bytes = u->count * image_size(&u->small);
    uint8_t *small = allocate(bytes, 1);
    if (!small) {
        return fail_memory();
    }
    memcpy(small, u->images, bytes);
    u->large = chain_upscale(ctx, &u->models, 0, small, u->count, u->samples, &how);
    progress_end(&bar);
    return u->large ? 0 : EXIT_FAILED;
}

/* A small image with each pixel as a square. */
static void enlarge(const upscaling *u, const uint8_t *small, uint8_t *large) {
    const prnn_config *c = &u->models.config;
    size_t channels = (size_t)c->channels, width = (size_t)c->width, size = (size_t)u->small.width;
    for (size_t pixel = 0; pixel < (size_t)c->height * width; pixel++) {
        size_t row = pixel / width * size / width, col = pixel % width * size / width;
        memcpy(large + pixel * channels, small + (row * size + col) * channels, channels);
    }
}

static int write_sheet(prnn_context *ctx, const settings *s, const upscaling *u) {
    const prnn_config *c = &u->models.config;
    size_t bytes = image_size(c), columns = u->samples + 1;
    uint8_t *rows = allocate(u->count * columns, bytes);
    if (!rows) {
        return fail_memory();
    }
    for (size_t i = 0; i < u->count; i++) {
        enlarge(u, u->images + i * image_size(&u->small), rows + i * columns * bytes);
        memcpy(rows + (i * columns + 1) * bytes, u->large + i * u->samples * bytes, u->samples * bytes);
    }
    const sheet all = {rows,        u->count * columns, c->height,    c->width,
                       c->channels, c->levels,          (int)columns, s->zoom};
    int code = sheet_write(ctx, s->out, &all);
    free(rows);
    return code;
}

static int write_array(prnn_context *ctx, const settings *s, const upscaling *u) {
    const prnn_config *c = &u->models.config;
    const size_t shape[] = {u->count, u->samples, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    prnn_status status = prnn_write_npy(ctx, s->out, PRNN_U8, 5, shape, u->large);
    return status == PRNN_OK ? 0 : fail_with(ctx);
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    upscaling u = {0};
    output_kind kind = OUTPUT_PNG;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_PNG | ALLOW_NPY, &kind);
    code = code ? code : sheet_check(args, s->out, kind);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : chain_open(ctx, args, &u.models);
    code = code ? code : open_small(ctx, args, &u);
    code = code ? code : draw(ctx, s, &u);
    code = code ? code : (kind == OUTPUT_NPY ? write_array : write_sheet)(ctx, s, &u);
    if (!code) {
        printf("%s\n", s->out);
    }
    free(u.images);
    free(u.large);
    prnn_data_free(u.set);
    chain_close(&u.models);
    prnn_context_free(ctx);
    return code;
}

const struct command command_upscale = {
    .name = "upscale",
    .summary = "draw large images from small ones",
    .operand = "MODEL",
    .many = true,
    .description =
        "Draws large images from small ones with a conditional model. The pixels of a small image are kept: "
        "in the "
        "large one they are every n-th of every n-th row. Several models enlarge one after the other.",
    .examples = "pixelrnn upscale 32x32-given-8x8.safetensors --data thumbnails/ --samples 6 --out large.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

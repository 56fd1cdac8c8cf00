/* pixelrnn complete: draws the unknown part of images. */
#include "chain.h"
#include "progress.h"
#include "report.h"
#include "setup.h"
#include "sheet.h"

#include <pixelrnn/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first;
    int known_rows;
    const char *mask;
    int count, samples, zoom;
    uint64_t seed;
    double temperature;
    const char *out;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 0, NULL, 8, 4, 1, 0, 1.0, NULL};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to complete"),
    DATA_READING_OPTIONS(settings),
    SIZE("first", offsetof(settings, first), 0, 0, "begin with this image, counted from 0"),
    INTEGER("count", offsetof(settings, count), 1, 1000000, 0, "number of images, as far as there are"),
    GROUP("What is known"),
    INTEGER("known-rows", offsetof(settings, known_rows), 0, 4096, OPTION_NO_DEFAULT,
            "the first N rows are kept, the others drawn"),
    STRING("mask", offsetof(settings, mask), "F", 0,
           "a mask for all images: .png (a pixel of at least 128 is known) or .npy, uint8 or bool (H, W), "
           "not 0 is known"),
    GROUP("Completions"),
    INTEGER("samples", offsetof(settings, samples), 1, 10000, 0, "completions of each image"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "another seed gives other completions"),
    DOUBLE(
        "temperature", offsetof(settings, temperature), 1e-38, 1000, 0,
        "log-probabilities are divided by it: below 1 completions become more alike, 1 is the model itself"),
    STRING("out", offsetof(settings, out), "F.png|F.npy", OPTION_REQUIRED,
           ".png: one row an image: the original, the original with the unknown part grey, the "
           "completions; .npy: the completions, uint8 levels (count, samples, H, W, C)"),
    ZOOM_OPTION(settings),
    COMMON_OPTIONS,
};

/* The parts of the work; freed in one place. */
typedef struct completion {
    prnn_context *ctx;
    chain models;
    prnn_data *set;
    prnn_config config; /* of the last model */
    output_kind kind;
    size_t count, samples;
    uint8_t *known;     /* (H, W) */
    uint8_t *images;    /* (count, H, W, C) */
    uint8_t *completed; /* (count, samples, H, W, C) */
} completion;

static int read_known(const settings *s, completion *c) {
    int height = c->config.height, width = c->config.width;
    size_t pixels = (size_t)height * (size_t)width;
    c->known = allocate(pixels, 1);
    if (!c->known) {
        return fail_memory();
    }
    if (!s->mask) {
        if (s->known_rows >= height) {
            return usage_error("--known-rows: %d leaves nothing to draw, images have %d rows", s->known_rows,
                               height);
        }
        size_t known = (size_t)s->known_rows * (size_t)width;
        memset(c->known, 1, known);
        memset(c->known + known, 0, pixels - known);
        return 0;
    }
    if (prnn_read_mask(c->ctx, s->mask, height, width, c->known) != PRNN_OK) {
        return fail_with(c->ctx);
    }
    return memchr(c->known, 0, pixels) ? 0 : fail("%s: all is known, there is nothing to draw", s->mask);
}

static int read_data(const settings *s, completion *c) {
    int code = open_data_for(c->ctx, &s->common, &s->data, c->models.last, &c->config, s->first,
                             (size_t)s->count, &c->set);
    if (code) {
        return code;
    }
    size_t bytes = image_size(&c->config);
    c->count = prnn_data_count(c->set);
    c->samples = (size_t)s->samples;
    c->images = allocate(c->count, bytes);
    if (!c->images) {
        return fail_memory();
    }
    return read_images(c->ctx, c->set, 0, c->count, s->seed, c->images);
}

static int draw(const settings *s, completion *c) {
    progress bar;
    progress_begin(&bar, s->common.quiet, NULL);
    prnn_sample_options how = PRNN_SAMPLE_OPTIONS_INIT;
    how.seed = s->seed;
    how.temperature = s->temperature;
    how.progress = progress_callback;
    how.user = &bar;
    const incomplete all = {c->images, c->known, c->count, c->samples};
    c->completed = chain_complete(c->ctx, &c->models, &all, &how);
    progress_end(&bar);
    return c->completed ? 0 : EXIT_FAILED;
}

/* Levels to bytes, so that a picture of two levels can show grey. */
static void copy_bytes(uint8_t *to, const uint8_t *levels, size_t n, int level_count) {
    int last = level_count - 1;
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)((levels[i] * 255 + last / 2) / last);
    }
}

static void grey_unknown(const completion *c, uint8_t *image) {
    size_t channels = (size_t)c->config.channels;
    for (size_t i = 0; i < image_size(&c->config); i++) {
        if (!c->known[i / channels]) {
            image[i] = 128;
        }
    }
}

static int write_picture(const settings *s, const completion *c) {
    size_t bytes = image_size(&c->config), columns = c->samples + 2;
    uint8_t *picture = allocate(c->count * columns, bytes);
    if (!picture) {
        return fail_memory();
    }
    for (size_t i = 0; i < c->count; i++) {
        uint8_t *row = picture + i * columns * bytes;
        copy_bytes(row, c->images + i * bytes, bytes, c->config.levels);
        memcpy(row + bytes, row, bytes);
        grey_unknown(c, row + bytes);
        copy_bytes(row + 2 * bytes, c->completed + i * c->samples * bytes, c->samples * bytes,
                   c->config.levels);
    }
    const prnn_config *shape = &c->config;
    const sheet all = {picture, c->count * columns, shape->height, shape->width, shape->channels,
                       256,     (int)columns,       s->zoom};
    int code = sheet_write(c->ctx, s->out, &all);
    free(picture);
    return code;
}

static int write_array(const settings *s, const completion *c) {
    const size_t shape[] = {c->count, c->samples, (size_t)c->config.height, (size_t)c->config.width,
                            (size_t)c->config.channels};
    prnn_status status = prnn_write_npy(c->ctx, s->out, PRNN_U8, 5, shape, c->completed);
    return status == PRNN_OK ? 0 : fail_with(c->ctx);
}

static int complete(arguments *args, completion *c) {
    const settings *s = args->settings;
    int code = chain_open(c->ctx, args, &c->models);
    c->config = c->models.config;
    code = code || c->models.count == 1 ? code : chain_check_first(&c->models, args);
    code = code ? code : read_known(s, c);
    code = code ? code : read_data(s, c);
    code = code ? code : draw(s, c);
    code = code ? code : (c->kind == OUTPUT_NPY ? write_array : write_picture)(s, c);
    if (!code) {
        printf("%s\n", s->out);
    }
    return code;
}

static int check(arguments *args, output_kind *kind) {
    const settings *s = args->settings;
    int code = arguments_check(args);
    if (code) {
        return code;
    }
    bool rows = option_given(args, "known-rows") != FROM_DEFAULT;
    if (rows == (s->mask != NULL)) {
        return usage_error(rows ? "give --known-rows or --mask, not both"
                                : "what is known? Give --known-rows N or --mask F");
    }
    code = output_check("out", s->out, ALLOW_PNG | ALLOW_NPY, kind);
    return code ? code : sheet_check(args, s->out, *kind);
}

static int run(arguments *args) {
    const settings *s = args->settings;
    completion c = {.config = PRNN_CONFIG_INIT};
    int code = check(args, &c.kind);
    code = code ? code : open_context(&s->common, &c.ctx);
    code = code ? code : complete(args, &c);
    free(c.known);
    free(c.images);
    free(c.completed);
    prnn_data_free(c.set);
    chain_close(&c.models);
    prnn_context_free(c.ctx);
    return code;
}

const struct command command_complete = {
    .name = "complete",
    .summary = "draw the unknown part of images",
    .operand = "MODEL",
    .many = true,
    .synopsis = "(--known-rows N | --mask F)",
    .description =
        "Keeps the known pixels of images and draws the others, several times. A drawn value is conditioned "
        "on the values before it in raster order, known or drawn. Known values that come after a drawn one "
        "are kept in the picture but cannot influence it.\n\n"
        "Several models are a chain, as for 'pixelrnn sample': the first completes the small images in the "
        "images, each other one what is larger.",
    .examples =
        "pixelrnn complete model.safetensors --data test_batch.bin --known-rows 16 --out half.png\n"
        "pixelrnn complete 8x8.safetensors 32x32-given-8x8.safetensors --data test_batch.bin --known-rows 16 "
        "--out half.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn sample: new images from a model. */
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
    int count, columns, zoom;
    uint64_t seed;
    double temperature;
    const char *out;
} settings;

static const settings defaults = {COMMON_DEFAULTS, 16, 0, 1, 0, 1.0, NULL};

static const struct option options[] = {
    GROUP("Images"),
    INTEGER("count", offsetof(settings, count), 1, 10000000, 0, "number of images"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "image i depends on the model, the seed and i alone"),
    DOUBLE("temperature", offsetof(settings, temperature), 1e-38, 1000, 0,
           "log-probabilities are divided by it: below 1 images become more alike, 1 is the model itself"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.png|F.npy|FOLDER/", OPTION_REQUIRED,
           ".png: a contact sheet; .npy: the levels, uint8 (count, H, W, C); a folder: 00000.png, "
           "00001.png, ..."),
    COLUMNS_OPTION(settings),
    ZOOM_OPTION(settings),
    COMMON_OPTIONS,
};

static int write_folder(prnn_context *ctx, const char *folder, const uint8_t *images, size_t count,
                        const prnn_config *c) {
    size_t size = strlen(folder) + 32;
    char *path = malloc(size);
    int code = path ? 0 : fail_memory();
    for (size_t i = 0; !code && i < count; i++) {
        bool slash = folder[strlen(folder) - 1] == '/';
        snprintf(path, size, "%s%s%05zu.png", folder, slash ? "" : "/", i);
        prnn_status status = prnn_write_png(ctx, path, images + i * image_size(c), 1, c->height, c->width,
                                            c->channels, c->levels, 1);
        code = status == PRNN_OK ? 0 : fail_with(ctx);
    }
    free(path);
    return code;
}

static int write_images(prnn_context *ctx, const settings *s, output_kind kind, const uint8_t *images,
                        const prnn_config *c) {
    size_t count = (size_t)s->count;
    const size_t shape[] = {count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    if (kind == OUTPUT_FOLDER) {
        return write_folder(ctx, s->out, images, count, c);
    }
    if (kind == OUTPUT_PNG) {
        const sheet all = {images, count, c->height, c->width, c->channels, c->levels, s->columns, s->zoom};
        return sheet_write(ctx, s->out, &all);
    }
    return prnn_write_npy(ctx, s->out, PRNN_U8, 4, shape, images) == PRNN_OK ? 0 : fail_with(ctx);
}

static int sample(prnn_context *ctx, const settings *s, const chain *models, output_kind kind) {
    prnn_config first = chain_config(models, 0);
    uint8_t *images = allocate((size_t)s->count, image_size(&first));
    if (!images) {
        return fail_memory();
    }
    progress bar;
    progress_begin(&bar, s->common.quiet, NULL);
    prnn_sample_options how = PRNN_SAMPLE_OPTIONS_INIT;
    how.seed = s->seed;
    how.temperature = s->temperature;
    how.progress = progress_callback;
    how.user = &bar;
    int code =
        prnn_sample(ctx, models->models[0], (size_t)s->count, &how, images) == PRNN_OK ? 0 : fail_with(ctx);
    images = code ? images : chain_upscale(ctx, models, 1, images, (size_t)s->count, 1, &how);
    progress_end(&bar);
    code = code || images ? code : EXIT_FAILED;
    code = code ? code : write_images(ctx, s, kind, images, &models->config);
    free(images);
    return code;
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    chain models = {0};
    output_kind kind = OUTPUT_PNG;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_PNG | ALLOW_NPY | ALLOW_FOLDER, &kind);
    code = code ? code : sheet_check(args, s->out, kind);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : chain_open(ctx, args, &models);
    code = code ? code : chain_check_first(&models, args);
    code = code ? code : sample(ctx, s, &models, kind);
    if (!code) {
        printf("%s\n", s->out);
    }
    chain_close(&models);
    prnn_context_free(ctx);
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
        "larger images from those of the one before it.",
    .examples = "pixelrnn sample model.safetensors --count 64 --out samples.png\n"
                "pixelrnn sample model.safetensors --count 1000 --seed 7 --out samples.npy\n"
                "pixelrnn sample 8x8.safetensors 32x32-given-8x8.safetensors --out samples.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

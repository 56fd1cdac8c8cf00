/* pixelrnn show: images of a data set, as a model would see them. */
#include "report.h"
#include "setup.h"
#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct settings {
    struct common common;
    data_settings data;
    int height, width, channels, levels;
    size_t first;
    int count, columns, zoom;
    bool shuffle;
    uint64_t seed;
    const char *out;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 0, 0, 256, 0, 64, 0, 1, false, 0, NULL};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to show"),
    DATA_READING_OPTIONS(settings),
    INTEGER("height", offsetof(settings, height), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("width", offsetof(settings, width), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("channels", offsetof(settings, channels), 0, 3, 0, "1: grey, 3: colour, 0: as the data"),
    INTEGER("levels", offsetof(settings, levels), 2, 256, 0, "levels of a pixel value"),
    SIZE("first", offsetof(settings, first), 0, 0, "leave out the images before this one, counted from 0"),
    INTEGER("count", offsetof(settings, count), 1, 1000000, 0, "at most so many images"),
    FLAG("shuffle", offsetof(settings, shuffle), 0, "images from all over the set, chosen by --seed"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "of --shuffle and of --binarize sample"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.png", OPTION_REQUIRED, "a contact sheet"),
    COLUMNS_OPTION(settings),
    ZOOM_OPTION(settings),
    COMMON_OPTIONS,
};

/* A number that looks random (SplitMix64). */
static uint64_t next_number(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The first n of `total` images, or n others of them in any order, each at most once (selection sampling,
 * then a shuffle; Knuth 3.4.2, algorithms S and P). */
static void choose(size_t *indices, size_t n, size_t total, bool shuffle, uint64_t seed) {
    size_t chosen = 0;
    for (size_t i = 0; i < total && chosen < n; i++) {
        if (!shuffle || next_number(&seed) % (total - i) < n - chosen) {
            indices[chosen++] = i;
        }
    }
    for (size_t left = n; shuffle && left > 1; left--) {
        size_t other = next_number(&seed) % left, last = indices[left - 1];
        indices[left - 1] = indices[other];
        indices[other] = last;
    }
}

static int show(prnn_context *ctx, const settings *s, const prnn_data *set) {
    size_t total = prnn_data_count(set), n = (size_t)s->count < total ? (size_t)s->count : total;
    prnn_config shape = PRNN_CONFIG_INIT;
    shape.height = prnn_data_height(set);
    shape.width = prnn_data_width(set);
    shape.channels = prnn_data_channels(set);
    size_t *indices = allocate(n, sizeof *indices);
    uint8_t *images = allocate(n, image_size(&shape));
    int code = indices && images ? 0 : fail_memory();
    if (!code) {
        choose(indices, n, total, s->shuffle, s->seed);
        const sheet all = {images,         n,         shape.height, shape.width,
                           shape.channels, s->levels, s->columns,   s->zoom};
        prnn_status status = prnn_data_read(ctx, set, indices, n, s->seed, 0, images);
        code = status == PRNN_OK ? sheet_write(ctx, s->out, &all) : fail_with(ctx);
    }
    if (!code) {
        char of[32] = "";
        if (s->shuffle) { /* else no more of them were read */
            snprintf(of, sizeof of, " of %zu", total);
        }
        printf("%zu%s images of %d x %d x %d\n%s\n", n, of, shape.height, shape.width, shape.channels,
               s->out);
    }
    free(indices);
    free(images);
    return code;
}

static int open_set(prnn_context *ctx, const settings *s, prnn_data **set) {
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    int code = read_data_settings(&s->data, s->levels, &how);
    how.height = s->height;
    how.width = s->width;
    how.channels = s->channels;
    how.first = s->first;
    how.limit = s->shuffle ? 0 : (size_t)s->count;
    return code ? code : open_data(ctx, &s->common, s->data.path, &how, set);
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    prnn_data *set = NULL;
    output_kind kind;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_PNG, &kind);
    code = code ? code : check_shape_settings(&s->data, s->height, s->width, s->channels);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : open_set(ctx, s, &set);
    code = code ? code : show(ctx, s, set);
    prnn_data_free(set);
    prnn_context_free(ctx);
    return code;
}

const struct command command_show = {
    .name = "show",
    .summary = "images of a data set, as a model sees them",
    .description =
        "Writes images of a data set as a contact sheet: after --fit, --values and --levels, which are those "
        "of 'pixelrnn train'.",
    .examples = "pixelrnn show --data photos/ --fit resize --height 32 --width 32 --out seen.png\n"
                "pixelrnn show --data t10k-images-idx3-ubyte.gz --shuffle --count 100 --out digits.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn show: images of a data set, as a model would see them. */
#include "commands/captions.h"
#include "commands/sheets.h"
#include "session/session.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/try.h"

#include <stdio.h>

typedef struct settings {
    struct common common;
    data_settings data;
    int height, width, channels, levels;
    size_t first;
    int count, columns, zoom;
    bool shuffle, captions;
    uint64_t seed;
    const char *out;
} settings;

static const settings defaults = {
    .common = COMMON_DEFAULTS, .data = DATA_DEFAULTS, .levels = 256, .count = 64, .zoom = 1};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to show"),
    DATA_READING_OPTIONS(settings),
    INTEGER("height", offsetof(settings, height), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("width", offsetof(settings, width), 0, 4096, 0, "of the images; 0: as the data"),
    CHANNELS_OPTION(offsetof(settings, channels)),
    PALETTE_OPTIONS(settings),
    INTEGER("levels", offsetof(settings, levels), 2, 256, 0, "levels of a pixel value"),
    FIRST_OPTION(settings),
    INTEGER("count", offsetof(settings, count), 1, 1000000, 0, "at most so many images"),
    FLAG("shuffle", offsetof(settings, shuffle), 0, "images from all over the set, chosen by --seed"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "of --shuffle and of --binarize sample"),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.png", OPTION_REQUIRED, "a contact sheet"),
    COLUMNS_OPTION(settings),
    ZOOM_OPTION(settings),
    CAPTIONS_OPTION(settings, "its number and its file"),
    FILE_OPTIONS,
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

static int check_palette(const session *s, const prnn_data_options *how) {
    const char *given = option_given(s->args, "levels") ? "levels" : how->channels == 3 ? "channels" : NULL;
    return how->paletted && given
               ? usage_error(
                     "--%s: the levels of a palette are as many as its colours, and one channel: leave "
                     "it out",
                     given)
               : EXIT_OK;
}

static int open_set(session *s) {
    const settings *want = s->settings;
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    int code;
    if (option_given(s->args, "seed") == FROM_COMMAND_LINE && !want->shuffle && !want->data.binarize) {
        return usage_error("--seed has no effect without --shuffle or --binarize sample");
    }
    TRY(data_options_read(&want->data, want->levels, &how));
    how.height = want->height;
    how.width = want->width;
    how.channels = want->channels;
    how.first = want->first;
    how.limit = want->shuffle ? 0 : (size_t)want->count;
    TRY(session_use_palette(s, &want->data, &how));
    TRY(check_palette(s, &how));
    TRY(data_open(s->ctx, s->common->quiet, want->data.path, &how, &s->data));
done:
    return code;
}

/* Leaves *captions as it is unless they are wanted. */
static int name_images(session *s, const size_t *indices, size_t n, caption **captions) {
    const settings *want = s->settings;
    int code = EXIT_OK;
    if (want->captions) {
        *captions = session_allocate(s, n, sizeof **captions);
        TRY(check_memory(*captions));
    }
    for (size_t i = 0; want->captions && i < n; i++) {
        caption_image(s, want->data.path, indices[i], "", *captions + i);
    }
done:
    return code;
}

/* What is shown: n images of the set's `total`. */
static int read_set(session *s, size_t n, size_t total, uint8_t **images, caption **captions) {
    const settings *want = s->settings;
    size_t *indices = session_allocate(s, n, sizeof *indices);
    int code;
    *images = session_allocate(s, n, image_size(&s->config));
    TRY(check_memory(indices));
    TRY(check_memory(*images));
    choose(indices, n, total, want->shuffle, want->seed);
    TRY(exit_code(s->ctx, prnn_data_read(s->ctx, s->data, indices, n, want->seed, 0, *images)));
    TRY(name_images(s, indices, n, captions));
done:
    return code;
}

static int show(session *s) {
    const settings *want = s->settings;
    size_t total = prnn_data_count(s->data), n = (size_t)want->count < total ? (size_t)want->count : total;
    int height = prnn_data_height(s->data), width = prnn_data_width(s->data);
    int channels = prnn_data_channels(s->data), code;
    uint8_t *images;
    caption *captions = NULL;
    s->config.height = height;
    s->config.width = width;
    s->config.channels = channels;
    s->config.levels = want->levels;
    TRY(read_set(s, n, total, &images, &captions));
    const sheet all = sheet_of(s, images, n, want->columns, want->zoom, captions);
    TRY(sheet_write(s->ctx, want->out, &all));
    char of[32] = "";
    if (want->shuffle) { /* else no more of them were read */
        snprintf(of, sizeof of, " of %zu", total);
    }
    say("%zu%s image%s of %d x %d x %d", n, of, plural(want->shuffle ? total : n), height, width, channels);
    if (session_palette(s)) {
        say("%d colours", s->palette.count);
    }
    say("%s", want->out);
done:
    return code;
}

static int run(session *s) {
    const settings *want = s->settings;
    output_kind kind;
    int code;
    TRY(output_check("out", want->out, ALLOW_PNG, &kind));
    TRY(data_options_check_shape(&want->data, want->height, want->width));
    TRY(session_open(s));
    TRY(open_set(s));
    TRY(show(s));
done:
    return code;
}

const struct command command_show = {
    .name = "show",
    .summary = "images of a data set, as a model sees them",
    .description =
        "Writes images of a data set as a contact sheet: after --fit, --values and --levels, which are those "
        "of 'pixelrnn train'.",
    .examples =
        "pixelrnn show --data photos/ --fit resize --height 32 --width 32 --channels 3 --out seen.png\n"
        "pixelrnn show --data t10k-images-idx3-ubyte.gz --shuffle --count 100 --out digits.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

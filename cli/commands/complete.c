/* pixelrnn complete: draws the unknown part of images. */
#include "commands/drawn.h"
#include "commands/sheets.h"
#include "draw/levels.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <string.h>

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first;
    int known_rows;
    const char *mask;
    int count, samples, zoom;
    bool overwrite, captions;
    uint64_t seed;
    double temperature;
    const char *out;
    const char *size;
} settings;

static const settings defaults = {
    .common = COMMON_DEFAULTS, .data = DATA_DEFAULTS, .count = 8, .samples = 4, .zoom = 1, .temperature = 1};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to complete"),
    DATA_READING_OPTIONS(settings),
    SIZE("first", offsetof(settings, first), 0, 0, "begin with this image, counted from 0"),
    INTEGER("count", offsetof(settings, count), 1, 1000000, 0, "number of images, as far as there are"),
    SIZE_OPTION(
        settings, "HxW|own",
        "height and width of the images, where they are not the model's: any, of an unconditional one; own: "
        "those of the data, whose images are of one size"),
    GROUP("What is known"),
    INTEGER("known-rows", offsetof(settings, known_rows), 0, 4096, OPTION_NO_DEFAULT,
            "the first N rows are kept, the others drawn"),
    INPUT("mask", offsetof(settings, mask), "F", 0,
          "a mask for all images: a picture (a pixel of at least 128 is known, or of one drawn in its alpha, "
          "an alpha of at least 128) or .npy, uint8 or bool (H, W), not 0 is known"),
    GROUP("Completions"),
    INTEGER("samples", offsetof(settings, samples), 1, 10000, 0, "completions of each image"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "another seed gives other completions"),
    TEMPERATURE_OPTION(settings, "completions"),
    OUTPUT("out", offsetof(settings, out), "F.png|F.npy|FOLDER/", OPTION_REQUIRED,
           ".png: one row an image: the original, the original with the unknown part grey, the "
           "completions; .npy: the completions, uint8 levels (count, samples, H, W, C); a folder: each "
           "completion, 00012-00003.png is number 3 of image 12, both counted from 0"),
    ZOOM_OPTION(settings),
    CAPTIONS_OPTION(settings, "its number and its file, what is given, and which drawing it is"),
    OVERWRITE_OPTION(settings),
    COMMON_OPTIONS,
};

typedef struct completion {
    session *s;
    const settings *want;
    size_t count, samples;
    uint8_t *known;     /* (H, W) */
    uint8_t *images;    /* (count, H, W, C) */
    uint8_t *completed; /* (count, samples, H, W, C) */
} completion;

static int mark_rows(completion *c) {
    int height = c->s->config.height, rows = c->want->known_rows;
    if (rows >= height) {
        return usage_error("--known-rows: %d leaves nothing to draw, images have %d row%s", rows, height,
                           plural((uint64_t)height));
    }
    size_t width = (size_t)c->s->config.width, known = (size_t)rows * width;
    memset(c->known, 1, known);
    memset(c->known + known, 0, (size_t)height * width - known);
    return 0;
}

static int read_mask(completion *c) {
    session *s = c->s;
    const char *path = c->want->mask;
    int height = s->config.height, width = s->config.width;
    if (prnn_read_mask(s->ctx, path, height, width, c->known) != PRNN_OK) {
        return fail_with(s->ctx);
    }
    bool some = memchr(c->known, 0, (size_t)height * (size_t)width) != NULL;
    return some ? 0 : fail("%s: all is known, there is nothing to draw", path);
}

static int read_known(completion *c) {
    const prnn_config *config = &c->s->config;
    int code;
    c->known = session_allocate(c->s, (size_t)config->height * (size_t)config->width, 1);
    TRY(check_memory(c->known));
    TRY((c->want->mask ? read_mask : mark_rows)(c));
done:
    return code;
}

static int read_data(completion *c) {
    session *s = c->s;
    int code;
    TRY(session_open_sized(s, &c->want->data, c->want->size, c->want->first, (size_t)c->want->count));
    c->count = prnn_data_count(s->data);
    c->samples = (size_t)c->want->samples;
    TRY(session_read_all(s, c->want->seed, &c->images));
done:
    return code;
}

static int draw(completion *c) {
    session *s = c->s;
    prnn_sample_options how = session_sample_options(s, c->want->seed, c->want->temperature);
    int code;
    TRY(session_allocate_images(s, c->count * c->samples, "--count or --samples", &c->completed));
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status =
        prnn_chain_complete(s->ctx, s->chain, c->images, c->count, c->known, c->samples, &how, c->completed);
    progress_end(&s->bar);
    TRY(exit_code(s->ctx, status));
done:
    return code;
}

/* Channels of what is shown. */
static size_t channels_shown(const completion *c) {
    return session_palette(c->s) ? 3 : (size_t)c->s->config.channels;
}

/* Levels to what is shown of them, in bytes, so that a picture of two levels can show grey. */
static void copy_bytes(const completion *c, uint8_t *to, const uint8_t *levels, size_t images) {
    const prnn_config *shape = &c->s->config;
    size_t channels = (size_t)shape->channels, shown = channels_shown(c), n = images * image_size(shape);
    for (size_t i = 0; i < n; i += channels, to += shown) {
        colour seen = colour_of_levels(levels + i, shape->channels, shape->levels, session_palette(c->s));
        const uint8_t rgb[] = {seen.r, seen.g, seen.b};
        memcpy(to, rgb, shown);
    }
}

static void grey_unknown(const completion *c, uint8_t *image) {
    size_t channels = channels_shown(c);
    for (size_t i = 0; i < (size_t)c->s->config.height * (size_t)c->s->config.width; i++) {
        if (!c->known[i]) {
            memset(image + i * channels, 128, channels);
        }
    }
}

static drawn drawn_of(const completion *c) {
    return (drawn){c->s, c->completed, c->count, c->samples};
}

static int write_picture(const completion *c) {
    session *s = c->s;
    const prnn_config *shape = &s->config;
    size_t levels = image_size(shape), bytes = levels / (size_t)shape->channels * channels_shown(c);
    size_t columns = c->samples + 2;
    const drawn rows = drawn_of(c);
    caption *captions =
        c->want->captions ? drawn_captions(&rows, c->want->data.path, "original ", "given") : NULL;
    uint8_t *picture = session_allocate(s, c->count * columns, bytes);
    int code;
    TRY(check_memory(picture));
    TRY(c->want->captions ? check_memory(captions) : EXIT_OK);
    for (size_t i = 0; i < c->count; i++) {
        uint8_t *row = picture + i * columns * bytes;
        copy_bytes(c, row, c->images + i * levels, 1);
        memcpy(row + bytes, row, bytes);
        grey_unknown(c, row + bytes);
        copy_bytes(c, row + 2 * bytes, c->completed + i * c->samples * levels, c->samples);
    }
    sheet all = sheet_of(s, picture, c->count * columns, (int)columns, c->want->zoom, captions);
    all.channels = (int)channels_shown(c);
    all.levels = 256;
    all.palette = NULL;
    TRY(sheet_write(s->ctx, c->want->out, &all));
done:
    return code;
}

static int write_out(const completion *c, output_kind kind) {
    const drawn all = drawn_of(c);
    return kind == OUTPUT_PNG ? write_picture(c) : drawn_write(&all, kind, c->want->out, c->want->zoom);
}

static int check(const session *s, output_kind *kind) {
    const settings *want = s->settings;
    int code;
    bool rows = option_given(s->args, "known-rows") != FROM_DEFAULT;
    if (rows == (want->mask != NULL)) {
        return usage_error(rows ? "give --known-rows or --mask, not both"
                                : "what is known? Give --known-rows N or --mask F");
    }
    TRY(output_check("out", want->out, ALLOW_PNG | ALLOW_NPY | ALLOW_FOLDER, kind));
    TRY(sheet_check(s->args, want->out, *kind, want->overwrite));
done:
    return code;
}

static int run(session *s) {
    const settings *want = s->settings;
    completion c = {.s = s, .want = want};
    output_kind kind;
    int code;
    TRY(check(s, &kind));
    TRY(session_open(s));
    TRY(session_open_chain(s));
    if (!session_is_conditional_alone(s)) {
        TRY(session_check_first(s));
    }
    TRY(read_data(&c));
    TRY(read_known(&c));
    const size_t columns = c.samples + 2;
    TRY(sheet_check_drawn(s, kind, c.count * columns, (int)columns, want->zoom));
    TRY(draw(&c));
    TRY(ranks_first() ? write_out(&c, kind) : EXIT_OK);
    say("%s", want->out);
done:
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
    .ranks = true,
    .run = run,
};

/* pixelrnn convert: a data set of any size into one .npy file. */
#include "session/session.h"
#include "support/data.h"
#include "support/output.h"
#include "support/ranks.h"
#include "support/try.h"

#include <pixelrnn/io.h>

typedef struct settings {
    struct common common;
    data_settings data;
    int height, width, channels;
    size_t first, limit;
    uint64_t shuffle;
    const char *out, *palette_out, *skipped;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to convert"),
    INTEGER("height", offsetof(settings, height), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("width", offsetof(settings, width), 0, 4096, 0, "of the images; 0: as the data"),
    CHANNELS_OPTION(offsetof(settings, channels)),
    FIT_OPTION(settings),
    PICTURE_OPTIONS(settings),
    PALETTE_OPTIONS(settings),
    ARRAY_OPTION(settings),
    SIZE("first", offsetof(settings, first), 0, 0,
         "leave out the images (of a folder: the files) before this one, counted from 0"),
    SIZE("limit", offsetof(settings, limit), 0, 0, "at most so many images (files); 0: all"),
    UINT64("shuffle", offsetof(settings, shuffle), 1, OPTION_NO_DEFAULT,
           "write those that are left in an order that the seed N and their number say"),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.npy", OPTION_REQUIRED, "the file: uint8 (images, H, W, C)"),
    OUTPUT("palette-out", offsetof(settings, palette_out), "F.hex", 0,
           "with --palette: its colours, a line each, as --palette-file reads them"),
    OUTPUT("skipped", offsetof(settings, skipped), "FILE", 0,
           "write a line for each file that was skipped; the first ten are named in any case"),
    FILE_OPTIONS,
};

/* Numbers of colours say nothing without their colours. */
static int check_palette(const settings *want) {
    if (want->data.palette != (want->palette_out != NULL)) {
        return want->data.palette ? usage_error("--palette: the file holds numbers of colours then: give "
                                                "--palette-out F.hex, which gets the colours")
                                  : usage_error("--palette-out has no effect without --palette");
    }
    return want->channels == 3 && (want->data.palette || want->data.palette_file)
               ? usage_error("--channels 3: numbers of colours are one channel: leave it out")
               : EXIT_OK;
}

static int check(const session *s) {
    const settings *want = s->settings;
    output_kind kind;
    int code;
    TRY(output_check("out", want->out, ALLOW_NPY, &kind));
    if (want->skipped) {
        TRY(output_check_text("skipped", want->skipped));
    }
    TRY(data_options_check_shape(&want->data, want->height, want->width));
    TRY(check_palette(want));
    if (want->palette_out) {
        TRY(output_check_text("palette-out", want->palette_out));
    }
done:
    return code;
}

static int convert(session *s) {
    const settings *want = s->settings;
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    how.height = want->height;
    how.width = want->width;
    how.channels = want->channels;
    how.first = want->first;
    how.limit = want->limit;
    how.shuffle = want->shuffle;
    how.together = true;
    skipped missing = {.keep = want->skipped != NULL};
    int code;
    TRY(data_options_read_pictures(&want->data, &how));
    TRY(session_use_palette(s, &want->data, &how));
    TRY(data_convert(s->ctx, s->common->quiet, want->data.path, &how, want->out, &missing));
    if (!ranks_first()) {
        goto done;
    }
    if (want->palette_out) {
        TRY(exit_code(s->ctx, prnn_write_palette(s->ctx, want->palette_out, &s->palette)));
        say("%s: %d colours", want->palette_out, s->palette.count);
    }
    if (want->skipped) {
        TRY(skipped_write(&missing, want->skipped));
    }
done:
    skipped_free(&missing);
    return code;
}

static int run(session *s) {
    int code;
    TRY(check(s));
    TRY(session_open(s));
    TRY(convert(s));
done:
    return code;
}

const struct command command_convert = {
    .name = "convert",
    .summary = "many images into one file to train from",
    .description =
        "Writes images of any number and size into one .npy file, uint8 (images, H, W, C), decoding on all "
        "threads. Training, evaluation and completion read such a file image by image where it is larger "
        "than --memory-limit. Files of a folder that are damaged, of a format that is not read, too small to "
        "crop, gone meanwhile or not to be read are skipped and named; any other failure, such as of a disk "
        "or for want of memory, ends the conversion. The file appears when it is complete.",
    .examples =
        "pixelrnn convert --data imagenet/train --fit resize --height 32 --width 32 --channels 3 --out "
        "train32.npy\n"
        "pixelrnn convert --data Imagenet32_train --out train32.npy",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
    .ranks = true,
};

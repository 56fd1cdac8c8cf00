/* pixelrnn convert: a data set of any size into one .npy file. */
#include "conversion.h"
#include "output.h"
#include "report.h"

typedef struct settings {
    struct common common;
    data_settings data;
    int height, width, channels;
    size_t first, limit;
    const char *out, *skipped;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 0, 0, 0, 0, NULL, NULL};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to convert"),
    INTEGER("height", offsetof(settings, height), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("width", offsetof(settings, width), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("channels", offsetof(settings, channels), 0, 3, 0, "1: grey, 3: colour, 0: as the data"),
    FIT_OPTION(settings),
    SIZE("first", offsetof(settings, first), 0, 0,
         "leave out the images (of a folder: the files) before this one, counted from 0"),
    SIZE("limit", offsetof(settings, limit), 0, 0, "at most so many images (files); 0: all"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.npy", OPTION_REQUIRED, "the file: uint8 (images, H, W, C)"),
    STRING("skipped", offsetof(settings, skipped), "FILE", 0,
           "write a line for each file that was skipped; the first ten are named in any case"),
    COMMON_OPTIONS,
};

static int check(const arguments *args, const settings *s) {
    output_kind kind;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_NPY, &kind);
    return code ? code : check_shape_settings(&s->data, s->height, s->width, s->channels);
}

static int convert(prnn_context *ctx, const settings *s) {
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    how.height = s->height;
    how.width = s->width;
    how.channels = s->channels;
    how.fit = (prnn_fit)s->data.fit;
    how.first = s->first;
    how.limit = s->limit;
    skipped missing = {.keep = s->skipped != NULL};
    int code = convert_data(ctx, &s->common, s->data.path, &how, s->out, &missing);
    if (!code && s->skipped) {
        code = skipped_write(&missing, s->skipped);
    }
    skipped_free(&missing);
    return code;
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    int code = check(args, s);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : convert(ctx, s);
    prnn_context_free(ctx);
    return code;
}

const struct command command_convert = {
    .name = "convert",
    .summary = "many images into one file to train from",
    .description =
        "Writes images of any number and size into one .npy file, uint8 (images, H, W, C), decoding on all "
        "threads. Training, evaluation and completion read such a file image by image where it is larger "
        "than "
        "--memory-limit. Files of a folder that are damaged, no pictures, too small to crop, gone meanwhile "
        "or "
        "not to be read are skipped and named; any other failure, such as of a disk or for want of memory, "
        "ends the conversion. The file appears when it is complete.",
    .examples =
        "pixelrnn convert --data imagenet/train --fit resize --height 32 --width 32 --channels 3 --out "
        "train32.npy\n"
        "pixelrnn convert --data Imagenet32_train --out train32.npy",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn compress: images into an archive, without loss. */
#include "commands/archive_report.h"
#include "commands/compress_input.h"
#include "support/output.h"
#include "support/stop.h"
#include "support/try.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

typedef struct settings {
    struct common common;
    const char *data, *array, *out;
    bool no_orientation, skip, no_verify, model_inside, json;
    size_t first, limit;
    int block, tile;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .tile = 128};

static const struct option options[] = {
    GROUP("Data"),
    INPUT("data", offsetof(settings, data), "F", OPTION_REQUIRED,
          "images to compress, as they are: a folder (also of folders) of pictures of any sizes, a picture, "
          "idx or idx.gz, CIFAR .bin, .npy, .npz; or a pipe with one of these files, - for stdin"),
    FLAG("no-orientation", offsetof(settings, no_orientation), 0,
         "keep pictures as they are stored, though EXIF says how they are to be turned"),
    FLAG("skip", offsetof(settings, skip), 0,
         "leave out, and name, files of a folder that cannot be kept as they are (damaged, of 16 bits a "
         "sample, of several pages or frames); without it they are an error, before any work"),
    STRING("array", offsetof(settings, array), "NAME", 0,
           "of a .npz file with several arrays: the one that holds the images"),
    SIZE("first", offsetof(settings, first), 0, 0,
         "leave out the images (files) before this one, counted from 0"),
    SIZE("limit", offsetof(settings, limit), 0, 0, "at most so many images (files); 0: all"),
    GROUP("Archive"),
    OUTPUT("out", offsetof(settings, out), "A.prnn", OPTION_REQUIRED, "the archive"),
    INTEGER(
        "block", offsetof(settings, block), 0, 65535, 0,
        "tiles (images, where they are no larger) of one size that are coded together: with 1 each can be "
        "decoded alone and is lost alone, which costs about 40 bytes each; 0: about 32 KB of them"),
    INTEGER("tile", offsetof(settings, tile), 16, 4096, 0,
            "images with longer sides are cut into even tiles, none longer: smaller ones decode faster, "
            "larger ones compress better"),
    FLAG("model-inside", offsetof(settings, model_inside), 0,
         "put the model into the archive: nothing else is needed to read it, and it takes as much more"),
    FLAG("no-verify", offsetof(settings, no_verify), 0,
         "do not decompress at once what was compressed, to compare it: half the time"),
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

static bool on_progress(void *user, const prnn_progress *report) {
    session *s = user;
    progress_show(&s->bar, report);
    return !stop_asked();
}

static void print(const session *s, const compress_input *in, const prnn_archive_info *info) {
    const settings *want = s->settings;
    if (want->json) {
        json j;
        report_json_begin(&j, stdout);
        archive_report(&j, want->out, info);
        report_json_uint(&j, "skipped", s->missing.count);
        if (in->list) {
            report_json_uint(&j, "file_bytes", in->file_bytes);
        }
        report_json_end(&j);
        return;
    }
    archive_print(want->out, info);
    if (in->list) {
        say("files       %" PRIu64 " bytes, as they were", in->file_bytes);
    }
}

static int write_archive(session *s, const compress_input *in, prnn_archive_info *info) {
    const settings *want = s->settings;
    prnn_archive_options how = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_writer *writer = NULL;
    int code;
    how.block = want->block;
    how.tile = want->tile;
    how.model_inside = want->model_inside;
    how.no_verify = want->no_verify;
    how.expected = in->count;
    how.progress = on_progress;
    how.user = s;
    stop_catch();
    progress_begin(&s->bar, s->common->quiet, NULL);
    TRY(exit_code(s->ctx, prnn_archive_writer_create(s->ctx, s->model, want->out, &how, &writer)));
    TRY(compress_input_add(in, writer));
    TRY(exit_code(s->ctx, prnn_archive_writer_finish(s->ctx, writer, info)));
done:
    progress_end(&s->bar);
    prnn_archive_writer_free(writer);
    return code;
}

/* A slip of the hand would write over an array or a model. */
static int check_name(const char *out) {
    static const char *const others[] = {".npy", ".npz", ".png", ".csv", ".safetensors"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t n = strlen(out), length = strlen(others[i]);
        if (n > length && strcasecmp(out + n - length, others[i]) == 0) {
            return usage_error("--out %s: an archive is no %s file: call it .prnn", out, others[i]);
        }
    }
    return output_check_text("out", out);
}

static int run(session *s) {
    const settings *want = s->settings;
    compress_input in = {.s = s,
                         .path = want->data,
                         .as_stored = want->no_orientation,
                         .skip = want->skip,
                         .array = want->array,
                         .first = want->first,
                         .limit = want->limit};
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    int code;
    TRY(check_name(want->out));
    TRY(session_open(s));
    TRY(exit_code(s->ctx, prnn_model_load(s->ctx, s->args->operands[0], &s->model)));
    TRY(compress_input_open(&in));
    TRY(write_archive(s, &in, &info));
    print(s, &in, &info);
done:
    compress_input_close(&in);
    return code;
}

const struct command command_compress = {
    .name = "compress",
    .summary = "images into an archive, without loss",
    .operand = "MODEL",
    .description =
        "Compresses pictures of any sizes, or the images of an array, into one archive, from which 'pixelrnn "
        "decompress' makes the same pixels again. The model says how probable each value is, and the archive "
        "takes as many bits as 'pixelrnn eval' says: few for many images like those that the model was "
        "trained on; what it would enlarge is stored as zlib compresses it. A model with a palette codes "
        "pictures by the numbers of their colours, if all are in it. Whoever decompresses needs the same "
        "model.\n"
        "\n"
        "Pictures keep their names, channels and transparency. Not kept: EXIF and other notes (pictures are "
        "turned as EXIF says), colour profiles, palettes (their pixels are kept), and how the file was "
        "compressed.",
    .examples =
        "pixelrnn compress models/photos-colour.safetensors --data photographs/ --out photographs.prnn\n"
        "pixelrnn compress models/mnist-row.safetensors --data digits.npy --model-inside --out digits.prnn",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

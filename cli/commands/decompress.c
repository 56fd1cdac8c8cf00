/* pixelrnn decompress: the images of an archive, as they were. */
#include "commands/archive_report.h"
#include "commands/image_files.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/output.h"
#include "support/stop.h"
#include "support/try.h"

#include <pixelrnn/io.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct settings {
    struct common common;
    const char *out, *extract;
    bool overwrite, json;
    uint64_t max_pixels;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .max_pixels = (uint64_t)1 << 30};

static const struct option options[] = {
    OUTPUT(
        "out", offsetof(settings, out), "FOLDER/|F.npy|F.png", OPTION_REQUIRED,
        "a folder: each image as a PNG picture under its name (with .png behind it, unless it is there), or "
        "its number, and with its number too where another image's file has the name; .npy: all of them, "
        "which must have one size, as uint8 (images, H, W, C); .png: one image"),
    STRING("extract", offsetof(settings, extract), "NAME", 0,
           "this image alone, by its name or number ('pixelrnn list' tells them): only what is coded "
           "together with it is decoded"),
    UINT64("max-pixels", offsetof(settings, max_pixels), 1, 0,
           "refuse an archive that says that it has more pixels: a small file may claim a huge number"),
    FLAG("overwrite", offsetof(settings, overwrite), 0, "write into a folder that holds pictures"),
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

typedef struct unpacking {
    session *s;
    const settings *want;
    output_kind kind;
    uint64_t first, count, written;
    lost_images lost;
    uint8_t *array; /* of .npy: those so far, `held` images */
    uint64_t held;
    image_files files; /* of a folder */
    prnn_archive_image shape;
    int code; /* of what failed */
} unpacking;

/* ---------------------------------------------------------------------------------------- images */

/* Makes the folders of `path` below its first `n` characters. */
static int make_folders(char *path, size_t n) {
    int code = EXIT_OK;
    for (char *slash = strchr(path + n, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        code = mkdir(path, 0777) == 0 || errno == EEXIST
                   ? EXIT_OK
                   : fail("%s: the folder cannot be made: %s", path, strerror(errno));
        *slash = '/';
        TRY(code);
    }
done:
    return code;
}

static int write_picture(const unpacking *u, uint64_t index, const prnn_archive_image *image,
                         const uint8_t *values) {
    char *path = u->kind == OUTPUT_PNG ? strdup(u->want->out) : image_files_path(&u->files, index);
    int code;
    TRY(check_memory(path));
    if (u->kind == OUTPUT_FOLDER) {
        TRY(make_folders(path, strlen(u->want->out)));
    }
    TRY(exit_code(u->s->ctx,
                  prnn_write_picture(u->s->ctx, path, values, image->height, image->width, image->channels)));
done:
    free(path);
    return code;
}

static bool on_image(void *user, uint64_t index, const prnn_archive_image *image, const uint8_t *values,
                     const char *why) {
    unpacking *u = user;
    if (!values) {
        lost_images_add(&u->lost, index, image, why);
    } else if (u->kind == OUTPUT_NPY) {
        size_t bytes = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
        memcpy(u->array + u->held++ * bytes, values, bytes);
    } else {
        u->code = write_picture(u, index, image, values);
        u->written += u->code == EXIT_OK;
    }
    return u->code == EXIT_OK && !stop_asked();
}

static bool on_progress(void *user, const prnn_progress *report) {
    unpacking *u = user;
    progress_show(&u->s->bar, report);
    return !stop_asked();
}

/* ---------------------------------------------------------------------------------------- choose */

static int choose_images(unpacking *u) {
    const char *name = u->want->extract;
    uint64_t all = prnn_archive_count(u->s->archive);
    u->count = name ? 1 : all;
    if (!name || prnn_archive_find(u->s->archive, name, &u->first)) {
        return EXIT_OK;
    }
    if (!parse_uint64(name, &u->first) || u->first >= all) {
        return fail("%s: has no image '%s' ('pixelrnn list %s' tells what it has)", u->s->path, name,
                    u->s->path);
    }
    return EXIT_OK;
}

/* Images whose names would be those of one file. */
static int make_folder(unpacking *u) {
    int code;
    TRY(image_files_begin(&u->files, u->s->archive, u->first, u->count, u->want->out));
    TRY(output_make_folder(u->want->out));
    uint64_t n = image_files_numbered(&u->files);
    if (n) {
        note("%s: %" PRIu64 " image%s %s a number behind the name, which is that of another one's file",
             u->want->out, n, plural(n), n == 1 ? "has" : "have");
    }
done:
    return code;
}

/* All images of an array have one shape; of what the list is lost nobody knows it. */
static int make_array(unpacking *u) {
    uint64_t known = 0;
    u->shape = (prnn_archive_image)PRNN_ARCHIVE_IMAGE_INIT;
    for (uint64_t i = u->first; i < u->first + u->count; i++) {
        prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT, *shape = &u->shape;
        prnn_archive_image_at(u->s->archive, i, &image);
        if (image.height == 0) {
            continue;
        }
        if (known++ && (image.height != shape->height || image.width != shape->width ||
                        image.channels != shape->channels)) {
            return usage_error("--out %s: image %" PRIu64
                               " is %d x %d x %d, and the first one %d x %d x %d: an array "
                               "has images of one size, name a folder",
                               u->want->out, i, image.height, image.width, image.channels, shape->height,
                               shape->width, shape->channels);
        }
        *shape = image;
    }
    size_t bytes = (size_t)u->shape.height * (size_t)u->shape.width * (size_t)u->shape.channels;
    u->array = known ? session_allocate(u->s, (size_t)known, bytes) : NULL;
    return known ? check_memory(u->array) : EXIT_OK;
}

static int check_output(unpacking *u) {
    const settings *want = u->want;
    int code;
    TRY(output_check("out", want->out, ALLOW_PNG | ALLOW_NPY | ALLOW_FOLDER, &u->kind));
    if (u->kind == OUTPUT_PNG && !want->extract) {
        return usage_error("--out %s is one picture: name a folder, or with --extract the image", want->out);
    }
    if (u->kind == OUTPUT_FOLDER && !want->overwrite) {
        TRY(output_check_no_pictures("out", want->out));
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------------ work */

static int write_array(unpacking *u) {
    const size_t shape[] = {(size_t)u->held, (size_t)u->shape.height, (size_t)u->shape.width,
                            (size_t)u->shape.channels};
    int code;
    TRY(exit_code(u->s->ctx, prnn_write_npy(u->s->ctx, u->want->out, PRNN_U8, 4, shape, u->array)));
    u->written = u->held;
    if (u->lost.count) {
        note("%s: has the %" PRIu64 " others, in their order", u->want->out, u->written);
    }
done:
    return code;
}

static int unpack(unpacking *u) {
    session *s = u->s;
    prnn_archive_read_options how = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    int code;
    how.first = u->first;
    how.count = u->count;
    how.max_pixels = u->want->max_pixels;
    how.image = on_image;
    how.progress = on_progress;
    how.user = u;
    stop_catch();
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status = prnn_archive_read(s->ctx, s->archive, s->model, &how);
    progress_end(&s->bar);
    lost_images_end(&u->lost);
    if (u->code != EXIT_OK) {
        return u->code;
    }
    if (status == PRNN_STOPPED) {
        return fail("stopped after %" PRIu64 " of %" PRIu64 " images", u->written, u->count);
    }
    if (status != PRNN_ERROR_FORMAT) {
        TRY(exit_code(s->ctx, status));
    }
    char why[1024];
    snprintf(why, sizeof why, "%s", prnn_message(s->ctx));
    TRY(u->kind == OUTPUT_NPY && u->held ? write_array(u) : EXIT_OK);
    prnn_archive_describe(s->archive, &info);
    if (status != PRNN_OK) {
        code = fail("%s", why);
    }
done:
    return code;
}

static int run(session *s) {
    unpacking u = {.s = s, .want = s->settings, .lost.s = s};
    json j;
    int code;
    TRY(check_output(&u));
    TRY(session_open(s));
    TRY(session_open_archive(s));
    TRY(choose_images(&u));
    TRY(u.kind == OUTPUT_NPY ? make_array(&u) : EXIT_OK);
    TRY(u.kind == OUTPUT_FOLDER ? make_folder(&u) : EXIT_OK);
    if (u.want->json) {
        u.lost.report = &j;
        report_json_begin(&j, stdout);
        report_json_string(&j, "archive", s->path);
        report_json_open_array(&j, "lost");
    }
    code = unpack(&u);
    if (u.want->json) {
        report_json_close_array(&j);
        report_json_uint(&j, "written", u.written);
        report_json_string(&j, "out", u.want->out);
        report_json_end(&j);
    } else if (u.written) {
        say("%s: %" PRIu64 " image%s", u.want->out, u.written, plural(u.written));
    }
done:
    image_files_end(&u.files);
    return code;
}

const struct command command_decompress = {
    .name = "decompress",
    .summary = "the images of an archive, as they were",
    .operand = "ARCHIVE",
    .before = "MODEL",
    .description =
        "Makes the images of an archive again, to the pixel. The model is the one that the archive was made "
        "with, in whatever file, unless the archive has it inside. Where any is coded by the model, another "
        "one, "
        "or one that is computed in another arithmetic, is refused before anything is decoded.\n\n"
        "Of a damaged archive, or one that was cut off, all images are written whose blocks are whole; the "
        "others are named, and the exit code is 1. No image is written that is not as it was.",
    .examples = "pixelrnn decompress models/photos-colour.safetensors photographs.prnn --out photographs/\n"
                "pixelrnn decompress digits.prnn --out digits.npy\n"
                "pixelrnn decompress models/photos-colour.safetensors photographs.prnn --extract cat.png "
                "--out cat.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

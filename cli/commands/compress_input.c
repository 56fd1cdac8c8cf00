#include "commands/compress_input.h"

#include "support/data.h"
#include "support/memory.h"
#include "support/try.h"

#include <pixelrnn/io.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------------------------- pictures */

/* Pictures of which something would be lost count as such that cannot be used. */
static int look_at_picture(compress_input *in, const prnn_picture_info *p) {
    char why[4608];
    struct stat st;
    if (p->deep || p->more_pages) {
        snprintf(why, sizeof why, "%s: %s, and archives hold %s: convert it first", p->name,
                 p->deep ? "has samples of 16 bits" : "holds several pictures",
                 p->deep ? "8" : "one of each file");
        skipped_note(&in->s->missing, p->name, why);
        return EXIT_OK;
    }
    if (stat(p->name, &st) != 0) {
        return fail("%s: cannot be read: %s", p->name, strerror(errno));
    }
    in->count++;
    in->file_bytes += (uint64_t)st.st_size;
    return EXIT_OK;
}

static bool is_kept(const prnn_picture_info *p) {
    return !p->deep && !p->more_pages;
}

static int check_pictures(compress_input *in) {
    const skipped *missing = &in->s->missing;
    int code;
    for (size_t i = 0; i < prnn_listing_count(in->list); i++) {
        prnn_picture_info p = PRNN_PICTURE_INFO_INIT;
        prnn_listing_picture(in->list, i, &p);
        TRY(look_at_picture(in, &p));
    }
    if (missing->count && (!in->skip || !in->s->common->quiet)) {
        skipped_print(missing);
    }
    if (missing->count && !in->skip) {
        return fail("%s: %zu file%s cannot be kept as %s: move %s away, or give --skip to leave %s out",
                    in->path, missing->count, plural(missing->count),
                    missing->count == 1 ? "it is" : "they are", missing->count == 1 ? "it" : "them",
                    missing->count == 1 ? "it" : "them");
    }
    TRY(in->count ? EXIT_OK : fail("%s: no pictures are left", in->path));
done:
    return code;
}

/* *listed: it is a folder of pictures, or one. */
static int list_pictures(compress_input *in, bool *listed) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    session *s = in->s;
    int code = EXIT_OK;
    options.as_stored = in->as_stored;
    options.alpha = PRNN_ALPHA_KEEP;
    options.first = in->first;
    options.limit = in->limit;
    *listed = false;
    if (in->array) {
        return EXIT_OK;
    }
    TRY(data_look(s->ctx, s->common->quiet, in->path, &options, &s->missing, &in->list, listed));
done:
    return code;
}

/* "a/b.png" of "folder/a/b.png" in "folder"; of one picture its own name. */
static const char *name_below(const char *folder, const char *path) {
    size_t n = strlen(folder);
    const char *last = strrchr(path, '/');
    const char *below = strncmp(folder, path, n) == 0 && path[n] ? path + n : last ? last : path;
    return below + strspn(below, "/");
}

static int add_picture(const compress_input *in, const prnn_picture_info *p, prnn_archive_writer *writer) {
    prnn_context *ctx = in->s->ctx;
    const char *name = in->piped ? NULL : name_below(in->path, p->name);
    prnn_pixels pixels;
    int code;
    TRY(exit_code(ctx, prnn_read_picture(ctx, p->name, in->as_stored, &pixels)));
    TRY(exit_code(ctx, prnn_archive_writer_add(ctx, writer, name, pixels.values, 1, pixels.height,
                                               pixels.width, pixels.channels)));
done:
    prnn_pixels_free(&pixels);
    return code;
}

static int add_pictures(const compress_input *in, prnn_archive_writer *writer) {
    int code = EXIT_OK;
    for (size_t i = 0; i < prnn_listing_count(in->list); i++) {
        prnn_picture_info p = PRNN_PICTURE_INFO_INIT;
        prnn_listing_picture(in->list, i, &p);
        TRY(is_kept(&p) ? add_picture(in, &p, writer) : EXIT_OK);
    }
done:
    return code;
}

/* ---------------------------------------------------------------------------------------- a set */

/* The bytes of the file, whatever the model's levels are. */
static int open_set(compress_input *in) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    prnn_config config = PRNN_CONFIG_INIT;
    session *s = in->s;
    int code;
    prnn_model_config(s->model, &config);
    options.array_height = config.height;
    options.array_width = config.width;
    options.first = in->first;
    options.limit = in->limit;
    options.array = in->array;
    TRY(data_open_and_note(s->ctx, s->common->quiet, in->path, &options, &s->missing, &s->data));
    in->count = prnn_data_count(s->data);
done:
    return code;
}

static int add_set(const compress_input *in, prnn_archive_writer *writer) {
    session *s = in->s;
    int height = prnn_data_height(s->data), width = prnn_data_width(s->data);
    int channels = prnn_data_channels(s->data);
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels, some = ((size_t)1 << 20) / bytes + 1;
    uint8_t *images = session_allocate(s, some, bytes);
    int code;
    TRY(check_memory(images));
    for (size_t first = 0; first < in->count; first += some) {
        size_t left = (size_t)in->count - first, n = left < some ? left : some;
        TRY(data_read(s->ctx, s->data, first, n, 0, images));
        TRY(exit_code(s->ctx,
                      prnn_archive_writer_add(s->ctx, writer, NULL, images, n, height, width, channels)));
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------------ both */

int compress_input_open(compress_input *in) {
    bool listed;
    int code;
    /* Pictures are looked at, and then read again. */
    TRY(spool_pipe(in->path, in->copy, &in->piped));
    in->path = in->piped ? in->copy : in->path;
    TRY(list_pictures(in, &listed));
    TRY(listed ? check_pictures(in) : open_set(in));
done:
    return code;
}

void compress_input_close(compress_input *in) {
    prnn_listing_free(in->list);
    in->list = NULL;
}

int compress_input_add(const compress_input *in, prnn_archive_writer *writer) {
    return in->list ? add_pictures(in, writer) : add_set(in, writer);
}

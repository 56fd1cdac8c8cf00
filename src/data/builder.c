#include "data/builder.h"

#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/try.h"
#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REPORT = 64 /* images between two reports */ };

static prnn_status check_options(prnn_context *ctx, const prnn_data_options *o) {
    if (o->levels < 2 || o->levels > 256) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d levels: choose 2 to 256", o->levels);
    }
    if (o->values != PRNN_VALUES_8BIT && o->values != PRNN_VALUES_LEVELS) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "values %d: choose 8bit or levels", (int)o->values);
    }
    if (o->binarize_sample && (o->levels != 2 || o->values != PRNN_VALUES_8BIT)) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "binarizing by sampling makes 2 levels out of 8-bit values: it cannot make %d levels%s",
            o->levels, o->values == PRNN_VALUES_8BIT ? "" : ", nor start from levels");
    }
    if (o->height < 0 || o->height > PRNN_MODEL_SIDE || o->width < 0 || o->width > PRNN_MODEL_SIDE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a size of %d x %d (height x width): choose 1 to %d each, or 0 for that of the file",
                         o->height, o->width, PRNN_MODEL_SIDE);
    }
    if (o->channels != 0 && o->channels != 1 && o->channels != 3) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d channels: choose 1 or 3, or 0 for those of the file",
                         o->channels);
    }
    if (o->fit != PRNN_FIT_EXACT && o->fit != PRNN_FIT_CROP && o->fit != PRNN_FIT_RESIZE &&
        o->fit != PRNN_FIT_SUBSAMPLE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "fit %d: choose exact, crop, resize or subsample",
                         (int)o->fit);
    }
    if (o->alpha != PRNN_ALPHA_OVER && o->alpha != PRNN_ALPHA_DROP && o->alpha != PRNN_ALPHA_KEEP) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "alpha %d: choose over, drop or keep", (int)o->alpha);
    }
    return PRNN_OK;
}

/* What a palette does not go with. */
static prnn_status check_palette(prnn_context *ctx, const prnn_data_options *o) {
    prnn_colours all;
    if (o->palette && !o->paletted) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "a palette is given for images that are not paletted");
    }
    if (!o->paletted) {
        return PRNN_OK;
    }
    if (o->binarize_sample || o->channels == 3 || o->fit == PRNN_FIT_RESIZE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "numbers of colours cannot be %s",
                         o->binarize_sample ? "binarized: leave that out"
                         : o->channels == 3 ? "3 channels: they are one"
                                            : "averaged, as fit resize does: choose crop or subsample");
    }
    if (o->values == PRNN_VALUES_LEVELS && !o->palette) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "values levels says that the file holds numbers of colours: give their palette");
    }
    return o->palette ? prnn_colours_take(ctx, "the palette", o->palette, &all) : PRNN_OK;
}

prnn_status prnn_builder_init(prnn_builder *b, prnn_context *ctx, const char *name,
                              const prnn_data_options *options) {
    *b = (prnn_builder){.ctx = ctx, .name = name, .options = PRNN_DATA_OPTIONS_INIT, .began = prnn_clock()};
    prnn_status status = prnn_options_read(ctx, &b->options, &prnn_data_options_fields, options);
    if (status == PRNN_OK) {
        status = check_options(ctx, &b->options);
    }
    return status == PRNN_OK ? check_palette(ctx, &b->options) : status;
}

prnn_status prnn_builder_slice(prnn_builder *b, uint64_t total) {
    if (b->options.array && !b->named) {
        return prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                         "%s: is no .npz file, and so has no array of the name %s: leave the name out",
                         b->name, b->options.array);
    }
    if (!total) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: holds no images", b->name);
    }
    if (b->options.first >= total) {
        return prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                         "%s: holds %llu image%s, counted from 0: there is none from number %zu on", b->name,
                         (unsigned long long)total, prnn_plural(total), b->options.first);
    }
    b->first = b->options.first;
    b->count = (size_t)(total - b->first);
    if (b->options.limit && b->options.limit < b->count) {
        b->count = b->options.limit;
    }
    return PRNN_OK;
}

/* The palette that was given, or room to find one. */
static prnn_status begin_palette(prnn_builder *b) {
    const prnn_palette *given = b->options.palette;
    prnn_data *d = b->data;
    prnn_colours **to = given ? &d->colours : &b->found;
    *to = prnn_alloc(b->ctx, given ? 1 : 2, sizeof **to, "a palette");
    if (!*to) {
        return PRNN_ERROR_MEMORY;
    }
    d->paletted = true;
    d->channels = 1;
    if (given) {
        d->levels = given->count;
    }
    return given ? prnn_colours_take(b->ctx, "the palette", given, d->colours) : PRNN_OK;
}

prnn_status prnn_builder_shape(prnn_builder *b, const char *name, const prnn_image *image) {
    const prnn_data_options *o = &b->options;
    if (o->alpha == PRNN_ALPHA_KEEP) {
        return prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                         "%s: alpha is kept where pictures are listed alone: choose over or drop", name);
    }
    prnn_data *d = prnn_alloc(b->ctx, 1, sizeof *d, "a data set");
    if (!d) {
        return PRNN_ERROR_MEMORY;
    }
    b->data = d;
    d->height = o->height ? o->height : image->height;
    d->width = o->width ? o->width : image->width;
    d->channels = o->channels ? o->channels : image->channels;
    d->levels = o->levels;
    d->scale = o->values;
    d->fit = o->fit;
    d->any_channels = o->channels != 0;
    d->draw = o->binarize_sample;
    if (d->height > PRNN_PICTURE_SIDE || d->width > PRNN_PICTURE_SIDE) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: the image is %d x %d (height x width), and at most %d x %d is read: choose a size and "
            "fit crop, resize or subsample",
            name, image->height, image->width, PRNN_PICTURE_SIDE, PRNN_PICTURE_SIDE);
    }
    if (d->draw && prnn_data_size(d) > PRNN_DRAWN_VALUES) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: an image has %zu values, and binarizing by sampling draws %zu at most: choose a "
            "smaller size",
            name, prnn_data_size(d), PRNN_DRAWN_VALUES);
    }
    return o->paletted ? begin_palette(b) : PRNN_OK;
}

prnn_status prnn_builder_room(prnn_builder *b) {
    prnn_data *d = b->data;
    uint8_t **room = b->out ? &b->one : &d->values;
    *room = prnn_alloc(b->ctx, b->out ? 1 : b->count, prnn_data_size(d), "the images");
    if (!*room) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_MEMORY,
            "%s: %zu image%s of %d x %d x %d (height x width x channels) need more memory than this "
            "machine has: choose a limit or a smaller size, or convert them into a .npy file, which "
            "is read from where it is",
            b->name, b->count, prnn_plural(b->count), d->height, d->width, d->channels);
    }
    return PRNN_OK;
}

/* PRNN_STOPPED if the caller wants that. */
static prnn_status tell(prnn_builder *b) {
    size_t seen = b->done + b->skipped;
    if (!b->options.progress || (seen % REPORT && seen != b->count)) {
        return PRNN_OK;
    }
    const prnn_progress p = prnn_progress_since(b->began, b->out ? "convert" : "read", seen, b->count);
    return b->options.progress(b->options.user, &p)
               ? PRNN_OK
               : prnn_fail(b->ctx, PRNN_STOPPED, "%s: stopped after %zu of %zu image%s%s", b->name, seen,
                           b->count, prnn_plural(b->count), b->out ? "; nothing was written" : "");
}

prnn_status prnn_builder_fail_write(prnn_builder *b) {
    return prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: could not be written: %s; nothing was changed",
                     b->out->path, strerror(errno));
}

prnn_status prnn_builder_merge(prnn_builder *b, const char *name, const prnn_colours *own, uint8_t *values) {
    size_t size = prnn_data_size(b->data), beyond = 0;
    uint8_t numbers[PRNN_PALETTE_MOST] = {0};
    for (int k = 0; k < own->palette.count; k++) {
        int number = prnn_colours_add(b->found, own->palette.colours[k]);
        beyond += number < 0;
        numbers[k] = (uint8_t)number;
    }
    if (beyond) {
        return prnn_data_fail_colours(b->ctx, name, b->first + b->done + b->skipped,
                                      PRNN_PALETTE_MOST + beyond);
    }
    for (size_t i = 0; i < size; i++) {
        values[i] = numbers[values[i]];
    }
    return PRNN_OK;
}

prnn_status prnn_builder_number(prnn_builder *b) {
    prnn_data *d = b->data;
    const uint8_t *first = b->found->palette.colours[0];
    d->levels = b->found->palette.count;
    if (d->levels < 2) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: has the one colour #%02x%02x%02x, and a palette has 2 or more: read it without",
                         b->name, first[0], first[1], first[2]);
    }
    prnn_colours_sort(b->found, b->renumbered);
    d->colours = b->found; /* and the room behind them */
    b->found = NULL;
    return PRNN_OK;
}

prnn_status prnn_builder_store(prnn_builder *b, const uint8_t *values) {
    size_t size = prnn_data_size(b->data);
    uint8_t *to = b->out ? NULL : b->data->values + b->done * size;
    if (b->out && b->out->stream && fwrite(values, 1, size, b->out->stream) != size) {
        return prnn_builder_fail_write(b);
    }
    if (to && to != values) {
        memcpy(to, values, size);
    }
    if (b->folders) {
        b->folders[b->done] = b->folders[b->first + b->done + b->skipped];
    }
    return prnn_builder_count(b);
}

prnn_status prnn_builder_count(prnn_builder *b) {
    b->done++;
    return tell(b);
}

prnn_status prnn_builder_name(prnn_builder *b, const char *path) {
    prnn_data *d = b->data;
    if (b->out) {
        return PRNN_OK;
    }
    if (!d->names) {
        d->names = prnn_alloc(b->ctx, b->count, sizeof *d->names, "the names of files");
    }
    char *copy = d->names ? strdup(path) : NULL;
    if (!copy) {
        return prnn_fail(b->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files",
                         b->name);
    }
    size_t seen = b->done - 1 + b->skipped;
    d->names[b->done - 1] = (prnn_name){copy, b->numbers ? b->numbers[seen] : b->first + seen};
    return PRNN_OK;
}

prnn_status prnn_builder_skip(prnn_builder *b, const char *path, const char *why) {
    if (!b->skipped++) {
        snprintf(b->reason, sizeof b->reason, "%s", why);
    }
    if (b->options.skipped) {
        b->options.skipped(b->options.user, path, why);
    }
    return tell(b);
}

void prnn_builder_leave(prnn_builder *b, const char *path, const char *why) {
    b->left++;
    if (b->options.skipped) {
        b->options.skipped(b->options.user, path, why);
    }
}

void prnn_builder_note(prnn_builder *b, const char *format, ...) {
    char sentence[1024];
    va_list args;
    if (b->options.note) {
        va_start(args, format);
        vsnprintf(sentence, sizeof sentence, format, args);
        va_end(args);
        b->options.note(b->options.user, sentence);
    }
}

prnn_status prnn_builder_put(prnn_builder *b, const char *name, const prnn_image *image) {
    prnn_status status = PRNN_OK;
    if (!b->data) {
        TRY(prnn_builder_shape(b, name, image));
        TRY(prnn_builder_room(b));
    }
    uint8_t *to = b->out ? b->one : b->data->values + b->done * prnn_data_size(b->data);
    prnn_colours *own = b->found ? b->found + 1 : NULL;
    TRY(prnn_data_take(b->ctx, b->data, name, b->first + b->done, image, to, &b->highest, own));
    TRY(own ? prnn_builder_merge(b, name, own, to) : PRNN_OK);
    TRY(prnn_builder_store(b, to));
done:
    return status;
}

/* ------------------------------------------------------------------------------------ several files */

bool prnn_builder_wants(const prnn_builder *b, uint64_t before, uint64_t has, uint64_t *from, uint64_t *n) {
    uint64_t wanted = b->count - b->done;
    *from = b->first + b->done - before;
    *n = *from >= has ? 0 : wanted < has - *from ? wanted : has - *from;
    return *n > 0;
}

prnn_status prnn_builder_put_files(prnn_builder *b, char *const *paths, size_t count, prnn_visit_fn *visit,
                                   const void *user) {
    uint64_t total = 0, before = 0, has;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < count; i++) {
        TRY(visit(b, paths[i], user, NULL, &has));
        total += has;
    }
    TRY(prnn_builder_slice(b, total));
    for (size_t i = 0; i < count && b->done < b->count; i++) {
        TRY(visit(b, paths[i], user, &before, &has));
        before += has;
    }
    if (b->done < b->count) {
        status =
            prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: its files became shorter while they were read", b->name);
    }
done:
    return status;
}

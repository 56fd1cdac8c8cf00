#include "draw/sheet.h"

#include "draw/levels.h"
#include "support/memory.h"
#include "support/stop.h"
#include "support/try.h"

#include <math.h>
#include <pixelrnn/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 8, CAPTION_LETTERS = 16, SHEET_SIDE = 32768 };

int sheet_check(const arguments *args, const char *out, output_kind kind, bool overwrite) {
    const struct {
        const char *name;
        bool used;
        const char *what;
    } rules[] = {
        {"columns", kind == OUTPUT_PNG, "a contact sheet"},
        {"captions", kind == OUTPUT_PNG, "a contact sheet"},
        {"zoom", kind == OUTPUT_PNG || kind == OUTPUT_FOLDER, "pictures, such as a contact sheet"},
        {"overwrite", kind == OUTPUT_FOLDER, "a folder of pictures"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i].used && option_given(args, rules[i].name)) {
            return usage_error("--%s is for %s, and --out %s is none: leave it out", rules[i].name,
                               rules[i].what, out);
        }
    }
    bool mixes = kind == OUTPUT_FOLDER && !overwrite;
    return mixes ? output_check_no_pictures("out", out) : 0;
}

static double columns_of(const sheet *s) {
    double columns = s->columns ? s->columns : ceil(sqrt((double)s->count));
    return columns < (double)s->count ? columns : (double)s->count;
}

int sheet_check_size(const sheet *s) {
    double tall = ceil((double)s->count / columns_of(s)) * s->height * s->zoom;
    double wide = columns_of(s) * s->width * s->zoom;
    return tall <= SHEET_SIDE && wide <= SHEET_SIDE
               ? EXIT_OK
               : usage_error("a sheet of %.0f x %.0f pixels is too large (%d a side): fewer images, other "
                             "--columns, a smaller --zoom, or a folder of pictures",
                             tall, wide, SHEET_SIDE);
}

/* Each pixel of an image becomes a square. */
static void enlarge(const sheet *s, const uint8_t *image, uint8_t *large) {
    size_t zoom = (size_t)s->zoom, channels = (size_t)s->channels, width = (size_t)s->width * zoom;
    for (size_t row = 0; row < (size_t)s->height * zoom; row++) {
        for (size_t col = 0; col < width; col++, large += channels) {
            memcpy(large, image + (row / zoom * (size_t)s->width + col / zoom) * channels, channels);
        }
    }
}

static int write_plain(prnn_context *ctx, const char *path, const sheet *s) {
    size_t size = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    size_t large = size * (size_t)s->zoom * (size_t)s->zoom;
    uint8_t *enlarged = NULL;
    int code;
    if (s->zoom > 1) {
        enlarged = allocate(s->count, large);
        TRY(enlarged
                ? EXIT_OK
                : fail("there is not enough memory for %zu images of %d x %d pixels: a smaller --zoom, or "
                       "fewer images",
                       s->count, s->height * s->zoom, s->width * s->zoom));
    }
    for (size_t i = 0; enlarged && i < s->count; i++) {
        enlarge(s, s->images + i * size, enlarged + i * large);
    }
    const uint8_t *images = enlarged ? enlarged : s->images;
    int height = s->height * s->zoom, width = s->width * s->zoom;
    prnn_status status =
        s->palette
            ? prnn_write_palette_png(ctx, path, images, s->count, height, width, s->palette, s->columns)
            : prnn_write_png(ctx, path, images, s->count, height, width, s->channels, s->levels, s->columns);
    TRY(exit_code(ctx, status));
done:
    free(enlarged);
    return code;
}

/* ------------------------------------------------------------------------------- with captions */

/* A sheet whose images have words below them. */
typedef struct captioned {
    int columns, rows;
    int image_height, image_width; /* enlarged */
    caption_layout caption;
} captioned;

static int place_captions(const sheet *s, captioned *l) {
    int count = (int)s->count;
    l->columns = (int)columns_of(s);
    l->rows = (count + l->columns - 1) / l->columns;
    l->image_height = s->height * s->zoom;
    l->image_width = s->width * s->zoom;
    l->caption = caption_place(s->captions, s->count, l->image_width, CAPTION_LETTERS);
    double tall = GAP + l->rows * (double)(l->image_height + l->caption.height + GAP);
    double wide = GAP + l->columns * (double)(l->caption.width + GAP);
    return s->count <= SHEET_SIDE && tall <= SHEET_SIDE && wide <= SHEET_SIDE
               ? EXIT_OK
               : usage_error("a sheet of %.0f x %.0f pixels with captions is too large (%d a side): fewer "
                             "images, a smaller --zoom or no --captions",
                             tall, wide, SHEET_SIDE);
}

static void draw_captioned(canvas *c, const sheet *s, const captioned *l, size_t image) {
    int row = (int)image / l->columns, column = (int)image % l->columns;
    int top = GAP + row * (l->image_height + l->caption.height + GAP);
    int left = GAP + column * (l->caption.width + GAP), inside = (l->caption.width - l->image_width) / 2;
    const uint8_t *pixel = s->images + image * (size_t)(s->height * s->width * s->channels);
    for (int y = 0; y < s->height; y++) {
        for (int x = 0; x < s->width; x++, pixel += s->channels) {
            canvas_fill(c, top + y * s->zoom, left + inside + x * s->zoom, s->zoom, s->zoom,
                        colour_of_levels(pixel, s->channels, s->levels, s->palette));
        }
    }
    caption_draw(c, &l->caption, top + l->image_height, left, &s->captions[image]);
}

static int write_captioned(prnn_context *ctx, const char *path, const sheet *s) {
    captioned l;
    canvas c = {0};
    int code;
    TRY(place_captions(s, &l));
    int height = GAP + l.rows * (l.image_height + l.caption.height + GAP);
    TRY(canvas_create(&c, height, GAP + l.columns * (l.caption.width + GAP)) ? EXIT_OK : fail_memory());
    for (size_t i = 0; i < s->count; i++) {
        draw_captioned(&c, s, &l, i);
    }
    TRY(exit_code(ctx, prnn_write_png(ctx, path, c.pixels, 1, c.height, c.width, 3, 256, 1)));
done:
    canvas_free(&c);
    return code;
}

int sheet_write(prnn_context *ctx, const char *path, const sheet *s) {
    return (s->captions ? write_captioned : write_plain)(ctx, path, s);
}

/* ------------------------------------------------------------------------------ single pictures */

int sheet_write_each(prnn_context *ctx, const char *folder, const sheet *s, const size_t *numbers,
                     size_t samples) {
    size_t size = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    size_t length = strlen(folder), room = length + 64;
    const char *slash = folder[length - 1] == '/' ? "" : "/";
    char *path = allocate(room, 1);
    sheet one = *s;
    int code;
    one.count = 1;
    one.captions = NULL;
    one.columns = 1;
    TRY(check_memory(path));
    TRY(output_make_folder(folder));
    stop_catch();
    for (size_t i = 0; i < s->count; i++) {
        if (stop_asked()) {
            code = fail("%s: stopped after %zu of %zu pictures", folder, i, s->count);
            break;
        }
        size_t image = samples ? i / samples : i, number = numbers ? numbers[image] : image;
        if (samples) {
            snprintf(path, room, "%s%s%05zu-%05zu.png", folder, slash, number, i % samples);
        } else {
            snprintf(path, room, "%s%s%05zu.png", folder, slash, number);
        }
        one.images = s->images + i * size;
        TRY(sheet_write(ctx, path, &one));
    }
done:
    free(path);
    return code;
}

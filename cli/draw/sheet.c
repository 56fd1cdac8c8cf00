#include "draw/sheet.h"

#include "support/memory.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sheet_check(const arguments *args, const char *out, output_kind kind, bool overwrite) {
    const struct {
        const char *name;
        bool used;
        const char *what;
    } rules[] = {
        {"columns", kind == OUTPUT_PNG, "a contact sheet"},
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

/* Each pixel of an image becomes a square. */
static void enlarge(const sheet *s, const uint8_t *image, uint8_t *large) {
    size_t zoom = (size_t)s->zoom, channels = (size_t)s->channels, width = (size_t)s->width * zoom;
    for (size_t row = 0; row < (size_t)s->height * zoom; row++) {
        for (size_t col = 0; col < width; col++, large += channels) {
            memcpy(large, image + (row / zoom * (size_t)s->width + col / zoom) * channels, channels);
        }
    }
}

int sheet_write(prnn_context *ctx, const char *path, const sheet *s) {
    size_t size = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    size_t large = size * (size_t)s->zoom * (size_t)s->zoom;
    uint8_t *enlarged = NULL;
    int code;
    if (s->zoom > 1) {
        enlarged = allocate(s->count, large);
        TRY(check_memory(enlarged));
    }
    for (size_t i = 0; enlarged && i < s->count; i++) {
        enlarge(s, s->images + i * size, enlarged + i * large);
    }
    prnn_status status =
        prnn_write_png(ctx, path, enlarged ? enlarged : s->images, s->count, s->height * s->zoom,
                       s->width * s->zoom, s->channels, s->levels, s->columns);
    TRY(exit_code(ctx, status));
done:
    free(enlarged);
    return code;
}

int sheet_write_each(prnn_context *ctx, const char *folder, const sheet *s, size_t first, size_t samples) {
    size_t size = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    size_t length = strlen(folder), room = length + 64;
    const char *slash = folder[length - 1] == '/' ? "" : "/";
    char *path = allocate(room, 1);
    sheet one = *s;
    int code;
    one.count = 1;
    one.columns = 1;
    TRY(check_memory(path));
    TRY(output_make_folder(folder));
    for (size_t i = 0; i < s->count; i++) {
        if (samples) {
            snprintf(path, room, "%s%s%05zu-%05zu.png", folder, slash, first + i / samples, i % samples);
        } else {
            snprintf(path, room, "%s%s%05zu.png", folder, slash, first + i);
        }
        one.images = s->images + i * size;
        TRY(sheet_write(ctx, path, &one));
    }
done:
    free(path);
    return code;
}

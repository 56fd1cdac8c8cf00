#include "draw/sheet.h"

#include "support/memory.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdlib.h>
#include <string.h>

int sheet_check(const arguments *args, const char *out, output_kind kind) {
    static const char *const names[] = {"columns", "zoom"};
    for (size_t i = 0; kind != OUTPUT_PNG && i < sizeof names / sizeof *names; i++) {
        if (option_given(args, names[i])) {
            return usage_error("--%s is for a contact sheet, and --out %s is none", names[i], out);
        }
    }
    return 0;
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

#include "image/palette.h"

#include "base/call.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"

#include <pixelrnn/io.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- looking up */

/* The slot of a colour, or the free one where it would be. */
static size_t slot_of(const prnn_colours *c, const uint8_t *colour) {
    uint32_t all = (uint32_t)colour[0] << 16 | (uint32_t)colour[1] << 8 | colour[2];
    size_t slot = all * 2654435761u >> 22;
    while (c->slots[slot] && memcmp(c->palette.colours[c->slots[slot] - 1], colour, 3) != 0) {
        slot = (slot + 1) % PRNN_PALETTE_SLOTS;
    }
    return slot;
}

int prnn_colours_find(const prnn_colours *c, const uint8_t *colour) {
    return c->slots[slot_of(c, colour)] - 1;
}

int prnn_colours_add(prnn_colours *c, const uint8_t *colour) {
    size_t slot = slot_of(c, colour);
    if (!c->slots[slot]) {
        if (c->palette.count == PRNN_PALETTE_MOST) {
            return -1;
        }
        memcpy(c->palette.colours[c->palette.count], colour, 3);
        c->slots[slot] = (uint16_t)++c->palette.count;
    }
    return c->slots[slot] - 1;
}

prnn_status prnn_colours_take(prnn_context *ctx, const char *name, const prnn_palette *palette,
                              prnn_colours *c) {
    *c = (prnn_colours){0};
    if (palette->count < 2 || palette->count > PRNN_PALETTE_MOST) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: a palette of %d colour%s: choose 2 to %d", name,
                         palette->count, prnn_plural((uint64_t)palette->count), PRNN_PALETTE_MOST);
    }
    for (int k = 0; k < palette->count; k++) {
        const uint8_t *colour = palette->colours[k];
        int first = prnn_colours_find(c, colour);
        if (first >= 0) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "%s: the colours %d and %d of the palette are both #%02x%02x%02x: leave one out",
                             name, first, k, colour[0], colour[1], colour[2]);
        }
        prnn_colours_add(c, colour);
    }
    return PRNN_OK;
}

bool prnn_palette_same(const prnn_palette *a, const prnn_palette *b) {
    return a && b ? a->count == b->count && memcmp(a->colours, b->colours, (size_t)a->count * 3) == 0
                  : a == b;
}

/* ------------------------------------------------------------------------------------------- order */

static int compare(const void *a, const void *b) {
    const uint8_t *x = a, *y = b;
    int luma_x = 299 * x[0] + 587 * x[1] + 114 * x[2], luma_y = 299 * y[0] + 587 * y[1] + 114 * y[2];
    return luma_x != luma_y ? luma_x - luma_y : memcmp(x, y, 3);
}

void prnn_colours_sort(prnn_colours *c, uint8_t numbers[PRNN_PALETTE_MOST]) {
    const prnn_palette before = c->palette;
    prnn_palette sorted = before;
    qsort(sorted.colours, (size_t)sorted.count, sizeof *sorted.colours, compare);
    *c = (prnn_colours){0};
    for (int k = 0; k < sorted.count; k++) {
        prnn_colours_add(c, sorted.colours[k]);
    }
    for (int k = 0; k < before.count; k++) {
        numbers[k] = (uint8_t)prnn_colours_find(c, before.colours[k]);
    }
}

/* -------------------------------------------------------------------------------------------- text */

void prnn_palette_format(const prnn_palette *palette, char after, char text[PRNN_PALETTE_TEXT]) {
    for (int k = 0; k < palette->count; k++) {
        const uint8_t *colour = palette->colours[k];
        snprintf(text + (size_t)k * 8, 9, "#%02x%02x%02x%c", colour[0], colour[1], colour[2], after);
    }
}

static int digit_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Reads the colour that is all of a word. */
static bool parse_colour(const char *word, size_t length, uint8_t *colour) {
    const char *digits = length && word[0] == '#' ? word + 1 : word;
    bool good = length - (size_t)(digits - word) == 6;
    for (int c = 0; c < 3 && good; c++) {
        int high = digit_of(digits[2 * c]), low = digit_of(digits[2 * c + 1]);
        good = high >= 0 && low >= 0;
        colour[c] = good ? (uint8_t)(16 * high + low) : 0;
    }
    return good;
}

prnn_status prnn_palette_parse(prnn_context *ctx, const char *name, const char *text, size_t length,
                               prnn_palette *palette) {
    prnn_colours all;
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8: some editors write it */
    size_t begins = length >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    *palette = (prnn_palette){0};
    for (size_t at = begins; at < length; at++) {
        size_t begin = at;
        while (at < length && !is_space(text[at])) {
            at++;
        }
        if (at == begin) {
            continue;
        }
        if (palette->count == PRNN_PALETTE_MOST) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: has more than the %d colours of a palette", name,
                             PRNN_PALETTE_MOST);
        }
        if (!parse_colour(text + begin, at - begin, palette->colours[palette->count])) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: word %d is no colour like ff8000: a palette is a text file of such words, "
                             "one for each level",
                             name, palette->count + 1);
        }
        palette->count++;
    }
    prnn_status status = prnn_colours_take(ctx, name, palette, &all);
    return status == PRNN_ERROR_ARGUMENT ? PRNN_ERROR_FORMAT : status;
}

prnn_status prnn_read_palette(prnn_context *ctx, const char *path, prnn_palette *palette) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(palette));
    enum { LIMIT = 1 << 16 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    prnn_palette read;
    prnn_status status;
    TRY(prnn_file_read_any(ctx, path, LIMIT, &bytes, &size));
    TRY(prnn_palette_parse(ctx, path, (const char *)bytes, size, &read));
    *palette = read;
done:
    prnn_free(bytes);
    return status;
}

prnn_status prnn_write_palette(prnn_context *ctx, const char *path, const prnn_palette *palette) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(palette));
    char text[PRNN_PALETTE_TEXT];
    prnn_colours checked;
    prnn_file_writer writer;
    prnn_status status;
    TRY(prnn_colours_take(ctx, path, palette, &checked));
    TRY(prnn_file_begin(ctx, path, &writer));
    prnn_palette_format(palette, '\n', text);
    for (int k = 0; k < palette->count; k++) { /* as such files have them: without the # */
        fwrite(text + 8 * (size_t)k + 1, 1, 7, writer.stream);
    }
    status = prnn_file_commit(ctx, &writer); /* knows whether the stream has failed */
done:
    return status;
}

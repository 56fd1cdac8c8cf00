#include "codec/parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of a side: as even as can be, none longer than a tile. */
static int pieces(int side, int tile) {
    return (side + tile - 1) / tile;
}

static int piece_begin(int side, int tile, int i) {
    return (int)((int64_t)side * i / pieces(side, tile));
}

static int colours_of(const prnn_record *r) {
    return r->channels >= 3 ? 3 : 1;
}

/* Whether all colours of a pixel are in one part, for a model of C channels. */
static bool are_together(const prnn_record *r, int channels) {
    return channels == 3 || r->how == PRNN_HOW_COLOURS;
}

/* Parts of a tile: all colours or each of them, and alpha. */
static int parts_of_tile(const prnn_record *r, int channels) {
    int colours = colours_of(r);
    return (are_together(r, channels) ? 1 : colours) + (r->channels > colours);
}

static size_t parts_of_image(const prnn_record *r, const prnn_header *h) {
    return (size_t)pieces(r->height, h->tile) * (size_t)pieces(r->width, h->tile) *
           (size_t)parts_of_tile(r, h->channels);
}

/* Part number i of the tile that `part` is. */
static void choose_channels(const prnn_record *r, int channels, int i, prnn_part *part) {
    int colours = colours_of(r);
    bool alpha = r->channels > colours && i == parts_of_tile(r, channels) - 1;
    bool together = are_together(r, channels);
    part->channel = alpha ? colours : together ? 0 : i;
    part->channels = together && !alpha ? colours : 1;
    part->how = alpha ? PRNN_HOW_STORED : r->how;
}

static size_t add_image(const prnn_record *r, const prnn_header *h, uint32_t image, prnn_part *list) {
    int rows = pieces(r->height, h->tile), cols = pieces(r->width, h->tile),
        each = parts_of_tile(r, h->channels);
    size_t n = 0;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            prnn_part tile = {.image = image};
            tile.row = piece_begin(r->height, h->tile, i);
            tile.col = piece_begin(r->width, h->tile, j);
            tile.height = piece_begin(r->height, h->tile, i + 1) - tile.row;
            tile.width = piece_begin(r->width, h->tile, j + 1) - tile.col;
            for (int k = 0; k < each; k++, n++) {
                list[n] = tile;
                choose_channels(r, h->channels, k, &list[n]);
            }
        }
    }
    return n;
}

static int order(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* Larger ones first; then as they are in the batch. */
static int compare_parts(const void *one, const void *other) {
    const prnn_part *a = one, *b = other;
    int found = order(a->how == PRNN_HOW_STORED, b->how == PRNN_HOW_STORED);
    found = found ? found : order((int64_t)b->height * b->width, (int64_t)a->height * a->width);
    found = found ? found : order(b->height, a->height);
    found = found ? found : order(b->channels, a->channels);
    found = found ? found : order(a->image, b->image);
    found = found ? found : order(a->row, b->row);
    found = found ? found : order(a->col, b->col);
    return found ? found : order(a->channel, b->channel);
}

prnn_status prnn_parts_make(prnn_context *ctx, const prnn_directory *d, const prnn_header *h,
                            prnn_parts *parts) {
    uint32_t image = 0;
    *parts = (prnn_parts){0};
    size_t count = 0;
    for (size_t r = 0; r < d->count; r++) {
        count += d->list[r].run * parts_of_image(&d->list[r], h);
    }
    parts->list = prnn_alloc(ctx, count, sizeof *parts->list, "the parts of images");
    if (!parts->list) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t r = 0; r < d->count; r++) {
        for (uint32_t i = 0; i < d->list[r].run; i++) {
            parts->count += add_image(&d->list[r], h, image++, parts->list + parts->count);
        }
    }
    qsort(parts->list, parts->count, sizeof *parts->list, compare_parts);
    return PRNN_OK;
}

void prnn_parts_free(prnn_parts *parts) {
    prnn_free(parts->list);
    *parts = (prnn_parts){0};
}

bool prnn_parts_alike(const prnn_part *a, const prnn_part *b) {
    return a->height == b->height && a->width == b->width && a->channels == b->channels &&
           (a->how == PRNN_HOW_STORED) == (b->how == PRNN_HOW_STORED);
}

/* --------------------------------------------------------------------------------------- pixels */

/* The first value of row `row` of a part in its image. */
static size_t row_at(const prnn_part *p, const prnn_record *r, int row) {
    return ((size_t)(p->row + row) * (size_t)r->width + (size_t)p->col) * (size_t)r->channels +
           (size_t)p->channel;
}

void prnn_part_take(const prnn_part *p, const prnn_record *r, const uint8_t *image, uint8_t *values) {
    size_t channels = (size_t)p->channels;
    for (int row = 0; row < p->height; row++) {
        const uint8_t *from = image + row_at(p, r, row);
        for (int col = 0; col < p->width; col++, values += channels, from += r->channels) {
            memcpy(values, from, channels);
        }
    }
}

void prnn_part_put(const prnn_part *p, const prnn_record *r, const uint8_t *values, uint8_t *image) {
    size_t channels = (size_t)p->channels;
    for (int row = 0; row < p->height; row++) {
        uint8_t *to = image + row_at(p, r, row);
        for (int col = 0; col < p->width; col++, values += channels, to += r->channels) {
            memcpy(to, values, channels);
        }
    }
}

/* --------------------------------------------------------------------------------------- levels */

static uint8_t spread(int level, int levels) {
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): 2 levels or more */
    return (uint8_t)((255 * level + (levels - 1) / 2) / (levels - 1));
}

static int level_of(uint8_t value, int levels) {
    return value * levels / 256;
}

/* The colour of a pixel, grey or not. */
static int find_colour(const prnn_colours *colours, const uint8_t *pixel, int channels) {
    const uint8_t grey[] = {pixel[0], pixel[0], pixel[0]};
    return prnn_colours_find(colours, channels < 3 ? grey : pixel);
}

static bool are_colours(const uint8_t *values, size_t n, int channels, const prnn_colours *colours) {
    for (size_t pixel = 0; pixel < n; pixel += (size_t)channels) {
        if (find_colour(colours, values + pixel, channels) < 0) {
            return false;
        }
    }
    return true;
}

prnn_how prnn_how_of(const uint8_t *values, size_t n, int channels, int levels, const prnn_colours *colours) {
    bool seen[256] = {false}, are_levels = true, are_spread = true;
    int each = channels >= 3 ? 3 : 1, different = 0;
    for (size_t pixel = 0; pixel < n; pixel += (size_t)channels) {
        for (int c = 0; c < each; c++) {
            seen[values[pixel + (size_t)c]] = true;
        }
    }
    for (int v = 0; v < 256; v++) {
        different += seen[v];
        are_levels &= !seen[v] || v < levels;
        are_spread &= !seen[v] || spread(level_of((uint8_t)v, levels), levels) == v;
    }
    /* One channel may have numbers of colours, or greys. Numbers are all greys of the palette, too, only by
     * chance, but for images of one value: such are often among numbers (nothing but background). */
    bool one_number = each == 1 && different == 1 && are_levels;
    if (!one_number && are_colours(values, n, channels, colours)) {
        return PRNN_HOW_COLOURS;
    }
    return are_levels ? PRNN_HOW_LEVELS : are_spread ? PRNN_HOW_SPREAD : PRNN_HOW_STORED;
}

static void colours_to_numbers(const prnn_part *p, const prnn_colours *colours, const uint8_t *values,
                               size_t n, uint8_t *numbers) {
    for (size_t pixel = 0; pixel < n; pixel += (size_t)p->channels) {
        *numbers++ = (uint8_t)find_colour(colours, values + pixel, p->channels);
    }
}

static bool colours_from_numbers(const prnn_part *p, const prnn_colours *colours, const uint8_t *numbers,
                                 size_t n, uint8_t *values) {
    bool equal = true;
    for (size_t pixel = 0; pixel < n; pixel += (size_t)p->channels) {
        const uint8_t *colour = colours->palette.colours[*numbers++];
        equal &= p->channels == 3 || (colour[0] == colour[1] && colour[0] == colour[2]);
        memcpy(values + pixel, colour, (size_t)p->channels);
    }
    return equal;
}

void prnn_part_to_levels(const prnn_part *p, const prnn_header *h, const prnn_colours *colours,
                         const uint8_t *values, size_t n, uint8_t *levels) {
    int repeat = h->channels / p->channels;
    if (p->how == PRNN_HOW_COLOURS) {
        colours_to_numbers(p, colours, values, n, levels);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int level = p->how == PRNN_HOW_SPREAD ? level_of(values[i], h->levels) : values[i];
        for (int k = 0; k < repeat; k++) {
            *levels++ = (uint8_t)level;
        }
    }
}

bool prnn_part_from_levels(const prnn_part *p, const prnn_header *h, const prnn_colours *colours,
                           const uint8_t *levels, size_t n, uint8_t *values) {
    int repeat = h->channels / p->channels;
    bool equal = true;
    if (p->how == PRNN_HOW_COLOURS) {
        return colours_from_numbers(p, colours, levels, n, values);
    }
    for (size_t i = 0; i < n; i++, levels += repeat) {
        equal &= levels[0] == levels[repeat - 1] && levels[0] == levels[repeat / 2];
        values[i] = p->how == PRNN_HOW_SPREAD ? spread(levels[0], h->levels) : levels[0];
    }
    return equal;
}

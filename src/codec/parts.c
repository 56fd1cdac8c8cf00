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

/* Parts of a tile: all colours or each of them, and alpha. */
static int parts_of_tile(const prnn_record *r, int channels) {
    int colours = colours_of(r);
    return (channels == 1 ? colours : 1) + (r->channels > colours);
}

static size_t parts_of_image(const prnn_record *r, const prnn_header *h) {
    return (size_t)pieces(r->height, h->tile) * (size_t)pieces(r->width, h->tile) *
           (size_t)parts_of_tile(r, h->channels);
}

/* Part number i of the tile that `part` is. */
static void choose_channels(const prnn_record *r, int channels, int i, prnn_part *part) {
    int colours = colours_of(r);
    bool alpha = r->channels > colours && i == parts_of_tile(r, channels) - 1;
    part->channel = alpha ? colours : channels == 1 ? i : 0;
    part->channels = alpha || channels == 1 ? 1 : colours;
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

prnn_how prnn_how_of(const uint8_t *values, size_t n, int channels, int levels) {
    bool seen[256] = {false}, are_levels = true, are_spread = true;
    int colours = channels >= 3 ? 3 : 1;
    for (size_t pixel = 0; pixel < n; pixel += (size_t)channels) {
        for (int c = 0; c < colours; c++) {
            seen[values[pixel + (size_t)c]] = true;
        }
    }
    for (int v = 0; v < 256; v++) {
        are_levels &= !seen[v] || v < levels;
        are_spread &= !seen[v] || spread(level_of((uint8_t)v, levels), levels) == v;
    }
    return are_levels ? PRNN_HOW_LEVELS : are_spread ? PRNN_HOW_SPREAD : PRNN_HOW_STORED;
}

void prnn_part_to_levels(const prnn_part *p, const prnn_header *h, const uint8_t *values, size_t n,
                         uint8_t *levels) {
    int repeat = h->channels / p->channels;
    for (size_t i = 0; i < n; i++) {
        int level = p->how == PRNN_HOW_SPREAD ? level_of(values[i], h->levels) : values[i];
        for (int k = 0; k < repeat; k++) {
            *levels++ = (uint8_t)level;
        }
    }
}

bool prnn_part_from_levels(const prnn_part *p, const prnn_header *h, const uint8_t *levels, size_t n,
                           uint8_t *values) {
    int repeat = h->channels / p->channels;
    bool equal = true;
    for (size_t i = 0; i < n; i++, levels += repeat) {
        equal &= levels[0] == levels[repeat - 1] && levels[0] == levels[repeat / 2];
        values[i] = p->how == PRNN_HOW_SPREAD ? spread(levels[0], h->levels) : levels[0];
    }
    return equal;
}

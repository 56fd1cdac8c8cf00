/* What the tests of archives share: images of all kinds, archives of them, and what was read of one. */
#ifndef TESTS_ARCHIVES_H
#define TESTS_ARCHIVES_H

#include "laws.h"

#include <unistd.h>

/* How the values of a picture are chosen. */
typedef enum paint { PAINT_LEVELS, PAINT_SPREAD, PAINT_ANY, PAINT_FLAT, PAINT_COLOURS } paint;

/* Colours of a palette: every third one is grey, and their order is none. */
static UNUSED prnn_palette palette_of(int levels) {
    prnn_palette p = {.count = levels};
    for (int k = 0; k < levels; k++) {
        int grey = (5 * k + 3) % 256;
        p.colours[k][0] = (uint8_t)(k % 3 ? k : grey);
        p.colours[k][1] = (uint8_t)(k % 3 ? 255 - k : grey);
        p.colours[k][2] = (uint8_t)(k % 3 ? 7 * k : grey);
    }
    return p;
}

typedef struct picture {
    const char *name;
    int height, width, channels;
    paint paint;
    uint8_t *values;
    size_t bytes;
} picture;

static UNUSED void picture_paint(picture *p, int levels, uint64_t seed) {
    const prnn_palette palette = palette_of(levels);
    int number = 0;
    p->bytes = (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    p->values = malloc(p->bytes);
    assert_non_null(p->values);
    for (size_t i = 0; i < p->bytes; i++) {
        int level = (int)(random_bits(&seed) % (uint64_t)levels), any = (int)(random_bits(&seed) & 255);
        int shown = (510 * level / (levels - 1) + 1) / 2;
        bool alpha = p->channels % 2 == 0 && (int)(i % (size_t)p->channels) == p->channels - 1;
        size_t channel = i % (size_t)p->channels;
        number = channel ? number : p->channels < 3 ? level / 3 * 3 : level;
        const int values[] = {[PAINT_LEVELS] = level,
                              [PAINT_SPREAD] = shown,
                              [PAINT_ANY] = any,
                              [PAINT_FLAT] = 0,
                              [PAINT_COLOURS] = palette.colours[number][channel % 3]};
        p->values[i] = (uint8_t)(alpha ? any : values[p->paint]);
    }
}

/* Pictures of all sizes, channels and values. */
typedef struct album {
    picture list[80];
    size_t count;
} album;

static UNUSED void album_add(album *a, const char *name, int height, int width, int channels, paint how) {
    assert_true(a->count < sizeof a->list / sizeof *a->list);
    a->list[a->count++] =
        (picture){.name = name, .height = height, .width = width, .channels = channels, .paint = how};
}

static UNUSED album album_of(int levels) {
    album a = {.count = 0};
    album_add(&a, "one.png", 1, 1, 1, PAINT_LEVELS);
    album_add(&a, NULL, 1, 7, 3, PAINT_SPREAD);
    album_add(&a, "a folder/tall.png", 9, 1, 3, PAINT_LEVELS);
    for (int i = 0; i < 37; i++) {
        album_add(&a, NULL, 4, 5, i % 9 ? 3 : 1, i % 7 == 0 ? PAINT_SPREAD : PAINT_LEVELS);
    }
    album_add(&a, "clear.png", 6, 5, 4, PAINT_SPREAD);
    album_add(&a, "grey and clear.png", 5, 6, 2, PAINT_LEVELS);
    album_add(&a, "noise.png", 5, 5, 3, PAINT_ANY);
    album_add(&a, "black", 20, 3, 1, PAINT_FLAT);
    album_add(&a, "tiles.png", 17, 35, 3, PAINT_LEVELS);
    for (size_t i = 0; i < a.count; i++) {
        picture_paint(&a.list[i], levels, i + 1);
    }
    return a;
}

/* With pictures in the colours of the palette of so many levels. */
static UNUSED album album_of_colours(int levels) {
    album a = album_of(levels);
    size_t before = a.count;
    for (int i = 0; i < 17; i++) {
        album_add(&a, NULL, 5, 4, 3, PAINT_COLOURS);
    }
    album_add(&a, "sprites/clear.png", 6, 5, 4, PAINT_COLOURS);
    album_add(&a, "sprites/grey.png", 4, 5, 1, PAINT_COLOURS);
    album_add(&a, "sprites/grey and clear.png", 7, 5, 2, PAINT_COLOURS);
    album_add(&a, "map.png", 35, 18, 3, PAINT_COLOURS);
    for (size_t i = before; i < a.count; i++) {
        picture_paint(&a.list[i], levels, i + 1);
    }
    return a;
}

/* What a model says of its palette. */
static UNUSED void model_set_palette(prnn_context *ctx, prnn_model *model, const prnn_palette *palette) {
    char text[8 * 256 + 1];
    for (int k = 0; k < palette->count; k++) {
        const uint8_t *c = palette->colours[k];
        snprintf(text + 8 * (size_t)k, 9, "#%02x%02x%02x ", c[0], c[1], c[2]);
    }
    assert_ok(ctx, prnn_model_set_metadata(ctx, model, "palette", text));
}

static UNUSED void album_free(album *a) {
    for (size_t i = 0; i < a->count; i++) {
        free(a->list[i].values);
    }
}

/* A context of a test. */
static UNUSED prnn_context *context_of(const char *cpu, int threads) {
    prnn_context *ctx = prnn_context_create();
    assert_non_null(ctx);
    assert_ok(ctx, prnn_context_set_cpu(ctx, cpu));
    assert_ok(ctx, prnn_context_set_threads(ctx, threads));
    return ctx;
}

static UNUSED prnn_archive_info archive_write(prnn_context *ctx, const prnn_model *model, const album *a,
                                              const char *path, const prnn_archive_options *options) {
    prnn_archive_writer *writer;
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    assert_ok(ctx, prnn_archive_writer_create(ctx, model, path, options, &writer));
    for (size_t i = 0; i < a->count; i++) {
        const picture *p = &a->list[i];
        assert_ok(ctx, prnn_archive_writer_add(ctx, writer, p->name, p->values, 1, p->height, p->width,
                                               p->channels));
    }
    assert_ok(ctx, prnn_archive_writer_finish(ctx, writer, &info));
    prnn_archive_writer_free(writer);
    assert_int_equal(info.images, a->count);
    return info;
}

/* What came of the images of an album. Values that are given must be right, whatever else is. */
typedef struct seen {
    const album *album;
    uint64_t next;
    size_t whole, lost;
    bool given[80];
} seen;

static UNUSED bool see(void *user, uint64_t index, const prnn_archive_image *image, const uint8_t *values,
                       const char *why) {
    seen *s = user;
    assert_true(index >= s->next && index < s->album->count);
    s->next = index + 1;
    assert_true((values == NULL) == (why != NULL));
    if (!values) {
        assert_true(strlen(why) > 0);
        s->lost++;
        return true;
    }
    const picture *p = &s->album->list[index];
    assert_string_equal(image->name, p->name ? p->name : "");
    assert_int_equal(image->height, p->height);
    assert_int_equal(image->width, p->width);
    assert_int_equal(image->channels, p->channels);
    assert_memory_equal(values, p->values, p->bytes);
    s->whole++;
    s->given[index] = true;
    return true;
}

static UNUSED void expect_album(prnn_context *ctx, const prnn_model *model, const album *a,
                                const char *path) {
    prnn_archive *archive;
    seen s = {.album = a};
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    options.image = see;
    options.user = &s;
    assert_ok(ctx, prnn_archive_open(ctx, path, &archive));
    assert_ok(ctx, prnn_archive_read(ctx, archive, model, &options));
    assert_int_equal(s.whole, a->count);
    prnn_archive_free(archive);
}

/* A whole file, to be freed. */
static UNUSED uint8_t *file_bytes(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*n + 1);
    assert_true(bytes && fread(bytes, 1, *n, f) == *n);
    fclose(f);
    return bytes;
}

static UNUSED void file_put(const char *path, const uint8_t *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(bytes, 1, n, f) == n);
    assert_int_equal(fclose(f), 0);
}

#endif

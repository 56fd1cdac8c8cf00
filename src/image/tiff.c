/* TIFF through libtiff, whose messages are kept with each file: its first page. */
#include "image/reader.h"

#ifdef PRNN_HAVE_TIFF

#include "base/budget.h"
#include "base/memory.h"
#include "base/try.h"
#include "image/orientation.h"

#include <stdio.h>
#include <string.h>
#include <tiffio.h>

/* Of one block that libtiff makes for itself: the entries of its directory, and the places of its strips. */
enum { BLOCK_LIMIT = 64 << 20 };

/* More than LZW can make of a byte, and that more than deflate. */
enum { BYTES_PER_BYTE = 4096 };

/* ------------------------------------------------------------------------------------------ file */

/* A file in memory, and what libtiff said of it. */
typedef struct source {
    const uint8_t *bytes;
    size_t size, at;
    char why[256]; /* its first error */
    bool lacks_memory, lacks_tags;
} source;

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t n) {
    source *s = handle;
    size_t left = s->at < s->size ? s->size - s->at : 0, part = n < 0 ? 0 : (size_t)n;
    part = part < left ? part : left;
    if (part) {
        memcpy(to, s->bytes + s->at, part);
    }
    s->at += part;
    return (tmsize_t)part;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t n) {
    (void)handle;
    (void)from;
    (void)n;
    return -1;
}

static toff_t seek_to(thandle_t handle, toff_t offset, int whence) {
    source *s = handle;
    uint64_t from = whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->size : 0;
    s->at = (size_t)(from + offset);
    return s->at;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    const source *s = handle;
    return s->size;
}

/* libtiff tells want of memory by its words alone, or by none. */
static bool is_memory(const char *why) {
    static const char *const words[] = {"emory",  "No space",    "annot allocate", "ailed to allocate",
                                        "malloc", "Insertion in"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(why, words[i])) {
            return !strstr(why, "beyond the"); /* BLOCK_LIMIT: the file asks for it */
        }
    }
    return false;
}

static void keep_words(source *s, const char *words) {
    if (!s->why[0]) {
        words += strspn(words, ": "); /* behind the name of the file, which has none here */
        snprintf(s->why, sizeof s->why, "%s", words);
        prnn_printable(s->why);
    }
}

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list args) {
    source *s = user;
    char why[sizeof s->why];
    (void)tiff;
    (void)module;
    vsnprintf(why, sizeof why, format, args);
    s->lacks_memory = s->lacks_memory || is_memory(why);
    keep_words(s, why);
    return 1; /* and nothing is printed */
}

/* libtiff only warns where it leaves out a part of the directory, and where the file ends too soon for one.
 * The pixels depend on some of them: without its palette a picture would become grey. */
static int judge_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list args) {
    static const char *const words[] = {"IO error", "\"ColorMap\"", "\"ExtraSamples\"", "\"SampleFormat\""};
    source *s = user;
    char why[sizeof s->why];
    (void)tiff;
    (void)module;
    vsnprintf(why, sizeof why, format, args);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(why, words[i])) {
            s->lacks_tags = true;
            keep_words(s, why);
        }
    }
    return 1;
}

static TIFF *open_source(source *s) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) {
        s->lacks_memory = true;
        return NULL;
    }
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, judge_warning, s);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, BLOCK_LIMIT + (tmsize_t)s->size);
    TIFF *tiff = TIFFClientOpenExt("", "rm", s, read_bytes, write_nothing, seek_to, close_nothing, size_of,
                                   NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static prnn_status refuse(prnn_context *ctx, const char *name, const source *s) {
    return s->lacks_memory || !s->why[0]
               ? prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it (%s)", name, s->why)
               : prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid TIFF file (%s)", name, s->why);
}

/* ---------------------------------------------------------------------------------------- layout */

/* How the samples of a page lie in its units: its strips or tiles, of one plane or of all samples. */
typedef struct layout {
    uint32_t height, width;
    uint32_t unit_height, unit_width;
    size_t unit_bytes, row_bytes; /* of a unit, and of a row of it */
    unsigned bits, samples;       /* of a sample, and of a pixel */
    bool tiled, planes;
    bool white_is_zero, alpha, associated; /* associated: the colours are multiplied by alpha */
    uint16_t *palette[3];
    unsigned palette_shift; /* from its entries to bytes */
    unsigned colours;       /* samples of a pixel that are no alpha: 1 or 3 */
} layout;

static unsigned field(TIFF *tiff, uint32_t tag) {
    uint16_t value = 0;
    return TIFFGetFieldDefaulted(tiff, tag, &value) ? value : 0;
}

static prnn_status check_samples(prnn_context *ctx, const char *name, TIFF *tiff, const layout *l) {
    unsigned format = field(tiff, TIFFTAG_SAMPLEFORMAT), most = l->palette[0] ? 8 : 16;
    static const char *const words[] = {"", "", " signed", " floating-point", "", " complex", " complex"};
    bool whole = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    bool known =
        l->bits == 8 || l->bits == 16 || (l->colours == 1 && (l->bits == 1 || l->bits == 2 || l->bits == 4));
    if (!whole || !known || l->bits > most) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its samples are%s of %u bits, and unsigned ones of 8 or 16 are read (of grey, of 1, 2 "
            "and 4 too; of palettes, up to 8): save it with 8 bits a sample",
            name, format < sizeof words / sizeof *words ? words[format] : "", l->bits);
    }
    return PRNN_OK;
}

static prnn_status check_compression(prnn_context *ctx, const char *name, TIFF *tiff) {
    static const unsigned known[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                     COMPRESSION_DEFLATE, COMPRESSION_PACKBITS};
    unsigned compression = field(tiff, TIFFTAG_COMPRESSION);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (compression == known[i] && TIFFIsCODECConfigured((uint16_t)compression)) {
            return PRNN_OK;
        }
    }
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: is compressed in a way (number %u) that is not read: save it with deflate or LZW, or "
        "without compression",
        name, compression);
}

/* Entries are of 16 bits, but those that some programs write are bytes. */
static void find_palette_shift(layout *l) {
    l->palette_shift = 0;
    for (unsigned c = 0; c < 3; c++) {
        for (size_t i = 0; i < (size_t)1 << l->bits; i++) {
            l->palette_shift = l->palette[c][i] > 255 ? 8 : l->palette_shift;
        }
    }
}

/* Without its palette libtiff makes grey of a picture: so what it should have, and has not, found no memory.
 */
static prnn_status fail_field(prnn_context *ctx, const char *name) {
    return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it", name);
}

/* What the samples of a pixel mean. */
static prnn_status read_meaning(prnn_context *ctx, const char *name, TIFF *tiff, layout *l) {
    uint16_t extra = 0, *kinds = NULL, photometric;
    prnn_status status;
    l->bits = field(tiff, TIFFTAG_BITSPERSAMPLE);
    l->samples = field(tiff, TIFFTAG_SAMPLESPERPIXEL);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric)) { /* as libtiff itself guesses */
        photometric = l->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    }
    l->colours = photometric == PHOTOMETRIC_RGB ? 3 : 1;
    l->white_is_zero = photometric == PHOTOMETRIC_MINISWHITE;
    if (photometric > PHOTOMETRIC_PALETTE || l->samples < l->colours) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its colours (photometric interpretation %u, %u samples a pixel) are none that are read: "
            "save it in grey, RGB or with a palette",
            name, photometric, l->samples);
    }
    if (photometric == PHOTOMETRIC_PALETTE) {
        TIFFGetField(tiff, TIFFTAG_COLORMAP, &l->palette[0], &l->palette[1], &l->palette[2]);
        TRY(l->palette[0] && l->palette[1] && l->palette[2] ? PRNN_OK : fail_field(ctx, name));
    }
    TRY(check_samples(ctx, name, tiff, l));
    TRY(check_compression(ctx, name, tiff));
    if (l->palette[0]) {
        find_palette_shift(l);
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds);
    if (extra > 0 && l->samples > l->colours) {
        TRY(kinds ? PRNN_OK : fail_field(ctx, name));
        l->associated = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
        l->alpha = l->associated || kinds[0] == EXTRASAMPLE_UNASSALPHA;
    }
    unsigned kept = l->colours + (l->alpha ? 1 : 0);
    if (l->samples > kept) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: a pixel has %u samples, and as %s%s it would have %u: save its channels as files "
            "of their own, or mark the last one as alpha if it is that",
            name, l->samples,
            l->palette[0]     ? "a number in a palette"
            : l->colours == 3 ? "RGB"
                              : "grey",
            l->alpha ? " and alpha" : "", kept);
    }
done:
    return status;
}

/* Where the samples are. */
static prnn_status read_units(prnn_context *ctx, const char *name, TIFF *tiff, const source *s, layout *l) {
    uint64_t unit_bytes, row_bytes, units = l->planes ? l->samples : 1;
    l->tiled = TIFFIsTiled(tiff);
    if (l->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &l->unit_height);
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &l->unit_width);
        unit_bytes = TIFFTileSize64(tiff);
        row_bytes = TIFFTileRowSize64(tiff);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &l->unit_height);
        l->unit_height = l->unit_height < l->height ? l->unit_height : l->height;
        l->unit_width = l->width;
        unit_bytes = TIFFVStripSize64(tiff, l->unit_height);
        row_bytes = TIFFScanlineSize64(tiff);
    }
    if (!l->unit_height || !l->unit_width || !unit_bytes || !row_bytes) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid TIFF file (its %s have no size)", name,
                         l->tiled ? "tiles" : "strips");
    }
    units *= (l->height - 1) / l->unit_height + 1;
    units *= (l->width - 1) / l->unit_width + 1;
    if (unit_bytes > (uint64_t)s->size * BYTES_PER_BYTE / units) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %u x %u pixels (height x width), in %s of %u x %u, which its %zu bytes "
            "cannot hold",
            name, l->height, l->width, l->tiled ? "tiles" : "strips", l->unit_height, l->unit_width, s->size);
    }
    l->unit_bytes = (size_t)unit_bytes;
    l->row_bytes = (size_t)row_bytes;
    return PRNN_OK;
}

static prnn_status read_layout(prnn_context *ctx, const char *name, TIFF *tiff, const source *s, layout *l) {
    prnn_status status;
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &l->height);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &l->width);
    if (!l->height || !l->width) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid TIFF file (it has no pixels)", name);
    }
    TRY(prnn_picture_check_size(ctx, name, l->height, l->width));
    TRY(read_meaning(ctx, name, tiff, l));
    l->planes = l->samples > 1 && field(tiff, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    TRY(read_units(ctx, name, tiff, s, l));
done:
    return status;
}

/* ---------------------------------------------------------------------------------------- pixels */

static unsigned sample_at(const uint8_t *row, size_t i, unsigned bits) {
    if (bits == 16) {
        uint16_t value;
        memcpy(&value, row + 2 * i, 2);
        return value;
    }
    return (unsigned)row[i * bits / 8] >> (8 - bits - i * bits % 8) & ((1u << bits) - 1);
}

static uint8_t byte_of(unsigned sample, unsigned bits) {
    return (uint8_t)(bits == 16 ? sample >> 8 : sample * 255 / ((1u << bits) - 1));
}

/* Puts sample number `sample` of a pixel, which is entry `i` of a row of a unit, into the pixel `to`. */
static void put_sample(const layout *l, const uint8_t *row, size_t i, unsigned sample, uint8_t *to) {
    unsigned v = sample_at(row, i, l->bits);
    if (sample == l->colours) {
        to[l->palette[0] ? 3 : l->colours] = byte_of(v, l->bits);
    } else if (l->palette[0]) {
        for (unsigned c = 0; c < 3; c++) {
            to[c] = (uint8_t)(l->palette[c][v] >> l->palette_shift);
        }
    } else {
        to[sample] = (uint8_t)(byte_of(v, l->bits) ^ (l->white_is_zero ? 255 : 0));
    }
}

/* The unit whose first pixel is (top, left), of a plane or of all samples, into the image. */
static void put_unit(const layout *l, const uint8_t *unit, uint32_t top, uint32_t left, unsigned plane,
                     const prnn_image *image) {
    uint32_t rows = l->height - top < l->unit_height ? l->height - top : l->unit_height;
    uint32_t columns = l->width - left < l->unit_width ? l->width - left : l->unit_width;
    unsigned kept = l->colours + (l->alpha ? 1 : 0);
    for (uint32_t y = 0; y < rows; y++) {
        const uint8_t *row = unit + y * l->row_bytes;
        uint8_t *to = image->values + ((size_t)(top + y) * l->width + left) * (size_t)image->channels;
        for (size_t x = 0; x < columns; x++, to += image->channels) {
            for (unsigned s = l->planes ? plane : 0; s < (l->planes ? plane + 1 : kept); s++) {
                put_sample(l, row, l->planes ? x : x * l->samples + s, s, to);
            }
        }
    }
}

/* The unit with the pixel (top, left); fails as libtiff does, or because it is short. */
static bool read_unit(TIFF *tiff, source *s, const layout *l, uint32_t top, uint32_t left, unsigned plane,
                      uint8_t *unit) {
    tmsize_t got, bytes = (tmsize_t)l->unit_bytes;
    if (l->tiled) {
        got = TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, left, top, 0, (uint16_t)plane), unit, bytes);
    } else {
        uint32_t rows = l->height - top < l->unit_height ? l->height - top : l->unit_height;
        bytes = (tmsize_t)(rows * l->row_bytes);
        got = TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, (uint16_t)plane), unit, bytes);
    }
    if (got >= 0 && got != bytes) {
        keep_words(s, l->tiled ? "a tile is too short" : "a strip is too short");
    }
    return got == bytes;
}

static prnn_status read_pixels(prnn_context *ctx, const char *name, TIFF *tiff, source *s, const layout *l,
                               uint8_t *unit, const prnn_image *image) {
    unsigned planes = l->planes ? l->colours + (l->alpha ? 1 : 0) : 1;
    for (unsigned plane = 0; plane < planes; plane++) {
        for (uint32_t top = 0; top < l->height; top += l->unit_height) {
            for (uint32_t left = 0; left < l->width; left += l->unit_width) {
                if (!read_unit(tiff, s, l, top, left, plane, unit)) {
                    return refuse(ctx, name, s);
                }
                put_unit(l, unit, top, left, plane, image);
            }
        }
    }
    return PRNN_OK;
}

/* Colours as they were before they were multiplied by alpha; composited over black they are again as stored.
 */
static void divide_by_alpha(const prnn_image *image) {
    size_t n = (size_t)image->height * (size_t)image->width, channels = (size_t)image->channels;
    for (size_t i = 0; i < n; i++) {
        uint8_t *pixel = image->values + i * channels;
        unsigned a = pixel[channels - 1];
        for (size_t c = 0; c + 1 < channels; c++) {
            unsigned v = a ? (pixel[c] * 255 + a / 2) / a : 0;
            pixel[c] = (uint8_t)(v < 255 ? v : 255);
        }
    }
}

/* ------------------------------------------------------------------------------------------ page */

static prnn_status decode(prnn_context *ctx, const char *name, TIFF *tiff, source *s, prnn_picture *picture) {
    layout l = {0};
    uint8_t *unit = NULL;
    prnn_image *image = &picture->image;
    prnn_status status;
    TRY(read_layout(ctx, name, tiff, s, &l));
    size_t pixels = (size_t)l.height * l.width, colours = l.palette[0] ? 3 : l.colours;
    unsigned turned = field(tiff, TIFFTAG_ORIENTATION);
    *image = (prnn_image){(int)l.height, (int)l.width, (int)colours + (l.alpha ? 1 : 0), NULL};
    picture->orientation = turned >= 1 && turned <= 8 ? (int)turned : 1;
    picture->more_pages = !TIFFLastDirectory(tiff);
    picture->deep = l.bits > 8;
    TRY(prnn_budget_take(ctx,
                         pixels * (size_t)image->channels +
                             prnn_turn_bytes(pixels * colours, picture->orientation) + l.unit_bytes +
                             2 * s->size,
                         name)); /* a strip as it is coded may be all of the file */
    image->values = prnn_alloc_raw(ctx, pixels, (size_t)image->channels, name);
    unit = prnn_alloc_raw(ctx, l.unit_bytes, 1, name);
    TRY(image->values && unit ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(read_pixels(ctx, name, tiff, s, &l, unit, image));
    if (l.associated) {
        divide_by_alpha(image);
    }
done:
    prnn_free(unit);
    return status;
}

prnn_status prnn_tiff_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                             prnn_picture *picture) {
    source s = {.bytes = bytes, .size = size};
    TIFF *tiff = open_source(&s);
    if (!tiff) {
        return refuse(ctx, name, &s);
    }
    prnn_status status = s.lacks_tags ? refuse(ctx, name, &s) : decode(ctx, name, tiff, &s, picture);
    TIFFClose(tiff);
    return s.lacks_memory ? refuse(ctx, name, &s)
                          : status; /* what libtiff found no memory for it leaves out */
}

#endif

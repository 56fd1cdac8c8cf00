/* PNG through libspng, which takes limits and returns errors. */
#include "image/reader.h"

#include "base/budget.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "image/orientation.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK_LIMIT = 16 << 20, CACHE_LIMIT = 32 << 20 };

/* libspng says of a stream that zlib had no memory for what it says of a damaged one, so it allocates here.
 */
static _Thread_local bool lacks_memory;

static void *noted(void *memory) {
    lacks_memory = lacks_memory || !memory;
    return memory;
}

static void *note_malloc(size_t size) {
    return noted(malloc(size ? size : 1)); /* NULL is want of memory alone */
}

static void *note_realloc(void *memory, size_t size) {
    return noted(realloc(memory, size ? size : 1));
}

static void *note_calloc(size_t count, size_t size) {
    return noted(count && size ? calloc(count, size) : calloc(1, 1));
}

/* NULL: no memory. */
static spng_ctx *new_png(int flags) {
    struct spng_alloc alloc = {note_malloc, note_realloc, note_calloc, free};
    lacks_memory = false;
    return spng_ctx_new2(&alloc, flags);
}

static prnn_status refuse(prnn_context *ctx, const char *name, int error) {
    if (error == SPNG_EMEM || lacks_memory) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to decode it", name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a valid PNG file (%s)", name, spng_strerror(error));
}

/* A file without its ancillary chunks, but for its transparency: the pixels depend on no other one, while
 * libspng refuses more than some and holds them in memory. */
typedef struct source {
    const uint8_t *at, *end;
    size_t left;                 /* of the chunk at hand */
    const uint8_t *transparency; /* the chunk, or NULL */
} source;

static size_t chunk_bytes(const uint8_t *p) {
    return 12 + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

static bool is_passed_over(const source *s) {
    return s->at[4] >= 'a' && s->at[4] <= 'z' && s->at != s->transparency;
}

/* Goes on to the next chunk that counts; what is no whole chunk is left to libspng to judge. */
static void next_chunk(source *s) {
    size_t there = (size_t)(s->end - s->at);
    while (there >= 12 && is_passed_over(s) && chunk_bytes(s->at) <= there) {
        s->at += chunk_bytes(s->at);
        there = (size_t)(s->end - s->at);
    }
    s->left = there >= 12 && chunk_bytes(s->at) < there ? chunk_bytes(s->at) : there;
}

static int read_chunks(spng_ctx *png, void *user, void *to, size_t n) {
    source *s = user;
    (void)png;
    for (uint8_t *values = to; n;) {
        if (!s->left) {
            next_chunk(s);
        }
        size_t part = n < s->left ? n : s->left;
        if (!part) {
            return SPNG_IO_EOF;
        }
        memcpy(values, s->at, part);
        values += part;
        s->at += part;
        s->left -= part;
        n -= part;
    }
    return 0;
}

/* The first chunk of a type in a file that begins as a PNG should; NULL: there is none, or it is damaged. */
static const uint8_t *find_chunk(const uint8_t *p, size_t n, const char *type) {
    for (size_t at = 8; n - at >= 12 && chunk_bytes(p + at) <= n - at; at += chunk_bytes(p + at)) {
        const uint8_t *chunk = p + at, *crc = chunk + chunk_bytes(chunk) - 4;
        if (memcmp(chunk + 4, type, 4) == 0) {
            uLong sum = crc32_z(0, chunk + 4, chunk_bytes(chunk) - 8);
            bool whole = sum == ((uLong)crc[0] << 24 | (uLong)crc[1] << 16 | (uLong)crc[2] << 8 | crc[3]);
            return whole ? chunk : NULL;
        }
    }
    return NULL;
}

/* Before its pixels or after them. */
static int orientation_of(const uint8_t *p, size_t n) {
    const uint8_t *exif = find_chunk(p, n, "eXIf");
    return exif ? prnn_exif_orientation(exif + 8, chunk_bytes(exif) - 12) : 1;
}

/* Whether it is an animation (APNG), of which the frame that a still decoder finds is read: it says so before
 * its pixels, and, there too, whether these are the first frame or a picture beside the frames. */
static bool has_more_frames(const uint8_t *p, size_t n) {
    const uint8_t *animation = find_chunk(p, n, "acTL"), *pixels = find_chunk(p, n, "IDAT"),
                  *frame = find_chunk(p, n, "fcTL");
    if (!animation || !pixels || animation > pixels || chunk_bytes(animation) != 12 + 8) {
        return false;
    }
    const uint8_t one[] = {0, 0, 0, 1};
    return memcmp(animation + 8, one, sizeof one) != 0 || !frame || frame > pixels;
}

/* The chunk that says what is transparent, where the standard has one; a malformed one is passed over, as
 * ancillary chunks are. */
static const uint8_t *transparency_of(const struct spng_ihdr *header, const uint8_t *p, size_t n) {
    const uint8_t *chunk = find_chunk(p, n, "tRNS"), *pixels = find_chunk(p, n, "IDAT"),
                  *palette = find_chunk(p, n, "PLTE");
    size_t bytes = chunk ? chunk_bytes(chunk) - 12 : 0;
    bool valid = false;
    switch (header->color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
        valid = bytes == 2;
        break;
    case SPNG_COLOR_TYPE_TRUECOLOR:
        valid = bytes == 6;
        break;
    case SPNG_COLOR_TYPE_INDEXED:
        valid = bytes > 0 && palette && palette < chunk && 3 * bytes <= chunk_bytes(palette) - 12;
        break;
    default:
        break;
    }
    return valid && pixels && chunk < pixels ? chunk : NULL;
}

/* Whether the file can hold what its header says: deflate makes at most 1032 bytes out of one. */
static prnn_status check_size(prnn_context *ctx, const char *name, const struct spng_ihdr *header,
                              size_t file_size) {
    static const unsigned samples[] = {1, 0, 3, 1, 2, 0, 4};
    prnn_status status = prnn_picture_check_size(ctx, name, header->height, header->width);
    if (status != PRNN_OK) {
        return status;
    }
    uint64_t pixels = (uint64_t)header->width * header->height;
    uint64_t bytes = pixels * samples[header->color_type] * header->bit_depth / 8;
    if (bytes > (uint64_t)file_size * 1032) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header says %u x %u pixels (height x width), which its %zu bytes cannot hold", name,
            header->height, header->width, file_size);
    }
    return PRNN_OK;
}

/* libspng makes R, G, B, A of grey with alpha, and R, G, B of grey of 16 bits: each `made` values become
 * `kept`. */
static void pick_grey(uint8_t *values, size_t pixels, size_t made, size_t kept) {
    for (size_t i = 0; i < pixels; i++) {
        values[i * kept] = values[i * made];
        if (kept == 2) {
            values[i * 2 + 1] = values[i * made + 3];
        }
    }
}

static prnn_status decode_pixels(prnn_context *ctx, const char *name, spng_ctx *png,
                                 const struct spng_ihdr *header, const source *file, size_t file_size,
                                 prnn_picture *picture) {
    bool grey = header->color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    bool alpha = file->transparency || header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                 header->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
    bool direct = grey && !alpha && header->bit_depth <= 8;
    size_t pixels = (size_t)header->width * header->height, colours = grey ? 1 : 3;
    size_t made = alpha ? 4 : direct ? 1 : 3, kept = colours + (alpha ? 1 : 0);
    prnn_status status = prnn_budget_take(
        ctx, pixels * made + prnn_turn_bytes(pixels * colours, picture->orientation) + file_size, name);
    if (status != PRNN_OK) {
        return status;
    }
    uint8_t *values = prnn_alloc(ctx, pixels, made, name);
    if (!values) {
        return PRNN_ERROR_MEMORY;
    }
    picture->image = (prnn_image){(int)header->height, (int)header->width, (int)kept, values};
    int format = alpha ? SPNG_FMT_RGBA8 : direct ? SPNG_FMT_G8 : SPNG_FMT_RGB8;
    int error =
        spng_decode_image(png, values, pixels * made, format, file->transparency ? SPNG_DECODE_TRNS : 0);
    if (!error) {
        error = spng_decode_chunks(png); /* to the end, so that a file that was cut off is noticed */
    }
    if (error) {
        return refuse(ctx, name, error);
    }
    if (grey && !direct) {
        pick_grey(values, pixels, made, kept);
    }
    return PRNN_OK;
}

prnn_status prnn_png_decode(prnn_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                            prnn_picture *picture) {
    spng_ctx *png = new_png(0);
    if (!png) {
        return refuse(ctx, name, SPNG_EMEM);
    }
    spng_set_image_limits(png, INT32_MAX, INT32_MAX); /* check_size says it better */
    spng_set_chunk_limits(png, CHUNK_LIMIT, CACHE_LIMIT);
    spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    source file = {bytes, bytes + size, size < 8 ? size : 8, NULL};
    struct spng_ihdr header;
    prnn_status status;
    int error = spng_set_png_stream(png, read_chunks, &file);
    error = error ? error : spng_get_ihdr(png, &header);
    TRY(error ? refuse(ctx, name, error) : check_size(ctx, name, &header, size));
    file.transparency = transparency_of(&header, bytes, size);
    picture->orientation = orientation_of(bytes, size);
    picture->deep = header.bit_depth > 8;
    picture->more_pages = has_more_frames(bytes, size);
    TRY(decode_pixels(ctx, name, png, &header, &file, size, picture));
done:
    spng_ctx_free(png);
    return status;
}

static int set_palette(spng_ctx *png, const prnn_palette *palette) {
    struct spng_plte colours = {.n_entries = (uint32_t)palette->count};
    for (int k = 0; k < palette->count; k++) {
        const uint8_t *c = palette->colours[k];
        colours.entries[k] = (struct spng_plte_entry){.red = c[0], .green = c[1], .blue = c[2]};
    }
    return spng_set_plte(png, &colours);
}

static int encode(spng_ctx *png, struct spng_ihdr *header, const prnn_palette *palette, prnn_png_row row,
                  void *arg, uint8_t *values, size_t row_bytes) {
    int error = spng_set_ihdr(png, header);
    error = error || !palette ? error : set_palette(png, palette);
    if (!error) {
        error = spng_encode_image(png, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    }
    for (uint32_t y = 0; !error && y < header->height; y++) {
        row(arg, y, values);
        error = spng_encode_row(png, values, row_bytes);
        if (error == SPNG_EOI && y + 1 == header->height) {
            return 0;
        }
    }
    return error;
}

prnn_status prnn_png_write(prnn_context *ctx, const char *path, uint32_t height, uint32_t width, int channels,
                           const prnn_palette *palette, prnn_png_row row, void *arg) {
    static const uint8_t types[] = {SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA,
                                    SPNG_COLOR_TYPE_TRUECOLOR, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
    struct spng_ihdr header = {width, height, 8, palette ? SPNG_COLOR_TYPE_INDEXED : types[channels - 1],
                               0,     0,      0};
    size_t row_bytes = (size_t)width * (size_t)channels;
    prnn_file_writer writer;
    prnn_status status = prnn_file_begin(ctx, path, &writer);
    if (status != PRNN_OK) {
        return status;
    }
    uint8_t *values = prnn_alloc(ctx, row_bytes, 1, "a row of pixels");
    spng_ctx *png = values ? new_png(SPNG_CTX_ENCODER) : NULL;
    int error = SPNG_EMEM;
    if (png) {
        error = spng_set_png_file(png, writer.stream);
        error = error ? error : encode(png, &header, palette, row, arg, values, row_bytes);
    }
    spng_ctx_free(png);
    prnn_free(values);
    if (error == SPNG_EMEM || (error && lacks_memory)) {
        prnn_file_abandon(&writer);
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to write it; nothing was changed",
                         path);
    }
    if (error && error != SPNG_IO_ERROR && !ferror(writer.stream)) {
        prnn_file_abandon(&writer);
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: could not be encoded as PNG (%s); nothing was changed", path,
                         spng_strerror(error));
    }
    return prnn_file_commit(ctx, &writer); /* which also reports a failure of the stream */
}

/* As prnn_png_write would write it. */
size_t prnn_png_bytes(const prnn_image *image) {
    int colour = image->channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_GRAYSCALE;
    struct spng_ihdr header = {(uint32_t)image->width, (uint32_t)image->height, 8, (uint8_t)colour, 0, 0, 0};
    size_t row = (size_t)image->width * (size_t)image->channels, length = 0;
    spng_ctx *png = new_png(SPNG_CTX_ENCODER);
    int error = png ? spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1) : SPNG_EMEM;
    error = error ? error : spng_set_ihdr(png, &header);
    error = error ? error
                  : spng_encode_image(png, image->values, row * (size_t)image->height, SPNG_FMT_PNG,
                                      SPNG_ENCODE_FINALIZE);
    if (!error) {
        void *file = spng_get_png_buffer(png, &length, &error); /* which is the caller's */
        free(file);
    }
    spng_ctx_free(png);
    return error ? 0 : length;
}

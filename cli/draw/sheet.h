/* Contact sheets of images, of which each pixel may be a square. */
#ifndef PIXELRNN_CLI_DRAW_SHEET_H
#define PIXELRNN_CLI_DRAW_SHEET_H

#include "draw/caption.h"
#include "options/options.h"
#include "support/output.h"

#include <pixelrnn/pixelrnn.h>

typedef struct sheet {
    const uint8_t *images; /* (count, height, width, channels) levels */
    size_t count;
    int height, width, channels, levels;
    int columns, zoom;           /* as --columns and --zoom say it */
    const caption *captions;     /* count; NULL: none */
    const prnn_palette *palette; /* of levels of one channel; NULL: they are shades */
} sheet;

#define COLUMNS_OPTION(type)                                                                                 \
    INTEGER("columns", offsetof(type, columns), 0, 10000, 0, "of the contact sheet; 0: about square")
#define ZOOM_OPTION(type) INTEGER("zoom", offsetof(type, zoom), 1, 64, 0, "side of a pixel in the picture")
/* For a struct with a bool captions. */
#define CAPTIONS_OPTION(type, what)                                                                          \
    FLAG("captions", offsetof(type, captions), 0, "write below each image of the contact sheet " what)
/* For a struct with a bool overwrite. */
#define OVERWRITE_OPTION(type)                                                                               \
    FLAG("overwrite", offsetof(type, overwrite), 0,                                                          \
         "write into a folder that holds pictures; those of other names stay")

/* --columns, --zoom, --captions and --overwrite fit what is written, and a folder has no pictures that nobody
 * gave up. Returns 0 or an exit code, as all here. */
int sheet_check(const arguments *args, const char *out, output_kind kind, bool overwrite);

/* Refuses what is too large to be looked at, before its images are there. */
int sheet_check_size(const sheet *s);

int sheet_write(prnn_context *ctx, const char *path, const sheet *s);

/* Writes each image as a picture into a folder: 00007.png. `numbers` of them; NULL: from 0 on. With `samples`
 * not 0 there are so many of each number: 00007-00000.png, 00007-00001.png, ... Ctrl-C stops it between two.
 */
int sheet_write_each(prnn_context *ctx, const char *folder, const sheet *s, const size_t *numbers,
                     size_t samples);

#endif

/* Whether results can be written, asked before the work begins; and text as a file. All return 0 or an exit
 * code. */
#ifndef PIXELRNN_CLI_SUPPORT_OUTPUT_H
#define PIXELRNN_CLI_SUPPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum output_kind {
    OUTPUT_PNG,
    OUTPUT_NPY,
    OUTPUT_SVG,
    OUTPUT_CSV,
    OUTPUT_JSONL,
    OUTPUT_FOLDER
} output_kind;

enum { ALLOW_PNG = 1, ALLOW_NPY = 2, ALLOW_FOLDER = 4, ALLOW_SVG = 8, ALLOW_CSV = 16, ALLOW_JSONL = 32 };

/* `path`, given by the option --name, is a file of an allowed kind in a folder that can be written; or
 * a folder: one that exists, or a path that ends with '/', which can be made. */
int output_check(const char *name, const char *path, unsigned allowed, output_kind *kind);

/* `path` is a folder that can be written, or can be made. */
int output_check_folder(const char *name, const char *path);

/* Makes it, unless it is there. */
int output_make_folder(const char *path);

/* `path` is a file of any name in a folder that can be written. */
int output_check_text(const char *name, const char *path);

/* The folder `path`, if it is there, holds no pictures that new ones would mix with. */
int output_check_no_pictures(const char *name, const char *path);

/* Writes a file beside its place and renames it: a failure leaves what was there. */
int output_write(const char *path, const char *text, size_t size);

#endif

/* Options of several commands that say what data is and how it is read. */
#ifndef PIXELRNN_CLI_OPTIONS_DATA_OPTIONS_H
#define PIXELRNN_CLI_OPTIONS_DATA_OPTIONS_H

#include "options/options.h"

#include <pixelrnn/pixelrnn.h>

typedef struct data_settings {
    const char *path;
    int values, binarize, fit; /* prnn_values, 0 or 1, prnn_fit */
    size_t memory_limit;       /* MB */
    const char *alpha;
    bool no_orientation;
    const char *array;
    bool palette;
    const char *palette_file;
} data_settings;

#define DATA_DEFAULTS                                                                                        \
    { .values = PRNN_VALUES_8BIT, .fit = PRNN_FIT_EXACT, .memory_limit = 1024, .alpha = "black" }

/* Rows for a struct whose member `data` is a data_settings. */
#define DATA_OPTION(settings, help)                                                                          \
    INPUT("data", offsetof(settings, data.path), "F", OPTION_REQUIRED,                                       \
          help                                                                                               \
          ": idx or idx.gz, CIFAR .bin or a folder of them, a picture or a folder (also of folders) of "     \
          "pictures, .npy, .npz or a folder of .npz; or a pipe with one of these files, - for stdin")
#define ARRAY_OPTION(settings)                                                                               \
    STRING("array", offsetof(settings, data.array), "NAME", 0,                                               \
           "of a .npz file with several arrays: the one that holds the images")
#define FIT_OPTION(settings)                                                                                 \
    CHOICE("fit", offsetof(settings, data.fit), "exact|crop|resize|subsample", 0,                            \
           "for images of another size; exact: an error; crop: cut out the centre; "                         \
           "resize: cut the centre to shape and resample; subsample: every n-th pixel of every "             \
           "n-th row, the small images of a conditional model")
#define PICTURE_OPTIONS(settings)                                                                            \
    STRING("alpha", offsetof(settings, data.alpha), "COLOUR", 0,                                             \
           "for transparent pictures: composite them over black, white or #rrggbb (the # can be left out), " \
           "or drop the transparency"),                                                                      \
        FLAG("no-orientation", offsetof(settings, data.no_orientation), 0,                                   \
             "leave pictures as they are stored, though EXIF says how they are to be turned")
#define CHANNELS_OPTION(at)                                                                                  \
    NUMBERS("channels", at, "0|1|3", 0,                                                                      \
            "1: grey, of colour its luma; 3: colour, grey repeated; 0: as the data, all alike")
#define DATA_READING_OPTIONS(settings)                                                                       \
    CHOICE("values", offsetof(settings, data.values), "8bit|levels", 0,                                      \
           "8bit: a byte v becomes level floor(v K / 256), K the levels of the model (K = 2 cuts at 128); "  \
           "levels: the file holds levels 0..K-1"),                                                          \
        CHOICE("binarize", offsetof(settings, data.binarize), "none|sample", 0,                              \
               "sample: for K = 2, a byte v becomes 1 with probability v / 255"),                            \
        FIT_OPTION(settings), PICTURE_OPTIONS(settings),                                                     \
        SIZE("memory-limit", offsetof(settings, data.memory_limit), 0, 0,                                    \
             "MB; a set in a .npy or idx file that needs more is not read into memory, but image by image"), \
        ARRAY_OPTION(settings)

/* For a struct with a size_t first, or a uint64_t seed that is of nothing else. */
#define FIRST_OPTION(settings)                                                                               \
    SIZE("first", offsetof(settings, first), 0, 0, "leave out the images before this one, counted from 0")
#define BINARIZE_SEED_OPTION(settings)                                                                       \
    UINT64("seed", offsetof(settings, seed), 0, OPTION_OF_DRAW, "draw of --binarize sample")

/* For commands that have no model to say a palette. */
#define PALETTE_OPTIONS(settings)                                                                            \
    FLAG("palette", offsetof(settings, data.palette), 0,                                                     \
         "for pictures of few colours, such as sprites: the levels are the numbers of the colours of all "   \
         "images, at most 256, the darkest first"),                                                          \
        INPUT("palette-file", offsetof(settings, data.palette_file), "F.hex", 0,                             \
              "the same with the palette of a file, in its order: a text with a colour rrggbb a line")

/* What goes with a palette, which there is. 0 or an exit code, as below. */
int data_options_check_palette(const data_settings *data);

/* Writes these settings into *options, for images of so many levels; refuses --binarize sample where it does
 * not fit. 0 or an exit code, as below. */
int data_options_read(const data_settings *data, int levels, prnn_data_options *options);

/* The part of them that says how pictures are read and fitted. */
int data_options_read_pictures(const data_settings *data, prnn_data_options *options);

/* --height and --width where no model says them: a fit needs a size. */
int data_options_check_shape(const data_settings *data, int height, int width);

#endif

/* What several commands begin with: a context, a model, data for it. All return 0 or an exit code after a
 * message. */
#ifndef PIXELRNN_CLI_SETUP_H
#define PIXELRNN_CLI_SETUP_H

#include "options.h"

#include <pixelrnn/pixelrnn.h>

/* Options that say how images are read. */
typedef struct data_settings {
    const char *path;
    int values, binarize, fit; /* prnn_values, 0 or 1, prnn_fit */
    size_t memory_limit;       /* MB */
} data_settings;

#define DATA_DEFAULTS                                                                                        \
    { NULL, PRNN_VALUES_8BIT, 0, PRNN_FIT_EXACT, 1024 }

/* Rows for a struct whose member `data` is a data_settings. */
#define DATA_OPTION(settings, help)                                                                          \
    STRING("data", offsetof(settings, data.path), "F", OPTION_REQUIRED,                                      \
           help                                                                                              \
           ": idx or idx.gz, CIFAR .bin or a folder of them, PNG or JPEG or a folder (also of folders) of "  \
           "them, .npy, .npz or a folder of them")
#define FIT_OPTION(settings)                                                                                 \
    CHOICE("fit", offsetof(settings, data.fit), "exact|crop|resize|subsample", 0,                            \
           "for images of another size or number of channels; exact: an error (channels are changed where "  \
           "--channels asks); crop: cut out the "                                                            \
           "centre; resize: cut the centre to shape and resample; subsample: every n-th pixel of every "     \
           "n-th row, the small images of a conditional model. Colour becomes luma, grey is repeated")
#define DATA_READING_OPTIONS(settings)                                                                       \
    CHOICE("values", offsetof(settings, data.values), "8bit|levels", 0,                                      \
           "8bit: a byte v becomes level floor(v K / 256), K the levels of the model (K = 2 cuts at 128); "  \
           "levels: the file holds levels 0..K-1"),                                                          \
        CHOICE("binarize", offsetof(settings, data.binarize), "none|sample", 0,                              \
               "sample: for K = 2, a byte v becomes 1 with probability v / 255"),                            \
        FIT_OPTION(settings),                                                                                \
        SIZE("memory-limit", offsetof(settings, data.memory_limit), 0, 0,                                    \
             "MB; a set in a .npy or idx file that needs more is not read into memory, but image by image")

int open_context(const struct common *common, prnn_context **ctx);

/* The data options for `levels`; refuses --binarize sample where it does not fit. */
int read_data_settings(const data_settings *data, int levels, prnn_data_options *options);

/* Opens a data set; names what was skipped. */
int open_data(prnn_context *ctx, const struct common *common, const char *path,
              const prnn_data_options *options, prnn_data **set);

/* --height, --width and --channels where no model says them: a fit needs a size, and there are no 2 channels.
 */
int check_shape_settings(const data_settings *data, int height, int width, int channels);

/* Opens data->path for a model: its levels and, unless fit is exact, its shape; another shape is an error. */
int open_data_for(prnn_context *ctx, const struct common *common, const data_settings *data,
                  const char *model_path, const prnn_config *config, size_t first, size_t limit,
                  prnn_data **set);

/* Reads `n` images from number `first` on. */
int read_images(prnn_context *ctx, const prnn_data *set, size_t first, size_t n, uint64_t seed,
                uint8_t *images);

/* Bytes of an image. */
size_t image_size(const prnn_config *config);

/* a x b bytes, or NULL: too many or no memory. Free with free. */
void *allocate(size_t a, size_t b);

#endif

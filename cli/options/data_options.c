#include "options/data_options.h"

#include "support/report.h"
#include "support/try.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Whether `text` is six hexadecimal digits, perhaps after a #: then R, G and B. */
static bool read_colour(const char *text, uint8_t colour[3]) {
    const char *digits = text + (text[0] == '#');
    for (size_t i = 0; i < 6; i++) {
        if (!isxdigit((unsigned char)digits[i])) {
            return false;
        }
    }
    unsigned long all = strtoul(digits, NULL, 16);
    for (int c = 0; c < 3; c++) {
        colour[c] = (uint8_t)(all >> (16 - 8 * c));
    }
    return digits[6] == 0;
}

int data_options_read_pictures(const data_settings *data, prnn_data_options *options) {
    options->fit = (prnn_fit)data->fit;
    options->as_stored = data->no_orientation;
    options->array = data->array;
    options->alpha = strcmp(data->alpha, "drop") == 0 ? PRNN_ALPHA_DROP : PRNN_ALPHA_OVER;
    if (options->alpha == PRNN_ALPHA_DROP || strcmp(data->alpha, "black") == 0) {
        return EXIT_OK;
    }
    const char *colour = strcmp(data->alpha, "white") == 0 ? "#ffffff" : data->alpha;
    return read_colour(colour, options->background)
               ? EXIT_OK
               : usage_error("--alpha %s: choose black, white, a colour such as #ff8000, or drop",
                             data->alpha);
}

int data_options_read(const data_settings *data, int levels, prnn_data_options *options) {
    if (data->binarize && levels != 2) {
        return usage_error("--binarize sample needs a model of 2 levels, and this one has %d", levels);
    }
    if (data->binarize && data->values != PRNN_VALUES_8BIT) {
        return usage_error("--binarize sample needs --values 8bit: it draws from the bytes of the file");
    }
    options->levels = levels;
    options->values = (prnn_values)data->values;
    options->binarize_sample = data->binarize != 0;
    options->memory_limit = data->memory_limit > SIZE_MAX >> 20 ? SIZE_MAX : data->memory_limit << 20;
    return data_options_read_pictures(data, options);
}

int data_options_check_palette(const data_settings *data) {
    if (data->palette && data->palette_file) {
        return usage_error("--palette finds the colours, and --palette-file says them: leave one out");
    }
    if (data->binarize) {
        return usage_error(
            "--binarize draws black and white, and these levels are numbers of colours: leave it "
            "out");
    }
    if (data->palette && data->values == PRNN_VALUES_LEVELS) {
        return usage_error("--values levels says that the file holds numbers of colours: give their palette "
                           "(--palette-file), or leave it out");
    }
    return data->fit == PRNN_FIT_RESIZE
               ? usage_error(
                     "--fit resize mixes colours, and these levels are numbers of colours: --fit crop "
                     "and subsample do not")
               : EXIT_OK;
}

int data_options_check_shape(const data_settings *data, int height, int width) {
    bool needs = data->fit != PRNN_FIT_EXACT;
    return needs && (!height || !width)
               ? usage_error("--fit crop, resize and subsample need --height and --width")
               : 0;
}

#include "options/data_options.h"

#include "support/report.h"

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
    options->fit = (prnn_fit)data->fit;
    options->array = data->array;
    options->memory_limit = data->memory_limit > SIZE_MAX >> 20 ? SIZE_MAX : data->memory_limit << 20;
    return 0;
}

int data_options_check_shape(const data_settings *data, int height, int width) {
    bool needs = data->fit != PRNN_FIT_EXACT;
    return needs && (!height || !width)
               ? usage_error("--fit crop, resize and subsample need --height and --width")
               : 0;
}

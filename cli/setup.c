#include "setup.h"

#include "progress.h"
#include "report.h"
#include "skipped.h"

#include <stdlib.h>

int open_context(const struct common *common, prnn_context **ctx) {
    *ctx = prnn_context_create();
    if (!*ctx) {
        return fail_memory();
    }
    if (prnn_context_set_threads(*ctx, common->threads) != PRNN_OK) {
        return usage_error("--threads: %s", prnn_message(*ctx));
    }
    if (prnn_context_set_cpu(*ctx, common->cpu) != PRNN_OK) {
        return usage_error("--cpu: %s", prnn_message(*ctx));
    }
    if (prnn_context_set_precision(*ctx, common->precision) != PRNN_OK) {
        return usage_error("--precision: %s", prnn_message(*ctx));
    }
    return 0;
}

int read_data_settings(const data_settings *data, int levels, prnn_data_options *options) {
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
    options->memory_limit = data->memory_limit > SIZE_MAX >> 20 ? SIZE_MAX : data->memory_limit << 20;
    return 0;
}

/* What opening a data set tells on the way. */
typedef struct opening {
    progress bar;
    skipped missing;
} opening;

/* A set that is read at once needs no bar. */
static bool on_progress(void *user, const prnn_progress *report) {
    opening *o = user;
    if (report->seconds > 1) {
        progress_show(&o->bar, report);
    }
    return true;
}

static void on_skipped(void *user, const char *path, const char *why) {
    opening *o = user;
    skipped_note(&o->missing, path, why);
}

int open_data(prnn_context *ctx, const struct common *common, const char *path,
              const prnn_data_options *options, prnn_data **set) {
    opening o = {0};
    progress_begin(&o.bar, common->quiet, NULL);
    prnn_data_options watched = *options;
    watched.progress = on_progress;
    watched.skipped = on_skipped;
    watched.user = &o;
    int code = prnn_data_open(ctx, path, &watched, set) == PRNN_OK ? 0 : fail_with(ctx);
    progress_end(&o.bar);
    if (!code && !common->quiet) {
        skipped_print(&o.missing);
    }
    skipped_free(&o.missing);
    return code;
}

int check_shape_settings(const data_settings *data, int height, int width, int channels) {
    if (channels == 2) {
        return usage_error("--channels is 1 (grey) or 3 (colour), or 0 for as the data");
    }
    bool needs = data->fit != PRNN_FIT_EXACT;
    return needs && (!height || !width)
               ? usage_error("--fit crop, resize and subsample need --height and --width")
               : 0;
}

int open_data_for(prnn_context *ctx, const struct common *common, const data_settings *data,
                  const char *model_path, const prnn_config *config, size_t first, size_t limit,
                  prnn_data **set) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int failed = read_data_settings(data, config->levels, &options);
    if (failed) {
        return failed;
    }
    if (options.fit != PRNN_FIT_EXACT) {
        options.height = config->height;
        options.width = config->width;
        options.channels = config->channels;
    }
    options.first = first;
    options.limit = limit;
    failed = open_data(ctx, common, data->path, &options, set);
    if (failed) {
        return failed;
    }
    int height = prnn_data_height(*set), width = prnn_data_width(*set), channels = prnn_data_channels(*set);
    if (height != config->height || width != config->width || channels != config->channels) {
        return fail(
            "%s holds images of %d x %d x %d, and %s needs %d x %d x %d; --fit crop, resize or subsample "
            "changes the images",
            data->path, height, width, channels, model_path, config->height, config->width, config->channels);
    }
    if (prnn_data_count(*set) == 0) {
        return fail("%s: no images are left", data->path);
    }
    return 0;
}

int read_images(prnn_context *ctx, const prnn_data *set, size_t first, size_t n, uint64_t seed,
                uint8_t *images) {
    size_t *indices = allocate(n, sizeof *indices);
    if (!indices) {
        return fail_memory();
    }
    for (size_t i = 0; i < n; i++) {
        indices[i] = first + i;
    }
    prnn_status status = prnn_data_read(ctx, set, indices, n, seed, 0, images);
    free(indices);
    return status == PRNN_OK ? 0 : fail_with(ctx);
}

size_t image_size(const prnn_config *config) {
    return (size_t)config->height * (size_t)config->width * (size_t)config->channels;
}

void *allocate(size_t a, size_t b) {
    bool too_many = b && a > (SIZE_MAX - 1) / b;
    return too_many ? NULL : malloc(a * b + 1); /* never a NULL for 0 bytes */
}

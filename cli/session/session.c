#include "session/session.h"

#include "support/data.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/report.h"
#include "support/statistics.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdlib.h>
#include <string.h>

void session_begin(session *s, arguments *args) {
    *s = (session){.args = args, .settings = args->settings, .common = args->settings};
    s->config = (prnn_config)PRNN_CONFIG_INIT;
    s->missing.keep = true;
    s->more_missing.keep = true;
}

/* ------------------------------------------------------------------------------------- opening */

/* Ranks of one machine that are to have "a GPU" get one each. What computes no networks needs none. */
static const char *device_of_rank(const session *s, prnn_context *ctx, char name[]) {
    if (option_find(s->args->command, "device", 6) < 0) {
        return "cpu";
    }
    const char *wish = s->common->device ? s->common->device : getenv("PRNN_DEVICE");
    prnn_device_info d = PRNN_DEVICE_INFO_INIT;
    bool any = wish && (strcmp(wish, "gpu") == 0 || strcmp(wish, "auto") == 0), found = true;
    int usable = 0;
    if (!ranks_many() || !(any || (wish && (strcmp(wish, "cuda") == 0 || strcmp(wish, "opencl") == 0)))) {
        return s->common->device;
    }
    const char *kind = any ? "cuda" : wish;
    size_t length = strlen(kind), cards[64] = {0};
    for (size_t i = 0; prnn_device_describe(ctx, i, &d, &found) == PRNN_OK && found; i++) {
        if (strncmp(d.name, kind, length) == 0 && d.name[length] == ':' && !*d.why_not && usable < 64) {
            cards[usable++] = i;
        }
    }
    if (usable == 0 || prnn_device_describe(ctx, cards[ranks_local() % usable], &d, &found) != PRNN_OK) {
        return s->common->device;
    }
    return strcpy(name, d.name);
}

int session_make_context(const session *s, prnn_context **ctx) {
    *ctx = prnn_context_create();
    if (!*ctx) {
        return fail_memory();
    }
    if (prnn_context_set_threads(*ctx, s->common->threads) != PRNN_OK) {
        return usage_error("--threads: %s", prnn_message(*ctx));
    }
    if (prnn_context_set_cpu(*ctx, s->common->cpu) != PRNN_OK) {
        return usage_error("--cpu: %s", prnn_message(*ctx));
    }
    char device[sizeof((prnn_device_info *)0)->name];
    prnn_status status = prnn_context_set_device(*ctx, device_of_rank(s, *ctx, device));
    const char *said = s->common->device ? "--device" : "PRNN_DEVICE";
    if (status == PRNN_ERROR_ARGUMENT) {
        return usage_error("%s: %s", said, prnn_message(*ctx));
    }
    if (status != PRNN_OK) {
        return fail("%s: %s", said, prnn_message(*ctx));
    }
    status = prnn_context_set_precision(*ctx, s->common->precision);
    if (status == PRNN_ERROR_DEVICE) {
        return fail("--precision: %s", prnn_message(*ctx));
    }
    if (status != PRNN_OK) {
        return usage_error("--precision: %s", prnn_message(*ctx));
    }
    return EXIT_OK;
}

int session_open(session *s) {
    int code;
    TRY(session_make_context(s, &s->ctx));
    if (s->args->command->ranks) {
        TRY(ranks_join(s->ctx, s->common->threads, s->common->quiet));
    }
done:
    return code;
}

/* All ranks, if there are many, have the same models under these names. */
static int compare_ranks(const session *s, const subject *of) {
    int code = EXIT_OK;
    for (size_t i = 0; s->args->command->ranks && i < subject_count(of); i++) {
        TRY(exit_code(s->ctx, prnn_ranks_compare_model(s->ctx, subject_model(of, i), of->names.paths[i])));
    }
done:
    return code;
}

int session_open_measured(session *s, const char *const *operands, size_t count) {
    int code;
    TRY(subject_load(s->ctx, s->args->command, operands, count, &s->measured));
    TRY(compare_ranks(s, &s->measured));
    s->chain = s->measured.chain;
    s->path = subject_last(&s->measured);
    prnn_chain_config(s->chain, &s->config);
    session_take_palette(s);
done:
    return code;
}

int session_open_chain(session *s) {
    return session_open_measured(s, s->args->operands, s->args->operand_count);
}

int session_open_other(session *s, const char *const *operands, size_t count) {
    int code;
    TRY(subject_load(s->ctx, s->args->command, operands, count, &s->against));
    TRY(compare_ranks(s, &s->against));
    s->other = s->against.chain;
done:
    return code;
}

void session_take_palette(session *s) {
    const prnn_palette *palette = prnn_model_palette(s->chain ? session_last_model(s) : s->model);
    if (palette) {
        s->palette = *palette;
    }
}

const prnn_palette *session_palette(const session *s) {
    return s->palette.count ? &s->palette : NULL;
}

int session_use_palette(session *s, const data_settings *data, prnn_data_options *options) {
    int code = EXIT_OK;
    if (data->palette_file && !s->palette.count) {
        TRY(exit_code(s->ctx, prnn_read_palette(s->ctx, data->palette_file, &s->palette)));
    }
    options->paletted = data->palette || s->palette.count;
    if (options->paletted) {
        TRY(data_options_check_palette(data));
        options->palette = session_palette(s);
        options->palette_used = options->palette ? NULL : &s->palette;
    }
done:
    return code;
}

int session_open_archive(session *s) {
    const arguments *args = s->args;
    const char *path = args->operands[args->operand_count - 1];
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    int code;
    TRY(exit_code(s->ctx, prnn_archive_open(s->ctx, path, &s->archive)));
    s->path = path;
    prnn_archive_describe(s->archive, &info);
    if (info.damaged) {
        note("%s: %s", path, info.problem);
    }
    if (args->operand_count > 1) {
        TRY(exit_code(s->ctx, prnn_model_load(s->ctx, args->operands[0], &s->model)));
    } else if (info.model_bytes) {
        TRY(exit_code(s->ctx, prnn_archive_model(s->ctx, s->archive, &s->model)));
    }
done:
    return code;
}

int session_check_first(const session *s) {
    prnn_config first = PRNN_CONFIG_INIT;
    prnn_model_config(prnn_chain_model(s->chain, 0), &first);
    int size = first.condition_size;
    return size == 0 ? 0
                     : usage_error(
                           "%s draws images given small ones of %d x %d: name a model of those before it, or "
                           "give them to 'pixelrnn upscale'",
                           s->args->operands[0], size, size);
}

bool session_is_conditional_alone(const session *s) {
    return prnn_chain_count(s->chain) == 1 && s->config.condition_size > 0;
}

const prnn_model *session_last_model(const session *s) {
    return prnn_chain_model(s->chain, prnn_chain_count(s->chain) - 1);
}

/* The same of a set of images. */
static int compare_data(const session *s, const prnn_data *set, const char *path) {
    return s->args->command->ranks ? exit_code(s->ctx, prnn_ranks_compare_data(s->ctx, set, path)) : EXIT_OK;
}

int session_open_set(session *s, const data_settings *data, const prnn_config *config, const char *model,
                     const selection *which, prnn_data **set) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int code;
    TRY(data_options_read(data, config->levels, &options));
    if (options.fit != PRNN_FIT_EXACT) {
        options.height = config->height;
        options.width = config->width;
        options.channels = config->channels;
    }
    options.array_height = config->height;
    options.array_width = config->width;
    options.first = which->first;
    options.limit = which->limit;
    TRY(session_use_palette(s, data, &options));
    TRY(data_open_and_note(s->ctx, s->common->quiet, data->path, &options, which->missing, set));
    int height = prnn_data_height(*set), width = prnn_data_width(*set), channels = prnn_data_channels(*set);
    if (height != config->height || width != config->width || channels != config->channels) {
        bool sized = option_find(s->args->command, "size", 4) >= 0 && !config->condition_size &&
                     channels == config->channels;
        return fail("%s holds images of %d x %d x %d, and %s needs %d x %d x %d; --fit crop, resize or "
                    "subsample changes the images%s",
                    data->path, height, width, channels, model, config->height, config->width,
                    config->channels, sized ? ", and --size own takes them as large as they are" : "");
    }
    if (prnn_data_count(*set) == 0) {
        return fail("%s: no images are left", data->path);
    }
    TRY(compare_data(s, *set, data->path));
done:
    return code;
}

int session_open_data(session *s, const data_settings *data, const prnn_config *config, const char *model,
                      size_t first, size_t limit) {
    const selection which = {first, limit, &s->missing};
    return session_open_set(s, data, config, model, &which, &s->data);
}

/* ---------------------------------------------------------------------------------- other sizes */

int session_resize(session *s, int height, int width) {
    int code;
    TRY(subject_resize(s->ctx, &s->measured, height, width));
    s->chain = s->measured.chain;
    prnn_chain_config(s->chain, &s->config);
done:
    return code;
}

int session_resize_other(session *s) {
    int code;
    TRY(subject_resize(s->ctx, &s->against, s->config.height, s->config.width));
    s->other = s->against.chain;
done:
    return code;
}

static int own_options(session *s, const data_settings *data, size_t first, size_t limit,
                       prnn_data_options *options) {
    int code;
    TRY(subject_check_resizable(&s->measured));
    if (data->fit != PRNN_FIT_EXACT) {
        return usage_error("--size own leaves images as they are: leave out --fit, or name a size");
    }
    TRY(data_options_read(data, s->config.levels, options));
    TRY(session_use_palette(s, data, options));
    options->channels = s->config.channels;
    options->array_height = s->config.height;
    options->array_width = s->config.width;
    options->first = first;
    options->limit = limit;
done:
    return code;
}

/* Data of images of one size. */
static int open_one_size(session *s, const data_settings *data, prnn_data_options *options) {
    int code;
    options->channels = 0;
    TRY(data_open_and_note(s->ctx, s->common->quiet, data->path, options, &s->missing, &s->data));
    if (prnn_data_channels(s->data) != s->config.channels) {
        return fail("%s holds images of %d channel%s, and %s needs %d: name their --size and how they --fit",
                    data->path, prnn_data_channels(s->data), plural((uint64_t)prnn_data_channels(s->data)),
                    s->path, s->config.channels);
    }
    TRY(compare_data(s, s->data, data->path));
done:
    return code;
}

/* How many of the listed pictures have other channels than the model. */
static void note_converted(const session *s) {
    size_t count = prnn_listing_count(s->listing), n = 0;
    for (size_t i = 0; i < count; i++) {
        prnn_picture_info info = PRNN_PICTURE_INFO_INIT;
        prnn_listing_picture(s->listing, i, &info);
        n += info.channels != s->config.channels;
    }
    if (n && !s->palette.count && !s->common->quiet) {
        note("%zu of %zu picture%s %s", n, count, plural(count),
             s->config.channels == 1 ? "in colour: taken as luma" : "in grey: repeated as R, G and B");
    }
}

/* What is drawn is drawn of a set, whose images have one size. */
static int check_drawn(session *s, const data_settings *data, const prnn_data_options *options) {
    prnn_data_options plain = *options;
    prnn_listing *listing = NULL;
    skipped missing = {0};
    bool listed;
    int code;
    plain.binarize_sample = false;
    TRY(data_look(s->ctx, true, data->path, &plain, &missing, &listing, &listed));
    if (listed && prnn_listing_group_count(listing) > 1) {
        code = usage_error(
            "--binarize sample is of images of one size, and %s holds pictures of %zu sizes: name "
            "their --size and how they --fit, or leave it out",
            data->path, prnn_listing_group_count(listing));
    }
done:
    prnn_listing_free(listing);
    skipped_free(&missing);
    return code;
}

int session_open_own(session *s, const data_settings *data, size_t first, size_t limit) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    bool listed = false;
    int code;
    TRY(own_options(s, data, first, limit, &options));
    TRY(options.binarize_sample
            ? check_drawn(s, data, &options)
            : data_list(s->ctx, s->common->quiet, data->path, &options, &s->missing, &s->listing, &listed));
    if (listed) {
        note_converted(s);
    } else {
        TRY(open_one_size(s, data, &options));
    }
done:
    return code;
}

int session_open_sized(session *s, const data_settings *data, const char *size, size_t first, size_t limit) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    wanted_size wanted;
    int code;
    TRY(size_option_read(size, &wanted));
    if (wanted.own) {
        TRY(own_options(s, data, first, limit, &options));
        TRY(open_one_size(s, data, &options));
        return session_resize(s, prnn_data_height(s->data), prnn_data_width(s->data));
    }
    if (wanted.height) {
        TRY(session_resize(s, wanted.height, wanted.width));
    }
    TRY(session_open_data(s, data, &s->config, s->path, first, limit));
done:
    return code;
}

/* -------------------------------------------------------------------------------------- images */

image_set session_images(const session *s) {
    return (image_set){s->data, s->listing};
}

size_t session_image_count(const session *s) {
    return image_set_count(session_images(s));
}

size_t session_image_skipped(const session *s) {
    return s->listing ? prnn_listing_skipped(s->listing) : prnn_data_skipped(s->data);
}

const char *session_image_name(const session *s, size_t image) {
    return image_set_name(session_images(s), image);
}

int fail_not_finite(const char *model, size_t image, const char *data) {
    return fail("%s: the negative log-likelihood of image %zu of %s is not finite", model, image, data);
}

int session_check_finite(const session *s, const char *path, const double *nats, size_t from, size_t n) {
    size_t bad = first_not_finite(nats + from, n);
    return bad == n ? EXIT_OK : fail_not_finite(s->path, session_image_number(s, from + bad), path);
}

size_t session_image_number(const session *s, size_t image) {
    return image_set_number(session_images(s), image);
}

int session_read_all(session *s, uint64_t seed, uint8_t **images) {
    size_t count = prnn_data_count(s->data), height = (size_t)prnn_data_height(s->data);
    size_t row = (size_t)prnn_data_width(s->data) * (size_t)prnn_data_channels(s->data);
    int code;
    *images = session_allocate(s, count, height * row);
    TRY(check_memory(*images));
    TRY(data_read(s->ctx, s->data, 0, count, seed, *images));
done:
    return code;
}

/* -------------------------------------------------------------------------------------- memory */

struct session_block {
    struct session_block *before;
    max_align_t memory[];
};

void *session_allocate(session *s, size_t a, size_t b) {
    size_t largest = (SIZE_MAX >> 1) - sizeof *s->blocks;
    bool too_many = b && a > largest / b;
    struct session_block *block = too_many ? NULL : allocate(1, sizeof *block + a * b);
    if (!block) {
        return NULL;
    }
    block->before = s->blocks;
    s->blocks = block;
    return block->memory;
}

int session_allocate_images(session *s, size_t count, const char *fewer, uint8_t **images) {
    const prnn_config *c = &s->config;
    *images = session_allocate(s, count, image_size(c));
    return *images ? EXIT_OK
                   : fail("there is not enough memory for %zu images of %d x %d x %d: give a smaller %s",
                          count, c->height, c->width, c->channels, fewer);
}

size_t image_size(const prnn_config *config) {
    return (size_t)config->height * (size_t)config->width * (size_t)config->channels;
}

/* ------------------------------------------------------------------------------------- closing */

void session_close(session *s) {
    while (s->blocks) {
        struct session_block *before = s->blocks->before;
        free(s->blocks);
        s->blocks = before;
    }
    prnn_data_free(s->data);
    prnn_data_free(s->valid);
    skipped_free(&s->missing);
    skipped_free(&s->more_missing);
    subject_free(&s->measured);
    subject_free(&s->against);
    prnn_archive_free(s->archive);
    prnn_listing_free(s->listing);
    prnn_model_free(s->model);
    prnn_context_free(s->ctx);
}

/* -------------------------------------------------------------------------- what commands share */

prnn_sample_options session_sample_options(session *s, uint64_t seed, double temperature) {
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = seed;
    options.temperature = temperature;
    options.progress = progress_callback;
    options.user = &s->bar;
    return options;
}

void session_name_models(const session *s, json *j) {
    const subject *of = &s->measured;
    if (subject_count(of) == 1) {
        report_json_string(j, "model", of->names.paths[0]);
        return;
    }
    report_json_open_array(j, of->ensemble ? "ensemble" : "models");
    for (size_t k = 0; k < subject_count(of); k++) {
        report_json_string(j, NULL, of->names.paths[k]);
    }
    report_json_close_array(j);
}

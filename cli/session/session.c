#include "session/session.h"

#include "support/data.h"
#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <stdlib.h>

void session_begin(session *s, arguments *args) {
    *s = (session){.args = args, .settings = args->settings, .common = args->settings};
    s->config = (prnn_config)PRNN_CONFIG_INIT;
    s->missing.keep = true;
}

/* ------------------------------------------------------------------------------------- opening */

int session_open(session *s) {
    s->ctx = prnn_context_create();
    if (!s->ctx) {
        return fail_memory();
    }
    if (prnn_context_set_threads(s->ctx, s->common->threads) != PRNN_OK) {
        return usage_error("--threads: %s", prnn_message(s->ctx));
    }
    if (prnn_context_set_cpu(s->ctx, s->common->cpu) != PRNN_OK) {
        return usage_error("--cpu: %s", prnn_message(s->ctx));
    }
    if (prnn_context_set_precision(s->ctx, s->common->precision) != PRNN_OK) {
        return usage_error("--precision: %s", prnn_message(s->ctx));
    }
    prnn_status status = prnn_context_set_device(s->ctx, s->common->device);
    if (status == PRNN_ERROR_ARGUMENT) {
        return usage_error("--device: %s", prnn_message(s->ctx));
    }
    if (status != PRNN_OK) {
        return fail("--device: %s", prnn_message(s->ctx));
    }
    return 0;
}

/* Models that do not fit are a wrong command line. */
int session_open_chain(session *s) {
    const arguments *args = s->args;
    int code;
    TRY(usage_code(s->ctx, prnn_chain_load(s->ctx, args->operands, args->operand_count, &s->chain)));
    s->path = args->operands[args->operand_count - 1];
    prnn_chain_config(s->chain, &s->config);
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

int session_open_data(session *s, const data_settings *data, const prnn_config *config, const char *model,
                      size_t first, size_t limit) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int code;
    TRY(data_options_read(data, config->levels, &options));
    if (options.fit != PRNN_FIT_EXACT) {
        options.height = config->height;
        options.width = config->width;
        options.channels = config->channels;
    }
    options.first = first;
    options.limit = limit;
    TRY(data_open_and_note(s->ctx, s->common->quiet, data->path, &options, &s->missing, &s->data));
    int height = prnn_data_height(s->data), width = prnn_data_width(s->data);
    int channels = prnn_data_channels(s->data);
    if (height != config->height || width != config->width || channels != config->channels) {
        return fail(
            "%s holds images of %d x %d x %d, and %s needs %d x %d x %d; --fit crop, resize or subsample "
            "changes the images",
            data->path, height, width, channels, model, config->height, config->width, config->channels);
    }
    if (prnn_data_count(s->data) == 0) {
        return fail("%s: no images are left", data->path);
    }
done:
    return code;
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
    prnn_chain_free(s->chain);
    prnn_chain_free(s->other);
    prnn_archive_free(s->archive);
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
    const arguments *args = s->args;
    if (args->operand_count == 1) {
        report_json_string(j, "model", args->operands[0]);
        return;
    }
    report_json_open_array(j, "models");
    for (size_t k = 0; k < args->operand_count; k++) {
        report_json_string(j, NULL, args->operands[k]);
    }
    report_json_close_array(j);
}

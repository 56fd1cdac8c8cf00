#include "session/session.h"

#include "support/data.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/report.h"
#include "support/try.h"

#include <stdlib.h>
#include <string.h>

void session_begin(session *s, arguments *args) {
    *s = (session){.args = args, .settings = args->settings, .common = args->settings};
    s->config = (prnn_config)PRNN_CONFIG_INIT;
    s->missing.keep = true;
}

/* ------------------------------------------------------------------------------------- opening */

/* Ranks of one machine that are to have "a GPU" get one each. */
static const char *device_of_rank(session *s, char name[]) {
    const char *wish = s->common->device ? s->common->device : getenv("PRNN_DEVICE");
    prnn_device_info d = PRNN_DEVICE_INFO_INIT;
    bool any = wish && (strcmp(wish, "gpu") == 0 || strcmp(wish, "auto") == 0), found = true;
    int usable = 0;
    if (!ranks_many() || !(any || (wish && (strcmp(wish, "cuda") == 0 || strcmp(wish, "opencl") == 0)))) {
        return s->common->device;
    }
    const char *kind = any ? "cuda" : wish;
    size_t length = strlen(kind), cards[64] = {0};
    for (size_t i = 0; prnn_device_describe(s->ctx, i, &d, &found) == PRNN_OK && found; i++) {
        if (strncmp(d.name, kind, length) == 0 && d.name[length] == ':' && !*d.why_not && usable < 64) {
            cards[usable++] = i;
        }
    }
    if (usable == 0 || prnn_device_describe(s->ctx, cards[ranks_local() % usable], &d, &found) != PRNN_OK) {
        return s->common->device;
    }
    return strcpy(name, d.name);
}

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
    char device[sizeof((prnn_device_info *)0)->name];
    prnn_status status = prnn_context_set_device(s->ctx, device_of_rank(s, device));
    if (status == PRNN_ERROR_ARGUMENT) {
        return usage_error("--device: %s", prnn_message(s->ctx));
    }
    if (status != PRNN_OK) {
        return fail("--device: %s", prnn_message(s->ctx));
    }
    return s->args->command->ranks ? ranks_join(s->ctx, s->common->threads, s->common->quiet) : EXIT_OK;
}

int session_compare_ranks(const session *s, const prnn_chain *chain, const char *const *paths) {
    int code = EXIT_OK;
    for (size_t i = 0; s->args->command->ranks && i < prnn_chain_count(chain); i++) {
        const prnn_model *model = prnn_chain_model(chain, i);
        TRY(exit_code(s->ctx, prnn_ranks_compare_model(s->ctx, model, paths[i])));
    }
done:
    return code;
}

/* Models that do not fit are a wrong command line. */
int session_open_chain(session *s) {
    const arguments *args = s->args;
    int code;
    TRY(usage_code(s->ctx, prnn_chain_load(s->ctx, args->operands, args->operand_count, &s->chain)));
    TRY(session_compare_ranks(s, s->chain, args->operands));
    s->path = args->operands[args->operand_count - 1];
    prnn_chain_config(s->chain, &s->config);
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
    if (s->args->command->ranks) {
        TRY(exit_code(s->ctx, prnn_ranks_compare_data(s->ctx, s->data, data->path)));
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

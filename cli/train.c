/* pixelrnn train: a model from images. */
#include "train.h"

#include "config.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The parts of the work; freed in one place. */
typedef struct training {
    prnn_context *ctx;
    prnn_model *model;
    prnn_data *train, *valid;
    progress bar;
} training;

/* ----------------------------------------------------------------------------------------- data */

static int open_set(const training *t, const train_settings *s, const char *path, size_t limit,
                    prnn_data **set) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int code = read_data_settings(&s->data, s->config.levels, &options);
    if (code) {
        return code;
    }
    options.height = s->height;
    options.width = s->width;
    options.channels = s->channels;
    options.limit = limit;
    if (path == s->cache) { /* it was fitted when it was made; --valid was not */
        options.fit = PRNN_FIT_EXACT;
    }
    return open_data(t->ctx, &s->common, path, &options, set);
}

static int cut(const training *t, prnn_data *set, size_t limit) {
    bool fits = !limit || limit >= prnn_data_count(set);
    return fits || prnn_data_split(t->ctx, set, limit, NULL) == PRNN_OK ? 0 : fail_with(t->ctx);
}

/* The last images of --data validate. */
static int split_data(training *t, const train_settings *s) {
    int code = open_set(t, s, s->data.path, 0, &t->train);
    if (code) {
        return code;
    }
    size_t count = prnn_data_count(t->train);
    if (s->valid_last >= count) {
        return fail("--valid-last %zu leaves nothing to train on: %s holds %zu images", s->valid_last,
                    s->data.path, count);
    }
    if (prnn_data_split(t->ctx, t->train, count - s->valid_last, &t->valid) != PRNN_OK) {
        return fail_with(t->ctx);
    }
    code = cut(t, t->train, s->limit);
    return code ? code : cut(t, t->valid, s->valid_limit);
}

static int open_sets(training *t, const train_settings *s) {
    if (s->valid_last) {
        return split_data(t, s);
    }
    int code = open_set(t, s, s->data.path, s->limit, &t->train);
    if (code || !s->valid) {
        return code;
    }
    code = open_set(t, s, s->valid, s->valid_limit, &t->valid);
    if (code) {
        return code;
    }
    const prnn_data *a = t->train, *b = t->valid;
    if (prnn_data_height(a) != prnn_data_height(b) || prnn_data_width(a) != prnn_data_width(b) ||
        prnn_data_channels(a) != prnn_data_channels(b)) {
        return fail("%s holds images of %d x %d x %d, and %s of %d x %d x %d; they must be the same",
                    s->valid, prnn_data_height(b), prnn_data_width(b), prnn_data_channels(b), s->data.path,
                    prnn_data_height(a), prnn_data_width(a), prnn_data_channels(a));
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- model */

/* Reads the model that --init names; from here on the settings are its. */
static int load_init(training *t, const arguments *args, train_settings *s) {
    if (!s->init) {
        return 0;
    }
    if (prnn_model_load(t->ctx, s->init, &t->model) != PRNN_OK) {
        return fail_with(t->ctx);
    }
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(t->model, &config);
    int code = train_check_init(args, s, &config);
    s->config = config;
    if (s->data.fit != PRNN_FIT_EXACT) {
        s->height = config.height;
        s->width = config.width;
        s->channels = config.channels;
    }
    return code;
}

static int make_model(training *t, train_settings *s) {
    prnn_config *c = &s->config;
    int height = prnn_data_height(t->train), width = prnn_data_width(t->train);
    int channels = prnn_data_channels(t->train);
    if (t->model) {
        bool fits = c->height == height && c->width == width && c->channels == channels;
        return fits
                   ? 0
                   : fail(
                         "%s holds images of %d x %d x %d, and %s of --init is for %d x %d x %d; --fit crop, "
                         "resize or subsample changes the images",
                         s->data.path, height, width, channels, s->init, c->height, c->width, c->channels);
    }
    c->height = height;
    c->width = width;
    c->channels = channels;
    prnn_status status = prnn_train_fits(t->ctx, c, t->train, t->valid, &s->train);
    if (status == PRNN_OK) {
        status = prnn_model_create(t->ctx, c, s->train.seed, &t->model);
    }
    if (status == PRNN_ERROR_ARGUMENT) {
        return usage_error("%s", prnn_message(t->ctx));
    }
    return status == PRNN_OK ? 0 : fail_with(t->ctx);
}

static void describe(const training *t, const train_settings *s) {
    const prnn_config *c = &s->config;
    fprintf(stderr, "%s, %d layer%s, hidden %d, head %d%s%s: %zu parameters\n", prnn_kind_name(c->kind),
            c->layers, c->layers == 1 ? "" : "s", c->hidden, c->head, c->residual ? "" : ", no residual",
            c->skip ? ", skip" : "", prnn_model_parameter_count(t->model, true));
    if (c->output == PRNN_LOGISTICS) {
        fprintf(stderr, "a value is a mixture of %d logistic distribution%s\n", c->components,
                c->components == 1 ? "" : "s");
    }
    if (c->condition_size) {
        fprintf(stderr,
                "conditional on images of %d x %d, %d features; likelihoods are of the values that these do "
                "not give\n",
                c->condition_size, c->condition_size, c->condition_features);
    }
    fprintf(stderr, "%zu images of %d x %d x %d, %d levels; ", prnn_data_count(t->train), c->height, c->width,
            c->channels, c->levels);
    if (t->valid) {
        fprintf(stderr, "%zu for validation\n", prnn_data_count(t->valid));
    } else {
        fprintf(stderr, "none for validation\n");
    }
}

/* ------------------------------------------------------------------------------------- training */

static bool on_progress(void *user, const prnn_progress *report) {
    training *t = user;
    progress_show(&t->bar, report);
    return !stop_asked();
}

static void print_result(const training *t, const train_settings *s) {
    const prnn_progress *last = &t->bar.last;
    char text[128];
    if (!isnan(last->best_nats)) {
        format_likelihood(t->model, last->best_nats, text, sizeof text);
        printf("best validation: %s\n", text);
    } else if (!isnan(last->train_nats)) {
        format_likelihood(t->model, last->train_nats, text, sizeof text);
        printf("last training batches: %s\n", text);
    }
    size_t n = strlen(s->train.out);
    printf("model: %s%smodel.safetensors\n", s->train.out, s->train.out[n - 1] == '/' ? "" : "/");
}

static int train(training *t, train_settings *s) {
    s->train.progress = on_progress;
    s->train.user = t;
    stop_catch();
    prnn_status status = prnn_train(t->ctx, t->model, t->train, t->valid, &s->train);
    progress_end(&t->bar);
    if (status == PRNN_STOPPED) {
        return fail("%s: the same command%s goes on", prnn_message(t->ctx),
                    s->train.resume ? "" : " with --resume");
    }
    if (status != PRNN_OK) {
        return fail_with(t->ctx);
    }
    print_result(t, s);
    return 0;
}

static int check_out(const train_settings *s) {
    int code = output_check_folder("out", s->train.out);
    if (code) {
        return code;
    }
    size_t size = strlen(s->train.out) + 32;
    char *path = malloc(size);
    if (!path) {
        return fail_memory();
    }
    snprintf(path, size, "%s/checkpoint.safetensors", s->train.out);
    bool there = access(path, F_OK) == 0;
    if (s->train.resume && !there && !s->common.quiet) {
        fprintf(stderr, "%s: no checkpoint yet, so training begins at the beginning\n", s->train.out);
    } else if (!s->train.resume && there) {
        code = fail("--out %s: there is a checkpoint; --resume goes on from it, or name another folder",
                    s->train.out);
    }
    free(path);
    return code;
}

static int train_with(training *t, const arguments *args, train_settings *s) {
    int code = open_context(&s->common, &t->ctx);
    code = code ? code : load_init(t, args, s);
    code = code ? code : train_use_cache(t->ctx, s);
    code = code ? code : open_sets(t, s);
    code = code ? code : make_model(t, s);
    if (!code && !s->common.quiet) {
        describe(t, s);
    }
    if (!code) {
        progress_begin(&t->bar, s->common.quiet, t->model);
        code = train(t, s);
    }
    return code;
}

/* -------------------------------------------------------------------------------------- command */

static int list_presets(void) {
    for (size_t i = 0; i < preset_count(); i++) {
        printf("%-18s %s\n", preset_name(i), preset_summary(i));
    }
    return 0;
}

static int show_preset(const char *name) {
    const char *text = preset_text(name);
    if (!text) {
        return preset_unknown(name);
    }
    for (size_t i = 0; i < preset_count(); i++) {
        if (strcmp(preset_name(i), name) == 0) {
            printf("# %s: %s\n", name, preset_summary(i));
        }
    }
    printf("%s", text);
    return 0;
}

int train_run(arguments *args) {
    train_settings *s = args->settings;
    if (s->list_presets) {
        return list_presets();
    }
    if (s->show_preset) {
        return show_preset(s->show_preset);
    }
    training t = {0};
    int code = config_layer(args, s->preset, s->file);
    code = code ? code : arguments_check(args);
    code = code ? code : train_settle(args, s);
    code = code ? code : check_out(s);
    code = code ? code : train_with(&t, args, s);
    prnn_data_free(t.train);
    prnn_data_free(t.valid);
    prnn_model_free(t.model);
    prnn_context_free(t.ctx);
    return code;
}

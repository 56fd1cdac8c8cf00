/* pixelrnn train: a model from images. */
#include "commands/train.h"

#include "options/config.h"
#include "options/presets.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/ranks.h"
#include "support/stop.h"
#include "support/try.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------- model */

/* Reads the model that --init names; from here on the settings are its. */
static int load_init(session *s, train_settings *want) {
    prnn_config config = PRNN_CONFIG_INIT;
    int code;
    TRY(exit_code(s->ctx, prnn_model_load(s->ctx, want->init, &s->model)));
    prnn_model_config(s->model, &config);
    session_take_palette(s);
    TRY(train_check_init(s->args, want, &config));
    want->config = config;
    if (want->data.fit != PRNN_FIT_EXACT) {
        want->height = want->height ? want->height : config.height;
        want->width = want->width ? want->width : config.width;
        want->channels = config.channels;
    }
done:
    return code;
}

static int load_teacher(session *s, train_settings *want) {
    int code;
    TRY(subject_load(s->ctx, s->args->command, &want->teacher, 1, &s->against));
    want->train.teacher = s->against.ensemble;
    /* Where nothing else says a palette, it is the teacher's. */
    const prnn_palette *palette = prnn_model_palette(subject_model(&s->against, 0));
    if (palette && !want->init && !want->data.palette && !want->data.palette_file) {
        s->palette = *palette;
    }
done:
    return code;
}

/* No weight of an unconditional model depends on the size of the images, so those of the data may have
 * another. */
static int fit_init(session *s, train_settings *want) {
    prnn_config *c = &want->config;
    int height = prnn_data_height(s->data), width = prnn_data_width(s->data);
    int channels = prnn_data_channels(s->data), code = EXIT_OK;
    prnn_model *resized = NULL;
    if (c->height == height && c->width == width && c->channels == channels) {
        return EXIT_OK;
    }
    if (c->condition_size || c->channels != channels) {
        return fail("%s holds images of %d x %d x %d, and %s of --init is for %d x %d x %d; --fit crop, "
                    "resize or subsample changes the images",
                    want->data.path, height, width, channels, want->init, c->height, c->width, c->channels);
    }
    TRY(exit_code(s->ctx, prnn_model_resize(s->ctx, s->model, height, width, &resized)));
    prnn_model_free(s->model);
    s->model = resized;
    if (!want->common.quiet) {
        note("%s is for images of %d x %d; its weights go on with those of %d x %d", want->init, c->height,
             c->width, height, width);
    }
    c->height = height;
    c->width = width;
done:
    return code;
}

enum { MOST_SIDE = 4096 };

/* Of the shape of the data. A network that nobody can make is a wrong command line. */
static int make_model(session *s, train_settings *want) {
    prnn_config *c = &want->config;
    int code;
    if (prnn_data_height(s->data) > MOST_SIDE || prnn_data_width(s->data) > MOST_SIDE) {
        return fail(
            "%s: its images are %d x %d (height x width), and those of a model have sides of %d at most: "
            "name a --height and --width and how they --fit",
            want->data.path, prnn_data_height(s->data), prnn_data_width(s->data), MOST_SIDE);
    }
    c->height = prnn_data_height(s->data);
    c->width = prnn_data_width(s->data);
    c->channels = prnn_data_channels(s->data);
    c->levels = prnn_data_levels(s->data);
    TRY(usage_code(s->ctx, prnn_train_fits(s->ctx, c, s->data, s->valid, &want->train)));
    TRY(usage_code(s->ctx, prnn_model_create(s->ctx, c, want->train.seed, &s->model)));
done:
    return code;
}

static void describe(const session *s, const train_settings *want) {
    const prnn_config *c = &want->config;
    note("%s, %d layer%s, hidden %d, head %d%s%s: %zu parameters", prnn_kind_name(c->kind), c->layers,
         plural((uint64_t)c->layers), c->hidden, c->head, c->residual ? "" : ", no residual",
         c->skip ? ", skip" : "", prnn_model_parameter_count(s->model, true));
    if (c->output == PRNN_LOGISTICS) {
        note("a value is a mixture of %d logistic distribution%s", c->components,
             plural((uint64_t)c->components));
    }
    if (c->condition_size) {
        note("conditional on images of %d x %d, %d feature%s; likelihoods are of the values that these do "
             "not give",
             c->condition_size, c->condition_size, c->condition_features,
             plural((uint64_t)c->condition_features));
    }
    char valid[32] = "none";
    if (s->valid) {
        snprintf(valid, sizeof valid, "%zu", prnn_data_count(s->valid));
    }
    size_t count = prnn_data_count(s->data);
    note("%zu image%s of %d x %d x %d, %d levels; %s for validation", count, plural(count), c->height,
         c->width, c->channels, c->levels, valid);
    if ((size_t)want->train.batch > count) {
        note("--batch %d is more than the %zu image%s: each step takes all of them", want->train.batch, count,
             plural(count));
    }
    if (want->teacher) {
        note("%.3g of each target is what %s expects", want->train.teacher_weight, want->teacher);
    }
    if (session_palette(s)) {
        note("the levels are numbers of the %d colours of a palette%s", s->palette.count,
             c->output == PRNN_LOGISTICS
                 ? "; a mixture of logistics takes neighbours for alike, which colours "
                   "are only by their luma: --output softmax does not"
                 : "");
    }
}

/* Lanes of a batch are what ranks share. */
static void note_ranks(const session *s, const train_settings *want) {
    int count = prnn_context_rank_count(s->ctx), useful = prnn_ranks_useful(s->model, want->train.batch);
    if (count > useful && !s->common->quiet) {
        note("%d of %d ranks have nothing to do: a batch of %d image%s is cut into %d lanes, 64 at most, "
             "which "
             "ranks share (docs/scaling.md)",
             count - useful, count, want->train.batch, plural((uint64_t)want->train.batch), useful);
    }
}

/* ------------------------------------------------------------------------------------- training */

typedef struct training {
    session *s;
    const train_settings *want;
    bool began, warned;
    uint64_t beyond; /* the step of the checkpoint, if it is beyond the last one, `total` */
    uint64_t total;
} training;

/* Whether --patience has ended the training before its last step. */
static bool ran_out(const train_settings *want, const prnn_progress *report) {
    uint64_t patience = want->train.patience;
    return patience && report->not_lower >= patience && report->done < report->total;
}

/* The first report, before any step, is of the checkpoint. */
static void begin(training *t, const prnn_progress *report) {
    unsigned long long done = report->done, total = report->total;
    t->began = true;
    t->beyond = done > total ? report->done : 0;
    t->total = report->total;
    if (t->s->common->quiet || done == 0 || t->beyond) {
        return;
    }
    progress_end(&t->s->bar);
    if (done == total) {
        note("%s: is at step %llu, its last one, and nothing is left to do", t->want->train.out, done);
    } else if (ran_out(t->want, report)) {
        note("%s: is at step %llu, after %llu validations without a lower NLL, and nothing is left to do; a "
             "larger "
             "--patience goes on",
             t->want->train.out, done, (unsigned long long)report->not_lower);
    } else {
        note("%s: goes on from step %llu of %llu", t->want->train.out, done, total);
    }
}

enum { OVERFITTED = 3 }; /* validations: two may be chance */

/* Once, with the remedies that are not in use. */
static void warn_overfitting(training *t, const prnn_progress *report) {
    const prnn_train_options *o = &t->want->train;
    if (t->warned || t->s->common->quiet || report->overfitted < OVERFITTED) {
        return;
    }
    t->warned = true;
    progress_end(&t->s->bar);
    note("validation NLL has risen %d times in a row while training NLL fell: the model overfits; what helps "
         "is "
         "more images, a smaller model%s%s%s%s",
         OVERFITTED, o->dropout > 0 ? "" : ", --dropout", o->weight_decay > 0 ? "" : ", --weight-decay",
         o->flip || o->shift ? "" : ", --flip or --shift where such images are as likely",
         o->patience ? "" : ", and --patience to end in time");
}

static bool on_progress(void *user, const prnn_progress *report) {
    training *t = user;
    if (!t->began && strcmp(report->phase, "train") == 0) {
        begin(t, report);
    }
    if (!t->beyond) {
        progress_show(&t->s->bar, report);
        warn_overfitting(t, report);
    }
    return !t->beyond && !stop_asked();
}

static void tell_end(const training *t) {
    const prnn_progress *last = &t->s->bar.last;
    if (ran_out(t->want, last) && !t->s->common->quiet) {
        note("ended at step %llu of %llu: the last %llu validation%s brought no lower NLL than that at step "
             "%llu",
             (unsigned long long)last->done, (unsigned long long)last->total,
             (unsigned long long)last->not_lower, plural(last->not_lower),
             (unsigned long long)last->best_step);
    }
}

static void print_result(const session *s, const char *out) {
    const prnn_progress *last = &s->bar.last;
    char text[128];
    if (!isnan(last->best_nats)) {
        format_likelihood(s->model, last->best_nats, text, sizeof text);
        say("best validation: %s", text);
    } else if (!isnan(last->train_nats)) {
        format_likelihood(s->model, last->train_nats, text, sizeof text);
        say("last training batches: %s", text);
    }
    say("model: %s%smodel.safetensors", out, out[strlen(out) - 1] == '/' ? "" : "/");
}

static void note_exchange(const session *s) {
    const prnn_progress *last = &s->bar.last;
    if (last->exchange_bytes > 0 && !s->common->quiet) {
        note("between ranks: %.1f MB sent by rank 0 a step; %.1f %% of its time went into exchange, %.1f %% "
             "into waiting for other ranks",
             last->exchange_bytes / 1e6, 100 * last->exchange_share, 100 * last->wait_share);
    }
}

static int train(session *s, train_settings *want) {
    training t = {.s = s, .want = want};
    int code;
    want->train.progress = on_progress;
    want->train.user = &t;
    stop_catch();
    progress_begin(&s->bar, s->common->quiet, s->model);
    prnn_status status = prnn_train(s->ctx, s->model, s->data, s->valid, &want->train);
    progress_end(&s->bar);
    if (t.beyond) {
        return usage_error(
            "--resume: %s is at step %llu already, and the last one is to be %llu: give more --steps or "
            "--epochs, or another --out",
            want->train.out, (unsigned long long)t.beyond, (unsigned long long)t.total);
    }
    if (status == PRNN_STOPPED) {
        return fail("%s: the same command%s goes on", prnn_message(s->ctx),
                    want->train.resume ? "" : " with --resume");
    }
    TRY(exit_code(s->ctx, status));
    tell_end(&t);
    print_result(s, want->train.out);
    note_exchange(s);
done:
    return code;
}

/* The folder is rank 0's. */
static int check_out(const train_settings *want) {
    const char *out = want->train.out;
    size_t size = strlen(out) + 32;
    char *path = malloc(size);
    int code;
    TRY(output_check_folder("out", out));
    TRY(check_memory(path));
    snprintf(path, size, "%s/checkpoint.safetensors", out);
    bool there = access(path, F_OK) == 0;
    if (want->train.resume && !there && !want->common.quiet) {
        note("%s: no checkpoint yet, so training begins at the beginning", out);
    }
    if (!want->train.resume && there) {
        TRY(fail("--out %s: there is a checkpoint; --resume goes on from it, or name another folder", out));
    }
done:
    free(path);
    return code;
}

/* -------------------------------------------------------------------------------------- command */

static int list_presets(void) {
    for (size_t i = 0; i < preset_count(); i++) {
        say("%-18s %s", preset_name(i), preset_summary(i));
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
            say("# %s: %s", name, preset_summary(i));
        }
    }
    printf("%s", text);
    return 0;
}

int train_prepare(arguments *args, bool *served) {
    const train_settings *want = args->settings;
    *served = want->list_presets || want->show_preset;
    if (want->list_presets) {
        return list_presets();
    }
    return want->show_preset ? show_preset(want->show_preset) : config_layer(args, want->preset, want->file);
}

int train_run(session *s) {
    train_settings *want = s->settings;
    int code;
    signal(SIGPIPE, SIG_IGN); /* who reads the log may end before the training does */
    TRY(train_settle(s->args, want));
    TRY(ranks_first() ? check_out(want) : EXIT_OK);
    TRY(session_open(s));
    if (want->init) {
        TRY(load_init(s, want));
    }
    if (want->teacher) {
        TRY(load_teacher(s, want));
    }
    TRY(train_open_data(s, want));
    TRY(want->init ? fit_init(s, want) : make_model(s, want));
    if (!want->common.quiet) {
        describe(s, want);
    }
    note_ranks(s, want);
    TRY(train(s, want));
done:
    return code;
}

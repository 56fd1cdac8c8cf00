/* pixelrnn info: what a model file holds. */
#include "session/session.h"
#include "support/memory.h"
#include "support/try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct settings {
    struct common common;
    bool json;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS};

static const struct option options[] = {
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

/* What is told of a model. */
typedef struct description {
    const char *path, *arithmetic;
    const prnn_model *model;
    const prnn_config *config;
    char fingerprint[72]; /* which archives need */
    char changed[32];     /* when its file was; "": it is a pipe */
} description;

static void shape_text(const prnn_tensor *tensor, char text[64]) {
    int used = 0;
    for (int i = 0; i < tensor->rank; i++) {
        used += snprintf(text + used, 64 - (size_t)used, "%s%d", i ? " x " : "", tensor->shape[i]);
    }
}

/* "training.2.": the keys of the last training that the model remembers; "": it remembers none. */
static void last_training(const prnn_model *model, char prefix[32]) {
    static const char begin[] = "training.";
    unsigned long last = 0;
    for (size_t i = 0; i < prnn_model_metadata_count(model); i++) {
        const char *key = prnn_model_metadata_key(model, i);
        bool is_one = strncmp(key, begin, strlen(begin)) == 0;
        unsigned long number = is_one ? strtoul(key + strlen(begin), NULL, 10) : 0;
        last = number > last ? number : last;
    }
    prefix[0] = 0;
    if (last) {
        snprintf(prefix, 32, "%s%lu.", begin, last);
    }
}

/* Of the last training. */
static const char *find_training(const prnn_model *model, const char *prefix, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "%s%s", prefix, name);
    return prnn_model_metadata(model, key);
}

static void print_training(const prnn_model *model) {
    char prefix[32], likelihood[128];
    last_training(model, prefix);
    const char *steps = find_training(model, prefix, "steps"), *data = find_training(model, prefix, "data");
    const char *images = find_training(model, prefix, "images"),
               *nats = find_training(model, prefix, "valid-nats");
    const char *valid = find_training(model, prefix, "valid-images");
    if (!*prefix || !steps || !images) {
        return;
    }
    say("trained     %s step%s on %s image%s%s%s", steps, strcmp(steps, "1") == 0 ? "" : "s", images,
        strcmp(images, "1") == 0 ? "" : "s", data ? " of " : "", data ? data : "");
    if (nats && valid) {
        format_likelihood(model, strtod(nats, NULL), likelihood, sizeof likelihood);
        say("validation  %s, on %s images", likelihood, valid);
    }
}

static void print_metadata(const prnn_model *model) {
    size_t count = prnn_model_metadata_count(model);
    say("metadata    %zu", count);
    for (size_t i = 0; i < count; i++) {
        const char *key = prnn_model_metadata_key(model, i);
        say("  %-40s %s", key, prnn_model_metadata(model, key));
    }
}

static void print_text(const description *d) {
    const prnn_config *c = d->config;
    const prnn_model *model = d->model;
    say("%s", d->path);
    say("kind        %s", prnn_kind_name(c->kind));
    say("image       %d x %d x %d (height x width x channels), %d levels", c->height, c->width, c->channels,
        c->levels);
    say("network     %d layer%s, hidden %d, head %d, residual %s, skip %s", c->layers,
        plural((uint64_t)c->layers), c->hidden, c->head, c->residual ? "yes" : "no", c->skip ? "yes" : "no");
    if (c->output == PRNN_LOGISTICS) {
        say("output      a mixture of %d logistic distribution%s a value", c->components,
            plural((uint64_t)c->components));
    }
    if (c->condition_size) {
        say("condition   an image of %d x %d, %d feature%s", c->condition_size, c->condition_size,
            c->condition_features, plural((uint64_t)c->condition_features));
    }
    print_training(model);
    if (*d->changed) {
        say("changed     %s", d->changed);
    }
    say("arithmetic  %s", d->arithmetic);
    say("fingerprint %s", d->fingerprint);
    say("parameters  %zu, of these %zu unmasked", prnn_model_parameter_count(model, false),
        prnn_model_parameter_count(model, true));
    print_metadata(model);
    size_t count = prnn_model_tensor_count(model);
    say("tensors     %zu", count);
    for (size_t i = 0; i < count; i++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        char shape[64];
        prnn_model_tensor(model, i, &tensor);
        shape_text(&tensor, shape);
        say("  %-40s %s", tensor.name, shape);
    }
}

static void print_config(json *j, const prnn_config *c) {
    report_json_open_object(j, "config");
    report_json_string(j, "kind", prnn_kind_name(c->kind));
    report_json_int(j, "height", c->height);
    report_json_int(j, "width", c->width);
    report_json_int(j, "channels", c->channels);
    report_json_int(j, "levels", c->levels);
    report_json_int(j, "layers", c->layers);
    report_json_int(j, "hidden", c->hidden);
    report_json_int(j, "head", c->head);
    report_json_bool(j, "residual", c->residual);
    report_json_bool(j, "skip", c->skip);
    report_json_int(j, "condition_size", c->condition_size);
    report_json_int(j, "condition_features", c->condition_features);
    report_json_string(j, "output", prnn_output_name(c->output));
    report_json_int(j, "components", c->components);
    report_json_close_object(j);
}

static void print_tensors(json *j, const prnn_model *model) {
    report_json_open_array(j, "tensors");
    for (size_t i = 0; i < prnn_model_tensor_count(model); i++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(model, i, &tensor);
        report_json_open_object(j, NULL);
        j->flat = true;
        report_json_string(j, "name", tensor.name);
        report_json_open_array(j, "shape");
        for (int k = 0; k < tensor.rank; k++) {
            report_json_int(j, NULL, tensor.shape[k]);
        }
        report_json_close_array(j);
        report_json_uint(j, "count", tensor.count);
        report_json_close_object(j);
        j->flat = false;
    }
    report_json_close_array(j);
}

static void print_json_metadata(json *j, const prnn_model *model) {
    report_json_open_object(j, "metadata");
    for (size_t i = 0; i < prnn_model_metadata_count(model); i++) {
        const char *key = prnn_model_metadata_key(model, i);
        report_json_string(j, key, prnn_model_metadata(model, key));
    }
    report_json_close_object(j);
}

static void print_json(const description *d) {
    const prnn_model *model = d->model;
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "model", d->path);
    if (*d->changed) {
        report_json_string(&j, "changed", d->changed);
    }
    report_json_string(&j, "fingerprint", d->fingerprint);
    report_json_string(&j, "arithmetic", d->arithmetic);
    report_json_string(&j, "kind", prnn_kind_name(d->config->kind));
    print_config(&j, d->config);
    report_json_uint(&j, "parameters", prnn_model_parameter_count(model, false));
    report_json_uint(&j, "unmasked_parameters", prnn_model_parameter_count(model, true));
    print_json_metadata(&j, model);
    print_tensors(&j, model);
    report_json_end(&j);
}

/* When the file was last changed, in UTC; "": it is a pipe. */
static int find_change(const char *path, char text[32]) {
    struct stat st = {0};
    struct tm date;
    size_t room = strlen(path) + sizeof "/model.safetensors";
    char *inside = allocate(room, 1);
    int code;
    text[0] = 0;
    TRY(check_memory(inside));
    snprintf(inside, room, "%s/model.safetensors", path);
    bool found = stat(path, &st) == 0 && (!S_ISDIR(st.st_mode) || stat(inside, &st) == 0);
    TRY(found ? EXIT_OK : fail("%s: cannot be looked at: %s", path, strerror(errno)));
    if (S_ISREG(st.st_mode) && gmtime_r(&st.st_mtime, &date)) {
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &date);
    }
done:
    free(inside);
    return code;
}

static int run(session *s) {
    const settings *want = s->settings;
    description d = {.config = &s->config};
    int code;
    TRY(session_open(s));
    TRY(session_open_chain(s));
    d.path = s->path;
    d.arithmetic = prnn_context_arithmetic(s->ctx);
    d.model = prnn_chain_model(s->chain, 0);
    TRY(find_change(s->path, d.changed));
    TRY(exit_code(s->ctx, prnn_model_fingerprint(s->ctx, d.model, d.fingerprint)));
    (want->json ? print_json : print_text)(&d);
done:
    return code;
}

const struct command command_info = {
    .name = "info",
    .summary = "what a model file holds",
    .operand = "MODEL",
    .description =
        "Prints what a model file holds: its network, where it comes from (the data, options and result of "
        "its trainings, and whatever else its metadata say), its number of parameters and its tensors.",
    .examples = "pixelrnn info model.safetensors",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

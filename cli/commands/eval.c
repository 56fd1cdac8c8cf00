/* pixelrnn eval: the likelihood of images under a model. */
#include "session/session.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/output.h"
#include "support/try.h"

#include <math.h>
#include <pixelrnn/io.h>
#include <stdio.h>

enum { CHUNK = 256 };

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first, limit;
    uint64_t seed;
    bool json;
    const char *per_image, *per_value;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 0, 0, false, NULL, NULL};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to measure"),
    DATA_READING_OPTIONS(settings),
    SIZE("first", offsetof(settings, first), 0, 0, "leave out the images before this one, counted from 0"),
    SIZE("limit", offsetof(settings, limit), 0, 0, "at most so many images; 0: all"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "draw of --binarize sample"),
    GROUP("Output"),
    FLAG("json", offsetof(settings, json), 0,
         "one JSON object on stdout: images, skipped (files), nats (mean per image), nats_stderr (null for "
         "one image), "
         "bits_per_dim, ..."),
    OUTPUT("per-image", offsetof(settings, per_image), "F.npy", 0,
           "write the negative log-likelihood of each image in nats, float64 (images)"),
    OUTPUT("per-value", offsetof(settings, per_value), "F.npy", 0,
           "write that of each value in nats, float32 (images, H, W, C)"),
    COMMON_OPTIONS,
};

typedef struct evaluation {
    session *s;
    const settings *want;
    bool conditional; /* one model, given small images */
    size_t count;
    double *nats;  /* count */
    float *values; /* count x H x W x C, or NULL */
    double mean, error, seconds;
    double *new_nats; /* one conditional model: of the values that the small images do not give; else NULL */
    double new_mean, new_error;
    uint8_t *images; /* of a chunk */
    float *scratch;  /* its values, if they are needed and nobody keeps them; else NULL */
} evaluation;

static const prnn_model *last_model(const session *s) {
    return prnn_chain_model(s->chain, prnn_chain_count(s->chain) - 1);
}

static size_t chunk_of(const evaluation *e) {
    return e->count < CHUNK ? e->count : CHUNK;
}

static int allocate_results(evaluation *e) {
    session *s = e->s;
    size_t values = image_size(&s->config), bytes = values * sizeof(float);
    int code;
    e->nats = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->nats));
    e->images = session_allocate(s, chunk_of(e), values);
    TRY(check_memory(e->images));
    if (e->want->per_value) {
        e->values = session_allocate(s, e->count, bytes);
        TRY(check_memory(e->values));
    }
    if (e->conditional) {
        e->new_nats = session_allocate(s, e->count, sizeof(double));
        TRY(check_memory(e->new_nats));
    }
    if (e->conditional && !e->values) {
        e->scratch = session_allocate(s, chunk_of(e), bytes);
        TRY(check_memory(e->scratch));
    }
done:
    return code;
}

static int check_finite(const evaluation *e, size_t from, size_t n) {
    for (size_t i = from; i < from + n; i++) {
        if (!isfinite(e->nats[i])) {
            return fail("the negative log-likelihood of image %zu of %s is not finite", e->want->first + i,
                        e->want->data.path);
        }
    }
    return 0;
}

/* Of an image, what its small image does not give. */
static double sum_of_new(const session *s, const float *values) {
    size_t channels = (size_t)s->config.channels, width = (size_t)s->config.width;
    double sum = 0;
    for (size_t i = 0; i < image_size(&s->config); i++) {
        int row = (int)(i / channels / width), column = (int)(i / channels % width);
        sum += prnn_model_pixel_is_given(last_model(s), row, column) ? 0 : (double)values[i];
    }
    return sum;
}

static prnn_status evaluate_conditional(const evaluation *e, size_t n, double *nats, float *values,
                                        double *new_nats) {
    prnn_status status = prnn_evaluate(e->s->ctx, last_model(e->s), e->images, n, NULL, nats, values);
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        new_nats[i] = sum_of_new(e->s, values + i * image_size(&e->s->config));
    }
    return status;
}

static int evaluate_chunk(const evaluation *e, size_t from, size_t n) {
    const session *s = e->s;
    int code;
    TRY(data_read(s->ctx, s->data, from, n, e->want->seed, e->images));
    float *values = e->values ? e->values + from * image_size(&s->config) : e->scratch;
    prnn_status status =
        e->conditional
            ? evaluate_conditional(e, n, e->nats + from, values, e->new_nats + from)
            : prnn_chain_evaluate(s->ctx, s->chain, e->images, n, NULL, e->nats + from, NULL, values);
    if (status == PRNN_ERROR_FORMAT) { /* the library counts from the first image of the chunk */
        TRY(check_finite(e, from, n));
    }
    TRY(exit_code(s->ctx, status));
done:
    return code;
}

static int evaluate(evaluation *e) {
    session *s = e->s;
    size_t chunk = chunk_of(e);
    double begin = clock_seconds();
    int code = 0;
    progress_begin(&s->bar, s->common->quiet, last_model(s));
    for (size_t from = 0; from < e->count; from += chunk) {
        size_t n = e->count - from < chunk ? e->count - from : chunk;
        TRY(evaluate_chunk(e, from, n));
        e->seconds = clock_seconds() - begin;
        progress_count(&s->bar, "evaluate", from + n, e->count, e->seconds);
    }
done:
    progress_end(&s->bar);
    return code;
}

/* Mean and its standard error, which one image alone has not: NaN. */
static void summarize(const double *nats, size_t count, double *mean, double *error) {
    double sum = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) {
        sum += nats[i];
    }
    *mean = sum / n;
    for (size_t i = 0; i < count; i++) {
        squares += (nats[i] - *mean) * (nats[i] - *mean);
    }
    *error = count > 1 ? sqrt(squares / (n - 1) / n) : NAN;
}

static int write_arrays(const evaluation *e) {
    const prnn_config *c = &e->s->config;
    prnn_context *ctx = e->s->ctx;
    const size_t shape[] = {e->count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    int code = 0;
    if (e->want->per_image) {
        TRY(exit_code(ctx, prnn_write_npy(ctx, e->want->per_image, PRNN_F64, 1, shape, e->nats)));
    }
    if (e->want->per_value) {
        TRY(exit_code(ctx, prnn_write_npy(ctx, e->want->per_value, PRNN_F32, 4, shape, e->values)));
    }
done:
    return code;
}

static void print_json(const evaluation *e) {
    const prnn_model *model = last_model(e->s);
    json j;
    report_json_begin(&j, stdout);
    session_name_models(e->s, &j);
    report_json_string(&j, "data", e->want->data.path);
    report_json_uint(&j, "images", e->count);
    report_json_uint(&j, "skipped", prnn_data_skipped(e->s->data));
    report_json_double(&j, "nats", e->mean);
    report_json_double(&j, "nats_stderr", e->error);
    report_json_double(&j, "bits_per_dim", prnn_bits_per_dim(model, e->mean));
    report_json_double(&j, "bits_per_dim_stderr", prnn_bits_per_dim(model, e->error));
    if (e->conditional) {
        report_json_double(&j, "new_nats", e->new_mean);
        report_json_double(&j, "new_nats_stderr", e->new_error);
        report_json_double(&j, "new_bits_per_dim", prnn_bits_per_dim(model, e->new_mean));
    }
    report_json_double(&j, "seconds", e->seconds);
    report_json_end(&j);
}

/* "79.2043 ± 0.1102", or "79.2043" where there is no error. */
static const char *with_error(double mean, double error, int decimals, char text[80]) {
    char a[32], b[32];
    bool known = !isnan(error);
    snprintf(text, 80, "%s%s%s", format_fixed(mean, decimals, a), known ? " ± " : "",
             known ? format_fixed(error, decimals, b) : "");
    return text;
}

static void print_new(const evaluation *e) {
    char nats[80], bits[32];
    int size = e->s->config.condition_size;
    double bits_per_dim = prnn_bits_per_dim(last_model(e->s), e->new_mean);
    say("given images of %d x %d; in the values that these do not give: %s nats, %s bits/dim", size, size,
        with_error(e->new_mean, e->new_error, 3, nats), format_fixed(bits_per_dim, 5, bits));
}

static void print_text(const evaluation *e) {
    const prnn_model *model = last_model(e->s);
    double bits = prnn_bits_per_dim(model, e->mean), bits_error = prnn_bits_per_dim(model, e->error);
    char text[80];
    if (e->s->config.levels == 2) {
        say("%s nats per image", with_error(e->mean, e->error, 4, text));
        say("%s bits/dim", with_error(bits, bits_error, 6, text));
    } else {
        say("%s bits/dim", with_error(bits, bits_error, 5, text));
        say("%s nats per image", with_error(e->mean, e->error, 3, text));
    }
    if (e->conditional) {
        print_new(e);
    }
    say("%zu image%s, %.1f seconds", e->count, plural(e->count), e->seconds);
}

static void report(evaluation *e) {
    summarize(e->nats, e->count, &e->mean, &e->error);
    if (e->conditional) {
        summarize(e->new_nats, e->count, &e->new_mean, &e->new_error);
    }
    (e->want->json ? print_json : print_text)(e);
}

static int check(const session *s) {
    const settings *want = s->settings;
    output_kind kind;
    int code = EXIT_OK;
    if (want->per_image) {
        TRY(output_check("per-image", want->per_image, ALLOW_NPY, &kind));
    }
    if (want->per_value) {
        TRY(output_check("per-value", want->per_value, ALLOW_NPY, &kind));
    }
done:
    return code;
}

static int open_all(evaluation *e) {
    session *s = e->s;
    int code;
    TRY(session_open(s));
    TRY(session_open_chain(s));
    e->conditional = session_is_conditional_alone(s);
    if (!e->conditional) {
        TRY(session_check_first(s));
    }
    TRY(session_open_data(s, &e->want->data, &s->config, s->path, e->want->first, e->want->limit));
    e->count = prnn_data_count(s->data);
done:
    return code;
}

static int run(session *s) {
    evaluation e = {.s = s, .want = s->settings};
    int code;
    TRY(check(s));
    TRY(open_all(&e));
    TRY(allocate_results(&e));
    TRY(evaluate(&e));
    report(&e);
    TRY(write_arrays(&e));
done:
    return code;
}

const struct command command_eval = {
    .name = "eval",
    .summary = "how likely images are under a model",
    .operand = "MODEL",
    .many = true,
    .description =
        "Prints the mean negative log-likelihood of the images, with its standard error: in nats per image "
        "and in bits per dimension (nats / (H W C ln 2)).\n\n"
        "Several models are a chain, from small images to large ones: the exact joint likelihood of the "
        "large "
        "images, -log p(small) - log p(large | small) - ... Every value counts once, under the model of the "
        "smallest scale that has it. Of one conditional model alone: that of all values of an image given "
        "its "
        "small one, and the part of it in the values that the small one does not give.",
    .examples = "pixelrnn eval model.safetensors --data t10k-images-idx3-ubyte.gz\n"
                "pixelrnn eval model.safetensors --data test_batch.bin --limit 1000 --json\n"
                "pixelrnn eval 8x8.safetensors 32x32-given-8x8.safetensors --data test_batch.bin",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

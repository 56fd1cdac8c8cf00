/* pixelrnn eval: the likelihood of images under a model. */
#include "json.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "setup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
         "one JSON object on stdout: images, nats (mean per image), nats_stderr, bits_per_dim, ..."),
    STRING("per-image", offsetof(settings, per_image), "F.npy", 0,
           "write the negative log-likelihood of each image in nats, float64 (images)"),
    STRING("per-value", offsetof(settings, per_value), "F.npy", 0,
           "write that of each value in nats, float32 (images, H, W, C)"),
    COMMON_OPTIONS,
};

typedef struct evaluation {
    prnn_config config;
    size_t count;
    double *nats;  /* count */
    float *values; /* count x H x W x C, or NULL */
    double mean, error, seconds;
} evaluation;

static int allocate_results(const settings *s, evaluation *e) {
    e->nats = allocate(e->count, sizeof(double));
    size_t bytes = image_size(&e->config) * sizeof(float);
    e->values = s->per_value ? allocate(e->count, bytes) : NULL;
    return e->nats && (e->values || !s->per_value) ? 0 : fail_memory();
}

static int check_finite(const settings *s, const evaluation *e, size_t from, size_t n) {
    for (size_t i = from; i < from + n; i++) {
        if (!isfinite(e->nats[i])) {
            return fail("the negative log-likelihood of image %zu of %s is not finite", s->first + i,
                        s->data.path);
        }
    }
    return 0;
}

static int evaluate_chunk(prnn_context *ctx, const settings *s, const prnn_model *model, const prnn_data *set,
                          evaluation *e, size_t from, size_t n, uint8_t *images) {
    int code = read_images(ctx, set, from, n, s->seed, images);
    if (code) {
        return code;
    }
    float *values = e->values ? e->values + from * image_size(&e->config) : NULL;
    if (prnn_evaluate(ctx, model, images, n, e->nats + from, values) != PRNN_OK) {
        return fail_with(ctx);
    }
    return check_finite(s, e, from, n);
}

static int evaluate(prnn_context *ctx, const settings *s, const prnn_model *model, const prnn_data *set,
                    evaluation *e) {
    size_t chunk = e->count < CHUNK ? e->count : CHUNK;
    uint8_t *images = allocate(chunk, image_size(&e->config));
    int code = images ? 0 : fail_memory();
    progress bar;
    progress_begin(&bar, s->common.quiet, model);
    double begin = clock_seconds();
    for (size_t from = 0; !code && from < e->count; from += chunk) {
        size_t n = e->count - from < chunk ? e->count - from : chunk;
        code = evaluate_chunk(ctx, s, model, set, e, from, n, images);
        e->seconds = clock_seconds() - begin;
        prnn_progress report = {.phase = "evaluate", .done = from + n, .total = e->count};
        report.seconds = e->seconds;
        report.images_per_second = (double)report.done / fmax(e->seconds, 1e-9);
        if (!code) {
            progress_show(&bar, &report);
        }
    }
    progress_end(&bar);
    free(images);
    return code;
}

/* Mean and its standard error. */
static void summarize(evaluation *e) {
    double sum = 0, squares = 0, n = (double)e->count;
    for (size_t i = 0; i < e->count; i++) {
        sum += e->nats[i];
    }
    e->mean = sum / n;
    for (size_t i = 0; i < e->count; i++) {
        squares += (e->nats[i] - e->mean) * (e->nats[i] - e->mean);
    }
    e->error = e->count > 1 ? sqrt(squares / (n - 1) / n) : 0;
}

static int write_arrays(prnn_context *ctx, const settings *s, const evaluation *e) {
    const prnn_config *c = &e->config;
    const size_t shape[] = {e->count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    if (s->per_image && prnn_write_npy(ctx, s->per_image, PRNN_F64, 1, shape, e->nats) != PRNN_OK) {
        return fail_with(ctx);
    }
    if (s->per_value && prnn_write_npy(ctx, s->per_value, PRNN_F32, 4, shape, e->values) != PRNN_OK) {
        return fail_with(ctx);
    }
    return 0;
}

static void print_json(const settings *s, const prnn_model *model, const evaluation *e) {
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "model", s->common.operand);
    report_json_string(&j, "data", s->data.path);
    report_json_uint(&j, "images", e->count);
    report_json_double(&j, "nats", e->mean);
    report_json_double(&j, "nats_stderr", e->error);
    report_json_double(&j, "bits_per_dim", prnn_bits_per_dim(model, e->mean));
    report_json_double(&j, "bits_per_dim_stderr", prnn_bits_per_dim(model, e->error));
    report_json_double(&j, "seconds", e->seconds);
    report_json_end(&j);
}

static void print_text(const prnn_model *model, const evaluation *e) {
    double bits = prnn_bits_per_dim(model, e->mean), bits_error = prnn_bits_per_dim(model, e->error);
    if (e->config.levels == 2) {
        printf("%.4f ± %.4f nats per image\n", e->mean, e->error);
        printf("%.6f ± %.6f bits/dim\n", bits, bits_error);
    } else {
        printf("%.5f ± %.5f bits/dim\n", bits, bits_error);
        printf("%.3f ± %.3f nats per image\n", e->mean, e->error);
    }
    printf("%zu image%s, %.1f seconds\n", e->count, e->count == 1 ? "" : "s", e->seconds);
}

static int check_outputs(const settings *s) {
    output_kind kind;
    int code = s->per_image ? output_check("per-image", s->per_image, ALLOW_NPY, &kind) : 0;
    if (!code && s->per_value) {
        code = output_check("per-value", s->per_value, ALLOW_NPY, &kind);
    }
    return code;
}

static int run_with(prnn_context *ctx, const settings *s, prnn_model **model, prnn_data **set,
                    evaluation *e) {
    if (prnn_model_load(ctx, s->common.operand, model) != PRNN_OK) {
        return fail_with(ctx);
    }
    prnn_model_config(*model, &e->config);
    int code = open_data_for(ctx, &s->common, &s->data, &e->config, s->first, s->limit, set);
    e->count = code ? 0 : prnn_data_count(*set);
    code = code ? code : allocate_results(s, e);
    code = code ? code : evaluate(ctx, s, *model, *set, e);
    code = code ? code : write_arrays(ctx, s, e);
    if (!code) {
        summarize(e);
        if (s->json) {
            print_json(s, *model, e);
        } else {
            print_text(*model, e);
        }
    }
    return code;
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    prnn_model *model = NULL;
    prnn_data *set = NULL;
    evaluation e = {.config = PRNN_CONFIG_INIT};
    int code = arguments_check(args);
    code = code ? code : check_outputs(s);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : run_with(ctx, s, &model, &set, &e);
    free(e.nats);
    free(e.values);
    prnn_data_free(set);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return code;
}

const struct command command_eval = {
    .name = "eval",
    .summary = "how likely images are under a model",
    .operand = "MODEL",
    .description =
        "Prints the mean negative log-likelihood of the images, with its standard error: in nats per image "
        "and in bits per dimension (nats / (H W C ln 2)).",
    .examples = "pixelrnn eval model.safetensors --data t10k-images-idx3-ubyte.gz\n"
                "pixelrnn eval model.safetensors --data test_batch.bin --limit 1000 --json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

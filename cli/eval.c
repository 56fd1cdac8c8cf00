/* pixelrnn eval: the likelihood of images under a model. */
#include "chain.h"
#include "json.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "setup.h"

#include <math.h>
#include <pixelrnn/io.h>
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
    bool conditional; /* one model, given small images */
    size_t count;
    double *nats;  /* count */
    float *values; /* count x H x W x C, or NULL */
    double mean, error, seconds;
    double *new_nats; /* one conditional model: of the values that the small images do not give; else NULL */
    double new_mean, new_error;
} evaluation;

static int allocate_results(const settings *s, evaluation *e) {
    e->nats = allocate(e->count, sizeof(double));
    size_t bytes = image_size(&e->config) * sizeof(float);
    e->values = s->per_value ? allocate(e->count, bytes) : NULL;
    e->new_nats = e->conditional ? allocate(e->count, sizeof(double)) : NULL;
    bool all = e->nats && (e->values || !s->per_value) && (e->new_nats || !e->conditional);
    return all ? 0 : fail_memory();
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

/* Of an image, what its small image does not give. */
static double sum_of_new(const prnn_config *c, const float *values) {
    double sum = 0;
    for (size_t i = 0; i < image_size(c); i++) {
        sum += chain_is_given(c, i / (size_t)c->channels) ? 0 : (double)values[i];
    }
    return sum;
}

static prnn_status evaluate_conditional(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                        size_t n, double *nats, float *values, double *new_nats) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(model, &config);
    prnn_status status = prnn_evaluate(ctx, model, images, n, NULL, nats, values);
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        new_nats[i] = sum_of_new(&config, values + i * image_size(&config));
    }
    return status;
}

static int evaluate_chunk(prnn_context *ctx, const settings *s, const chain *models, const prnn_data *set,
                          evaluation *e, size_t from, size_t n, uint8_t *images, float *scratch) {
    int code = read_images(ctx, set, from, n, s->seed, images);
    if (code) {
        return code;
    }
    float *values = e->values ? e->values + from * image_size(&e->config) : scratch;
    prnn_status status = e->conditional
                             ? evaluate_conditional(ctx, models->models[0], images, n, e->nats + from, values,
                                                    e->new_nats + from)
                             : prnn_evaluate_chain(ctx, (const prnn_model *const *)models->models,
                                                   models->count, images, n, e->nats + from, values);
    /* The library counts from the first image of the chunk. */
    code = status == PRNN_ERROR_FORMAT ? check_finite(s, e, from, n) : 0;
    return code || status == PRNN_OK ? code : fail_with(ctx);
}

static int evaluate(prnn_context *ctx, const settings *s, const chain *models, const prnn_data *set,
                    evaluation *e) {
    size_t chunk = e->count < CHUNK ? e->count : CHUNK;
    uint8_t *images = allocate(chunk, image_size(&e->config));
    /* A conditional model's values are needed, whether somebody wants them or not. */
    bool needs = e->conditional && !e->values;
    float *scratch = needs ? allocate(chunk, image_size(&e->config) * sizeof(float)) : NULL;
    int code = images && (scratch || !needs) ? 0 : fail_memory();
    progress bar;
    progress_begin(&bar, s->common.quiet, chain_last(models));
    double begin = clock_seconds();
    for (size_t from = 0; !code && from < e->count; from += chunk) {
        size_t n = e->count - from < chunk ? e->count - from : chunk;
        code = evaluate_chunk(ctx, s, models, set, e, from, n, images, scratch);
        e->seconds = clock_seconds() - begin;
        prnn_progress report = {
            .size = sizeof report, .phase = "evaluate", .done = from + n, .total = e->count};
        report.seconds = e->seconds;
        report.images_per_second = (double)report.done / fmax(e->seconds, 1e-9);
        if (!code) {
            progress_show(&bar, &report);
        }
    }
    progress_end(&bar);
    free(scratch);
    free(images);
    return code;
}

/* Mean and its standard error. */
static void summarize(const double *nats, size_t count, double *mean, double *error) {
    double sum = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) {
        sum += nats[i];
    }
    *mean = sum / n;
    for (size_t i = 0; i < count; i++) {
        squares += (nats[i] - *mean) * (nats[i] - *mean);
    }
    *error = count > 1 ? sqrt(squares / (n - 1) / n) : 0;
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

static void print_json(const arguments *args, const prnn_model *model, const evaluation *e) {
    const settings *s = args->settings;
    json j;
    report_json_begin(&j, stdout);
    chain_name(args, &j);
    report_json_string(&j, "data", s->data.path);
    report_json_uint(&j, "images", e->count);
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

static void print_text(const prnn_model *model, const evaluation *e) {
    double bits = prnn_bits_per_dim(model, e->mean), bits_error = prnn_bits_per_dim(model, e->error);
    if (e->config.levels == 2) {
        printf("%.4f ± %.4f nats per image\n", e->mean, e->error);
        printf("%.6f ± %.6f bits/dim\n", bits, bits_error);
    } else {
        printf("%.5f ± %.5f bits/dim\n", bits, bits_error);
        printf("%.3f ± %.3f nats per image\n", e->mean, e->error);
    }
    if (e->conditional) {
        int size = e->config.condition_size;
        printf("given images of %d x %d; in the values that these do not give: %.3f ± %.3f nats, %.5f "
               "bits/dim\n",
               size, size, e->new_mean, e->new_error, prnn_bits_per_dim(model, e->new_mean));
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

static int run_with(prnn_context *ctx, const arguments *args, chain *models, prnn_data **set, evaluation *e) {
    const settings *s = args->settings;
    int code = chain_open(ctx, args, models);
    e->config = models->config;
    e->conditional = !code && models->count == 1 && e->config.condition_size > 0;
    code = code || e->conditional ? code : chain_check_first(models, args);
    code = code ? code
                : open_data_for(ctx, &s->common, &s->data, models->last, &e->config, s->first, s->limit, set);
    e->count = code ? 0 : prnn_data_count(*set);
    code = code ? code : allocate_results(s, e);
    code = code ? code : evaluate(ctx, s, models, *set, e);
    if (code) {
        return code;
    }
    summarize(e->nats, e->count, &e->mean, &e->error);
    if (e->conditional) {
        summarize(e->new_nats, e->count, &e->new_mean, &e->new_error);
    }
    if (s->json) {
        print_json(args, chain_last(models), e);
    } else {
        print_text(chain_last(models), e);
    }
    return write_arrays(ctx, s, e);
}

static int run(arguments *args) {
    const settings *s = args->settings;
    prnn_context *ctx = NULL;
    chain models = {0};
    prnn_data *set = NULL;
    evaluation e = {.config = PRNN_CONFIG_INIT};
    int code = arguments_check(args);
    code = code ? code : check_outputs(s);
    code = code ? code : open_context(&s->common, &ctx);
    code = code ? code : run_with(ctx, args, &models, &set, &e);
    free(e.nats);
    free(e.new_nats);
    free(e.values);
    prnn_data_free(set);
    chain_close(&models);
    prnn_context_free(ctx);
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

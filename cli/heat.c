/* pixelrnn heat: where in an image a model is surprised. */
#include "heat.h"

#include "axis.h"
#include "chain.h"
#include "json.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "setup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct settings {
    struct common common;
    data_settings data;
    size_t first;
    int count;
    uint64_t seed;
    int unit;
    double max;
    int columns, zoom;
    bool no_bar;
    const char *out;
    bool json;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, 8, 0, 0, 0, 0, 0, false, NULL, false};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images to look at"),
    DATA_READING_OPTIONS(settings),
    SIZE("first", offsetof(settings, first), 0, 0, "begin with this image, counted from 0"),
    INTEGER("count", offsetof(settings, count), 1, 10000, 0, "number of images, as far as there are"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "draw of --binarize sample"),
    GROUP("Scale"),
    CHOICE("unit", offsetof(settings, unit), "auto|nats|bits", 0,
           "of a pixel, all channels together; auto: nats for models of 2 levels, else bits"),
    DOUBLE("max", offsetof(settings, max), 0, AXIS_LIMIT, OPTION_OPEN_MIN | OPTION_NO_DEFAULT,
           "what the brightest colour stands for, so that pictures can be compared; else the value that "
           "99.5 % of the pixels do not exceed, rounded up"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.png", OPTION_REQUIRED, "the picture"),
    INTEGER("columns", offsetof(settings, columns), 0, 10000, 0, "pairs in a row; 0: chosen"),
    INTEGER("zoom", offsetof(settings, zoom), 0, 64, 0, "side of a pixel in the picture; 0: chosen"),
    FLAG("no-bar", offsetof(settings, no_bar), 0, "no colour bar beside the images"),
    FLAG("json", offsetof(settings, json), 0,
         "one JSON object on stdout: images, unit, max, above, and for each image its nats, mean and highest "
         "pixel"),
    COMMON_OPTIONS,
};

enum { CHUNK = 16 };

/* The parts of the work; freed in one place. */
typedef struct work {
    prnn_context *ctx;
    chain models;
    prnn_data *set;
    heat h;
    size_t area;     /* pixels of an image */
    uint8_t *images; /* (count, H, W, C) */
    float *pixels;   /* (count, H, W) */
    double *nats;    /* count */
    size_t above;    /* pixels beyond the maximum */
} work;

/* ------------------------------------------------------------------------------------- numbers */

/* A conditional model without one of its small images. */
static bool is_alone(const work *w) {
    return w->models.count == 1 && w->h.config.condition_size > 0;
}

static void sum_channels(const work *w, const float *values, size_t n, float *pixels) {
    size_t channels = (size_t)w->h.config.channels;
    double unit = w->h.unit[0] == 'b' ? 1 / log(2) : 1;
    for (size_t i = 0; i < n * w->area; i++) {
        double sum = 0;
        for (size_t k = 0; k < channels; k++) {
            sum += values[i * channels + k];
        }
        bool given = is_alone(w) && chain_is_given(&w->h.config, i % w->area);
        pixels[i] = given ? 0 : (float)(sum * unit);
    }
}

/* What the small images give is certain in the picture, so it is in the sums. */
static void sum_new(work *w, size_t from, size_t n) {
    double unit = w->h.unit[0] == 'b' ? log(2) : 1;
    for (size_t i = from; i < from + n; i++) {
        double sum = 0;
        for (size_t pixel = 0; pixel < w->area; pixel++) {
            sum += (double)w->pixels[i * w->area + pixel];
        }
        w->nats[i] = sum * unit;
    }
}

static int evaluate_chunk(const settings *s, work *w, size_t from, size_t n, float *values) {
    uint8_t *images = w->images + from * image_size(&w->h.config);
    const prnn_model *const *models = (const prnn_model *const *)w->models.models;
    prnn_status status =
        w->models.count == 1
            ? prnn_evaluate(w->ctx, *models, images, n, NULL, w->nats + from, values)
            : prnn_evaluate_chain(w->ctx, models, w->models.count, images, n, w->nats + from, values);
    if (status != PRNN_OK) {
        return fail_with(w->ctx);
    }
    for (size_t i = from; i < from + n; i++) {
        if (!isfinite(w->nats[i])) {
            return fail("the negative log-likelihood of image %zu of %s is not finite", s->first + i,
                        s->data.path);
        }
    }
    sum_channels(w, values, n, w->pixels + from * w->area);
    if (is_alone(w)) {
        sum_new(w, from, n);
    }
    return 0;
}

static int evaluate(const settings *s, work *w) {
    size_t count = w->h.count, chunk = count < CHUNK ? count : CHUNK;
    float *values = allocate(chunk * image_size(&w->h.config), sizeof(float));
    int code = values ? 0 : fail_memory();
    progress bar;
    progress_begin(&bar, s->common.quiet, NULL);
    double begin = clock_seconds();
    for (size_t from = 0; !code && from < count; from += chunk) {
        size_t n = count - from < chunk ? count - from : chunk;
        code = evaluate_chunk(s, w, from, n, values);
        prnn_progress report = {.size = sizeof report, .phase = "evaluate", .done = from + n, .total = count};
        report.seconds = clock_seconds() - begin;
        report.images_per_second = (double)report.done / fmax(report.seconds, 1e-9);
        if (!code) {
            progress_show(&bar, &report);
        }
    }
    progress_end(&bar);
    free(values);
    return code;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Upwards, to two digits. */
static double round_up(double value) {
    double digit = pow(10, floor(log10(value)) - 1);
    return ceil(value / digit - 1e-6) * digit;
}

/* The value that 99.5 % of the pixels do not exceed. */
static int choose_maximum(work *w) {
    size_t n = w->h.count * w->area;
    float *sorted = allocate(n, sizeof *sorted);
    if (!sorted) {
        return fail_memory();
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = w->pixels[i];
    }
    qsort(sorted, n, sizeof *sorted, compare);
    size_t at = (size_t)ceil(0.995 * (double)n);
    /* A model that is certain of nearly everything: then what there is sets the scale. */
    double value = sorted[at - 1] > 1e-6 ? sorted[at - 1] : fmax(sorted[n - 1], 1e-6);
    w->h.maximum = round_up(value);
    free(sorted);
    return 0;
}

static int choose_scale(const settings *s, work *w) {
    w->h.maximum = s->max;
    int code = s->max > 0 ? 0 : choose_maximum(w);
    for (size_t i = 0; !code && i < w->h.count * w->area; i++) {
        w->above += w->pixels[i] > (float)w->h.maximum;
    }
    return code;
}

/* -------------------------------------------------------------------------------------- report */

static void print_text(const settings *s, const work *w) {
    size_t pixels = w->h.count * w->area;
    printf("scale: 0 to %.6g %s per pixel", w->h.maximum, w->h.unit);
    printf(", %zu of %zu pixels are above\n", w->above, pixels);
    printf("%s\n", s->out);
}

static void print_image(json *j, const settings *s, const work *w, size_t image) {
    const float *pixels = w->pixels + image * w->area;
    size_t highest = 0;
    double sum = 0;
    for (size_t i = 0; i < w->area; i++) {
        sum += pixels[i];
        highest = pixels[i] > pixels[highest] ? i : highest;
    }
    report_json_open_object(j, NULL);
    j->flat = true;
    report_json_uint(j, "image", s->first + image);
    report_json_double(j, "nats", w->nats[image]);
    report_json_double(j, "mean", sum / (double)w->area);
    report_json_double(j, "highest", pixels[highest]);
    report_json_uint(j, "row", highest / (size_t)w->h.config.width);
    report_json_uint(j, "column", highest % (size_t)w->h.config.width);
    report_json_close_object(j);
    j->flat = false;
}

static void print_json(const arguments *args, const work *w) {
    const settings *s = args->settings;
    json j;
    report_json_begin(&j, stdout);
    chain_name(args, &j);
    report_json_string(&j, "data", s->data.path);
    report_json_string(&j, "out", s->out);
    report_json_string(&j, "unit", w->h.unit);
    report_json_double(&j, "min", 0);
    report_json_double(&j, "max", w->h.maximum);
    report_json_uint(&j, "pixels", w->h.count * w->area);
    report_json_uint(&j, "above", w->above);
    report_json_open_array(&j, "images");
    for (size_t i = 0; i < w->h.count; i++) {
        print_image(&j, s, w, i);
    }
    report_json_close_array(&j);
    report_json_end(&j);
}

/* ---------------------------------------------------------------------------------------- work */

static int read_data(const settings *s, work *w) {
    int code = open_data_for(w->ctx, &s->common, &s->data, w->models.last, &w->h.config, s->first,
                             (size_t)s->count, &w->set);
    if (code) {
        return code;
    }
    w->h.count = prnn_data_count(w->set);
    w->area = (size_t)w->h.config.height * (size_t)w->h.config.width;
    w->images = allocate(w->h.count, image_size(&w->h.config));
    w->pixels = allocate(w->h.count, w->area * sizeof(float));
    w->nats = allocate(w->h.count, sizeof(double));
    if (!w->images || !w->pixels || !w->nats) {
        return fail_memory();
    }
    return read_images(w->ctx, w->set, 0, w->h.count, s->seed, w->images);
}

static int draw(const arguments *args, work *w) {
    const settings *s = args->settings;
    int code = chain_open(w->ctx, args, &w->models);
    code = code || w->models.count == 1 ? code : chain_check_first(&w->models, args);
    if (code) {
        return code;
    }
    w->h.config = w->models.config;
    w->h.unit = s->unit == 1 || (s->unit == 0 && w->h.config.levels == 2) ? "nats" : "bits";
    code = read_data(s, w);
    code = code ? code : evaluate(s, w);
    code = code ? code : choose_scale(s, w);
    if (code) {
        return code;
    }
    w->h.images = w->images;
    w->h.pixels = w->pixels;
    w->h.columns = s->columns;
    w->h.zoom = s->zoom;
    w->h.bar = !s->no_bar;
    code = heat_draw(w->ctx, &w->h, s->out);
    if (!code) {
        s->json ? print_json(args, w) : print_text(s, w);
    }
    return code;
}

static int run(arguments *args) {
    const settings *s = args->settings;
    work w = {.h.config = PRNN_CONFIG_INIT};
    output_kind kind;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_PNG, &kind);
    code = code ? code : open_context(&s->common, &w.ctx);
    code = code ? code : draw(args, &w);
    free(w.images);
    free(w.pixels);
    free(w.nats);
    prnn_data_free(w.set);
    chain_close(&w.models);
    prnn_context_free(w.ctx);
    return code;
}

const struct command command_heat = {
    .name = "heat",
    .summary = "draw where in images a model is surprised",
    .operand = "MODEL",
    .many = true,
    .description =
        "Draws each image and, beside it, how unexpected each of its pixels was, given those "
        "before it: its negative "
        "log-likelihood, summed over the channels. The colours go from black (0, certain) to pale "
        "yellow; the scale "
        "is drawn beside the images and printed.\n\n"
        "Several models are a chain, as for 'pixelrnn eval': a pixel has the colour of the smallest "
        "scale that has it. With one conditional model alone, the pixels that its small images give "
        "are black, and do not count.",
    .examples = "pixelrnn heat model.safetensors --data t10k-images-idx3-ubyte.gz --count 12 --out heat.png\n"
                "pixelrnn heat model.safetensors --data test_batch.bin --max 20 --json --out heat.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

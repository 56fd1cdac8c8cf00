/* pixelrnn heat: where in an image a model is surprised. */
#include "draw/heat.h"
#include "draw/axis.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/try.h"

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
    OUTPUT("out", offsetof(settings, out), "F.png", OPTION_REQUIRED, "the picture"),
    INTEGER("columns", offsetof(settings, columns), 0, 10000, 0, "pairs in a row; 0: chosen"),
    INTEGER("zoom", offsetof(settings, zoom), 0, 64, 0, "side of a pixel in the picture; 0: chosen"),
    FLAG("no-bar", offsetof(settings, no_bar), 0, "no colour bar beside the images"),
    FLAG("json", offsetof(settings, json), 0,
         "one JSON object on stdout: images, unit, max, above, and for each image its nats, mean and highest "
         "pixel"),
    COMMON_OPTIONS,
};

enum { CHUNK = 16 };

typedef struct work {
    session *s;
    const settings *want;
    heat h;
    size_t area;     /* pixels of an image */
    uint8_t *images; /* (count, H, W, C) */
    float *pixels;   /* (count, H, W) */
    double *nats;    /* count */
    size_t above;    /* pixels beyond the maximum */
} work;

/* ------------------------------------------------------------------------------------- numbers */

/* What the small images of a conditional model alone give is 0 already. */
static void sum_channels(const work *w, const float *values, size_t n, float *pixels) {
    size_t channels = (size_t)w->h.config.channels;
    double unit = w->h.unit[0] == 'b' ? 1 / log(2) : 1;
    for (size_t i = 0; i < n * w->area; i++) {
        double sum = 0;
        for (size_t k = 0; k < channels; k++) {
            sum += values[i * channels + k];
        }
        pixels[i] = (float)(sum * unit);
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

static int evaluate_chunk(work *w, size_t from, size_t n, float *values) {
    const session *s = w->s;
    const uint8_t *images = w->images + from * image_size(&w->h.config);
    int code;
    TRY(exit_code(s->ctx,
                  prnn_chain_evaluate(s->ctx, s->chain, images, n, NULL, w->nats + from, NULL, values)));
    sum_channels(w, values, n, w->pixels + from * w->area);
    if (session_is_conditional_alone(s)) {
        sum_new(w, from, n);
    }
done:
    return code;
}

static int evaluate(work *w) {
    session *s = w->s;
    size_t count = w->h.count, chunk = count < CHUNK ? count : CHUNK;
    float *values = session_allocate(s, chunk * image_size(&w->h.config), sizeof(float));
    double begin = clock_seconds();
    int code;
    progress_begin(&s->bar, s->common->quiet, NULL);
    TRY(check_memory(values));
    for (size_t from = 0; from < count; from += chunk) {
        size_t n = count - from < chunk ? count - from : chunk;
        TRY(evaluate_chunk(w, from, n, values));
        progress_count(&s->bar, "evaluate", from + n, count, clock_seconds() - begin);
    }
done:
    progress_end(&s->bar);
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
    float *sorted = session_allocate(w->s, n, sizeof *sorted);
    int code;
    TRY(check_memory(sorted));
    for (size_t i = 0; i < n; i++) {
        sorted[i] = w->pixels[i];
    }
    qsort(sorted, n, sizeof *sorted, compare);
    size_t at = (size_t)ceil(0.995 * (double)n);
    /* A model that is certain of nearly everything: then what there is sets the scale. */
    double value = sorted[at - 1] > 1e-6 ? sorted[at - 1] : fmax(sorted[n - 1], 1e-6);
    w->h.maximum = round_up(value);
done:
    return code;
}

static int choose_scale(work *w) {
    int code = 0;
    w->h.maximum = w->want->max;
    if (!(w->want->max > 0)) {
        TRY(choose_maximum(w));
    }
    for (size_t i = 0; i < w->h.count * w->area; i++) {
        w->above += w->pixels[i] > (float)w->h.maximum;
    }
done:
    return code;
}

/* -------------------------------------------------------------------------------------- report */

static void print_text(const work *w) {
    size_t pixels = w->h.count * w->area;
    say("scale: 0 to %.6g %s per pixel, %zu of %zu pixel%s %s above", w->h.maximum, w->h.unit, w->above,
        pixels, plural(pixels), w->above == 1 ? "is" : "are");
    say("%s", w->want->out);
}

static void print_image(json *j, const work *w, size_t image) {
    const float *pixels = w->pixels + image * w->area;
    size_t highest = 0;
    double sum = 0;
    for (size_t i = 0; i < w->area; i++) {
        sum += pixels[i];
        highest = pixels[i] > pixels[highest] ? i : highest;
    }
    report_json_open_object(j, NULL);
    j->flat = true;
    report_json_uint(j, "image", w->want->first + image);
    report_json_double(j, "nats", w->nats[image]);
    report_json_double(j, "mean", sum / (double)w->area);
    report_json_double(j, "highest", pixels[highest]);
    report_json_uint(j, "row", highest / (size_t)w->h.config.width);
    report_json_uint(j, "column", highest % (size_t)w->h.config.width);
    report_json_close_object(j);
    j->flat = false;
}

static void print_json(const work *w) {
    json j;
    report_json_begin(&j, stdout);
    session_name_models(w->s, &j);
    report_json_string(&j, "data", w->want->data.path);
    report_json_string(&j, "out", w->want->out);
    report_json_string(&j, "unit", w->h.unit);
    report_json_double(&j, "min", 0);
    report_json_double(&j, "max", w->h.maximum);
    report_json_uint(&j, "pixels", w->h.count * w->area);
    report_json_uint(&j, "above", w->above);
    report_json_open_array(&j, "images");
    for (size_t i = 0; i < w->h.count; i++) {
        print_image(&j, w, i);
    }
    report_json_close_array(&j);
    report_json_end(&j);
}

/* ---------------------------------------------------------------------------------------- work */

static int open_models(work *w) {
    session *s = w->s;
    int code;
    TRY(session_open_chain(s));
    if (!session_is_conditional_alone(s)) {
        TRY(session_check_first(s));
    }
    w->h.config = s->config;
    w->h.unit = w->want->unit == 1 || (w->want->unit == 0 && s->config.levels == 2) ? "nats" : "bits";
done:
    return code;
}

static int read_data(work *w) {
    session *s = w->s;
    int code;
    TRY(session_open_data(s, &w->want->data, &s->config, s->path, w->want->first, (size_t)w->want->count));
    w->h.count = prnn_data_count(s->data);
    w->area = (size_t)s->config.height * (size_t)s->config.width;
    w->pixels = session_allocate(s, w->h.count, w->area * sizeof(float));
    TRY(check_memory(w->pixels));
    w->nats = session_allocate(s, w->h.count, sizeof(double));
    TRY(check_memory(w->nats));
    TRY(session_read_all(s, w->want->seed, &w->images));
done:
    return code;
}

static int draw(work *w) {
    int code;
    w->h.images = w->images;
    w->h.pixels = w->pixels;
    w->h.columns = w->want->columns;
    w->h.zoom = w->want->zoom;
    w->h.bar = !w->want->no_bar;
    TRY(heat_draw(w->s->ctx, &w->h, w->want->out));
    (w->want->json ? print_json : print_text)(w);
done:
    return code;
}

static int run(session *s) {
    work w = {.s = s, .want = s->settings, .h.config = PRNN_CONFIG_INIT};
    output_kind kind;
    int code;
    TRY(output_check("out", w.want->out, ALLOW_PNG, &kind));
    TRY(session_open(s));
    TRY(open_models(&w));
    TRY(read_data(&w));
    TRY(evaluate(&w));
    TRY(choose_scale(&w));
    TRY(draw(&w));
done:
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

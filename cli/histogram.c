/* pixelrnn histogram: what a model expected of single values. */
#include "histogram.h"

#include "chain.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "report.h"
#include "setup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS_MOST = 100 };

typedef struct settings {
    struct common common;
    data_settings data;
    size_t image;
    const char *pixels;
    uint64_t seed;
    int unit;
    const char *title, *out;
    bool json;
} settings;

static const settings defaults = {COMMON_DEFAULTS, DATA_DEFAULTS, 0, NULL, 0, 0, NULL, NULL, false};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images, of which one is looked at"),
    DATA_READING_OPTIONS(settings),
    SIZE("image", offsetof(settings, image), 0, 0, "which one, counted from 0"),
    STRING("pixels", offsetof(settings, pixels), "R,C;R,C;...", 0,
           "rows and columns of the pixels, counted from 0, at most 100; else a few spread over the image"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "draw of --binarize sample"),
    GROUP("Output"),
    STRING("out", offsetof(settings, out), "F.svg", OPTION_REQUIRED, "the picture"),
    STRING("title", offsetof(settings, title), "TEXT", 0, "a line above the picture"),
    CHOICE("unit", offsetof(settings, unit), "auto|nats|bits", 0,
           "of the negative log-likelihoods; auto: nats for models of 2 levels, else bits"),
    FLAG("json", offsetof(settings, json), 0,
         "one JSON object on stdout: for each value its row, column, channel, true value, NLL and "
         "probabilities"),
    COMMON_OPTIONS,
};

/* The parts of the work; freed in one place. */
typedef struct work {
    prnn_context *ctx;
    prnn_model *model;
    prnn_data *set;
    histogram h;
    size_t pixel_count;
    int (*pixels)[2]; /* rows and columns */
    uint8_t *image;   /* (H, W, C) */
    float *logits;    /* (H, W, C, M) */
    panel *panels;
    double *probabilities;
} work;

/* -------------------------------------------------------------------------------------- pixels */

/* Reads "R,C" of `length` characters. */
static bool parse_pixel(const char *text, size_t length, int pixel[2]) {
    char word[32];
    if (length >= sizeof word) {
        return false;
    }
    memcpy(word, text, length);
    word[length] = 0;
    char *comma = strchr(word, ',');
    if (!comma) {
        return false;
    }
    *comma = 0;
    return parse_int(word, &pixel[0]) && parse_int(comma + 1, &pixel[1]);
}

static int read_pixels(const char *text, work *w) {
    int height = w->h.config.height, width = w->h.config.width;
    for (const char *rest = text; rest;) {
        size_t length = strcspn(rest, ";");
        int *pixel = w->pixels[w->pixel_count];
        if (!parse_pixel(rest, length, pixel)) {
            return usage_error(
                "--pixels: '%.*s' is not a row and a column, like 14,7; several have ; between them",
                (int)(length < 60 ? length : 60), rest);
        }
        if (pixel[0] < 0 || pixel[0] >= height || pixel[1] < 0 || pixel[1] >= width) {
            return usage_error("--pixels: %d,%d is outside the image: rows are 0 to %d, columns 0 to %d",
                               pixel[0], pixel[1], height - 1, width - 1);
        }
        rest = rest[length] ? rest + length + 1 : NULL;
        if (++w->pixel_count == PIXELS_MOST && rest) {
            return usage_error("--pixels: are more than %d", PIXELS_MOST);
        }
    }
    return 0;
}

/* Adds a pixel that is not there yet. Of one that the small image of a conditional model gives there is
 * nothing to predict: the next one. */
static void add_pixel(work *w, int row, int column) {
    column += chain_is_given(&w->h.config, (size_t)row * (size_t)w->h.config.width + (size_t)column);
    for (size_t i = 0; i < w->pixel_count; i++) {
        if (w->pixels[i][0] == row && w->pixels[i][1] == column) {
            return;
        }
    }
    w->pixels[w->pixel_count][0] = row;
    w->pixels[w->pixel_count][1] = column;
    w->pixel_count++;
}

/* Six in two rows, or three down the diagonal where a pixel has three panels. */
static void choose_pixels(work *w) {
    int height = w->h.config.height, width = w->h.config.width;
    for (int i = 1; i <= 3; i++) {
        if (w->h.config.channels == 3) {
            add_pixel(w, height * i / 4, width * i / 4);
        }
    }
    for (int i = 0; i < 6 && w->h.config.channels == 1; i++) {
        add_pixel(w, height * (1 + i / 3) / 3, width * (1 + i % 3) / 4);
    }
}

/* --------------------------------------------------------------------------------------- model */

static int read_logits(const settings *s, work *w) {
    int code =
        open_data_for(w->ctx, &s->common, &s->data, s->common.operand, &w->h.config, s->image, 1, &w->set);
    if (code) {
        return code;
    }
    size_t values = image_size(&w->h.config);
    w->image = allocate(values, 1);
    w->logits = allocate(values, prnn_logits_per_value(w->model) * sizeof(float));
    if (!w->image || !w->logits) {
        return fail_memory();
    }
    code = read_images(w->ctx, w->set, 0, 1, s->seed, w->image);
    if (!code && prnn_logits(w->ctx, w->model, w->image, 1, w->logits) != PRNN_OK) {
        code = fail_with(w->ctx);
    }
    return code;
}

static int fill_panel(const settings *s, work *w, size_t pixel, int channel) {
    const prnn_config *c = &w->h.config;
    int row = w->pixels[pixel][0], column = w->pixels[pixel][1];
    size_t value = ((size_t)row * (size_t)c->width + (size_t)column) * (size_t)c->channels + (size_t)channel;
    panel *p = &w->panels[w->h.count];
    *p = (panel){pixel, row, column, channel, w->image[value], NULL, 0};
    p->probabilities = w->probabilities + w->h.count * (size_t)c->levels;
    const float *logits = w->logits + value * prnn_logits_per_value(w->model);
    if (prnn_log_probabilities(w->ctx, w->model, logits, 1, p->probabilities) != PRNN_OK) {
        return fail_with(w->ctx);
    }
    p->nll = -p->probabilities[p->value] / (*w->h.unit == 'b' ? log(2) : 1);
    for (int k = 0; k < c->levels; k++) {
        p->probabilities[k] = exp(p->probabilities[k]);
    }
    w->h.count++;
    return isfinite(p->nll)
               ? 0
               : fail("the negative log-likelihood at row %d, column %d of image %zu of %s is not finite",
                      row, column, s->image, s->data.path);
}

static int fill_panels(const settings *s, work *w) {
    const prnn_config *c = &w->h.config;
    size_t most = w->pixel_count * (size_t)c->channels;
    w->panels = allocate(most, sizeof(panel));
    w->probabilities = allocate(most * (size_t)c->levels, sizeof(double));
    int code = w->panels && w->probabilities ? 0 : fail_memory();
    for (size_t i = 0; !code && i < w->pixel_count; i++) {
        for (int channel = 0; !code && channel < c->channels; channel++) {
            code = fill_panel(s, w, i, channel);
        }
    }
    w->h.image = w->image;
    w->h.panels = w->panels;
    return code;
}

/* -------------------------------------------------------------------------------------- report */

static void print_text(const settings *s, const histogram *h) {
    for (size_t i = 0; i < h->count; i++) {
        const panel *p = &h->panels[i];
        const char *channel = histogram_channel(h, p->channel);
        printf("row %d, column %d%s%s: value %d, probability %.4g, %.4f %s\n", p->row, p->column,
               *channel ? ", " : "", channel, p->value, p->probabilities[p->value], p->nll, h->unit);
    }
    printf("%s\n", s->out);
}

static void print_panel(json *j, const histogram *h, const panel *p) {
    report_json_open_object(j, NULL);
    j->flat = true;
    report_json_int(j, "row", p->row);
    report_json_int(j, "column", p->column);
    report_json_int(j, "channel", p->channel);
    report_json_int(j, "value", p->value);
    report_json_double(j, "nll", p->nll);
    report_json_open_array(j, "probabilities");
    for (int k = 0; k < h->config.levels; k++) {
        report_json_double(j, NULL, p->probabilities[k]);
    }
    report_json_close_array(j);
    report_json_close_object(j);
    j->flat = false;
}

static void print_json(const settings *s, const histogram *h) {
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "model", s->common.operand);
    report_json_string(&j, "data", s->data.path);
    report_json_uint(&j, "image", s->image);
    report_json_string(&j, "out", s->out);
    report_json_string(&j, "unit", h->unit);
    report_json_open_array(&j, "values");
    for (size_t i = 0; i < h->count; i++) {
        print_panel(&j, h, &h->panels[i]);
    }
    report_json_close_array(&j);
    report_json_end(&j);
}

/* ---------------------------------------------------------------------------------------- work */

static int draw(const settings *s, work *w) {
    if (prnn_model_load(w->ctx, s->common.operand, &w->model) != PRNN_OK) {
        return fail_with(w->ctx);
    }
    prnn_model_config(w->model, &w->h.config);
    w->h.unit = s->unit == 1 || (s->unit == 0 && w->h.config.levels == 2) ? "nats" : "bits";
    w->h.title = s->title;
    w->pixels = allocate(PIXELS_MOST, sizeof *w->pixels);
    int code = w->pixels ? 0 : fail_memory();
    if (!code && s->pixels) {
        code = read_pixels(s->pixels, w);
    } else if (!code) {
        choose_pixels(w);
    }
    code = code ? code : read_logits(s, w);
    code = code ? code : fill_panels(s, w);
    code = code ? code : histogram_draw(&w->h, s->out);
    if (!code) {
        (s->json ? print_json : print_text)(s, &w->h);
    }
    return code;
}

static int run(arguments *args) {
    const settings *s = args->settings;
    work w = {.h.config = PRNN_CONFIG_INIT};
    output_kind kind;
    int code = arguments_check(args);
    code = code ? code : output_check("out", s->out, ALLOW_SVG, &kind);
    code = code ? code : open_context(&s->common, &w.ctx);
    code = code ? code : draw(s, &w);
    free(w.pixels);
    free(w.image);
    free(w.logits);
    free(w.panels);
    free(w.probabilities);
    prnn_data_free(w.set);
    prnn_model_free(w.model);
    prnn_context_free(w.ctx);
    return code;
}

const struct command command_histogram = {
    .name = "histogram",
    .summary = "draw what a model expected of single values",
    .operand = "MODEL",
    .description = "Draws the distribution that a model predicted for chosen values of an image, given the "
                   "true values before "
                   "them (as figure 6 of the paper): one small histogram for each pixel and channel, the "
                   "true value marked, with "
                   "its negative log-likelihood. The bars of the first and the last level are dark; one that "
                   "would hide all "
                   "others is cut, and its probability stands beside it.",
    .examples = "pixelrnn histogram model.safetensors --data test_batch.bin --image 7 --out values.svg\n"
                "pixelrnn histogram model.safetensors --data test_batch.bin --pixels '0,0;14,7' --json --out "
                "values.svg",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn histogram: what a model expected of single values. */
#include "draw/histogram.h"
#include "session/session.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/output.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
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

static const settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(settings, "images, of which one is looked at"),
    DATA_READING_OPTIONS(settings),
    SIZE("image", offsetof(settings, image), 0, 0, "which one, counted from 0"),
    STRING("pixels", offsetof(settings, pixels), "R,C;R,C;...", 0,
           "rows and columns of the pixels, counted from 0, at most 100; else a few spread over the image"),
    BINARIZE_SEED_OPTION(settings),
    GROUP("Output"),
    OUTPUT("out", offsetof(settings, out), "F.svg", OPTION_REQUIRED, "the picture"),
    STRING("title", offsetof(settings, title), "TEXT", 0, "a line above the picture"),
    CHOICE("unit", offsetof(settings, unit), "auto|nats|bits", 0,
           "of the negative log-likelihoods; auto: nats for models of 2 levels, else bits"),
    FLAG("json", offsetof(settings, json), 0,
         "one JSON object on stdout: for each value its row, column, channel, true value, NLL and "
         "probabilities"),
    COMMON_OPTIONS,
};

typedef struct work {
    session *s;
    const settings *want;
    const prnn_model *model;
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
    column += prnn_model_pixel_is_given(w->model, row, column);
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

static int open_model(work *w) {
    session *s = w->s;
    int code;
    TRY(session_open_chain(s));
    w->model = prnn_chain_model(s->chain, 0);
    w->h.config = s->config;
    w->h.unit = w->want->unit == 1 || (w->want->unit == 0 && s->config.levels == 2) ? "nats" : "bits";
    w->h.title = w->want->title;
    w->pixels = session_allocate(s, PIXELS_MOST, sizeof *w->pixels);
    TRY(check_memory(w->pixels));
    if (w->want->pixels) {
        TRY(read_pixels(w->want->pixels, w));
    } else {
        choose_pixels(w);
    }
done:
    return code;
}

static int read_logits(work *w) {
    session *s = w->s;
    int code;
    TRY(session_open_data(s, &w->want->data, &s->config, s->path, w->want->image, 1));
    w->logits = session_allocate(s, image_size(&s->config), prnn_logits_per_value(w->model) * sizeof(float));
    TRY(check_memory(w->logits));
    TRY(session_read_all(s, w->want->seed, &w->image));
    TRY(exit_code(s->ctx, prnn_logits(s->ctx, w->model, w->image, 1, w->logits)));
done:
    return code;
}

static int fill_panel(work *w, size_t pixel, int channel) {
    const prnn_config *c = &w->h.config;
    prnn_context *ctx = w->s->ctx;
    int row = w->pixels[pixel][0], column = w->pixels[pixel][1], code;
    size_t value = ((size_t)row * (size_t)c->width + (size_t)column) * (size_t)c->channels + (size_t)channel;
    const float *logits = w->logits + value * prnn_logits_per_value(w->model);
    panel *p = &w->panels[w->h.count];
    *p = (panel){pixel, row, column, channel, w->image[value], NULL, 0};
    p->probabilities = w->probabilities + w->h.count * (size_t)c->levels;
    TRY(exit_code(ctx, prnn_log_probabilities(ctx, w->model, logits, 1, p->probabilities)));
    p->nll = -p->probabilities[p->value] / (*w->h.unit == 'b' ? log(2) : 1);
    for (int k = 0; k < c->levels; k++) {
        p->probabilities[k] = exp(p->probabilities[k]);
    }
    w->h.count++;
    if (!isfinite(p->nll)) {
        return fail("the negative log-likelihood at row %d, column %d of image %zu of %s is not finite", row,
                    column, w->want->image, w->want->data.path);
    }
done:
    return code;
}

static int fill_panels(work *w) {
    const prnn_config *c = &w->h.config;
    size_t most = w->pixel_count * (size_t)c->channels;
    int code;
    w->panels = session_allocate(w->s, most, sizeof(panel));
    TRY(check_memory(w->panels));
    w->probabilities = session_allocate(w->s, most * (size_t)c->levels, sizeof(double));
    TRY(check_memory(w->probabilities));
    for (size_t i = 0; i < w->pixel_count; i++) {
        for (int channel = 0; channel < c->channels; channel++) {
            TRY(fill_panel(w, i, channel));
        }
    }
    w->h.image = w->image;
    w->h.palette = session_palette(w->s);
    w->h.panels = w->panels;
done:
    return code;
}

/* -------------------------------------------------------------------------------------- report */

static void print_text(const work *w) {
    const histogram *h = &w->h;
    for (size_t i = 0; i < h->count; i++) {
        const panel *p = &h->panels[i];
        const char *channel = histogram_channel(h, p->channel);
        char nll[32];
        say("row %d, column %d%s%s: value %d, probability %.4g, %s %s", p->row, p->column,
            *channel ? ", " : "", channel, p->value, p->probabilities[p->value], format_fixed(p->nll, 4, nll),
            h->unit);
    }
    say("%s", w->want->out);
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

static void print_json(const work *w) {
    const histogram *h = &w->h;
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "model", w->s->path);
    report_json_string(&j, "data", w->want->data.path);
    report_json_uint(&j, "image", w->want->image);
    report_json_string(&j, "out", w->want->out);
    report_json_string(&j, "unit", h->unit);
    report_json_open_array(&j, "values");
    for (size_t i = 0; i < h->count; i++) {
        print_panel(&j, h, &h->panels[i]);
    }
    report_json_close_array(&j);
    report_json_end(&j);
}

/* ------------------------------------------------------------------------------------- command */

static int run(session *s) {
    work w = {.s = s, .want = s->settings, .h.config = PRNN_CONFIG_INIT};
    output_kind kind;
    int code;
    TRY(output_check("out", w.want->out, ALLOW_SVG, &kind));
    TRY(session_open(s));
    TRY(open_model(&w));
    TRY(read_logits(&w));
    TRY(fill_panels(&w));
    TRY(histogram_draw(&w.h, w.want->out));
    (w.want->json ? print_json : print_text)(&w);
done:
    return code;
}

const struct command command_histogram = {
    .name = "histogram",
    .summary = "draw what a model expected of single values",
    .operand = "MODEL",
    .description =
        "Draws the distribution that a model predicted for chosen values of an image, given the true values "
        "before them (as figure 6 of the paper): one small histogram for each pixel and channel, the true "
        "value marked, with its negative log-likelihood. The bars of the first and the last level are dark; "
        "one that would hide all others is cut, and its probability stands beside it.",
    .examples = "pixelrnn histogram model.safetensors --data test_batch.bin --image 7 --out values.svg\n"
                "pixelrnn histogram model.safetensors --data test_batch.bin --pixels '0,0;14,7' --json --out "
                "values.svg",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

/* pixelrnn heat: where in an image a model is surprised. */
#include "commands/heat.h"
#include "commands/ranking.h"
#include "draw/axis.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/statistics.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const heat_settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS, .count = 8};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(heat_settings, "images to look at"),
    DATA_READING_OPTIONS(heat_settings),
    SIZE("first", offsetof(heat_settings, first), 0, 0, "begin with this image, counted from 0"),
    INTEGER("count", offsetof(heat_settings, count), 1, 10000, 0, "number of images, as far as there are"),
    INTEGER("worst", offsetof(heat_settings, worst), 1, 10000, OPTION_NO_DEFAULT,
            "the N images of all that the model finds least likely, in place of the first --count, and with "
            "captions"),
    BINARIZE_SEED_OPTION(heat_settings),
    SIZE_OPTION(
        heat_settings, "HxW|own",
        "height and width of the images, where they are not the model's: any, of an unconditional one; own: "
        "those of the data, whose images are of one size"),
    GROUP("Scale"),
    CHOICE("unit", offsetof(heat_settings, unit), "auto|nats|bits", 0,
           "of a pixel, all channels together; auto: nats for models of 2 levels, else bits"),
    FLAG("surprise", offsetof(heat_settings, surprise), 0,
         "draw how much more each pixel cost than the model expected when it knew those before it: its "
         "negative log-likelihood less the entropy of its distribution; black is as much as expected, or "
         "less"),
    DOUBLE("max", offsetof(heat_settings, max), 0, AXIS_LIMIT, OPTION_OPEN_MIN | OPTION_NO_DEFAULT,
           "what the brightest colour stands for, so that pictures can be compared; else the value that "
           "99.5 % of the pixels do not exceed, rounded up"),
    GROUP("Output"),
    OUTPUT("out", offsetof(heat_settings, out), "F.png", OPTION_REQUIRED, "the picture"),
    INTEGER("columns", offsetof(heat_settings, columns), 0, 10000, 0, "pairs in a row; 0: chosen"),
    INTEGER("zoom", offsetof(heat_settings, zoom), 0, 64, 0, "side of a pixel in the picture; 0: chosen"),
    FLAG("no-bar", offsetof(heat_settings, no_bar), 0, "no colour bar beside the images"),
    FLAG("captions", offsetof(heat_settings, captions), 0,
         "write below each pair the number of the image, its score and its file"),
    FLAG("json", offsetof(heat_settings, json), 0,
         "one JSON object on stdout: images, unit, max, above, and for each image its nats, mean and highest "
         "pixel"),
    COMMON_OPTIONS,
};

enum { CHUNK = 16, SCORED = 256 };

/* ------------------------------------------------------------------------------------- numbers */

/* What the small images of a conditional model alone give is 0 already. */
static void sum_channels(const heat_work *w, const float *values, size_t n, float *pixels) {
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
static void sum_new(heat_work *w, size_t from, size_t n) {
    double unit = w->h.unit[0] == 'b' ? log(2) : 1;
    for (size_t i = from; i < from + n; i++) {
        double sum = 0;
        for (size_t pixel = 0; pixel < w->area; pixel++) {
            sum += (double)w->pixels[i * w->area + pixel];
        }
        w->nats[i] = sum * unit;
    }
}

/* For --surprise, from the costs of pixels. */
static void take_expected(const heat_work *w, const float *entropies, size_t n, float *pixels) {
    size_t channels = (size_t)w->h.config.channels;
    double unit = w->h.unit[0] == 'b' ? 1 / log(2) : 1;
    for (size_t i = 0; i < n * w->area; i++) {
        double sum = 0;
        for (size_t k = 0; k < channels; k++) {
            sum += (double)entropies[i * channels + k];
        }
        pixels[i] = (float)((double)pixels[i] - sum * unit);
    }
}

/* `entropies` is NULL without --surprise. */
static int evaluate_chunk(heat_work *w, size_t from, size_t n, float *values, float *entropies) {
    const session *s = w->s;
    prnn_evaluate_options asked = PRNN_EVALUATE_OPTIONS_INIT;
    asked.entropies = entropies;
    const uint8_t *images = w->images + from * image_size(&w->h.config);
    int code;
    prnn_status status =
        prnn_chain_evaluate(s->ctx, s->chain, images, n, &asked, w->nats + from, NULL, values);
    size_t bad = first_not_finite(w->nats + from, n);
    if (status == PRNN_ERROR_FORMAT && bad < n) { /* the library counts from the first image of the chunk */
        return fail_not_finite(s->path, prnn_data_number(s->data, w->indices[from + bad]),
                               w->want->data.path);
    }
    TRY(exit_code(s->ctx, status));
    sum_channels(w, values, n, w->pixels + from * w->area);
    if (session_is_conditional_alone(s)) {
        sum_new(w, from, n);
    }
    if (entropies) {
        take_expected(w, entropies, n, w->pixels + from * w->area);
    }
done:
    return code;
}

static int evaluate(heat_work *w) {
    session *s = w->s;
    size_t count = w->h.count, chunk = count < CHUNK ? count : CHUNK;
    size_t floats = chunk * image_size(&w->h.config);
    float *values = session_allocate(s, floats, 2 * sizeof(float));
    double begin = clock_seconds();
    int code;
    progress_begin(&s->bar, s->common->quiet, NULL);
    TRY(check_memory(values));
    for (size_t from = 0; from < count; from += chunk) {
        size_t n = count - from < chunk ? count - from : chunk;
        TRY(evaluate_chunk(w, from, n, values, w->want->surprise ? values + floats : NULL));
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
static int choose_maximum(heat_work *w) {
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

static int choose_scale(heat_work *w) {
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

/* ---------------------------------------------------------------------------------------- work */

static int open_models(heat_work *w) {
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

/* The negative log-likelihoods of all images. */
static int score(heat_work *w, size_t total, double *nats) {
    session *s = w->s;
    size_t chunk = total < SCORED ? total : SCORED;
    uint8_t *images = session_allocate(s, chunk, image_size(&s->config));
    double begin = clock_seconds();
    int code;
    progress_begin(&s->bar, s->common->quiet, NULL);
    TRY(check_memory(images));
    for (size_t from = 0; from < total; from += chunk) {
        size_t n = total - from < chunk ? total - from : chunk;
        TRY(data_read(s->ctx, s->data, from, n, w->want->seed, images));
        prnn_status status = prnn_chain_evaluate(s->ctx, s->chain, images, n, NULL, nats + from, NULL, NULL);
        if (status == PRNN_ERROR_FORMAT) {
            TRY(session_check_finite(s, w->want->data.path, nats, from, n));
        }
        TRY(exit_code(s->ctx, status));
        progress_count(&s->bar, "search", from + n, total, clock_seconds() - begin);
    }
done:
    progress_end(&s->bar);
    return code;
}

/* The images that are drawn: the first, or the least likely. */
static int choose_images(heat_work *w, size_t total) {
    session *s = w->s;
    ranked *worst = NULL;
    int code;
    w->indices = session_allocate(s, w->h.count, sizeof *w->indices);
    TRY(check_memory(w->indices));
    if (w->want->worst) {
        double *nats = session_allocate(s, total, sizeof *nats);
        TRY(check_memory(nats));
        TRY(score(w, total, nats));
        TRY(rank_images(s, nats, total, false, &worst));
    }
    for (size_t i = 0; i < w->h.count; i++) {
        w->indices[i] = worst ? worst[i].image : i;
    }
done:
    return code;
}

static int read_data(heat_work *w) {
    session *s = w->s;
    size_t most = (size_t)(w->want->worst ? w->want->worst : w->want->count), total;
    int code;
    TRY(session_open_sized(s, &w->want->data, w->want->size, w->want->first, w->want->worst ? 0 : most));
    w->h.config = s->config;
    total = prnn_data_count(s->data);
    w->h.count = total < most ? total : most;
    w->area = (size_t)s->config.height * (size_t)s->config.width;
    w->pixels = session_allocate(s, w->h.count, w->area * sizeof(float));
    TRY(check_memory(w->pixels));
    w->nats = session_allocate(s, w->h.count, sizeof(double));
    TRY(check_memory(w->nats));
    w->images = session_allocate(s, w->h.count, image_size(&s->config));
    TRY(check_memory(w->images));
    TRY(choose_images(w, total));
    TRY(exit_code(s->ctx,
                  prnn_data_read(s->ctx, s->data, w->indices, w->h.count, w->want->seed, 0, w->images)));
done:
    return code;
}

static int draw(heat_work *w) {
    int code;
    w->h.images = w->images;
    w->h.palette = session_palette(w->s);
    w->h.pixels = w->pixels;
    w->h.columns = w->want->columns;
    w->h.zoom = w->want->zoom;
    w->h.bar = !w->want->no_bar;
    if (w->want->captions || w->want->worst) {
        TRY(heat_name_images(w));
    }
    TRY(heat_draw(w->s->ctx, &w->h, w->want->out));
    heat_print(w);
done:
    return code;
}

static int run(session *s) {
    heat_work w = {.s = s, .want = s->settings, .h.config = PRNN_CONFIG_INIT};
    output_kind kind;
    int code;
    TRY(output_check("out", w.want->out, ALLOW_PNG, &kind));
    if (w.want->worst && option_given(s->args, "count")) {
        return usage_error(
            "--count draws the first images, and --worst the least likely of all: leave one out");
    }
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
        "Draws each image and, beside it, how unexpected each of its pixels was, given those before it: its "
        "negative log-likelihood, summed over the channels. The colours go from black (0, certain) to pale "
        "yellow; the scale is drawn beside the images and printed.\n\n"
        "Several models are a chain, as for 'pixelrnn eval': a pixel has the colour of the smallest "
        "scale that has it. With one conditional model alone, the pixels that its small images give "
        "are black, and do not count.",
    .examples = "pixelrnn heat model.safetensors --data t10k-images-idx3-ubyte.gz --count 12 --out heat.png\n"
                "pixelrnn heat model.safetensors --data test_batch.bin --max 20 --json --out heat.png\n"
                "pixelrnn heat model.safetensors --data photos/ --surprise --out surprise.png\n"
                "pixelrnn heat model.safetensors --data photos/ --worst 12 --out worst.png",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};

#include "check/plain.h"

#include "base/memory.h"
#include "base/real.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Maps are (H, W, features). */
struct prnn_plain {
    prnn_context *ctx;
    const prnn_model *model;
    const float *parameters;
    prnn_config config;
    double *values, *stream, *result, *total; /* C, 2h, 2h, 2h */
    double *gates, *cell, *state, *sum;       /* 4h, h, h, h */
    double *head[2], *logits;                 /* head, C M */
    double *condition, *spare;                /* c, of conditional models; else NULL */
    bool failed;
};

static double *new_map(prnn_plain *p, int features) {
    size_t pixels = (size_t)p->config.height * (size_t)p->config.width;
    double *map = prnn_alloc(p->ctx, pixels * (size_t)features, sizeof *map, "a plain evaluation");
    p->failed |= !map;
    return map;
}

prnn_status prnn_plain_create(prnn_context *ctx, const prnn_model *model, const float *parameters,
                              prnn_plain **plain) {
    *plain = NULL;
    prnn_plain *p = prnn_alloc(ctx, 1, sizeof *p, "a plain evaluation");
    if (!p) {
        return PRNN_ERROR_MEMORY;
    }
    const prnn_config *c = &model->network->plan.config;
    int h = c->hidden, logits = c->channels * model->network->head.per_value;
    *p = (prnn_plain){.ctx = ctx, .model = model, .parameters = parameters, .config = *c};
    p->values = new_map(p, c->channels);
    p->stream = new_map(p, 2 * h);
    p->result = new_map(p, 2 * h);
    p->total = new_map(p, 2 * h);
    p->gates = new_map(p, 4 * h);
    p->cell = new_map(p, h);
    p->state = new_map(p, h);
    p->sum = new_map(p, h);
    p->head[0] = new_map(p, c->head);
    p->head[1] = new_map(p, c->head);
    p->logits = new_map(p, logits);
    if (c->condition_size) {
        /* The small image has C features, which may be more. */
        int features = c->condition_features > c->channels ? c->condition_features : c->channels;
        p->condition = new_map(p, features);
        p->spare = new_map(p, features);
    }
    if (p->failed) {
        prnn_plain_free(p);
        return PRNN_ERROR_MEMORY;
    }
    *plain = p;
    return PRNN_OK;
}

void prnn_plain_free(prnn_plain *p) {
    if (p) {
        double *maps[] = {p->values, p->stream,  p->result,  p->total,  p->gates,     p->cell, p->state,
                          p->sum,    p->head[0], p->head[1], p->logits, p->condition, p->spare};
        for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
            prnn_free(maps[i]);
        }
        prnn_free(p);
    }
}

/* ------------------------------------------------------------------------------------- parameters */

/* A tensor of the file by its name, printf style; without `weight` if there is none of that name. */
typedef struct tensor {
    const float *weight;
    int out, in, rows, cols;
} tensor;

static tensor find(const prnn_plain *p, const char *format, ...) PRNN_PRINTF(2, 3);

static tensor find(const prnn_plain *p, const char *format, ...) {
    char name[96];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    for (size_t t = 0; t < prnn_model_tensor_count(p->model); t++) {
        prnn_tensor known = PRNN_TENSOR_INIT;
        prnn_model_tensor(p->model, t, &known);
        if (strcmp(known.name, name) == 0) {
            return (tensor){p->parameters + known.offset, known.shape[0], known.shape[1], known.shape[2],
                            known.shape[3]};
        }
    }
    return (tensor){0};
}

/* ----------------------------------------------------------------------------------- convolutions */

/* to[o] += the sum over i of weight(o, i, tap) times from[i]. */
static void add_tap(const tensor *w, int tap, const double *from, double *to) {
    int taps = w->rows * w->cols;
    for (int o = 0; o < w->out; o++) {
        const float *weight = w->weight + (size_t)o * (size_t)w->in * (size_t)taps + tap;
        double sum = 0;
        for (int i = 0; i < w->in; i++) {
            /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): in is h */
            sum += (double)weight[(size_t)i * (size_t)taps] * from[i];
        }
        to[o] += sum;
    }
}

static bool is_inside(const prnn_plain *p, int row, int col) {
    return row >= 0 && row < p->config.height && col >= 0 && col < p->config.width;
}

/* Where pixel (row, col) of a map begins. */
static size_t at(const prnn_plain *p, int row, int col, int features) {
    return ((size_t)row * (size_t)p->config.width + (size_t)col) * (size_t)features;
}

/* Whether all weights of a tap are 0: as most masked ones are. Saves time, changes nothing. */
static bool is_zero(const tensor *w, int tap) {
    size_t taps = (size_t)w->rows * (size_t)w->cols, count = (size_t)w->out * (size_t)w->in;
    for (size_t i = 0; i < count; i++) {
        if (w->weight[i * taps + (size_t)tap] != 0) {
            return false;
        }
    }
    return true;
}

/* out = bias + the convolution of `in`, with zeros around the image. `name` is that of a layer of weights. */
static void convolve(const prnn_plain *p, const char *name, const double *in, double *out) {
    tensor w = find(p, "%s.weight", name), bias = find(p, "%s.bias", name);
    for (int n = 0; n < p->config.height * p->config.width; n++) {
        for (int o = 0; o < w.out; o++) {
            out[(size_t)n * (size_t)w.out + (size_t)o] = bias.weight ? (double)bias.weight[o] : 0;
        }
    }
    for (int tap = 0; tap < w.rows * w.cols; tap++) {
        int down = tap / w.cols - w.rows / 2, right = tap % w.cols - w.cols / 2;
        for (int row = 0; row < p->config.height && !is_zero(&w, tap); row++) {
            for (int col = 0; col < p->config.width; col++) {
                if (is_inside(p, row + down, col + right)) {
                    add_tap(&w, tap, in + at(p, row + down, col + right, w.in), out + at(p, row, col, w.out));
                }
            }
        }
    }
}

/* out += the unmasked 1x1 convolution `name`.condition of what the small image gives. */
static void add_condition(const prnn_plain *p, const char *name, double *out) {
    tensor w = find(p, "%s.condition.weight", name);
    for (int n = 0; p->condition && n < p->config.height * p->config.width; n++) {
        add_tap(&w, 0, p->condition + (size_t)n * (size_t)w.in, out + (size_t)n * (size_t)w.out);
    }
}

static void rectify(const prnn_plain *p, int features, const double *from, double *to) {
    for (size_t i = 0; i < at(p, p->config.height, 0, features); i++) {
        to[i] = from[i] > 0 ? from[i] : 0;
    }
}

static void add(const prnn_plain *p, int features, const double *from, double *to) {
    for (size_t i = 0; i < at(p, p->config.height, 0, features); i++) {
        to[i] += from[i];
    }
}

/* ----------------------------------------------------------------------------------------- layers */

static double sigmoid(double x) {
    return 1 / (1 + prnn_exp(-x));
}

/* The cell at (row, col), whose gates are there; `before` is the cell state before it. */
static void lstm_cell(const prnn_plain *p, int row, int col, const double *before) {
    int h = p->config.hidden;
    const double *gate = p->gates + at(p, row, col, 4 * h);
    double *cell = p->cell + at(p, row, col, h), *state = p->state + at(p, row, col, h);
    for (int k = 0; k < h; k++) {
        cell[k] = sigmoid(gate[h + k]) * before[k] + sigmoid(gate[2 * h + k]) * prnn_tanh(gate[3 * h + k]);
        state[k] = sigmoid(gate[k]) * prnn_tanh(cell[k]);
    }
}

/* The states of a recurrence `name`, given its input. `step` is 0 for a Row LSTM, which sees three states of
 * the row above, and the direction of a scan of a Diagonal BiLSTM, which sees one above and one beside. */
static void recur(const prnn_plain *p, const char *name, int step, const double *in) {
    int h = p->config.hidden, width = p->config.width;
    char path[96];
    snprintf(path, sizeof path, "%s.input_to_state", name);
    convolve(p, path, in, p->gates);
    add_condition(p, name, p->gates);
    tensor w = find(p, "%s.state_to_state.weight", name);
    tensor hidden = find(p, "%s.initial_hidden", name), cell = find(p, "%s.initial_cell", name);
    double first_hidden[4096], first_cell[4096];
    for (int k = 0; k < h; k++) {
        first_hidden[k] = (double)hidden.weight[k];
        first_cell[k] = (double)cell.weight[k];
    }
    for (int row = 0; row < p->config.height; row++) {
        for (int n = 0; n < width; n++) {
            int col = step < 0 ? width - 1 - n : n;
            for (int tap = 0; tap < w.rows * w.cols; tap++) {
                bool up = step == 0 || tap == 0;
                int from = step == 0 ? col + tap - 1 : col - (up ? 0 : step);
                if (step == 0 && (from < 0 || from >= width)) {
                    continue; /* zeros beyond the ends of a row */
                }
                const double *state = is_inside(p, row - (up ? 1 : 0), from)
                                          ? p->state + at(p, row - (up ? 1 : 0), from, h)
                                          : first_hidden;
                add_tap(&w, tap, state, p->gates + at(p, row, col, 4 * h));
            }
            int from_row = step == 0 ? row - 1 : row, from_col = step == 0 ? col : col - step;
            lstm_cell(p, row, col,
                      is_inside(p, from_row, from_col) ? p->cell + at(p, from_row, from_col, h) : first_cell);
        }
    }
}

static void run_row(const prnn_plain *p, const char *name) {
    char path[96];
    recur(p, name, 0, p->stream);
    snprintf(path, sizeof path, "%s.output", name);
    convolve(p, path, p->state, p->result);
}

static void run_diagonal(const prnn_plain *p, const char *name) {
    char path[96];
    size_t map = at(p, p->config.height, 0, p->config.hidden), line = at(p, 1, 0, p->config.hidden);
    snprintf(path, sizeof path, "%s.left", name);
    recur(p, path, 1, p->stream);
    memcpy(p->sum, p->state, map * sizeof *p->sum);
    snprintf(path, sizeof path, "%s.right", name);
    recur(p, path, -1, p->stream);
    for (size_t i = line; i < map; i++) {
        p->sum[i] += p->state[i - line]; /* one row down */
    }
    snprintf(path, sizeof path, "%s.output", name);
    convolve(p, path, p->sum, p->result);
}

static void run_cnn(const prnn_plain *p, const char *name) {
    char path[96];
    int h = p->config.hidden;
    rectify(p, 2 * h, p->stream, p->result);
    snprintf(path, sizeof path, "%s.reduce", name);
    convolve(p, path, p->result, p->state);
    rectify(p, h, p->state, p->state);
    snprintf(path, sizeof path, "%s.conv", name);
    convolve(p, path, p->state, p->sum);
    add_condition(p, name, p->sum);
    rectify(p, h, p->sum, p->sum);
    snprintf(path, sizeof path, "%s.output", name);
    convolve(p, path, p->sum, p->result);
}

static void run_layer(const prnn_plain *p, int l) {
    char name[64];
    snprintf(name, sizeof name, "layers.%d", l);
    switch (p->config.kind) {
    case PRNN_ROW:
        run_row(p, name);
        break;
    case PRNN_DIAGONAL:
        run_diagonal(p, name);
        break;
    case PRNN_CNN:
        run_cnn(p, name);
        break;
    }
    size_t floats = at(p, p->config.height, 0, 2 * p->config.hidden);
    if (!p->config.residual) {
        memset(p->stream, 0, floats * sizeof *p->stream);
    }
    add(p, 2 * p->config.hidden, p->result, p->stream);
}

static double scaled(const prnn_config *c, int level) {
    return level * 2.0 / (c->levels - 1) - 1;
}

/* Transposed convolution number k with its ReLU: from p->condition, size x size, to twice as large. Pixel (i,
 * j) goes into the 4x4 pixels around (2 i, 2 j). The weight is [in, out, 4, 4]. */
static void upsample(prnn_plain *p, int k, size_t size) {
    tensor w = find(p, "upsampler.%d.weight", k), bias = find(p, "upsampler.%d.bias", k);
    size_t inputs = (size_t)w.out, outputs = (size_t)w.in, side = 2 * size;
    double *to = p->spare;
    for (size_t i = 0; i < side * side * outputs; i++) {
        to[i] = (double)bias.weight[i % outputs];
    }
    for (size_t i = 0; i < size * size * inputs; i++) {
        size_t pixel = i / inputs;
        for (size_t tap = 0; tap < 16; tap++) {
            /* Counted from 1, so that what is outside is not below 0. */
            size_t row = 2 * (pixel / size) + tap / 4, col = 2 * (pixel % size) + tap % 4;
            for (size_t o = 0; o < outputs && row > 0 && row <= side && col > 0 && col <= side; o++) {
                double weight = (double)w.weight[(i % inputs * outputs + o) * 16 + tap];
                to[((row - 1) * side + col - 1) * outputs + o] += weight * p->condition[i];
            }
        }
    }
    for (size_t i = 0; i < side * side * outputs; i++) {
        to[i] = to[i] > 0 ? to[i] : 0;
    }
    p->spare = p->condition;
    p->condition = to;
}

static void upsample_all(prnn_plain *p, const uint8_t *small) {
    const prnn_config *c = &p->config;
    int size = c->condition_size;
    for (int i = 0; i < size * size * c->channels; i++) {
        p->condition[i] = scaled(c, small[i]);
    }
    for (int k = 0; size && size << k < c->height; k++) {
        upsample(p, k, (size_t)size << k);
    }
}

const double *prnn_plain_logits(prnn_plain *p, const uint8_t *image, const uint8_t *small) {
    const prnn_config *c = &p->config;
    int width = 2 * c->hidden;
    for (size_t i = 0; i < at(p, c->height, 0, c->channels); i++) {
        p->values[i] = scaled(c, image[i]);
    }
    upsample_all(p, small);
    convolve(p, "input", p->values, p->stream);
    memset(p->total, 0, at(p, c->height, 0, width) * sizeof *p->total);
    for (int l = 0; l < c->layers; l++) {
        run_layer(p, l);
        if (c->skip && l < c->layers - 1) {
            char name[64];
            snprintf(name, sizeof name, "layers.%d.skip", l);
            convolve(p, name, p->stream, p->result);
            add(p, width, p->result, p->total);
        }
    }
    add(p, width, p->total, p->stream);
    rectify(p, width, p->stream, p->stream);
    convolve(p, "head.0", p->stream, p->head[0]);
    rectify(p, c->head, p->head[0], p->head[0]);
    convolve(p, "head.1", p->head[0], p->head[1]);
    rectify(p, c->head, p->head[1], p->head[1]);
    convolve(p, "head.2", p->head[1], p->logits);
    return p->logits;
}

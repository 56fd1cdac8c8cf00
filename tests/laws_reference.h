/* The networks once more, from docs/equations.md, one feature at a time in double precision: what a value is
 * and, for every number, which values of the image it can depend on. Nothing here is the library's but the
 * list of tensors. It can also make the mistakes of public implementations, to show that the laws would
 * notice them. */
#ifndef TESTS_LAWS_REFERENCE_H
#define TESTS_LAWS_REFERENCE_H

#include "laws.h"

#include "base/random.h"

/* A set of values of an image: bit (row * W + column) * C + channel. */
enum { SET_BITS = 256 };
typedef struct value_set {
    uint64_t word[SET_BITS / 64];
} value_set;

static inline bool set_has(const value_set *s, size_t i) {
    return s->word[i / 64] >> (i % 64) & 1;
}

static inline void set_insert(value_set *s, size_t i) {
    s->word[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void set_unite(value_set *s, const value_set *other) {
    for (int w = 0; w < SET_BITS / 64; w++) {
        s->word[w] |= other->word[w];
    }
}

typedef enum mistake {
    NO_MISTAKE,
    MISTAKE_G_SIGMOID,      /* g through a sigmoid */
    MISTAKE_GATES_BLOCK,    /* the 4h gates masked as one block */
    MISTAKE_RIGHT_IN_PLACE, /* the right scan not moved down */
    MISTAKE_FROM_BELOW,     /* the skewed 2x1 kernel padded from below */
    MISTAKE_RESIDUAL_TWICE  /* x + x + y */
} mistake;

typedef struct reference {
    const prnn_model *model;
    prnn_config config;
    mistake mistake;
    const double *parameters;
    uint8_t *used;               /* NULL, or out: which parameters are used at all */
    bool sets;                   /* compute the sets too */
    value_set *seen;             /* out, with sets: for each value what its logits can depend on */
    const prnn_dropout *dropout; /* NULL, or what is dropped of image number `image` of a batch */
    uint64_t image;
    double *condition; /* of conditional models: the upsampled small image, (H, W, c) */
    void *blocks[512];
    int block_count;
} reference;

/* Features of all pixels, (H, W, n). */
typedef struct plane {
    int n;
    double *v;
    value_set *s;
} plane;

static inline void *reference_alloc(reference *r, size_t count, size_t size) {
    assert_true(r->block_count < 512);
    void *block = calloc(count, size);
    assert_non_null(block);
    r->blocks[r->block_count++] = block;
    return block;
}

static inline plane new_plane(reference *r, int n) {
    size_t count = (size_t)r->config.height * (size_t)r->config.width * (size_t)n;
    plane p = {n, reference_alloc(r, count, sizeof(double)), NULL};
    p.s = r->sets ? reference_alloc(r, count, sizeof(value_set)) : NULL;
    return p;
}

static inline size_t place(const reference *r, const plane *p, int row, int col) {
    return ((size_t)row * (size_t)r->config.width + (size_t)col) * (size_t)p->n;
}

static inline bool inside(const reference *r, int row, int col) {
    return row >= 0 && row < r->config.height && col >= 0 && col < r->config.width;
}

/* A tensor by its name, printf style. */
static inline prnn_tensor tensor_named(const reference *r, const char *format, ...) {
    char name[96];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    prnn_tensor tensor = PRNN_TENSOR_INIT;
    for (size_t t = 0; t < prnn_model_tensor_count(r->model); t++) {
        prnn_model_tensor(r->model, t, &tensor);
        if (strcmp(tensor.name, name) == 0) {
            return tensor;
        }
    }
    fail_msg("the model has no %s", name);
    return tensor;
}

static inline double parameter(const reference *r, size_t index) {
    if (r->used) {
        r->used[index] = 1;
    }
    return r->parameters[index];
}

/* out[o] += weight of (o, i, tap) * in[i]. */
static inline void weigh(const reference *r, const prnn_tensor *w, int o, int i, int tap, const plane *in,
                         size_t at, const plane *out, size_t to) {
    size_t taps = (size_t)(w->shape[2] * w->shape[3]);
    size_t element = ((size_t)o * (size_t)w->shape[1] + (size_t)i) * taps + (size_t)tap;
    out->v[to + (size_t)o] += parameter(r, w->offset + element) * in->v[at + (size_t)i];
    if (r->sets) {
        set_unite(&out->s[to + (size_t)o], &in->s[at + (size_t)i]);
    }
}

/* The convolution `name``member`. docs/equations.md: `same` lets the own colour group through (mask B);
 * `blocks`: gates are grouped one by one. */
static inline void masked_conv(const reference *r, const char *name, const char *member, bool same,
                               int blocks, const plane *in, const plane *out) {
    prnn_tensor w = tensor_named(r, "%s%s.weight", name, member);
    prnn_tensor b = tensor_named(r, "%s%s.bias", name, member);
    int rows = w.shape[2], cols = w.shape[3], channels = r->config.channels, size = out->n / blocks;
    assert_int_equal(w.shape[0], out->n);
    assert_int_equal(w.shape[1], in->n);
    for (int row = 0; row < r->config.height; row++) {
        for (int col = 0; col < r->config.width; col++) {
            size_t to = place(r, out, row, col);
            for (int o = 0; o < out->n; o++) {
                out->v[to + (size_t)o] += parameter(r, b.offset + (size_t)o);
            }
            for (int tap = 0; tap < rows * cols; tap++) {
                int down = tap / cols - rows / 2, right = tap % cols - cols / 2;
                bool centre = down == 0 && right == 0, before = down < 0 || (down == 0 && right < 0);
                if (!centre && !before) {
                    continue;
                }
                if (!inside(r, row + down, col + right)) {
                    continue;
                }
                size_t at = place(r, in, row + down, col + right);
                for (int o = 0; o < out->n; o++) {
                    int to_group = o % size * channels / size;
                    for (int i = 0; i < in->n; i++) {
                        int from_group = i * channels / in->n;
                        if (before || from_group < to_group || (same && from_group == to_group)) {
                            weigh(r, &w, o, i, tap, in, at, out, to);
                        }
                    }
                }
            }
        }
    }
}

/* The state-to-state part of the gates at `to` from the state at (row, col), through one tap. */
static inline void state_conv(const reference *r, const prnn_tensor *w, int tap, const plane *state, int row,
                              int col, const plane *gates, size_t to) {
    size_t at = place(r, state, row, col);
    for (int o = 0; o < gates->n; o++) {
        for (int i = 0; i < state->n; i++) {
            weigh(r, w, o, i, tap, state, at, gates, to);
        }
    }
}

/* The same from the initial state. */
static inline void initial_conv(const reference *r, const prnn_tensor *w, int tap, const prnn_tensor *hidden,
                                const plane *gates, size_t to) {
    size_t taps = (size_t)(w->shape[2] * w->shape[3]), h = hidden->count;
    for (size_t o = 0; o < (size_t)gates->n; o++) {
        for (size_t i = 0; i < h; i++) {
            gates->v[to + o] +=
                parameter(r, w->offset + (o * h + i) * taps + (size_t)tap) * parameter(r, hidden->offset + i);
        }
    }
}

/* One transposed convolution of docs/equations.md, with its ReLU: pixel (i, j) of `in` (size, size, n) goes
 * into the 4x4 pixels of the result around (2 i, 2 j). */
static inline double *upsampled(reference *r, int number, const double *in, int size, int n) {
    prnn_tensor w = tensor_named(r, "upsampler.%d.weight", number);
    prnn_tensor b = tensor_named(r, "upsampler.%d.bias", number);
    int out = w.shape[1], side = 2 * size;
    assert_int_equal(w.shape[0], n);
    double *result = reference_alloc(r, (size_t)(side * side * out), sizeof *result);
    for (int i = 0; i < side * side * out; i++) {
        result[i] = parameter(r, b.offset + (size_t)(i % out));
    }
    for (int pixel = 0; pixel < size * size; pixel++) {
        for (int tap = 0; tap < 16; tap++) {
            int row = 2 * (pixel / size) - 1 + tap / 4, col = 2 * (pixel % size) - 1 + tap % 4;
            for (int i = 0; i < n && row >= 0 && row < side && col >= 0 && col < side; i++) {
                for (int o = 0; o < out; o++) {
                    size_t element = ((size_t)(i * out) + (size_t)o) * 16 + (size_t)tap;
                    result[(row * side + col) * out + o] +=
                        parameter(r, w.offset + element) * in[pixel * n + i];
                }
            }
        }
    }
    for (int i = 0; i < side * side * out; i++) {
        result[i] = fmax(result[i], 0);
    }
    return result;
}

/* What the small image inside an image gives the layers. */
static inline void reference_condition(reference *r, const uint8_t *image) {
    const prnn_config *c = &r->config;
    int size = c->condition_size, step = size ? c->height / size : 0;
    double *x = reference_alloc(r, (size_t)(size * size * c->channels) + 1, sizeof *x);
    for (int i = 0; i < size * size * c->channels; i++) {
        int pixel = i / c->channels, row = pixel / size * step, col = pixel % size * step;
        int level = image[(row * c->width + col) * c->channels + i % c->channels];
        x[i] = level * 2.0 / (c->levels - 1) - 1;
    }
    for (int k = 0; size && size << k < c->height; k++) {
        x = upsampled(r, k, x, size << k, k ? c->condition_features : c->channels);
    }
    r->condition = size ? x : NULL;
}

/* out += the unmasked 1x1 convolution `name`.condition of what the small image gives. */
static inline void add_condition(const reference *r, const char *name, const plane *out) {
    if (!r->condition) {
        return;
    }
    prnn_tensor w = tensor_named(r, "%s.condition.weight", name);
    int features = r->config.condition_features;
    for (int pixel = 0; pixel < r->config.height * r->config.width; pixel++) {
        for (int o = 0; o < out->n; o++) {
            for (int i = 0; i < features; i++) {
                out->v[pixel * out->n + o] +=
                    parameter(r, w.offset + (size_t)(o * features + i)) * r->condition[pixel * features + i];
            }
        }
    }
}

/* The cell at (row, col); the cell state before comes from (before_row, before_col), or is the initial one.
 */
static inline void lstm_cell(const reference *r, const plane *gates, const prnn_tensor *initial,
                             const plane *cell, const plane *state, int row, int col, int before_row,
                             int before_col) {
    int h = cell->n;
    size_t g = place(r, gates, row, col), at = place(r, cell, row, col);
    bool known = inside(r, before_row, before_col);
    for (int u = 0; u < h; u++) {
        const double *x = gates->v + g + u;
        size_t before = known ? place(r, cell, before_row, before_col) + (size_t)u : 0;
        double c = known ? cell->v[before] : parameter(r, initial->offset + (size_t)u);
        double input = r->mistake == MISTAKE_G_SIGMOID ? logistic(x[3 * h]) : tanh(x[3 * h]);
        c = logistic(x[h]) * c + logistic(x[2 * h]) * input;
        cell->v[at + (size_t)u] = c;
        state->v[at + (size_t)u] = logistic(x[0]) * tanh(c);
        if (r->sets) {
            value_set *s = &cell->s[at + (size_t)u];
            for (int gate = 0; gate < 4; gate++) {
                set_unite(s, &gates->s[g + (size_t)(gate * h + u)]);
            }
            if (known) {
                set_unite(s, &cell->s[before]);
            }
            set_unite(&state->s[at + (size_t)u], s);
        }
    }
}

static inline int gate_blocks(const reference *r) {
    return r->mistake == MISTAKE_GATES_BLOCK ? 1 : 4;
}

static inline void row_layer(reference *r, const char *name, const plane *in, const plane *out) {
    int h = r->config.hidden;
    plane gates = new_plane(r, 4 * h), cell = new_plane(r, h), state = new_plane(r, h);
    masked_conv(r, name, ".input_to_state", true, gate_blocks(r), in, &gates);
    add_condition(r, name, &gates);
    prnn_tensor w = tensor_named(r, "%s.state_to_state.weight", name);
    prnn_tensor hidden = tensor_named(r, "%s.initial_hidden", name);
    prnn_tensor initial = tensor_named(r, "%s.initial_cell", name);
    for (int row = 0; row < r->config.height; row++) {
        for (int col = 0; col < r->config.width; col++) {
            size_t to = place(r, &gates, row, col);
            for (int tap = 0; tap < 3; tap++) {
                int from = col + tap - 1;
                if (from < 0 || from >= r->config.width) {
                    continue;
                }
                if (row == 0) {
                    initial_conv(r, &w, tap, &hidden, &gates, to);
                } else {
                    state_conv(r, &w, tap, &state, row - 1, from, &gates, to);
                }
            }
            lstm_cell(r, &gates, &initial, &cell, &state, row, col, row - 1, col);
        }
    }
    masked_conv(r, name, ".output", true, 1, &state, out);
}

/* step 1: the left scan; -1: the right one, the same on the mirrored map. Anti-diagonals in order. */
static inline plane scan_layer(reference *r, const char *name, int step, const plane *in) {
    int h = r->config.hidden, height = r->config.height, width = r->config.width;
    plane gates = new_plane(r, 4 * h), cell = new_plane(r, h), state = new_plane(r, h);
    masked_conv(r, name, ".input_to_state", true, gate_blocks(r), in, &gates);
    add_condition(r, name, &gates);
    prnn_tensor w = tensor_named(r, "%s.state_to_state.weight", name);
    prnn_tensor hidden = tensor_named(r, "%s.initial_hidden", name);
    prnn_tensor initial = tensor_named(r, "%s.initial_cell", name);
    for (int diagonal = 0; diagonal < height + width - 1; diagonal++) {
        for (int row = 0; row < height; row++) {
            int steps = diagonal - row, col = step > 0 ? steps : width - 1 - steps;
            if (steps < 0 || steps >= width) {
                continue;
            }
            size_t to = place(r, &gates, row, col);
            for (int tap = 0; tap < 2; tap++) {
                /* Tap 0: above; tap 1: the one before in the row. */
                int from_row = tap == 0 ? row - 1 : row, from_col = tap == 0 ? col : col - step;
                if (r->mistake == MISTAKE_FROM_BELOW) {
                    from_row++;
                    from_col -= step;
                }
                if (inside(r, from_row, from_col)) {
                    state_conv(r, &w, tap, &state, from_row, from_col, &gates, to);
                } else {
                    initial_conv(r, &w, tap, &hidden, &gates, to);
                }
            }
            lstm_cell(r, &gates, &initial, &cell, &state, row, col, row, col - step);
        }
    }
    return state;
}

/* to[row] += from[row - down] */
static inline void add_plane(const reference *r, const plane *from, int down, const plane *to) {
    size_t line = (size_t)r->config.width * (size_t)to->n, rows = (size_t)(r->config.height - down);
    for (size_t i = 0; i < line * rows; i++) {
        to->v[i + line * (size_t)down] += from->v[i];
        if (r->sets) {
            set_unite(&to->s[i + line * (size_t)down], &from->s[i]);
        }
    }
}

static inline void diagonal_layer(reference *r, const char *name, const plane *in, const plane *out) {
    char path[96];
    plane sum = new_plane(r, r->config.hidden);
    snprintf(path, sizeof path, "%s.left", name);
    plane left = scan_layer(r, path, 1, in);
    snprintf(path, sizeof path, "%s.right", name);
    plane right = scan_layer(r, path, -1, in);
    add_plane(r, &left, 0, &sum);
    add_plane(r, &right, r->mistake == MISTAKE_RIGHT_IN_PLACE ? 0 : 1, &sum);
    masked_conv(r, name, ".output", true, 1, &sum, out);
}

static inline plane rectified(reference *r, const plane *in) {
    plane out = new_plane(r, in->n);
    add_plane(r, in, 0, &out);
    for (size_t i = 0; i < (size_t)(r->config.height * r->config.width * in->n); i++) {
        out.v[i] = fmax(out.v[i], 0);
    }
    return out;
}

static inline void cnn_layer(reference *r, const char *name, const plane *in, const plane *out) {
    plane narrow = new_plane(r, r->config.hidden), convolved = new_plane(r, r->config.hidden);
    plane x = rectified(r, in);
    masked_conv(r, name, ".reduce", true, 1, &x, &narrow);
    x = rectified(r, &narrow);
    masked_conv(r, name, ".conv", true, 1, &x, &convolved);
    add_condition(r, name, &convolved);
    x = rectified(r, &convolved);
    masked_conv(r, name, ".output", true, 1, &x, out);
}

/* By the book (docs/equations.md): 16 bits a feature, of blocks of 128. */
static inline void reference_drop(const reference *r, int l, plane *y) {
    const prnn_dropout *d = r->dropout;
    double keep = 1 - d->below / 65536.0;
    for (size_t pixel = 0; pixel < (size_t)(r->config.height * r->config.width); pixel++) {
        for (size_t i = 0; i < (size_t)y->n; i++) {
            uint64_t index = r->image << 48 | (uint64_t)l << 40 | pixel << 16 | i / 8;
            prnn_random bits = prnn_random_at(d->seed, PRNN_RANDOM_DROPOUT, d->step, index);
            uint32_t drawn = bits.word[i % 8 / 2] >> 16 * (i % 2) & 65535;
            y->v[pixel * (size_t)y->n + i] *= drawn < d->below ? 0 : 1 / keep;
        }
    }
}

static inline plane reference_layer(reference *r, int l, const plane *in) {
    char name[64];
    snprintf(name, sizeof name, "layers.%d", l);
    plane out = new_plane(r, in->n);
    switch (r->config.kind) {
    case PRNN_ROW:
        row_layer(r, name, in, &out);
        break;
    case PRNN_DIAGONAL:
        diagonal_layer(r, name, in, &out);
        break;
    case PRNN_CNN:
        cnn_layer(r, name, in, &out);
        break;
    default:
        fail_msg("no reference for kind %d: write it here", (int)r->config.kind);
    }
    if (r->dropout) {
        reference_drop(r, l, &out);
    }
    for (int times = r->mistake == MISTAKE_RESIDUAL_TWICE ? 2 : 1; r->config.residual && times; times--) {
        add_plane(r, in, 0, &out);
    }
    return out;
}

static inline plane reference_input(reference *r, const uint8_t *image) {
    plane x = new_plane(r, r->config.channels);
    for (size_t i = 0; i < (size_t)(r->config.height * r->config.width * r->config.channels); i++) {
        x.v[i] = image[i] * 2.0 / (r->config.levels - 1) - 1;
        if (r->sets) {
            set_insert(&x.s[i], i);
        }
    }
    plane stream = new_plane(r, 2 * r->config.hidden);
    masked_conv(r, "input", "", false, 1, &x, &stream);
    return stream;
}

/* Logits of one image, (H, W, C, M). */
static inline void reference_logits(reference *r, const uint8_t *image, double *logits) {
    const prnn_config *c = &r->config;
    char name[64];
    reference_condition(r, image);
    plane x = reference_input(r, image), total = new_plane(r, x.n);
    for (int l = 0; l < c->layers; l++) {
        x = reference_layer(r, l, &x);
        if (c->skip && l < c->layers - 1) {
            snprintf(name, sizeof name, "layers.%d.skip", l);
            masked_conv(r, name, "", true, 1, &x, &total);
        }
    }
    add_plane(r, &x, 0, &total);
    x = total;
    int per_value = (int)law_logits_of(c);
    for (int i = 0; i < 3; i++) {
        plane in = rectified(r, &x);
        x = new_plane(r, i < 2 ? c->head : c->channels * per_value);
        snprintf(name, sizeof name, "head.%d", i);
        masked_conv(r, name, "", true, 1, &in, &x);
    }
    size_t values = (size_t)(c->height * c->width * c->channels);
    memcpy(logits, x.v, values * (size_t)per_value * sizeof *logits);
    for (size_t i = 0; r->sets && i < values * (size_t)per_value; i++) {
        set_unite(&r->seen[i / (size_t)per_value], &x.s[i]);
    }
    for (int i = 0; i < r->block_count; i++) {
        free(r->blocks[i]);
    }
    r->block_count = 0;
}

/* -log p(image) in nats. */
static inline double reference_nats(reference *r, const uint8_t *image) {
    const prnn_config *c = &r->config;
    size_t values = (size_t)(c->height * c->width * c->channels), m = law_logits_of(c);
    double *logits = malloc(values * m * sizeof *logits), nats = 0, p[256];
    reference_logits(r, image, logits);
    for (size_t i = 0; i < values; i++) {
        law_probabilities(c, logits + i * m, p);
        nats -= log(p[image[i]]);
    }
    free(logits);
    return nats;
}

/* The model's parameters in double, to be freed. */
static inline double *reference_parameters(const law_model *m) {
    double *parameters = malloc(m->parameters * sizeof *parameters);
    for (size_t t = 0; t < prnn_model_tensor_count(m->model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(m->model, t, &tensor);
        for (size_t i = 0; i < tensor.count; i++) {
            parameters[tensor.offset + i] = (double)tensor.values[i];
        }
    }
    return parameters;
}

#endif

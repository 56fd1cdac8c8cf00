/* What the laws share: the configurations that every law is run over, and random models of them. A law is a
 * function of (kind, shape); a new kind of layer is under all of them at once. */
#ifndef TESTS_LAWS_H
#define TESTS_LAWS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/gradient.h"
#include "model/model.h"

#define UNUSED __attribute__((unused))

#define assert_ok(ctx, call)                                                                                 \
    do {                                                                                                     \
        if ((call) != PRNN_OK) {                                                                             \
            fail_msg("%s: %s", #call, prnn_message(ctx));                                                    \
        }                                                                                                    \
    } while (0)

/* ------------------------------------------------------------------------------- configurations */

typedef struct law_shape {
    const char *name;
    int height, width, channels, levels, layers, hidden, head;
    bool residual, skip;
    int condition_size, condition_features;
    int components; /* of a mixture of logistics; 0: a softmax */
} law_shape;

/* Sizes that are no multiple of anything: features that share a panel, that straddle two, and (the last) a
 * panel for each colour. */
static const law_shape law_shapes[] = {
    {"grey", 5, 4, 1, 2, 2, 5, 6, true, false, 0, 0, 0},
    {"grey with skips, not residual", 4, 6, 1, 5, 3, 17, 20, false, true, 0, 0, 0},
    {"colour with skips", 5, 4, 3, 2, 2, 4, 7, true, true, 0, 0, 0},
    {"colour, neither", 4, 5, 3, 3, 2, 18, 35, false, false, 0, 0, 0},
    {"one row", 1, 7, 3, 4, 1, 7, 12, true, false, 0, 0, 0},
    {"one column", 6, 1, 1, 256, 2, 3, 8, true, true, 0, 0, 0},
    {"a panel a colour", 3, 3, 3, 2, 1, 48, 48, true, false, 0, 0, 0},
    {"colour, a mixture", 3, 3, 3, 12, 2, 6, 18, true, false, 0, 0, 3},
    {"grey, a mixture of more than a panel", 4, 3, 1, 256, 1, 5, 20, false, false, 0, 0, 17},
    {"grey, conditional", 6, 6, 1, 3, 2, 5, 6, true, false, 3, 3, 0},
    {"colour, a mixture, conditional", 4, 4, 3, 6, 1, 7, 15, true, false, 2, 3, 2},
    {"colour with skips, conditional twice", 4, 4, 3, 4, 2, 18, 7, false, true, 1, 17, 0},
};

#define LAW_ONE(kind, name, layer) +1
enum {
    LAW_KINDS = PRNN_KINDS(LAW_ONE),
    LAW_SHAPES = sizeof law_shapes / sizeof *law_shapes,
    LAWS = LAW_KINDS * LAW_SHAPES
};

static UNUSED prnn_config law_config(prnn_kind kind, const law_shape *shape) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = shape->height;
    c.width = shape->width;
    c.channels = shape->channels;
    c.levels = shape->levels;
    c.layers = shape->layers;
    c.hidden = shape->hidden;
    c.head = shape->head;
    c.residual = shape->residual;
    c.skip = shape->skip;
    c.condition_size = shape->condition_size;
    c.condition_features = shape->condition_features;
    c.output = shape->components ? PRNN_LOGISTICS : PRNN_SOFTMAX;
    c.components = shape->components;
    return c;
}

/* Logits of a value. */
static UNUSED size_t law_logits_of(const prnn_config *c) {
    return c->output == PRNN_LOGISTICS ? 3 * (size_t)c->components : c->levels == 2 ? 1 : (size_t)c->levels;
}

/* ------------------------------------------------------------------------------- distributions */

static inline double logistic(double x) {
    return 1 / (1 + exp(-x));
}

/* sigmoid(b) .. sigmoid(a), on the side where little is subtracted from little. */
static inline double logistic_between(double b, double a) {
    return b > 0 ? logistic(-b) - logistic(-a) : logistic(a) - logistic(b);
}

/* p[0..K-1] of a value from its M logits, by the book (docs/equations.md), in double. */
static UNUSED void law_mixture(int components, int levels, const double *logits, double *p) {
    double total = 0, half = 1 / (double)(levels - 1);
    memset(p, 0, (size_t)levels * sizeof *p);
    for (int j = 0; j < components; j++) {
        total += exp(logits[j]);
    }
    for (int j = 0; j < components; j++) {
        double weight = exp(logits[j]) / total, spread = (2 * j + 1) / (double)components - 1;
        double mean = spread + logits[components + j];
        double scale = exp(-7) + exp(logits[2 * components + j]) / (2 * components);
        for (int v = 0; v < levels; v++) {
            double x = v * 2 / (double)(levels - 1) - 1;
            double b = v == 0 ? -INFINITY : (x - half - mean) / scale;
            double a = v == levels - 1 ? INFINITY : (x + half - mean) / scale;
            p[v] += weight * logistic_between(b, a);
        }
    }
}

static UNUSED void law_probabilities(const prnn_config *c, const double *logits, double *p) {
    if (c->output == PRNN_LOGISTICS) {
        law_mixture(c->components, c->levels, logits, p);
        return;
    }
    double two[2] = {0, logits[0]}, top = -INFINITY, total = 0;
    const double *x = c->levels == 2 ? two : logits;
    for (int k = 0; k < c->levels; k++) {
        top = fmax(top, x[k]);
    }
    for (int k = 0; k < c->levels; k++) {
        total += p[k] = exp(x[k] - top);
    }
    for (int k = 0; k < c->levels; k++) {
        p[k] /= total;
    }
}

static UNUSED void law_probabilities_of(const prnn_config *c, const float *logits, double *p) {
    double x[256];
    for (size_t m = 0; m < law_logits_of(c); m++) {
        x[m] = (double)logits[m];
    }
    law_probabilities(c, x, p);
}

/* --------------------------------------------------------------------------------------- random */

/* SplitMix64 (Steele et al. 2014), so that the tests owe nothing to the generator under test. */
static inline uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double random_unit(uint64_t *state) {
    return ((double)(random_bits(state) >> 11) + 0.5) * 0x1p-53;
}

static inline double random_normal(uint64_t *state) {
    double radius = sqrt(-2 * log(random_unit(state)));
    return radius * cos(6.283185307179586 * random_unit(state));
}

static UNUSED void random_images(uint64_t seed, int levels, size_t n, uint8_t *values) {
    for (size_t i = 0; i < n; i++) {
        values[i] = (uint8_t)(random_bits(&seed) % (uint64_t)levels);
    }
}

/* --------------------------------------------------------------------------------------- models */

typedef struct law_model {
    prnn_context *ctx;
    prnn_model *model;
    prnn_config config;
    size_t parameters; /* all of them */
    size_t bytes;      /* of an image */
    size_t small;      /* of the small image of a conditional model */
    size_t logits;     /* of a value */
} law_model;

/* Every unmasked weight is drawn: N(0, gain^2 / number of unmasked inputs), biases and initial states N(0,
 * 0.3^2). The library's own beginning has zero logits, which would hide most of what the laws look for. */
static UNUSED void law_randomize(law_model *m, uint64_t seed, double gain) {
    float *values = calloc(m->parameters, sizeof *values);
    for (size_t t = 0; t < prnn_model_tensor_count(m->model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(m->model, t, &tensor);
        size_t outputs = tensor.rank == 1 ? 1 : (size_t)tensor.shape[0], inputs = tensor.count / outputs;
        for (size_t o = 0; o < outputs; o++) {
            size_t first = tensor.offset + o * inputs, fan = 0;
            for (size_t i = first; i < first + inputs; i++) {
                fan += !prnn_model_parameter_is_masked(m->model, i);
            }
            double size = tensor.rank == 1 ? 0.3 : gain / sqrt((double)(fan ? fan : 1));
            for (size_t i = first; i < first + inputs; i++) {
                double value = random_normal(&seed) * size;
                values[i] = !prnn_model_parameter_is_masked(m->model, i) ? (float)value : 0;
            }
        }
    }
    assert_ok(m->ctx, prnn_model_set_parameters(m->ctx, m->model, values));
    free(values);
}

/* Precision of the products of law_open's contexts. */
static UNUSED const char *law_precision = "fp32";

static UNUSED law_model law_open(const prnn_config *config, uint64_t seed) {
    law_model m = {.ctx = prnn_context_create(), .config = *config};
    assert_non_null(m.ctx);
    assert_ok(m.ctx, prnn_context_set_threads(m.ctx, 1));
    assert_ok(m.ctx, prnn_context_set_precision(m.ctx, law_precision));
    assert_ok(m.ctx, prnn_model_create(m.ctx, config, seed, &m.model));
    m.parameters = prnn_model_parameter_count(m.model, false);
    m.bytes = (size_t)config->height * (size_t)config->width * (size_t)config->channels;
    m.small = (size_t)config->condition_size * (size_t)config->condition_size * (size_t)config->channels;
    m.logits = law_logits_of(config);
    law_randomize(&m, seed, 1);
    return m;
}

static UNUSED void law_close(law_model *m) {
    prnn_model_free(m->model);
    prnn_context_free(m->ctx);
}

/* prnn_chain_evaluate of a chain that is made for it. */
static UNUSED prnn_status law_evaluate_chain(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                             const uint8_t *images, size_t n, double *nats, float *values) {
    prnn_chain *chain;
    prnn_status status = prnn_chain_create(ctx, models, count, &chain);
    if (status == PRNN_OK) {
        status = prnn_chain_evaluate(ctx, chain, images, n, NULL, nats, NULL, values);
    }
    prnn_chain_free(chain);
    return status;
}

/* Numbers of a test as a block of the CPU. */
static UNUSED prnn_block law_block(float *numbers, size_t count) {
    return (prnn_block){numbers, 0, count};
}

/* The gradient of a batch (prnn_gradient) of which features are dropped, or whose targets are soft. */
static UNUSED double law_gradient(const law_model *m, const prnn_batch *batch, float *gradient) {
    prnn_gradient_engine *engine;
    prnn_block weights, out;
    prnn_batch_kind of = {.images = batch->n, .soft = batch->soft != NULL};
    assert_ok(m->ctx, prnn_gradient_engine_create(m->ctx, &m->config, of, 0, &engine));
    const prnn_device *device = prnn_device_of(m->ctx);
    assert_ok(m->ctx, device->share(m->ctx, m->model->weights->parameters, m->parameters, &weights));
    assert_ok(m->ctx, device->share(m->ctx, gradient, m->parameters, &out));
    double nats;
    assert_ok(m->ctx, prnn_gradient_engine_run(m->ctx, engine, weights, batch, out, NULL, &nats));
    device->unshare(&weights, NULL);
    device->unshare(&out, gradient);
    prnn_gradient_engine_free(m->ctx, engine);
    return nats;
}

/* Drops a feature with this probability. */
static UNUSED prnn_dropout law_dropout(double probability) {
    uint32_t below = (uint32_t)(probability * 65536);
    return (prnn_dropout){
        .below = below, .scale = 65536 / (65536 - (float)below), .seed = (uint64_t)3 << 40 | 9, .step = 77};
}

/* Soft targets of values of a model without a mixture, as prnn_pictures has them, to be freed: a random part
 * of each target is a random distribution. */
static UNUSED float *law_soft(const law_model *m, uint64_t seed, const uint8_t *values, size_t count) {
    float *soft = calloc(count, m->logits * sizeof *soft);
    assert_non_null(soft);
    for (size_t v = 0; v < count; v++) {
        double p[256], total = 0, weight = random_unit(&seed);
        for (int k = 0; k < m->config.levels; k++) {
            total += p[k] = random_unit(&seed);
        }
        for (size_t k = 0; k < m->logits; k++) {
            size_t level = m->logits == 1 ? 1 : k;
            soft[v * m->logits + k] = (float)(weight * (p[level] / total - (values[v] == level)));
        }
    }
    return soft;
}

/* Logits of `count` images, to be freed. */
static UNUSED float *law_logits(const law_model *m, const uint8_t *images, size_t count) {
    float *logits = malloc(count * m->bytes * m->logits * sizeof *logits);
    assert_non_null(logits);
    assert_ok(m->ctx, prnn_logits(m->ctx, m->model, images, count, logits));
    return logits;
}

/* The small image of an image, (s, s, C). */
static UNUSED void law_small(const law_model *m, const uint8_t *image, uint8_t *small) {
    size_t channels = (size_t)m->config.channels, width = (size_t)m->config.width, n = 0;
    size_t step = m->small ? width / (size_t)m->config.condition_size : width + 1;
    for (size_t i = 0; i < m->bytes && n < m->small; i++) {
        size_t row = i / channels / width, col = i / channels % width;
        if (row % step == 0 && col % step == 0) {
            small[n++] = image[i];
        }
    }
}

/* What is asked of images of which all have the small image of the first, whatever they contain themselves.
 */
typedef struct law_given {
    prnn_evaluation asked;
    uint8_t *small;
    double *nats;
} law_given;

static UNUSED law_given law_given_first(const law_model *m, const uint8_t *images, size_t count) {
    law_given given = {.small = malloc(count * m->small + 1), .nats = malloc(count * sizeof(double))};
    assert_true(given.small && given.nats);
    for (size_t i = 0; i < count; i++) {
        law_small(m, images, given.small + i * m->small);
    }
    given.asked = (prnn_evaluation){
        .images = images, .small = m->small ? given.small : NULL, .count = count, .nats = given.nats};
    return given;
}

static UNUSED void law_given_free(law_given *given) {
    free(given->small);
    free(given->nats);
}

/* Logits of `count` images, all given the small image of the first; to be freed. */
static UNUSED float *law_logits_given_first(const law_model *m, const uint8_t *images, size_t count) {
    float *logits = malloc(count * m->bytes * m->logits * sizeof *logits);
    assert_non_null(logits);
    law_given given = law_given_first(m, images, count);
    given.asked.logits = logits;
    assert_ok(m->ctx, prnn_model_evaluate(m->ctx, m->model, &given.asked));
    law_given_free(&given);
    return logits;
}

/* ------------------------------------------------------------------------------------- the laws */

/* test_laws_X [PATTERN [EXCEPT]]: runs the tests whose name matches the first and not the second. */
static UNUSED void law_choose(int count, char **arguments) {
    if (count > 1) {
        cmocka_set_test_filter(arguments[1]);
    }
    if (count > 2) {
        cmocka_set_skip_filter(arguments[2]);
    }
}

/* The configuration that a test was started with. */
static UNUSED prnn_config law_of_state(void **state) {
    int number = *(const int *)*state;
    return law_config((prnn_kind)(number / LAW_SHAPES), &law_shapes[number % LAW_SHAPES]);
}

/* Runs a law over the configurations of every kind; returns the number of failures. PRNN_LAWS_EVERY=7: over
 * every seventh, which are of every kind too, for emulators. */
static UNUSED int law_run_some(const char *law, CMUnitTestFunction test, bool conditional_too) {
    const char *every = getenv("PRNN_LAWS_EVERY");
    int step = every && atoi(every) > 0 ? atoi(every) : 1;
    static char names[LAWS][96];
    static int numbers[LAWS];
    struct CMUnitTest tests[LAWS];
    int count = 0;
    for (int i = 0; i < LAWS; i += step) {
        const law_shape *shape = &law_shapes[i % LAW_SHAPES];
        if (conditional_too || shape->condition_size == 0) {
            snprintf(names[i], sizeof names[i], "%s: %s, %s", law,
                     prnn_kind_name((prnn_kind)(i / LAW_SHAPES)), shape->name);
            numbers[i] = i;
            tests[count++] = (struct CMUnitTest){names[i], test, NULL, NULL, &numbers[i]};
        }
    }
    return _cmocka_run_group_tests(law, tests, (size_t)count, NULL, NULL);
}

/* Over all of them; over those that draw images without being given small ones. */
static UNUSED int law_run(const char *law, CMUnitTestFunction test) {
    return law_run_some(law, test, true);
}

static UNUSED int law_run_unconditional(const char *law, CMUnitTestFunction test) {
    return law_run_some(law, test, false);
}

#endif

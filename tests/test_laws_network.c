/* Laws of one network: it computes what the equations say, its masks are theirs, it makes none of the
 * mistakes of public implementations, and its gradient is the derivative of its likelihood. */

#include "laws_reference.h"

enum { IMAGES = 3 };

/* Largest difference between the library's logits and the reference's, over IMAGES images. */
static double difference(const law_model *m, const double *parameters, mistake made) {
    uint8_t *images = malloc(IMAGES * m->bytes);
    random_images(11, m->config.levels, IMAGES * m->bytes, images);
    float *logits = law_logits(m, images, IMAGES);
    size_t n = m->bytes * m->logits;
    double *expected = malloc(n * sizeof *expected), worst = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        reference r = {.model = m->model, .config = m->config, .parameters = parameters, .mistake = made};
        reference_logits(&r, images + i * m->bytes, expected);
        for (size_t k = 0; k < n; k++) {
            worst = fmax(worst, fabs((double)logits[i * n + k] - expected[k]));
        }
    }
    free(expected);
    free(logits);
    free(images);
    return worst;
}

/* Logits are of order 1 and go through some twenty sums of some hundred floats: 1e-5 at most. */
static void test_reference(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 1);
    double *parameters = reference_parameters(&m);
    double off = difference(&m, parameters, NO_MISTAKE);
    if (!(off < 5e-5)) {
        fail_msg("logits are off by %g", off);
    }
    free(parameters);
    law_close(&m);
}

static void test_mistakes(void **state) {
    static const struct {
        mistake mistake;
        const char *name;
        bool row, diagonal, cnn;
    } mistakes[] = {
        {MISTAKE_G_SIGMOID, "g through a sigmoid", true, true, false},
        {MISTAKE_GATES_BLOCK, "gates masked as one block", true, true, false},
        {MISTAKE_RIGHT_IN_PLACE, "the right scan not moved down", false, true, false},
        {MISTAKE_FROM_BELOW, "the 2x1 kernel padded from below", false, true, false},
        {MISTAKE_RESIDUAL_TWICE, "the input added twice", true, true, true},
    };
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 2);
    double *parameters = reference_parameters(&m);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        bool of_kind[] = {mistakes[i].row, mistakes[i].diagonal, mistakes[i].cnn};
        bool visible = of_kind[config.kind];
        visible = visible && (mistakes[i].mistake != MISTAKE_GATES_BLOCK || config.channels == 3);
        visible = visible && (mistakes[i].mistake != MISTAKE_RESIDUAL_TWICE || config.residual);
        if (visible && difference(&m, parameters, mistakes[i].mistake) < 1e-3) {
            fail_msg("no difference from a network with %s", mistakes[i].name);
        }
    }
    free(parameters);
    law_close(&m);
}

/* The distributions of all values, from their logits: those of the book; and the likelihood of an image is
 * that of its levels in them. */
static void test_distributions(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 4);
    uint8_t *images = malloc(IMAGES * m.bytes);
    random_images(12, config.levels, IMAGES * m.bytes, images);
    float *logits = law_logits(&m, images, IMAGES), *values = malloc(IMAGES * m.bytes * sizeof *values);
    size_t levels = (size_t)config.levels;
    double *own = malloc(IMAGES * m.bytes * levels * sizeof *own);
    double nats[IMAGES], p[256];
    assert_int_equal(prnn_logits_per_value(m.model), m.logits);
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, IMAGES, NULL, nats, values));
    assert_ok(m.ctx, prnn_log_probabilities(m.ctx, m.model, logits, IMAGES * m.bytes, own));
    for (size_t i = 0; i < IMAGES * m.bytes; i++) {
        const double *mine = own + i * levels;
        law_probabilities_of(&config, logits + i * m.logits, p);
        for (size_t k = 0; k < levels; k++) {
            assert_true(fabs(mine[k] - log(p[k])) < 3e-5);
        }
        assert_true(fabs(mine[images[i]] + (double)values[i]) < 2e-5);
    }
    logits[m.logits] = NAN;
    assert_int_equal(prnn_log_probabilities(m.ctx, m.model, logits, 2, own), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "logit 0 of value 1 is nan"));
    free(own);
    free(values);
    free(logits);
    free(images);
    law_close(&m);
}

/* Unmasked is what the reference uses. On a small image some taps reach nothing but zeros beside it: so a
 * large one. */
static void test_masks(void **state) {
    prnn_config config = law_of_state(state);
    config.condition_size = config.condition_size ? 2 : 0;
    config.height = config.width = config.condition_size ? 8 : 7;
    config.layers = 2;
    law_model m = law_open(&config, 3);
    double *parameters = reference_parameters(&m);
    uint8_t *used = calloc(m.parameters, 1), *image = calloc(m.bytes, 1);
    double *logits = malloc(m.bytes * m.logits * sizeof *logits);
    reference r = {.model = m.model, .config = config, .parameters = parameters, .used = used};
    reference_logits(&r, image, logits);
    for (size_t i = 0; i < m.parameters; i++) {
        if (used[i] == prnn_model_parameter_is_masked(m.model, i)) {
            fail_msg("parameter %zu is %s; the equations have it the other way", i,
                     used[i] ? "masked" : "unmasked");
        }
    }
    free(logits);
    free(image);
    free(used);
    free(parameters);
    law_close(&m);
}

/* ------------------------------------------------------------------------------------- gradient */

typedef struct gradient_check {
    law_model m;
    uint8_t *images;
    float *gradient;
    double *parameters;
    float *moved;
    double *direction; /* zero outside the tensor under test */
    prnn_dropout dropout;
    float *soft; /* targets; NULL: the levels */
} gradient_check;

/* The mean cross-entropy of images at the library's present weights to the soft targets. */
static double cross_entropy(const gradient_check *g) {
    const law_model *m = &g->m;
    float *logits = law_logits(m, g->images, IMAGES);
    double sum = 0, p[256];
    for (size_t v = 0; v < IMAGES * m->bytes; v++) {
        law_probabilities_of(&m->config, logits + v * m->logits, p);
        for (int k = 0; k < m->config.levels; k++) {
            double moved = m->logits > 1 ? (double)g->soft[v * m->logits + (size_t)k]
                                         : (k ? 1 : -1) * (double)g->soft[v];
            sum -= (moved + (g->images[v] == k)) * log(p[k]);
        }
    }
    free(logits);
    return sum / IMAGES;
}

/* Mean likelihood at parameters + step * direction, by the library or by the reference. */
static double mean_nats(const gradient_check *g, double step, bool by_reference) {
    const law_model *m = &g->m;
    double nats[IMAGES], mean = 0;
    if (by_reference) {
        double *at = malloc(m->parameters * sizeof *at);
        for (size_t i = 0; i < m->parameters; i++) {
            at[i] = g->parameters[i] + step * g->direction[i];
        }
        reference r = {.model = m->model, .config = m->config, .parameters = at};
        r.dropout = g->dropout.below ? &g->dropout : NULL;
        for (size_t i = 0; i < IMAGES; i++) {
            r.image = i;
            nats[i] = reference_nats(&r, g->images + i * m->bytes);
        }
        free(at);
    } else {
        for (size_t i = 0; i < m->parameters; i++) {
            g->moved[i] = (float)(g->parameters[i] + step * g->direction[i]);
        }
        assert_ok(m->ctx, prnn_model_set_parameters(m->ctx, m->model, g->moved));
        if (g->soft) {
            return cross_entropy(g);
        }
        assert_ok(m->ctx, prnn_evaluate(m->ctx, m->model, g->images, IMAGES, NULL, nats, NULL));
    }
    for (int i = 0; i < IMAGES; i++) {
        mean += nats[i] / IMAGES;
    }
    return mean;
}

static gradient_check open_check(const prnn_config *config, double dropout, bool soft) {
    gradient_check g = {.m = law_open(config, 4), .dropout = law_dropout(dropout)};
    g.images = malloc(IMAGES * g.m.bytes);
    g.gradient = malloc(g.m.parameters * sizeof *g.gradient);
    g.moved = malloc(g.m.parameters * sizeof *g.moved);
    g.direction = calloc(g.m.parameters, sizeof *g.direction);
    g.parameters = reference_parameters(&g.m);
    random_images(12, config->levels, IMAGES * g.m.bytes, g.images);
    g.soft = soft ? law_soft(&g.m, 13, g.images, IMAGES * g.m.bytes) : NULL;
    double mean;
    if (dropout > 0 || soft) {
        prnn_batch batch = {.images = g.images, .n = IMAGES, .dropout = g.dropout, .soft = g.soft};
        mean = law_gradient(&g.m, &batch, g.gradient);
    } else {
        assert_ok(g.m.ctx, prnn_gradient(g.m.ctx, g.m.model, g.images, IMAGES, &mean, g.gradient));
    }
    assert_true(fabs(mean - mean_nats(&g, 0, true)) < 1e-4 * mean);
    for (size_t i = 0; i < g.m.parameters; i++) {
        if (prnn_model_parameter_is_masked(g.m.model, i)) {
            assert_true(g.gradient[i] == 0);
        }
    }
    return g;
}

static void close_check(gradient_check *g) {
    free(g->images);
    free(g->gradient);
    free(g->moved);
    free(g->direction);
    free(g->parameters);
    free(g->soft);
    law_close(&g->m);
}

/* A random unit direction over the unmasked parameters of a tensor; returns the derivative along it that the
 * gradient promises. */
static double choose_direction(gradient_check *g, const prnn_tensor *tensor, uint64_t *seed) {
    memset(g->direction, 0, g->m.parameters * sizeof *g->direction);
    double promised = 0, squares = 0;
    for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
        if (!prnn_model_parameter_is_masked(g->m.model, i)) {
            g->direction[i] = random_normal(seed);
            promised += g->direction[i] * (double)g->gradient[i];
            squares += g->direction[i] * g->direction[i];
        }
    }
    for (size_t i = tensor->offset; i < tensor->offset + tensor->count && squares > 0; i++) {
        g->direction[i] /= sqrt(squares);
    }
    return squares > 0 ? promised / sqrt(squares) : 0;
}

/* Derivatives along several directions for each tensor, found by central differences, against those that the
 * gradient promises: root mean squares. */
static void check_gradient(const prnn_config *config, double dropout, bool soft, bool by_reference,
                           int repeats, double step, double relative, double absolute) {
    gradient_check g = open_check(config, dropout, soft);
    uint64_t seed = 5;
    for (size_t t = 0; t < prnn_model_tensor_count(g.m.model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(g.m.model, t, &tensor);
        double off = 0, size = 0;
        for (int i = 0; i < repeats; i++) {
            double promised = choose_direction(&g, &tensor, &seed);
            double up = mean_nats(&g, step, by_reference), down = mean_nats(&g, -step, by_reference);
            double found = (up - down) / (2 * step);
            off += (found - promised) * (found - promised) / repeats;
            size += promised * promised / repeats;
        }
        if (!(sqrt(off) < relative * sqrt(size) + absolute)) {
            fail_msg("%s: derivatives of %g are off by %g", tensor.name, sqrt(size), sqrt(off));
        }
        /* Biases and initial states matter too; but a right scan does not, on an image of one row. */
        if (!(size > 0) && config->height > 1 && dropout == 0) {
            fail_msg("%s: has no gradient", tensor.name);
        }
    }
    close_check(&g);
}

/* Against the library's own likelihood. Some ten nats that are sums of floats are good to about 1e-6, so a
 * step of 1e-3 gives a noise of 1e-3; the kinks of the ReLUs within a step may cost a few percent. A gradient
 * that lacks a tap, a gate or a scan is off by more. */
static void test_gradient(void **state) {
    prnn_config config = law_of_state(state);
    check_gradient(&config, 0, false, false, 6, 1e-3, 0.1, 1.5e-3);
}

/* Against the reference in double precision, where a step of 1e-6 has neither noise nor, hardly ever, a
 * kink: what remains is the library's single precision. */
static void test_gradient_exactly(void **state) {
    prnn_config config = law_of_state(state);
    check_gradient(&config, 0, false, true, 2, 1e-6, 1e-4, 1e-6);
}

/* The likelihood and its gradient are those of the network without what was dropped, in every image other
 * features. */
static void test_dropout(void **state) {
    prnn_config config = law_of_state(state);
    check_gradient(&config, 0.3, false, true, 2, 1e-6, 1e-4, 1e-6);
}

/* The likelihood is that of the levels, the gradient that of the cross-entropy to the soft targets. */
static void test_soft_targets(void **state) {
    prnn_config config = law_of_state(state);
    if (config.output == PRNN_LOGISTICS) {
        skip();
    }
    check_gradient(&config, 0, true, false, 6, 1e-3, 0.1, 1.5e-3);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    int failures = law_run("computes what the equations say", test_reference);
    failures += law_run("makes no known mistake", test_mistakes);
    failures += law_run("distributions", test_distributions);
    failures += law_run("masks", test_masks);
    failures += law_run("gradient against differences", test_gradient);
    failures += law_run("gradient against exact differences", test_gradient_exactly);
    failures += law_run("dropout against exact differences", test_dropout);
    failures += law_run("soft targets against differences", test_soft_targets);
    return failures;
}

/* Laws of the distribution: a conditional sees what is before it and nothing else, so the conditionals are a
 * product of probabilities, which sum to 1 over all images. */

#include "laws_reference.h"

/* An image, and for each of its values the images with another value there. */
typedef struct neighbours {
    uint8_t *images; /* the first is the image itself */
    size_t *changed; /* which value, for all but the first */
    size_t count;
} neighbours;

enum { CHANGES = 2, MODELS = 12 };

static neighbours all_neighbours(const law_model *m, uint64_t seed) {
    size_t levels = (size_t)m->config.levels, changes = levels - 1 < CHANGES ? levels - 1 : CHANGES;
    neighbours n = {.count = 1 + m->bytes * changes};
    n.images = malloc(n.count * m->bytes);
    n.changed = calloc(n.count, sizeof *n.changed);
    random_images(seed, m->config.levels, m->bytes, n.images);
    for (size_t i = 1; i < n.count; i++) {
        size_t value = (i - 1) / changes, change = 1 + (i - 1) % changes * (levels - 1) / 2;
        uint8_t *image = n.images + i * m->bytes;
        memcpy(image, n.images, m->bytes);
        image[value] = (uint8_t)((image[value] + change) % levels);
        n.changed[i] = value;
    }
    return n;
}

/* moved[p] gains q where changing value q moved a logit of value p by as much as a bit. */
static void find_moved(const law_model *m, uint64_t seed, value_set *moved) {
    neighbours n = all_neighbours(m, seed);
    float *logits = law_logits_given_first(m, n.images, n.count);
    for (size_t i = 1; i < n.count; i++) {
        const float *own = logits + i * m->bytes * m->logits;
        for (size_t p = 0; p < m->bytes; p++) {
            if (memcmp(own + p * m->logits, logits + p * m->logits, m->logits * sizeof *own) != 0) {
                set_insert(&moved[p], n.changed[i]);
            }
        }
    }
    free(logits);
    free(n.images);
    free(n.changed);
}

static void describe(const law_model *m, size_t value, char *text, size_t size) {
    size_t channels = (size_t)m->config.channels, width = (size_t)m->config.width;
    snprintf(text, size, "(row %zu, column %zu, channel %zu)", value / channels / width,
             value / channels % width, value % channels);
}

/* What moves, over some random models (one may hide a path that is dead in it), is before the conditional,
 * and is exactly what the layers let through (docs/equations.md). */
static void check_causality(const prnn_config *config, double gain) {
    law_model m = law_open(config, 21);
    assert_true(m.bytes <= SET_BITS);
    value_set *moved = calloc(m.bytes, sizeof *moved), *seen = calloc(m.bytes, sizeof *seen);
    for (uint64_t seed = 21; seed < 21 + MODELS; seed++) {
        law_randomize(&m, seed, gain);
        find_moved(&m, seed, moved);
    }
    double *parameters = reference_parameters(&m), *logits = malloc(m.bytes * m.logits * sizeof *logits);
    uint8_t *image = calloc(m.bytes, 1);
    reference r = {.model = m.model, .config = *config, .parameters = parameters, .sets = true, .seen = seen};
    reference_logits(&r, image, logits);
    char of[96], by[96];
    for (size_t p = 0; p < m.bytes; p++) {
        for (size_t q = 0; q < m.bytes; q++) {
            bool does = set_has(&moved[p], q), should = set_has(&seen[p], q);
            assert_true(!should || q < p);
            describe(&m, p, of, sizeof of);
            describe(&m, q, by, sizeof by);
            if (does && q >= p) {
                fail_msg("the conditional of %s sees %s, which is not before it", of, by);
            }
            if (does != should) {
                fail_msg("the conditional of %s %s %s", of,
                         does ? "sees, though no path leads there," : "does not see", by);
            }
        }
    }
    free(image);
    free(logits);
    free(parameters);
    free(seen);
    free(moved);
    law_close(&m);
}

static void test_causality(void **state) {
    prnn_config config = law_of_state(state);
    check_causality(&config, 2);
}

/* Images that are larger than the windows of `cnn`, the triangle of `row` and the first layer's 7x7. */
static void test_field(void **state) {
    const int *kind = *state;
    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = (prnn_kind)*kind;
    config.height = config.width = 9;
    config.channels = 3;
    config.levels = 2;
    config.layers = 1;
    config.hidden = config.head = 16;
    check_causality(&config, 2);
    config.channels = 1;
    config.width = 11;
    config.layers = 2;
    check_causality(&config, 2);
}

/* ---------------------------------------------------------------------------------- sums to one */

/* Sum over all images of height x width x channels with this number of levels; `components`: of a mixture of
 * logistics, 0: a softmax. */
static void check_sum(prnn_kind kind, int height, int width, int channels, int levels, int components) {
    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = kind;
    config.height = height;
    config.width = width;
    config.channels = channels;
    config.levels = levels;
    config.output = components ? PRNN_LOGISTICS : PRNN_SOFTMAX;
    config.components = components;
    config.layers = 2;
    config.hidden = 6;
    config.head = 12;
    config.skip = true;
    law_model m = law_open(&config, 31);
    law_randomize(&m, 32, 2);
    size_t count = 1;
    for (size_t i = 0; i < m.bytes; i++) {
        count *= (size_t)levels;
    }
    uint8_t *images = malloc(count * m.bytes);
    for (size_t i = 0; i < count; i++) {
        size_t number = i;
        for (size_t k = 0; k < m.bytes; k++, number /= (size_t)levels) {
            images[i * m.bytes + k] = (uint8_t)(number % (size_t)levels);
        }
    }
    double *nats = malloc(count * sizeof *nats), sum = 0, highest = 0;
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, count, NULL, nats, NULL));
    for (size_t i = 0; i < count; i++) {
        sum += exp(-nats[i]);
        highest = fmax(highest, exp(-nats[i]));
    }
    if (!(fabs(sum - 1) < 1e-5)) {
        fail_msg("%d x %d x %d, %d levels: probabilities sum to 1 + %g", height, width, channels, levels,
                 sum - 1);
    }
    assert_true(highest > 1.5 / (double)count); /* a uniform distribution would prove little */
    free(nats);
    free(images);
    law_close(&m);
}

static void test_sum(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    check_sum(kind, 3, 3, 1, 2, 0);
    check_sum(kind, 2, 2, 3, 2, 0);
    check_sum(kind, 2, 2, 1, 3, 0);
    check_sum(kind, 1, 2, 3, 3, 0);
    check_sum(kind, 2, 1, 1, 40, 0);
    check_sum(kind, 2, 2, 1, 3, 2);
    check_sum(kind, 1, 2, 3, 3, 5);
    check_sum(kind, 2, 1, 1, 40, 20);
    check_sum(kind, 1, 2, 1, 256, 4);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    static int kinds[] = {PRNN_ROW, PRNN_DIAGONAL, PRNN_CNN};
    const struct CMUnitTest tests[] = {
        {"field of row", test_field, NULL, NULL, &kinds[0]},
        {"field of diagonal", test_field, NULL, NULL, &kinds[1]},
        {"field of cnn", test_field, NULL, NULL, &kinds[2]},
        {"probabilities of row sum to 1", test_sum, NULL, NULL, &kinds[0]},
        {"probabilities of diagonal sum to 1", test_sum, NULL, NULL, &kinds[1]},
        {"probabilities of cnn sum to 1", test_sum, NULL, NULL, &kinds[2]},
    };
    int failures = law_run("causality", test_causality);
    return failures + cmocka_run_group_tests_name("distribution", tests, NULL, NULL);
}

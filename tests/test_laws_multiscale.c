/* Laws of conditional models and of chains of them: p(large | small) is a distribution for every small image,
 * a chain's is one over large images, and what is drawn follows it. */
#include "laws.h"

#include "base/random.h"
#include "model/gradient.h"
#include "sample/generation.h"

enum { SMALL = 2, LARGE = 4, LARGER = 8 };

/* A model of size x size images, conditional on those of `condition` x `condition` (0: on none). */
static law_model open_scale(prnn_kind kind, int size, int condition, int channels, int levels,
                            uint64_t seed) {
    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = kind;
    config.height = config.width = size;
    config.channels = channels;
    config.levels = levels;
    config.layers = 2;
    config.hidden = 5;
    config.head = 8;
    config.condition_size = condition;
    config.condition_features = condition ? 4 : 0;
    law_model m = law_open(&config, seed);
    law_randomize(&m, seed, 1.5);
    return m;
}

/* Image number `number` of all images of `bytes` binary values. */
static void numbered_image(size_t number, size_t bytes, uint8_t *image) {
    for (size_t i = 0; i < bytes; i++) {
        image[i] = number >> i & 1;
    }
}

/* ---------------------------------------------------------------------------------- sums to one */

/* Over all large images, for a small one that most of them do not contain. */
static void test_conditional_sum(void **state) {
    law_model m = open_scale((prnn_kind) * (const int *)*state, LARGE, SMALL, 1, 2, 71);
    size_t count = (size_t)1 << m.bytes;
    uint8_t *images = malloc(count * m.bytes);
    for (size_t i = 0; i < count; i++) {
        numbered_image(i, m.bytes, images + i * m.bytes);
    }
    law_given given = law_given_first(&m, images + 0x1234 * m.bytes, 1),
              all = law_given_first(&m, images, count);
    for (size_t i = 0; i < count; i++) {
        memcpy(all.small + i * m.small, given.small, m.small);
    }
    assert_ok(m.ctx, prnn_model_evaluate(m.ctx, m.model, &all.asked));
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += exp(-all.nats[i]);
    }
    if (!(fabs(sum - 1) < 1e-5)) {
        fail_msg("p(large | small) sums to 1 + %g", sum - 1);
    }
    law_given_free(&given);
    law_given_free(&all);
    free(images);
    law_close(&m);
}

/* The joint likelihood over all 4x4 binary images; that of three scales would need 2^64. */
static void test_chain_sum(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    law_model small = open_scale(kind, SMALL, 0, 1, 2, 72), large = open_scale(kind, LARGE, SMALL, 1, 2, 73);
    const prnn_model *models[] = {small.model, large.model};
    size_t count = (size_t)1 << large.bytes;
    uint8_t *images = malloc(count * large.bytes);
    double *nats = malloc(count * sizeof *nats), sum = 0, highest = 0;
    for (size_t i = 0; i < count; i++) {
        numbered_image(i, large.bytes, images + i * large.bytes);
    }
    assert_ok(large.ctx, law_evaluate_chain(large.ctx, models, 2, images, count, nats, NULL));
    for (size_t i = 0; i < count; i++) {
        sum += exp(-nats[i]);
        highest = fmax(highest, exp(-nats[i]));
    }
    if (!(fabs(sum - 1) < 1e-5)) {
        fail_msg("probabilities sum to 1 + %g", sum - 1);
    }
    assert_true(highest > 1.5 / (double)count);
    free(nats);
    free(images);
    law_close(&small);
    law_close(&large);
}

/* Of three scales: the sum of what the models say, each of the values that are new in its scale; and the
 * values add up. A chain of one model is the model. */
static void test_chain_parts(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    law_model m[] = {open_scale(kind, SMALL, 0, 3, 5, 74), open_scale(kind, LARGE, SMALL, 3, 5, 75),
                     open_scale(kind, LARGER, LARGE, 3, 5, 76)};
    const prnn_model *models[] = {m[0].model, m[1].model, m[2].model};
    enum { N = 5 };
    uint8_t *image[3] = {malloc(N * m[0].bytes), malloc(N * m[1].bytes), malloc(N * m[2].bytes)};
    random_images(77, 5, N * m[2].bytes, image[2]);
    for (int k = 1; k >= 0; k--) {
        for (size_t i = 0; i < N; i++) {
            law_small(&m[k + 1], image[k + 1] + i * m[k + 1].bytes, image[k] + i * m[k].bytes);
        }
    }
    double nats[N], expected[N] = {0};
    float *values = malloc(N * m[2].bytes * sizeof *values);
    assert_ok(m[2].ctx, law_evaluate_chain(m[2].ctx, models, 3, image[2], N, nats, values));
    for (int k = 0; k < 3; k++) {
        float *own = malloc(N * m[k].bytes * sizeof *own);
        double unused[N];
        assert_ok(m[k].ctx, prnn_evaluate(m[k].ctx, m[k].model, image[k], N, NULL, unused, own));
        for (size_t i = 0; i < N * m[k].bytes; i++) {
            size_t pixel = i % m[k].bytes / 3, side = (size_t)m[k].config.width;
            bool given = k > 0 && pixel / side % 2 == 0 && pixel % side % 2 == 0;
            expected[i / m[k].bytes] += given ? 0 : (double)own[i];
        }
        free(own);
    }
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t v = 0; v < m[2].bytes; v++) {
            sum += (double)values[i * m[2].bytes + v];
        }
        assert_true(fabs(nats[i] / expected[i] - 1) < 1e-6);
        assert_true(fabs(sum / expected[i] - 1) < 1e-5);
    }
    double alone[N], one[N];
    assert_ok(m[0].ctx, law_evaluate_chain(m[0].ctx, models, 1, image[0], N, one, NULL));
    assert_ok(m[0].ctx, prnn_evaluate(m[0].ctx, m[0].model, image[0], N, NULL, alone, NULL));
    assert_memory_equal(one, alone, sizeof one);
    free(values);
    for (int k = 0; k < 3; k++) {
        free(image[k]);
        law_close(&m[k]);
    }
}

static void test_chain_refused(void **state) {
    (void)state;
    law_model small = open_scale(PRNN_CNN, SMALL, 0, 1, 2, 78),
              large = open_scale(PRNN_CNN, LARGE, SMALL, 1, 2, 79);
    law_model other = open_scale(PRNN_CNN, LARGE, SMALL, 1, 3, 80),
              larger = open_scale(PRNN_CNN, LARGER, LARGE, 1, 2, 81);
    const prnn_model *chains[][3] = {{small.model, small.model, NULL},
                                     {small.model, other.model, NULL},
                                     {small.model, larger.model, NULL},
                                     {small.model, large.model, large.model}};
    static const char *const words[] = {"model 2 of the chain is not conditional", "of 3 levels",
                                        "given images of 4 x 4 x 1", "model 3 of the chain"};
    uint8_t images[LARGER * LARGER] = {0};
    double nats;
    for (size_t i = 0; i < 4; i++) {
        size_t count = chains[i][2] ? 3 : 2;
        assert_int_equal(law_evaluate_chain(small.ctx, chains[i], count, images, 1, &nats, NULL),
                         PRNN_ERROR_ARGUMENT);
        if (!strstr(prnn_message(small.ctx), words[i])) {
            fail_msg("\"%s\" does not say \"%s\"", prnn_message(small.ctx), words[i]);
        }
    }
    assert_int_equal(law_evaluate_chain(small.ctx, chains[0], 0, images, 1, &nats, NULL),
                     PRNN_ERROR_ARGUMENT);
    /* What needs small images does not draw without them, and the other way. */
    assert_int_equal(prnn_sample(large.ctx, large.model, 1, NULL, images), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_upscale(small.ctx, small.model, images, 1, 1, NULL, images), PRNN_ERROR_ARGUMENT);
    uint8_t bright[SMALL * SMALL] = {0, 0, 2, 0}, known[LARGE * LARGE] = {0};
    assert_int_equal(prnn_upscale(large.ctx, large.model, bright, 1, 1, NULL, images), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(large.ctx), "small image 0 has the value 2"));
    assert_int_equal(prnn_complete(large.ctx, large.model, images, 1, known, 1, NULL, images),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(large.ctx), "multiples of 2"));
    law_close(&small);
    law_close(&large);
    law_close(&other);
    law_close(&larger);
}

/* -------------------------------------------------------------------------------------- upscaling */

/* The small pixels stay; each other value is the inversion of its conditional, given all before it and the
 * small image, at its own random number; any number of threads, images alone or together: the same. */
static void test_upscale(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    law_model m = open_scale(kind, LARGER, SMALL, 3, 4, 82);
    enum { N = 20, SAMPLES = 2 };
    uint8_t *small = malloc(N * m.small), *large = malloc(N * SAMPLES * m.bytes),
            *again = malloc(N * SAMPLES * m.bytes);
    random_images(83, 4, N * m.small, small);
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = 84;
    assert_ok(m.ctx, prnn_upscale(m.ctx, m.model, small, N, SAMPLES, &options, large));
    for (int threads = 2; threads < 4; threads++) {
        assert_ok(m.ctx, prnn_context_set_threads(m.ctx, threads));
        assert_ok(m.ctx, prnn_upscale(m.ctx, m.model, small, N, SAMPLES, &options, again));
        assert_memory_equal(large, again, N * SAMPLES * m.bytes);
    }
    assert_ok(m.ctx, prnn_upscale(m.ctx, m.model, small, 3, SAMPLES, &options, again));
    assert_memory_equal(large, again, 3 * SAMPLES * m.bytes);
    assert_memory_not_equal(large, large + m.bytes, m.bytes);
    float *logits = law_logits(&m, large, N * SAMPLES);
    uint8_t *kept = malloc(m.small);
    for (size_t i = 0; i < N * SAMPLES; i++) {
        law_small(&m, large + i * m.bytes, kept);
        assert_memory_equal(kept, small + i / SAMPLES * m.small, m.small);
        for (size_t v = 0; v < m.bytes; v++) {
            size_t row = v / 3 / LARGER, col = v / 3 % LARGER, step = LARGER / SMALL;
            if (row % step == 0 && col % step == 0) {
                continue;
            }
            const float *x = logits + (i * m.bytes + v) * m.logits;
            double total = 0, below = 0,
                   u = prnn_random_uniform(84, PRNN_RANDOM_SAMPLE, i, prnn_draw_index(&m.config, v));
            for (int k = 0; k < 4; k++) {
                total += exp((double)x[k]);
                below += k < large[i * m.bytes + v] ? exp((double)x[k]) : 0;
            }
            double above = below + exp((double)x[large[i * m.bytes + v]]);
            if (!(below / total - 1e-6 <= u && u < above / total + 1e-6)) {
                fail_msg("image %zu, value %zu: %g to %g, the number was %g", i, v, below / total,
                         above / total, u);
            }
        }
    }
    free(kept);
    free(logits);
    free(again);
    free(large);
    free(small);
    law_close(&m);
}

/* No two scales use the same random numbers. */
static void test_draws(void **state) {
    (void)state;
    prnn_config none = PRNN_CONFIG_INIT, two = none, four = none;
    two.condition_size = 2;
    four.condition_size = 4;
    assert_int_equal(prnn_draw_index(&none, 7), 7);
    assert_true(prnn_draw_index(&two, 0) > 4096u * 4096u * 3u);
    assert_true(prnn_draw_index(&two, 4096u * 4096u * 3u) < prnn_draw_index(&four, 0));
}

/* A completion that keeps more than the small image is an upscaling with more known. */
static void test_complete(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    law_model m = open_scale(kind, LARGE, SMALL, 1, 3, 85);
    uint8_t image[LARGE * LARGE], small[SMALL * SMALL], upscaled[LARGE * LARGE], completed[LARGE * LARGE];
    uint8_t known[LARGE * LARGE] = {0};
    random_images(86, 3, sizeof image, image);
    law_small(&m, image, small);
    for (int pixel = 0; pixel < LARGE * LARGE; pixel++) {
        known[pixel] = pixel / LARGE % 2 == 0 && pixel % 2 == 0;
    }
    assert_ok(m.ctx, prnn_upscale(m.ctx, m.model, small, 1, 1, NULL, upscaled));
    assert_ok(m.ctx, prnn_complete(m.ctx, m.model, image, 1, known, 1, NULL, completed));
    assert_memory_equal(upscaled, completed, sizeof upscaled);
    memset(known, 1, 2 * LARGE);
    assert_ok(m.ctx, prnn_complete(m.ctx, m.model, image, 1, known, 1, NULL, completed));
    assert_memory_equal(completed, image, 2 * LARGE);
    law_close(&m);
}

/* --------------------------------------------------------------------------------------- training */

/* The gradient that trains leaves out what the small image gives: it is that of the chain's share. */
static void test_new_values_only(void **state) {
    prnn_kind kind = (prnn_kind) * (const int *)*state;
    law_model m = open_scale(kind, LARGE, SMALL, 3, 4, 87);
    enum { N = 4 };
    uint8_t *images = malloc(N * m.bytes);
    random_images(88, 4, N * m.bytes, images);
    float *gradient = malloc(m.parameters * sizeof *gradient), *moved = malloc(m.parameters * sizeof *moved);
    prnn_gradient_engine *engine;
    assert_ok(m.ctx,
              prnn_gradient_engine_create(m.ctx, &m.config, (prnn_batch_kind){.images = N}, 0, &engine));
    prnn_batch batch = {.images = images, .n = N, .new_only = true};
    double mean;
    assert_ok(m.ctx,
              prnn_gradient_engine_run(m.ctx, engine, law_block(m.model->weights->parameters, m.parameters),
                                       &batch, law_block(gradient, m.parameters), NULL, &mean));
    double ahead[2], squares = 0;
    for (size_t i = 0; i < m.parameters; i++) {
        squares += (double)gradient[i] * (double)gradient[i];
    }
    for (int side = 0; side < 2; side++) {
        double step = (side ? -1e-3 : 1e-3) / sqrt(squares), nats[N];
        for (size_t i = 0; i < m.parameters; i++) {
            moved[i] = (float)((double)m.model->weights->parameters[i] + step * (double)gradient[i]);
        }
        prnn_model *other;
        assert_ok(m.ctx, prnn_model_create(m.ctx, &m.config, 0, &other));
        assert_ok(m.ctx, prnn_model_set_parameters(m.ctx, other, moved));
        prnn_evaluation asked = {.images = images, .count = N, .new_only = true, .nats = nats};
        assert_ok(m.ctx, prnn_model_evaluate(m.ctx, other, &asked));
        ahead[side] = (nats[0] + nats[1] + nats[2] + nats[3]) / N;
        prnn_model_free(other);
    }
    assert_true(fabs((ahead[0] + ahead[1]) / 2 / mean - 1) < 1e-3);
    double slope = (ahead[0] - ahead[1]) / 2e-3;
    if (!(fabs(slope / sqrt(squares) - 1) < 0.02)) {
        fail_msg("the slope along the gradient is %g, its length is %g", slope, sqrt(squares));
    }
    prnn_gradient_engine_free(m.ctx, engine);
    free(moved);
    free(gradient);
    free(images);
    law_close(&m);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    static int kinds[] = {PRNN_ROW, PRNN_DIAGONAL, PRNN_CNN};
    static const struct {
        const char *name;
        CMUnitTestFunction test;
    } laws[] = {
        {"p(large | small) sums to 1", test_conditional_sum},
        {"a chain sums to 1", test_chain_sum},
        {"a chain is the sum of its parts", test_chain_parts},
        {"upscaling", test_upscale},
        {"completion", test_complete},
        {"gradient of new values", test_new_values_only},
    };
    enum { N = sizeof laws / sizeof *laws };
    static char names[3 * N][96];
    struct CMUnitTest tests[3 * N + 2] = {cmocka_unit_test(test_chain_refused), cmocka_unit_test(test_draws)};
    for (int i = 0; i < 3 * N; i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", laws[i / 3].name,
                 prnn_kind_name((prnn_kind)kinds[i % 3]));
        tests[2 + i] = (struct CMUnitTest){names[i], laws[i / 3].test, NULL, NULL, &kinds[i % 3]};
    }
    return cmocka_run_group_tests_name("multi-scale", tests, NULL, NULL);
}

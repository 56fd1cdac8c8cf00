/* Laws of the options of an evaluation: what the small image gives, small images of their own, progress. */
#include "laws.h"

enum { N = 70 }; /* more than one round of shards of a thread */

static uint8_t *draw_images(const law_model *m, uint64_t seed) {
    uint8_t *images = malloc(N * m->bytes);
    assert_non_null(images);
    random_images(seed, m->config.levels, N * m->bytes, images);
    return images;
}

static bool is_given(const law_model *m, size_t value) {
    size_t pixel = value / (size_t)m->config.channels, width = (size_t)m->config.width;
    size_t step = m->small ? width / (size_t)m->config.condition_size : 0;
    return step && pixel / width % step == 0 && pixel % width % step == 0;
}

/* The values that are not given are as they were, those that are count nothing, and an image is their sum. */
static void test_new_only(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 61);
    uint8_t *images = draw_images(&m, 62);
    float *values = malloc(N * m.bytes * sizeof *values), *own = malloc(N * m.bytes * sizeof *own);
    double nats[N], own_nats[N];
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.new_only = true;
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, values));
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, own));
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t v = 0; v < m.bytes; v++) {
            size_t at = i * m.bytes + v;
            assert_true(own[at] == (is_given(&m, v) ? 0 : values[at]));
            sum += (double)own[at];
        }
        assert_true(fabs(sum - own_nats[i]) <= 1e-9 * fabs(sum));
        assert_true(m.small ? own_nats[i] < nats[i] : own_nats[i] == nats[i]);
    }
    free(images);
    free(values);
    free(own);
    law_close(&m);
}

/* Of a conditional model: small images that are those of the images change nothing; others are what the model
 * sees. */
static void test_small(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 63);
    uint8_t *images = draw_images(&m, 64), *small = malloc(N * m.small + 1);
    float *values = malloc(N * m.bytes * sizeof *values), *own = malloc(N * m.bytes * sizeof *own);
    double nats[N], own_nats[N];
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.small = small;
    memset(small, 0, N * m.small + 1);
    if (!m.small) {
        assert_int_equal(prnn_evaluate(m.ctx, m.model, images, N, &options, nats, NULL), PRNN_ERROR_ARGUMENT);
        assert_non_null(strstr(prnn_message(m.ctx), "not conditional"));
    } else {
        for (size_t i = 0; i < N; i++) {
            law_small(&m, images + i * m.bytes, small + i * m.small);
        }
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, values));
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, own));
        assert_memory_equal(nats, own_nats, sizeof nats);
        assert_memory_equal(values, own, N * m.bytes * sizeof *own);

        law_given given = law_given_first(&m, images, N);
        given.asked.values = values;
        assert_ok(m.ctx, prnn_model_evaluate(m.ctx, m.model, &given.asked));
        options.small = given.small;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, own));
        assert_memory_equal(given.nats, own_nats, sizeof own_nats);
        assert_memory_equal(values, own, N * m.bytes * sizeof *own);
        assert_memory_not_equal(nats, own_nats, sizeof nats);

        given.small[N * m.small - 1] = (uint8_t)config.levels;
        assert_int_equal(prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, NULL),
                         PRNN_ERROR_ARGUMENT);
        assert_non_null(strstr(prnn_message(m.ctx), "small image 69 has the value"));
        law_given_free(&given);
    }
    free(images);
    free(small);
    free(values);
    free(own);
    law_close(&m);
}

/* --------------------------------------------------------------------------------- information */

/* Entropy and variance of -log p of a value, by the formulas, from probabilities in double. */
static void expected_of(const prnn_config *c, const float *logits, double *entropy, double *variance) {
    double p[256];
    law_probabilities_of(c, logits, p);
    *entropy = *variance = 0;
    for (int k = 0; k < c->levels; k++) {
        *entropy -= p[k] > 0 ? p[k] * log(p[k]) : 0;
    }
    for (int k = 0; k < c->levels; k++) {
        double away = p[k] > 0 ? -log(p[k]) - *entropy : 0;
        *variance += p[k] * away * away;
    }
}

static void near(const char *what, size_t value, float own, double expected) {
    if (!(fabs((double)own - expected) <= 2e-5 * (1 + fabs(expected)))) {
        fail_msg("%s of value %zu is %.9g, not %.9g", what, value, (double)own, expected);
    }
}

/* What the model expects of each value is what its probabilities say, 0 of what is given; it takes nothing
 * from the likelihoods, and any number of threads gives the same bits. */
static void test_information(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 67);
    uint8_t *images = draw_images(&m, 68);
    size_t n = N * m.bytes;
    float *logits = malloc(n * m.logits * sizeof *logits), *both = malloc(2 * n * sizeof *both);
    float *alone = malloc(2 * n * sizeof *alone);
    double nats[N], own_nats[N], entropy, variance;
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    assert_ok(m.ctx, prnn_logits(m.ctx, m.model, images, N, logits));
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, NULL));
    for (int turn = 0; turn < 2; turn++) {
        assert_ok(m.ctx, prnn_context_set_threads(m.ctx, 1 + 2 * turn));
        options.new_only = turn;
        options.entropies = both;
        options.variances = both + n;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, NULL));
        assert_true(m.small || memcmp(nats, own_nats, sizeof nats) == 0);
        for (size_t i = 0; i < n; i++) {
            expected_of(&config, logits + i * m.logits, &entropy, &variance);
            bool given = turn && is_given(&m, i % m.bytes);
            near("the entropy", i, both[i], given ? 0 : entropy);
            near("the variance", i, both[n + i], given ? 0 : variance);
        }
        options.variances = NULL;
        options.entropies = alone;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, NULL));
        options.entropies = NULL;
        options.variances = alone + n;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own_nats, NULL));
        assert_memory_equal(alone, both, 2 * n * sizeof *both);
    }
    free(images);
    free(logits);
    free(both);
    free(alone);
    law_close(&m);
}

/* Far from where numbers are tame: certain values, and levels that are out of reach. */
static void test_extremes(void) {
    const float huge[] = {0, 40, -40, 1e30f, -1e30f};
    prnn_config config = law_config(PRNN_CNN, &law_shapes[0]), soft = law_config(PRNN_CNN, &law_shapes[1]);
    prnn_context *ctx = prnn_context_create();
    prnn_head one = prnn_head_of(&config), many = prnn_head_of(&soft);
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        float logits[8] = {huge[i], 0, -INFINITY, 0, huge[i]};
        prnn_information a = one.kind->information(prnn_kernels_of(ctx), &one, logits);
        prnn_information b = many.kind->information(prnn_kernels_of(ctx), &many, logits);
        double known = huge[i] == 0 ? log(2) : 0, of_four = huge[i] == 0 ? log(4) : log(2);
        if (!(fabs(a.entropy - known) < 1e-12 && fabs(a.variance) < 1e-12 &&
              fabs(b.entropy - of_four) < 1e-6 && fabs(b.variance) < 1e-6)) {
            fail_msg("logits of %g: %g ± %g, %g ± %g", (double)huge[i], a.entropy, a.variance, b.entropy,
                     b.variance);
        }
    }
    prnn_context_free(ctx);
}

static void test_extremes_once(void **state) {
    prnn_config config = law_of_state(state);
    if (config.kind == PRNN_CNN && config.levels == 2) {
        test_extremes();
    }
}

/* ------------------------------------------------------------------------------------- progress */

typedef struct watch {
    int calls, stop_at;
    uint64_t done;
} watch;

static bool watching(void *user, const prnn_progress *p) {
    watch *w = user;
    assert_int_equal(p->size, sizeof *p);
    assert_string_equal(p->phase, "evaluate");
    assert_int_equal(p->total, N);
    assert_true(p->done > w->done && p->done <= N && p->seconds >= 0 && isnan(p->best_nats));
    w->done = p->done;
    return ++w->calls != w->stop_at;
}

static void test_progress(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 65);
    uint8_t *images = draw_images(&m, 66);
    double nats[N], own[N];
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, NULL));
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.progress = watching;
    for (int threads = 1; threads <= 3; threads++) {
        watch w = {0, 0, 0}, stopped = {0, 1, 0};
        assert_ok(m.ctx, prnn_context_set_threads(m.ctx, threads));
        options.user = &w;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, own, NULL));
        assert_memory_equal(own, nats, sizeof own);
        assert_int_equal(w.done, N);
        assert_int_equal(w.calls, threads == 1 ? 3 : threads == 2 ? 2 : 1);
        memset(own, 0x55, sizeof own);
        options.user = &stopped;
        assert_int_equal(prnn_evaluate(m.ctx, m.model, images, N, &options, own, NULL), PRNN_STOPPED);
        assert_non_null(strstr(prnn_message(m.ctx), "stopped after"));
        assert_memory_equal(own, nats, stopped.done * sizeof *own);
        for (size_t i = stopped.done; i < N; i++) {
            assert_true(own[i] != nats[i]);
        }
    }
    free(images);
    law_close(&m);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    int failures = law_run("new values only", test_new_only);
    failures += law_run("small images", test_small);
    failures += law_run("information", test_information);
    failures += law_run("information at extremes", test_extremes_once);
    return failures + law_run("progress", test_progress);
}

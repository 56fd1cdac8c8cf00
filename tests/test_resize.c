/* A model of another size: what one that was created so would compute, to the bit, with shared weights that
 * outlive whoever had them first. */
#define _GNU_SOURCE /* mkdtemp */
#include "laws.h"

#include <pthread.h>
#include <unistd.h>

#include "model/memory.h"
#include "sample/generation.h"

static const int sizes[][2] = {{1, 1}, {1, 9}, {8, 1}, {7, 13}, {12, 5}};
enum { SIZES = sizeof sizes / sizeof *sizes, N = 5 };

static prnn_model *resize(prnn_context *ctx, const prnn_model *model, int height, int width) {
    prnn_model *resized;
    assert_ok(ctx, prnn_model_resize(ctx, model, height, width, &resized));
    return resized;
}

/* ------------------------------------------------------------------------------------- same bits */

/* All that a model says and draws, of images of its size. */
typedef struct answers {
    double nats[N];
    float *values, *logits;
    uint8_t *drawn, *completed, *stepped;
} answers;

static answers ask(const law_model *m, const uint8_t *images, const uint8_t *known) {
    answers a = {.values = calloc(N * m->bytes, sizeof(float)),
                 .logits = law_logits(m, images, N),
                 .drawn = calloc(N, m->bytes),
                 .completed = calloc(N, m->bytes),
                 .stepped = calloc(N, m->bytes)};
    assert_true(a.values && a.drawn && a.completed && a.stepped);
    prnn_stepper_options options = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper;
    assert_ok(m->ctx, prnn_evaluate(m->ctx, m->model, images, N, NULL, a.nats, a.values));
    assert_ok(m->ctx, prnn_sample(m->ctx, m->model, N, NULL, a.drawn));
    assert_ok(m->ctx, prnn_complete(m->ctx, m->model, images, N, known, 1, NULL, a.completed));
    options.seed = 3;
    assert_ok(m->ctx, prnn_stepper_create(m->ctx, m->model, N, &options, &stepper));
    while (prnn_stepper_next(stepper, NULL, NULL, NULL)) {
        assert_ok(m->ctx, prnn_stepper_draw(m->ctx, stepper, NULL));
    }
    memcpy(a.stepped, prnn_stepper_images(stepper), N * m->bytes);
    prnn_stepper_free(stepper);
    return a;
}

static void free_answers(answers *a) {
    free(a->values);
    free(a->logits);
    free(a->drawn);
    free(a->completed);
    free(a->stepped);
}

/* The two models of a size say and draw the same. */
static void expect_same(const law_model *created, const law_model *resized) {
    size_t n = N * created->bytes;
    uint8_t *images = malloc(n), *known = malloc(created->bytes);
    assert_true(images && known);
    random_images(9, created->config.levels, n, images);
    random_images(10, 2, created->bytes, known);
    answers a = ask(created, images, known), b = ask(resized, images, known);
    assert_memory_equal(a.nats, b.nats, sizeof a.nats);
    assert_memory_equal(a.values, b.values, n * sizeof *a.values);
    assert_memory_equal(a.logits, b.logits, n * created->logits * sizeof *a.logits);
    assert_memory_equal(a.drawn, b.drawn, n);
    assert_memory_equal(a.completed, b.completed, n);
    assert_memory_equal(a.stepped, b.stepped, n);
    assert_true(prnn_bits_per_dim(created->model, 1) == prnn_bits_per_dim(resized->model, 1));
    free_answers(&a);
    free_answers(&b);
    free(images);
    free(known);
}

static law_model of_size(const law_model *m, int height, int width) {
    law_model other = *m;
    prnn_config config = PRNN_CONFIG_INIT;
    other.model = resize(m->ctx, m->model, height, width);
    prnn_model_config(other.model, &config);
    assert_int_equal(config.height, height);
    assert_int_equal(config.width, width);
    other.config = config;
    other.bytes = (size_t)height * (size_t)width * (size_t)config.channels;
    return other;
}

/* Of every kind and head; the model that was resized is as it was, and all sizes are there at once. */
static void test_same_bits(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 21), resized[SIZES];
    for (int i = 0; i < SIZES; i++) {
        resized[i] = of_size(&m, sizes[i][0], sizes[i][1]);
    }
    for (int i = 0; i < SIZES; i++) {
        config.height = sizes[i][0];
        config.width = sizes[i][1];
        law_model created = law_open(&config, 21);
        expect_same(&created, &resized[i]);
        law_model back = of_size(&resized[i], m.config.height, m.config.width);
        expect_same(&m, &back);
        prnn_model_free(back.model);
        law_close(&created);
    }
    for (int i = 0; i < SIZES; i++) {
        prnn_model_free(resized[i].model);
    }
    law_close(&m);
}

/* ------------------------------------------------------------------------------- shared weights */

static double nats_of(prnn_context *ctx, const prnn_model *model, const uint8_t *images) {
    double nats;
    assert_ok(ctx, prnn_evaluate(ctx, model, images, 1, NULL, &nats, NULL));
    return nats;
}

/* Whoever is freed first, what is left has its weights; they are not copied, and packed once. */
static void test_lifetime(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_ROW, &law_shapes[3]);
    config.hidden = 64;
    law_model m = law_open(&config, 5);
    uint8_t images[6 * 7 * 3];
    random_images(2, config.levels, sizeof images, images);
    prnn_model *one = resize(m.ctx, m.model, 6, 7);
    double expected = nats_of(m.ctx, one, images);
    size_t before = m.ctx->asked;
    prnn_model *two = resize(m.ctx, one, 6, 7);
    assert_true(m.ctx->asked - before < 16384);
    assert_true(nats_of(m.ctx, two, images) == expected);
    assert_true(m.ctx->asked - before < m.parameters);
    prnn_model_free(m.model);
    m.model = NULL;
    assert_true(nats_of(m.ctx, two, images) == expected);
    prnn_model_free(one);
    assert_true(nats_of(m.ctx, two, images) == expected);
    prnn_model_free(two);
    law_close(&m);
}

/* Other weights are those of the model that gets them; a failure leaves it with what it had. */
static void test_other_weights(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_DIAGONAL, &law_shapes[0]);
    law_model m = law_open(&config, 5);
    uint8_t images[6 * 7];
    random_images(2, config.levels, sizeof images, images);
    float *values = malloc(m.parameters * sizeof *values);
    assert_non_null(values);
    memcpy(values, m.model->weights->parameters, m.parameters * sizeof *values);
    prnn_model *one = resize(m.ctx, m.model, 6, 7), *two = resize(m.ctx, m.model, 6, 7);
    double expected = nats_of(m.ctx, one, images);
    values[0] = NAN;
    assert_int_equal(prnn_model_set_parameters(m.ctx, one, values), PRNN_ERROR_ARGUMENT);
    assert_true(nats_of(m.ctx, one, images) == expected);
    for (size_t i = 0; i < m.parameters; i++) {
        values[i] = m.model->weights->parameters[i] / 2;
    }
    assert_ok(m.ctx, prnn_model_set_parameters(m.ctx, one, values));
    double changed = nats_of(m.ctx, one, images);
    assert_true(changed != expected);
    assert_true(nats_of(m.ctx, two, images) == expected);
    assert_ok(m.ctx, prnn_model_set_parameters(m.ctx, m.model, values));
    assert_true(nats_of(m.ctx, two, images) == expected);
    assert_ok(m.ctx, prnn_model_set_parameters(m.ctx, two, values));
    assert_true(nats_of(m.ctx, two, images) == changed);
    prnn_model_free(one);
    prnn_model_free(two);
    free(values);
    law_close(&m);
}

/* It is a model like others: it is saved with its size, and trained. */
static void test_saved_and_trained(void **state) {
    (void)state;
    char folder[] = "/tmp/prnn_test_resize_XXXXXX", path[64], out[64], command[96];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    prnn_config config = law_config(PRNN_CNN, &law_shapes[0]);
    law_model m = law_open(&config, 5);
    uint8_t images[4 * 6 * 7];
    random_images(2, config.levels, sizeof images, images);
    prnn_model *resized = resize(m.ctx, m.model, 6, 7), *loaded;
    double expected = nats_of(m.ctx, resized, images);
    assert_ok(m.ctx, prnn_model_save(m.ctx, resized, path));
    assert_ok(m.ctx, prnn_model_load(m.ctx, path, &loaded));
    prnn_model_config(loaded, &config);
    assert_true(config.height == 6 && config.width == 7);
    assert_true(nats_of(m.ctx, loaded, images) == expected);
    prnn_data_options levels = PRNN_DATA_OPTIONS_INIT;
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    prnn_data *data;
    levels.levels = config.levels;
    levels.values = PRNN_VALUES_LEVELS;
    options.out = out;
    options.steps = 3;
    assert_ok(m.ctx, prnn_data_from_memory(m.ctx, images, 4, 6, 7, 1, &levels, &data));
    snprintf(out, sizeof out, "%s/loaded", folder);
    assert_ok(m.ctx, prnn_train(m.ctx, loaded, data, NULL, &options));
    prnn_model *kept = resize(m.ctx, resized, 6, 7);
    snprintf(out, sizeof out, "%s/resized", folder);
    assert_ok(m.ctx, prnn_train(m.ctx, resized, data, NULL, &options));
    assert_true(nats_of(m.ctx, resized, images) == nats_of(m.ctx, loaded, images));
    assert_true(nats_of(m.ctx, kept, images) == expected);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    prnn_data_free(data);
    prnn_model_free(loaded);
    prnn_model_free(kept);
    prnn_model_free(resized);
    law_close(&m);
}

/* ------------------------------------------------------------------------------------- threads */

typedef struct visitor {
    const prnn_model *model;
    const uint8_t *images;
    double *nats; /* [SIZES] */
} visitor;

/* One of many threads, each with a context of its own, that share a model and go through its sizes. */
static void *visit(void *arg) {
    visitor *v = arg;
    prnn_context *ctx = prnn_context_create();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SIZES; i++) {
            prnn_model *resized = resize(ctx, v->model, sizes[i][0], sizes[i][1]);
            v->nats[i] = nats_of(ctx, resized, v->images);
            prnn_model_free(resized);
        }
    }
    prnn_context_free(ctx);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    enum { THREADS = 6 };
    prnn_config config = law_config(PRNN_DIAGONAL, &law_shapes[3]);
    law_model m = law_open(&config, 31);
    uint8_t images[12 * 13 * 3];
    random_images(4, config.levels, sizeof images, images);
    double nats[THREADS][SIZES];
    pthread_t threads[THREADS];
    visitor visitors[THREADS];
    for (int i = 0; i < THREADS; i++) {
        visitors[i] = (visitor){m.model, images, nats[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_memory_equal(nats[i], nats[0], sizeof nats[0]);
    }
    assert_int_equal(m.model->weights->models, 1);
    law_close(&m);
}

/* ------------------------------------------------------------------------------- limits, memory */

static void test_refused(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 1);
    prnn_model *resized = m.model;
    static const int wrong[][2] = {{0, 5}, {5, 0}, {-1, 5}, {4097, 1}, {1, 4097}, {1 << 30, 1 << 30}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(prnn_model_resize(m.ctx, m.model, wrong[i][0], wrong[i][1], &resized),
                         PRNN_ERROR_ARGUMENT);
        assert_null(resized);
        assert_non_null(strstr(prnn_message(m.ctx), m.small ? "is for no other size" : "must be 1 to 4096"));
    }
    if (m.small) {
        assert_int_equal(prnn_model_resize(m.ctx, m.model, config.height, config.width, &resized),
                         PRNN_ERROR_ARGUMENT);
    }
    law_close(&m);
}

/* What a thread needs is a function of the width alone, and of many wide images it takes fewer at a time. */
static void test_memory(void **state) {
    (void)state;
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        prnn_config config = law_config(kind, &law_shapes[0]);
        law_model m = law_open(&config, 1);
        prnn_model *narrow = resize(m.ctx, m.model, 16, 4096), *tall = resize(m.ctx, m.model, 4096, 4096);
        prnn_need one = prnn_model_passes_need(m.ctx, narrow->network, 1, 1);
        prnn_need other = prnn_model_passes_need(m.ctx, tall->network, 1, 1);
        assert_int_equal(one.worker, other.worker);
        assert_int_equal(one.shared, other.shared);
        size_t before = m.ctx->asked;
        uint8_t image = 0;
        double nats;
        m.ctx->memory = one.worker / 2;
        assert_int_equal(prnn_evaluate(m.ctx, tall, &image, 0, NULL, &nats, NULL), PRNN_ERROR_MEMORY);
        assert_non_null(strstr(prnn_message(m.ctx), "smaller images"));
        prnn_need weights = {0};
        prnn_need_block(&weights.shared, tall->network->plan.forward.count, sizeof(float));
        assert_true(m.ctx->asked - before <= weights.shared);
        m.ctx->memory = (size_t)64 << 20;
        size_t image_floats = tall->network->plan.memory.floats;
        size_t shard = prnn_device_shard(m.ctx, 1000, PRNN_GENERATION_IMAGES, image_floats);
        assert_true(shard < PRNN_GENERATION_IMAGES &&
                    shard * image_floats * sizeof(float) <= m.ctx->memory / 2);
        assert_true((shard + 1) * image_floats * sizeof(float) > m.ctx->memory / 2);
        assert_int_equal(prnn_device_shard(m.ctx, 1000, PRNN_GENERATION_IMAGES, (size_t)1 << 40), 1);
        assert_int_equal(prnn_device_shard(m.ctx, 1000, PRNN_GENERATION_IMAGES, 1000),
                         PRNN_GENERATION_IMAGES);
        prnn_model_free(narrow);
        prnn_model_free(tall);
        law_close(&m);
    }
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lifetime), cmocka_unit_test(test_other_weights),
                                       cmocka_unit_test(test_saved_and_trained),
                                       cmocka_unit_test(test_threads), cmocka_unit_test(test_memory)};
    law_choose(count, arguments);
    int failures = law_run_unconditional("same bits", test_same_bits) + law_run("refused", test_refused);
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ensembles: the mean of what models say of each value, given those before it. That such a mean is a
 * distribution, and never worse than the mean of its models, are laws; the rest is what is refused. */
#define _GNU_SOURCE /* mkdtemp */
#include "laws.h"

#include <float.h>
#include <unistd.h>

enum { N = 11, MEMBERS = 3 };

static const prnn_evaluate_options plain = PRNN_EVALUATE_OPTIONS_INIT;

/* What is known of some images under an ensemble. */
typedef struct found {
    double *nats, *of_members;
    float *values;
} found;

static found found_room(size_t count, size_t members, size_t bytes) {
    found f = {malloc(count * sizeof(double)), malloc(count * members * sizeof(double)),
               malloc(count * bytes * sizeof(float))};
    assert_true(f.nats && f.of_members && f.values);
    return f;
}

static void found_free(found *f) {
    free(f->nats);
    free(f->of_members);
    free(f->values);
}

/* prnn_ensemble_evaluate of an ensemble that is made for it. */
static prnn_status evaluate(prnn_context *ctx, const prnn_model *const *models, size_t members,
                            const uint8_t *images, size_t count, const prnn_evaluate_options *options,
                            const found *f) {
    prnn_ensemble *ensemble;
    prnn_status status = prnn_ensemble_create(ctx, models, members, &ensemble);
    if (status == PRNN_OK) {
        assert_int_equal(prnn_ensemble_count(ensemble), members);
        assert_ptr_equal(prnn_ensemble_model(ensemble, members - 1), models[members - 1]);
        status =
            prnn_ensemble_evaluate(ctx, ensemble, images, count, options, f->nats, f->of_members, f->values);
    }
    prnn_ensemble_free(ensemble);
    return status;
}

/* ------------------------------------------------------------------------------------------ laws */

static void assert_equal_bits(const found *a, const found *b, size_t count, size_t bytes) {
    assert_memory_equal(a->nats, b->nats, count * sizeof *a->nats);
    assert_memory_equal(a->values, b->values, count * bytes * sizeof *a->values);
}

/* One model, once or many times, is that model, whatever is asked of it. */
static void test_same(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 91);
    const prnn_model *models[] = {m.model, m.model, m.model, m.model, m.model};
    uint8_t *images = malloc(N * m.bytes), *small = malloc(N * m.small + 1);
    found expected = found_room(N, 1, m.bytes), own = found_room(N, 5, m.bytes);
    assert_true(images && small);
    random_images(92, config.levels, N * m.bytes, images);
    random_images(93, config.levels, N * m.small, small);
    for (int turn = 0; turn < (m.small ? 3 : 2); turn++) {
        prnn_evaluate_options options = plain;
        options.new_only = turn == 1;
        options.small = turn == 2 ? small : NULL;
        assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, &options, expected.nats, expected.values));
        for (size_t members = 1; members <= 5; members++) {
            assert_ok(m.ctx, evaluate(m.ctx, models, members, images, N, &options, &own));
            assert_equal_bits(&own, &expected, N, m.bytes);
            for (size_t i = 0; i < N * members; i++) {
                assert_true(own.of_members[i] == expected.nats[i / members]);
            }
        }
    }
    free(images);
    free(small);
    found_free(&expected);
    found_free(&own);
    law_close(&m);
}

/* Of a value: what its probability is under each model, by the book. */
static void check_value(const found *of, size_t value, float own, double *sum) {
    double mean = 0, mean_nats = 0;
    for (int k = 0; k < MEMBERS; k++) {
        mean += exp(-(double)of[k].values[value]) / MEMBERS;
        mean_nats += (double)of[k].values[value] / MEMBERS;
    }
    double expected = -log(mean);
    *sum += expected;
    if (!(fabs((double)own - expected) <= 1e-7 * (1 + expected) && (double)own <= mean_nats + 1e-6)) {
        fail_msg("value %zu costs %.9g, not %.9g; the mean is %.9g", value, (double)own, expected, mean_nats);
    }
}

/* Models of any kind: each value as its mean probability says, an image the sum, and what each model says
 * alone; the same bits by any number of threads. */
static void test_mean(void **state) {
    prnn_config config = law_of_state(state);
    law_model m[MEMBERS];
    const prnn_model *models[MEMBERS];
    found of[MEMBERS], own, threaded;
    for (int k = 0; k < MEMBERS; k++) {
        prnn_config other = config;
        other.kind = k == 1 ? PRNN_CNN : config.kind;
        m[k] = law_open(&other, 94 + (uint64_t)k);
        models[k] = m[k].model;
        of[k] = found_room(N, 1, m[k].bytes);
    }
    size_t bytes = m[0].bytes;
    uint8_t *images = malloc(N * bytes);
    own = found_room(N, MEMBERS, bytes);
    threaded = found_room(N, MEMBERS, bytes);
    assert_non_null(images);
    random_images(97, config.levels, N * bytes, images);
    for (int k = 0; k < MEMBERS; k++) {
        assert_ok(m[k].ctx, prnn_evaluate(m[k].ctx, m[k].model, images, N, NULL, of[k].nats, of[k].values));
    }
    assert_ok(m[0].ctx, evaluate(m[0].ctx, models, MEMBERS, images, N, NULL, &own));
    assert_ok(m[1].ctx, prnn_context_set_threads(m[1].ctx, 3));
    assert_ok(m[1].ctx, evaluate(m[1].ctx, models, MEMBERS, images, N, NULL, &threaded));
    assert_equal_bits(&own, &threaded, N, bytes);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t v = i * bytes; v < (i + 1) * bytes; v++) {
            check_value(of, v, own.values[v], &sum);
        }
        assert_true(fabs(own.nats[i] - sum) <= 1e-9 * fabs(sum));
        for (int k = 0; k < MEMBERS; k++) {
            assert_true(own.of_members[i * MEMBERS + (size_t)k] == of[k].nats[i]);
        }
    }
    assert_ok(m[0].ctx, evaluate(m[0].ctx, models, MEMBERS, images, N, NULL, &(found){own.nats, NULL, NULL}));
    assert_memory_equal(own.nats, threaded.nats, N * sizeof *own.nats);
    free(images);
    found_free(&own);
    found_free(&threaded);
    for (int k = 0; k < MEMBERS; k++) {
        found_free(&of[k]);
        law_close(&m[k]);
    }
}

/* ----------------------------------------------------------------------------------- sums to one */

static prnn_config tiny_config(prnn_kind kind, int height, int width) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = height;
    c.width = width;
    c.channels = 1;
    c.levels = 2;
    c.layers = 1;
    c.hidden = 5;
    c.head = 8;
    return c;
}

/* Over all binary images of 3 x 4: of values, of whole images, which is another mean. */
static void test_sum(void **state) {
    (void)state;
    enum { BYTES = 12, ALL = 1 << BYTES };
    static uint8_t images[ALL * BYTES];
    law_model m[MEMBERS];
    const prnn_model *models[MEMBERS];
    found f = found_room(ALL, MEMBERS, BYTES);
    double sum = 0, whole = 0, furthest = 0;
    for (int k = 0; k < MEMBERS; k++) {
        prnn_config c = tiny_config((prnn_kind)k, 3, 4);
        m[k] = law_open(&c, 98 + (uint64_t)k);
        law_randomize(&m[k], 98 + (uint64_t)k, 2);
        models[k] = m[k].model;
    }
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = i / BYTES >> i % BYTES & 1;
    }
    assert_ok(m[0].ctx, evaluate(m[0].ctx, models, MEMBERS, images, ALL, NULL, &f));
    for (size_t i = 0; i < ALL; i++) {
        double of_image = prnn_mixture_nats(f.of_members + i * MEMBERS, MEMBERS);
        sum += exp(-f.nats[i]);
        whole += exp(-of_image);
        furthest = fmax(furthest, fabs(of_image - f.nats[i]));
    }
    if (!(fabs(sum - 1) < 1e-6 && fabs(whole - 1) < 1e-6)) {
        fail_msg("probabilities sum to 1 + %g and to 1 + %g", sum - 1, whole - 1);
    }
    assert_true(furthest > 0.1);
    found_free(&f);
    for (int k = 0; k < MEMBERS; k++) {
        law_close(&m[k]);
    }
}

static void test_mixture(void **state) {
    (void)state;
    const double far[] = {2000, 3000}, three[] = {1, 2, 3}, none[] = {INFINITY, INFINITY};
    const double half[] = {INFINITY, 5}, lost[] = {1, NAN}, first_lost[] = {NAN, 1};
    assert_true(prnn_mixture_nats(three, 1) == 1);
    assert_true(fabs(prnn_mixture_nats(three, 3) + log((exp(-1) + exp(-2) + exp(-3)) / 3)) < 1e-14);
    assert_true(fabs(prnn_mixture_nats(far, 2) - 2000 - log(2)) < 1e-12);
    assert_true(fabs(prnn_mixture_nats(half, 2) - 5 - log(2)) < 1e-14);
    assert_true(prnn_mixture_nats(none, 2) == INFINITY);
    assert_false(isfinite(prnn_mixture_nats(lost, 2)) || isfinite(prnn_mixture_nats(first_lost, 2)));
}

/* ---------------------------------------------------------------------------------- many images */

typedef struct watch {
    int calls, stop_at;
    uint64_t done, total;
} watch;

static bool watching(void *user, const prnn_progress *p) {
    watch *w = user;
    assert_string_equal(p->phase, "evaluate");
    assert_int_equal(p->total, w->total);
    assert_true(p->done > w->done && p->done <= p->total && p->seconds >= 0);
    w->done = p->done;
    return ++w->calls != w->stop_at;
}

/* More than are kept at a time, with small images of their own: as each part of them alone. Progress counts
 * them all, once for each model. */
static void test_pieces(void **state) {
    (void)state;
    enum { SIDE = 32, BYTES = SIDE * SIDE, COUNT = 2100, FROM = 2030, SMALL = 4 };
    prnn_config c = tiny_config(PRNN_CNN, SIDE, SIDE);
    c.hidden = c.head = 2;
    c.condition_size = 2;
    c.condition_features = 2;
    law_model a = law_open(&c, 101), b = law_open(&c, 102);
    const prnn_model *models[] = {a.model, b.model};
    uint8_t *images = malloc(COUNT * BYTES), small[COUNT * SMALL];
    found all = found_room(COUNT, 2, BYTES), part = found_room(COUNT - FROM, 2, BYTES);
    watch w = {.total = 2 * COUNT}, stopped = {.total = 2 * COUNT, .stop_at = 2};
    prnn_evaluate_options options = plain;
    assert_non_null(images);
    random_images(103, 2, COUNT * BYTES, images);
    random_images(104, 2, sizeof small, small);
    assert_ok(a.ctx, prnn_context_set_threads(a.ctx, 2));
    options.small = small;
    options.progress = watching;
    options.user = &w;
    assert_ok(a.ctx, evaluate(a.ctx, models, 2, images, COUNT, &options, &all));
    assert_int_equal(w.done, 2 * COUNT);
    options.small = small + FROM * SMALL;
    options.progress = NULL;
    assert_ok(a.ctx, evaluate(a.ctx, models, 2, images + FROM * BYTES, COUNT - FROM, &options, &part));
    const found rest = {all.nats + FROM, all.of_members + FROM * 2, all.values + FROM * BYTES};
    assert_equal_bits(&rest, &part, COUNT - FROM, BYTES);
    assert_memory_equal(rest.of_members, part.of_members, 2 * (COUNT - FROM) * sizeof(double));

    options.small = small;
    options.progress = watching;
    options.user = &stopped;
    assert_int_equal(evaluate(a.ctx, models, 2, images, COUNT, &options, &all), PRNN_STOPPED);
    assert_string_equal(prnn_message(a.ctx), "stopped after 0 of 2100 images");
    images[(COUNT - 1) * BYTES] = 2;
    assert_int_equal(evaluate(a.ctx, models, 2, images, COUNT, NULL, &all), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(a.ctx), "image 2099"));
    free(images);
    found_free(&all);
    found_free(&part);
    law_close(&a);
    law_close(&b);
}

static bool more_threads(void *user, const prnn_progress *progress) {
    (void)user;
    (void)progress;
    return setenv("PRNN_THREADS", "8", 1) == 0;
}

/* How many threads there may be can change while the models evaluate; what mixes has room for those that
 * there were. */
static void test_threads(void **state) {
    (void)state;
    enum { MANY = 40 };
    const char *before = getenv("PRNN_THREADS");
    char *kept = before ? strdup(before) : NULL;
    prnn_config c = tiny_config(PRNN_CNN, 6, 6);
    law_model m = law_open(&c, 121);
    const prnn_model *models[MANY];
    uint8_t *images = calloc(N, m.bytes);
    found one = found_room(N, MANY, m.bytes), more = found_room(N, MANY, m.bytes);
    prnn_evaluate_options options = plain;
    assert_non_null(images);
    for (int k = 0; k < MANY; k++) {
        models[k] = m.model;
    }
    assert_ok(m.ctx, prnn_context_set_threads(m.ctx, 0));
    setenv("PRNN_THREADS", "1", 1);
    assert_ok(m.ctx, evaluate(m.ctx, models, MANY, images, N, &options, &one));
    options.progress = more_threads;
    assert_ok(m.ctx, evaluate(m.ctx, models, MANY, images, N, &options, &more));
    assert_equal_bits(&one, &more, N, m.bytes);
    if (kept) {
        setenv("PRNN_THREADS", kept, 1);
    } else {
        unsetenv("PRNN_THREADS");
    }
    free(kept);
    free(images);
    found_free(&one);
    found_free(&more);
    law_close(&m);
}

/* A model to which a level is impossible: the others do not hide that. */
static void test_impossible(void **state) {
    (void)state;
    prnn_config c = tiny_config(PRNN_CNN, 2, 2);
    c.levels = 3;
    law_model good = law_open(&c, 1), bad = law_open(&c, 2);
    const prnn_model *models[] = {bad.model, good.model};
    const uint8_t images[8] = {0, 0, 0, 0, 0, 2, 1, 0};
    float *values = calloc(bad.parameters, sizeof *values);
    double nats[2], of_members[4];
    prnn_tensor bias = PRNN_TENSOR_INIT;
    assert_non_null(values);
    prnn_model_tensor(bad.model, prnn_model_tensor_count(bad.model) - 1, &bias);
    assert_int_equal(bias.count, 3);
    values[bias.offset] = FLT_MAX;
    values[bias.offset + 1] = -FLT_MAX;
    assert_ok(bad.ctx, prnn_model_set_parameters(bad.ctx, bad.model, values));
    assert_int_equal(
        evaluate(good.ctx, models, 2, images, 2, NULL, &(found){.nats = nats, .of_members = of_members}),
        PRNN_ERROR_FORMAT);
    assert_non_null(strstr(prnn_message(good.ctx), "the negative log-likelihood of image 1 is inf"));
    assert_true(of_members[0] == 0 && of_members[2] == INFINITY && isfinite(of_members[3]));
    assert_true(isfinite(nats[0]) && nats[1] == INFINITY);
    free(values);
    law_close(&good);
    law_close(&bad);
}

static void test_resize(void **state) {
    (void)state;
    enum { BYTES = 5 * 7 };
    law_model m[2];
    const prnn_model *models[2];
    prnn_model *resized[2];
    const prnn_model *others[2];
    prnn_ensemble *ensemble, *own, *none;
    uint8_t images[3 * BYTES];
    found expected = found_room(3, 2, BYTES), f = found_room(3, 2, BYTES);
    random_images(105, 2, sizeof images, images);
    for (int k = 0; k < 2; k++) {
        prnn_config c = tiny_config(k ? PRNN_ROW : PRNN_DIAGONAL, 4, 4);
        m[k] = law_open(&c, 106 + (uint64_t)k);
        models[k] = m[k].model;
        assert_ok(m[0].ctx, prnn_model_resize(m[0].ctx, m[k].model, 5, 7, &resized[k]));
        others[k] = resized[k];
    }
    assert_ok(m[0].ctx, prnn_ensemble_create(m[0].ctx, models, 2, &ensemble));
    assert_ok(m[0].ctx, prnn_ensemble_resize(m[0].ctx, ensemble, 5, 7, &own));
    assert_int_equal(prnn_ensemble_resize(m[0].ctx, ensemble, 0, 7, &none), PRNN_ERROR_ARGUMENT);
    assert_null(none);
    prnn_ensemble_free(ensemble);
    assert_ok(m[0].ctx, evaluate(m[0].ctx, others, 2, images, 3, NULL, &expected));
    assert_ok(m[0].ctx, prnn_ensemble_evaluate(m[0].ctx, own, images, 3, NULL, f.nats, NULL, f.values));
    assert_equal_bits(&f, &expected, 3, BYTES);
    prnn_ensemble_free(own);
    for (int k = 0; k < 2; k++) {
        prnn_model_free(resized[k]);
        law_close(&m[k]);
    }
    found_free(&expected);
    found_free(&f);
}

/* --------------------------------------------------------------------------------------- refused */

static void refuses(prnn_context *ctx, const prnn_model *a, const prnn_model *b, const char *why) {
    static int there;
    prnn_ensemble *made = (void *)&there;
    assert_int_equal(prnn_ensemble_create(ctx, (const prnn_model *[]){a, b}, 2, &made), PRNN_ERROR_ARGUMENT);
    assert_null(made);
    if (!strstr(prnn_message(ctx), why)) {
        fail_msg("it says: %s", prnn_message(ctx));
    }
}

static void test_refused(void **state) {
    (void)state;
    const prnn_palette red = {2, {{0, 0, 0}, {255, 0, 0}}}, blue = {2, {{0, 0, 0}, {0, 0, 255}}};
    prnn_config c = tiny_config(PRNN_ROW, 4, 4), high = tiny_config(PRNN_ROW, 5, 4), deep = c, given = c;
    deep.levels = 3;
    given.condition_size = 2;
    given.condition_features = 3;
    law_model m = law_open(&c, 1), of_high = law_open(&high, 1), of_deep = law_open(&deep, 1),
              of_given = law_open(&given, 1), other = law_open(&c, 2);
    prnn_ensemble *made;
    refuses(m.ctx, m.model, of_high.model,
            "model 1 of the ensemble is for images of 4 x 4 x 1 of 2 levels, and model 2 of the ensemble for "
            "5 x 4 x 1 of 2: the models of an ensemble are of the same images");
    refuses(m.ctx, of_deep.model, m.model,
            "4 x 4 x 1 of 3 levels, and model 2 of the ensemble for 4 x 4 x 1 of 2");
    refuses(m.ctx, m.model, of_given.model,
            "is given small images of side 0, and model 2 of the ensemble of side 2");
    refuses(m.ctx, m.model, NULL, "model 2 of the ensemble is NULL");
    assert_ok(m.ctx, prnn_model_set_palette(m.ctx, m.model, &red));
    refuses(m.ctx, m.model, other.model, "do not have the same palette");
    assert_ok(m.ctx, prnn_model_set_palette(m.ctx, other.model, &blue));
    refuses(m.ctx, m.model, other.model, "do not have the same palette");
    assert_ok(m.ctx, prnn_model_set_palette(m.ctx, other.model, &red));
    assert_ok(m.ctx, prnn_ensemble_create(m.ctx, (const prnn_model *[]){m.model, other.model}, 2, &made));

    uint8_t images[16] = {0};
    double nats[1];
    float values[16];
    prnn_evaluate_options options = plain;
    options.entropies = values;
    assert_int_equal(prnn_ensemble_evaluate(m.ctx, made, images, 1, &options, nats, NULL, NULL),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "entropies and variances do not follow"));
    options.entropies = NULL;
    options.small = images;
    assert_int_equal(prnn_ensemble_evaluate(m.ctx, made, images, 1, &options, nats, NULL, NULL),
                     PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "not conditional"));
    assert_ok(m.ctx, prnn_ensemble_evaluate(m.ctx, made, NULL, 0, NULL, NULL, NULL, NULL));
    prnn_ensemble_free(made);
    assert_int_equal(prnn_ensemble_create(m.ctx, NULL, 0, &made), PRNN_ERROR_ARGUMENT);
    assert_string_equal(prnn_message(m.ctx), "an ensemble needs at least one model");
    assert_ok(m.ctx,
              prnn_ensemble_create(m.ctx, (const prnn_model *[]){of_given.model, of_given.model}, 2, &made));
    prnn_ensemble *resized;
    assert_int_equal(prnn_ensemble_resize(m.ctx, made, 8, 8, &resized), PRNN_ERROR_ARGUMENT);
    assert_null(resized);
    prnn_ensemble_free(made);
    prnn_ensemble_free(NULL);
    law_model *all[] = {&m, &of_high, &of_deep, &of_given, &other};
    for (int i = 0; i < 5; i++) {
        law_close(all[i]);
    }
}

/* From files, which messages name. */
static void test_load(void **state) {
    (void)state;
    char folder[] = "/tmp/pixelrnn-ensemble-XXXXXX", path[3][64];
    const char *paths[] = {path[0], path[1]}, *unlike[] = {path[0], path[2]};
    prnn_config c = tiny_config(PRNN_ROW, 4, 4), high = tiny_config(PRNN_ROW, 5, 4);
    law_model m[] = {law_open(&c, 1), law_open(&c, 2), law_open(&high, 3)};
    const prnn_model *models[] = {m[0].model, m[1].model};
    uint8_t images[2 * 16];
    found expected = found_room(2, 2, 16), f = found_room(2, 2, 16);
    prnn_ensemble *made;
    char why[256];
    assert_non_null(mkdtemp(folder));
    random_images(108, 2, sizeof images, images);
    for (int k = 0; k < 3; k++) {
        snprintf(path[k], sizeof path[k], "%s/%d.safetensors", folder, k);
        assert_ok(m[k].ctx, prnn_model_save(m[k].ctx, m[k].model, path[k]));
    }
    assert_ok(m[0].ctx, prnn_ensemble_load(m[0].ctx, paths, 2, &made));
    assert_ok(m[0].ctx, evaluate(m[0].ctx, models, 2, images, 2, NULL, &expected));
    assert_ok(m[0].ctx, prnn_ensemble_evaluate(m[0].ctx, made, images, 2, NULL, f.nats, NULL, f.values));
    assert_equal_bits(&f, &expected, 2, 16);
    prnn_ensemble_free(made);
    assert_int_equal(prnn_ensemble_load(m[0].ctx, unlike, 2, &made), PRNN_ERROR_ARGUMENT);
    assert_null(made);
    snprintf(why, sizeof why, "%s is for images of 4 x 4 x 1 of 2 levels, and %s for 5 x 4", path[0],
             path[2]);
    assert_non_null(strstr(prnn_message(m[0].ctx), why));
    assert_int_equal(unlink(path[1]), 0);
    assert_int_equal(prnn_ensemble_load(m[0].ctx, paths, 2, &made), PRNN_ERROR_FILE);
    assert_null(made);
    unlink(path[0]);
    unlink(path[2]);
    rmdir(folder);
    found_free(&expected);
    found_free(&f);
    for (int k = 0; k < 3; k++) {
        law_close(&m[k]);
    }
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),        cmocka_unit_test(test_mixture), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_impossible), cmocka_unit_test(test_resize),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_load),       cmocka_unit_test(test_threads),
    };
    law_choose(count, arguments);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += law_run("one model many times", test_same);
    failed += law_run("mean of models", test_mean);
    return failed != 0;
}

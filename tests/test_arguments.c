/* What the public functions refuse: NULL, values out of range, results that are no numbers. */
#include "laws.h"

#include <float.h>
#include <pixelrnn/io.h>

static prnn_context *ctx;

#define refuses(call, says)                                                                                  \
    do {                                                                                                     \
        assert_int_equal((call), PRNN_ERROR_ARGUMENT);                                                       \
        if (!strstr(prnn_message(ctx), says)) {                                                              \
            fail_msg("%s should say \"%s\", says \"%s\"", #call, says, prnn_message(ctx));                   \
        }                                                                                                    \
    } while (0)

/* ----------------------------------------------------------------------------------------- NULL */

/* One model of 2x2 images, one conditional on 1x1, and room for whatever a call would write. */
typedef struct things {
    law_model m, large;
    prnn_data *data;
    uint8_t images[64], out[64];
    double nats[64];
    float floats[4096];
} things;

static things set_up(void) {
    things t = {.m.ctx = NULL};
    prnn_config c = PRNN_CONFIG_INIT;
    c.height = c.width = c.levels = 2;
    c.layers = 1;
    c.hidden = c.head = 2;
    t.m = law_open(&c, 1);
    c.condition_size = c.condition_features = 1;
    t.large = law_open(&c, 1);
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.levels = 2;
    assert_ok(ctx, prnn_data_from_memory(ctx, t.images, 4, 2, 2, 1, &o, &t.data));
    return t;
}

static void tear_down(things *t) {
    prnn_data_free(t->data);
    law_close(&t->m);
    law_close(&t->large);
}

static void test_null_names_models(void **state) {
    (void)state;
    things t = set_up();
    prnn_model *made = NULL, *model = t.m.model;
    prnn_kind kind;
    prnn_output output;
    refuses(prnn_kind_from_name(ctx, NULL, &kind), "name is NULL");
    refuses(prnn_kind_from_name(ctx, "row", NULL), "kind is NULL");
    refuses(prnn_output_from_name(ctx, NULL, &output), "name is NULL");
    refuses(prnn_output_from_name(ctx, "softmax", NULL), "output is NULL");
    refuses(prnn_model_create(ctx, &t.m.config, 0, NULL), "prnn_model_create: model is NULL");
    refuses(prnn_model_load(ctx, NULL, &made), "path is NULL");
    refuses(prnn_model_load(ctx, "/nowhere", NULL), "model is NULL");
    refuses(prnn_model_save(ctx, NULL, "/nowhere"), "model is NULL");
    refuses(prnn_model_save(ctx, model, NULL), "path is NULL");
    refuses(prnn_model_set_parameters(ctx, NULL, t.floats), "model is NULL");
    refuses(prnn_model_set_parameters(ctx, model, NULL), "values is NULL");
    prnn_certificate certificate = PRNN_CERTIFICATE_INIT;
    refuses(prnn_check(ctx, NULL, NULL, &certificate), "path is NULL");
    refuses(prnn_check(ctx, "/nowhere", NULL, NULL), "certificate is NULL");
    refuses(prnn_train(ctx, NULL, t.data, NULL, NULL), "model is NULL");
    refuses(prnn_train(ctx, model, NULL, NULL, NULL), "train is NULL");
    refuses(prnn_train_fits(ctx, &t.m.config, NULL, NULL, NULL), "train is NULL");
    assert_null(made);
    tear_down(&t);
}

static void test_null_data_and_files(void **state) {
    (void)state;
    things t = set_up();
    prnn_data *data = NULL;
    const size_t shape[] = {2}, index[] = {0};
    size_t folders;
    refuses(prnn_data_open(ctx, NULL, NULL, &data), "path is NULL");
    refuses(prnn_data_open(ctx, "/nowhere", NULL, NULL), "data is NULL");
    refuses(prnn_data_from_memory(ctx, NULL, 1, 2, 2, 1, NULL, &data), "images is NULL");
    refuses(prnn_data_from_memory(ctx, t.images, 1, 2, 2, 1, NULL, NULL), "data is NULL");
    refuses(prnn_data_split(ctx, NULL, 1, &data), "data is NULL");
    refuses(prnn_data_read(ctx, NULL, index, 1, 0, 0, t.out), "data is NULL");
    refuses(prnn_data_read(ctx, t.data, NULL, 1, 0, 0, t.out), "indices is NULL");
    refuses(prnn_data_read(ctx, t.data, index, 1, 0, 0, NULL), "images is NULL");
    assert_ok(ctx, prnn_data_read(ctx, t.data, NULL, 0, 0, 0, NULL));
    refuses(prnn_data_folders(ctx, NULL, 0, 1, &folders), "data is NULL");
    refuses(prnn_data_folders(ctx, t.data, 0, 1, NULL), "folders is NULL");
    refuses(prnn_data_convert(ctx, NULL, NULL, "/nowhere/x", NULL, NULL), "path is NULL");
    refuses(prnn_data_convert(ctx, "/nowhere", NULL, NULL, NULL, NULL), "out is NULL");
    refuses(prnn_write_png(ctx, NULL, t.images, 1, 2, 2, 1, 2, 0), "path is NULL");
    refuses(prnn_write_png(ctx, "/nowhere/x", NULL, 1, 2, 2, 1, 2, 0), "images is NULL");
    size_t bytes;
    refuses(prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, NULL, 1, 2, 2, 1, 2, &bytes), "images is NULL");
    refuses(prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, t.images, 1, 2, 2, 1, 2, NULL), "bytes is NULL");
    refuses(prnn_write_npy(ctx, NULL, PRNN_U8, 1, shape, t.images), "path is NULL");
    refuses(prnn_write_npy(ctx, "/nowhere/x", PRNN_U8, 1, NULL, t.images), "shape is NULL");
    refuses(prnn_write_npy(ctx, "/nowhere/x", PRNN_U8, 1, shape, NULL), "values is NULL");
    refuses(prnn_read_mask(ctx, NULL, 2, 2, t.out), "path is NULL");
    refuses(prnn_read_mask(ctx, "/nowhere", 2, 2, NULL), "known is NULL");
    assert_null(data);
    tear_down(&t);
}

static void test_null_archives(void **state) {
    (void)state;
    things t = set_up();
    prnn_archive_writer *writer = NULL, *begun;
    prnn_archive *archive = NULL;
    prnn_pixels pixels;
    char text[72];
    refuses(prnn_model_fingerprint(ctx, NULL, text), "model is NULL");
    refuses(prnn_model_fingerprint(ctx, t.m.model, NULL), "text is NULL");
    refuses(prnn_archive_writer_create(ctx, NULL, "/nowhere/x", NULL, &writer), "model is NULL");
    refuses(prnn_archive_writer_create(ctx, t.m.model, NULL, NULL, &writer), "path is NULL");
    refuses(prnn_archive_writer_create(ctx, t.m.model, "/nowhere/x", NULL, NULL), "writer is NULL");
    refuses(prnn_archive_writer_add(ctx, NULL, NULL, t.images, 1, 2, 2, 1), "writer is NULL");
    refuses(prnn_archive_writer_finish(ctx, NULL, NULL), "writer is NULL");
    assert_ok(ctx, prnn_archive_writer_create(ctx, t.m.model, "/dev/shm/prnn_test_arguments", NULL, &begun));
    refuses(prnn_archive_writer_add(ctx, begun, NULL, NULL, 1, 2, 2, 1), "values is NULL");
    assert_ok(ctx, prnn_archive_writer_add(ctx, begun, NULL, NULL, 0, 2, 2, 1));
    prnn_archive_writer_free(begun);
    refuses(prnn_archive_open(ctx, NULL, &archive), "path is NULL");
    refuses(prnn_archive_open(ctx, "/nowhere", NULL), "archive is NULL");
    refuses(prnn_archive_model(ctx, NULL, &(prnn_model *){NULL}), "archive is NULL");
    refuses(prnn_archive_read(ctx, NULL, t.m.model, NULL), "archive is NULL");
    refuses(prnn_read_picture(ctx, NULL, false, &pixels), "path is NULL");
    refuses(prnn_read_picture(ctx, "/nowhere", false, NULL), "pixels is NULL");
    refuses(prnn_write_picture(ctx, NULL, t.images, 2, 2, 1), "path is NULL");
    refuses(prnn_write_picture(ctx, "/nowhere/x", NULL, 2, 2, 1), "values is NULL");
    refuses(prnn_write_picture(ctx, "/nowhere/x", t.images, 2, 2, 5), "1 to 4 channels");
    prnn_archive_writer_free(NULL);
    prnn_archive_free(NULL);
    prnn_pixels_free(NULL);
    assert_true(!writer && !archive && !pixels.values);
    tear_down(&t);
}

/* What is made is NULL after a failure, also of an argument. */
static void test_nothing_is_made(void **state) {
    (void)state;
    static int there;
    prnn_context *own = prnn_context_create();
    prnn_model *model = (void *)&there;
    prnn_data *data = (void *)&there, *memory = (void *)&there;
    prnn_chain *chain = (void *)&there, *loaded = (void *)&there;
    prnn_ensemble *ensemble = (void *)&there, *of_paths = (void *)&there, *resized = (void *)&there;
    prnn_stepper *stepper = (void *)&there;
    prnn_trainer *trainer = (void *)&there;
    assert_int_not_equal(prnn_model_load(own, NULL, &model), PRNN_OK);
    assert_int_not_equal(prnn_data_open(own, NULL, NULL, &data), PRNN_OK);
    assert_int_not_equal(prnn_data_from_memory(own, NULL, 1, 1, 1, 1, NULL, &memory), PRNN_OK);
    assert_int_not_equal(prnn_chain_create(own, NULL, 1, &chain), PRNN_OK);
    assert_int_not_equal(prnn_chain_load(own, NULL, 1, &loaded), PRNN_OK);
    assert_int_not_equal(prnn_ensemble_create(own, NULL, 1, &ensemble), PRNN_OK);
    assert_int_not_equal(prnn_ensemble_load(own, NULL, 1, &of_paths), PRNN_OK);
    assert_int_not_equal(prnn_ensemble_resize(own, NULL, 1, 1, &resized), PRNN_OK);
    assert_int_not_equal(prnn_stepper_create(own, NULL, 1, NULL, &stepper), PRNN_OK);
    assert_int_not_equal(prnn_trainer_create(own, NULL, NULL, NULL, NULL, &trainer), PRNN_OK);
    assert_true(!model && !data && !memory && !chain && !loaded && !ensemble && !of_paths && !resized &&
                !stepper && !trainer);
    prnn_context_free(own);
}

static void test_null_passes(void **state) {
    (void)state;
    things t = set_up();
    const prnn_model *model = t.m.model, *large = t.large.model;
    refuses(prnn_evaluate(ctx, NULL, t.images, 1, NULL, t.nats, NULL), "prnn_evaluate: model is NULL");
    refuses(prnn_evaluate(ctx, model, NULL, 1, NULL, t.nats, NULL), "images is NULL");
    refuses(prnn_evaluate(ctx, model, t.images, 1, NULL, NULL, NULL), "nats is NULL");
    assert_ok(ctx, prnn_evaluate(ctx, model, NULL, 0, NULL, NULL, NULL));
    prnn_ensemble *ensemble;
    assert_ok(ctx, prnn_ensemble_create(ctx, &model, 1, &ensemble));
    refuses(prnn_ensemble_evaluate(ctx, NULL, t.images, 1, NULL, t.nats, NULL, NULL), "ensemble is NULL");
    refuses(prnn_ensemble_evaluate(ctx, ensemble, NULL, 1, NULL, t.nats, NULL, NULL), "images is NULL");
    refuses(prnn_ensemble_evaluate(ctx, ensemble, t.images, 1, NULL, NULL, NULL, NULL), "nats is NULL");
    prnn_ensemble_free(ensemble);
    refuses(prnn_logits(ctx, NULL, t.images, 1, t.floats), "model is NULL");
    refuses(prnn_logits(ctx, model, NULL, 1, t.floats), "images is NULL");
    refuses(prnn_logits(ctx, model, t.images, 1, NULL), "logits is NULL");
    refuses(prnn_log_probabilities(ctx, NULL, t.floats, 1, t.nats), "model is NULL");
    refuses(prnn_log_probabilities(ctx, model, NULL, 1, t.nats), "logits is NULL");
    refuses(prnn_log_probabilities(ctx, model, t.floats, 1, NULL), "logs is NULL");
    refuses(prnn_gradient(ctx, NULL, t.images, 1, t.nats, t.floats), "model is NULL");
    refuses(prnn_gradient(ctx, model, NULL, 1, t.nats, t.floats), "images is NULL");
    refuses(prnn_gradient(ctx, model, t.images, 1, NULL, t.floats), "mean_nats is NULL");
    refuses(prnn_gradient(ctx, model, t.images, 1, t.nats, NULL), "gradient is NULL");
    refuses(prnn_sample(ctx, NULL, 1, NULL, t.out), "model is NULL");
    refuses(prnn_sample(ctx, model, 1, NULL, NULL), "images is NULL");
    refuses(prnn_complete(ctx, NULL, t.images, 1, t.images, 1, NULL, t.out), "model is NULL");
    refuses(prnn_complete(ctx, model, NULL, 1, t.images, 1, NULL, t.out), "images is NULL");
    refuses(prnn_complete(ctx, model, t.images, 1, NULL, 1, NULL, t.out), "known is NULL");
    refuses(prnn_complete(ctx, model, t.images, 1, t.images, 1, NULL, NULL), "completed is NULL");
    refuses(prnn_upscale(ctx, NULL, t.images, 1, 1, NULL, t.out), "model is NULL");
    refuses(prnn_upscale(ctx, large, NULL, 1, 1, NULL, t.out), "small is NULL");
    refuses(prnn_upscale(ctx, large, t.images, 1, 1, NULL, NULL), "large is NULL");
    tear_down(&t);
}

/* Without a context there is nowhere to say anything, but a status. */
static void test_null_context(void **state) {
    (void)state;
    things t = set_up();
    prnn_model *model = NULL;
    prnn_kind kind;
    assert_int_equal(prnn_context_set_threads(NULL, 1), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_cpu(NULL, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_precision(NULL, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_kind_from_name(NULL, "row", &kind), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_model_create(NULL, &t.m.config, 0, &model), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_evaluate(NULL, t.m.model, t.images, 1, NULL, t.nats, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_sample(NULL, t.m.model, 1, NULL, t.out), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_train(NULL, t.m.model, t.data, NULL, NULL), PRNN_ERROR_ARGUMENT);
    tear_down(&t);
}

/* A device that is chosen again keeps its precision. */
static void test_same_device(void **state) {
    (void)state;
    prnn_context *own = prnn_context_create();
    const char *precision = prnn_context_set_precision(own, "bf16") == PRNN_OK ? "bf16" : "fp32";
    assert_int_equal(prnn_context_set_device(own, "cpu"), PRNN_OK);
    assert_string_equal(prnn_context_precision(own), precision);
    prnn_context_free(own);
}

/* --------------------------------------------------------------------------------------- values */

static void test_config_is_checked_first(void **state) {
    (void)state;
    const int bad[] = {INT32_MIN, -1, 0, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        prnn_model *model = NULL;
        prnn_config tall = PRNN_CONFIG_INIT, deep = PRNN_CONFIG_INIT, mixed = PRNN_CONFIG_INIT;
        tall.height = tall.hidden = bad[i];
        refuses(prnn_model_create(ctx, &tall, 0, &model), "height is");
        deep.layers = bad[i];
        refuses(prnn_model_create(ctx, &deep, 0, &model), "layers is");
        mixed.output = PRNN_LOGISTICS;
        mixed.components = bad[i];
        refuses(prnn_model_create(ctx, &mixed, 0, &model), "components is");
        assert_null(model);
    }
}

static void test_temperature(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) { /* one logit, a softmax, a mixture */
        law_model m = {0};
        prnn_config c = law_config(PRNN_CNN, &law_shapes[0]);
        c.levels = kind == 0 ? 2 : 9;
        c.output = kind == 2 ? PRNN_LOGISTICS : PRNN_SOFTMAX;
        c.components = kind == 2 ? 2 : 0;
        m = law_open(&c, 3);
        uint8_t images[20];
        prnn_sample_options o = PRNN_SAMPLE_OPTIONS_INIT;
        const double good[] = {1e-38, 1e-30, 1e-3, 1, 1e30, 1e38},
                     bad[] = {1e-40, 1e39, 0, -1, NAN, INFINITY};
        for (int i = 0; i < 6; i++) {
            o.temperature = good[i];
            assert_ok(m.ctx, prnn_sample(m.ctx, m.model, 1, &o, images));
            o.temperature = bad[i];
            assert_int_equal(prnn_sample(m.ctx, m.model, 1, &o, images), PRNN_ERROR_ARGUMENT);
            assert_non_null(strstr(prnn_message(m.ctx), "temperature is"));
        }
        law_close(&m);
    }
}

static void test_split(void **state) {
    (void)state;
    things t = set_up();
    prnn_data *rest = NULL;
    refuses(prnn_data_split(ctx, t.data, 0, &rest), "each part needs an image");
    refuses(prnn_data_split(ctx, t.data, 4, &rest), "each part needs an image");
    refuses(prnn_data_split(ctx, t.data, 5, NULL), "each part needs an image");
    assert_null(rest);
    assert_ok(ctx, prnn_data_split(ctx, t.data, 4, NULL));
    assert_ok(ctx, prnn_data_split(ctx, t.data, 3, &rest));
    assert_int_equal(prnn_data_count(rest), 1);
    prnn_data_free(rest);
    tear_down(&t);
}

/* Finite weights whose likelihood is no number: a status, and the image, in every function that has a
 * likelihood. */
static void test_not_finite(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_CNN, &law_shapes[1]);
    law_model m = law_open(&c, 5);
    for (size_t i = 0; i < m.parameters; i++) {
        bool unmasked = !prnn_model_parameter_is_masked(m.model, i);
        m.model->weights->parameters[i] = unmasked ? (i % 2 ? FLT_MAX : -FLT_MAX) : 0;
    }
    assert_ok(m.ctx, prnn_model_set_parameters(m.ctx, m.model, m.model->weights->parameters));
    law_model good = law_open(&c, 5);
    const prnn_model *chain[] = {m.model}, *mixed[] = {good.model, m.model};
    prnn_ensemble *ensemble;
    assert_ok(m.ctx, prnn_ensemble_create(m.ctx, mixed, 2, &ensemble));
    uint8_t images[2 * 24] = {0};
    double nats[2] = {0, 0}, mean;
    float *gradient = malloc(m.parameters * sizeof *gradient);
    assert_int_equal(prnn_ensemble_evaluate(m.ctx, ensemble, images, 2, NULL, nats, NULL, NULL),
                     PRNN_ERROR_FORMAT);
    assert_false(isfinite(nats[0]) || isfinite(nats[1]));
    prnn_ensemble_free(ensemble);
    law_close(&good);
    const prnn_status statuses[] = {prnn_evaluate(m.ctx, m.model, images, 2, NULL, nats, NULL),
                                    law_evaluate_chain(m.ctx, chain, 1, images, 2, nats, NULL),
                                    prnn_gradient(m.ctx, m.model, images, 2, &mean, gradient)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(statuses[i], PRNN_ERROR_FORMAT);
    }
    assert_false(isfinite(nats[0]));
    assert_non_null(strstr(prnn_message(m.ctx), "the negative log-likelihood of image 0 is"));
    free(gradient);
    law_close(&m);
}

int main(void) {
    ctx = prnn_context_create();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_names_models),   cmocka_unit_test(test_null_archives),
        cmocka_unit_test(test_null_data_and_files), cmocka_unit_test(test_nothing_is_made),
        cmocka_unit_test(test_null_passes),         cmocka_unit_test(test_null_context),
        cmocka_unit_test(test_same_device),         cmocka_unit_test(test_config_is_checked_first),
        cmocka_unit_test(test_temperature),         cmocka_unit_test(test_split),
        cmocka_unit_test(test_not_finite),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    prnn_context_free(ctx);
    return failures;
}

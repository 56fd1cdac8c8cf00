/* Laws of models and their files: a round trip keeps every bit, masked weights are zero and stay out, and
 * the small things that public implementations got wrong. */

#include "laws.h"

#include <unistd.h>

static const char *model_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "laws-model-%ld.safetensors", (long)getpid());
    return path;
}

static void test_round_trip(void **state) {
    prnn_config config = law_of_state(state), loaded_config = PRNN_CONFIG_INIT;
    law_model m = law_open(&config, 61);
    prnn_model *loaded;
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, model_path()));
    assert_ok(m.ctx, prnn_model_load(m.ctx, model_path(), &loaded));
    unlink(model_path());
    prnn_model_config(loaded, &loaded_config);
    assert_int_equal(loaded_config.kind, config.kind);
    assert_int_equal(loaded_config.height, config.height);
    assert_int_equal(loaded_config.width, config.width);
    assert_int_equal(loaded_config.channels, config.channels);
    assert_int_equal(loaded_config.levels, config.levels);
    assert_int_equal(loaded_config.layers, config.layers);
    assert_int_equal(loaded_config.hidden, config.hidden);
    assert_int_equal(loaded_config.head, config.head);
    assert_int_equal(loaded_config.residual, config.residual);
    assert_int_equal(loaded_config.skip, config.skip);
    assert_int_equal(loaded_config.condition_size, config.condition_size);
    assert_int_equal(loaded_config.condition_features, config.condition_features);
    assert_int_equal(loaded_config.output, config.output);
    assert_int_equal(loaded_config.components, config.components);
    assert_int_equal(prnn_model_tensor_count(loaded), prnn_model_tensor_count(m.model));
    for (size_t t = 0; t < prnn_model_tensor_count(loaded); t++) {
        prnn_tensor own = PRNN_TENSOR_INIT, other = PRNN_TENSOR_INIT;
        prnn_model_tensor(m.model, t, &own);
        prnn_model_tensor(loaded, t, &other);
        assert_string_equal(own.name, other.name);
        assert_int_equal(own.offset, other.offset);
        assert_memory_equal(own.shape, other.shape, sizeof own.shape);
        assert_memory_equal(own.values, other.values, own.count * sizeof *own.values);
    }
    enum { N = 9 };
    uint8_t *images = malloc(N * m.bytes);
    random_images(62, config.levels, N * m.bytes, images);
    double nats[N], loaded_nats[N];
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, NULL));
    assert_ok(m.ctx, prnn_evaluate(m.ctx, loaded, images, N, NULL, loaded_nats, NULL));
    assert_memory_equal(nats, loaded_nats, sizeof nats);
    free(images);
    prnn_model_free(loaded);
    law_close(&m);
}

/* A new model: weights are zero where they are masked and nowhere else but in the logits and the biases,
 * and every level of every value is equally likely: log2 K bits a dimension, whatever the image. Of a mixture
 * no level is much more or less likely than others. */
static void test_new_model(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 63);
    prnn_model *model, *same, *other;
    assert_ok(m.ctx, prnn_model_create(m.ctx, &config, 64, &model));
    assert_ok(m.ctx, prnn_model_create(m.ctx, &config, 64, &same));
    assert_ok(m.ctx, prnn_model_create(m.ctx, &config, 65, &other));
    size_t differ = 0, unmasked = 0;
    for (size_t i = 0; i < m.parameters; i++) {
        bool is_unmasked = !prnn_model_parameter_is_masked(model, i);
        unmasked += is_unmasked;
        assert_true(is_unmasked || model->weights->parameters[i] == 0);
        differ += model->weights->parameters[i] != other->weights->parameters[i];
    }
    assert_memory_equal(model->weights->parameters, same->weights->parameters, m.parameters * sizeof(float));
    assert_true(differ > 0);
    assert_int_equal(unmasked, prnn_model_parameter_count(model, true));
    for (size_t t = 0; t < prnn_model_tensor_count(model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(model, t, &tensor);
        for (size_t i = 0; i < tensor.count && tensor.rank == 4; i++) {
            bool drawn = !prnn_model_parameter_is_masked(model, tensor.offset + i) &&
                         strcmp(tensor.name, "head.2.weight") != 0;
            assert_true(drawn == (tensor.values[i] != 0));
        }
    }
    uint8_t *image = malloc(m.bytes);
    random_images(66, config.levels, m.bytes, image);
    double nats;
    assert_ok(m.ctx, prnn_evaluate(m.ctx, model, image, 1, NULL, &nats, NULL));
    if (config.output == PRNN_SOFTMAX) {
        assert_true(fabs(nats / ((double)m.bytes * log(config.levels)) - 1) < 1e-6);
        assert_true(fabs(prnn_bits_per_dim(model, nats) - log2(config.levels)) < 1e-5);
    } else {
        float logits[256] = {0};
        double p[256];
        law_probabilities_of(&config, logits, p);
        for (int k = 0; k < config.levels; k++) {
            assert_true(p[k] * config.levels > 0.5 && p[k] * config.levels < 3.5);
        }
        assert_true(fabs(prnn_bits_per_dim(model, nats) - log2(config.levels)) < 0.2);
    }
    free(image);
    prnn_model_free(model);
    prnn_model_free(same);
    prnn_model_free(other);
    law_close(&m);
}

/* Saves the model with parameter `index` set to `value`, around the model's own refusal. */
static void save_planted(law_model *m, size_t index, float value) {
    float kept = m->model->weights->parameters[index];
    m->model->weights->parameters[index] = value;
    assert_ok(m->ctx, prnn_model_save(m->ctx, m->model, model_path()));
    m->model->weights->parameters[index] = kept;
}

static void expect_refused(law_model *m, size_t index, float value, const char *place) {
    save_planted(m, index, value);
    prnn_model *loaded = NULL;
    prnn_status status = prnn_model_load(m->ctx, model_path(), &loaded);
    unlink(model_path());
    assert_int_equal(status, PRNN_ERROR_FORMAT);
    assert_null(loaded);
    if (!strstr(prnn_message(m->ctx), place)) {
        fail_msg("\"%s\" does not name %s", prnn_message(m->ctx), place);
    }
    float *values = malloc(m->parameters * sizeof *values);
    memcpy(values, m->model->weights->parameters, m->parameters * sizeof *values);
    values[index] = value;
    assert_int_equal(prnn_model_set_parameters(m->ctx, m->model, values), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m->ctx), place));
    free(values);
}

/* A masked weight of each tensor that has one, the first, the last and one between, set to something. */
static void test_planted_weight(void **state) {
    prnn_config config = law_of_state(state);
    law_model m = law_open(&config, 67);
    size_t planted = 0;
    for (size_t t = 0; t < prnn_model_tensor_count(m.model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(m.model, t, &tensor);
        size_t masked[3], count = 0;
        for (size_t i = 0; i < tensor.count; i++) {
            if (prnn_model_parameter_is_masked(m.model, tensor.offset + i)) {
                masked[count < 2 ? count : 2] = i;
                count++;
            }
        }
        for (size_t k = 0; k < count && k < 3; k++, planted++) {
            size_t i = masked[k], cols = (size_t)tensor.shape[3], rows = (size_t)tensor.shape[2];
            size_t inputs = (size_t)tensor.shape[1];
            char place[160];
            snprintf(place, sizeof place, "%s[%zu, %zu, %zu, %zu]", tensor.name, i / cols / rows / inputs,
                     i / cols / rows % inputs, i / cols % rows, i % cols);
            expect_refused(&m, tensor.offset + i, 1e-30f, place);
        }
    }
    assert_true(planted >= 3); /* half the first layer's kernel is masked */
    prnn_tensor bias = PRNN_TENSOR_INIT;
    prnn_model_tensor(m.model, 1, &bias);
    assert_string_equal(bias.name, "input.bias");
    expect_refused(&m, bias.offset + 2, NAN, "input.bias[2]");
    expect_refused(&m, bias.offset + 1, INFINITY, "input.bias[1]");
    law_close(&m);
}

/* ------------------------------------------------------------------------------- small mistakes */

/* bits/dim = nats / (H W C ln 2), divided once. */
static void test_bits_per_dim(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_ROW, &law_shapes[2]);
    law_model m = law_open(&config, 68);
    assert_true(fabs(prnn_bits_per_dim(m.model, 60 * log(2)) - 1) < 1e-14);
    assert_true(fabs(prnn_bits_per_dim(m.model, 100) - 100 / (60 * 0.6931471805599453)) < 1e-14);
    law_close(&m);
}

/* A byte v is level floor(v K / 256): a threshold of 128 for two levels, itself for 256. */
static void test_levels(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    uint8_t bytes[256], levels[256];
    for (int v = 0; v < 256; v++) {
        bytes[v] = (uint8_t)v;
    }
    for (int k = 2; k <= 256; k++) {
        prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
        options.levels = k;
        prnn_data *data;
        assert_ok(ctx, prnn_data_from_memory(ctx, bytes, 1, 16, 16, 1, &options, &data));
        assert_ok(ctx, prnn_data_read(ctx, data, (size_t[]){0}, 1, 0, 0, levels));
        for (int v = 0; v < 256; v++) {
            assert_int_equal(levels[v], v * k / 256);
        }
        if (k == 2) {
            assert_true(levels[127] == 0 && levels[128] == 1);
        }
        prnn_data_free(data);
    }
    prnn_context_free(ctx);
}

/* Zeroed memory is no options struct: it would be defaults without a word. */
static void test_options_need_a_size(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    prnn_config config = {0};
    prnn_model *model = NULL;
    assert_int_equal(prnn_model_create(ctx, &config, 0, &model), PRNN_ERROR_ARGUMENT);
    assert_null(model);
    assert_non_null(strstr(prnn_message(ctx), "size is 0"));
    prnn_context_free(ctx);
}

/* A caller of version 0.1.0, whose prnn_config ended with condition_features and up to 4 bytes of padding,
 * which may hold anything. */
static void test_old_callers(void **state) {
    (void)state;
    struct {
        prnn_config config;
        unsigned char behind[8];
    } old = {.config = PRNN_CONFIG_INIT};
    size_t ends = offsetof(prnn_config, condition_features) + sizeof(int), align = _Alignof(prnn_config);
    size_t size = (ends + align - 1) / align * align;
    assert_true(offsetof(prnn_config, output) >= size);
    memset((char *)&old.config + ends, 0xa5, sizeof old - ends);
    old.config.size = size;
    old.config.height = old.config.width = 2;
    prnn_context *ctx = prnn_context_create();
    prnn_model *model = NULL;
    assert_ok(ctx, prnn_model_create(ctx, &old.config, 0, &model));
    prnn_model_config(model, &old.config);
    assert_int_equal(old.config.size, size);
    for (size_t i = size; i < sizeof old; i++) {
        assert_int_equal(((unsigned char *)&old)[i], 0xa5); /* nor is anything written there */
    }
    prnn_config config = PRNN_CONFIG_INIT;
    config.components = 1;
    prnn_model_config(model, &config);
    assert_int_equal(config.output, PRNN_SOFTMAX);
    assert_int_equal(config.components, 0);
    prnn_model_free(model);
    prnn_context_free(ctx);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_per_dim),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_options_need_a_size),
        cmocka_unit_test(test_old_callers),
    };
    int failures = law_run("round trip", test_round_trip);
    failures += law_run("new model", test_new_model);
    failures += law_run("planted weight", test_planted_weight);
    return failures + cmocka_run_group_tests_name("small mistakes", tests, NULL, NULL);
}

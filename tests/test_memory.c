/* Memory: what is predicted is what is asked for, on every network of the laws; what is not there is refused
 * before it is begun, or done by fewer threads to the same bits; limits of containers and processes count. */
#define _GNU_SOURCE /* mkdtemp */
#include "laws.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/available.h"
#include "model/gradient.h"
#include "model/memory.h"
#include "train/need.h"

/* --------------------------------------------------------------------------- prediction and truth */

static void test_model_and_passes(void **state) {
    prnn_config config = law_of_state(state);
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    assert_ok(ctx, prnn_model_create(ctx, &config, 1, &model));
    size_t small = prnn_block_bytes(1, sizeof *model) + prnn_block_bytes(1, sizeof *model->network) +
                   prnn_block_bytes(1, sizeof *model->weights);
    assert_int_equal(ctx->asked, prnn_parameter_bytes(model->network) + small);
    for (int images = 1; images <= 8; images += 7) {
        prnn_passes passes;
        size_t before = ctx->asked;
        prnn_need need = prnn_model_passes_need(ctx, model->network, images, 3);
        model->weights->fresh = false;
        prnn_free(model->weights->packed);
        model->weights->packed = NULL;
        assert_ok(ctx, prnn_model_passes(ctx, model, images, 3, &passes));
        assert_int_equal(ctx->asked - before, prnn_need_total(&need, 3));
        prnn_passes_close(ctx, &passes);
        prnn_context_free(ctx); /* with the memory that it keeps for the next pass */
        ctx = prnn_context_create();
    }
    prnn_model_free(model);
    prnn_context_free(ctx);
}

static void test_gradient(void **state) {
    prnn_config config = law_of_state(state);
    prnn_context *ctx = prnn_context_create();
    const int batches[] = {1, 7, 16, 100};
    for (int i = 0; i < 8; i++) {
        prnn_batch_kind batch = {batches[i % 4], i % 2 == 1};
        int wanted;
        prnn_network *network;
        prnn_gradient_engine *engine;
        assert_ok(ctx, prnn_context_set_threads(ctx, i < 4 ? 1 : 3));
        assert_ok(ctx, prnn_network_create(ctx, &config, true, PRNN_MAX_PARAMETERS, &network));
        prnn_need need = prnn_gradient_engine_need(ctx, network, batch, &wanted);
        size_t before = ctx->asked;
        assert_ok(ctx, prnn_gradient_engine_create(ctx, &config, batch, 0, &engine));
        size_t blocks = ctx->asked - before - prnn_block_bytes(1, sizeof *network);
        assert_int_equal(blocks, prnn_need_total(&need, wanted));
        prnn_gradient_engine_free(ctx, engine);
        prnn_network_free(network);
    }
    prnn_context_free(ctx);
}

/* The numbers of a plan's packed floats cover it, each once. */
static void count_visit(void *user, size_t at, const int32_t *index, size_t n) {
    (void)index;
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)user)[at + i]++;
    }
}

static void test_visits(void **state) {
    prnn_config config = law_of_state(state);
    prnn_context *ctx = prnn_context_create();
    prnn_network *network;
    assert_ok(ctx, prnn_network_create(ctx, &config, true, PRNN_MAX_PARAMETERS, &network));
    for (int backward = 0; backward < 2; backward++) {
        size_t n = backward ? network->plan.backward.count : network->plan.forward.count;
        uint8_t *seen = calloc(n + 1, 1);
        prnn_plan_visit(&network->plan, backward, &(prnn_packed_visitor){count_visit, seen});
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(seen[i], 1);
        }
        free(seen);
    }
    prnn_network_free(network);
    prnn_context_free(ctx);
}

/* A training asks for what was predicted, from the first block to the last validation. */
static void check_training(prnn_context *ctx, const prnn_ensemble *teacher) {
    char out[] = "/tmp/prnn_test_memory_XXXXXX", command[96];
    assert_non_null(mkdtemp(out));
    prnn_config config = law_config(PRNN_ROW, &law_shapes[3]);
    uint8_t images[40 * 60];
    random_images(3, config.levels, sizeof images, images);
    prnn_data_options levels = PRNN_DATA_OPTIONS_INIT;
    levels.levels = config.levels;
    levels.values = PRNN_VALUES_LEVELS;
    prnn_data *data;
    assert_ok(ctx, prnn_data_from_memory(ctx, images, 40, config.height, config.width, 3, &levels, &data));
    prnn_model *model;
    assert_ok(ctx, prnn_model_create(ctx, &config, 1, &model));
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    options.out = out;
    options.steps = 1;
    options.ema = 0.9;
    options.teacher = teacher;
    prnn_trainer_needs needs;
    assert_ok(ctx, prnn_trainer_need(ctx, &config, &options, 40, true, &needs));
    size_t predicted = needs.own + needs.evaluation + prnn_need_total(&needs.gradient, 1),
           before = ctx->asked;
    assert_ok(ctx, prnn_train(ctx, model, data, data, &options));
    size_t asked = ctx->asked - before;
    /* Beside it are the lists of tensors of the files, the structs of networks, an image, and passes that are
     * opened again. */
    assert_in_range(asked, predicted, predicted + (teacher ? 128 << 10 : 64 << 10));
    assert_true(predicted > (1 << 20));
    prnn_model_free(model);
    prnn_data_free(data);
    snprintf(command, sizeof command, "rm -rf %s", out);
    assert_int_equal(system(command), 0);
}

static void test_training(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    assert_ok(ctx, prnn_context_set_threads(ctx, 1));
    check_training(ctx, NULL);
    prnn_config config = law_config(PRNN_DIAGONAL, &law_shapes[3]);
    const prnn_model *models[2];
    prnn_ensemble *teacher;
    config.layers = 5;
    law_model both[2] = {law_open(&config, 1), law_open(&config, 2)};
    for (int i = 0; i < 2; i++) {
        models[i] = both[i].model;
        assert_true(models[i]->network->plan.forward.count * sizeof(float) > (256 << 10));
    }
    assert_ok(ctx, prnn_ensemble_create(ctx, models, 2, &teacher));
    check_training(ctx, teacher);
    prnn_ensemble_free(teacher);
    law_close(&both[0]);
    law_close(&both[1]);
    prnn_context_free(ctx);
}

/* ------------------------------------------------------------------------------------- refusals */

static void test_fewer_threads(void **state) {
    (void)state;
    prnn_config config = law_config(PRNN_DIAGONAL, &law_shapes[2]);
    law_model m = law_open(&config, 4);
    enum { N = 40 };
    uint8_t *images = malloc(N * m.bytes), *drawn = malloc(N * m.bytes), *again = malloc(N * m.bytes);
    double nats[N], other[N], mean, other_mean;
    float *gradient = malloc(m.parameters * sizeof(float)), *same = malloc(m.parameters * sizeof(float));
    random_images(9, config.levels, N * m.bytes, images);
    prnn_context_set_threads(m.ctx, 4);
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, nats, NULL));
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, N, NULL, drawn));
    assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images, N, &mean, gradient));
    prnn_need need = prnn_passes_need(m.ctx, m.model->network, 32, 4);
    m.ctx->memory = prnn_need_total(&need, 2);
    prnn_passes passes;
    assert_ok(m.ctx, prnn_model_passes(m.ctx, m.model, 32, 4, &passes));
    assert_int_equal(passes.count, 2);
    prnn_passes_close(m.ctx, &passes);
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, N, NULL, other, NULL));
    m.ctx->memory = prnn_need_total(&need, 1);
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, N, NULL, again));
    prnn_network *network;
    int wanted;
    assert_ok(m.ctx, prnn_network_create(m.ctx, &config, true, PRNN_MAX_PARAMETERS, &network));
    prnn_need all = prnn_gradient_engine_need(m.ctx, network, (prnn_batch_kind){.images = N}, &wanted);
    assert_true(wanted > 1);
    m.ctx->memory = prnn_need_total(&all, 1);
    assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images, N, &other_mean, same));
    assert_memory_equal(nats, other, sizeof nats);
    assert_memory_equal(drawn, again, N * m.bytes);
    assert_memory_equal(gradient, same, m.parameters * sizeof(float));
    m.ctx->memory--;
    assert_int_equal(prnn_gradient(m.ctx, m.model, images, N, &other_mean, same), PRNN_ERROR_MEMORY);
    assert_non_null(strstr(prnn_message(m.ctx), "choose a smaller hidden size"));
    prnn_network_free(network);
    free(images);
    free(drawn);
    free(again);
    free(gradient);
    free(same);
    law_close(&m);
}

/* Hundreds of GB are refused before anything large is made. */
static void test_far_too_large(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    ctx->memory = (size_t)4 << 30;
    prnn_config config = PRNN_CONFIG_INIT;
    config.kind = PRNN_ROW;
    config.height = config.width = 5;
    config.hidden = 4096;
    config.layers = 3;
    uint8_t image[25] = {0};
    prnn_data *data;
    assert_ok(ctx, prnn_data_from_memory(ctx, image, 1, 5, 5, 1, NULL, &data));
    size_t before = ctx->asked;
    assert_int_equal(prnn_train_fits(ctx, &config, data, NULL, NULL), PRNN_ERROR_ARGUMENT); /* no folder */
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    options.out = "/tmp";
    assert_int_equal(prnn_train_fits(ctx, &config, data, NULL, &options), PRNN_ERROR_MEMORY);
    assert_non_null(strstr(prnn_message(ctx), "and 4.3 GB are there: choose a smaller hidden size"));
    prnn_model *model;
    assert_int_equal(prnn_model_create(ctx, &config, 0, &model), PRNN_ERROR_MEMORY);
    assert_non_null(strstr(prnn_message(ctx), "parameters needs"));
    assert_true(ctx->asked - before < 1 << 20);
    prnn_data_free(data);
    prnn_context_free(ctx);
}

/* ---------------------------------------------------------------------------- what a look needs */

static void *pack_shared(void *model) {
    prnn_context *ctx = prnn_context_create();
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(model, &config);
    uint8_t image[64] = {0};
    double nats = NAN;
    assert_ok(ctx, prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL));
    prnn_context_free(ctx);
    double *result = malloc(sizeof nats);
    *result = nats;
    return result;
}

/* A model that is loaded holds its weights once; the first pass packs them, whichever thread has it. */
static void test_packed_at_first_pass(void **state) {
    (void)state;
    char path[] = "/tmp/prnn_test_memory_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && close(file) == 0);
    prnn_config config = law_config(PRNN_ROW, &law_shapes[1]);
    config.hidden = 64;
    law_model m = law_open(&config, 2);
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    assert_ok(ctx, prnn_model_load(ctx, path, &model));
    assert_null(model->weights->packed);
    /* The file, its tensors, the weights and their masks. */
    assert_true(ctx->asked < m.parameters * 14);
    pthread_t threads[4];
    double *nats[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, pack_shared, model), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], (void **)&nats[i]);
        assert_true(*nats[i] == *nats[0]);
    }
    for (int i = 0; i < 4; i++) {
        free(nats[i]);
    }
    prnn_model_free(model);
    prnn_context_free(ctx);
    law_close(&m);
    unlink(path);
}

/* --------------------------------------------------------------------------- what there is */

static char root[] = "/tmp/prnn_test_memory_XXXXXX";

static void plant(const char *path, const char *text) {
    char name[512];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(name, 0777);
        *slash = '/';
    }
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const prnn_limits none = {SIZE_MAX, SIZE_MAX};

static size_t there(const prnn_limits *limits) {
    return prnn_memory_available_under(root, limits);
}

static void test_available(void **state) {
    (void)state;
    assert_non_null(mkdtemp(root));
    plant("/proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    8000 kB\n");
    assert_int_equal(there(&none), 8000 * 1024);
    plant("/proc/self/status", "Name:\tx\nVmSize:\t   1000 kB\nVmData:\t    500 kB\n");
    assert_int_equal(there(&(prnn_limits){3000 * 1024, SIZE_MAX}), 2000 * 1024);
    assert_int_equal(there(&(prnn_limits){SIZE_MAX, 3000 * 1024}), 2500 * 1024);
    assert_int_equal(there(&(prnn_limits){10, SIZE_MAX}), 0);

    plant("/proc/self/cgroup", "0::/a/b\n");
    plant("/sys/fs/cgroup/a/b/memory.max", "max\n");
    plant("/sys/fs/cgroup/a/b/memory.current", "5\n");
    assert_int_equal(there(&none), 8000 * 1024);
    plant("/sys/fs/cgroup/a/memory.max", "5000000\n");
    plant("/sys/fs/cgroup/a/memory.current", "3000000\n");
    assert_int_equal(there(&none), 2000000);
    plant("/sys/fs/cgroup/a/memory.stat", "anon 1\nfile 7\ninactive_file 1000000\nactive_file 9\n");
    assert_int_equal(there(&none), 3000000);
    plant("/sys/fs/cgroup/a/b/memory.max", "4\n");
    assert_int_equal(there(&none), 0);

    /* A container whose path is that of the host, and whose mount begins at its own group. */
    plant("/proc/self/cgroup", "12:cpu,memory:/docker/x\n3:name=systemd:/\n");
    plant("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
    plant("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1500000\n");
    plant("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
    assert_int_equal(there(&none), 600000);
    plant("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(there(&none), 8000 * 1024);

    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    assert_true(prnn_memory_available() > 0);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),      cmocka_unit_test(test_fewer_threads),
        cmocka_unit_test(test_far_too_large), cmocka_unit_test(test_packed_at_first_pass),
        cmocka_unit_test(test_available),
    };
    int failures = law_run("a model and its passes", test_model_and_passes);
    failures += law_run("a gradient", test_gradient);
    failures += law_run("every packed float once", test_visits);
    return failures + cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}

/* Networks on a GPU, or on what OpenCL has: of every kind and shape, with the bits of the CPU. */
#include "laws.h"

#include "gpu/state.h"

#include <unistd.h>

enum { IMAGES = 5, STEPS = 5, SKIPPED = 77 };

static prnn_context *device; /* its context */
static const char *name_of;  /* "opencl:0" */

/* A model as both have it. */
typedef struct pair {
    law_model cpu, gpu;
    uint8_t *images, *known;
} pair;

static pair open_pair(const prnn_config *c) {
    pair p = {.cpu = law_open(c, 3)};
    p.gpu = p.cpu;
    p.gpu.ctx = device;
    assert_ok(device, prnn_model_create(device, c, 3, &p.gpu.model));
    assert_ok(device, prnn_model_set_parameters(device, p.gpu.model, p.cpu.model->weights->parameters));
    p.images = malloc(IMAGES * p.cpu.bytes);
    p.known = calloc(p.cpu.bytes, 1);
    assert_true(p.images && p.known);
    random_images(7, c->levels, IMAGES * p.cpu.bytes, p.images);
    return p;
}

static void close_pair(pair *p) {
    prnn_model_free(p->gpu.model);
    law_close(&p->cpu);
    free(p->images);
    free(p->known);
}

static void expect_floats(const char *what, const float *own, const float *expected, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&own[i], &expected[i], sizeof *own) != 0) {
            fail_msg("%s: number %zu of %zu is %a, the CPU has %a", what, i, n, (double)own[i],
                     (double)expected[i]);
        }
    }
}

/* ------------------------------------------------------------------------------------- forward */

typedef struct answers {
    double nats[IMAGES];
    float *values, *logits, *expected; /* expected: entropies, then variances */
} answers;

static answers ask(const law_model *m, const prnn_model *model, const uint8_t *images) {
    size_t values = IMAGES * m->bytes;
    answers a = {.values = calloc(values, sizeof(float)),
                 .logits = calloc(values * m->logits, sizeof(float)),
                 .expected = calloc(2 * values, sizeof(float))};
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    assert_true(a.values && a.logits && a.expected);
    options.entropies = a.expected;
    options.variances = a.expected + values;
    assert_ok(m->ctx, prnn_logits(m->ctx, model, images, IMAGES, a.logits));
    assert_ok(m->ctx, prnn_evaluate(m->ctx, model, images, IMAGES, &options, a.nats, a.values));
    return a;
}

static void expect_answers(const law_model *m, answers own, answers expected) {
    size_t values = IMAGES * m->bytes;
    expect_floats("logits", own.logits, expected.logits, values * m->logits);
    expect_floats("values", own.values, expected.values, values);
    expect_floats("expectations", own.expected, expected.expected, 2 * values);
    assert_memory_equal(own.nats, expected.nats, sizeof own.nats);
    free(own.values);
    free(own.logits);
    free(own.expected);
}

/* A model that was made for the CPU goes through in smaller blocks. */
static void evaluates(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c);
    answers expected = ask(&p.cpu, p.cpu.model, p.images);
    expect_answers(&p.cpu, ask(&p.gpu, p.gpu.model, p.images), expected);
    expect_answers(&p.cpu, ask(&p.gpu, p.cpu.model, p.images), expected);
    free(expected.values);
    free(expected.logits);
    free(expected.expected);
    close_pair(&p);
}

/* ------------------------------------------------------------------------------------- samples */

/* What is not known of the images, or (of conditional models) given by a small image, is drawn. */
static uint8_t *draw(const law_model *m, const pair *p, double temperature) {
    prnn_sample_options o = PRNN_SAMPLE_OPTIONS_INIT;
    uint8_t *drawn = malloc(2 * IMAGES * m->bytes);
    o.seed = 11;
    o.temperature = temperature;
    assert_non_null(drawn);
    if (m->small) {
        uint8_t *small = malloc(IMAGES * m->small);
        for (size_t i = 0; i < IMAGES; i++) {
            law_small(m, p->images + i * m->bytes, small + i * m->small);
        }
        assert_ok(m->ctx, prnn_upscale(m->ctx, m->model, small, IMAGES, 2, &o, drawn));
        free(small);
    } else if (temperature == 1) {
        assert_ok(m->ctx, prnn_sample(m->ctx, m->model, 2 * IMAGES, &o, drawn));
    } else {
        assert_ok(m->ctx, prnn_complete(m->ctx, m->model, p->images, IMAGES, p->known, 2, &o, drawn));
    }
    return drawn;
}

static void draws(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c);
    for (size_t i = 0; i < (size_t)c.height * (size_t)c.width; i++) {
        p.known[i] = i % 5 < 2;
    }
    for (int turn = 0; turn < 2; turn++) {
        uint8_t *own = draw(&p.gpu, &p, turn ? 0.7 : 1), *expected = draw(&p.cpu, &p, turn ? 0.7 : 1);
        assert_memory_equal(own, expected, 2 * IMAGES * p.cpu.bytes);
        free(own);
        free(expected);
    }
    close_pair(&p);
}

/* A few steps of both: logits, then a level that is put or drawn. */
static void steps(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c);
    const law_model *both[2] = {&p.cpu, &p.gpu};
    prnn_stepper *stepper[2];
    float logits[2][3 * 256];
    uint8_t levels[2][3], put[3] = {0, 1, 1};
    for (int i = 0; i < 2; i++) {
        assert_ok(both[i]->ctx, prnn_stepper_create(both[i]->ctx, both[i]->model, 3, NULL, &stepper[i]));
    }
    for (int n = 0; n < 8 && prnn_stepper_next(stepper[0], NULL, NULL, NULL); n++) {
        for (int i = 0; i < 2; i++) {
            prnn_context *ctx = both[i]->ctx;
            assert_ok(ctx, prnn_stepper_logits(ctx, stepper[i], logits[i]));
            assert_ok(ctx, n % 3 == 1 ? prnn_stepper_put(ctx, stepper[i], put)
                                      : prnn_stepper_draw(ctx, stepper[i], levels[i]));
        }
        expect_floats("logits of a step", logits[1], logits[0], 3 * p.cpu.logits);
        assert_memory_equal(levels[0], levels[1], n % 3 == 1 ? 0 : sizeof levels[0]);
    }
    assert_int_equal(prnn_context_set_device(device, "cpu"), PRNN_ERROR_ARGUMENT); /* it is in use */
    for (int i = 0; i < 2; i++) {
        prnn_stepper_free(stepper[i]);
    }
    close_pair(&p);
}

/* ------------------------------------------------------------------------------------ training */

static void expect_gradient(const law_model *cpu, const law_model *gpu, const uint8_t *images, size_t count) {
    float *own = calloc(cpu->parameters, sizeof *own), *expected = calloc(cpu->parameters, sizeof *expected);
    double nats[2] = {0, 1};
    assert_ok(cpu->ctx, prnn_gradient(cpu->ctx, cpu->model, images, count, &nats[0], expected));
    assert_ok(gpu->ctx, prnn_gradient(gpu->ctx, gpu->model, images, count, &nats[1], own));
    assert_memory_equal(&nats[0], &nats[1], sizeof nats[0]);
    expect_floats("gradient", own, expected, cpu->parameters);
    prnn_batch batch = {.images = images, .n = (int)count, .dropout = law_dropout(0.4)};
    float *soft = cpu->config.components ? NULL : law_soft(cpu, 8, images, count * cpu->bytes);
    for (int turn = 0; turn < (soft ? 2 : 1); turn++) {
        nats[0] = law_gradient(cpu, &batch, expected);
        nats[1] = law_gradient(gpu, &batch, own);
        assert_ok(gpu->ctx, prnn_device_of(gpu->ctx)->check(gpu->ctx));
        assert_memory_equal(&nats[0], &nats[1], sizeof nats[0]);
        expect_floats(turn ? "gradient with soft targets" : "gradient with dropout", own, expected,
                      cpu->parameters);
        batch.soft = soft;
    }
    free(soft);
    free(own);
    free(expected);
}

static void has_the_gradient(void **state) {
    prnn_config c = law_of_state(state);
    pair p = open_pair(&c);
    expect_gradient(&p.cpu, &p.gpu, p.images, IMAGES);
    close_pair(&p);
}

/* So many images that lanes have several shards, and the last fewer than the others; and so large ones that
 * a row is more than a block of positions. */
static void has_gradients_of_many(void **state) {
    (void)state;
    enum { MOST = 330 };
    const struct {
        prnn_kind kind;
        int height, width;
        size_t count;
    } all[] = {
        {PRNN_CNN, 2, 3, MOST}, {PRNN_ROW, 3, 2, 131}, {PRNN_DIAGONAL, 2, 3, 259}, {PRNN_CNN, 9, 150, 2}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        prnn_config c = law_config(all[i].kind, &law_shapes[0]);
        c.height = all[i].height;
        c.width = all[i].width;
        pair p = open_pair(&c);
        uint8_t *images = malloc(all[i].count * p.cpu.bytes);
        random_images(5, c.levels, all[i].count * p.cpu.bytes, images);
        expect_gradient(&p.cpu, &p.gpu, images, all[i].count);
        free(images);
        close_pair(&p);
    }
}

/* On a device of less memory an evaluation has fewer images at a time, and a gradient says how many fit. */
static void fits_its_memory(void **state) {
    (void)state;
    enum { MOST = 200 };
    prnn_config c = law_config(PRNN_ROW, &law_shapes[0]);
    c.height = c.width = 24;
    pair p = open_pair(&c);
    uint8_t *images = malloc(MOST * p.cpu.bytes);
    double nats[2][MOST];
    float *gradient = calloc(p.cpu.parameters, sizeof *gradient);
    random_images(5, c.levels, MOST * p.cpu.bytes, images);
    prnn_gpu_info *info = &device->gpu->gpu->info;
    uint64_t largest = info->largest;
    info->largest = 4 << 20;
    assert_ok(p.cpu.ctx, prnn_evaluate(p.cpu.ctx, p.cpu.model, images, MOST, NULL, nats[0], NULL));
    assert_ok(device, prnn_evaluate(device, p.gpu.model, images, MOST, NULL, nats[1], NULL));
    assert_memory_equal(nats[0], nats[1], sizeof nats[0]);
    assert_int_equal(prnn_gradient(device, p.gpu.model, images, MOST, nats[1], gradient), PRNN_ERROR_MEMORY);
    const char *fit = strstr(prnn_message(device), "a smaller batch, of at most ");
    if (!fit) {
        fail_msg("%s", prnn_message(device));
    }
    unsigned most = (unsigned)atoi(fit + strlen("a smaller batch, of at most "));
    assert_in_range(most, 1, MOST - 1);
    assert_ok(device, prnn_gradient(device, p.gpu.model, images, most, nats[1], gradient));
    info->largest = largest;
    assert_ok(device, prnn_gradient(device, p.gpu.model, images, MOST, nats[1], gradient));
    free(images);
    free(gradient);
    close_pair(&p);
}

/* A batch that is too large is refused before anything begins, with the largest that fits, which then
 * trains. */
static void plans_its_training(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_ROW, &law_shapes[0]);
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    prnn_data_options as_levels = PRNN_DATA_OPTIONS_INIT;
    prnn_data *data = NULL;
    enum { MOST = 300 };
    c.height = c.width = 24;
    uint8_t *images = malloc(MOST * 24 * 24);
    random_images(5, c.levels, MOST * 24 * 24, images);
    as_levels.levels = c.levels;
    as_levels.values = PRNN_VALUES_LEVELS;
    assert_ok(device, prnn_data_from_memory(device, images, MOST, 24, 24, 1, &as_levels, &data));
    prnn_gpu_info *info = &device->gpu->gpu->info;
    uint64_t largest = info->largest, memory = info->memory;
    o.out = "gpu_networks_plan";
    o.steps = 1;
    o.batch = MOST;
    info->largest = info->memory = 8 << 20;
    assert_int_equal(prnn_train_fits(device, &c, data, NULL, &o), PRNN_ERROR_MEMORY);
    const char *fit = strstr(prnn_message(device), "choose a smaller batch, of at most ");
    if (!fit) {
        fail_msg("%s", prnn_message(device));
    }
    int most = atoi(fit + strlen("choose a smaller batch, of at most "));
    assert_in_range(most, 1, MOST - 1);
    o.batch = most + 1;
    assert_int_equal(prnn_train_fits(device, &c, data, NULL, &o), PRNN_ERROR_MEMORY);
    o.batch = most;
    assert_ok(device, prnn_train_fits(device, &c, data, NULL, &o));
    info->largest = largest;
    info->memory = memory;
    prnn_data_free(data);
    free(images);
}

/* Images that its memory does not hold whole go through in blocks of rows, as many as it does hold. */
static void resizes(void **state) {
    (void)state;
    enum { HEIGHT = 90, WIDTH = 40 };
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        prnn_config c = law_config(kind, &law_shapes[2]);
        pair p = open_pair(&c);
        uint8_t *images = malloc((size_t)2 * HEIGHT * WIDTH * 3);
        prnn_model *cpu, *gpu;
        double nats[2][2];
        random_images(5, c.levels, (size_t)2 * HEIGHT * WIDTH * 3, images);
        prnn_gpu_info *info = &device->gpu->gpu->info;
        uint64_t largest = info->largest;
        /* A small pass, so that nothing large is kept for the next one. */
        assert_ok(device, prnn_evaluate(device, p.gpu.model, p.images, 1, NULL, nats[1], NULL));
        info->largest = 4 << 20;
        assert_ok(p.cpu.ctx, prnn_model_resize(p.cpu.ctx, p.cpu.model, HEIGHT, WIDTH, &cpu));
        assert_ok(device, prnn_model_resize(device, p.gpu.model, HEIGHT, WIDTH, &gpu));
        assert_in_range(gpu->network->plan.block_rows, 2, HEIGHT - 1);
        assert_ok(p.cpu.ctx, prnn_evaluate(p.cpu.ctx, cpu, images, 2, NULL, nats[0], NULL));
        assert_ok(device, prnn_evaluate(device, gpu, images, 2, NULL, nats[1], NULL));
        assert_memory_equal(nats[0], nats[1], sizeof nats[0]);
        info->largest = largest;
        prnn_model_free(gpu);
        assert_ok(device, prnn_model_resize(device, p.gpu.model, HEIGHT, WIDTH, &gpu));
        assert_int_equal(gpu->network->plan.block_rows, HEIGHT);
        assert_ok(device, prnn_evaluate(device, gpu, images, 2, NULL, nats[1], NULL));
        assert_memory_equal(nats[0], nats[1], sizeof nats[0]);
        prnn_model_free(cpu);
        prnn_model_free(gpu);
        free(images);
        close_pair(&p);
    }
}

/* Weights after some updates of every kind, with validations between them. */
static float *train(const law_model *m, const prnn_model *model, const uint8_t *images,
                    prnn_train_options o) {
    const prnn_config *c = &m->config;
    char folder[64], command[96];
    prnn_data *data = NULL, *valid = NULL;
    prnn_model *trained = NULL;
    prnn_data_options as_levels = PRNN_DATA_OPTIONS_INIT;
    snprintf(folder, sizeof folder, "gpu_networks_%d", (int)getpid());
    snprintf(command, sizeof command, "rm -rf %s", folder);
    o.out = folder;
    as_levels.levels = c->levels;
    as_levels.values = PRNN_VALUES_LEVELS;
    assert_ok(m->ctx, prnn_model_create(m->ctx, c, 1, &trained));
    assert_ok(m->ctx, prnn_model_set_parameters(m->ctx, trained, model->weights->parameters));
    assert_ok(m->ctx, prnn_data_from_memory(m->ctx, images, IMAGES, c->height, c->width, c->channels,
                                            &as_levels, &data));
    assert_ok(m->ctx,
              prnn_data_from_memory(m->ctx, images, 2, c->height, c->width, c->channels, &as_levels, &valid));
    assert_ok(m->ctx, prnn_train(m->ctx, trained, data, valid, &o));
    assert_int_equal(system(command), 0);
    float *weights = malloc(m->parameters * sizeof *weights);
    assert_non_null(weights);
    memcpy(weights, trained->weights->parameters, m->parameters * sizeof *weights);
    prnn_model_free(trained);
    prnn_data_free(data);
    prnn_data_free(valid);
    return weights;
}

static void trains(void **state) {
    prnn_config c = law_of_state(state), other = c;
    int number = *(const int *)*state;
    pair p = open_pair(&c);
    prnn_ensemble *teacher = NULL;
    other.kind = (prnn_kind)((number / LAW_SHAPES + 1) % LAW_KINDS);
    law_model of_teacher = law_open(&other, 6);
    const prnn_model *models = of_teacher.model;
    assert_ok(of_teacher.ctx, prnn_ensemble_create(of_teacher.ctx, &models, 1, &teacher));
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.steps = STEPS;
    o.batch = 3;
    /* Not always the same shapes of a kind. */
    o.optimizer = (prnn_optimizer)((number + number / 12) % 4);
    o.beta1 = number / 2 % 2 ? 0.5 : -1;
    o.learning_rate = 0.01;
    o.clip = number % 3 ? 2 : 0;
    o.ema = number % 5 ? 0.5 : 0;
    o.dropout = number % 2 ? 0.3 : 0;
    o.weight_decay = number % 7 < 4 ? 2 : 0;
    o.flip = number % 5 == 0;
    o.teacher = number % 3 == 1 && !c.components ? teacher : NULL;
    float *own = train(&p.gpu, p.cpu.model, p.images, o), *expected = train(&p.cpu, p.cpu.model, p.images, o);
    expect_floats("trained weights", own, expected, p.cpu.parameters);
    free(own);
    free(expected);
    prnn_ensemble_free(teacher);
    law_close(&of_teacher);
    close_pair(&p);
}

/* ------------------------------------------------------------------------------------- devices */

static void knows_its_name(void **state) {
    (void)state;
    prnn_device_info info = PRNN_DEVICE_INFO_INIT;
    bool found = true, listed = false;
    assert_string_equal(prnn_context_device(device), name_of);
    for (size_t i = 0; found; i++) {
        assert_ok(device, prnn_device_describe(device, i, &info, &found));
        listed = listed || (found && strcmp(info.name, name_of) == 0 && !info.why_not[0] && info.memory > 0);
    }
    assert_true(listed);
}

static int run_all(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(knows_its_name), cmocka_unit_test(has_gradients_of_many),
        cmocka_unit_test(fits_its_memory), cmocka_unit_test(plans_its_training), cmocka_unit_test(resizes)};
    int failures = _cmocka_run_group_tests(name_of, others, sizeof others / sizeof *others, NULL, NULL);
    failures +=
        law_run("evaluates", evaluates) + law_run("draws", draws) + law_run_unconditional("steps", steps);
    return failures + law_run("has the gradient", has_the_gradient) + law_run("trains", trains);
}

/* test_gpu_networks [PATTERN [EXCEPT]] */
int main(int count, char **arguments) {
    static const char *const names[] = {"cuda:0", "opencl:0"};
    int failures = 0, used = 0;
    law_choose(count, arguments);
    for (int i = 0; i < 2; i++) {
        name_of = names[i];
        device = prnn_context_create();
        if (prnn_context_set_device(device, name_of) == PRNN_OK) {
            used++;
            failures += run_all();
        } else {
            print_message("%s: %s\n", name_of, prnn_message(device));
        }
        prnn_context_free(device);
    }
    return used ? failures != 0 : SKIPPED;
}

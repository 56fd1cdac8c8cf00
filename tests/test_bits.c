/* One arithmetic: every kernel, and whole evaluations, samples, completions, gradients and trainings of every
 * kind and output, give the bits that are recorded in bits.h, on every instruction set that the processor
 * has, with any number of threads, compiler and processor.
 *
 * PRNN_RECORD_BITS=1 test_bits prints the lines of bits.h instead: for a change that is meant to change bits,
 * which then also raises the number of prnn_context_arithmetic. */

#include <fenv.h>
#include <locale.h>
#include <unistd.h>

#define VECTOR 4
#include "base/real.h"
#include "kernels/vectors.h"

#include "bits.h"
#include "laws.h"
#include "problems.h"

/* ---------------------------------------------------------------------------------------- hashes */

/* FNV-1a of some bytes, after what came before. */
static uint64_t hashed(uint64_t hash, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
    return hash;
}

static const uint64_t NOTHING = 0xcbf29ce484222325u;

static uint64_t hashed_floats(uint64_t hash, const guarded *g) {
    return hashed(hash, g->at, g->n * sizeof *g->at);
}

/* `where`: instruction set and threads, for the message. */
static void expect_recorded(const char *where, const char *name, uint64_t hash) {
    if (getenv("PRNN_RECORD_BITS")) {
        printf("    {\"%s\", 0x%016llx},\n", name, (unsigned long long)hash);
        return;
    }
    for (size_t i = 0; i < sizeof recorded_bits / sizeof *recorded_bits; i++) {
        if (strcmp(recorded_bits[i].name, name) == 0) {
            if (recorded_bits[i].hash != hash) {
                fail_msg("%s gives other bits of %s: 0x%016llx instead of 0x%016llx", where, name,
                         (unsigned long long)hash, (unsigned long long)recorded_bits[i].hash);
            }
            return;
        }
    }
    fail_msg("bits.h has no %s", name);
}

/* --------------------------------------------------------------------------------------- kernels */

static const prnn_kernels *table_of(void **state) {
    const prnn_kernels *table = *state;
    random_state = 1;
    return table;
}

static void test_products(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING, gradient_hash = NOTHING;
    for (size_t r = 0; r < RANDOM_ROWS; r++) {
        problem_shape shape = {.rows = random_rows(r), .strips = 3, .panels = 1 + (int)(r % 4), .depth = 40};
        shape.layout = (layout)(r % LAYOUTS);
        problem *p = problem_new(k, shape, true, true);
        guarded out = guarded_new(p->rows * p->columns, 1), gradient = guarded_new(p->packed.n, 1);
        prnn_target target = {out.at, p->columns, r % 2 ? out.at : NULL, p->columns, r % 3 == 0};
        k->product(&p->factors, &target);
        hash = hashed_floats(hash, &out);
        k->product_gradient(&p->factors, out.at, p->columns, gradient.at);
        gradient_hash = hashed_floats(gradient_hash, &gradient);
        guarded_free(&out);
        guarded_free(&gradient);
        problem_free(p);
    }
    expect_recorded(k->name, "product", hash);
    expect_recorded(k->name, "product_gradient", gradient_hash);
}

/* Products that give gates, and those that give the gradient by states, of 32 hidden features. */
static void test_cells(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING, gradient_hash = NOTHING;
    for (size_t r = 0; r < RANDOM_ROWS; r++) {
        enum { HIDDEN = 2 * PRNN_PANEL };
        size_t rows = random_rows(r), n = rows * HIDDEN;
        problem *p = problem_new(k, (problem_shape){rows, 2, 4, IN_TURNS, 30, false}, true, true);
        problem *q = problem_new(k, (problem_shape){rows, 1, 2, SIDE_BY_SIDE, 30, false}, false, true);
        guarded before = guarded_new(n, 2), cell = guarded_new(n, 1), out = guarded_new(n, 1);
        guarded gates = guarded_new(4 * n, 3), dcell = guarded_new(n, 1), dgates = guarded_new(4 * n, 1);
        prnn_cells cells = {HIDDEN, r % 2 ? gates.at : NULL, before.at, gates.at, cell.at, out.at};
        k->product_lstm(&p->factors, &cells);
        hash = hashed_floats(hashed_floats(hashed_floats(hash, &cell), &out), &gates);
        prnn_cell_gradients gradients = {.hidden = HIDDEN,
                                         .add = r % 2 ? out.at : NULL,
                                         .gates = gates.at,
                                         .cell_before = before.at,
                                         .cell = cell.at,
                                         .dcell = dcell.at,
                                         .dgates = dgates.at};
        k->product_lstm_gradient(&q->factors, &gradients);
        gradient_hash = hashed_floats(hashed_floats(gradient_hash, &dcell), &dgates);
        guarded_free_all((guarded[]){before, cell, out, gates, dcell, dgates}, 6);
        problem_free(p);
        problem_free(q);
    }
    expect_recorded(k->name, "product_lstm", hash);
    expect_recorded(k->name, "product_lstm_gradient", gradient_hash);
}

static void test_elementwise(void **state) {
    const prnn_kernels *k = table_of(state);
    guarded a = guarded_new(320, 1), b = guarded_new(320, 1), c = guarded_new(320, 1);
    k->relu(a.n, a.at, c.at);
    uint64_t hash = hashed_floats(NOTHING, &c);
    k->relu_gradient(a.n, a.at, b.at);
    hash = hashed_floats(hash, &b);
    k->add(a.n, a.at, b.at, c.at);
    expect_recorded(k->name, "relu, relu_gradient, add", hashed_floats(hash, &c));
    k->dropout(&(prnn_drops){5, 7, UINT32_MAX - 9, 20000, 1.4f}, a.n, a.at, b.at, c.at);
    expect_recorded(k->name, "dropout", hashed_floats(NOTHING, &c));
    guarded_free_all((guarded[]){a, b, c}, 3);
}

static void test_softmax(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING, weights = NOTHING;
    for (int levels = 3; levels <= 256; levels += levels < 40 ? 1 : 27) {
        size_t n = (size_t)(levels + 15) / 16 * 16;
        for (int turn = 0; turn < 4; turn++) {
            guarded x = guarded_new(n, turn < 2 ? 5 : 60), p = guarded_new(n, 1);
            k->softmax_weights(x.at, levels, turn % 2 ? 0.7f : 1, p.at);
            weights = hashed_floats(weights, &p);
            float nats = k->softmax_nll(x.at, levels, (int)random_below((size_t)levels), turn % 2 ? 0.3f : 0);
            hash = hashed(hashed_floats(hash, &x), &nats, sizeof nats);
            guarded_free_all((guarded[]){x, p}, 2);
        }
    }
    expect_recorded(k->name, "softmax_nll", hash);
    expect_recorded(k->name, "softmax_weights", weights);
}

static void test_bernoulli(void **state) {
    const prnn_kernels *k = table_of(state);
    guarded x = guarded_new(4096, 30), v = guarded_new(4096, 1), nats = guarded_new(4096, 1);
    for (size_t i = 0; i < v.n; i++) {
        v.at[i] = v.at[i] > 0;
        x.at[i] = i % 3 ? x.at[i] : x.at[i] / 64;
    }
    k->bernoulli_nll(x.n, x.at, v.at, 0.25f, nats.at);
    expect_recorded(k->name, "bernoulli_nll", hashed_floats(hashed_floats(NOTHING, &x), &nats));
    guarded_free_all((guarded[]){x, v, nats}, 3);
}

/* Near and far from the means. */
static void test_logistics(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING, bins = NOTHING;
    for (int components = 1; components <= PRNN_MOST_COMPONENTS; components += 1 + components / 3) {
        prnn_logistics d = {.components = components, .levels = 256, .log_scale = -2};
        size_t n = (size_t)(components + 15) / 16 * 16;
        for (int j = 0; j < components; j++) {
            d.centres[j] = (float)(2 * j + 1 - components) / (float)components;
        }
        for (int turn = 0; turn < 12; turn++) {
            guarded x = guarded_new(3 * n, turn % 3 == 0 ? 1 : turn % 3 == 1 ? 8 : 200);
            guarded log_p = guarded_new(256, 1);
            k->logistics_log_p(&d, x.at, (prnn_bins){0, 1, 256}, log_p.at);
            k->logistics_log_p(&d, x.at, (prnn_bins){16, 16, 14}, log_p.at + 64);
            bins = hashed_floats(bins, &log_p);
            float nats = k->logistics_nll(&d, x.at, (int)random_below(256), turn % 2 ? 0.5f : 0);
            hash = hashed(hashed_floats(hash, &x), &nats, sizeof nats);
            guarded_free_all((guarded[]){x, log_p}, 2);
        }
    }
    expect_recorded(k->name, "logistics_nll", hash);
    expect_recorded(k->name, "logistics_log_p", bins);
}

/* What archives are coded with: of logits of all sizes, every level's interval. */
static void test_intervals(void **state) {
    static const struct {
        const char *name;
        int levels, components;
    } outputs[] = {{"bernoulli", 2, 0}, {"softmax", 256, 0}, {"logistics", 256, 10}};
    const prnn_kernels *k = table_of(state);
    for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++) {
        char name[64];
        prnn_config config = PRNN_CONFIG_INIT;
        uint64_t hash = NOTHING;
        config.levels = outputs[o].levels;
        config.components = outputs[o].components;
        config.output = config.components ? PRNN_LOGISTICS : PRNN_SOFTMAX;
        prnn_head head = prnn_head_of(&config);
        for (int turn = 0; turn < 400; turn++) {
            float logits[256];
            for (int i = 0; i < head.per_value; i++) {
                logits[i] = (float)(random_signed() * (turn % 4 == 3 ? 50 : turn % 4));
            }
            for (int level = turn % 5; level < config.levels; level += 5) {
                prnn_interval interval;
                assert_true(head.kind->interval(k, &head, logits, level, &interval));
                hash = hashed(hash, &interval, sizeof interval);
            }
        }
        snprintf(name, sizeof name, "%s intervals", outputs[o].name);
        expect_recorded(k->name, name, hash);
    }
}

static void test_dense(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING;
    for (size_t rows = 1; rows < 30; rows++) {
        guarded all[] = {guarded_new(rows * 9, 1), guarded_new(9 * 32, 1), guarded_new(rows * 32, 1)};
        guarded more = guarded_new(rows * 32, 1);
        prnn_dense product = {.rows = rows,
                              .columns = 32,
                              .depth = 9,
                              .left = all[0].at,
                              .left_stride = 9,
                              .right = all[1].at,
                              .right_stride = 32,
                              .out = all[2].at,
                              .out_stride = 32};
        k->dense(&product);
        hash = hashed_floats(hash, &all[2]);
        product.add = all[2].at;
        product.add_stride = 32;
        product.a = -1.7f;
        product.b = 0.3f;
        product.out = more.at;
        k->dense(&product);
        hash = hashed_floats(hash, &more);
        guarded_free_all(&more, 1);
        guarded_free_all(all, 3);
    }
    expect_recorded(k->name, "dense", hash);
}

static void test_steps(void **state) {
    const prnn_kernels *k = table_of(state);
    uint64_t hash = NOTHING;
    for (size_t n = 1; n < 70; n++) {
        guarded all[] = {guarded_new(n, 1), guarded_new(n, 1), guarded_new(n, 1), guarded_new(n, 1),
                         guarded_new(n, 1)};
        for (size_t i = 0; i < n; i++) {
            all[3].at[i] = fabsf(all[3].at[i]);
        }
        prnn_step step = {0.01f, n % 2 ? 0.9f : 0, 0.99f, 1e-8f, 0.3f, 1.3f, 1.7f, 0.99f, 0};
        prnn_state s = {n, all[0].at, all[1].at, all[2].at, all[3].at, n % 3 ? all[4].at : NULL};
        k->rmsprop(&step, &s);
        k->adam(&step, &s);
        k->sgd(&step, &s);
        for (int i = 1; i < 5; i++) {
            hash = hashed_floats(hash, &all[i]);
        }
        guarded_free_all(all, 5);
    }
    expect_recorded(k->name, "rmsprop, adam, sgd", hash);
}

/* -------------------------------------------------------------------------------------- networks */

static const law_shape shapes[] = {
    {"grey", 6, 7, 1, 2, 2, 5, 6, true, true, 0, 0, 0},
    {"colour", 5, 6, 3, 19, 2, 7, 20, true, false, 0, 0, 0},
    {"mixture", 5, 4, 3, 256, 1, 18, 9, false, true, 0, 0, 5},
    {"conditional", 8, 8, 1, 9, 2, 6, 7, true, false, 2, 3, 0},
};

enum { SHAPES = sizeof shapes / sizeof *shapes, IMAGES = 11 };

static char folder[] = "/tmp/prnn_test_bits_XXXXXX";

typedef struct network {
    prnn_context *ctx;
    prnn_model *model;
    prnn_config config;
    const char *where;
    char name[64];
    size_t bytes, small, logits;
    uint8_t images[IMAGES * 512];
} network;

/* The model's own beginning has logits of zero: every unmasked weight moves a little. */
static void move_weights(network *net) {
    size_t n = prnn_model_parameter_count(net->model, false);
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    random_state = 3;
    for (size_t t = 0; t < prnn_model_tensor_count(net->model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(net->model, t, &tensor);
        for (size_t i = 0; i < tensor.count; i++) {
            bool unmasked = !prnn_model_parameter_is_masked(net->model, tensor.offset + i);
            values[tensor.offset + i] = unmasked ? tensor.values[i] + (float)(random_signed() * 0.4) : 0;
        }
    }
    assert_ok(net->ctx, prnn_model_set_parameters(net->ctx, net->model, values));
    free(values);
}

static network *network_new(const char *cpu, const char *precision, int threads, prnn_kind kind,
                            const law_shape *shape) {
    static char where[64];
    network *net = calloc(1, sizeof *net);
    assert_non_null(net);
    net->config = law_config(kind, shape);
    net->ctx = prnn_context_create();
    assert_ok(net->ctx, prnn_context_set_cpu(net->ctx, cpu));
    assert_ok(net->ctx, prnn_context_set_precision(net->ctx, precision));
    assert_ok(net->ctx, prnn_context_set_threads(net->ctx, threads));
    assert_ok(net->ctx, prnn_model_create(net->ctx, &net->config, 1, &net->model));
    snprintf(where, sizeof where, "%s in %s with %d threads", cpu, precision, threads);
    snprintf(net->name, sizeof net->name, "%s%s, %s", strcmp(precision, "fp32") == 0 ? "" : "bf16 ",
             prnn_kind_name(kind), shape->name);
    net->where = where;
    net->bytes = (size_t)(shape->height * shape->width * shape->channels);
    net->small = (size_t)(shape->condition_size * shape->condition_size * shape->channels);
    net->logits = prnn_logits_per_value(net->model);
    move_weights(net);
    random_images(7, shape->levels, IMAGES * net->bytes, net->images);
    return net;
}

static void network_free(network *net) {
    prnn_model_free(net->model);
    prnn_context_free(net->ctx);
    free(net);
}

static void expect_call(const network *net, const char *call, uint64_t hash) {
    char name[128];
    snprintf(name, sizeof name, "%s: %s", net->name, call);
    expect_recorded(net->where, name, hash);
}

static void check_evaluation(network *net) {
    double nats[IMAGES], logs[256];
    size_t values = IMAGES * net->bytes;
    float *own = malloc(values * sizeof *own), *logits = malloc(values * net->logits * sizeof *logits);
    assert_true(own && logits);
    assert_ok(net->ctx, prnn_evaluate(net->ctx, net->model, net->images, IMAGES, NULL, nats, own));
    assert_ok(net->ctx, prnn_logits(net->ctx, net->model, net->images, IMAGES, logits));
    uint64_t hash = hashed(hashed(NOTHING, nats, sizeof nats), own, values * sizeof *own);
    hash = hashed(hash, logits, values * net->logits * sizeof *logits);
    for (size_t i = 0; i < 20; i++) {
        assert_ok(net->ctx, prnn_log_probabilities(net->ctx, net->model, logits + i * net->logits, 1, logs));
        hash = hashed(hash, logs, (size_t)net->config.levels * sizeof *logs);
    }
    expect_call(net, "evaluate", hash);
    free(own);
    free(logits);
}

/* What is expected of values. */
static void check_information(network *net) {
    double nats[IMAGES];
    size_t values = IMAGES * net->bytes;
    float *own = malloc(2 * values * sizeof *own);
    assert_non_null(own);
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.entropies = own;
    options.variances = own + values;
    assert_ok(net->ctx, prnn_evaluate(net->ctx, net->model, net->images, IMAGES, &options, nats, NULL));
    expect_call(net, "information", hashed(NOTHING, own, 2 * values * sizeof *own));
    free(own);
}

static void check_gradient(network *net) {
    size_t n = prnn_model_parameter_count(net->model, false);
    float *gradient = malloc(n * sizeof *gradient);
    double nats;
    assert_non_null(gradient);
    assert_ok(net->ctx, prnn_gradient(net->ctx, net->model, net->images, IMAGES, &nats, gradient));
    expect_call(net, "gradient", hashed(hashed(NOTHING, &nats, sizeof nats), gradient, n * sizeof *gradient));
    free(gradient);
}

/* Also completion and, with a mixture, both ways to draw. */
static void check_samples(network *net) {
    uint8_t *drawn = malloc(2 * IMAGES * net->bytes), known[64] = {0};
    assert_non_null(drawn);
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    uint64_t hash = NOTHING;
    for (int turn = 0; turn < 2; turn++) {
        options.seed = 5 + (uint64_t)turn;
        options.temperature = turn ? 0.8 : 1;
        if (net->small) {
            assert_ok(net->ctx, prnn_upscale(net->ctx, net->model, net->images, IMAGES, 2, &options, drawn));
        } else {
            assert_ok(net->ctx, prnn_sample(net->ctx, net->model, 2 * IMAGES, &options, drawn));
        }
        hash = hashed(hash, drawn, 2 * IMAGES * net->bytes);
    }
    expect_call(net, "sample", hash);
    for (int i = 0; i < net->config.height * net->config.width; i++) {
        bool kept = net->small ? i % 8 != 3 : i % 3 == 0;
        known[i] = kept;
    }
    assert_ok(net->ctx, prnn_complete(net->ctx, net->model, net->images, IMAGES, known, 2, &options, drawn));
    expect_call(net, "complete", hashed(NOTHING, drawn, 2 * IMAGES * net->bytes));
    free(drawn);
}

/* With soft targets of a network of the next kind. */
static prnn_ensemble *teacher_for(network *net, const law_shape *shape, network **teacher) {
    prnn_ensemble *ensemble = NULL;
    *teacher = network_new(prnn_context_cpu(net->ctx), prnn_context_precision(net->ctx), 1,
                           (prnn_kind)((net->config.kind + 1) % LAW_KINDS), shape);
    const prnn_model *model = (*teacher)->model;
    assert_ok(net->ctx, prnn_ensemble_create(net->ctx, &model, 1, &ensemble));
    return ensemble;
}

/* `small_set`: as one would train on few images. */
static void check_training(network *net, prnn_optimizer optimizer, bool small_set,
                           const prnn_ensemble *teacher) {
    static int serial;
    char out[128];
    snprintf(out, sizeof out, "%s/run%d", folder, serial++);
    prnn_data *data = NULL;
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    how.levels = net->config.levels;
    how.values = PRNN_VALUES_LEVELS;
    const prnn_config *c = &net->config;
    assert_ok(net->ctx, prnn_data_from_memory(net->ctx, net->images, IMAGES, c->height, c->width, c->channels,
                                              &how, &data));
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.steps = 20;
    o.batch = 7;
    o.optimizer = optimizer;
    o.learning_rate = 0.01;
    o.schedule = optimizer == PRNN_SGD ? PRNN_STEP : PRNN_COSINE;
    o.warmup_steps = 3;
    o.beta1 = optimizer == PRNN_RMSPROP ? 0.5 : 0.9;
    o.ema = optimizer == PRNN_ADAM ? 0.9 : 0;
    o.clip = 5;
    o.out = out;
    o.flip = small_set;
    o.shift = small_set ? 1 : 0;
    o.dropout = small_set ? 0.3 : 0;
    o.weight_decay = small_set ? 0.5 : 0;
    o.teacher = teacher;
    assert_ok(net->ctx, prnn_train(net->ctx, net->model, data, data, &o));
    uint64_t hash = NOTHING;
    for (size_t t = 0; t < prnn_model_tensor_count(net->model); t++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(net->model, t, &tensor);
        hash = hashed(hash, tensor.values, tensor.count * sizeof *tensor.values);
    }
    prnn_data_free(data);
    expect_call(net,
                teacher                  ? "train with a teacher"
                : small_set              ? "train on few images"
                : optimizer == PRNN_MUON ? "train by muon"
                                         : "train",
                hash);
}

static void check_certificate(network *net) {
    char path[128];
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    prnn_check_options options = PRNN_CHECK_OPTIONS_INIT;
    options.positions = 4;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_ok(net->ctx, prnn_model_save(net->ctx, net->model, path));
    assert_ok(net->ctx, prnn_check(net->ctx, path, &options, &found));
    assert_true(found.passed);
    const double figures[] = {found.difference, found.worst_sum, (double)found.kernels.moved,
                              (double)found.plain.moved};
    expect_call(net, "check", hashed(NOTHING, figures, sizeof figures));
}

static void check_networks(const char *cpu, const char *precision, int threads) {
    for (int kind = 0; kind < LAW_KINDS; kind++) {
        for (int s = 0; s < SHAPES; s++) {
            network *net = network_new(cpu, precision, threads, (prnn_kind)kind, &shapes[s]);
            check_evaluation(net);
            check_information(net);
            check_gradient(net);
            check_samples(net);
            if (s == 0) {
                check_certificate(net);
            }
            check_training(net, (prnn_optimizer)(s % 3), false, NULL);
            check_training(net, (prnn_optimizer)(s % 3), true, NULL);
            if (s < 2) {
                check_training(net, PRNN_MUON, false, NULL);
            }
            if (shapes[s].components == 0 && strcmp(precision, "fp32") == 0) {
                network *teaching;
                prnn_ensemble *teacher = teacher_for(net, &shapes[s], &teaching);
                check_training(net, PRNN_ADAM, false, teacher);
                prnn_ensemble_free(teacher);
                network_free(teaching);
            }
            network_free(net);
        }
    }
}

static void test_networks(void **state) {
    const char *cpu = table_of(state)->name;
    const int threads[] = {7, 2, 1};
    bool once = getenv("PRNN_RECORD_BITS") || getenv("PRNN_LAWS_EVERY"); /* on an emulator */
    for (int i = 0; i < (once ? 1 : 3); i++) {
        check_networks(cpu, "fp32", threads[i]);
    }
}

/* Where the processor has it: the same bits for any number of threads. */
static void test_networks_in_bf16(void **state) {
    const prnn_kernels *k = table_of(state);
    for (int threads = 1; threads <= 2 && prnn_kernels_in_bf16(k); threads++) {
        check_networks(k->name, "bf16", threads);
    }
}

/* ------------------------------------------------------------------------------------ arithmetic */

static float random_float(uint32_t exponents) {
    uint32_t bits = (uint32_t)random_below((size_t)1 << 32), sign = bits & 0x80000000u;
    uint32_t exponent = 127 - exponents / 2 + (uint32_t)random_below(exponents);
    bits = sign | exponent << 23 | (bits & (random_below(2) ? 0x7fffffu : 0x7ff000u));
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Rounded once, also where a double would be rounded to a tie, and where the result is denormal. */
static void test_fused(void **state) {
    (void)state;
    random_state = 1;
    for (int turn = 0; turn < 400000; turn++) {
        vf a, b, c;
        uint32_t exponents = turn % 4 == 0 ? 250 : turn % 4 == 1 ? 130 : 8;
        for (int i = 0; i < VECTOR; i++) {
            a[i] = random_float(exponents);
            b[i] = turn % 4 == 2 ? a[i] * 0.5f : random_float(exponents);
            c[i] = random_float(exponents);
            c[i] = turn % 8 == 3 ? -a[i] * b[i] : turn % 8 == 5 ? c[i] * 0x1p-126f : c[i];
        }
        vf own = vfma(a, b, c);
        for (int i = 0; i < VECTOR; i++) {
            float expected = fmaf(a[i], b[i], c[i]), got = own[i];
            if (memcmp(&expected, &got, sizeof got) != 0 && !isnan(expected)) {
                fail_msg("%a * %a + %a is %a, not %a", (double)a[i], (double)b[i], (double)c[i],
                         (double)expected, (double)got);
            }
        }
    }
}

static void expect_error(const char *what, double x, double own, long double exact, long double bound) {
    if (!(fabsl(own - exact) <= bound)) {
        fail_msg("%s(%a) is %a, off by %Lg", what, x, own, own - exact);
    }
}

/* The errors that real.h states, where long double is more than double, and recorded bits everywhere. */
static void test_real_functions(void **state) {
    (void)state;
    uint64_t hash = NOTHING;
    random_state = 1;
    for (int i = 0; i < 200000; i++) {
        double u = random_signed(), x = i % 2 ? u * 700 : u * 2, y = prnn_exp(x), z = 1 + u * 0.9;
        double all[] = {y,
                        prnn_log(y),
                        prnn_log(z),
                        prnn_tanh(u * 20),
                        prnn_cos_pi(fabs(u)),
                        prnn_power(fabs(u), (uint64_t)(i % 3000))};
        hash = hashed(hash, all, sizeof all);
        if (sizeof(long double) > 8 && LDBL_MANT_DIG >= 64) {
            expect_error("exp", x, y, expl(x), 0x1p-52L * expl(x));
            expect_error("log", y, all[1], logl(y), 0x1p-52L * fabsl(logl(y)));
            expect_error("log", z, all[2], logl(z), 0x1p-52L * fabsl(logl(z)));
            expect_error("tanh", u * 20, all[3], tanhl(u * 20), 0x1p-51L);
            expect_error("cos pi", fabs(u), all[4], cosl(3.14159265358979323846264338327950288L * fabs(u)),
                         0x1p-51L);
        }
    }
    expect_recorded("plain C", "exp, log, tanh, cos_pi, power", hash);
    assert_true(prnn_exp(-INFINITY) == 0 && prnn_exp(INFINITY) == INFINITY && isnan(prnn_exp(NAN)));
    assert_true(prnn_log(0) == -INFINITY && isnan(prnn_log(-1)) && prnn_log(INFINITY) == INFINITY);
    assert_true(prnn_exp(0) == 1 && prnn_log(1) == 0 && prnn_cos_pi(0) == 1 && prnn_cos_pi(1) == -1);
    assert_true(prnn_exp(-745) == 0x1p-1074 && isnan(prnn_log(NAN)) && isnan(prnn_tanh(NAN)));
}

typedef struct place {
    locale_t locale;
    char point[4];
} place;

static bool see_locale(void *user, const prnn_progress *progress) {
    place *p = user;
    (void)progress;
    p->locale = uselocale((locale_t)0);
    snprintf(p->point, sizeof p->point, "%s", localeconv()->decimal_point);
    return true;
}

/* Numbers are printed and read as in C's locale, whatever the thread has. */
static void test_locale(void **state) {
    (void)state;
    network *net = network_new("auto", "fp32", 2, PRNN_DIAGONAL, &shapes[1]);
    locale_t of_caller = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    place inside = {of_caller, ""};
    assert_true(of_caller != (locale_t)0);
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.progress = see_locale;
    options.user = &inside;
    double nats[IMAGES];
    locale_t before = uselocale(of_caller);
    assert_ok(net->ctx, prnn_evaluate(net->ctx, net->model, net->images, IMAGES, &options, nats, NULL));
    assert_true(uselocale(before) == of_caller);
    assert_true(inside.locale != of_caller && inside.locale != LC_GLOBAL_LOCALE);
    assert_string_equal(inside.point, ".");
    freelocale(of_caller);
    network_free(net);
}

/* What a caller has set for its own computations. */
static void test_environment(void **state) {
    (void)state;
    network *net = network_new("auto", "fp32", 2, PRNN_DIAGONAL, &shapes[1]);
    const prnn_model *chain[] = {net->model};
    double before[IMAGES], after[IMAGES];
    assert_ok(net->ctx, law_evaluate_chain(net->ctx, chain, 1, net->images, IMAGES, before, NULL));
    const double mixed = prnn_mixture_nats(before, IMAGES);
#ifdef FE_UPWARD
    assert_int_equal(fesetround(FE_UPWARD), 0);
#endif
#ifdef __SSE__
    unsigned set = _mm_getcsr() | 0x8040; /* flush results and operands to zero */
    _mm_setcsr(set);
#endif
    prnn_context *ctx = prnn_context_create();
    assert_ok(ctx, prnn_context_set_threads(ctx, 3));
    assert_ok(ctx, law_evaluate_chain(ctx, chain, 1, net->images, IMAGES, after, NULL));
    const double mixed_again = prnn_mixture_nats(before, IMAGES);
    prnn_context_free(ctx);
#ifdef __SSE__
    assert_int_equal(_mm_getcsr() & 0xffc0, set & 0xffc0);
    _mm_setcsr(set & ~0x8040u);
#endif
#ifdef FE_UPWARD
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
#endif
    assert_memory_equal(before, after, sizeof before);
    assert_memory_equal(&mixed, &mixed_again, sizeof mixed);
    network_free(net);
}

/* ------------------------------------------------------------------------------------------- all */

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* All tables that there are here, or (to record) the best. */
static int run_tables(const struct CMUnitTest *tests, size_t n) {
    int failures = 0, used = 0;
    for (int i = 0; prnn_kernels_at(i) && !(used && getenv("PRNN_RECORD_BITS")); i++) {
        const prnn_kernels *table = prnn_kernels_at(i);
        struct CMUnitTest all[16] = {{0}};
        if (!table->supported()) {
            print_message("this processor has no %s\n", table->name);
            continue;
        }
        for (size_t t = 0; t < n; t++) {
            all[t] = tests[t];
            all[t].initial_state = (void *)table;
        }
        used++;
        failures += _cmocka_run_group_tests(table->name, all, n, NULL, NULL);
    }
    return failures;
}

int main(int argc, char **argv) {
    law_choose(argc, argv);
    const struct CMUnitTest kernels[] = {
        cmocka_unit_test(test_products),    cmocka_unit_test(test_cells),
        cmocka_unit_test(test_elementwise), cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_bernoulli),   cmocka_unit_test(test_logistics),
        cmocka_unit_test(test_intervals),   cmocka_unit_test(test_steps),
        cmocka_unit_test(test_networks),    cmocka_unit_test(test_networks_in_bf16),
        cmocka_unit_test(test_dense),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_fused),
        cmocka_unit_test(test_real_functions),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_environment),
    };
    int failures = make_folder(NULL) + cmocka_run_group_tests(others, NULL, NULL);
    failures += run_tables(kernels, sizeof kernels / sizeof *kernels);
    return failures + remove_folder(NULL);
}

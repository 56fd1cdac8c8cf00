/* The trainer against its formulas: optimizers, batches and draws, schedules, the moving average. */
#include "training.h"

#include "base/random.h"
#include "train/optimizer.h"

/* ------------------------------------------------------------------------------------ optimizers */

/* The state of a naive training run in double; `weights` are floats because networks have floats. */
typedef struct naive {
    size_t n;
    double *weights, *moment1, *moment2, *ema;
    float *gradient;
} naive;

static double *zeros(size_t n) {
    double *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static naive naive_create(const prnn_model *model) {
    naive s = {.n = prnn_model_parameter_count(model, false)};
    s.weights = zeros(s.n);
    s.moment1 = zeros(s.n);
    s.moment2 = zeros(s.n);
    s.ema = zeros(s.n);
    s.gradient = malloc(s.n * sizeof(float));
    assert_non_null(s.gradient);
    for (size_t i = 0; i < s.n; i++) {
        s.weights[i] = s.ema[i] = (double)model->weights->parameters[i];
    }
    return s;
}

static void naive_free(naive *s) {
    free(s->weights);
    free(s->moment1);
    free(s->moment2);
    free(s->ema);
    free(s->gradient);
}

/* c = a b, or with `turned` a b', of n x depth by depth x m matrices. */
static void multiply(int n, int depth, int m, const double *a, const double *b, bool turned, double *c) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
            double sum = 0;
            for (int k = 0; k < depth; k++) {
                sum += a[i * depth + k] * (turned ? b[j * depth + k] : b[k * m + j]);
            }
            c[i * m + j] = sum;
        }
    }
}

/* x, of rows x columns, becomes nearly its polar factor: by the formulas of Jordan et al. */
static void newton_schulz(int rows, int columns, double *x) {
    double *a = zeros((size_t)(rows * rows)), *aa = zeros((size_t)(rows * rows)),
           *ax = zeros((size_t)(rows * columns)), square = 0;
    for (int i = 0; i < rows * columns; i++) {
        square += x[i] * x[i];
    }
    for (int i = 0; i < rows * columns; i++) {
        x[i] /= sqrt(square) + 1e-7;
    }
    for (int step = 0; step < 5; step++) {
        multiply(rows, columns, rows, x, x, true, a);
        multiply(rows, rows, rows, a, a, false, aa);
        for (int i = 0; i < rows * rows; i++) {
            aa[i] = -4.775 * a[i] + 2.0315 * aa[i];
        }
        multiply(rows, rows, columns, aa, x, false, ax);
        for (int i = 0; i < rows * columns; i++) {
            x[i] = 3.4445 * x[i] + ax[i];
        }
    }
    free(a);
    free(aa);
    free(ax);
}

/* The columns of a tensor with an unmasked number; returns how many. */
static int open_columns(const prnn_model *model, const prnn_parameter *p, int *columns) {
    int width = (int)p->count / p->shape[0], count = 0;
    for (int column = 0; column < width; column++) {
        bool open = false;
        for (int row = 0; row < p->shape[0]; row++) {
            open |= !prnn_model_parameter_is_masked(model, p->offset + (size_t)(row * width + column));
        }
        if (open) {
            columns[count++] = column;
        }
    }
    return count;
}

/* The step of a matrix of a layer, whichever side is longer: the polar factor of x' is that of x, turned. */
static void naive_muon(naive *s, const prnn_model *model, const prnn_parameter *p,
                       const prnn_train_options *o, double rate, double scale) {
    int columns[4096], rows = p->shape[0], width = (int)p->count / rows,
                       open = open_columns(model, p, columns);
    double *x = zeros((size_t)(rows * open)), b1 = o->beta1;
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < open; c++) {
            size_t i = p->offset + (size_t)(r * width + columns[c]);
            double g = scale * (double)s->gradient[i];
            s->moment1[i] = b1 * s->moment1[i] + (1 - b1) * g;
            x[r * open + c] = b1 * s->moment1[i] + (1 - b1) * g;
        }
    }
    newton_schulz(rows, open, x);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < open; c++) {
            size_t i = p->offset + (size_t)(r * width + columns[c]);
            double step = 0.2 * sqrt(rows > open ? rows : open) * x[r * open + c];
            s->weights[i] -= rate * o->weight_decay * s->weights[i];
            s->weights[i] -= prnn_model_parameter_is_masked(model, i) ? 0 : rate * step;
        }
    }
    free(x);
}

/* Which parameters are muon's matrices: all that are not vectors, but for these. */
static bool has_matrix(const prnn_parameter *p) {
    static const char *const others[] = {"input.", "head.", "upsampler."};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strncmp(p->name, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return p->rank > 1;
}

static void muon_step(naive *s, const prnn_model *model, const prnn_train_options *o, double rate,
                      double scale) {
    const prnn_plan *plan = &model->network->plan;
    for (int t = 0; t < plan->parameter_count; t++) {
        if (has_matrix(&plan->parameters[t])) {
            naive_muon(s, model, &plan->parameters[t], o, rate, scale);
        }
    }
}

static bool is_in_matrix(const prnn_model *model, size_t i) {
    const prnn_parameter *p = model->network->plan.parameters;
    while (i >= p->offset + p->count) {
        p++;
    }
    return has_matrix(p);
}

static bool decays(const prnn_model *model, size_t i) {
    const prnn_parameter *p = model->network->plan.parameters;
    while (i >= p->offset + p->count) {
        p++;
    }
    return p->rank > 1;
}

static void naive_step(naive *s, const prnn_model *model, const prnn_train_options *o, double rate,
                       int step) {
    double square = 0, scale = 1, b1 = o->beta1, b2 = o->beta2;
    for (size_t i = 0; i < s->n; i++) {
        square += (double)s->gradient[i] * (double)s->gradient[i];
    }
    if (o->clip > 0 && sqrt(square) > o->clip) {
        scale = o->clip / sqrt(square);
    }
    double decay = fmin(o->ema, (1.0 + step) / (10.0 + step));
    if (o->optimizer == PRNN_MUON) {
        muon_step(s, model, o, rate, scale);
    }
    for (size_t i = 0; i < s->n; i++) {
        if (o->optimizer == PRNN_MUON && is_in_matrix(model, i)) {
            s->ema[i] = decay * s->ema[i] + (1 - decay) * s->weights[i];
            continue;
        }
        s->weights[i] -= decays(model, i) ? rate * o->weight_decay * s->weights[i] : 0;
        double g = scale * (double)s->gradient[i], *m = &s->moment1[i], *v = &s->moment2[i];
        if (o->optimizer == PRNN_SGD) {
            *m = b1 * *m + g;
            s->weights[i] -= rate * *m;
        } else if (o->optimizer == PRNN_RMSPROP) {
            *v = b2 * *v + (1 - b2) * g * g;
            *m = b1 * *m + g / (sqrt(*v) + o->epsilon);
            s->weights[i] -= rate * *m;
        } else {
            *m = b1 * *m + (1 - b1) * g;
            *v = b2 * *v + (1 - b2) * g * g;
            double mean = *m / (1 - pow(b1, step + 1)), root = sqrt(*v / (1 - pow(b2, step + 1)));
            s->weights[i] -= rate * mean / (root + o->epsilon);
        }
        s->ema[i] = decay * s->ema[i] + (1 - decay) * s->weights[i];
    }
}

/* The batch of step `step` as the trainer should choose it. */
static size_t batch_of(const prnn_train_options *o, const prnn_data *data, uint64_t step, uint8_t *images) {
    uint64_t count = prnn_data_count(data), batch = (uint64_t)o->batch;
    uint64_t per_epoch = (count + batch - 1) / batch, order[VALID];
    prnn_random_permutation(o->seed, step / per_epoch, count, order);
    size_t first = step % per_epoch * batch, n = count - first < batch ? count - first : batch;
    for (size_t i = 0; i < n; i++) {
        size_t index = order[first + i];
        assert_ok(prnn_data_read(ctx, data, &index, 1, o->seed, step / per_epoch, images + i * PIXELS));
    }
    return n;
}

static double distance(size_t n, const float *a, const double *b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += b[i] * b[i];
    }
    return sqrt(difference / size);
}

/* Trains by prnn_train, and by the naive formulas with gradients of prnn_gradient, and compares. */
static void compare_with_naive(prnn_train_options o, prnn_config config) {
    prnn_model *model = make_model(&config), *other = make_model(&config);
    prnn_data *data = make_data(TRAIN, 1, NULL);
    o.out = fresh("naive");
    assert_ok(prnn_train(ctx, model, data, NULL, &o));
    prnn_optimizer_defaults(&o);
    naive s = naive_create(other);
    uint8_t images[VALID * PIXELS];
    for (uint64_t step = 0; step < o.steps; step++) {
        size_t n = batch_of(&o, data, step, images);
        double nats;
        assert_ok(prnn_gradient(ctx, other, images, n, &nats, s.gradient));
        naive_step(&s, other, &o, o.learning_rate, (int)step);
        for (size_t i = 0; i < s.n; i++) {
            other->weights->parameters[i] = (float)s.weights[i];
        }
        assert_ok(prnn_model_set_parameters(ctx, other, other->weights->parameters));
    }
    prnn_safetensors *st = checkpoint_of(o.out);
    double error = distance(s.n, block_of(st, "weights"), s.weights);
    if (!(error < 2e-5)) {
        fail_msg("optimizer %d, momentum %g, clip %g: off by %g", (int)o.optimizer, o.beta1, o.clip, error);
    }
    if (o.ema > 0) {
        assert_true(distance(s.n, block_of(st, "ema"), s.ema) < 2e-5);
    }
    /* Without validation images, what is saved are the last weights or their average. */
    assert_memory_equal(model->weights->parameters, block_of(st, o.ema > 0 ? "ema" : "weights"),
                        s.n * sizeof(float));
    prnn_safetensors_free(st);
    naive_free(&s);
    prnn_model_free(model);
    prnn_model_free(other);
    prnn_data_free(data);
}

static void optimizers_are_their_formulas(void **state) {
    (void)state;
    static const double momenta[] = {-1, 0.5};
    for (prnn_optimizer optimizer = PRNN_RMSPROP; optimizer <= PRNN_MUON; optimizer++) {
        for (int m = 0; m < 2; m++) {
            /* With ReLUs, matrices have singular values of nothing but rounding, which muon makes large. */
            prnn_kind kind = optimizer != PRNN_MUON ? PRNN_CNN : m ? PRNN_DIAGONAL : PRNN_ROW;
            prnn_train_options o = options_for(NULL);
            o.optimizer = optimizer;
            o.learning_rate = 0.003;
            o.beta1 = momenta[m];
            o.epsilon = 1e-4; /* keeps g / |g| of the first step smooth */
            compare_with_naive(o, tiny(kind));
            o.clip = 0.7;
            o.ema = 0.6;
            compare_with_naive(o, tiny(kind));
            o.clip = 1e9; /* above every gradient */
            o.ema = 0.1;
            o.beta2 = 0.7;
            o.weight_decay = 0.5;
            compare_with_naive(o, tiny(kind));
        }
    }
}

/* Matrices of several pieces of work. */
static void large_matrices_are_made_orthogonal(void **state) {
    (void)state;
    static const int hidden[] = {13, 28};
    for (int i = 0; i < 2; i++) {
        prnn_config config = tiny(i ? PRNN_ROW : PRNN_DIAGONAL);
        prnn_train_options o = options_for(NULL);
        config.hidden = hidden[i];
        o.optimizer = PRNN_MUON;
        o.learning_rate = 0.003;
        o.steps = 3;
        compare_with_naive(o, config);
    }
}

/* p - lr g, rounded once, to the last bit; also the batches: partial ones, and one that holds all images. */
static void check_sgd(int batch, prnn_kind kind, const prnn_data_options *how) {
    prnn_config config = tiny(kind);
    prnn_model *model = make_model(&config), *other = make_model(&config);
    prnn_data *data = make_data(TRAIN, 1, how);
    size_t n = prnn_model_parameter_count(model, false);
    float *gradient = malloc(n * sizeof *gradient);
    prnn_train_options o = options_for(fresh("sgd"));
    o.optimizer = PRNN_SGD;
    o.learning_rate = 0.0123;
    o.batch = batch;
    o.steps = 5;
    assert_ok(prnn_train(ctx, model, data, NULL, &o));
    float rate = (float)o.learning_rate;
    for (uint64_t step = 0; step < o.steps; step++) {
        uint8_t images[TRAIN * PIXELS];
        double nats;
        assert_ok(prnn_gradient(ctx, other, images, batch_of(&o, data, step, images), &nats, gradient));
        for (size_t i = 0; i < n; i++) {
            other->weights->parameters[i] = fmaf(-rate, gradient[i], other->weights->parameters[i]);
        }
        assert_ok(prnn_model_set_parameters(ctx, other, other->weights->parameters));
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(model->weights->parameters[i] == other->weights->parameters[i]);
    }
    free(gradient);
    prnn_model_free(model);
    prnn_model_free(other);
    prnn_data_free(data);
}

static void sgd_is_exact_for_every_batch(void **state) {
    (void)state;
    static const int batches[] = {TRAIN, 4, 9, 1, TRAIN + 1, 65536};
    for (int i = 0; i < 6; i++) {
        check_sgd(batches[i], (prnn_kind)(i % 3), NULL);
    }
}

/* Colours mask parts of columns, too. */
static prnn_data *make_set(int channels) {
    if (channels == 1) {
        return make_data(TRAIN, 1, NULL);
    }
    static uint8_t images[TRAIN * PIXELS * 3];
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    prnn_data *data;
    how.levels = 2;
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = (uint8_t)(i * i / 7 % 2 * 255);
    }
    assert_ok(prnn_data_from_memory(ctx, images, TRAIN, SIDE, SIDE, 3, &how, &data));
    return data;
}

static void check_masked(prnn_optimizer optimizer, prnn_kind kind, int channels) {
    prnn_config config = tiny(kind);
    config.channels = channels;
    config.hidden = 2 * channels;
    config.head = 3 * channels;
    prnn_model *model = make_model(&config);
    prnn_data *data = make_set(channels);
    prnn_train_options o = options_for(fresh("masked"));
    o.optimizer = optimizer;
    o.beta1 = 0.9;
    o.ema = 0.5;
    assert_ok(prnn_train(ctx, model, data, NULL, &o));
    prnn_safetensors *st = checkpoint_of(o.out);
    size_t masked = 0, n = prnn_model_parameter_count(model, false);
    for (size_t b = 0; b < st->count; b++) {
        assert_int_equal(st->entries[b].count, n);
        const float *block = st->entries[b].data;
        for (size_t i = 0; i < n; i++) {
            bool is_masked = prnn_model_parameter_is_masked(model, i);
            assert_true(isfinite(block[i]) && (!is_masked || block[i] == 0));
            masked += is_masked;
        }
    }
    assert_true(masked > 0);
    prnn_safetensors_free(st);
    prnn_data_free(data);
    prnn_model_free(model);
}

static void masked_weights_stay_zero(void **state) {
    (void)state;
    for (prnn_optimizer optimizer = PRNN_RMSPROP; optimizer <= PRNN_MUON; optimizer++) {
        for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
            check_masked(optimizer, kind, 1);
            check_masked(optimizer, kind, 3);
        }
    }
}

/* ------------------------------------------------------------------------------------ polar factors */

enum { HIGH = 20, WIDE = 33 };

/* The polar factor of a tensor of HIGH x WIDE numbers, each times `size`. */
static void polar_of(const float *numbers, float size, bool turned, float *result) {
    uint32_t columns[WIDE];
    float mean[HIGH * WIDE] = {0};
    prnn_polar p = {
        .width = turned ? HIGH : WIDE, .rows = HIGH, .columns = WIDE, .turned = turned, .factor = 1};
    prnn_polar_list list = {.list = &p, .count = 1, .columns = columns};
    prnn_block gradient = {.memory = result, .count = HIGH * WIDE},
               of_mean = {.memory = mean, .count = HIGH * WIDE};
    for (uint32_t i = 0; i < WIDE; i++) {
        columns[i] = i;
    }
    for (int i = 0; i < HIGH * WIDE; i++) {
        int at = turned ? i % WIDE * HIGH + i / WIDE : i;
        result[at] = numbers[i] * size;
    }
    assert_ok(prnn_cpu.allocate_raw(ctx, prnn_polar_floats(&p), "a test", &list.scratch));
    prnn_cpu.polar(ctx, &list, 0.5f, 1, of_mean, gradient);
    prnn_cpu.release(&list.scratch);
}

static double inner(const float *a, const float *b, int n, int step) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)a[i * step] * (double)b[i * step];
    }
    return sum;
}

/* Rows are nearly orthogonal to each other and nearly of length 1, for numbers of any size; of those too
 * small to have squares, and of those too large, nothing is left, and nothing is ever infinite. */
static void steps_are_orthogonal(void **state) {
    (void)state;
    float numbers[HIGH * WIDE], own[HIGH * WIDE], turned[HIGH * WIDE];
    for (int i = 0; i < HIGH * WIDE; i++) {
        numbers[i] = (float)sin(i * 1.7 + i * i * 0.3);
    }
    for (int exponent = -46; exponent <= 38; exponent++) {
        polar_of(numbers, (float)pow(10, exponent), false, own);
        polar_of(numbers, (float)pow(10, exponent), true, turned);
        for (int i = 0; i < HIGH; i++) {
            double length = sqrt(inner(own + i * WIDE, own + i * WIDE, WIDE, 1));
            bool all = exponent >= -5 && exponent <= 17;
            assert_true(length < 1.21 && (!all || length > 0.68));
            for (int j = 0; j < i; j++) {
                assert_true(fabs(inner(own + i * WIDE, own + j * WIDE, WIDE, 1)) < 0.5);
            }
            for (int j = 0; j < WIDE; j++) {
                assert_true(own[i * WIDE + j] == turned[j * HIGH + i]);
            }
        }
        assert_true(inner(own, numbers, HIGH * WIDE, 1) >= 0);
        assert_true((exponent > -20 && exponent < 19) || fabsf(own[0]) < 1e-9f);
    }
}

static void binarize_sample_draws_anew(void **state) {
    (void)state;
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    how.levels = 2;
    how.binarize_sample = true;
    prnn_data *data = make_data(TRAIN, 1, &how);
    uint8_t images[4][TRAIN * PIXELS];
    static const struct { uint64_t seed, epoch; } draws[] = {{1, 0}, {1, 1}, {1, 0}, {2, 0}};
    for (int d = 0; d < 4; d++) {
        for (size_t i = 0; i < TRAIN; i++) {
            assert_ok(
                prnn_data_read(ctx, data, &i, 1, draws[d].seed, draws[d].epoch, images[d] + i * PIXELS));
        }
    }
    assert_memory_not_equal(images[0], images[1], sizeof images[0]);
    assert_memory_equal(images[0], images[2], sizeof images[0]);
    assert_memory_not_equal(images[0], images[3], sizeof images[0]);
    prnn_data_free(data);
    check_sgd(4, PRNN_ROW, &how); /* two epochs: the draws of the trainer are those of its epochs */
    check_sgd(TRAIN, PRNN_CNN, &how);
}

/* ------------------------------------------------------------------------------------- schedules */

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected) + 1e-300)) {
        fail_msg("%.17g, not %.17g", value, expected);
    }
}

static void schedules(void **state) {
    (void)state;
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.learning_rate = 2;
    near(prnn_learning_rate(&o, 0, 10, 0), 2);
    near(prnn_learning_rate(&o, 9, 10, 3), 2);
    o.schedule = PRNN_COSINE;
    o.final_fraction = 0.25;
    near(prnn_learning_rate(&o, 0, 11, 0), 2);
    near(prnn_learning_rate(&o, 5, 11, 0), 1.25);
    near(prnn_learning_rate(&o, 10, 11, 0), 0.5);
    near(prnn_learning_rate(&o, 11, 11, 0), 0.5);
    near(prnn_learning_rate(&o, 0, 1, 0), 2); /* a single step is a first one */
    o.final_fraction = 0;
    near(prnn_learning_rate(&o, 2, 9, 0), 1 + sqrt(0.5));
    assert_true(fabs(prnn_learning_rate(&o, 8, 9, 0)) < 1e-15);
    o.schedule = PRNN_STEP;
    o.decay_factor = 0.1;
    o.decay_epochs = 3;
    near(prnn_learning_rate(&o, 0, 100, 2), 2);
    near(prnn_learning_rate(&o, 0, 100, 3), 0.2);
    near(prnn_learning_rate(&o, 0, 100, 5), 0.2);
    near(prnn_learning_rate(&o, 0, 100, 6), 0.02);
    o.schedule = PRNN_CONSTANT;
    o.warmup_steps = 3;
    for (uint64_t step = 0; step < 5; step++) {
        near(prnn_learning_rate(&o, step, 100, 0), step < 3 ? 2 * ((double)step + 1) / 4 : 2);
    }
    o.schedule = PRNN_COSINE;
    o.final_fraction = 0.5;
    near(prnn_learning_rate(&o, 1, 3, 0), 0.75); /* 2 (0.5 + 0.5 / 2) 2 / 4 */
}

/* The log tells the rate that a step had. */
static void the_log_has_the_rates(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("rates"));
    o.learning_rate = 0.01;
    o.schedule = PRNN_STEP;
    o.decay_epochs = 1;
    o.warmup_steps = 1;
    o.log_every = 1;
    assert_ok(train_kind(PRNN_CNN, &o, false)); /* three steps an epoch */
    static const double rates[] = {0.005, 0.01, 0.01, 0.005, 0.005, 0.005, 0.0025};
    bytes b = slurp(o.out, "metrics.csv");
    const char *line = b.data;
    for (int i = 0; i < 7; i++) {
        line = strchr(line, '\n') + 1;
        unsigned long long step;
        double epoch, seconds, rate, nats;
        assert_int_equal(sscanf(line, "%llu,%lf,%lf,%lf,%lf,", &step, &epoch, &seconds, &rate, &nats), 5);
        assert_int_equal(step, i + 1);
        assert_true(fabs(epoch - (i + 1) / 3.0) < 1e-4 && fabs(rate - rates[i]) < 1e-9);
        assert_true(nats > 0 && nats < 100);
    }
    assert_null(strchr(strchr(line, '\n') + 1, '\n'));
    free(b.data);
}

static void the_moving_average(void **state) {
    (void)state;
    assert_true(fabs((double)prnn_ema_keep(0.99, 0) - 1.0 / 10) < 1e-7);
    assert_true(fabs((double)prnn_ema_keep(0.99, 10) - 11.0 / 20) < 1e-7);
    assert_true(fabs((double)prnn_ema_keep(0.99, 100000) - 0.99) < 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_are_their_formulas),
        cmocka_unit_test(large_matrices_are_made_orthogonal),
        cmocka_unit_test(sgd_is_exact_for_every_batch),
        cmocka_unit_test(masked_weights_stay_zero),
        cmocka_unit_test(steps_are_orthogonal),
        cmocka_unit_test(binarize_sample_draws_anew),
        cmocka_unit_test(schedules),
        cmocka_unit_test(the_log_has_the_rates),
        cmocka_unit_test(the_moving_average),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

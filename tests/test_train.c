/* Training: the optimizers against their formulas, runs that are stopped, killed, resumed, extended and
 * damaged, and disks that are full. */
#include "base/memory.h"
#include "base/random.h"
#include "model/model.h"
#include "train/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDE = 4, PIXELS = SIDE * SIDE, TRAIN = 10, VALID = 70, PATH = 256 };

static prnn_context *ctx;
static char top[] = "/tmp/prnn_test_train_XXXXXX";

/* ------------------------------------------------------------------------------- the disk, hooked */

/* The library calls these instead of the system's: nothing needs to reach the disk here, and a process can
 * die at any one of them. */
static int disk_calls, die_at;

static void disk_call(void) {
    if (++disk_calls == die_at) {
        _exit(9);
    }
}

int fsync(int fd) {
    (void)fd;
    disk_call();
    return 0;
}

int rename(const char *from, const char *to) {
    disk_call();
    unlink(to); /* a folder stays, and link then fails */
    if (link(from, to) != 0) {
        return -1;
    }
    return unlink(from);
}

/* --------------------------------------------------------------------------------------- folders */

static void path_in(char *path, const char *folder, const char *name) {
    snprintf(path, PATH, "%s/%s", folder, name);
}

static void clear(const char *folder) {
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[PATH * 2];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && unlink(path) != 0) {
            clear(path);
        }
    }
    if (d) {
        closedir(d);
    }
    rmdir(folder);
}

/* A folder of that name that is not there yet. */
static const char *fresh(const char *name) {
    static char paths[4][PATH];
    static int turn;
    char *path = paths[turn++ % 4];
    path_in(path, top, name);
    clear(path);
    return path;
}

static int count_files(const char *folder) {
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        n += e->d_name[0] != '.';
    }
    if (d) {
        closedir(d);
    }
    return n;
}

typedef struct bytes {
    char *data; /* ends with 0 */
    size_t size;
} bytes;

static bytes slurp(const char *folder, const char *name) {
    char path[PATH];
    path_in(path, folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fail_msg("%s cannot be read", path);
        abort();
    }
    bytes b = {malloc(1 << 20), 0};
    assert_non_null(b.data);
    b.size = fread(b.data, 1, (1 << 20) - 1, f);
    b.data[b.size] = 0;
    fclose(f);
    return b;
}

static void spill(const char *folder, const char *name, const void *data, size_t size) {
    char path[PATH];
    path_in(path, folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static const char *const run_files[] = {"model.safetensors", "checkpoint.safetensors", "metrics.csv"};

static void copy_run(const char *from, const char *to) {
    clear(to);
    mkdir(to, 0777);
    for (int i = 0; i < 3; i++) {
        char path[PATH];
        path_in(path, from, run_files[i]);
        if (access(path, F_OK) == 0) {
            bytes b = slurp(from, run_files[i]);
            spill(to, run_files[i], b.data, b.size);
            free(b.data);
        }
    }
}

static void assert_same_file(const char *a, const char *b, const char *name) {
    bytes x = slurp(a, name), y = slurp(b, name);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    free(x.data);
    free(y.data);
}

/* Cuts out the columns seconds (2) and images_per_second (6), which are times. */
static void strip_times(bytes *b) {
    char *to = b->data;
    int column = 0;
    for (const char *from = b->data; *from; from++) {
        column = *from == '\n' ? 0 : column + (*from == ',');
        if (*from == ',' || *from == '\n' || (column != 2 && column != 6)) {
            *to++ = *from;
        }
    }
    *to = 0;
    b->size = (size_t)(to - b->data);
}

static void assert_same_metrics(const char *a, const char *b) {
    bytes x = slurp(a, "metrics.csv"), y = slurp(b, "metrics.csv");
    strip_times(&x);
    strip_times(&y);
    assert_string_equal(x.data, y.data);
    free(x.data);
    free(y.data);
}

static prnn_safetensors *checkpoint_of(const char *folder) {
    char path[PATH];
    path_in(path, folder, "checkpoint.safetensors");
    prnn_safetensors *st;
    if (prnn_safetensors_read(ctx, path, &st) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    return st;
}

/* The tensors, and the state of the run but for times. */
static void assert_same_checkpoint(const char *a, const char *b) {
    static const char *const state[] = {"step",      "validated",  "logged",    "nats_sum", "images",
                                        "last_nats", "valid_nats", "best_nats", "best_step"};
    prnn_safetensors *x = checkpoint_of(a), *y = checkpoint_of(b);
    assert_int_equal(x->count, y->count);
    for (size_t i = 0; i < x->count; i++) {
        const prnn_safetensors_entry *e = &x->entries[i], *f = prnn_safetensors_find(y, e->name);
        assert_non_null(f);
        assert_int_equal(e->bytes, f->bytes);
        assert_memory_equal(e->data, f->data, e->bytes);
    }
    for (size_t i = 0; i < sizeof state / sizeof *state; i++) {
        assert_string_equal(prnn_safetensors_metadata(x, state[i]), prnn_safetensors_metadata(y, state[i]));
    }
    prnn_safetensors_free(x);
    prnn_safetensors_free(y);
}

/* ------------------------------------------------------------------------------- models and data */

static prnn_config tiny(prnn_kind kind) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = c.width = SIDE;
    c.levels = 2;
    c.layers = 2;
    c.hidden = 2;
    c.head = 3;
    c.skip = true;
    return c;
}

/* A tiny model with logits that do not start at zero, so that all gradients are there from the first step. */
static prnn_model *make_model(const prnn_config *config) {
    prnn_model *model;
    if (prnn_model_create(ctx, config, 1, &model) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    for (size_t i = 0; i < prnn_model_parameter_count(model, false); i++) {
        if (prnn_model_parameter_is_open(model, i)) {
            model->parameters[i] += 0.2f * (float)sin((double)(i * i + 1));
        }
    }
    assert_int_equal(prnn_model_set_parameters(ctx, model, model->parameters), PRNN_OK);
    return model;
}

static prnn_data *make_data(size_t count, int shift, const prnn_data_options *options) {
    uint8_t *images = malloc(count * PIXELS);
    assert_non_null(images);
    for (size_t i = 0; i < count * PIXELS; i++) {
        size_t image = i / PIXELS, row = i % PIXELS / SIDE, col = i % SIDE;
        images[i] = (row + (size_t)shift * col + image * image % 3) % 3 == 0 ? 200 : 60;
    }
    prnn_data_options two = PRNN_DATA_OPTIONS_INIT;
    two.levels = 2;
    prnn_data *data;
    assert_int_equal(
        prnn_data_from_memory(ctx, images, count, SIDE, SIDE, 1, options ? options : &two, &data), PRNN_OK);
    free(images);
    return data;
}

static double mean_nats(const prnn_model *model, const prnn_data *data) {
    double total = 0;
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model_config(model, &c);
    uint8_t *image = malloc((size_t)(c.height * c.width * c.channels));
    for (size_t i = 0; i < prnn_data_count(data); i++) {
        double nats;
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        assert_int_equal(prnn_evaluate(ctx, model, image, 1, &nats, NULL), PRNN_OK);
        total += nats;
    }
    free(image);
    return total / (double)prnn_data_count(data);
}

static prnn_train_options options_for(const char *out) {
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.out = out;
    o.steps = 7;
    o.batch = 4;
    o.seed = 5;
    return o;
}

/* Everything at once: what a resumed run has to bring back. */
static prnn_train_options full_options(const char *out) {
    prnn_train_options o = options_for(out);
    o.optimizer = PRNN_ADAM;
    o.schedule = PRNN_COSINE;
    o.learning_rate = 0.02;
    o.warmup_steps = 2;
    o.final_fraction = 0.1;
    o.clip = 3;
    o.ema = 0.9;
    o.valid_every = 3;
    o.log_every = 2;
    return o;
}

static prnn_status train_kind(prnn_kind kind, const prnn_train_options *o, bool validate) {
    prnn_config config = tiny(kind);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = validate ? make_data(VALID, 2, NULL) : NULL;
    prnn_status status = prnn_train(ctx, model, train, valid, o);
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
    return status;
}

static prnn_status train_full(const prnn_train_options *o) {
    return train_kind(PRNN_ROW, o, true);
}

static void assert_ok(prnn_status status) {
    if (status != PRNN_OK) {
        fail_msg("%d: %s", (int)status, prnn_message(ctx));
    }
}

/* One sentence that holds `says`. */
static void assert_says(const char *says) {
    const char *message = prnn_message(ctx);
    assert_null(strchr(message, '\n'));
    if (!*message || !strstr(message, says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, message);
    }
}

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
        s.weights[i] = s.ema[i] = (double)model->parameters[i];
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

static void naive_step(naive *s, const prnn_train_options *o, double rate, int step) {
    double square = 0, scale = 1, b1 = o->beta1, b2 = o->beta2;
    for (size_t i = 0; i < s->n; i++) {
        square += (double)s->gradient[i] * (double)s->gradient[i];
    }
    if (o->clip > 0 && sqrt(square) > o->clip) {
        scale = o->clip / sqrt(square);
    }
    double decay = fmin(o->ema, (1.0 + step) / (10.0 + step));
    for (size_t i = 0; i < s->n; i++) {
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

static const float *block_of(const prnn_safetensors *st, const char *name) {
    const prnn_safetensors_entry *e = prnn_safetensors_find(st, name);
    assert_non_null(e);
    return e->data;
}

/* Trains by prnn_train, and by the naive formulas with gradients of prnn_gradient, and compares. */
static void compare_with_naive(prnn_train_options o) {
    prnn_config config = tiny(PRNN_CNN);
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
        naive_step(&s, &o, o.learning_rate, (int)step);
        for (size_t i = 0; i < s.n; i++) {
            other->parameters[i] = (float)s.weights[i];
        }
        assert_ok(prnn_model_set_parameters(ctx, other, other->parameters));
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
    assert_memory_equal(model->parameters, block_of(st, o.ema > 0 ? "ema" : "weights"), s.n * sizeof(float));
    prnn_safetensors_free(st);
    naive_free(&s);
    prnn_model_free(model);
    prnn_model_free(other);
    prnn_data_free(data);
}

static void optimizers_are_their_formulas(void **state) {
    (void)state;
    static const double momenta[] = {-1, 0.5};
    for (prnn_optimizer optimizer = PRNN_RMSPROP; optimizer <= PRNN_SGD; optimizer++) {
        for (int m = 0; m < 2; m++) {
            prnn_train_options o = options_for(NULL);
            o.optimizer = optimizer;
            o.learning_rate = 0.003;
            o.beta1 = momenta[m];
            o.epsilon = 1e-4; /* keeps g / |g| of the first step smooth */
            compare_with_naive(o);
            o.clip = 0.7;
            o.ema = 0.6;
            compare_with_naive(o);
            o.clip = 1e9; /* above every gradient */
            o.ema = 0.1;
            o.beta2 = 0.7;
            compare_with_naive(o);
        }
    }
}

/* p - lr g, to the last bit; also the batches: partial ones, and one that holds all images. */
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
            other->parameters[i] -= rate * gradient[i];
        }
        assert_ok(prnn_model_set_parameters(ctx, other, other->parameters));
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(model->parameters[i] == other->parameters[i]);
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

static void masked_weights_stay_zero(void **state) {
    (void)state;
    for (prnn_optimizer optimizer = PRNN_RMSPROP; optimizer <= PRNN_SGD; optimizer++) {
        for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
            prnn_config config = tiny(kind);
            prnn_model *model = make_model(&config);
            prnn_data *data = make_data(TRAIN, 1, NULL);
            prnn_train_options o = options_for(fresh("masked"));
            o.optimizer = optimizer;
            o.beta1 = 0.9;
            o.ema = 0.5;
            assert_ok(prnn_train(ctx, model, data, NULL, &o));
            prnn_safetensors *st = checkpoint_of(o.out);
            size_t closed = 0, n = prnn_model_parameter_count(model, false);
            for (size_t b = 0; b < st->count; b++) {
                assert_int_equal(st->entries[b].count, n);
                const float *block = st->entries[b].data;
                for (size_t i = 0; i < n; i++) {
                    bool open = prnn_model_parameter_is_open(model, i);
                    assert_true(isfinite(block[i]) && (open || block[i] == 0));
                    closed += !open;
                }
            }
            assert_true(closed > 0);
            prnn_safetensors_free(st);
            prnn_data_free(data);
            prnn_model_free(model);
        }
    }
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
    float weights[2] = {1, -2}, ema[2] = {0, 0};
    prnn_ema_update(0.99, 0, 2, weights, ema); /* keeps 1/10 */
    assert_true(fabs((double)ema[0] - 0.9) < 1e-6 && fabs((double)ema[1] + 1.8) < 1e-6);
    prnn_ema_update(0.99, 10, 2, weights, ema); /* keeps 11/20 */
    assert_true(fabs((double)ema[0] - (0.9 * 0.55 + 0.45)) < 1e-6);
    ema[0] = 0;
    prnn_ema_update(0.99, 100000, 2, weights, ema);
    assert_true(fabs((double)ema[0] - 0.01) < 1e-6);
}

/* -------------------------------------------------------------------------------------- learning */

static void every_kind_learns(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        prnn_config config = tiny((prnn_kind)(i % 3));
        config.hidden = 6;
        config.head = 8;
        config.skip = i < 3;
        if (i >= 3) {
            config.channels = 3;
            config.levels = 4;
        }
        uint8_t images[TRAIN * PIXELS * 3];
        size_t size = (size_t)(PIXELS * config.channels);
        for (size_t k = 0; k < TRAIN * size; k++) {
            images[k] = (uint8_t)((k % size / 3 + k / size) % (size_t)config.levels * 64);
        }
        prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
        how.levels = config.levels;
        prnn_data *data;
        assert_ok(prnn_data_from_memory(ctx, images, TRAIN, SIDE, SIDE, config.channels, &how, &data));
        prnn_model *model;
        assert_ok(prnn_model_create(ctx, &config, 1, &model));
        double before = mean_nats(model, data);
        assert_true(fabs(before - (double)size * log(config.levels)) < 1e-3);
        prnn_train_options o = options_for(fresh("learns"));
        o.optimizer = i % 2 ? PRNN_ADAM : PRNN_RMSPROP;
        o.learning_rate = 0.01;
        o.steps = 60;
        assert_ok(prnn_train(ctx, model, data, NULL, &o));
        double after = mean_nats(model, data);
        print_message("%s, %d channels: %.2f -> %.2f nats\n", prnn_kind_name(config.kind), config.channels,
                      before, after);
        assert_true(after < 0.8 * before);
        prnn_model_free(model);
        prnn_data_free(data);
    }
}

static void threads_do_not_matter(void **state) {
    (void)state;
    char first[PATH];
    snprintf(first, sizeof first, "%s", fresh("threads1"));
    for (int threads = 1; threads <= 3; threads++) {
        prnn_context_set_threads(ctx, threads);
        char name[32];
        snprintf(name, sizeof name, "threads%d", threads);
        prnn_config config = tiny(PRNN_DIAGONAL);
        prnn_model *model = make_model(&config);
        prnn_data *train = make_data(60, 1, NULL), *valid = make_data(VALID, 2, NULL);
        prnn_train_options o = full_options(fresh(name));
        o.batch = 29; /* four shards, the last of five images; then a last batch of two */
        assert_ok(prnn_train(ctx, model, train, valid, &o));
        assert_same_file(o.out, first, "model.safetensors");
        assert_same_checkpoint(o.out, first);
        assert_same_metrics(o.out, first);
        prnn_data_free(train);
        prnn_data_free(valid);
        prnn_model_free(model);
    }
    prnn_context_set_threads(ctx, 1);
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

/* ------------------------------------------------------------------------------- best validation */

typedef struct watch {
    int calls, stop_at;
    double best, valid, lowest;
} watch;

static bool watching(void *user, const prnn_progress *p) {
    watch *w = user;
    assert_true(p->total > 0 && p->done <= p->total && p->seconds >= 0);
    w->best = p->best_nats;
    w->valid = p->valid_nats;
    w->lowest = isnan(w->lowest) || p->valid_nats < w->lowest ? p->valid_nats : w->lowest;
    return ++w->calls != w->stop_at;
}

static void the_best_validation_is_kept(void **state) {
    (void)state;
    for (int average = 0; average < 2; average++) {
        prnn_config config = tiny(PRNN_CNN);
        config.hidden = 6;
        prnn_model *model = make_model(&config), *loaded;
        prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
        watch w = {.lowest = NAN};
        prnn_train_options o = options_for(fresh("best"));
        o.learning_rate = 0.02;
        o.steps = 100;
        o.valid_every = 5;
        o.ema = average ? 0.8 : 0;
        o.progress = watching;
        o.user = &w;
        assert_ok(prnn_train(ctx, model, train, valid, &o));
        assert_true(w.valid > w.best); /* it learnt the training images by heart */
        assert_true(w.lowest == w.best);
        char path[PATH];
        path_in(path, o.out, "model.safetensors");
        assert_ok(prnn_model_load(ctx, path, &loaded));
        assert_true(fabs(mean_nats(loaded, valid) / w.best - 1) < 1e-9);
        size_t n = prnn_model_parameter_count(model, false);
        assert_memory_equal(model->parameters, loaded->parameters, n * sizeof(float));
        prnn_safetensors *st = checkpoint_of(o.out);
        assert_memory_equal(block_of(st, "best"), loaded->parameters, n * sizeof(float));
        assert_memory_not_equal(block_of(st, "weights"), loaded->parameters, n * sizeof(float));
        prnn_safetensors_free(st);
        prnn_model_free(loaded);
        prnn_model_free(model);
        prnn_data_free(train);
        prnn_data_free(valid);
    }
}

/* --------------------------------------------------------------------------------- stop and resume */

static void check_against(const char *run, const char *reference) {
    assert_same_file(run, reference, "model.safetensors");
    assert_same_metrics(run, reference);
    assert_same_checkpoint(run, reference);
    assert_int_equal(count_files(run), 3);
}

/* The uninterrupted run. */
static const char *reference_run(int *calls) {
    static char folder[PATH];
    static int number;
    if (!number) {
        path_in(folder, top, "reference");
        watch w = {.lowest = NAN};
        prnn_train_options o = full_options(folder);
        o.progress = watching;
        o.user = &w;
        assert_ok(train_full(&o));
        number = w.calls;
    }
    if (calls) {
        *calls = number;
    }
    return folder;
}

static void stopped_at_every_moment(void **state) {
    (void)state;
    int calls;
    const char *reference = reference_run(&calls);
    assert_int_equal(calls, 8 + 3 * 2); /* steps 0..7, three validations in two pieces */
    for (int k = 1; k <= calls; k++) {
        for (int often = 0; often < 2; often++) {
            watch w = {.lowest = NAN, .stop_at = k};
            prnn_train_options o = full_options(fresh("stopped"));
            o.checkpoint_every = often ? 0 : 1e9;
            o.progress = watching;
            o.user = &w;
            prnn_status status = train_full(&o);
            if (k < calls) {
                assert_int_equal(status, PRNN_STOPPED);
                assert_says("stopped at step");
                assert_says("checkpoint.safetensors");
                o.resume = true;
                status = train_full(&o);
            }
            assert_ok(status);
            check_against(o.out, reference);
        }
    }
}

static void stopped_again_and_again(void **state) {
    (void)state;
    watch w = {.lowest = NAN};
    prnn_train_options o = full_options(fresh("again"));
    o.progress = watching;
    o.user = &w;
    int rounds = 0;
    do {
        w.calls = 0;
        w.stop_at = 3;
        o.resume = rounds > 0;
        assert_true(++rounds < 30);
    } while (train_full(&o) == PRNN_STOPPED);
    assert_true(rounds > 4);
    check_against(o.out, reference_run(NULL));
}

static void resuming_a_finished_run_changes_nothing(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("finished");
    copy_run(reference, run);
    prnn_train_options o = full_options(run);
    o.resume = true;
    assert_ok(train_full(&o));
    check_against(run, reference);
}

static void files_that_resume_can_do_without(void **state) {
    (void)state;
    const char *reference = reference_run(NULL);
    char path[PATH];
    prnn_train_options o = full_options(fresh("without"));
    o.resume = true;
    copy_run(reference, o.out);
    path_in(path, o.out, "model.safetensors");
    unlink(path); /* as if the process had died between the checkpoint and the model */
    assert_ok(train_full(&o));
    check_against(o.out, reference);
    path_in(path, o.out, "metrics.csv");
    unlink(path); /* a new log begins */
    assert_ok(train_full(&o));
    assert_same_file(o.out, reference, "model.safetensors");
    assert_int_equal(count_files(o.out), 3);
    /* Nothing there at all: resume begins. */
    o.out = fresh("nothing");
    assert_ok(train_full(&o));
    check_against(o.out, reference);
}

static void a_run_can_be_extended(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("once"));
    o.optimizer = PRNN_ADAM;
    o.log_every = 2;
    o.ema = 0.9;
    o.steps = 8;
    assert_ok(train_kind(PRNN_DIAGONAL, &o, false));
    char once[PATH];
    snprintf(once, sizeof once, "%s", o.out);
    o.out = fresh("twice");
    for (o.steps = 2; o.steps <= 8; o.steps += 2) {
        assert_ok(train_kind(PRNN_DIAGONAL, &o, false));
        o.resume = true;
    }
    check_against(o.out, once);
    o.steps = 3; /* fewer than were done */
    assert_ok(train_kind(PRNN_DIAGONAL, &o, false));
    check_against(o.out, once);
}

/* --------------------------------------------------------------------------------------- refusals */

static void change_batch(prnn_train_options *o) {
    o->batch++;
}
static void change_optimizer(prnn_train_options *o) {
    o->optimizer = PRNN_RMSPROP;
}
static void change_lr(prnn_train_options *o) {
    o->learning_rate *= 1.001;
}
static void change_schedule(prnn_train_options *o) {
    o->schedule = PRNN_CONSTANT;
}
static void change_warmup(prnn_train_options *o) {
    o->warmup_steps++;
}
static void change_final(prnn_train_options *o) {
    o->final_fraction = 0.2;
}
static void change_factor(prnn_train_options *o) {
    o->decay_factor = 0.3;
}
static void change_epochs(prnn_train_options *o) {
    o->decay_epochs++;
}
static void change_beta1(prnn_train_options *o) {
    o->beta1 = 0.5;
}
static void change_beta2(prnn_train_options *o) {
    o->beta2 = 0.5;
}
static void change_epsilon(prnn_train_options *o) {
    o->epsilon *= 2;
}
static void change_clip(prnn_train_options *o) {
    o->clip = 0;
}
static void change_ema(prnn_train_options *o) {
    o->ema = 0;
}
static void change_seed(prnn_train_options *o) {
    o->seed++;
}
static void change_valid(prnn_train_options *o) {
    o->valid_every++;
}
static void change_log(prnn_train_options *o) {
    o->log_every++;
}

/* The run folder is as it was, to the last byte. */
static void assert_unchanged(const char *run, const char *reference) {
    for (int i = 0; i < 3; i++) {
        assert_same_file(run, reference, run_files[i]);
    }
    assert_int_equal(count_files(run), 3);
}

static void other_settings_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *says;
        void (*change)(prnn_train_options *);
    } changes[] = {
        {"batch 4, this run has 5", change_batch},
        {"optimizer adam, this run has rmsprop", change_optimizer},
        {"lr 0.02, this run has 0.02002", change_lr},
        {"schedule cosine, this run has constant", change_schedule},
        {"warmup 2, this run has 3", change_warmup},
        {"final-fraction 0.1, this run has 0.2", change_final},
        {"decay-factor 0.5, this run has 0.3", change_factor},
        {"decay-epochs 10, this run has 11", change_epochs},
        {"beta1 0.9, this run has 0.5", change_beta1},
        {"beta2 0.999, this run has 0.5", change_beta2},
        {"epsilon 1e-08, this run has 2e-08", change_epsilon},
        {"clip 3, this run has 0", change_clip},
        {"ema 0.9, this run has 0", change_ema},
        {"seed 5, this run has 6", change_seed},
        {"valid-every 3, this run has 4", change_valid},
        {"log-every 2, this run has 3", change_log},
    };
    const char *reference = reference_run(NULL), *run = fresh("settings");
    copy_run(reference, run);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        prnn_train_options o = full_options(run);
        o.resume = true;
        changes[i].change(&o);
        assert_int_equal(train_full(&o), PRNN_ERROR_ARGUMENT);
        assert_says(changes[i].says);
        assert_says("checkpoint.safetensors: ");
        assert_unchanged(run, reference);
    }
    prnn_train_options o = full_options(run);
    o.resume = true;
    assert_int_equal(train_kind(PRNN_ROW, &o, false), PRNN_ERROR_ARGUMENT);
    assert_says("validation images 70, this run has 0");
    assert_int_equal(train_kind(PRNN_CNN, &o, true), PRNN_ERROR_ARGUMENT);
    assert_says("\"kind\": \"row\"");
    assert_unchanged(run, reference);
    prnn_config config = tiny(PRNN_ROW);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN + 1, 1, NULL), *valid = make_data(VALID, 2, NULL);
    assert_int_equal(prnn_train(ctx, model, train, valid, &o), PRNN_ERROR_ARGUMENT);
    assert_says("training images 10, this run has 11");
    assert_unchanged(run, reference);
    prnn_data_free(train);
    train = make_data(TRAIN, 5, NULL);
    assert_int_equal(prnn_train(ctx, model, train, valid, &o), PRNN_ERROR_ARGUMENT);
    assert_says("fingerprint of the training images");
    assert_unchanged(run, reference);
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
}

/* A second run in the folder of one that is at work would destroy both. */
static void one_run_a_folder(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("locked");
    copy_run(reference, run);
    int lock = open(run, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    prnn_train_options o = full_options(run);
    o.resume = true;
    assert_int_equal(train_full(&o), PRNN_ERROR_FILE);
    assert_says("another training");
    assert_unchanged(run, reference);
    close(lock);

    /* Free again: it goes on, and what a killed run left half-written is gone. */
    char left[PATH], other[PATH];
    path_in(left, run, "checkpoint.safetensors.123-0.tmp");
    path_in(other, run, "mine.tmp");
    fclose(fopen(left, "w"));
    fclose(fopen(other, "w"));
    assert_ok(train_full(&o));
    assert_int_not_equal(access(left, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
}

static void an_earlier_run_is_not_overwritten(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("earlier");
    copy_run(reference, run);
    prnn_train_options o = full_options(run);
    assert_int_equal(train_full(&o), PRNN_ERROR_FILE);
    assert_says("checkpoint.safetensors: ");
    assert_says("--resume");
    assert_unchanged(run, reference);
    /* A model without a checkpoint is someone's, too. */
    char path[PATH];
    path_in(path, run, "checkpoint.safetensors");
    unlink(path);
    for (int resume = 0; resume < 2; resume++) {
        o.resume = resume;
        assert_int_equal(train_full(&o), PRNN_ERROR_FILE);
        assert_says("model.safetensors: ");
        assert_same_file(run, reference, "model.safetensors");
        assert_same_file(run, reference, "metrics.csv");
        assert_int_equal(count_files(run), 2);
    }
}

static void options_out_of_range(void **state) {
    (void)state;
    static const struct {
        const char *says;
        size_t offset;
        double value;
    } cases[] = {
        {"epochs is 0", offsetof(prnn_train_options, epochs), 0},
        {"epochs is nan", offsetof(prnn_train_options, epochs), NAN},
        {"learning rate is -1", offsetof(prnn_train_options, learning_rate), -1},
        {"learning rate is nan", offsetof(prnn_train_options, learning_rate), NAN},
        {"learning rate is inf", offsetof(prnn_train_options, learning_rate), INFINITY},
        {"warmup is -1", offsetof(prnn_train_options, warmup_steps), -1},
        {"final fraction is 2", offsetof(prnn_train_options, final_fraction), 2},
        {"decay factor is 2", offsetof(prnn_train_options, decay_factor), 2},
        {"decay epochs is 0", offsetof(prnn_train_options, decay_epochs), 0},
        {"beta1 is 1", offsetof(prnn_train_options, beta1), 1},
        {"beta2 is 1", offsetof(prnn_train_options, beta2), 1},
        {"epsilon is -1", offsetof(prnn_train_options, epsilon), -1},
        {"clip is -1", offsetof(prnn_train_options, clip), -1},
        {"ema is 1", offsetof(prnn_train_options, ema), 1},
        {"checkpoints is -1", offsetof(prnn_train_options, checkpoint_every), -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prnn_train_options o = options_for(fresh("range"));
        o.steps = 0;
        o.epochs = 1;
        memcpy((char *)&o + cases[i].offset, &cases[i].value, sizeof(double));
        assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_ARGUMENT);
        assert_says(cases[i].says);
        assert_int_equal(access(o.out, F_OK), -1);
    }
    prnn_train_options o = options_for(fresh("range"));
    static const int batches[] = {INT32_MIN, -1, 0, 65537, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        o.batch = batches[i];
        assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_ARGUMENT);
        assert_says("batch is ");
    }
    o = options_for(NULL);
    assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_ARGUMENT);
    assert_says("folder");
}

/* -------------------------------------------------------------------------------------- diverging */

static void assert_finite_checkpoint(const char *folder) {
    prnn_safetensors *st = checkpoint_of(folder);
    for (size_t b = 0; b < st->count; b++) {
        const float *values = st->entries[b].data;
        for (size_t i = 0; i < st->entries[b].count; i++) {
            if (!isfinite(values[i])) {
                fail_msg("%s[%zu] of the checkpoint is %g", st->entries[b].name, i, (double)values[i]);
            }
        }
    }
    prnn_safetensors_free(st);
}

/* Rates so high that the network blows up somewhere: in a step, in a validation, in a checkpoint. */
static void diverging_runs_end_well(void **state) {
    (void)state;
    int diverged = 0;
    for (int i = 0; i < 3 * 3 * 4 * 3; i++) {
        prnn_train_options o = options_for(fresh("diverged"));
        o.optimizer = (prnn_optimizer)(i % 3);
        o.learning_rate = (const double[]){30, 1e3, 1e4, 1e6}[i / 9 % 4];
        o.valid_every = 1;
        o.checkpoint_every = i / 36 == 1 ? 0 : 1e9;
        o.beta1 = i % 2 ? 0.9 : -1;
        o.steps = 40;
        bool validate = i / 36 == 2;
        prnn_kind kind = (prnn_kind)(i / 3 % 3);
        prnn_status status = train_kind(kind, &o, validate);
        assert_finite_checkpoint(o.out);
        if (status != PRNN_OK) {
            if (status != PRNN_ERROR_DIVERGED) {
                fail_msg("case %d: status %d: %s", i, (int)status, prnn_message(ctx));
            }
            diverged++;
            assert_says("training diverged");
            assert_says("step ");
            assert_says("checkpoint.safetensors");
            assert_says("lower the learning rate (");
            /* The checkpoint is one that resume takes: it comes to the same end. */
            o.resume = true;
            assert_int_equal(train_kind(kind, &o, validate), PRNN_ERROR_DIVERGED);
            assert_finite_checkpoint(o.out);
        }
    }
    print_message("%d runs diverged\n", diverged);
    assert_true(diverged > 10);
}

/* ------------------------------------------------------------------------------------- full disks */

static prnn_status with_file_limit(rlim_t limit, prnn_kind kind, const prnn_train_options *o, bool validate) {
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit low = {.rlim_cur = limit, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    prnn_status status = train_kind(kind, o, validate);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    return status;
}

static size_t size_of(const char *folder, const char *name) {
    bytes b = slurp(folder, name);
    free(b.data);
    return b.size;
}

static void full_disks(void **state) {
    (void)state;
    const char *reference = reference_run(NULL);
    size_t model = size_of(reference, "model.safetensors"),
           checkpoint = size_of(reference, "checkpoint.safetensors");
    const size_t limits[] = {0,
                             1,
                             60,
                             100,
                             200,
                             1000,
                             model - 1,
                             model,
                             model + 100,
                             checkpoint / 2,
                             checkpoint - 50,
                             checkpoint + 100};
    int failed = 0;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (int half = 0; half < 2; half++) {
            prnn_train_options o = full_options(fresh("full"));
            o.checkpoint_every = 0;
            if (half) {
                watch w = {.lowest = NAN, .stop_at = 7};
                o.progress = watching;
                o.user = &w;
                assert_int_equal(train_full(&o), PRNN_STOPPED);
                o.progress = NULL;
                o.resume = true;
            }
            prnn_status status = with_file_limit(limits[i], PRNN_ROW, &o, true);
            if (limits[i] < checkpoint) {
                assert_int_equal(status, PRNN_ERROR_FILE);
            }
            if (status != PRNN_OK) {
                assert_int_equal(status, PRNN_ERROR_FILE);
                assert_says(o.out);
                assert_says("written");
                failed++;
                char path[PATH]; /* no temporary files */
                int files = count_files(o.out);
                for (int f = 0; f < 3; f++) {
                    path_in(path, o.out, run_files[f]);
                    files -= access(path, F_OK) == 0;
                }
                assert_int_equal(files, 0);
                o.resume = true;
                assert_ok(train_full(&o));
            }
            check_against(o.out, reference);
        }
    }
    assert_true(failed > 10);
}

/* A long log meets the limit in the middle of a line; the checkpoint still fits. */
static void a_full_disk_for_the_log(void **state) {
    (void)state;
    char once[PATH];
    prnn_train_options o = options_for(fresh("log1"));
    snprintf(once, sizeof once, "%s", o.out);
    o.log_every = 1;
    o.steps = 700;
    o.checkpoint_every = 1e9;
    assert_ok(train_kind(PRNN_CNN, &o, false));
    size_t checkpoint = size_of(once, "checkpoint.safetensors"), log = size_of(once, "metrics.csv");
    assert_true(log > checkpoint + 2000);
    o.out = fresh("log2");
    o.checkpoint_every = 0.002;
    for (size_t limit = checkpoint + 500; limit < checkpoint + 1500; limit += 333) {
        assert_int_equal(with_file_limit(limit, PRNN_CNN, &o, false), PRNN_ERROR_FILE);
        assert_says("metrics.csv: could not be written: File too large");
        o.resume = true;
    }
    assert_ok(train_kind(PRNN_CNN, &o, false));
    check_against(o.out, once);
}

static void places_that_cannot_be_written(void **state) {
    (void)state;
    char file[PATH], path[PATH * 2];
    path_in(file, top, "file");
    spill(top, "file", "x", 1);
    prnn_train_options o = options_for(file);
    assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_FILE);
    assert_says(file);
    snprintf(path, sizeof path, "%s/below", file);
    o.out = path;
    assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_FILE);
    assert_says(path);
    path_in(path, top, "no/such");
    assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_FILE);
    assert_says(path);
    unlink(file);
    /* Folders where the files should be. */
    for (int i = 0; i < 3; i++) {
        o.out = fresh("blocked");
        mkdir(o.out, 0777);
        path_in(path, o.out, run_files[i]);
        mkdir(path, 0777);
        for (int resume = 0; resume < 2; resume++) {
            o.resume = resume;
            assert_int_equal(train_kind(PRNN_CNN, &o, false), PRNN_ERROR_FILE);
            assert_says(path);
        }
    }
}

/* ------------------------------------------------------------------------------------------ crashes */

/* Dies at each write to the disk in turn, as a killed process or a failing machine would, and goes on. */
static void crashes_at_every_write(void **state) {
    (void)state;
    const char *reference = reference_run(NULL);
    int at = 1, ended = 0;
    for (; at < 200 && !ended; at++) {
        prnn_train_options o = full_options(fresh("crash"));
        o.checkpoint_every = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            disk_calls = 0;
            die_at = at;
            _exit(train_full(&o) == PRNN_OK ? 0 : 1);
        }
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how) && (WEXITSTATUS(how) == 0 || WEXITSTATUS(how) == 9));
        ended = WEXITSTATUS(how) == 0;
        o.resume = true;
        assert_ok(train_full(&o));
        assert_same_file(o.out, reference, "model.safetensors");
        assert_same_metrics(o.out, reference);
        assert_same_checkpoint(o.out, reference);
    }
    print_message("%d moments of a crash\n", at - 2);
    assert_true(ended && at > 20);
}

/* ------------------------------------------------------------------------------ damaged checkpoints */

/* Resumes from damaged files; whatever happens, there is a sentence or a sound result. */
static prnn_status resume_damaged(const char *run, const char *reference, const void *data, size_t size) {
    copy_run(reference, run);
    spill(run, "checkpoint.safetensors", data, size);
    prnn_train_options o = full_options(run);
    o.resume = true;
    o.steps = 9;
    prnn_config config = tiny(PRNN_ROW);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
    ctx->message[0] = 0;
    prnn_status status = prnn_train(ctx, model, train, valid, &o);
    if (status == PRNN_OK) {
        char path[PATH];
        prnn_model *saved;
        path_in(path, run, "model.safetensors");
        assert_ok(prnn_model_load(ctx, path, &saved));
        assert_int_equal(prnn_model_parameter_count(saved, false), prnn_model_parameter_count(model, false));
        assert_false(isnan(mean_nats(saved, valid)));
        prnn_model_free(saved);
    } else {
        assert_says("");
        assert_true(strlen(prnn_message(ctx)) > 10);
    }
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
    return status;
}

static void truncated_checkpoints_are_refused(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("truncated");
    bytes b = slurp(reference, "checkpoint.safetensors");
    for (size_t n = 0; n < b.size; n += n < 64 ? 1 : b.size / 150) {
        assert_int_equal(resume_damaged(run, reference, b.data, n), PRNN_ERROR_FORMAT);
        assert_says("checkpoint.safetensors: ");
        assert_same_file(run, reference, "model.safetensors");
        assert_same_file(run, reference, "metrics.csv");
    }
    free(b.data);
}

static uint64_t next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void mutated_checkpoints(void **state) {
    (void)state;
    static const char alphabet[] = "{}[]\",:0123456789-eFU._x";
    const char *reference = reference_run(NULL), *run = fresh("mutated");
    bytes b = slurp(reference, "checkpoint.safetensors");
    uint64_t seed = 3, header;
    memcpy(&header, b.data, 8);
    char *copy = malloc(b.size);
    assert_non_null(copy);
    int resumed = 0, refused = 0;
    for (int i = 0; i < 600; i++) {
        memcpy(copy, b.data, b.size);
        for (uint64_t edits = 1 + next(&seed) % 3; edits > 0; edits--) {
            size_t at = next(&seed) % (i % 4 ? 8 + header : b.size);
            copy[at] = (char)(next(&seed) % 3 ? alphabet[next(&seed) % (sizeof alphabet - 1)]
                                              : copy[at] ^ (char)(1 << next(&seed) % 7));
        }
        *(resume_damaged(run, reference, copy, b.size) == PRNN_OK ? &resumed : &refused) += 1;
    }
    print_message("%d resumed, %d refused\n", resumed, refused);
    assert_true(resumed > 10 && refused > 100);
    free(copy);
    free(b.data);
}

/* A checkpoint in the other's clothes: each piece replaced, one at a time. */
static void checkpoints_with_wrong_pieces(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("pieces");
    prnn_safetensors *st = checkpoint_of(reference);
    static const char *const keys[] = {"format",    "version",    "config",    "batch",     "step",
                                       "validated", "logged",     "seconds",   "nats_sum",  "images",
                                       "last_nats", "valid_nats", "best_nats", "best_step", "metrics_bytes"};
    enum { KEYS = sizeof keys / sizeof *keys };
    char path[PATH];
    path_in(path, run, "checkpoint.safetensors");
    static const char *const all[] = {"format",
                                      "version",
                                      "config",
                                      "training images",
                                      "fingerprint of the training images",
                                      "validation images",
                                      "fingerprint of the validation images",
                                      "batch",
                                      "optimizer",
                                      "lr",
                                      "schedule",
                                      "warmup",
                                      "final-fraction",
                                      "decay-factor",
                                      "decay-epochs",
                                      "beta1",
                                      "beta2",
                                      "epsilon",
                                      "clip",
                                      "ema",
                                      "seed",
                                      "valid-every",
                                      "log-every",
                                      "step",
                                      "validated",
                                      "logged",
                                      "seconds",
                                      "nats_sum",
                                      "images",
                                      "last_nats",
                                      "valid_nats",
                                      "best_nats",
                                      "best_step",
                                      "metrics_bytes"};
    enum { ALL = sizeof all / sizeof *all };
    static const char *const bad[] = {"", "x", "1x"};
    for (int k = 0; k < KEYS; k++) {
        for (int v = 0; v < 4; v++) { /* v == 3: the key is missing */
            if (v == 2 && strcmp(keys[k], "version") == 0) {
                continue;
            }
            prnn_safetensors_pair pairs[ALL];
            size_t count = 0;
            for (int i = 0; i < ALL; i++) {
                bool changed = strcmp(all[i], keys[k]) == 0;
                const char *value = prnn_safetensors_metadata(st, all[i]);
                assert_non_null(value);
                if (!changed || v < 3) {
                    pairs[count++] = (prnn_safetensors_pair){all[i], changed ? bad[v] : value};
                }
            }
            clear(run);
            mkdir(run, 0777);
            assert_ok(prnn_safetensors_write(ctx, path, st->entries, st->count, pairs, count));
            bytes b = slurp(run, "checkpoint.safetensors");
            prnn_status status = resume_damaged(run, reference, b.data, b.size);
            if (status == PRNN_OK) {
                fail_msg("%s \"%s\" was taken", keys[k], v < 3 ? bad[v] : "(missing)");
            }
            assert_says("checkpoint.safetensors: ");
            assert_same_file(run, reference, "metrics.csv");
            free(b.data);
        }
    }
    for (size_t e = 0; e < st->count; e++) {
        for (int how = 0; how < 4; how++) {
            prnn_safetensors_entry entries[5];
            memcpy(entries, st->entries, st->count * sizeof *entries);
            float *values = malloc(entries[e].bytes);
            memcpy(values, entries[e].data, entries[e].bytes);
            entries[e].data = values;
            if (how == 0) {
                entries[e].shape[0]--;
            } else if (how == 1) {
                entries[e].dtype = PRNN_DTYPE_I32;
            } else if (how == 2) {
                values[7] = NAN;
            } else {
                entries[e].name = "other";
            }
            prnn_safetensors_pair pairs[ALL];
            for (int i = 0; i < ALL; i++) {
                pairs[i] = (prnn_safetensors_pair){all[i], prnn_safetensors_metadata(st, all[i])};
            }
            clear(run);
            mkdir(run, 0777);
            assert_ok(prnn_safetensors_write(ctx, path, entries, st->count, pairs, ALL));
            bytes b = slurp(run, "checkpoint.safetensors");
            assert_int_equal(resume_damaged(run, reference, b.data, b.size), PRNN_ERROR_FORMAT);
            assert_says(st->entries[e].name);
            assert_says("damaged");
            assert_same_file(run, reference, "metrics.csv");
            free(b.data);
            free(values);
        }
    }
    prnn_safetensors_free(st);
}

/* A log that lost its end cannot be gone on with, and is left as it is, however often one tries. */
static void a_log_that_is_too_short(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("short");
    copy_run(reference, run);
    bytes log = slurp(run, "metrics.csv");
    spill(run, "metrics.csv", log.data, log.size - 20);
    prnn_train_options o = full_options(run);
    o.resume = true;
    o.steps = 9;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(train_full(&o), PRNN_ERROR_FORMAT);
        assert_says("metrics.csv: is shorter");
        assert_int_equal(size_of(run, "metrics.csv"), log.size - 20);
    }
    free(log.data);
}

static int setup(void **state) {
    (void)state;
    ctx = prnn_context_create();
    if (!ctx || !mkdtemp(top)) {
        return -1;
    }
    return prnn_context_set_threads(ctx, 1) == PRNN_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    clear(top);
    prnn_context_free(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_are_their_formulas),
        cmocka_unit_test(sgd_is_exact_for_every_batch),
        cmocka_unit_test(masked_weights_stay_zero),
        cmocka_unit_test(schedules),
        cmocka_unit_test(the_log_has_the_rates),
        cmocka_unit_test(the_moving_average),
        cmocka_unit_test(every_kind_learns),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(binarize_sample_draws_anew),
        cmocka_unit_test(the_best_validation_is_kept),
        cmocka_unit_test(stopped_at_every_moment),
        cmocka_unit_test(stopped_again_and_again),
        cmocka_unit_test(resuming_a_finished_run_changes_nothing),
        cmocka_unit_test(files_that_resume_can_do_without),
        cmocka_unit_test(a_run_can_be_extended),
        cmocka_unit_test(other_settings_are_refused_by_name),
        cmocka_unit_test(one_run_a_folder),
        cmocka_unit_test(an_earlier_run_is_not_overwritten),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(diverging_runs_end_well),
        cmocka_unit_test(full_disks),
        cmocka_unit_test(a_full_disk_for_the_log),
        cmocka_unit_test(places_that_cannot_be_written),
        cmocka_unit_test(crashes_at_every_write),
        cmocka_unit_test(truncated_checkpoints_are_refused),
        cmocka_unit_test(mutated_checkpoints),
        cmocka_unit_test(checkpoints_with_wrong_pieces),
        cmocka_unit_test(a_log_that_is_too_short),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

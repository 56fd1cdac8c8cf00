/* Every call of the library that uses threads, with many numbers of pieces and of threads: the results are
 * those of one thread, bit for bit. Run under the sanitizers too, which see what a wrong number of workers
 * would write where. */

#include <pixelrnn/io.h>
#include <pthread.h>
#include <semaphore.h>

#include "data_files.h"
#include "laws.h"
#include "model/gradient.h"

enum { MOST = 70, SEED = 5 };

static const int thread_counts[] = {2, 3, 4, 5, 7, 8, 16, 33, 64};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };

/* A small model of each kind, and one that enlarges what it draws. */
static law_model open_small(prnn_kind kind, int levels) {
    prnn_config c = law_config(kind, &(law_shape){"", 2, 2, 1, levels, 1, 3, 4, true, false, 0, 0, 0});
    return law_open(&c, SEED);
}

static law_model open_large(prnn_kind kind, int levels) {
    prnn_config c = law_config(kind, &(law_shape){"", 4, 4, 1, levels, 1, 3, 4, true, false, 2, 3, 0});
    return law_open(&c, SEED);
}

/* What the calls are asked to do, and where their results go: one block, to compare and to poison. */
typedef struct work {
    law_model small, large;
    prnn_context *ctx;
    uint8_t images[MOST * 16];
    double numbers[2 * MOST];
    float values[MOST * 16];
    uint8_t drawn[MOST * 16];
    float *gradient;
} work;

typedef prnn_status (*call)(work *w, size_t count);

static prnn_status evaluate(work *w, size_t count) {
    return prnn_evaluate(w->ctx, w->small.model, w->images, count, NULL, w->numbers, w->values);
}

static prnn_status evaluate_chain(work *w, size_t count) {
    const prnn_model *chain[] = {w->small.model, w->large.model};
    return law_evaluate_chain(w->ctx, chain, 2, w->images, count, w->numbers, w->values);
}

static prnn_status gradient(work *w, size_t count) {
    return prnn_gradient(w->ctx, w->small.model, w->images, count, w->numbers, w->gradient);
}

static prnn_status gradient_with_dropout(work *w, size_t count) {
    law_model m = w->small;
    prnn_batch batch = {.images = w->images, .n = (int)count, .dropout = law_dropout(0.4)};
    m.ctx = w->ctx;
    w->numbers[0] = law_gradient(&m, &batch, w->gradient);
    return PRNN_OK;
}

static prnn_status gradient_with_soft_targets(work *w, size_t count) {
    law_model m = w->small;
    float *soft = law_soft(&m, SEED, w->images, count * m.bytes);
    prnn_batch batch = {.images = w->images, .n = (int)count, .soft = soft};
    m.ctx = w->ctx;
    w->numbers[0] = law_gradient(&m, &batch, w->gradient);
    free(soft);
    return PRNN_OK;
}

static prnn_status sample(work *w, size_t count) {
    return prnn_sample(w->ctx, w->small.model, count, NULL, w->drawn);
}

static prnn_status upscale(work *w, size_t count) {
    return prnn_upscale(w->ctx, w->large.model, w->images, count, 1, NULL, w->drawn);
}

static prnn_status complete(work *w, size_t count) {
    const uint8_t known[4] = {1, 0, 1, 0};
    size_t samples = count % 2 ? 1 : 2;
    return prnn_complete(w->ctx, w->small.model, w->images, count / samples, known, samples, NULL, w->drawn);
}

/* The logits of the last value, and what is drawn. */
static prnn_status step(work *w, size_t count) {
    prnn_stepper_options options = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper = NULL;
    options.small = w->images;
    prnn_status status = prnn_stepper_create(w->ctx, w->large.model, count, &options, &stepper);
    while (status == PRNN_OK && prnn_stepper_next(stepper, NULL, NULL, NULL)) {
        status = prnn_stepper_logits(w->ctx, stepper, w->values);
        status = status == PRNN_OK ? prnn_stepper_draw(w->ctx, stepper, NULL) : status;
    }
    if (status == PRNN_OK) {
        memcpy(w->drawn, prnn_stepper_images(stepper), count * w->large.bytes);
    }
    prnn_stepper_free(stepper);
    return status;
}

static void forget(work *w) {
    memset(w->numbers, 0xff, sizeof w->numbers);
    memset(w->values, 0xff, sizeof w->values);
    memset(w->drawn, 0xff, sizeof w->drawn);
    memset(w->gradient, 0xff, w->small.parameters * sizeof *w->gradient);
}

static void assert_same(const work *a, const work *b, size_t count, int threads) {
    bool same = memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0 &&
                memcmp(a->values, b->values, sizeof a->values) == 0 &&
                memcmp(a->drawn, b->drawn, sizeof a->drawn) == 0 &&
                memcmp(a->gradient, b->gradient, a->small.parameters * sizeof *a->gradient) == 0;
    if (!same) {
        fail_msg("%zu images: %d threads give other bits than one", count, threads);
    }
}

static void run(work *w, call f, size_t count) {
    forget(w);
    assert_ok(w->ctx, f(w, count));
}

/* In contexts that keep their threads from call to call, as programs use them. */
static void run_call(call f, prnn_kind kind, int levels) {
    work many = {.small = open_small(kind, levels), .large = open_large(kind, levels)};
    work *one = malloc((MOST + 1) * sizeof *one); /* of each number of images, what one thread gives */
    float *gradients = malloc((MOST + 2) * many.small.parameters * sizeof *gradients);
    random_images(SEED, levels, sizeof many.images, many.images);
    many.ctx = prnn_context_create();
    assert_true(one && gradients && many.ctx);
    for (size_t count = 1; count <= MOST; count++) {
        one[count] = many;
        one[count].ctx = many.small.ctx;
        one[count].gradient = gradients + count * many.small.parameters;
        run(&one[count], f, count);
    }
    many.gradient = gradients + (MOST + 1) * many.small.parameters;
    for (int t = 0; t < THREAD_COUNTS; t++) {
        assert_ok(many.ctx, prnn_context_set_threads(many.ctx, thread_counts[t]));
        for (size_t count = 1; count <= MOST; count++) {
            run(&many, f, count);
            assert_same(&one[count], &many, count, thread_counts[t]);
        }
    }
    prnn_context_free(many.ctx);
    law_close(&many.small);
    law_close(&many.large);
    free(gradients);
    free(one);
}

static void run_kinds(call f) {
    run_call(f, PRNN_ROW, 2);
    run_call(f, PRNN_DIAGONAL, 3);
    run_call(f, PRNN_CNN, 2);
}

static void test_evaluate(void **state) {
    (void)state;
    run_kinds(evaluate);
}

static void test_evaluate_chain(void **state) {
    (void)state;
    run_kinds(evaluate_chain);
}

static void test_gradient(void **state) {
    (void)state;
    run_kinds(gradient);
}

static void test_gradient_with_dropout(void **state) {
    (void)state;
    run_kinds(gradient_with_dropout);
}

static void test_gradient_with_soft_targets(void **state) {
    (void)state;
    run_kinds(gradient_with_soft_targets);
}

static void test_sample(void **state) {
    (void)state;
    run_kinds(sample);
}

static void test_upscale(void **state) {
    (void)state;
    run_kinds(upscale);
}

static void test_complete(void **state) {
    (void)state;
    run_kinds(complete);
}

static void test_step(void **state) {
    (void)state;
    run_kinds(step);
}

/* The last batch of an epoch is a smaller one, which may have more lanes: that of an engine for all batches
 * is the gradient of one for this batch. */
static void check_smaller_batches(prnn_kind kind, int batch) {
    law_model m = open_small(kind, 2);
    uint8_t *images = malloc((size_t)batch * m.bytes);
    float *one = malloc(m.parameters * sizeof *one), *many = malloc(m.parameters * sizeof *many);
    assert_true(images && one && many);
    random_images(SEED, 2, (size_t)batch * m.bytes, images);
    for (int threads = 1; threads <= 7; threads += 3) {
        prnn_gradient_engine *engine = NULL;
        assert_ok(m.ctx, prnn_context_set_threads(m.ctx, threads));
        assert_ok(m.ctx, prnn_gradient_engine_create(m.ctx, &m.config, (prnn_batch_kind){.images = batch}, 0,
                                                     &engine));
        for (int n = batch; n > 0; n -= n > 70 ? 3 : 1) {
            double nats, own;
            prnn_batch part = {.images = images, .n = n};
            assert_ok(m.ctx, prnn_gradient(m.ctx, m.model, images, (size_t)n, &nats, one));
            assert_ok(m.ctx, prnn_gradient_engine_run(m.ctx, engine,
                                                      law_block(m.model->weights->parameters, m.parameters),
                                                      &part, law_block(many, m.parameters), NULL, &own));
            assert_true(own == nats);
            assert_memory_equal(one, many, m.parameters * sizeof *one);
        }
        prnn_gradient_engine_free(m.ctx, engine);
    }
    free(images);
    free(one);
    free(many);
    law_close(&m);
}

/* Whatever lane and shard an image is in, what is dropped of it follows from its number in the batch. */
static void check_dropout_of_a_batch(prnn_kind kind, size_t count) {
    law_model m = open_small(kind, 2);
    uint8_t *images = malloc(count * m.bytes);
    float *gradient = malloc(m.parameters * sizeof *gradient);
    prnn_dropout all = law_dropout(0.5);
    double sum = 0, same = 0;
    assert_true(images && gradient);
    random_images(SEED, 2, count * m.bytes, images);
    for (size_t i = 0; i < count; i++) {
        prnn_dropout one = all;
        one.first = (uint32_t)i;
        prnn_batch batch = {.images = images + i * m.bytes, .n = 1, .dropout = one};
        sum += law_gradient(&m, &batch, gradient);
        batch.dropout = all;
        same += law_gradient(&m, &batch, gradient);
    }
    prnn_batch batch = {.images = images, .n = (int)count, .dropout = all};
    assert_true(law_gradient(&m, &batch, gradient) == sum / (double)count);
    assert_true(sum != same);
    free(images);
    free(gradient);
    law_close(&m);
}

static void test_dropout_of_a_batch(void **state) {
    (void)state;
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        check_dropout_of_a_batch(kind, 7);
        check_dropout_of_a_batch(kind, 270);
        check_dropout_of_a_batch(kind, 331);
    }
}

static void test_smaller_batches(void **state) {
    (void)state;
    check_smaller_batches(PRNN_ROW, 65);
    check_smaller_batches(PRNN_CNN, 200);
    check_smaller_batches(PRNN_DIAGONAL, 300);
}

/* ---------------------------------------------------------------------------------- with files */

static char folder[] = "/tmp/prnn_test_threads_XXXXXX";

static const char *in_folder(const char *name) {
    static char paths[4][128];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static prnn_context *context_of_threads(int threads) {
    prnn_context *ctx = prnn_context_create();
    assert_non_null(ctx);
    assert_ok(ctx, prnn_context_set_threads(ctx, threads));
    return ctx;
}

static bytes contents(const char *path) {
    bytes b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;) {
        uint8_t byte = (uint8_t)c;
        add(&b, &byte, 1);
    }
    fclose(f);
    return b;
}

static void assert_same_files(const char *a, const char *b) {
    bytes x = contents(a), y = contents(b);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    free(x.p);
    free(y.p);
}

static void test_check(void **state) {
    (void)state;
    law_model m = open_small(PRNN_DIAGONAL, 3);
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, in_folder("model")));
    law_close(&m);
    prnn_certificate one = PRNN_CERTIFICATE_INIT, many = PRNN_CERTIFICATE_INIT;
    prnn_context *ctx = context_of_threads(1);
    assert_ok(ctx, prnn_check(ctx, in_folder("model"), NULL, &one));
    prnn_context_free(ctx);
    for (int t = 0; t < THREAD_COUNTS; t++) {
        ctx = context_of_threads(thread_counts[t]);
        assert_ok(ctx, prnn_check(ctx, in_folder("model"), NULL, &many));
        assert_memory_equal(&one, &many, sizeof one);
        prnn_context_free(ctx);
    }
}

static void test_convert(void **state) {
    (void)state;
    enum { SIDE = 3 };
    uint8_t pixels[SIDE * SIDE];
    assert_int_equal(mkdir(in_folder("pictures"), 0777), 0);
    prnn_context *ctx = context_of_threads(1);
    for (int i = 1; i <= MOST; i++) {
        char name[64];
        snprintf(name, sizeof name, "pictures/%03d.png", i);
        random_images((uint64_t)i, 256, sizeof pixels, pixels);
        assert_ok(ctx, prnn_write_png(ctx, in_folder(name), pixels, 1, SIDE, SIDE, 1, 256, 0));
    }
    prnn_context_free(ctx);
    for (size_t count = 1; count <= MOST; count += count < 9 ? 1 : 20) {
        prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
        options.limit = count;
        for (int t = -1; t < THREAD_COUNTS; t++) {
            ctx = context_of_threads(t < 0 ? 1 : thread_counts[t]);
            size_t written = 0;
            const char *out = in_folder(t < 0 ? "one.npy" : "many.npy");
            assert_ok(ctx, prnn_data_convert(ctx, in_folder("pictures"), &options, out, &written, NULL));
            assert_int_equal(written, count);
            prnn_context_free(ctx);
            assert_same_files(in_folder("one.npy"), out);
        }
    }
}

/* The weights after some steps, in `weights`. */
static void train(int threads, int batch, float *weights) {
    static int serial;
    char name[64];
    snprintf(name, sizeof name, "run%d", serial++);
    law_model m = open_small(PRNN_ROW, 2);
    prnn_context *ctx = context_of_threads(threads);
    prnn_data *data = NULL;
    uint8_t images[MOST * 4];
    random_images(SEED, 2, sizeof images, images);
    prnn_data_options how = PRNN_DATA_OPTIONS_INIT;
    how.levels = 2;
    how.values = PRNN_VALUES_LEVELS;
    assert_ok(ctx, prnn_data_from_memory(ctx, images, MOST, 2, 2, 1, &how, &data));
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.steps = 3;
    o.batch = batch;
    o.dropout = batch % 2 ? 0 : 0.3;
    o.flip = true;
    o.shift = 1;
    o.out = in_folder(name);
    assert_ok(ctx, prnn_train(ctx, m.model, data, data, &o));
    for (size_t i = 0; i < prnn_model_tensor_count(m.model); i++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(m.model, i, &tensor);
        memcpy(weights + tensor.offset, tensor.values, tensor.count * sizeof *weights);
    }
    prnn_data_free(data);
    prnn_context_free(ctx);
    law_close(&m);
}

static void test_train(void **state) {
    (void)state;
    law_model m = open_small(PRNN_ROW, 2);
    float *one = malloc(m.parameters * sizeof *one), *many = malloc(m.parameters * sizeof *many);
    assert_true(one && many);
    const int batches[] = {1, 2, 3, 5, 16, 31, 65, 70};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        train(1, batches[b], one);
        for (int t = 0; t < THREAD_COUNTS; t++) {
            train(thread_counts[t], batches[b], many);
            assert_memory_equal(one, many, m.parameters * sizeof *one);
        }
    }
    free(one);
    free(many);
    law_close(&m);
}

/* ------------------------------------------------------------------------ what callers may do wrong */

typedef struct visit {
    prnn_context *ctx;
    const prnn_model *model;
    sem_t inside, leave;
} visit;

static bool wait_inside(void *user, const prnn_progress *progress) {
    (void)progress;
    visit *v = user;
    sem_post(&v->inside);
    sem_wait(&v->leave);
    return true;
}

static void *stay_inside(void *arg) {
    visit *v = arg;
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.progress = wait_inside;
    options.user = v;
    uint8_t drawn[4];
    return prnn_sample(v->ctx, v->model, 1, &options, drawn) == PRNN_OK ? v : NULL;
}

static void test_context_of_another_thread(void **state) {
    (void)state;
    law_model m = open_small(PRNN_CNN, 2);
    visit v = {.ctx = m.ctx, .model = m.model};
    uint8_t drawn[4], images[4] = {0};
    double nats;
    sem_init(&v.inside, 0, 0);
    sem_init(&v.leave, 0, 0);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, stay_inside, &v), 0);
    sem_wait(&v.inside);
    assert_int_equal(prnn_sample(m.ctx, m.model, 1, NULL, drawn), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(m.ctx), "at work in another thread"));
    assert_int_equal(prnn_evaluate(m.ctx, m.model, images, 1, NULL, &nats, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_threads(m.ctx, 2), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_model_save(m.ctx, m.model, "/nowhere/model"), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_logits(m.ctx, m.model, images, 1, NULL), PRNN_ERROR_ARGUMENT);
    sem_post(&v.leave);
    void *result = NULL;
    pthread_join(other, &result);
    assert_ptr_equal(result, &v);
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, 1, NULL, drawn));
    assert_string_equal(prnn_message(m.ctx), "");
    assert_int_equal(prnn_model_save(m.ctx, m.model, "/nowhere/model"), PRNN_ERROR_FILE);
    assert_non_null(strstr(prnn_message(m.ctx), "/nowhere/model"));
    sem_destroy(&v.inside);
    sem_destroy(&v.leave);
    law_close(&m);
}

/* A progress callback may use the context that called it. */
static bool evaluate_inside(void *user, const prnn_progress *progress) {
    (void)progress;
    law_model *m = user;
    uint8_t images[4] = {0};
    double nats;
    return prnn_evaluate(m->ctx, m->model, images, 1, NULL, &nats, NULL) == PRNN_OK;
}

static void test_calls_within_calls(void **state) {
    (void)state;
    law_model m = open_small(PRNN_ROW, 2);
    assert_ok(m.ctx, prnn_context_set_threads(m.ctx, 4));
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.progress = evaluate_inside;
    options.user = &m;
    uint8_t drawn[40 * 4];
    assert_ok(m.ctx, prnn_sample(m.ctx, m.model, 40, &options, drawn));
    law_close(&m);
}

/* So may one of an archive, though the threads are at work meanwhile. It is called by the calling thread
 * alone. */
typedef struct guest {
    law_model *m;
    pthread_t thread;
    int calls, stop_at;
    double nats[MOST];
} guest;

static bool visit_inside(void *user, const prnn_progress *progress) {
    (void)progress;
    guest *v = user;
    uint8_t images[MOST * 4] = {0};
    double nats[MOST];
    assert_true(pthread_equal(pthread_self(), v->thread));
    assert_ok(v->m->ctx, prnn_evaluate(v->m->ctx, v->m->model, images, MOST, NULL, nats, NULL));
    assert_memory_equal(nats, v->nats, sizeof nats);
    assert_int_equal(prnn_context_set_threads(v->m->ctx, 2), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(v->m->ctx), "a callback cannot change the context"));
    assert_int_equal(prnn_context_set_cpu(v->m->ctx, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_precision(v->m->ctx, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_device(v->m->ctx, NULL), PRNN_ERROR_ARGUMENT);
    return ++v->calls != v->stop_at;
}

static void test_calls_within_archives(void **state) {
    (void)state;
    law_model m = open_small(PRNN_ROW, 256);
    const char *path = at("within.prnn");
    guest v = {.m = &m, .thread = pthread_self()};
    prnn_archive_options options = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_read_options reading = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    uint8_t images[MOST * 4] = {0};
    assert_ok(m.ctx, prnn_context_set_threads(m.ctx, 4));
    assert_ok(m.ctx, prnn_evaluate(m.ctx, m.model, images, MOST, NULL, v.nats, NULL));
    options.block = 2;
    options.progress = reading.progress = visit_inside;
    options.user = reading.user = &v;
    for (int stop = 0; stop < 2; stop++) {
        prnn_archive_writer *writer = NULL;
        v.calls = 0;
        v.stop_at = stop;
        assert_ok(m.ctx, prnn_archive_writer_create(m.ctx, m.model, path, &options, &writer));
        assert_ok(m.ctx, prnn_archive_writer_add(m.ctx, writer, NULL, images, MOST, 2, 2, 1));
        assert_int_equal(prnn_archive_writer_finish(m.ctx, writer, NULL), stop ? PRNN_STOPPED : PRNN_OK);
        prnn_archive_writer_free(writer);
        assert_true(stop ? v.calls == 1 : v.calls > 0);
    }
    for (int stop = 0; stop < 2; stop++) {
        prnn_archive *archive = NULL;
        v.calls = 0;
        v.stop_at = stop;
        assert_ok(m.ctx, prnn_archive_open(m.ctx, path, &archive));
        assert_int_equal(prnn_archive_read(m.ctx, archive, m.model, &reading), stop ? PRNN_STOPPED : PRNN_OK);
        prnn_archive_free(archive);
        assert_true(stop ? v.calls == 1 : v.calls > 0);
    }
    law_close(&m);
}

static void test_thread_numbers(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    assert_int_equal(prnn_context_set_threads(ctx, -1), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_context_set_threads(ctx, 1025), PRNN_ERROR_ARGUMENT);
    const char *before = getenv("PRNN_THREADS");
    char *kept = before ? strdup(before) : NULL;
    const char *bad[] = {"x", "0", "-1", "1025", "3 ", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("PRNN_THREADS", bad[i], 1);
        assert_int_equal(prnn_context_set_threads(ctx, 0), PRNN_ERROR_ARGUMENT);
        assert_non_null(strstr(prnn_message(ctx), bad[i]));
        assert_ok(ctx, prnn_context_set_threads(ctx, 1));
    }
    setenv("PRNN_THREADS", "3", 1);
    assert_ok(ctx, prnn_context_set_threads(ctx, 0));
    assert_int_equal(prnn_thread_count(ctx), 3);
    if (kept) {
        setenv("PRNN_THREADS", kept, 1);
    } else {
        unsetenv("PRNN_THREADS");
    }
    free(kept);
    prnn_context_free(ctx);
}

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

int main(int argc, char **argv) {
    law_choose(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_evaluate_chain),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_gradient_with_dropout),
        cmocka_unit_test(test_gradient_with_soft_targets),
        cmocka_unit_test(test_dropout_of_a_batch),
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_upscale),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_smaller_batches),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_train),
        cmocka_unit_test(test_context_of_another_thread),
        cmocka_unit_test(test_calls_within_calls),
        cmocka_unit_test(test_calls_within_archives),
        cmocka_unit_test(test_thread_numbers),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

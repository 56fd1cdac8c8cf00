/* Training step by step: the same bits as prnn_train, validations and saves by hand, refusals; and when what
 * is due. */
#include "training.h"

#include "train/timetable.h"

#include <pixelrnn/io.h>

/* ---------------------------------------------------------------------------------- by hand */

/* A trainer with what it works on. */
typedef struct hand {
    prnn_model *model;
    prnn_data *train, *valid;
    prnn_trainer *trainer;
} hand;

static prnn_status hand_begin(hand *h, const prnn_train_options *o, bool validate) {
    prnn_config config = tiny(PRNN_ROW);
    *h = (hand){.model = make_model(&config), .train = make_data(TRAIN, 1, NULL)};
    h->valid = validate ? make_data(VALID, 2, NULL) : NULL;
    h->trainer = (prnn_trainer *)h; /* to be set, also after a failure */
    prnn_status status = prnn_trainer_create(ctx, h->model, h->train, h->valid, o, &h->trainer);
    assert_int_equal(h->trainer != NULL, status == PRNN_OK);
    return status;
}

static void hand_end(hand *h) {
    prnn_trainer_free(h->trainer);
    prnn_data_free(h->train);
    prnn_data_free(h->valid);
    prnn_model_free(h->model);
}

/* Steps until there were so many, or the last. */
static void hand_steps(hand *h, int count) {
    bool done = false;
    for (int i = 0; i < count && !done; i++) {
        double nats = NAN;
        assert_ok(prnn_trainer_step(ctx, h->trainer, &nats, &done));
        assert_true(isfinite(nats) && nats > 0);
    }
}

static uint64_t steps_done(const hand *h) {
    prnn_progress p = PRNN_PROGRESS_INIT;
    prnn_trainer_progress(h->trainer, &p);
    assert_string_equal(p.phase, "train");
    return p.done;
}

static void assert_same_run(const char *run, const char *reference) {
    assert_same_file(run, reference, "model.safetensors");
    assert_same_metrics(run, reference);
    assert_same_checkpoint(run, reference);
    assert_int_equal(count_files(run), 3);
}

/* The model has the weights that are in model.safetensors. */
static void assert_model_is_saved(const hand *h, const char *run) {
    char path[PATH];
    prnn_model *saved;
    path_in(path, run, "model.safetensors");
    assert_ok(prnn_model_load(ctx, path, &saved));
    assert_memory_equal(saved->weights->parameters, h->model->weights->parameters,
                        prnn_model_parameter_count(saved, false) * sizeof(float));
    prnn_model_free(saved);
}

static void steps_by_hand_are_a_training(void **state) {
    (void)state;
    hand h;
    char out[PATH];
    strcpy(out, fresh("hand"));
    prnn_train_options o = full_options(out);
    assert_ok(hand_begin(&h, &o, true));
    memset(&o, 0, sizeof o); /* what the options pointed to need not last */
    memset(out, 'x', 5);
    double nats = 0, first = 0;
    for (int i = 1; i <= 7; i++) {
        bool done;
        assert_ok(prnn_trainer_step(ctx, h.trainer, &nats, &done));
        assert_int_equal(done, i == 7);
        assert_int_equal(steps_done(&h), i);
        first = i == 1 ? nats : first;
    }
    assert_true(nats < first);
    prnn_progress p = PRNN_PROGRESS_INIT;
    prnn_trainer_progress(h.trainer, &p);
    assert_true(p.total == 7 && p.epoch > 2 && p.best_nats <= p.valid_nats && p.seconds > 0);
    char path[PATH];
    path_in(path, top, "hand");
    assert_same_run(path, reference_run(NULL));
    assert_model_is_saved(&h, path);
    /* There is nothing after the last step. */
    bool done = false;
    assert_ok(prnn_trainer_step(ctx, h.trainer, &nats, &done));
    assert_true(done && isnan(nats));
    hand_end(&h);
    assert_same_run(path, reference_run(NULL));
}

static void a_saved_run_is_resumed(void **state) {
    (void)state;
    for (int saved = 0; saved < 2; saved++) {
        for (int by_hand = 0; by_hand < 2; by_hand++) {
            hand h;
            prnn_train_options o = full_options(fresh("left"));
            assert_ok(hand_begin(&h, &o, true));
            hand_steps(&h, 5);
            if (saved) {
                assert_ok(prnn_trainer_save(ctx, h.trainer));
                assert_model_is_saved(&h, o.out);
            }
            hand_end(&h);
            o.resume = true;
            if (by_hand) {
                assert_ok(hand_begin(&h, &o, true));
                assert_int_equal(steps_done(&h), saved ? 5 : 3); /* else the validation's checkpoint */
                hand_steps(&h, 9);
                assert_int_equal(steps_done(&h), 7);
                hand_end(&h);
            } else {
                assert_ok(train_full(&o));
            }
            assert_same_run(o.out, reference_run(NULL));
        }
    }
}

static void a_stopped_validation_is_made_up_for(void **state) {
    (void)state;
    hand h;
    watch w = {.lowest = NAN, .stop_at = 2}; /* in the midst of the first validation */
    prnn_train_options o = full_options(fresh("stopped"));
    o.progress = watching;
    o.user = &w;
    assert_ok(hand_begin(&h, &o, true));
    bool done = false;
    hand_steps(&h, 2);
    assert_int_equal(w.calls, 0); /* steps do not call it, validations do */
    assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, &done), PRNN_STOPPED);
    assert_says("stopped at step 3 of 7");
    assert_int_equal(steps_done(&h), 3);
    hand_steps(&h, 9);
    assert_int_equal(steps_done(&h), 7);
    hand_end(&h);
    assert_same_run(o.out, reference_run(NULL));
}

static void validations_by_hand(void **state) {
    (void)state;
    hand h;
    prnn_train_options o = options_for(fresh("validations"));
    o.valid_every = 100;
    assert_ok(hand_begin(&h, &o, true));
    double at_first, nats, again;
    assert_ok(prnn_trainer_validate(ctx, h.trainer, &at_first));
    assert_float_equal(at_first, mean_nats(h.model, h.valid), 1e-9);
    hand_steps(&h, 4);
    assert_ok(prnn_trainer_validate(ctx, h.trainer, &nats));
    assert_true(nats < at_first);
    assert_float_equal(nats, mean_nats(h.model, h.valid), 1e-9);
    bytes log = slurp(o.out, "metrics.csv");
    assert_non_null(strstr(log.data, "\n4,"));
    free(log.data);
    size_t length = size_of(o.out, "metrics.csv");
    assert_ok(prnn_trainer_validate(ctx, h.trainer, &again)); /* the same images under the same weights */
    assert_true(again == nats);
    assert_int_equal(size_of(o.out, "metrics.csv"), length);
    assert_ok(prnn_trainer_save(ctx, h.trainer));
    assert_model_is_saved(&h, o.out);
    assert_float_equal(mean_nats(h.model, h.valid), nats, 1e-9);
    hand_end(&h);
}

/* After a validation that is worse, too. */
static void the_model_is_the_best(void **state) {
    (void)state;
    hand h;
    int worse = 0;
    prnn_train_options o = options_for(fresh("best"));
    o.learning_rate = 0.3;
    o.steps = 12;
    o.valid_every = 1;
    assert_ok(hand_begin(&h, &o, true));
    for (bool done = false; !done;) {
        assert_ok(prnn_trainer_step(ctx, h.trainer, NULL, &done));
        prnn_progress p = PRNN_PROGRESS_INIT;
        prnn_trainer_progress(h.trainer, &p);
        worse += p.valid_nats > p.best_nats;
        assert_model_is_saved(&h, o.out);
    }
    assert_true(worse > 0);
    hand_end(&h);
}

static void without_validation_images(void **state) {
    (void)state;
    hand h;
    prnn_train_options o = options_for(fresh("alone")), whole = options_for(fresh("whole"));
    assert_ok(train_kind(PRNN_ROW, &whole, false));
    assert_ok(hand_begin(&h, &o, false));
    assert_int_equal(prnn_trainer_validate(ctx, h.trainer, NULL), PRNN_ERROR_ARGUMENT);
    assert_says("no validation images");
    assert_ok(prnn_trainer_save(ctx, h.trainer)); /* the present weights, whenever */
    assert_model_is_saved(&h, o.out);
    hand_steps(&h, 9);
    hand_end(&h);
    assert_same_run(o.out, whole.out);
}

/* ------------------------------------------------------------------------------------- refusals */

static void a_used_folder_is_refused(void **state) {
    (void)state;
    hand first, second;
    prnn_train_options o = full_options(fresh("used"));
    assert_ok(hand_begin(&first, &o, true));
    assert_int_equal(hand_begin(&second, &o, true), PRNN_ERROR_FILE);
    assert_says("another training is at work");
    hand_end(&second);
    hand_end(&first);
    assert_int_equal(hand_begin(&second, &o, true), PRNN_ERROR_FILE);
    assert_says("is there from an earlier run");
    hand_end(&second);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    hand h;
    bool done;
    prnn_train_options o = full_options(fresh("missing"));
    assert_ok(hand_begin(&h, &o, true));
    prnn_trainer *other = NULL;
    assert_int_equal(prnn_trainer_create(ctx, NULL, h.train, NULL, &o, &other), PRNN_ERROR_ARGUMENT);
    assert_says("model is NULL");
    assert_int_equal(prnn_trainer_create(ctx, h.model, NULL, NULL, &o, &other), PRNN_ERROR_ARGUMENT);
    assert_says("train is NULL");
    assert_int_equal(prnn_trainer_create(ctx, h.model, h.train, NULL, &o, NULL), PRNN_ERROR_ARGUMENT);
    assert_says("trainer is NULL");
    assert_int_equal(prnn_trainer_create(ctx, h.model, h.train, NULL, NULL, &other), PRNN_ERROR_ARGUMENT);
    assert_says("needs a folder");
    assert_null(other);
    assert_int_equal(prnn_trainer_step(ctx, NULL, NULL, &done), PRNN_ERROR_ARGUMENT);
    assert_says("trainer is NULL");
    assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, NULL), PRNN_ERROR_ARGUMENT);
    assert_says("done is NULL");
    assert_int_equal(prnn_trainer_validate(ctx, NULL, NULL), PRNN_ERROR_ARGUMENT);
    assert_says("trainer is NULL");
    assert_int_equal(prnn_trainer_save(ctx, NULL), PRNN_ERROR_ARGUMENT);
    assert_says("trainer is NULL");
    assert_int_equal(prnn_trainer_create(NULL, h.model, h.train, NULL, &o, &other), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_trainer_step(NULL, h.trainer, NULL, &done), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_trainer_validate(NULL, h.trainer, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_trainer_save(NULL, h.trainer), PRNN_ERROR_ARGUMENT);
    prnn_trainer_free(NULL);
    hand_end(&h);
}

static void another_context_is_refused(void **state) {
    (void)state;
    hand h;
    bool done;
    prnn_context *own = ctx, *other = prnn_context_create();
    prnn_train_options o = full_options(fresh("context"));
    assert_non_null(other);
    assert_ok(hand_begin(&h, &o, true));
    ctx = other;
    assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, &done), PRNN_ERROR_ARGUMENT);
    assert_says("another context");
    assert_int_equal(prnn_trainer_validate(ctx, h.trainer, NULL), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_trainer_save(ctx, h.trainer), PRNN_ERROR_ARGUMENT);
    ctx = own;
    if (prnn_context_set_precision(ctx, "bf16") == PRNN_OK) {
        assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, &done), PRNN_ERROR_ARGUMENT);
        assert_says("fma32-1");
        assert_ok(prnn_context_set_precision(ctx, "fp32"));
    }
    hand_steps(&h, 9);
    hand_end(&h);
    prnn_context_free(other);
    assert_same_run(o.out, reference_run(NULL));
}

/* ------------------------------------------------------------------------------------- failures */

/* A checkpoint that could not be written is written by the next call, and the model after it. */
static void what_failed_is_made_up_for(void **state) {
    (void)state;
    hand h;
    prnn_train_options o = full_options(fresh("failed"));
    char checkpoint[PATH], model[PATH];
    bool done;
    path_in(checkpoint, o.out, "checkpoint.safetensors");
    path_in(model, o.out, "model.safetensors");
    o.checkpoint_every = 1000;
    assert_ok(hand_begin(&h, &o, true));
    hand_steps(&h, 2);
    assert_int_equal(unlink(checkpoint), 0);
    assert_int_equal(mkdir(checkpoint, 0777), 0);
    assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, &done), PRNN_ERROR_FILE);
    assert_int_equal(steps_done(&h), 3); /* after which a validation and a checkpoint are due */
    assert_int_not_equal(access(model, F_OK), 0);
    assert_int_equal(rmdir(checkpoint), 0);
    assert_ok(prnn_trainer_step(ctx, h.trainer, NULL, &done));
    assert_int_equal(access(checkpoint, F_OK), 0);
    assert_int_equal(access(model, F_OK), 0);
    hand_steps(&h, 9);
    hand_end(&h);
    assert_same_run(o.out, reference_run(NULL));
}

/* A validation set that is a file, whose end is cut off while it is in use. */
static void a_broken_validation_leaves_the_model(void **state) {
    (void)state;
    enum { MANY = 70 };
    hand h;
    char path[PATH];
    uint8_t images[MANY * 16];
    prnn_train_options o = full_options(fresh("broken"));
    prnn_data_options on_disk = PRNN_DATA_OPTIONS_INIT;
    prnn_config config = tiny(PRNN_ROW);
    bool done;
    path_in(path, top, "valid.npy");
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = i * i % 7 < 3 ? 255 : 0;
    }
    assert_ok(prnn_write_npy(ctx, path, PRNN_U8, 4,
                             (const size_t[]){MANY, (size_t)config.height, (size_t)config.width, 1}, images));
    on_disk.levels = config.levels;
    on_disk.memory_limit = 1;
    h = (hand){.model = make_model(&config), .train = make_data(TRAIN, 1, NULL)};
    assert_ok(prnn_data_open(ctx, path, &on_disk, &h.valid));
    assert_ok(prnn_trainer_create(ctx, h.model, h.train, h.valid, &o, &h.trainer));
    hand_steps(&h, 5);
    assert_int_equal(truncate(path, 300), 0);
    assert_int_equal(prnn_trainer_step(ctx, h.trainer, NULL, &done), PRNN_ERROR_FILE);
    assert_int_equal(steps_done(&h), 6);
    assert_model_is_saved(&h, o.out);
    hand_end(&h);
}

typedef struct meddler {
    prnn_trainer *trainer;
    int refused;
} meddler;

static bool meddle(void *user, const prnn_progress *p) {
    meddler *m = user;
    bool done;
    prnn_progress own = PRNN_PROGRESS_INIT;
    (void)p;
    if (m->trainer) {
        m->refused += prnn_trainer_save(ctx, m->trainer) == PRNN_ERROR_ARGUMENT;
        m->refused += prnn_trainer_step(ctx, m->trainer, NULL, &done) == PRNN_ERROR_ARGUMENT;
        m->refused += prnn_trainer_validate(ctx, m->trainer, NULL) == PRNN_ERROR_ARGUMENT;
        assert_says("a validation of this training is under way");
        prnn_trainer_progress(m->trainer, &own);
    }
    return true;
}

static void calls_from_a_validation_are_refused(void **state) {
    (void)state;
    hand h;
    meddler m = {0};
    prnn_train_options o = full_options(fresh("meddled"));
    o.progress = meddle;
    o.user = &m;
    assert_ok(hand_begin(&h, &o, true));
    m.trainer = h.trainer;
    hand_steps(&h, 9);
    assert_true(m.refused >= 9 && m.refused % 3 == 0);
    hand_end(&h);
    assert_same_run(o.out, reference_run(NULL));
}

/* ------------------------------------------------------------------------------------ timetable */

static void check_due(const prnn_timetable *t, uint64_t step, uint64_t validated, uint64_t logged,
                      const char *expected) {
    prnn_due due = prnn_timetable_due(t, step, validated, logged);
    char text[5] = "";
    strcat(text, due.validation ? "v" : "");
    strcat(text, due.line ? "l" : "");
    strcat(text, due.checkpoint ? "c" : "");
    strcat(text, due.result ? "r" : "");
    assert_string_equal(text, expected);
}

static void what_is_due(void **state) {
    (void)state;
    const prnn_timetable t = {.steps = 10, .epoch = 5, .valid_every = 4, .log_every = 3, .valid = true};
    check_due(&t, 0, 0, 0, "");
    check_due(&t, 1, 0, 0, "");
    check_due(&t, 3, 0, 0, "l");
    check_due(&t, 3, 0, 3, ""); /* was logged */
    check_due(&t, 4, 0, 3, "vlc");
    check_due(&t, 4, 4, 3, "l"); /* was validated, and its line is missing */
    check_due(&t, 4, 4, 4, "");
    check_due(&t, 8, 4, 6, "vlc");
    check_due(&t, 10, 8, 9, "vlcr"); /* the end */
    check_due(&t, 10, 10, 9, "lcr");
    check_due(&t, 10, 10, 10, "cr");
    const prnn_timetable alone = {.steps = 10, .epoch = 5, .valid_every = 4, .log_every = 3};
    check_due(&alone, 4, 0, 3, "");
    check_due(&alone, 10, 0, 9, "lcr");
}

static void timetables_of_options(void **state) {
    (void)state;
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.batch = 8;
    o.epochs = 2.5;
    prnn_timetable t = prnn_timetable_of(&o, 81, false); /* 11 steps an epoch, the last of one image */
    assert_true(t.epoch == 11 && t.steps == 28 && t.valid_every == 11 && t.log_every == 2 && !t.valid);
    assert_true(prnn_timetable_epoch(&t, 22) == 2);
    o.steps = 3;
    o.valid_every = 7;
    o.log_every = 9;
    t = prnn_timetable_of(&o, 1, true);
    assert_true(t.epoch == 1 && t.steps == 3 && t.valid_every == 7 && t.log_every == 9 && t.valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_by_hand_are_a_training),
        cmocka_unit_test(a_saved_run_is_resumed),
        cmocka_unit_test(a_stopped_validation_is_made_up_for),
        cmocka_unit_test(validations_by_hand),
        cmocka_unit_test(the_model_is_the_best),
        cmocka_unit_test(without_validation_images),
        cmocka_unit_test(a_used_folder_is_refused),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(another_context_is_refused),
        cmocka_unit_test(what_failed_is_made_up_for),
        cmocka_unit_test(a_broken_validation_leaves_the_model),
        cmocka_unit_test(calls_from_a_validation_are_refused),
        cmocka_unit_test(what_is_due),
        cmocka_unit_test(timetables_of_options),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

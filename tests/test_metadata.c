/* The metadata of models: set and read back, kept in files and checkpoints, their limits, and what trainings
 * write in them. */
#include "training.h"

#include "data/data.h"

#include <pixelrnn/io.h>

static void assert_entry(const prnn_model *model, const char *key, const char *value) {
    const char *has = prnn_model_metadata(model, key);
    if (!has || strcmp(has, value) != 0) {
        fail_msg("%s is %s, not %s", key, has ? has : "missing", value);
    }
}

static prnn_model *small_model(void) {
    prnn_config config = tiny(PRNN_ROW);
    return make_model(&config);
}

/* The model after a way through a file. */
static prnn_model *through_file(prnn_model *model) {
    char file[PATH];
    path_in(file, top, "metadata.safetensors");
    assert_ok(prnn_model_save(ctx, model, file));
    prnn_model_free(model);
    assert_ok(prnn_model_load(ctx, file, &model));
    unlink(file);
    return model;
}

/* ------------------------------------------------------------------------------------ by callers */

static void entries_are_set_and_removed(void **state) {
    (void)state;
    prnn_model *model = small_model();
    assert_int_equal(prnn_model_metadata_count(model), 0);
    assert_null(prnn_model_metadata_key(model, 0));
    assert_ok(prnn_model_set_metadata(ctx, model, "author", "somebody"));
    assert_ok(prnn_model_set_metadata(ctx, model, "licence", "none\n\"at all\"\x1b[1m \xc3\xa9"));
    assert_ok(prnn_model_set_metadata(ctx, model, "empty", ""));
    assert_ok(prnn_model_set_metadata(ctx, model, "auth", "a key that another one begins with"));
    assert_ok(prnn_model_set_metadata(ctx, model, "author", "somebody else"));
    model = through_file(model);
    assert_int_equal(prnn_model_metadata_count(model), 4);
    assert_string_equal(prnn_model_metadata_key(model, 0), "author"); /* it keeps its place */
    assert_string_equal(prnn_model_metadata_key(model, 3), "auth");
    assert_null(prnn_model_metadata_key(model, 4));
    assert_entry(model, "author", "somebody else");
    assert_entry(model, "licence", "none\n\"at all\"\x1b[1m \xc3\xa9");
    assert_entry(model, "empty", "");
    assert_null(prnn_model_metadata(model, "format"));
    assert_ok(prnn_model_set_metadata(ctx, model, "auth", NULL));
    assert_ok(prnn_model_set_metadata(ctx, model, "nobody has set this", NULL));
    assert_null(prnn_model_metadata(model, "auth"));
    assert_entry(model, "author", "somebody else");
    assert_int_equal(prnn_model_metadata_count(model), 3);
    prnn_model_free(model);
}

static void assert_refused(prnn_model *model, const char *key, const char *value, const char *sentence) {
    size_t count = prnn_model_metadata_count(model);
    assert_int_equal(prnn_model_set_metadata(ctx, model, key, value), PRNN_ERROR_ARGUMENT);
    assert_says(sentence);
    assert_int_equal(prnn_model_metadata_count(model), count);
}

static void limits_are_told(void **state) {
    (void)state;
    static char text[PRNN_METADATA_VALUE + 2];
    memset(text, 'x', sizeof text - 1);
    prnn_model *model = small_model();
    assert_refused(model, "config", "{}", "\"config\" are the model file's own: choose another key");
    assert_refused(model, "", "x", "has 0 bytes: choose 1 to 256");
    assert_refused(model, text + sizeof text - 1 - 257, "x", "has 257 bytes: choose 1 to 256");
    assert_refused(model, "a\xff", "x", "not UTF-8");
    assert_refused(model, "latin", "gr\xf6n", "\"latin\" is not UTF-8");
    assert_refused(model, "long", text, "\"long\" has 65537 bytes, at most 65536 are kept");
    assert_ok(prnn_model_set_metadata(ctx, model, text + sizeof text - 1 - 256, text + 1));
    for (int i = 0; i < 14; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_ok(prnn_model_set_metadata(ctx, model, key, text + 1));
    }
    assert_refused(model, "more", text + 1, "at most 1024 entries and 1048576 bytes");
    assert_ok(prnn_model_set_metadata(ctx, model, "13", text + 1)); /* in its own place there is room */
    prnn_model_free(model);
    model = small_model();
    for (int i = 0; i < PRNN_METADATA_ENTRIES; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_ok(prnn_model_set_metadata(ctx, model, key, ""));
    }
    assert_refused(model, "more", "", "at most 1024 entries");
    model = through_file(model);
    assert_int_equal(prnn_model_metadata_count(model), PRNN_METADATA_ENTRIES);
    prnn_model_free(model);
}

/* A file with these metadata beside those that every model has. */
static prnn_status load_with(const prnn_safetensors_pair *pairs, size_t count) {
    static prnn_safetensors_pair all[PRNN_METADATA_ENTRIES + 8];
    prnn_model *model = small_model(), *loaded;
    prnn_safetensors *st;
    char file[PATH];
    path_in(file, top, "hostile.safetensors");
    assert_ok(prnn_model_save(ctx, model, file));
    assert_ok(prnn_safetensors_read(ctx, file, &st));
    const char *const own[] = {"format", "version", "config"};
    for (size_t i = 0; i < 3; i++) {
        all[i] = (prnn_safetensors_pair){own[i], prnn_safetensors_metadata(st, own[i])};
    }
    memcpy(all + 3, pairs, count * sizeof *pairs);
    assert_ok(prnn_safetensors_write(ctx, file, st->entries, st->count, all, count + 3));
    prnn_status status = prnn_model_load(ctx, file, &loaded);
    assert_int_equal(loaded != NULL, status == PRNN_OK);
    prnn_safetensors_free(st);
    prnn_model_free(loaded);
    prnn_model_free(model);
    unlink(file);
    return status;
}

static void files_beyond_the_limits_are_refused(void **state) {
    (void)state;
    static char keys[PRNN_METADATA_ENTRIES + 1][8], value[PRNN_METADATA_VALUE + 2];
    static prnn_safetensors_pair pairs[PRNN_METADATA_ENTRIES + 1];
    for (size_t i = 0; i < PRNN_METADATA_ENTRIES + 1; i++) {
        snprintf(keys[i], sizeof keys[i], "%zu", i);
        pairs[i] = (prnn_safetensors_pair){keys[i], "x"};
    }
    memset(value, 'y', sizeof value - 1);
    assert_ok(load_with(pairs, PRNN_METADATA_ENTRIES));
    assert_int_equal(load_with(pairs, PRNN_METADATA_ENTRIES + 1), PRNN_ERROR_FORMAT);
    assert_says("hostile.safetensors: more metadata than a model keeps");
    pairs[0].value = value + 1;
    assert_ok(load_with(pairs, 1));
    pairs[0].value = value;
    assert_int_equal(load_with(pairs, 1), PRNN_ERROR_FORMAT);
    assert_says("hostile.safetensors: the metadata \"0\" has 65537 bytes");
    pairs[0] = (prnn_safetensors_pair){"", "x"};
    assert_int_equal(load_with(pairs, 1), PRNN_ERROR_FORMAT);
}

/* -------------------------------------------------------------------------------------- trainings */

static prnn_model *load_from(const char *run, const char *file) {
    char path[PATH];
    prnn_model *model;
    path_in(path, run, file);
    assert_ok(prnn_model_load(ctx, path, &model));
    return model;
}

static void assert_same_metadata(const prnn_model *a, const prnn_model *b) {
    assert_int_equal(prnn_model_metadata_count(a), prnn_model_metadata_count(b));
    for (size_t i = 0; i < prnn_model_metadata_count(a); i++) {
        const char *key = prnn_model_metadata_key(a, i);
        assert_string_equal(key, prnn_model_metadata_key(b, i));
        assert_entry(b, key, prnn_model_metadata(a, key));
    }
}

static void a_training_says_what_it_was(void **state) {
    (void)state;
    prnn_train_options o = full_options(fresh("says"));
    prnn_model *model = small_model();
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
    assert_ok(prnn_model_set_metadata(ctx, model, "author", "somebody"));
    assert_ok(prnn_train(ctx, model, train, valid, &o));
    prnn_model *saved = load_from(o.out, "model.safetensors");
    assert_same_metadata(saved, model);
    const char *const entries[][2] = {{"author", "somebody"},
                                      {"training.1.version", PRNN_VERSION},
                                      {"training.1.arithmetic", "fma32-1"},
                                      {"training.1.images", "10"},
                                      {"training.1.valid-images", "70"},
                                      {"training.1.batch", "4"},
                                      {"training.1.optimizer", "adam"},
                                      {"training.1.lr", "0.02"},
                                      {"training.1.schedule", "cosine"},
                                      {"training.1.warmup", "2"},
                                      {"training.1.final-fraction", "0.1"},
                                      {"training.1.clip", "3"},
                                      {"training.1.ema", "0.9"},
                                      {"training.1.seed", "5"},
                                      {"training.1.valid-every", "3"},
                                      {"training.1.total-steps", "7"}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        assert_entry(saved, entries[i][0], entries[i][1]);
    }
    assert_null(prnn_model_metadata(saved, "training.1.decay-factor")); /* of another schedule */
    assert_null(prnn_model_metadata(saved, "training.1.data"));         /* memory has no name */
    char text[32];
    snprintf(text, sizeof text, "%.9g", mean_nats(saved, valid));
    assert_entry(saved, "training.1.valid-nats", text);
    uint64_t print;
    assert_ok(prnn_data_fingerprint(ctx, train, &print));
    snprintf(text, sizeof text, "%llu", (unsigned long long)print);
    assert_entry(saved, "training.1.fingerprint", text);
    prnn_model_free(saved);
    prnn_model_free(model);
    prnn_data_free(train);
    prnn_data_free(valid);
}

/* The weights of a checkpoint are others than the best ones, and so is what it says of them. */
static void a_checkpoint_says_what_it_holds(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("holds"));
    o.learning_rate = 100; /* so that the second step makes it worse */
    o.valid_every = 1;
    o.steps = 2;
    assert_ok(train_full(&o));
    prnn_model *best = load_from(o.out, "model.safetensors");
    prnn_model *last = load_from(o.out, "checkpoint.safetensors");
    prnn_safetensors *st = checkpoint_of(o.out);
    assert_entry(last, "training.1.steps", "2");
    assert_entry(best, "training.1.steps", prnn_safetensors_metadata(st, "best_step"));
    assert_string_not_equal(prnn_model_metadata(best, "training.1.steps"), "2");
    assert_string_not_equal(prnn_model_metadata(best, "training.1.valid-nats"),
                            prnn_model_metadata(last, "training.1.valid-nats"));
    assert_null(prnn_model_metadata(last, "batch")); /* the checkpoint's own are not the model's */
    prnn_safetensors_free(st);
    prnn_model_free(best);
    prnn_model_free(last);
}

/* The model has the best weights from a validation on, saved or not, and says so. */
static void a_model_says_what_it_was_given(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("given"));
    prnn_model *model = small_model();
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
    prnn_trainer *trainer;
    bool done;
    assert_ok(prnn_trainer_create(ctx, model, train, valid, &o, &trainer));
    assert_ok(prnn_trainer_step(ctx, trainer, NULL, &done));
    assert_null(prnn_model_metadata(model, "training.1.steps"));
    assert_ok(prnn_trainer_validate(ctx, trainer, NULL));
    assert_entry(model, "training.1.steps", "1");
    prnn_trainer_free(trainer);
    prnn_model_free(model);
    prnn_data_free(train);
    prnn_data_free(valid);
}

/* One training after the other, each of the model of the one before. */
static prnn_model *train_further(prnn_model *model, const char *name, double rate) {
    prnn_train_options o = options_for(fresh(name));
    prnn_data *train = make_data(TRAIN, 1, NULL);
    o.steps = 1;
    o.learning_rate = rate;
    assert_ok(prnn_train(ctx, model, train, NULL, &o));
    prnn_data_free(train);
    return model;
}

static void models_say_what_they_began_with(void **state) {
    (void)state;
    prnn_model *model = train_further(small_model(), "further", 0.25);
    train_further(model, "further", 0.125);
    assert_entry(model, "training.1.lr", "0.25");
    assert_entry(model, "training.2.lr", "0.125");
    char run[PATH];
    path_in(run, top, "further");
    prnn_model *checkpoint = load_from(run, "checkpoint.safetensors");
    assert_same_metadata(checkpoint, model);
    prnn_model_free(checkpoint);
    prnn_model_free(model);
}

/* A run that is resumed is the same training, whatever the model says that it is resumed with. */
static void a_resumed_run_is_one_training(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("resumed"));
    prnn_data *train = make_data(TRAIN, 1, NULL);
    prnn_model *model = train_further(small_model(), "before", 0.5);
    o.steps = 3;
    assert_ok(prnn_train(ctx, model, train, NULL, &o));
    assert_entry(model, "training.2.steps", "3");
    prnn_model *other = small_model();
    o.resume = true;
    o.steps = 5;
    assert_ok(prnn_train(ctx, other, train, NULL, &o));
    assert_entry(other, "training.1.lr", "0.5");
    assert_entry(other, "training.2.steps", "5");
    assert_null(prnn_model_metadata(other, "training.3.steps"));
    prnn_model_free(other);
    prnn_model_free(model);
    prnn_data_free(train);
}

static void the_first_trainings_are_forgotten(void **state) {
    (void)state;
    prnn_model *model = small_model();
    int last = 0;
    for (size_t count = 0; last < 200; last++) {
        train_further(model, "again", 0.001);
        if (prnn_model_metadata_count(model) <= count) {
            break;
        }
        count = prnn_model_metadata_count(model);
    }
    char key[32];
    snprintf(key, sizeof key, "training.%d.steps", last + 1);
    assert_true(last > 30 && last < 200);
    assert_entry(model, key, "1");
    assert_null(prnn_model_metadata(model, "training.1.steps"));
    assert_entry(model, "training.2.steps", "1");
    prnn_model_free(model);
}

static void no_room_is_told_before_the_work(void **state) {
    (void)state;
    prnn_model *model = small_model();
    prnn_train_options o = options_for(fresh("crowded"));
    prnn_data *train = make_data(TRAIN, 1, NULL);
    for (int i = 0; i < PRNN_METADATA_ENTRIES - 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_ok(prnn_model_set_metadata(ctx, model, key, ""));
    }
    assert_int_equal(prnn_train(ctx, model, train, NULL, &o), PRNN_ERROR_ARGUMENT);
    assert_says("more metadata than a model keeps");
    assert_int_equal(count_files(o.out), 0);
    prnn_data_free(train);
    prnn_model_free(model);
}

static void dates_are_the_environments(void **state) {
    (void)state;
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    prnn_model *model = train_further(small_model(), "dated", 0.1);
    assert_entry(model, "training.1.date", "2023-11-14T22:13:20Z");
    const char *const wrong[] = {"yesterday", "-1", "12 ", "253402300800", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        prnn_train_options o = options_for(fresh("undated"));
        prnn_data *train = make_data(TRAIN, 1, NULL);
        setenv("SOURCE_DATE_EPOCH", wrong[i], 1);
        assert_int_equal(prnn_train(ctx, model, train, NULL, &o), PRNN_ERROR_ARGUMENT);
        assert_says("SOURCE_DATE_EPOCH is \"");
        prnn_data_free(train);
    }
    unsetenv("SOURCE_DATE_EPOCH");
    train_further(model, "undated", 0.1);
    assert_null(prnn_model_metadata(model, "training.2.date"));
    prnn_model_free(model);
}

/* ------------------------------------------------------------------------------- names of sources */

static void sources_are_last_parts(void **state) {
    (void)state;
    const char *const cases[][2] = {
        {"a/b/train.gz", "train.gz"}, {"photos/", "photos"}, {"photos//", "photos"},
        {"train.npy", "train.npy"},   {"/", NULL},           {".", "."},
        {"/dev/stdin", NULL},         {"/dev/fd/63", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prnn_data *data = make_data(2, 1, NULL), *rest;
        assert_ok(prnn_data_set_source(ctx, data, cases[i][0]));
        assert_ok(prnn_data_split(ctx, data, 1, &rest));
        for (int part = 0; part < 2; part++) {
            const char *source = part ? rest->source : data->source;
            assert_true(cases[i][1] ? source && strcmp(source, cases[i][1]) == 0 : !source);
        }
        prnn_data_free(data);
        prnn_data_free(rest);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_set_and_removed),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(files_beyond_the_limits_are_refused),
        cmocka_unit_test(a_training_says_what_it_was),
        cmocka_unit_test(a_checkpoint_says_what_it_holds),
        cmocka_unit_test(a_model_says_what_it_was_given),
        cmocka_unit_test(models_say_what_they_began_with),
        cmocka_unit_test(a_resumed_run_is_one_training),
        cmocka_unit_test(the_first_trainings_are_forgotten),
        cmocka_unit_test(no_room_is_told_before_the_work),
        cmocka_unit_test(dates_are_the_environments),
        cmocka_unit_test(sources_are_last_parts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

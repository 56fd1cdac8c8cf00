/* Training from the beginning to the end: it learns, on any number of threads, keeps the best weights,
 * refuses options out of range, and diverges in good order. */
#include "training.h"

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
            images[k] =
                (uint8_t)((k % size / 3 + k / size) % (size_t)config.levels * (256 / (size_t)config.levels));
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

/* ------------------------------------------------------------------------------- best validation */

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
        assert_memory_equal(model->weights->parameters, loaded->weights->parameters, n * sizeof(float));
        prnn_safetensors *st = checkpoint_of(o.out);
        assert_memory_equal(block_of(st, "best"), loaded->weights->parameters, n * sizeof(float));
        assert_memory_not_equal(block_of(st, "weights"), loaded->weights->parameters, n * sizeof(float));
        prnn_safetensors_free(st);
        prnn_model_free(loaded);
        prnn_model_free(model);
        prnn_data_free(train);
        prnn_data_free(valid);
    }
}

/* --------------------------------------------------------------------------------------- options */

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
            assert_says("a lower learning rate than ");
            /* The checkpoint is one that resume takes: it comes to the same end. */
            o.resume = true;
            assert_int_equal(train_kind(kind, &o, validate), PRNN_ERROR_DIVERGED);
            assert_finite_checkpoint(o.out);
        }
    }
    print_message("%d runs diverged\n", diverged);
    assert_true(diverged > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_learns),           cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(the_best_validation_is_kept), cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(diverging_runs_end_well),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

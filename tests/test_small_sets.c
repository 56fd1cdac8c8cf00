/* What helps against overfitting: images that are mirrored and moved, weights that decay, features that are
 * dropped, an end in time; and that each of them says the same whoever computes it, and after a stop. */
#include "training.h"

#include "base/random.h"
#include "model/gradient.h"
#include "train/augment.h"
#include "train/optimizer.h"

/* -------------------------------------------------------------------------------------- images */

enum { HIGH = 5, WIDE = 7, COLOURS = 3, PICTURE = HIGH * WIDE * COLOURS, COUNT = 400 };

/* Pixel (row, col) of an image whose pixels all differ. */
static uint8_t pixel_of(int row, int col) {
    row = row < 0 ? 0 : row >= HIGH ? HIGH - 1 : row;
    col = col < 0 ? 0 : col >= WIDE ? WIDE - 1 : col;
    return (uint8_t)(1 + row * WIDE + col);
}

/* Whether it is that image, mirrored or not, then moved. */
static bool is_moved(const uint8_t *image, bool mirrored, int down, int right) {
    for (int i = 0; i < PICTURE; i++) {
        int row = i / COLOURS / WIDE - down, col = i / COLOURS % WIDE - right;
        col = col < 0 ? 0 : col >= WIDE ? WIDE - 1 : col;
        if (image[i] != pixel_of(row, mirrored ? WIDE - 1 - col : col) + i % COLOURS * 50) {
            return false;
        }
    }
    return true;
}

static void fill_images(uint8_t *images, size_t count) {
    for (size_t i = 0; i < count * PICTURE; i++) {
        int pixel = (int)(i % PICTURE / COLOURS);
        images[i] = (uint8_t)(pixel_of(pixel / WIDE, pixel % WIDE) + i % COLOURS * 50);
    }
}

/* How often each of the things that may happen did. */
static void count_changes(const uint8_t *images, int shift, int counts[2][2 * HIGH][2 * HIGH]) {
    for (int i = 0; i < COUNT; i++) {
        int found = 0;
        for (int j = 0; j < 2 * (2 * shift + 1) * (2 * shift + 1); j++) {
            int mirrored = j % 2, down = j / 2 % (2 * shift + 1), right = j / 2 / (2 * shift + 1);
            if (is_moved(images + i * PICTURE, mirrored, down - shift, right - shift)) {
                counts[mirrored][down][right]++;
                found++;
            }
        }
        assert_int_equal(found, 1);
    }
}

static void images_are_mirrored_and_moved(void **state) {
    (void)state;
    static uint8_t images[COUNT * PICTURE];
    uint8_t scratch[PICTURE];
    size_t numbers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = (size_t)i;
    }
    for (int how = 0; how < 6; how++) {
        prnn_augmentation a = {
            .seed = 3, .flip = how % 2, .shift = how / 2, .height = HIGH, .width = WIDE, .channels = COLOURS};
        int counts[2][2 * HIGH][2 * HIGH] = {{{0}}}, places = 2 * a.shift + 1,
                                    kinds = places * places * (1 + a.flip);
        fill_images(images, COUNT);
        prnn_augment(&a, 9, numbers, COUNT, images, scratch);
        count_changes(images, a.shift, counts);
        for (int i = 0; i < kinds; i++) { /* 8 of 400 expected at least */
            int times = counts[i / places / places][i / places % places][i % places];
            assert_in_range(times, COUNT / kinds / 4, COUNT / kinds * 2.5);
        }
    }
}

/* By its number and the epoch, not by where it is in a batch; anew in each epoch. */
static void images_change_by_their_numbers(void **state) {
    (void)state;
    enum { N = 50 };
    prnn_augmentation a = {
        .seed = 3, .flip = true, .shift = 2, .height = HIGH, .width = WIDE, .channels = COLOURS};
    uint8_t all[N * PICTURE], next[N * PICTURE], one[PICTURE], scratch[PICTURE];
    size_t numbers[N];
    int changed = 0;
    for (size_t i = 0; i < N; i++) {
        numbers[i] = (i * 7 + 3) % 97;
    }
    fill_images(all, N);
    fill_images(next, N);
    prnn_augment(&a, 4, numbers, N, all, scratch);
    prnn_augment(&a, 5, numbers, N, next, scratch);
    for (size_t i = 0; i < N; i++) {
        fill_images(one, 1);
        prnn_augment(&a, 4, &numbers[i], 1, one, scratch);
        assert_memory_equal(one, all + i * PICTURE, PICTURE);
        changed += memcmp(next + i * PICTURE, all + i * PICTURE, PICTURE) != 0;
    }
    assert_true(changed > N / 2);
    a.seed++;
    fill_images(next, N);
    prnn_augment(&a, 4, numbers, N, next, scratch);
    assert_memory_not_equal(next, all, sizeof all);
}

/* ------------------------------------------------------------------------------------- formulas */

/* Trained weights, without validation; to be freed. */
static float *trained(prnn_kind kind, prnn_train_options o, const prnn_model **from) {
    prnn_config config = tiny(kind);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN, 1, NULL);
    size_t n = prnn_model_parameter_count(model, false);
    float *weights = malloc(n * sizeof *weights);
    o.out = fresh("trained");
    assert_ok(prnn_train(ctx, model, train, NULL, &o));
    memcpy(weights, model->weights->parameters, n * sizeof *weights);
    prnn_data_free(train);
    if (from) {
        *from = model;
    } else {
        prnn_model_free(model);
    }
    return weights;
}

/* The update of a step with mirrored and moved images, in which features are dropped and weights decay: to
 * the last bit what the formulas say. */
static void steps_are_their_formulas(void **state) {
    (void)state;
    prnn_train_options o = options_for(NULL);
    o.optimizer = PRNN_SGD;
    o.learning_rate = 0.0125;
    o.flip = true;
    o.shift = 1;
    o.dropout = 0.25;
    o.weight_decay = 3;
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        float *own = trained(kind, o, NULL);
        prnn_config config = tiny(kind);
        prnn_model *model = make_model(&config);
        prnn_data *data = make_data(TRAIN, 1, NULL);
        size_t n = prnn_model_parameter_count(model, false);
        float *gradient = malloc(n * sizeof *gradient), rate = (float)o.learning_rate;
        float decay = (float)(o.learning_rate * o.weight_decay);
        prnn_gradient_engine *engine;
        assert_ok(
            prnn_gradient_engine_create(ctx, &config, (prnn_batch_kind){.images = o.batch}, 0, &engine));
        for (uint64_t step = 0; step < o.steps; step++) {
            uint64_t order[TRAIN], epoch = step / 3, first = step % 3 * 4, count = first == 8 ? 2 : 4;
            uint8_t images[4 * PIXELS], scratch[PIXELS];
            size_t numbers[4];
            prnn_random_permutation(o.seed, epoch, TRAIN, order);
            for (uint64_t i = 0; i < count; i++) {
                numbers[i] = order[first + i];
            }
            assert_ok(prnn_data_read(ctx, data, numbers, count, o.seed, epoch, images));
            prnn_augmentation moved = {o.seed, true, 1, SIDE, SIDE, 1};
            prnn_augment(&moved, epoch, numbers, count, images, scratch);
            prnn_batch batch = {
                .images = images,
                .n = (int)count,
                .dropout = {.below = 65536 / 4, .scale = (float)(4.0 / 3), .seed = o.seed, .step = step}};
            double nats;
            assert_ok(prnn_gradient_engine_run(ctx, engine, (prnn_block){model->weights->parameters, 0, n},
                                               &batch, (prnn_block){gradient, 0, n}, NULL, &nats));
            for (int t = 0; t < model->network->plan.parameter_count; t++) {
                const prnn_parameter *p = &model->network->plan.parameters[t];
                for (size_t i = p->offset; i < p->offset + p->count; i++) {
                    float w = model->weights->parameters[i];
                    w = p->rank > 1 ? fmaf(-decay, w, w) : w;
                    model->weights->parameters[i] = fmaf(-rate, gradient[i], w);
                }
            }
        }
        assert_memory_equal(own, model->weights->parameters, n * sizeof *own);
        prnn_gradient_engine_free(ctx, engine);
        free(own);
        free(gradient);
        prnn_data_free(data);
        prnn_model_free(model);
    }
}

/* With a gradient of nearly nothing what is left is the decay, of every optimizer, at the rate of each step;
 * and masked weights are zero. */
static void weights_decay_with_every_optimizer(void **state) {
    (void)state;
    for (prnn_optimizer optimizer = PRNN_RMSPROP; optimizer <= PRNN_SGD; optimizer++) {
        for (int m = 0; m < 2; m++) {
            prnn_config config = tiny((prnn_kind)optimizer);
            prnn_model *before = make_model(&config);
            const prnn_model *after;
            prnn_train_options o = options_for(NULL);
            o.optimizer = optimizer;
            o.beta1 = m ? 0.5 : -1;
            o.schedule = PRNN_COSINE;
            o.learning_rate = 0.1;
            o.epsilon = 1e6;
            o.clip = 1e-6;
            o.weight_decay = 2;
            free(trained((prnn_kind)optimizer, o, &after));
            double left = 1;
            for (uint64_t step = 0; step < o.steps; step++) {
                left *= 1 - 2 * prnn_learning_rate(&o, step, o.steps, 0);
            }
            assert_true(left < 0.7);
            for (int t = 0; t < after->network->plan.parameter_count; t++) {
                const prnn_parameter *p = &after->network->plan.parameters[t];
                for (size_t i = p->offset; i < p->offset + p->count; i++) {
                    double was = (double)before->weights->parameters[i],
                           is = (double)after->weights->parameters[i];
                    assert_true(fabs(is - was * (p->rank > 1 ? left : 1)) < 1e-5);
                    assert_true(is == 0 || !prnn_model_parameter_is_masked(after, i));
                }
            }
            prnn_model_free(before);
            prnn_model_free((prnn_model *)after);
        }
    }
}

/* ------------------------------------------------------------------------------------- patience */

/* Training and validation images that have nothing in common: after a while it gets worse and worse. */
static prnn_train_options hopeless(const char *out) {
    prnn_train_options o = options_for(out);
    o.learning_rate = 0.05;
    o.steps = 60;
    o.valid_every = 2;
    o.optimizer = PRNN_ADAM;
    return o;
}

static void assert_same_run(const char *run, const char *reference) {
    assert_same_file(run, reference, "model.safetensors");
    assert_same_metrics(run, reference);
    assert_same_checkpoint(run, reference);
}

typedef struct history {
    double lowest, valid[100];
    int validations, overfitted;
    uint64_t done, best_step, not_lower;
} history;

static bool remember(void *user, const prnn_progress *p) {
    history *h = user;
    if (strcmp(p->phase, "train") == 0 && !isnan(p->valid_nats) && p->done % 2 == 0 && p->done > h->done) {
        h->valid[h->validations++] = p->valid_nats;
    }
    if (strcmp(p->phase, "train") == 0) {
        h->done = p->done;
        h->best_step = p->best_step;
        h->not_lower = p->not_lower;
        h->overfitted = h->overfitted < (int)p->overfitted ? (int)p->overfitted : h->overfitted;
    }
    return true;
}

static history run(prnn_train_options o) {
    history h = {0};
    o.progress = remember;
    o.user = &h;
    assert_ok(train_kind(PRNN_CNN, &o, true));
    return h;
}

/* Where a run of these validations should end. */
static int end_by_hand(const history *h, int patience, int *best) {
    *best = 0;
    for (int i = 0; i < h->validations; i++) {
        *best = h->valid[i] < h->valid[*best] ? i : *best;
        if (i - *best >= patience) {
            return i;
        }
    }
    return h->validations - 1;
}

static void training_ends_when_patience_does(void **state) {
    (void)state;
    history whole = run(hopeless(fresh("hopeless")));
    assert_int_equal(whole.validations, 30);
    assert_true(whole.overfitted >= 3);
    for (int patience = 1; patience < 6; patience += 2) {
        char out[PATH];
        strcpy(out, fresh("patience"));
        prnn_train_options o = hopeless(out);
        int best, end = end_by_hand(&whole, patience, &best);
        o.patience = (uint64_t)patience;
        history h = run(o);
        assert_int_equal(h.validations, end + 1);
        assert_true(end < 29 && h.done == 2 * (uint64_t)h.validations);
        assert_int_equal(h.best_step, 2 * (best + 1));
        assert_int_equal(h.not_lower, patience);
        assert_int_equal(count_files(out), 3);
        /* It is over, whoever resumes it, */
        const char *copy = fresh("copy");
        copy_run(out, copy);
        o.resume = true;
        assert_ok(train_kind(PRNN_CNN, &o, true));
        assert_same_run(out, copy);
        /* but for one with more patience, which ends as if it had had it from the beginning. */
        o.patience = 0;
        run(o);
        prnn_train_options once = hopeless(fresh("once"));
        run(once);
        assert_same_run(out, once.out);
    }
}

/* By hand too, where a caller's own validation may be the last. */
static void patience_of_a_trainer(void **state) {
    (void)state;
    prnn_config config = tiny(PRNN_CNN);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
    prnn_train_options o = hopeless(fresh("by hand"));
    o.valid_every = 1000;
    o.patience = 2;
    prnn_trainer *trainer;
    assert_ok(prnn_trainer_create(ctx, model, train, valid, &o, &trainer));
    prnn_progress p = PRNN_PROGRESS_INIT;
    bool done = false;
    while (!done && p.done < 60) {
        assert_ok(prnn_trainer_step(ctx, trainer, NULL, &done));
        uint64_t before = p.not_lower;
        double best = p.best_nats, nats;
        if (!done) {
            assert_ok(prnn_trainer_validate(ctx, trainer, &nats));
            prnn_trainer_progress(trainer, &p);
            assert_int_equal(p.not_lower, p.done == 1 || nats < best ? 0 : before + 1);
        }
    }
    assert_true(p.done < 60 && p.not_lower == 2);
    prnn_trainer_free(trainer);
    prnn_safetensors *st = checkpoint_of(o.out);
    char step[24];
    snprintf(step, sizeof step, "%d", (int)p.done);
    assert_string_equal(prnn_safetensors_metadata(st, "step"), step);
    prnn_safetensors_free(st);
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
}

/* ------------------------------------------------------------------------- stops, and threads */

/* Everything at once, with an end by patience. */
static prnn_train_options all_of_it(const char *out) {
    prnn_train_options o = hopeless(out);
    o.flip = true;
    o.shift = 1;
    o.dropout = 0.1;
    o.weight_decay = 0.01;
    o.patience = 4;
    return o;
}

/* Nothing of it is done to validation images, nor to the network that they go through. */
static void validation_is_of_the_images(void **state) {
    (void)state;
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        prnn_train_options o = all_of_it(fresh("validation"));
        history h = {0};
        prnn_config config = tiny(kind);
        prnn_model *model = make_model(&config);
        prnn_data *train = make_data(TRAIN, 1, NULL), *valid = make_data(VALID, 2, NULL);
        o.steps = 6;
        o.progress = remember;
        o.user = &h;
        assert_ok(prnn_train(ctx, model, train, valid, &o));
        double best = h.valid[0];
        for (int i = 1; i < h.validations; i++) {
            best = fmin(best, h.valid[i]);
        }
        assert_int_equal(h.validations, 3);
        assert_true(fabs(best - mean_nats(model, valid)) < 1e-9);
        prnn_data_free(train);
        prnn_data_free(valid);
        prnn_model_free(model);
    }
}

static void stopped_runs_end_with_the_same_bits(void **state) {
    (void)state;
    char reference[PATH];
    strcpy(reference, fresh("whole"));
    history h = run(all_of_it(reference));
    assert_true(h.done > 10 && h.done < 60);
    for (int first = 1; first < 40; first += 4) {
        prnn_train_options o = all_of_it(fresh("stopped"));
        o.checkpoint_every = first % 3 ? 0 : 60;
        watch w = {.lowest = NAN, .stop_at = first};
        o.progress = watching;
        o.user = &w;
        prnn_status status;
        while ((status = train_kind(PRNN_CNN, &o, true)) == PRNN_STOPPED) {
            o.resume = true;
            w.stop_at += 7 + first % 5;
        }
        assert_ok(status);
        assert_same_run(o.out, reference);
    }
}

static void threads_do_not_matter(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 16};
    char reference[PATH];
    for (prnn_kind kind = PRNN_ROW; kind <= PRNN_CNN; kind++) {
        for (int i = 0; i < 3; i++) {
            prnn_train_options o = all_of_it(fresh("threads"));
            o.steps = 7;
            o.batch = 9;
            assert_int_equal(prnn_context_set_threads(ctx, threads[i]), PRNN_OK);
            assert_ok(train_kind(kind, &o, true));
            if (i) {
                assert_same_run(o.out, reference);
            } else {
                strcpy(reference, o.out);
            }
        }
    }
    assert_int_equal(prnn_context_set_threads(ctx, 1), PRNN_OK);
}

/* ----------------------------------------------------------------------------------- what is refused */

static void wrong_options_are_refused(void **state) {
    (void)state;
    const struct {
        const char *says;
        int shift;
        double dropout, decay;
    } wrong[] = {
        {"shift is -1; it must be 0 to", -1, 0, 0},
        {"shift is 4; images of 4 x 4 can be moved by at most 3 pixels", SIDE, 0, 0},
        {"dropout is 1; it must be 0 or more and below 1", 0, 1, 0},
        {"dropout is -0.1; it must be", 0, -0.1, 0},
        {"dropout is nan; it must be", 0, NAN, 0},
        {"weight decay is -1; it must be 0 to", 0, 0, -1},
        {"weight decay is nan; it must be 0 to", 0, 0, NAN},
        {"weight decay is 1000 and the learning rate 0.001", 0, 0, 1000},
    };
    const char *out = fresh("wrong");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        prnn_train_options o = options_for(out);
        o.shift = wrong[i].shift;
        o.dropout = wrong[i].dropout;
        o.weight_decay = wrong[i].decay;
        assert_int_equal(train_kind(PRNN_ROW, &o, true), PRNN_ERROR_ARGUMENT);
        assert_says(wrong[i].says);
        assert_int_equal(access(out, F_OK), -1);
    }
    prnn_train_options o = options_for(out);
    o.patience = 3;
    assert_int_equal(train_kind(PRNN_ROW, &o, false), PRNN_ERROR_ARGUMENT);
    assert_says("patience is 3, of validations, and there are no validation images");
}

/* Almost all dropped is dropout as well. */
static void the_highest_dropout(void **state) {
    (void)state;
    prnn_train_options o = options_for(NULL);
    o.dropout = 0.9999999;
    float *weights = trained(PRNN_CNN, o, NULL);
    o.dropout = 1e-9; /* less than is told apart */
    float *none = trained(PRNN_CNN, o, NULL);
    o.dropout = 0;
    float *zero = trained(PRNN_CNN, o, NULL);
    prnn_config config = tiny(PRNN_CNN);
    prnn_model *model = make_model(&config);
    size_t size = prnn_model_parameter_count(model, false) * sizeof(float);
    assert_memory_equal(none, zero, size);
    assert_memory_not_equal(weights, zero, size);
    prnn_model_free(model);
    free(weights);
    free(none);
    free(zero);
}

/* A checkpoint of a version that knew nothing of all this, whose keys have other names here, is gone on with.
 */
static void older_checkpoints(void **state) {
    (void)state;
    static const char *const newer[] = {"flip",         "shift",          "dropout",
                                        "weight-decay", "not_lower",      "overfitted",
                                        "between_sum",  "between_images", "between_nats"};
    char out[PATH], whole[PATH], key[32];
    strcpy(out, fresh("older"));
    strcpy(whole, fresh("newer"));
    prnn_train_options o = options_for(out);
    o.valid_every = 2;
    o.steps = 4;
    assert_ok(train_full(&o));
    bytes file = slurp(out, "checkpoint.safetensors");
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        snprintf(key, sizeof key, "\"%s\":", newer[i]);
        char *at = strstr(file.data + 8, key);
        assert_non_null(at);
        at[1] = '_';
    }
    spill(out, "checkpoint.safetensors", file.data, file.size);
    free(file.data);
    o.resume = true;
    o.steps = 7;
    o.dropout = 0.5;
    assert_int_equal(train_full(&o), PRNN_ERROR_ARGUMENT);
    assert_says("was made with dropout (none), this run has 0.5");
    o.dropout = 0;
    assert_ok(train_full(&o));
    o.resume = false;
    o.out = whole;
    assert_ok(train_full(&o));
    assert_same_file(out, whole, "model.safetensors");
    assert_same_metrics(out, whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_mirrored_and_moved),
        cmocka_unit_test(images_change_by_their_numbers),
        cmocka_unit_test(steps_are_their_formulas),
        cmocka_unit_test(weights_decay_with_every_optimizer),
        cmocka_unit_test(training_ends_when_patience_does),
        cmocka_unit_test(patience_of_a_trainer),
        cmocka_unit_test(validation_is_of_the_images),
        cmocka_unit_test(stopped_runs_end_with_the_same_bits),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(the_highest_dropout),
        cmocka_unit_test(older_checkpoints),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

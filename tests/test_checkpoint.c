/* Runs whose files were damaged: checkpoints cut off, mutated or with wrong pieces, and a log that lost its
 * end. */
#include "mutate.h"
#include "training.h"

#include "base/memory.h"

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

/* -------------------------------------------------------------------------------- wrong pieces */

/* The metadata: settings and state of a run. */
static const char *const settings[] = {"format",
                                       "version",
                                       "config",
                                       "arithmetic",
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
                                       "flip",
                                       "shift",
                                       "dropout",
                                       "weight-decay",
                                       "teacher",
                                       "teacher-weight",
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
                                       "metrics_bytes",
                                       "not_lower",
                                       "overfitted",
                                       "between_sum",
                                       "between_images",
                                       "between_nats"};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* All metadata of a checkpoint, that of `key` (NULL: none) replaced by `value` (NULL: left out). */
static size_t pairs_with(const prnn_safetensors *st, const char *key, const char *value,
                         prnn_safetensors_pair *pairs) {
    size_t count = 0;
    for (int i = 0; i < SETTINGS; i++) {
        bool changed = key && strcmp(settings[i], key) == 0;
        const char *was = prnn_safetensors_metadata(st, settings[i]);
        assert_non_null(was);
        if (!changed || value) {
            pairs[count++] = (prnn_safetensors_pair){settings[i], changed ? value : was};
        }
    }
    return count;
}

/* Resumes a copy of the reference run with this checkpoint, which must leave its log alone. */
static prnn_status resume_with(const prnn_safetensors_entry *entries, size_t entry_count,
                               const prnn_safetensors_pair *pairs, size_t pair_count) {
    const char *reference = reference_run(NULL), *run = fresh("pieces");
    char path[PATH];
    path_in(path, run, "checkpoint.safetensors");
    mkdir(run, 0777);
    assert_ok(prnn_safetensors_write(ctx, path, entries, entry_count, pairs, pair_count));
    bytes b = slurp(run, "checkpoint.safetensors");
    prnn_status status = resume_damaged(run, reference, b.data, b.size);
    if (status != PRNN_OK) {
        assert_same_file(run, reference, "metrics.csv");
    }
    free(b.data);
    return status;
}

static void checkpoints_with_wrong_metadata(void **state) {
    (void)state;
    static const char *const keys[] = {
        "format",         "version",    "config",      "batch",          "step",
        "validated",      "logged",     "seconds",     "nats_sum",       "images",
        "last_nats",      "valid_nats", "best_nats",   "best_step",      "metrics_bytes",
        "flip",           "shift",      "dropout",     "weight-decay",   "teacher",
        "teacher-weight", "overfitted", "between_sum", "between_images", "between_nats"};
    static const char *const bad[] = {"", "x", "1x", NULL};
    prnn_safetensors *st = checkpoint_of(reference_run(NULL));
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (int v = 0; v < 4; v++) {
            prnn_safetensors_pair pairs[SETTINGS];
            size_t count = pairs_with(st, keys[k], bad[v], pairs);
            if (resume_with(st->entries, st->count, pairs, count) == PRNN_OK) {
                fail_msg("%s \"%s\" was taken", keys[k], bad[v] ? bad[v] : "(missing)");
            }
            assert_says("checkpoint.safetensors: ");
        }
    }
    prnn_safetensors_free(st);
}

static void checkpoints_with_wrong_tensors(void **state) {
    (void)state;
    prnn_safetensors *st = checkpoint_of(reference_run(NULL));
    prnn_safetensors_pair pairs[SETTINGS];
    size_t count = pairs_with(st, NULL, NULL, pairs);
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
            assert_int_equal(resume_with(entries, st->count, pairs, count), PRNN_ERROR_FORMAT);
            assert_says(st->entries[e].name);
            assert_says("damaged");
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

/* Windows' ends of lines; another step in the last line; one line more. */
static void change_log(int how, bytes *log) {
    char *changed = malloc(2 * log->size);
    size_t n = 0, last = 0;
    for (size_t i = 0; i < log->size; i++) {
        if (how == 0 && log->data[i] == '\n') {
            changed[n++] = '\r';
        }
        changed[n++] = log->data[i];
        last = log->data[i] == '\n' && i + 1 < log->size ? n : last;
    }
    if (how == 1) {
        changed[last]++;
    }
    if (how == 2) {
        memcpy(changed + n, "9,", 2);
        n += 2;
    }
    free(log->data);
    *log = (bytes){changed, n};
}

/* Nor can one that was changed; what came after the checkpoint is cut off. */
static void a_log_that_was_changed(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("changed");
    prnn_train_options o = full_options(run);
    o.resume = true;
    o.steps = 9;
    for (int how = 0; how < 3; how++) {
        copy_run(reference, run);
        bytes log = slurp(run, "metrics.csv");
        change_log(how, &log);
        spill(run, "metrics.csv", log.data, log.size);
        assert_int_equal(train_full(&o), how < 2 ? PRNN_ERROR_FORMAT : PRNN_OK);
        if (how < 2) {
            assert_says("metrics.csv: was changed after the checkpoint");
            assert_int_equal(size_of(run, "metrics.csv"), log.size);
        }
        free(log.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_checkpoints_are_refused), cmocka_unit_test(mutated_checkpoints),
        cmocka_unit_test(checkpoints_with_wrong_metadata),   cmocka_unit_test(checkpoints_with_wrong_tensors),
        cmocka_unit_test(a_log_that_is_too_short),           cmocka_unit_test(a_log_that_was_changed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* Runs that do not go through: stopped, killed, resumed, extended, refused for other settings or another run
 * in their folder, and disks that are full. */
#include "training.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

/* --------------------------------------------------------------------------------- stop and resume */

static void check_against(const char *run, const char *reference) {
    assert_same_file(run, reference, "model.safetensors");
    assert_same_metrics(run, reference);
    assert_same_checkpoint(run, reference);
    assert_int_equal(count_files(run), 3);
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

/* What is saved as the result of a run without validation is the average; its checkpoint gives the same. */
static void a_checkpoint_is_a_model(void **state) {
    (void)state;
    const char *reference = reference_run(NULL);
    char path[PATH];
    path_in(path, reference, "checkpoint.safetensors");
    prnn_safetensors *st = NULL;
    prnn_model *model = NULL;
    assert_ok(prnn_safetensors_read(ctx, path, &st));
    assert_ok(prnn_model_load(ctx, path, &model));
    const prnn_safetensors_entry *ema = prnn_safetensors_find(st, "ema");
    assert_non_null(ema);
    assert_int_equal(ema->count, prnn_model_parameter_count(model, false));
    assert_memory_equal(ema->data, model->weights->parameters, ema->count * sizeof(float));
    prnn_model_free(model);
    prnn_safetensors_free(st);
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

static void check_extension(prnn_optimizer optimizer) {
    prnn_train_options o = options_for(fresh("once"));
    o.optimizer = optimizer;
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

static void a_run_can_be_extended(void **state) {
    (void)state;
    check_extension(PRNN_ADAM);
    check_extension(PRNN_MUON);
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

static void change_flip(prnn_train_options *o) {
    o->flip = false;
}
static void change_shift(prnn_train_options *o) {
    o->shift = 2;
}
static void change_dropout(prnn_train_options *o) {
    o->dropout = 0.25;
}
static void change_decay(prnn_train_options *o) {
    o->weight_decay = 0;
}

static void change_teacher(prnn_train_options *o) {
    o->teacher = NULL;
}
static void change_teacher_weight(prnn_train_options *o) {
    o->teacher_weight = 0.7;
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
        {"flip 1, this run has 0", change_flip},
        {"shift 1, this run has 2", change_shift},
        {"dropout 0.2, this run has 0.25", change_dropout},
        {"weight-decay 0.5, this run has 0", change_decay},
        {"made with a teacher, this run has none; give the same", change_teacher},
        {"teacher-weight 0.6, this run has 0.7", change_teacher_weight},
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
}

static void other_images_and_networks_are_refused(void **state) {
    (void)state;
    const char *reference = reference_run(NULL), *run = fresh("settings");
    copy_run(reference, run);
    prnn_train_options o = full_options(run);
    o.resume = true;
    o.patience = 0;
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
    char left[PATH], other[PATH], named[PATH];
    path_in(left, run, "checkpoint.safetensors.123-0.tmp");
    path_in(other, run, "mine.tmp");
    path_in(named, run, "checkpoint.safetensors.before-0.tmp");
    fclose(fopen(left, "w"));
    fclose(fopen(other, "w"));
    fclose(fopen(named, "w"));
    assert_ok(train_full(&o));
    assert_int_not_equal(access(left, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(access(named, F_OK), 0);
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
    /* So is a log, and what a link in its place leads to. */
    char log[PATH], elsewhere[PATH];
    path_in(path, run, "model.safetensors");
    path_in(log, run, "metrics.csv");
    path_in(elsewhere, top, "elsewhere.csv");
    unlink(path);
    for (int link = 0; link < 2; link++) {
        o.resume = link;
        assert_int_equal(train_full(&o), PRNN_ERROR_FILE);
        assert_says("metrics.csv: is there without a checkpoint");
        assert_int_equal(count_files(run), 1);
        if (!link) {
            assert_int_equal(rename(log, elsewhere), 0);
            assert_int_equal(symlink(elsewhere, log), 0);
        }
    }
    path_in(path, reference, "metrics.csv");
    char same[3 * PATH];
    snprintf(same, sizeof same, "cmp -s %.256s %.256s", path, elsewhere);
    assert_int_equal(system(same), 0);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_at_every_moment),
        cmocka_unit_test(stopped_again_and_again),
        cmocka_unit_test(resuming_a_finished_run_changes_nothing),
        cmocka_unit_test(a_checkpoint_is_a_model),
        cmocka_unit_test(files_that_resume_can_do_without),
        cmocka_unit_test(a_run_can_be_extended),
        cmocka_unit_test(other_settings_are_refused_by_name),
        cmocka_unit_test(other_images_and_networks_are_refused),
        cmocka_unit_test(one_run_a_folder),
        cmocka_unit_test(an_earlier_run_is_not_overwritten),
        cmocka_unit_test(full_disks),
        cmocka_unit_test(a_full_disk_for_the_log),
        cmocka_unit_test(places_that_cannot_be_written),
        cmocka_unit_test(crashes_at_every_write),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

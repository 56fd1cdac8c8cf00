/* Training by ranks that are threads of this process: whatever their number, the files are those of one
 * rank; a run is resumed by any other number; and what differs, fails, stops or is lost on one of them ends
 * all, with the checkpoint as good as it can be. Run under the thread sanitizer too. */
#include "training.h"

#include "ranks.h"

enum { RANKS_MOST = 7 };

typedef struct training {
    const prnn_train_options *options;
    prnn_kind kind;
    bool validates;
    int odd, what;      /* this rank is asked for something else */
    int stops, stop_at; /* this rank wants to stop in this call of progress */
    prnn_status status[TEAM_MOST];
    char message[TEAM_MOST][1024];
    uint32_t calls[TEAM_MOST];
    double exchanged[TEAM_MOST];
    float first[TEAM_MOST]; /* weight of the model afterwards */
    bool notes;             /* a new run begins with a model that says something of itself */
    bool noted[TEAM_MOST];  /* whether it does afterwards */
} training;

typedef struct listener {
    training *of;
    int rank;
} listener;

static bool listening(void *user, const prnn_progress *p) {
    listener *l = user;
    l->of->exchanged[l->rank] = p->exchange_bytes;
    return ++l->of->calls[l->rank] != (uint32_t)l->of->stop_at || l->rank != l->of->stops;
}

enum {
    ALL_SAME,
    OTHER_RATE,
    OTHER_DATA,
    OTHER_WEIGHTS,
    OTHER_NETWORK,
    OTHER_STEPS,
    RESUMED,
    NO_FOLDER,
    BAD_RATE
};

/* As train_kind, with contexts and models of its own. */
static void train_one(prnn_context *own, int rank, void *user) {
    training *t = user;
    listener l = {t, rank};
    prnn_train_options o = *t->options;
    prnn_config config = tiny(t->kind);
    int what = rank == t->odd ? t->what : ALL_SAME;
    o.progress = listening;
    o.user = &l;
    o.learning_rate = what == OTHER_RATE ? 0.5 : what == BAD_RATE ? -1 : o.learning_rate;
    o.steps += what == OTHER_STEPS;
    o.resume = what == RESUMED ? !o.resume : o.resume;
    o.out = what == NO_FOLDER ? "/dev/null/folder" : o.out;
    config.head += what == OTHER_NETWORK;
    prnn_model *model = make_model_in(own, &config);
    prnn_data *train = make_data_in(own, TRAIN, what == OTHER_DATA ? 2 : 1, NULL);
    prnn_data *valid = t->validates ? make_data_in(own, VALID, 2, NULL) : NULL;
    if (what == OTHER_WEIGHTS) {
        model->weights->parameters[0] += 1;
    }
    if (t->notes && !o.resume) {
        assert_int_equal(prnn_model_set_metadata(own, model, "note", "kept"), PRNN_OK);
    }
    t->status[rank] = prnn_train(own, model, train, valid, &o);
    const char *note = prnn_model_metadata(model, "note");
    t->noted[rank] = note && strcmp(note, "kept") == 0;
    snprintf(t->message[rank], sizeof t->message[rank], "%s", prnn_message(own));
    t->first[rank] = model->weights->parameters[0];
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
}

static training training_of(const prnn_train_options *o) {
    return (training){.options = o, .validates = true, .odd = -1, .stops = -1};
}

static void assert_all(const training *t, int ranks, prnn_status status, const char *says) {
    for (int r = 0; r < ranks; r++) {
        if (t->status[r] != status || (says && !strstr(t->message[r], says))) {
            fail_msg("rank %d of %d: status %d, not %d; should say \"%s\", says \"%s\"", r, ranks,
                     (int)t->status[r], (int)status, says ? says : "", t->message[r]);
        }
    }
}

static void assert_same_run(const char *a, const char *b) {
    assert_same_file(a, b, "model.safetensors");
    assert_same_checkpoint(a, b);
    assert_same_metrics(a, b);
}

/* ------------------------------------------------------------------------------------------- bits */

static void check_bits(prnn_kind kind, int batch, bool validates) {
    static char alone[PATH];
    path_in(alone, top, "alone");
    clear(alone);
    prnn_train_options o = full_options(alone);
    o.batch = batch;
    o.patience = validates ? o.patience : 0;
    assert_ok(train_kind(kind, &o, validates));
    for (int ranks = 2; ranks <= RANKS_MOST; ranks++) {
        for (int threads = 1; threads <= 2; threads++) {
            o.out = fresh("together");
            training t = training_of(&o);
            t.kind = kind;
            t.validates = validates;
            team_run(ranks, threads, train_one, &t);
            assert_all(&t, ranks, PRNN_OK, NULL);
            assert_same_run(alone, o.out);
            for (int r = 0; r < ranks; r++) {
                assert_true(t.calls[r] == t.calls[0] && t.first[r] == t.first[0]);
                assert_true(t.exchanged[r] > 0);
            }
        }
    }
}

static void test_row(void **state) {
    (void)state;
    check_bits(PRNN_ROW, 4, true);
    check_bits(PRNN_ROW, 7, false);
    check_bits(PRNN_ROW, 3, true);
}

static void test_diagonal(void **state) {
    (void)state;
    check_bits(PRNN_DIAGONAL, 10, true);
}

static void test_cnn(void **state) {
    (void)state;
    check_bits(PRNN_CNN, 1, true); /* all but one wait */
}

/* ----------------------------------------------------------------------------------------- resume */

/* Stopped by any rank, at any call of its progress, resumed by any number: the reference. */
static void test_stop_and_resume(void **state) {
    (void)state;
    int calls;
    const char *reference = reference_run(&calls);
    for (int at = 1; at <= 12; at++) {
        int ranks = 2 + at % 4, later = 1 + at % 3;
        prnn_train_options o = full_options(fresh("stopped"));
        training t = training_of(&o);
        t.stops = at % ranks;
        t.stop_at = at;
        team_run(ranks, 1, train_one, &t);
        if (t.status[0] == PRNN_OK) {
            assert_all(&t, ranks, PRNN_OK, NULL);
            break;
        }
        assert_all(&t, ranks, PRNN_STOPPED, "stopped at step");
        o.resume = true;
        if (later == 1) {
            assert_ok(train_full(&o));
        } else {
            t = training_of(&o);
            team_run(later, 2, train_one, &t);
            assert_all(&t, later, PRNN_OK, NULL);
        }
        assert_same_run(reference, o.out);
    }
}

/* What the model of the checkpoint says of itself, those of all ranks say. */
static void test_resume_metadata(void **state) {
    (void)state;
    enum { RANKS = 3 };
    prnn_train_options o = full_options(fresh("noted"));
    training t = training_of(&o);
    t.notes = true;
    t.stops = 0;
    t.stop_at = 5;
    team_run(2, 1, train_one, &t);
    assert_all(&t, 2, PRNN_STOPPED, NULL);
    o.resume = true;
    t = training_of(&o);
    team_run(RANKS, 1, train_one, &t);
    assert_all(&t, RANKS, PRNN_OK, NULL);
    for (int r = 0; r < RANKS; r++) {
        assert_true(t.noted[r]);
    }
}

/* A rank is lost in every call of the table, one after the other; what is left is resumed by other ranks. */
static void test_loss_and_resume(void **state) {
    (void)state;
    int calls, losses = 0;
    const char *reference = reference_run(&calls);
    for (long at = 1; at < 400; at += at < 50 ? 7 : 1) { /* at first they only compare what they have */
        int ranks = 2 + (int)(at % 3), lost = (int)(at % ranks);
        prnn_train_options o = full_options(fresh("lost"));
        training t = training_of(&o);
        t.status[0] = PRNN_ERROR_RANK; /* also if it is lost before it begins */
        team_run_and_lose(ranks, 1, train_one, &t, lost, at);
        if (t.status[0] == PRNN_OK) {
            break;
        }
        losses++;
        assert_int_equal(t.status[0], PRNN_ERROR_RANK);
        o.resume = true;
        t = training_of(&o);
        team_run(1 + (int)(at % 4), 1, train_one, &t);
        assert_all(&t, 1 + (int)(at % 4), PRNN_OK, NULL);
        assert_same_run(reference, o.out);
    }
    assert_true(losses > 20);
}

/* Rank 0 has made a checkpoint of the last update that all made. */
static void test_nothing_is_lost_with_a_rank(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("rescued"));
    o.steps = 40;
    o.valid_every = 1000;
    training t = training_of(&o);
    team_run_and_lose(3, 1, train_one, &t, 1, 200);
    assert_int_equal(t.status[0], PRNN_ERROR_RANK);
    prnn_safetensors *st = checkpoint_of(o.out);
    long step = strtol(prnn_safetensors_metadata(st, "step"), NULL, 10);
    prnn_safetensors_free(st);
    char says[128];
    snprintf(says, sizeof says, "rank 1 is lost; %.64s/checkpoint.safetensors is of step %ld", o.out, step);
    assert_true(step > 5);
    if (!strstr(t.message[0], says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, t.message[0]);
    }
}

/* ----------------------------------------------------------------------------------------- faults */

static void test_differences(void **state) {
    (void)state;
    static const struct {
        int what;
        const char *says;
    } cases[] = {{OTHER_RATE, "another lr (0.5)"},
                 {OTHER_DATA, "another fingerprint of the training images"},
                 {OTHER_WEIGHTS, "another model to begin with"},
                 {OTHER_NETWORK, "another network"},
                 {OTHER_STEPS, "another number of steps (8) than rank 0"},
                 {RESUMED, "another choice of --resume (given)"},
                 {BAD_RATE, "the learning rate is -1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prnn_train_options o = options_for(fresh("different"));
        training t = training_of(&o);
        t.odd = 2;
        t.what = cases[i].what;
        team_run(4, 1, train_one, &t);
        assert_all(&t, 4, PRNN_ERROR_ARGUMENT, cases[i].says);
        assert_all(&t, 4, PRNN_ERROR_ARGUMENT, "rank 2 on ");
        assert_int_equal(count_files(o.out), 0);
    }
}

/* The folder is rank 0's. */
static void test_folder(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("folder"));
    training t = training_of(&o);
    t.odd = 1;
    t.what = NO_FOLDER;
    team_run(2, 1, train_one, &t);
    assert_all(&t, 2, PRNN_OK, NULL);
    t = training_of(&o);
    team_run(2, 1, train_one, &t);
    assert_all(&t, 2, PRNN_ERROR_FILE, "rank 0 on ");
    assert_all(&t, 2, PRNN_ERROR_FILE, "is there from an earlier run");
}

/* -------------------------------------------------------------------------------------- old logs */

/* A log of a version without the last column goes on without it. */
static void test_old_log(void **state) {
    (void)state;
    prnn_train_options o = options_for(fresh("old"));
    o.steps = 3;
    assert_ok(train_full(&o));
    bytes log = slurp(o.out, "metrics.csv");
    char old[1024] = "", *line = log.data;
    size_t used = 0;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        *strrchr(line, ',') = 0;
        used += (size_t)snprintf(old + used, sizeof old - used, "%s\n", line);
    }
    spill(o.out, "metrics.csv", old, used);
    prnn_safetensors *st = checkpoint_of(o.out);
    char was[64], is[64];
    snprintf(was, sizeof was, "\"metrics_bytes\":\"%zu\"", log.size);
    snprintf(is, sizeof is, "\"metrics_bytes\":\"%zu\"", used);
    prnn_safetensors_free(st);
    bytes checkpoint = slurp(o.out, "checkpoint.safetensors");
    char *at = NULL;
    for (size_t i = 0; i + strlen(was) < checkpoint.size && !at; i++) {
        at = memcmp(checkpoint.data + i, was, strlen(was)) == 0 ? checkpoint.data + i : NULL;
    }
    assert_non_null(at);
    assert_int_equal(strlen(was), strlen(is));
    memcpy(at, is, strlen(is));
    spill(o.out, "checkpoint.safetensors", checkpoint.data, checkpoint.size);
    free(log.data);
    free(checkpoint.data);
    o.resume = true;
    o.steps = 5;
    assert_ok(train_full(&o));
    log = slurp(o.out, "metrics.csv");
    for (line = strtok(log.data, "\n"); line; line = strtok(NULL, "\n")) {
        int commas = 0;
        for (const char *c = line; *c; c++) {
            commas += *c == ',';
        }
        assert_int_equal(commas, 6);
    }
    free(log.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),
        cmocka_unit_test(test_diagonal),
        cmocka_unit_test(test_cnn),
        cmocka_unit_test(test_stop_and_resume),
        cmocka_unit_test(test_resume_metadata),
        cmocka_unit_test(test_loss_and_resume),
        cmocka_unit_test(test_nothing_is_lost_with_a_rank),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_old_log),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

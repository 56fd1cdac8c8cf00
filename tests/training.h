/* What the tests of training share: a context and a folder for all runs, tiny models and data, runs to
 * compare with, and comparisons of what runs leave behind. */
#ifndef TESTS_TRAINING_H
#define TESTS_TRAINING_H

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
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"

enum { SIDE = 4, PIXELS = SIDE * SIDE, TRAIN = 10, VALID = 70, PATH = 256 };

static prnn_context *ctx;
static char top[] = "/tmp/prnn_test_train_XXXXXX";

/* --------------------------------------------------------------------------------------- folders */

static inline void path_in(char *path, const char *folder, const char *name) {
    assert_true(snprintf(path, PATH, "%s/%s", folder, name) < PATH);
}

static inline void clear(const char *folder) {
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[PATH * 2];
        assert_true(snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < PATH * 2);
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
static inline const char *fresh(const char *name) {
    static char paths[4][PATH];
    static int turn;
    char *path = paths[turn++ % 4];
    path_in(path, top, name);
    clear(path);
    return path;
}

static inline int count_files(const char *folder) {
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

static inline bytes slurp(const char *folder, const char *name) {
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

static inline void spill(const char *folder, const char *name, const void *data, size_t size) {
    char path[PATH];
    path_in(path, folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline size_t size_of(const char *folder, const char *name) {
    bytes b = slurp(folder, name);
    free(b.data);
    return b.size;
}

static const char *const run_files[] = {"model.safetensors", "checkpoint.safetensors", "metrics.csv"};

static inline void copy_run(const char *from, const char *to) {
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

static inline void assert_same_file(const char *a, const char *b, const char *name) {
    bytes x = slurp(a, name), y = slurp(b, name);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    free(x.data);
    free(y.data);
}

/* Cuts out the columns seconds (2), images_per_second (6) and exchange_share (7), which are times. */
static inline void strip_times(bytes *b) {
    char *to = b->data;
    int column = 0;
    for (const char *from = b->data; *from; from++) {
        column = *from == '\n' ? 0 : column + (*from == ',');
        if (*from == ',' || *from == '\n' || (column != 2 && column != 6 && column != 7)) {
            *to++ = *from;
        }
    }
    *to = 0;
    b->size = (size_t)(to - b->data);
}

static inline void assert_same_metrics(const char *a, const char *b) {
    bytes x = slurp(a, "metrics.csv"), y = slurp(b, "metrics.csv");
    strip_times(&x);
    strip_times(&y);
    assert_string_equal(x.data, y.data);
    free(x.data);
    free(y.data);
}

static inline prnn_safetensors *checkpoint_of(const char *folder) {
    char path[PATH];
    path_in(path, folder, "checkpoint.safetensors");
    prnn_safetensors *st;
    if (prnn_safetensors_read(ctx, path, &st) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    return st;
}

static inline const float *block_of(const prnn_safetensors *st, const char *name) {
    const prnn_safetensors_entry *e = prnn_safetensors_find(st, name);
    assert_non_null(e);
    return e->data;
}

/* The tensors, and the state of the run but for times. */
static inline void assert_same_checkpoint(const char *a, const char *b) {
    static const char *const state[] = {
        "step",      "validated", "logged",    "nats_sum",   "images",      "last_nats",      "valid_nats",
        "best_nats", "best_step", "not_lower", "overfitted", "between_sum", "between_images", "between_nats"};
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

static inline prnn_config tiny(prnn_kind kind) {
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
static inline prnn_model *make_model_in(prnn_context *own, const prnn_config *config) {
    prnn_model *model;
    if (prnn_model_create(own, config, 1, &model) != PRNN_OK) {
        fail_msg("%s", prnn_message(own));
    }
    for (size_t i = 0; i < prnn_model_parameter_count(model, false); i++) {
        if (!prnn_model_parameter_is_masked(model, i)) {
            model->weights->parameters[i] += 0.2f * (float)sin((double)(i * i + 1));
        }
    }
    assert_int_equal(prnn_model_set_parameters(own, model, model->weights->parameters), PRNN_OK);
    return model;
}

static inline prnn_model *make_model(const prnn_config *config) {
    return make_model_in(ctx, config);
}

static inline prnn_data *make_data_in(prnn_context *own, size_t count, int shift,
                                      const prnn_data_options *options) {
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
        prnn_data_from_memory(own, images, count, SIDE, SIDE, 1, options ? options : &two, &data), PRNN_OK);
    free(images);
    return data;
}

static inline prnn_data *make_data(size_t count, int shift, const prnn_data_options *options) {
    return make_data_in(ctx, count, shift, options);
}

static inline double mean_nats(const prnn_model *model, const prnn_data *data) {
    double total = 0;
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model_config(model, &c);
    uint8_t *image = malloc((size_t)(c.height * c.width * c.channels));
    for (size_t i = 0; i < prnn_data_count(data); i++) {
        double nats;
        assert_int_equal(prnn_data_read(ctx, data, &i, 1, 0, 0, image), PRNN_OK);
        assert_int_equal(prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL), PRNN_OK);
        total += nats;
    }
    free(image);
    return total / (double)prnn_data_count(data);
}

static inline prnn_train_options options_for(const char *out) {
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.out = out;
    o.steps = 7;
    o.batch = 4;
    o.seed = 5;
    return o;
}

/* Two models that teach. */
static prnn_ensemble *teacher;

static inline const prnn_ensemble *the_teacher(void) {
    if (!teacher) {
        prnn_config cnn = tiny(PRNN_CNN), diagonal = tiny(PRNN_DIAGONAL);
        const prnn_model *both[2] = {make_model(&cnn), make_model(&diagonal)};
        assert_int_equal(prnn_ensemble_create(ctx, both, 2, &teacher), PRNN_OK);
    }
    return teacher;
}

static inline void free_teacher(void) {
    for (size_t i = 0; teacher && i < 2; i++) {
        prnn_model_free((prnn_model *)prnn_ensemble_model(teacher, i));
    }
    prnn_ensemble_free(teacher);
    teacher = NULL;
}

/* Everything at once: what a resumed run has to bring back. */
static inline prnn_train_options full_options(const char *out) {
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
    o.flip = true;
    o.shift = 1;
    o.dropout = 0.2;
    o.weight_decay = 0.5;
    o.patience = 9;
    o.teacher = the_teacher();
    o.teacher_weight = 0.6;
    return o;
}

static inline prnn_status train_kind(prnn_kind kind, const prnn_train_options *o, bool validate) {
    prnn_config config = tiny(kind);
    prnn_model *model = make_model(&config);
    prnn_data *train = make_data(TRAIN, 1, NULL), *valid = validate ? make_data(VALID, 2, NULL) : NULL;
    prnn_status status = prnn_train(ctx, model, train, valid, o);
    prnn_data_free(train);
    prnn_data_free(valid);
    prnn_model_free(model);
    return status;
}

static inline prnn_status train_full(const prnn_train_options *o) {
    return train_kind(PRNN_ROW, o, true);
}

static inline void assert_ok(prnn_status status) {
    if (status != PRNN_OK) {
        fail_msg("%d: %s", (int)status, prnn_message(ctx));
    }
}

/* One sentence that holds `says`. */
static inline void assert_says(const char *says) {
    const char *message = prnn_message(ctx);
    assert_null(strchr(message, '\n'));
    if (!*message || !strstr(message, says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, message);
    }
}

/* ---------------------------------------------------------------------------------- whole runs */

typedef struct watch {
    int calls, stop_at;
    double best, valid, lowest;
} watch;

static inline bool watching(void *user, const prnn_progress *p) {
    watch *w = user;
    assert_int_equal(p->size, sizeof *p);
    assert_true(p->total > 0 && p->done <= p->total && p->seconds >= 0);
    w->best = p->best_nats;
    w->valid = p->valid_nats;
    w->lowest = isnan(w->lowest) || p->valid_nats < w->lowest ? p->valid_nats : w->lowest;
    return ++w->calls != w->stop_at;
}

/* The uninterrupted run. */
static inline const char *reference_run(int *calls) {
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

/* ----------------------------------------------------------------------------- of every program */

static inline int setup(void **state) {
    (void)state;
    ctx = prnn_context_create();
    if (!ctx || !mkdtemp(top)) {
        return -1;
    }
    return prnn_context_set_threads(ctx, 1) == PRNN_OK ? 0 : -1;
}

static inline int teardown(void **state) {
    (void)state;
    clear(top);
    free_teacher();
    prnn_context_free(ctx);
    return 0;
}

#endif

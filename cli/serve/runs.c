#include "serve/runs.h"

#include "serve/operations.h"
#include "support/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, LOG_LIMIT = 16 << 20 };

static void path_of(const work *w, size_t run, const char *file, char path[PATH]) {
    snprintf(path, PATH, "%s/%s", w->studio->runs[run], file);
}

/* Seconds since 1970 of its last change, and its size; false: it is not there. */
static bool look_at(const work *w, size_t run, const char *file, double *changed, double *size) {
    char path[PATH];
    struct stat at;
    path_of(w, run, file, path);
    if (stat(path, &at) != 0) {
        return false;
    }
    *changed = (double)at.st_mtim.tv_sec + (double)at.st_mtim.tv_nsec * 1e-9;
    *size = (double)at.st_size;
    return true;
}

static void write_file(const work *w, size_t run, const char *file, json *j) {
    double changed, size;
    report_json_open_object(j, file);
    if (look_at(w, run, file, &changed, &size)) {
        report_json_double(j, "changed", changed);
        report_json_double(j, "bytes", size);
    }
    report_json_close_object(j);
}

void serve_runs(work *w) {
    answer a;
    if (!answer_begin(&a, w)) {
        return;
    }
    report_json_open_array(&a.json, "runs");
    for (size_t i = 0; i < RUNS && w->studio->runs[i]; i++) {
        report_json_open_object(&a.json, NULL);
        report_json_string(&a.json, "name", w->studio->runs[i]);
        write_file(w, i, "metrics.csv", &a.json);
        write_file(w, i, "model.safetensors", &a.json);
        report_json_close_object(&a.json);
    }
    report_json_close_array(&a.json);
    answer_end(&a, w);
}

static bool has_run(const work *w, size_t run) {
    if (!w->studio->runs[run]) {
        job_refuse(w->job, 404, "there is no run %zu: start the server with --run DIR (and --beside DIR)",
                   run);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------ log */

/* As long as it is now: a run may be writing the next line. */
static void read_log(const work *w, FILE *file, const char *path) {
    struct stat at;
    if (fstat(fileno(file), &at) != 0) {
        job_refuse(w->job, 500, "%s: cannot be read: %s", path, strerror(errno));
        return;
    }
    if (at.st_size >= LOG_LIMIT) {
        job_refuse(w->job, 500, "%s: has more than %d MB", path, LOG_LIMIT >> 20);
        return;
    }
    char *text = work_allocate(w, (size_t)at.st_size + 1, 1);
    size_t n = text ? fread(text, 1, (size_t)at.st_size, file) : 0;
    if (text && ferror(file)) {
        job_refuse(w->job, 500, "%s: cannot be read: %s", path, strerror(errno));
    } else if (text) {
        job_answer(w->job, 200, "text/csv; charset=utf-8", text, n);
    }
    free(text);
}

void serve_metrics(work *w) {
    size_t run = w->job->operation->number;
    char path[PATH];
    if (!has_run(w, run)) {
        return;
    }
    path_of(w, run, "metrics.csv", path);
    FILE *file = fopen(path, "re");
    if (!file) {
        job_refuse(w->job, 404, "%s: cannot be opened: %s", path, strerror(errno));
        return;
    }
    read_log(w, file, path);
    fclose(file);
}

/* -------------------------------------------------------------------------------------- samples */

static bool keep_on(void *user, const prnn_progress *progress) {
    (void)progress;
    return job_goes_on(user);
}

static void draw_and_answer(const work *w, const prnn_model *model, const prnn_config *c) {
    size_t count = w->request->count, bytes = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    uint8_t *images = work_allocate(w, count, bytes);
    answer a;
    options.seed = w->request->seed;
    options.temperature = w->request->temperature;
    options.progress = keep_on;
    options.user = w->job;
    if (images && work_goes_on(w, prnn_sample(w->ctx, model, count, &options, images)) &&
        answer_begin(&a, w)) {
        report_json_uint(&a.json, "count", count);
        report_json_int(&a.json, "height", c->height);
        report_json_int(&a.json, "width", c->width);
        report_json_int(&a.json, "channels", c->channels);
        report_json_int(&a.json, "levels", c->levels);
        answer_palette(&a, prnn_model_palette(model));
        answer_levels(&a, "images", images, count * bytes);
        answer_end(&a, w);
    }
    free(images);
}

void serve_run_samples(work *w) {
    prnn_model *model = NULL;
    prnn_config config = PRNN_CONFIG_INIT;
    char path[PATH];
    size_t run = (size_t)w->request->run;
    double changed, size;
    if (!has_run(w, run)) {
        return;
    }
    path_of(w, run, "model.safetensors", path);
    if (!look_at(w, run, "model.safetensors", &changed, &size)) {
        job_refuse(w->job, 404, "%s: is not there yet: a run saves its model after a validation", path);
        return;
    }
    if (!work_goes_on(w, prnn_model_load(w->ctx, path, &model))) {
        return;
    }
    prnn_model_config(model, &config);
    if (config.condition_size) {
        job_refuse(w->job, 400, "%s draws images given small ones of %d x %d, which a run has not", path,
                   config.condition_size, config.condition_size);
    } else {
        draw_and_answer(w, model, &config);
    }
    prnn_model_free(model);
}

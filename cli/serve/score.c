#include "serve/score.h"

#include "serve/expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Images between two looks at whether anybody still wants to know. */
enum { CHUNK = 8 };

/* --------------------------------------------------------------------------------- likelihoods */

static void answer_nll(const work *w, size_t count, const double *nats, const double *parts) {
    const served *s = w->model;
    const prnn_model *last = prnn_chain_model(s->chain, s->stages - 1);
    answer a;
    if (!answer_begin(&a, w)) {
        return;
    }
    report_json_string(&a.json, "model", s->name);
    report_json_open_array(&a.json, "nats");
    for (size_t i = 0; i < count; i++) {
        report_json_double(&a.json, NULL, nats[i]);
    }
    report_json_close_array(&a.json);
    report_json_open_array(&a.json, "bits_per_dim");
    for (size_t i = 0; i < count; i++) {
        report_json_double(&a.json, NULL, prnn_bits_per_dim(last, nats[i]));
    }
    report_json_close_array(&a.json);
    report_json_open_array(&a.json, "stage_nats");
    for (size_t i = 0; i < count; i++) {
        report_json_open_array(&a.json, NULL);
        for (size_t k = 0; k < s->stages; k++) {
            report_json_double(&a.json, NULL, parts[i * s->stages + k]);
        }
        report_json_close_array(&a.json);
    }
    report_json_close_array(&a.json);
    answer_end(&a, w);
}

void serve_nll(work *w) {
    const served *s = w->model;
    size_t bytes = served_bytes(s, s->stages - 1), count = w->request->images.size / bytes;
    double *nats = work_allocate(w, count, sizeof *nats);
    double *parts = nats ? work_allocate(w, count, s->stages * sizeof *parts) : NULL;
    bool ok = parts != NULL;
    for (size_t i = 0; ok && i < count; i += CHUNK) {
        size_t n = count - i < CHUNK ? count - i : CHUNK;
        ok = work_goes_on(w, prnn_chain_evaluate(w->ctx, s->chain, w->request->images.list + i * bytes, n,
                                                 NULL, nats + i, parts + i * s->stages, NULL));
    }
    if (ok) {
        answer_nll(w, count, nats, parts);
    }
    free(nats);
    free(parts);
}

/* ------------------------------------------------------------------------------ every value's */

static void answer_values(const work *w, double nats, const float *values, size_t count) {
    const served *s = w->model;
    const prnn_config *c = &s->config;
    const size_t shape[] = {(size_t)c->height, (size_t)c->width, (size_t)c->channels};
    answer a;
    if (w->request->format == FORMAT_NPY) {
        answer_npy(w, "<f4", sizeof *values, 3, shape, values);
        return;
    }
    if (!answer_begin(&a, w)) {
        return;
    }
    report_json_string(&a.json, "model", s->name);
    report_json_double(&a.json, "nats", nats);
    report_json_double(&a.json, "bits_per_dim",
                       prnn_bits_per_dim(prnn_chain_model(s->chain, s->stages - 1), nats));
    report_json_open_array(&a.json, "values");
    for (size_t i = 0; i < count; i++) {
        fprintf(a.stream, i ? ",%.9g" : "%.9g", (double)values[i]);
    }
    report_json_close_array(&a.json);
    answer_end(&a, w);
}

void serve_values(work *w) {
    const served *s = w->model;
    size_t count = served_bytes(s, s->stages - 1);
    if (w->request->format == FORMAT_STREAM) {
        job_refuse(w->job, 400, "format: values are json or npy");
        return;
    }
    float *values = work_allocate(w, count, sizeof *values);
    double nats = 0;
    if (values && work_goes_on(w, prnn_chain_evaluate(w->ctx, s->chain, w->request->images.list, 1, NULL,
                                                      &nats, NULL, values))) {
        answer_values(w, nats, values, count);
    }
    free(values);
}

/* ---------------------------------------------------------------------------------- one pixel's */

static void write_channel(answer *a, const double *logs, size_t levels, uint8_t level) {
    double entropy = 0;
    for (size_t i = 0; i < levels; i++) {
        entropy -= logs[i] > -INFINITY ? exp(logs[i]) * logs[i] : 0;
    }
    report_json_open_object(&a->json, NULL);
    report_json_int(&a->json, "level", level);
    report_json_double(&a->json, "nats", -logs[level]);
    report_json_double(&a->json, "bits", -logs[level] / M_LN2);
    report_json_double(&a->json, "entropy_bits", entropy / M_LN2);
    report_json_open_array(&a->json, "probabilities");
    for (size_t i = 0; i < levels; i++) {
        fprintf(a->stream, i ? ",%.9g" : "%.9g", exp(logs[i]));
    }
    report_json_close_array(&a->json);
    report_json_close_object(&a->json);
}

static void answer_distribution(const work *w, size_t stage, const uint8_t *pixel, const double *logs) {
    const prnn_config *c = &w->model->config;
    size_t levels = (size_t)c->levels;
    answer a;
    if (!answer_begin(&a, w)) {
        return;
    }
    report_json_string(&a.json, "model", w->model->name);
    report_json_int(&a.json, "row", w->request->row);
    report_json_int(&a.json, "column", w->request->column);
    report_json_uint(&a.json, "stage", stage);
    report_json_open_array(&a.json, "channels");
    for (size_t k = 0; k < (size_t)c->channels; k++) {
        write_channel(&a, logs + k * levels, levels, pixel[k]);
    }
    report_json_close_array(&a.json);
    answer_end(&a, w);
}

void serve_distribution(work *w) {
    const served *s = w->model;
    const request *r = w->request;
    size_t stage = served_stage_of(s, r->row, r->column), channels = (size_t)s->config.channels;
    int step = served_step(s, stage);
    prnn_config c = served_stage(s, stage);
    const uint8_t *pixel =
        r->images.list + ((size_t)r->row * (size_t)s->config.width + (size_t)r->column) * channels;
    double *logs = work_allocate(w, channels * (size_t)c.levels, sizeof *logs);
    prnn_stepper *stepper = NULL;
    if (logs && expect_pixel(w, stage, r->images.list, 1, r->row / step, r->column / step, &stepper) &&
        expect_values(w, stepper, &c, pixel, 1, logs)) {
        answer_distribution(w, stage, pixel, logs);
    }
    prnn_stepper_free(stepper);
    free(logs);
}

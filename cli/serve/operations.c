#include "serve/operations.h"

#include "serve/field.h"
#include "serve/generate.h"
#include "serve/runs.h"
#include "serve/score.h"

#include <stdlib.h>
#include <string.h>

static void serve_models(work *w);

enum {
    DRAWING = GAVE_MODEL | GAVE_COUNT | GAVE_SEED | GAVE_FIRST | GAVE_TEMPERATURE | GAVE_FORMAT,
    PLACE = GAVE_ROW | GAVE_COLUMN,
    ONE = GAVE_MODEL | GAVE_IMAGES
};

static const operation operations[] = {
    {"GET", "/api/v1/models", 0, 0, false, false, 0, serve_models},
    {"GET", "/api/v1/runs", 0, 0, false, false, 0, serve_runs},
    {"GET", "/api/v1/runs/0/metrics.csv", 0, 0, false, false, 0, serve_metrics},
    {"GET", "/api/v1/runs/1/metrics.csv", 0, 0, false, false, 1, serve_metrics},
    {"POST", "/api/v1/runs/samples", GAVE_RUN | GAVE_COUNT | GAVE_SEED | GAVE_TEMPERATURE, GAVE_RUN, false,
     true, 0, serve_run_samples},
    {"POST", "/api/v1/sample", DRAWING, 0, false, true, 0, serve_sample},
    {"POST", "/api/v1/complete", DRAWING | GAVE_IMAGES | GAVE_KNOWN, GAVE_IMAGES | GAVE_KNOWN, false, false,
     0, serve_complete},
    {"POST", "/api/v1/nll", ONE, GAVE_IMAGES, true, true, 0, serve_nll},
    {"POST", "/api/v1/values", ONE | GAVE_FORMAT, GAVE_IMAGES, false, false, 0, serve_values},
    {"POST", "/api/v1/distribution", ONE | PLACE, GAVE_IMAGES | PLACE, false, false, 0, serve_distribution},
    {"POST", "/api/v1/field", ONE | PLACE, GAVE_IMAGES | PLACE, false, true, 0, serve_field},
};

const operation *operation_find(const char *method, const char *path, const char **other) {
    *other = NULL;
    method = strcmp(method, "HEAD") == 0 ? "GET" : method; /* whose answer comes without its body */
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].path, path) == 0) {
            if (strcmp(operations[i].method, method) == 0) {
                return &operations[i];
            }
            *other = operations[i].method;
        }
    }
    return NULL;
}

/* --------------------------------------------------------------------------------------- models */

static void write_stage(json *j, const served *s, size_t k) {
    const prnn_model *model = prnn_chain_model(s->chain, k);
    prnn_config c = served_stage(s, k);
    report_json_open_object(j, NULL);
    report_json_string(j, "kind", prnn_kind_name(c.kind));
    report_json_int(j, "height", c.height);
    report_json_int(j, "width", c.width);
    report_json_int(j, "layers", c.layers);
    report_json_int(j, "hidden", c.hidden);
    report_json_int(j, "head", c.head);
    report_json_string(j, "output", prnn_output_name(c.output));
    report_json_uint(j, "parameters", prnn_model_parameter_count(model, true));
    report_json_close_object(j);
}

static void serve_models(work *w) {
    const gallery *g = &w->studio->gallery;
    answer a;
    if (!answer_begin(&a, w)) {
        return;
    }
    report_json_string(&a.json, "version", prnn_version());
    report_json_string(&a.json, "arithmetic", prnn_context_arithmetic(w->ctx));
    report_json_open_array(&a.json, "models");
    for (size_t i = 0; i < g->count; i++) {
        const served *s = &g->list[i];
        report_json_open_object(&a.json, NULL);
        report_json_string(&a.json, "name", s->name);
        report_json_int(&a.json, "height", s->config.height);
        report_json_int(&a.json, "width", s->config.width);
        report_json_int(&a.json, "channels", s->config.channels);
        report_json_int(&a.json, "levels", s->config.levels);
        answer_palette(&a, served_palette(s));
        report_json_open_array(&a.json, "stages");
        for (size_t k = 0; k < s->stages; k++) {
            write_stage(&a.json, s, k);
        }
        report_json_close_array(&a.json);
        report_json_close_object(&a.json);
    }
    report_json_close_array(&a.json);
    answer_end(&a, w);
}

/* ------------------------------------------------------------------------------------------ run */

/* The field that an operation needs and was not given; NULL: none. */
static const char *find_missing(unsigned missing, bool many) {
    const struct {
        unsigned bit;
        const char *name;
    } names[] = {{GAVE_IMAGES, many ? "images" : "image"},
                 {GAVE_KNOWN, "known"},
                 {GAVE_ROW, "row"},
                 {GAVE_COLUMN, "column"},
                 {GAVE_RUN, "run"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (missing & names[i].bit) {
            return names[i].name;
        }
    }
    return NULL;
}

static bool read_body(work *w, request *r) {
    const operation *o = w->job->operation;
    char why[REQUEST_WHY];
    if (!request_read(w->job->body, w->job->body_size, o->allowed, r, why)) {
        job_refuse(w->job, 400, "%s", why);
        return false;
    }
    const char *missing = find_missing(o->needed & ~r->gave, o->many);
    if (missing) {
        job_refuse(w->job, 400, "the field '%s' is missing", missing);
        return false;
    }
    if (!(o->allowed & GAVE_MODEL)) {
        return true;
    }
    w->model = gallery_find(&w->studio->gallery, r->model);
    if (!w->model) {
        job_refuse(w->job, 404, "there is no model '%s': GET /api/v1/models lists them", r->model);
        return false;
    }
    if (!request_fits(r, &w->model->config, o->many, why)) {
        job_refuse(w->job, 400, "%s", why);
        return false;
    }
    return true;
}

void operation_run(prnn_context *ctx, const studio *all, job *j) {
    request r = {.count = 1};
    work w = {.ctx = ctx, .studio = all, .job = j, .request = &r};
    if (!job_goes_on(j)) {
        job_refuse_ended(j);
    } else if (!j->operation->allowed || read_body(&w, &r)) {
        j->operation->run(&w);
    }
    request_free(&r);
}

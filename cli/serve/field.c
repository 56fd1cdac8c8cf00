#include "serve/field.h"

#include "serve/expect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pixels that are changed together, each in an image of its own. */
enum { TOGETHER = 32 };

typedef struct field {
    const work *w;
    const served *model;
    size_t stage, bytes; /* of an image */
    int step;
    prnn_config config;   /* of the stage */
    const uint8_t *pixel; /* the one that is looked at */
    size_t distribution;  /* C K */
    size_t *places;       /* pixels of the image that come before it, nearest rows first */
    size_t count;
    uint8_t *images;     /* (TOGETHER, H, W, C) */
    uint8_t *pixels;     /* (TOGETHER, C): as the pixel is, in all of them */
    double *base, *logs; /* (C, K), (C, TOGETHER, K) */
} field;

/* Of a chain's stage: what its small image gives comes before all the rest. */
static bool comes_before(const field *f, int row, int column) {
    const request *r = f->w->request;
    size_t stage = served_stage_of(f->model, row, column);
    return stage < f->stage || (stage == f->stage && (row < r->row || (row == r->row && column < r->column)));
}

static void find_places(field *f) {
    const prnn_config *c = &f->model->config;
    for (int row = c->height; row-- > 0;) {
        for (int column = c->width; column-- > 0;) {
            if (row % f->step == 0 && column % f->step == 0 && comes_before(f, row, column)) {
                f->places[f->count++] = (size_t)row * (size_t)c->width + (size_t)column;
            }
        }
    }
}

/* To the other end of the levels. */
static void change(const field *f, uint8_t *image, size_t place) {
    int levels = f->model->config.levels;
    size_t channels = (size_t)f->model->config.channels;
    for (uint8_t *value = image + place * channels; value < image + (place + 1) * channels; value++) {
        *value = *value < levels / 2 ? (uint8_t)(levels - 1) : 0;
    }
}

static bool expect(const field *f, const uint8_t *images, size_t count, double *logs) {
    const request *r = f->w->request;
    prnn_stepper *stepper = NULL;
    bool ok = expect_pixel(f->w, f->stage, images, count, r->row / f->step, r->column / f->step, &stepper) &&
              expect_values(f->w, stepper, &f->config, f->pixels, count, logs);
    prnn_stepper_free(stepper);
    return ok;
}

/* How far the distributions moved: half the sum of differences, of the channel that moved most; *moved:
 * whether they moved at all. */
static double compare(const field *f, const double *logs, size_t image, size_t count, bool *moved) {
    size_t levels = (size_t)f->config.levels;
    double most = 0;
    *moved = false;
    for (size_t k = 0; k < (size_t)f->config.channels; k++) {
        const double *was = f->base + k * levels, *is = logs + (k * count + image) * levels;
        double sum = 0;
        for (size_t i = 0; i < levels; i++) {
            *moved = *moved || was[i] < is[i] || is[i] < was[i];
            sum += fabs(exp(was[i]) - exp(is[i])) / 2;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

static void tell(const field *f, size_t from, size_t n) {
    size_t width = (size_t)f->model->config.width;
    answer a;
    if (!answer_begin(&a, f->w)) {
        return;
    }
    report_json_uint(&a.json, "measured", from + n);
    report_json_uint(&a.json, "of", f->count);
    report_json_open_array(&a.json, "moved");
    for (size_t i = 0; i < n; i++) {
        bool moved;
        double by = compare(f, f->logs, i, n, &moved);
        if (moved) {
            report_json_open_array(&a.json, NULL);
            report_json_uint(&a.json, NULL, f->places[from + i] / width);
            report_json_uint(&a.json, NULL, f->places[from + i] % width);
            report_json_double(&a.json, NULL, by);
            report_json_close_array(&a.json);
        }
    }
    report_json_close_array(&a.json);
    answer_line(&a, f->w);
}

static bool measure(field *f, size_t from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t *image = f->images + i * f->bytes;
        memcpy(image, f->w->request->images.list, f->bytes);
        change(f, image, f->places[from + i]);
    }
    if (!expect(f, f->images, n, f->logs)) {
        return false;
    }
    tell(f, from, n);
    return true;
}

static void run(field *f) {
    size_t channels = (size_t)f->config.channels;
    answer a;
    find_places(f);
    for (size_t i = 0; i < TOGETHER; i++) {
        memcpy(f->pixels + i * channels, f->pixel, channels);
    }
    if (!expect(f, f->w->request->images.list, 1, f->base)) {
        return;
    }
    job_begin(f->w->job, 200, type_lines);
    for (size_t i = 0; i < f->count; i += TOGETHER) {
        if (!measure(f, i, f->count - i < TOGETHER ? f->count - i : TOGETHER)) {
            return;
        }
    }
    if (answer_begin(&a, f->w)) {
        report_json_bool(&a.json, "done", true);
        answer_line(&a, f->w);
        job_finish(f->w->job);
    }
}

void serve_field(work *w) {
    const request *r = w->request;
    const prnn_config *c = &w->model->config;
    field f = {.w = w, .model = w->model, .stage = served_stage_of(w->model, r->row, r->column)};
    size_t area = (size_t)c->height * (size_t)c->width, channels = (size_t)c->channels;
    f.bytes = area * channels;
    f.step = served_step(w->model, f.stage);
    f.config = served_stage(w->model, f.stage);
    f.pixel = r->images.list + ((size_t)r->row * (size_t)c->width + (size_t)r->column) * channels;
    f.distribution = channels * (size_t)c->levels;
    f.places = work_allocate(w, area, sizeof *f.places);
    f.images = f.places ? work_allocate(w, TOGETHER, f.bytes + channels) : NULL;
    f.base = f.images ? work_allocate(w, TOGETHER + 1, f.distribution * sizeof *f.base) : NULL;
    if (f.base) {
        f.pixels = f.images + TOGETHER * f.bytes;
        f.logs = f.base + f.distribution;
        run(&f);
    }
    free(f.places);
    free(f.images);
    free(f.base);
}

#include "serve/generate.h"

#include "support/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stream tells of the first pixel at once, and then of what there is a few hundred times a second. */
#define FLUSH_SECONDS 0.004

typedef struct generation {
    const work *w;
    const served *model;
    size_t count;
    const uint8_t *image, *known; /* of a completion: (H, W, C) and (H, W); else NULL */
    uint8_t *small, *large;       /* images of the stage before, and of this one */
    uint8_t *levels;              /* of one pixel: (count, C) */
    FILE *lines;                  /* what has not been sent; NULL: nothing is */
    char *text;
    size_t text_size;
    double sent;
} generation;

/* ---------------------------------------------------------------------------------------- stream */

static void flush(generation *g, bool now) {
    double time = now ? 0 : clock_seconds();
    if (!g->lines || (!now && time - g->sent < FLUSH_SECONDS)) {
        return;
    }
    fflush(g->lines);
    job_write(g->w->job, g->text, g->text_size);
    rewind(g->lines);
    g->sent = time;
}

static void tell_stage(generation *g, size_t k, const prnn_config *c) {
    if (g->lines) {
        fprintf(g->lines,
                "{\"stage\": %zu, \"stages\": %zu, \"count\": %zu, \"height\": %d, \"width\": %d, "
                "\"channels\": %d, \"levels\": %d}\n",
                k, g->model->stages, g->count, c->height, c->width, c->channels, c->levels);
    }
}

static void tell_pixel(generation *g, int row, int column, size_t values) {
    if (!g->lines) {
        return;
    }
    fprintf(g->lines, "{\"row\": %d, \"column\": %d, \"values\": [", row, column);
    for (size_t i = 0; i < values; i++) {
        fprintf(g->lines, i ? ",%u" : "%u", g->levels[i]);
    }
    fputs("]}\n", g->lines);
    flush(g, false);
}

/* ----------------------------------------------------------------------------------------- stages */

/* The value of the image that is completed, for all completions. */
static prnn_status put_known(generation *g, prnn_stepper *stepper, uint8_t level) {
    memset(g->levels, level, g->count);
    return prnn_stepper_put(g->w->ctx, stepper, g->levels);
}

/* Draws one value of all images, and puts it where a pixel's values are gathered. */
static prnn_status draw_value(generation *g, prnn_stepper *stepper, size_t channel, size_t channels) {
    uint8_t *drawn = g->levels + g->count * channels; /* room behind the pixel */
    prnn_status status = prnn_stepper_draw(g->w->ctx, stepper, drawn);
    for (size_t i = 0; i < g->count; i++) {
        g->levels[i * channels + channel] = drawn[i];
    }
    return status;
}

static bool step_all(generation *g, prnn_stepper *stepper, size_t k, const prnn_config *c) {
    size_t step = (size_t)served_step(g->model, k), channels = (size_t)c->channels;
    int row = 0, column = 0, channel = 0;
    while (prnn_stepper_next(stepper, &row, &column, &channel)) {
        size_t pixel = (size_t)row * step * (size_t)g->model->config.width + (size_t)column * step;
        bool known = g->known && g->known[pixel];
        prnn_status status = known ? put_known(g, stepper, g->image[pixel * channels + (size_t)channel])
                                   : draw_value(g, stepper, (size_t)channel, channels);
        if (!work_goes_on(g->w, status)) {
            return false;
        }
        if (!known && channel + 1 == c->channels) {
            tell_pixel(g, row, column, g->count * channels);
        }
    }
    return true;
}

static bool draw_stage(generation *g, size_t k) {
    prnn_config c = served_stage(g->model, k);
    prnn_stepper_options options = PRNN_STEPPER_OPTIONS_INIT;
    prnn_stepper *stepper = NULL;
    options.small = k ? g->small : NULL;
    options.seed = g->w->request->seed;
    options.first = g->w->request->first;
    options.temperature = g->w->request->temperature;
    prnn_status status =
        prnn_stepper_create(g->w->ctx, prnn_chain_model(g->model->chain, k), g->count, &options, &stepper);
    bool ok = work_goes_on(g->w, status);
    if (ok) {
        tell_stage(g, k, &c);
        ok = step_all(g, stepper, k, &c);
    }
    if (ok) {
        memcpy(g->large, prnn_stepper_images(stepper), g->count * served_bytes(g->model, k));
    }
    prnn_stepper_free(stepper);
    return ok;
}

static bool draw_stages(generation *g) {
    for (size_t k = 0; k < g->model->stages; k++) {
        if (!draw_stage(g, k)) {
            return false;
        }
        uint8_t *drawn = g->large;
        g->large = g->small;
        g->small = drawn; /* of the next stage; after the last one, the result */
    }
    return true;
}

/* ----------------------------------------------------------------------------------------- answer */

static void answer_images(const generation *g, double seconds) {
    const prnn_config *c = &g->model->config;
    const size_t shape[] = {g->count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    size_t bytes = g->count * served_bytes(g->model, g->model->stages - 1);
    answer a;
    if (g->w->request->format == FORMAT_NPY) {
        answer_npy(g->w, "|u1", 1, 4, shape, g->small);
    } else if (answer_begin(&a, g->w)) {
        report_json_string(&a.json, "model", g->model->name);
        report_json_uint(&a.json, "count", g->count);
        report_json_int(&a.json, "height", c->height);
        report_json_int(&a.json, "width", c->width);
        report_json_int(&a.json, "channels", c->channels);
        report_json_int(&a.json, "levels", c->levels);
        answer_palette(&a, served_palette(g->model));
        report_json_double(&a.json, "seconds", seconds);
        answer_levels(&a, "images", g->small, bytes);
        answer_end(&a, g->w);
    }
}

static void run(generation *g) {
    double began = clock_seconds();
    if (g->w->request->format == FORMAT_STREAM) {
        g->lines = open_memstream(&g->text, &g->text_size);
        if (!g->lines) {
            job_refuse(g->w->job, 503, "not enough memory for this request");
            return;
        }
        job_begin(g->w->job, 200, type_lines);
    }
    if (draw_stages(g)) {
        if (g->lines) {
            fprintf(g->lines, "{\"done\": true, \"seconds\": %.6f}\n", clock_seconds() - began);
            flush(g, true);
            job_finish(g->w->job);
        } else {
            answer_images(g, clock_seconds() - began);
        }
    }
    if (g->lines) {
        fclose(g->lines);
    }
    free(g->text);
}

static void generate(work *w, const served *model, const uint8_t *image, const uint8_t *known) {
    generation g = {.w = w, .model = model, .count = w->request->count, .image = image, .known = known};
    size_t bytes = served_bytes(model, model->stages - 1), channels = (size_t)model->config.channels;
    g.small = work_allocate(w, g.count, bytes);
    g.large = g.small ? work_allocate(w, g.count, bytes) : NULL;
    g.levels = g.large ? work_allocate(w, g.count, channels + 1) : NULL;
    if (g.levels) {
        run(&g);
    }
    free(g.small);
    free(g.large);
    free(g.levels);
}

void serve_sample(work *w) {
    generate(w, w->model, NULL, NULL);
}

void serve_complete(work *w) {
    generate(w, w->model, w->request->images.list, w->request->known.list);
}

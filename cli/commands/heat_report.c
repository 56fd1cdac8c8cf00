#include "commands/captions.h"
#include "commands/heat.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/try.h"

#include <stdio.h>

/* "12: 106.998 nats" and the file. */
int heat_name_images(heat_work *w) {
    const prnn_model *model = session_last_model(w->s);
    caption *captions = session_allocate(w->s, w->h.count, sizeof *captions);
    bool nats = w->h.config.levels == 2;
    int code;
    TRY(check_memory(captions));
    for (size_t i = 0; i < w->h.count; i++) {
        char number[32], label[64];
        double score = nats ? w->nats[i] : prnn_bits_per_dim(model, w->nats[i]);
        caption_image(w->s, w->want->data.path, w->indices[i], "", &captions[i]);
        snprintf(label, sizeof label, "%s: %s %s", captions[i].label,
                 format_fixed(score, nats ? 2 : 3, number), nats ? "nats" : "bits/dim");
        snprintf(captions[i].label, sizeof captions[i].label, "%.31s", label);
    }
    w->h.captions = captions;
done:
    return code;
}

static void print_text(const heat_work *w) {
    size_t pixels = w->h.count * w->area;
    say("scale: 0 to %.6g %s per pixel, %zu of %zu pixel%s %s above", w->h.maximum, w->h.unit, w->above,
        pixels, plural(pixels), w->above == 1 ? "is" : "are");
    say("%s", w->want->out);
}

static void print_image(json *j, const heat_work *w, size_t image) {
    const float *pixels = w->pixels + image * w->area;
    size_t highest = 0;
    double sum = 0;
    for (size_t i = 0; i < w->area; i++) {
        sum += pixels[i];
        highest = pixels[i] > pixels[highest] ? i : highest;
    }
    report_json_open_object(j, NULL);
    j->flat = true;
    report_json_uint(j, "image", prnn_data_number(w->s->data, w->indices[image]));
    const char *name = prnn_data_name(w->s->data, w->indices[image]);
    if (name) {
        report_json_string(j, "name", name);
    }
    report_json_double(j, "nats", w->nats[image]);
    report_json_double(j, "mean", sum / (double)w->area);
    report_json_double(j, "highest", pixels[highest]);
    report_json_uint(j, "row", highest / (size_t)w->h.config.width);
    report_json_uint(j, "column", highest % (size_t)w->h.config.width);
    report_json_close_object(j);
    j->flat = false;
}

static void print_json(const heat_work *w) {
    json j;
    report_json_begin(&j, stdout);
    session_name_models(w->s, &j);
    report_json_string(&j, "data", w->want->data.path);
    report_json_string(&j, "out", w->want->out);
    report_json_string(&j, "unit", w->h.unit);
    report_json_bool(&j, "surprise", w->want->surprise);
    report_json_double(&j, "min", 0);
    report_json_double(&j, "max", w->h.maximum);
    report_json_uint(&j, "pixels", w->h.count * w->area);
    report_json_uint(&j, "above", w->above);
    report_json_open_array(&j, "images");
    for (size_t i = 0; i < w->h.count; i++) {
        print_image(&j, w, i);
    }
    report_json_close_array(&j);
    report_json_end(&j);
}

void heat_print(const heat_work *w) {
    (w->want->json ? print_json : print_text)(w);
}

#include "commands/eval.h"
#include "commands/scores.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdio.h>

static int write_arrays(const evaluation *e) {
    const prnn_config *c = &e->s->config;
    prnn_context *ctx = e->s->ctx;
    const size_t shape[] = {e->count, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    int code = 0;
    if (e->want->per_image) {
        TRY(exit_code(ctx, prnn_write_npy(ctx, e->want->per_image, PRNN_F64, 1, shape, e->nats)));
    }
    if (e->want->per_value) {
        TRY(exit_code(ctx, prnn_write_npy(ctx, e->want->per_value, PRNN_F32, 4, shape, e->values)));
    }
done:
    return code;
}

/* Of one image or of a mean, as --scores and the list have them. */
static double *bits_of_all(const evaluation *e, const double *nats) {
    double *bits = session_allocate(e->s, e->count, sizeof *bits);
    for (size_t i = 0; bits && i < e->count; i++) {
        bits[i] = eval_bits(e, i, nats[i]);
    }
    return bits;
}

/* Columns of the parts: nats_8x8, nats_32x32 of the scales of a chain, nats_1, nats_2 of the models of an
 * ensemble. */
static void add_parts(const evaluation *e, char names[][32], score_column *columns) {
    const subject *of = &e->s->measured;
    for (size_t k = 0; e->part_nats && k < e->parts; k++) {
        prnn_config config = PRNN_CONFIG_INIT;
        prnn_model_config(subject_model(of, k), &config);
        if (of->ensemble) {
            snprintf(names[k], sizeof names[k], "nats_%zu", k + 1);
        } else {
            snprintf(names[k], sizeof names[k], "nats_%dx%d", config.height, config.width);
        }
        columns[k] = (score_column){names[k], e->part_nats + k, e->parts};
    }
}

static int write_scores(const evaluation *e) {
    size_t parts = e->part_nats ? e->parts : 0, n = 0;
    char(*names)[32] = session_allocate(e->s, parts, sizeof *names);
    score_column *columns = session_allocate(e->s, 6 + parts, sizeof *columns);
    int code;
    TRY(check_memory(names));
    TRY(check_memory(columns));
    columns[n++] = (score_column){"nats", e->nats, 1};
    columns[n++] = (score_column){"bits_per_dim", bits_of_all(e, e->nats), 1};
    TRY(check_memory(columns[n - 1].values));
    if (e->conditional) {
        columns[n++] = (score_column){"new_nats", e->new_nats, 1};
        columns[n++] = (score_column){"new_bits_per_dim", bits_of_all(e, e->new_nats), 1};
        TRY(check_memory(columns[n - 1].values));
    }
    if (e->own) {
        columns[n++] = (score_column){"height", e->own->heights, 1};
        columns[n++] = (score_column){"width", e->own->widths, 1};
    }
    add_parts(e, names, columns + n);
    TRY(scores_write(e->s, e->want->scores, columns, n + parts));
done:
    return code;
}

static void list_json(const evaluation *e, json *j) {
    report_json_open_array(j, e->ranking.best ? "best" : "worst");
    for (size_t i = 0; i < e->ranking.listed; i++) {
        size_t image = e->ranking.list[i].image;
        const char *name = session_image_name(e->s, image);
        report_json_open_object(j, NULL);
        j->flat = true;
        report_json_uint(j, "image", session_image_number(e->s, image));
        if (name) {
            report_json_string(j, "name", name);
        }
        report_json_double(j, "nats", e->nats[image]);
        report_json_double(j, "bits_per_dim", eval_bits(e, image, e->nats[image]));
        if (e->own) {
            report_json_double(j, "height", e->own->heights[image]);
            report_json_double(j, "width", e->own->widths[image]);
        }
        report_json_close_object(j);
        j->flat = false;
    }
    report_json_close_array(j);
}

static void print_json(const evaluation *e) {
    const prnn_model *model = session_last_model(e->s);
    json j;
    report_json_begin(&j, stdout);
    session_name_models(e->s, &j);
    report_json_string(&j, "data", e->want->data.path);
    report_json_uint(&j, "images", e->count);
    report_json_uint(&j, "skipped", session_image_skipped(e->s));
    report_json_double(&j, "nats", e->mean);
    report_json_double(&j, "nats_stderr", e->error);
    report_json_double(&j, "bits_per_dim", e->own ? e->own->bits : prnn_bits_per_dim(model, e->mean));
    report_json_double(&j, "bits_per_dim_stderr",
                       e->own ? e->own->bits_error : prnn_bits_per_dim(model, e->error));
    if (e->own) {
        report_json_double(&j, "image_bits_per_dim", e->own->mean_bits);
        report_json_uint(&j, "sizes", e->own->different);
    }
    if (e->want->tile) {
        report_json_uint(&j, "tile", (uint64_t)e->want->tile);
    }
    if (e->conditional) {
        report_json_double(&j, "new_nats", e->new_mean);
        report_json_double(&j, "new_nats_stderr", e->new_error);
        report_json_double(&j, "new_bits_per_dim", prnn_bits_per_dim(model, e->new_mean));
    }
    if (e->mixed) {
        eval_ensemble_json(e, &j);
    }
    report_json_double(&j, "seconds", e->seconds);
    if (e->ranking.listed) {
        list_json(e, &j);
    }
    report_json_end(&j);
}

static void print_new(const evaluation *e) {
    char nats[80], bits[32];
    int size = e->s->config.condition_size;
    double bits_per_dim = prnn_bits_per_dim(session_last_model(e->s), e->new_mean);
    say("given images of %d x %d; in the values that these do not give: %s nats, %s bits/dim", size, size,
        format_with_error(e->new_mean, e->new_error, 3, nats), format_fixed(bits_per_dim, 5, bits));
}

static void list_text(const evaluation *e) {
    for (size_t i = 0; i < e->ranking.listed; i++) {
        size_t image = e->ranking.list[i].image;
        const char *name = session_image_name(e->s, image);
        char nats[32], bits[32];
        say("image %zu: %s nats, %s bits/dim%s%s", session_image_number(e->s, image),
            format_fixed(e->nats[image], 3, nats), format_fixed(eval_bits(e, image, e->nats[image]), 5, bits),
            name ? "  " : "", name ? name : "");
    }
}

static void print_text(const evaluation *e) {
    const prnn_model *model = session_last_model(e->s);
    double bits = e->own ? e->own->bits : prnn_bits_per_dim(model, e->mean);
    double bits_error = e->own ? e->own->bits_error : prnn_bits_per_dim(model, e->error);
    char text[80];
    if (e->s->config.levels == 2) {
        say("%s nats per image", format_with_error(e->mean, e->error, 4, text));
        say("%s bits/dim", format_with_error(bits, bits_error, 6, text));
    } else {
        say("%s bits/dim", format_with_error(bits, bits_error, 5, text));
        say("%s nats per image", format_with_error(e->mean, e->error, 3, text));
    }
    if (e->conditional) {
        print_new(e);
    }
    if (e->own) {
        char mean[32];
        say("%s bits/dim, the mean of those of each image; %zu size%s",
            format_fixed(e->own->mean_bits, 5, mean), e->own->different, plural(e->own->different));
    }
    if (e->mixed) {
        eval_say_ensemble(e);
    }
    say("%zu image%s, %.1f seconds", e->count, plural(e->count), e->seconds);
    list_text(e);
}

void eval_print(const evaluation *e) {
    (e->want->json ? print_json : print_text)(e);
}

int eval_write(const evaluation *e) {
    int code;
    TRY(write_arrays(e));
    if (e->want->scores) {
        TRY(write_scores(e));
    }
done:
    return code;
}

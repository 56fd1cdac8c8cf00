#include "commands/eval.h"
#include "commands/scores.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/try.h"

#include <math.h>
#include <pixelrnn/io.h>
#include <stdio.h>

enum { SCALES = 16 /* more than there can be, each being half of the next at most */ };

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

/* Columns of the scales of a chain: nats_8x8, nats_32x32. */
static size_t add_scales(const evaluation *e, char names[][32], score_column *columns) {
    size_t n = e->scale_nats ? e->scales : 0;
    for (size_t k = 0; k < n && k < SCALES; k++) {
        prnn_config config = PRNN_CONFIG_INIT;
        prnn_model_config(prnn_chain_model(e->s->chain, k), &config);
        snprintf(names[k], sizeof names[k], "nats_%dx%d", config.height, config.width);
        columns[k] = (score_column){names[k], e->scale_nats + k, e->scales};
    }
    return n;
}

static int write_scores(const evaluation *e) {
    char names[SCALES][32];
    score_column columns[4 + SCALES] = {{"nats", e->nats, 1}, {"bits_per_dim", bits_of_all(e, e->nats), 1}};
    size_t n = 2;
    int code;
    TRY(check_memory(columns[1].values));
    if (e->conditional) {
        columns[n++] = (score_column){"new_nats", e->new_nats, 1};
        columns[n++] = (score_column){"new_bits_per_dim", bits_of_all(e, e->new_nats), 1};
        TRY(check_memory(columns[n - 1].values));
    }
    if (e->own) {
        columns[n++] = (score_column){"height", e->own->heights, 1};
        columns[n++] = (score_column){"width", e->own->widths, 1};
    }
    n += add_scales(e, names, columns + n);
    TRY(scores_write(e->s, e->want->scores, columns, n));
done:
    return code;
}

static void list_json(const evaluation *e, json *j) {
    report_json_open_array(j, e->best ? "best" : "worst");
    for (size_t i = 0; i < e->listed; i++) {
        size_t image = e->ranking[i].image;
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
    report_json_double(&j, "seconds", e->seconds);
    if (e->listed) {
        list_json(e, &j);
    }
    report_json_end(&j);
}

/* "79.2043 ± 0.1102", or "79.2043" where there is no error. */
static const char *with_error(double mean, double error, int decimals, char text[80]) {
    char a[32], b[32];
    bool known = !isnan(error);
    snprintf(text, 80, "%s%s%s", format_fixed(mean, decimals, a), known ? " ± " : "",
             known ? format_fixed(error, decimals, b) : "");
    return text;
}

static void print_new(const evaluation *e) {
    char nats[80], bits[32];
    int size = e->s->config.condition_size;
    double bits_per_dim = prnn_bits_per_dim(session_last_model(e->s), e->new_mean);
    say("given images of %d x %d; in the values that these do not give: %s nats, %s bits/dim", size, size,
        with_error(e->new_mean, e->new_error, 3, nats), format_fixed(bits_per_dim, 5, bits));
}

static void list_text(const evaluation *e) {
    for (size_t i = 0; i < e->listed; i++) {
        size_t image = e->ranking[i].image;
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
        say("%s nats per image", with_error(e->mean, e->error, 4, text));
        say("%s bits/dim", with_error(bits, bits_error, 6, text));
    } else {
        say("%s bits/dim", with_error(bits, bits_error, 5, text));
        say("%s nats per image", with_error(e->mean, e->error, 3, text));
    }
    if (e->conditional) {
        print_new(e);
    }
    if (e->own) {
        char mean[32];
        say("%s bits/dim, the mean of those of each image; %zu size%s",
            format_fixed(e->own->mean_bits, 5, mean), e->own->different, plural(e->own->different));
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

/* pixelrnn compare: which of two models gives the same images the higher likelihood. */
#include "commands/compare.h"
#include "commands/alike.h"
#include "commands/scores.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/ranks.h"
#include "support/statistics.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256 };

static const compare_settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(compare_settings, "images to measure"),
    DATA_READING_OPTIONS(compare_settings),
    FIRST_OPTION(compare_settings),
    SIZE("limit", offsetof(compare_settings, limit), 0, 0, "at most so many images; 0: all"),
    BINARIZE_SEED_OPTION(compare_settings),
    SIZE_OPTION(
        compare_settings, "HxW|own",
        "height and width of the images, where they are not those of both models: any, of unconditional "
        "ones; own: those of the data, whose images are of one size"),
    GROUP("Output"),
    FLAG("json", offsetof(compare_settings, json), 0,
         "one JSON object on stdout: images, a and b with their nats and wins, difference with its error and "
         "interval (null for one image), better"),
    SCORES_OPTION(offsetof(compare_settings, scores),
                  "nats and bits per dimension under A and under B, and the differences A - B"),
    COMMON_OPTIONS,
};

/* ------------------------------------------------------------------------------------- opening */

static side side_of(const char **operands, size_t count, const subject *of) {
    return (side){
        .operands = operands, .operand_count = count, .name = count ? operands[count - 1] : NULL, .of = of};
}

/* "A B", or "A1 A2 vs B1 B2". */
static int split_operands(session *s, comparison *c) {
    const arguments *args = s->args;
    size_t n = args->operand_count, at = 0;
    while (at < n && strcmp(args->operands[at], "vs") != 0) {
        at++;
    }
    bool word = at < n;
    at = word ? at : 1;
    c->a = side_of(args->operands, at, &s->measured);
    c->b = side_of(args->operands + at + word, n - at - word, &s->against);
    for (size_t i = at + word; i < n; i++) {
        if (strcmp(args->operands[i], "vs") == 0) {
            return usage_error("'vs' stands between the models of A and those of B, and it is there twice");
        }
    }
    if (!c->a.operand_count || !c->b.operand_count || (!word && n != 2)) {
        return usage_error("two models are compared: A B; chains with 'vs' between them: A1 A2 vs B1 B2");
    }
    return EXIT_OK;
}

/* A chain that begins with a conditional model is none of images alone. */
static int check_first(const side *d) {
    prnn_config first = PRNN_CONFIG_INIT;
    prnn_model_config(prnn_chain_model(d->of->chain, 0), &first);
    return d->operand_count > 1 && first.condition_size
               ? usage_error("%s draws images given small ones of %d x %d: begin with a model of those",
                             d->operands[0], first.condition_size, first.condition_size)
               : EXIT_OK;
}

static int check_alike(const comparison *c) {
    return alike_check(c->a.of->names.paths, c->a.of->chain, c->b.of->names.paths, c->b.of->chain);
}

static int open_all(comparison *c) {
    session *s = c->s;
    int code;
    TRY(split_operands(s, c));
    TRY(session_open(s));
    TRY(session_open_measured(s, c->a.operands, c->a.operand_count));
    TRY(check_first(&c->a));
    TRY(session_open_other(s, c->b.operands, c->b.operand_count));
    TRY(check_first(&c->b));
    if (!c->want->size) {
        TRY(check_alike(c));
    }
    TRY(session_open_sized(s, &c->want->data, c->want->size, c->want->first, c->want->limit));
    if (c->want->size) {
        TRY(session_resize_other(s));
        TRY(check_alike(c));
    }
    c->count = prnn_data_count(s->data);
done:
    return code;
}

/* ------------------------------------------------------------------------------------- numbers */

static int evaluate_side(const comparison *c, const side *d, const uint8_t *images, size_t from, size_t n) {
    const session *s = c->s;
    prnn_status status = subject_evaluate(s->ctx, d->of, images, n, true, d->nats + from, NULL, NULL);
    size_t bad = first_not_finite(d->nats + from, n);
    if (status == PRNN_ERROR_FORMAT && bad < n) { /* the library counts from the first image of the chunk */
        return fail_not_finite(d->name, prnn_data_number(s->data, from + bad), c->want->data.path);
    }
    return exit_code(s->ctx, status);
}

static int evaluate(comparison *c) {
    session *s = c->s;
    size_t chunk = c->count < CHUNK ? c->count : CHUNK;
    double begin = clock_seconds();
    uint8_t *images = session_allocate(s, chunk, image_size(&s->config));
    int code;
    c->a.nats = session_allocate(s, c->count, sizeof(double));
    c->b.nats = session_allocate(s, c->count, sizeof(double));
    progress_begin(&s->bar, s->common->quiet, NULL);
    TRY(check_memory(images));
    TRY(check_memory(c->a.nats));
    TRY(check_memory(c->b.nats));
    for (size_t from = 0; from < c->count; from += chunk) {
        size_t n = c->count - from < chunk ? c->count - from : chunk;
        TRY(data_read(s->ctx, s->data, from, n, c->want->seed, images));
        TRY(evaluate_side(c, &c->a, images, from, n));
        TRY(evaluate_side(c, &c->b, images, from, n));
        progress_count(&s->bar, "compare", from + n, c->count, clock_seconds() - begin);
    }
done:
    progress_end(&s->bar);
    return code;
}

/* The pairs: what both models make hard or easy falls out of their differences. */
static int take_differences(comparison *c) {
    double unused;
    int code;
    c->differences = session_allocate(c->s, c->count, sizeof(double));
    TRY(check_memory(c->differences));
    for (size_t i = 0; i < c->count; i++) {
        double d = c->differences[i] = c->a.nats[i] - c->b.nats[i];
        c->a.wins += d < 0;
        c->b.wins += d > 0;
    }
    mean_and_error(c->differences, c->count, 1, &c->difference, &c->error);
    mean_and_error(c->a.nats, c->count, 1, &c->a.mean, &unused);
    mean_and_error(c->b.nats, c->count, 1, &c->b.mean, &unused);
done:
    return code;
}

/* -------------------------------------------------------------------------------------- scores */

static int write_scores(const comparison *c) {
    const double *nats[] = {c->a.nats, c->b.nats, c->differences};
    const char *const names[] = {"nats_a",         "nats_b",         "nats_difference",
                                 "bits_per_dim_a", "bits_per_dim_b", "bits_per_dim_difference"};
    score_column columns[6];
    int code;
    for (size_t k = 0; k < 3; k++) {
        double *bits = session_allocate(c->s, c->count, sizeof *bits);
        TRY(check_memory(bits));
        for (size_t i = 0; i < c->count; i++) {
            bits[i] = prnn_bits_per_dim(session_last_model(c->s), nats[k][i]);
        }
        columns[k] = (score_column){names[k], nats[k], 1};
        columns[k + 3] = (score_column){names[k + 3], bits, 1};
    }
    TRY(scores_write(c->s, c->want->scores, columns, 6));
done:
    return code;
}

static int run(session *s) {
    comparison c = {.s = s, .want = s->settings};
    int code;
    TRY(scores_check(c.want->scores));
    TRY(open_all(&c));
    TRY(evaluate(&c));
    TRY(take_differences(&c));
    compare_print(&c);
    if (c.want->scores && ranks_first()) {
        TRY(write_scores(&c));
    }
done:
    return code;
}

const struct command command_compare = {
    .name = "compare",
    .summary = "which of two models fits images better",
    .operand = "MODEL",
    .many = true,
    .ensembles = true,
    .description =
        "Measures the same images under two models, A and B, and prints the mean of the differences A - B of "
        "their negative log-likelihoods, image by image, with its standard error and a 95 % interval "
        "(difference ± 1.96 standard errors: the normal approximation, good from some dozens of images on), "
        "and how many images each model makes more likely. The differences vary much less than the "
        "likelihoods, so that they show what two means with their errors do not.\n\n"
        "A chain of models, as for 'pixelrnn eval', is written with the word vs between A and B: A1 A2 vs B1 "
        "B2. An ensemble, as there, has commas between its models: A1,A2,A3. Two conditional models are "
        "compared in the values that their small images do not give.",
    .examples = "pixelrnn compare old.safetensors new.safetensors --data t10k-images-idx3-ubyte.gz\n"
                "pixelrnn compare one.safetensors one.safetensors,two.safetensors --data test_batch.bin\n"
                "pixelrnn compare 8x8.safetensors 32x32-given-8x8.safetensors vs 32x32.safetensors --data "
                "test_batch.bin",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

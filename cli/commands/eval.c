/* pixelrnn eval: the likelihood of images under a model. */
#include "commands/eval.h"
#include "commands/scores.h"
#include "support/data.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/output.h"
#include "support/ranks.h"
#include "support/statistics.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256 };

static const eval_settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(eval_settings, "images to measure"),
    DATA_READING_OPTIONS(eval_settings),
    FIRST_OPTION(eval_settings),
    SIZE("limit", offsetof(eval_settings, limit), 0, 0, "at most so many images; 0: all"),
    BINARIZE_SEED_OPTION(eval_settings),
    SIZE_OPTION(eval_settings, "HxW|own",
                "height and width of the images, where they are not the model's; own: each image as large as "
                "it is"),
    INTEGER("tile", offsetof(eval_settings, tile), 1, 4096, OPTION_NO_DEFAULT,
            "cut the images, each as large as it is, into tiles of N x N pixels (at the right and below "
            "smaller), each an image of its own: in the memory and on all threads that such images take, for "
            "a few more bits"),
    GROUP("Output"),
    FLAG("json", offsetof(eval_settings, json), 0,
         "one JSON object on stdout: images, skipped (files that cannot be used), nats (mean per image), "
         "nats_stderr (null for one image), bits_per_dim, ..."),
    OUTPUT("per-image", offsetof(eval_settings, per_image), "F.npy", 0,
           "write the negative log-likelihood of each image in nats, float64 (images)"),
    OUTPUT("per-value", offsetof(eval_settings, per_value), "F.npy", 0,
           "write that of each value in nats, float32 (images, H, W, C)"),
    SCORES_OPTION(
        offsetof(eval_settings, scores),
        "its nats and bits per dimension, of a chain the nats of each scale, and of an ensemble those "
        "under each model"),
    GROUP("Images that stand out"),
    CHOICE("sort", offsetof(eval_settings, list.sort), "none|worst|best", 0,
           "list images with number, file and score: the least likely first (worst) or the most likely "
           "(best), 10 of them"),
    SIZE("worst", offsetof(eval_settings, list.worst), 1, OPTION_NO_DEFAULT, "list the N least likely"),
    SIZE("best", offsetof(eval_settings, list.best), 1, OPTION_NO_DEFAULT, "list the N most likely"),
    COMMON_OPTIONS,
};

/* Of all ranks together. */
static size_t chunk_of(const evaluation *e) {
    size_t most = CHUNK * (size_t)prnn_context_rank_count(e->s->ctx);
    return e->count < most ? e->count : most;
}

static int allocate_results(evaluation *e) {
    session *s = e->s;
    size_t values = image_size(&s->config), bytes = values * sizeof(float);
    int code;
    e->nats = session_allocate(s, e->count, sizeof(double));
    TRY(check_memory(e->nats));
    e->images = session_allocate(s, chunk_of(e), values);
    TRY(check_memory(e->images));
    if (e->want->per_value) {
        e->values = session_allocate(s, e->count, bytes);
        TRY(check_memory(e->values));
    }
    if (e->conditional) {
        e->new_nats = session_allocate(s, e->count, sizeof(double));
        TRY(check_memory(e->new_nats));
    }
    TRY(eval_allocate_parts(e));
    if (e->conditional && !e->values) {
        e->scratch = session_allocate(s, chunk_of(e), bytes);
        TRY(check_memory(e->scratch));
    }
done:
    return code;
}

double eval_bits(const evaluation *e, size_t i, double nats) {
    return e->own ? nats / (e->own->values[i] * log(2)) : prnn_bits_per_dim(session_last_model(e->s), nats);
}

double eval_mean_bits(const evaluation *e, double nats) {
    return e->own ? nats * (double)e->count / (e->own->total * log(2))
                  : prnn_bits_per_dim(session_last_model(e->s), nats);
}

int eval_allocate_parts(evaluation *e) {
    bool wanted = subject_is_mixed(&e->s->measured) || (e->want->scores && e->parts > 1);
    e->part_nats = wanted ? session_allocate(e->s, e->count * e->parts, sizeof(double)) : NULL;
    return wanted ? check_memory(e->part_nats) : EXIT_OK;
}

/* Of an image, what its small image does not give. */
static double sum_of_new(const session *s, const float *values) {
    size_t channels = (size_t)s->config.channels, width = (size_t)s->config.width;
    double sum = 0;
    for (size_t i = 0; i < image_size(&s->config); i++) {
        int row = (int)(i / channels / width), column = (int)(i / channels % width);
        sum += prnn_model_pixel_is_given(session_last_model(s), row, column) ? 0 : (double)values[i];
    }
    return sum;
}

static int evaluate_chunk(const evaluation *e, size_t from, size_t n) {
    const session *s = e->s;
    size_t first, mine;
    int code;
    prnn_ranks_share(s->ctx, n, &first, &mine);
    TRY(data_read(s->ctx, s->data, from + first, mine, e->want->seed,
                  e->images + first * image_size(&s->config)));
    float *values = e->values ? e->values + from * image_size(&s->config) : e->scratch;
    double *parts = e->part_nats ? e->part_nats + from * e->parts : NULL;
    prnn_status status =
        subject_evaluate(s->ctx, &s->measured, e->images, n, false, e->nats + from, parts, values);
    if (status == PRNN_ERROR_FORMAT) { /* the library counts from the first image of the chunk */
        TRY(session_check_finite(s, e->want->data.path, e->nats, from, n));
    }
    TRY(exit_code(s->ctx, status));
    for (size_t i = 0; e->conditional && i < n; i++) {
        e->new_nats[from + i] = sum_of_new(s, values + i * image_size(&s->config));
    }
done:
    return code;
}

static int evaluate(evaluation *e) {
    session *s = e->s;
    size_t chunk = chunk_of(e);
    double begin = clock_seconds();
    int code = 0;
    progress_begin(&s->bar, s->common->quiet, session_last_model(s));
    for (size_t from = 0; from < e->count; from += chunk) {
        size_t n = e->count - from < chunk ? e->count - from : chunk;
        TRY(evaluate_chunk(e, from, n));
        e->seconds = clock_seconds() - begin;
        progress_count(&s->bar, "evaluate", from + n, e->count, e->seconds);
    }
done:
    progress_end(&s->bar);
    return code;
}

static int report(evaluation *e) {
    int code;
    mean_and_error(e->nats, e->count, 1, &e->mean, &e->error);
    if (e->own) {
        eval_sum_up_own(e);
    }
    if (e->conditional) {
        mean_and_error(e->new_nats, e->count, 1, &e->new_mean, &e->new_error);
    }
    TRY(subject_is_mixed(&e->s->measured) ? eval_sum_up_ensemble(e) : EXIT_OK);
    eval_print(e);
done:
    return code;
}

/* Whether images keep their sizes. */
static bool is_own(const eval_settings *want) {
    return want->tile || (want->size && strcmp(want->size, "own") == 0);
}

static int check(const session *s) {
    const eval_settings *want = s->settings;
    output_kind kind;
    int code = EXIT_OK;
    if (want->per_image) {
        TRY(output_check("per-image", want->per_image, ALLOW_NPY, &kind));
    }
    if (want->per_value) {
        TRY(output_check("per-value", want->per_value, ALLOW_NPY, &kind));
    }
    TRY(scores_check(want->scores));
    if (want->per_value && is_own(want)) {
        return usage_error(
            "--per-value: images of different sizes have no array in common: name their --size, "
            "without --tile");
    }
    if (want->tile && want->size && strcmp(want->size, "own") != 0) {
        return usage_error("--tile takes images as large as they are: leave out --size %s", want->size);
    }
    TRY(ranking_check(&want->list));
done:
    return code;
}

static int open_all(evaluation *e) {
    session *s = e->s;
    int code;
    TRY(session_open(s));
    TRY(session_open_chain(s));
    e->conditional = session_is_conditional_alone(s);
    if (!e->conditional) {
        TRY(session_check_first(s));
    }
    e->parts = subject_count(&s->measured);
    if (is_own(e->want)) {
        TRY(eval_open_own(e));
    } else {
        TRY(session_open_sized(s, &e->want->data, e->want->size, e->want->first, e->want->limit));
        e->count = prnn_data_count(s->data);
    }
done:
    return code;
}

static int run(session *s) {
    evaluation e = {.s = s, .want = s->settings};
    int code;
    TRY(check(s));
    TRY(open_all(&e));
    if (e.own) {
        TRY(eval_own(&e));
    } else {
        TRY(allocate_results(&e));
        TRY(evaluate(&e));
    }
    TRY(ranking_make(s, &e.want->list, false, e.nats, e.count, &e.ranking));
    TRY(report(&e));
    TRY(ranks_first() ? eval_write(&e) : EXIT_OK);
done:
    return code;
}

const struct command command_eval = {
    .name = "eval",
    .summary = "how likely images are under a model",
    .operand = "MODEL",
    .many = true,
    .ensembles = true,
    .description =
        "Prints the mean negative log-likelihood of the images, with its standard error: in nats per image "
        "and in bits per dimension (nats / (H W C ln 2)).\n\n"
        "Several models are a chain, from small images to large ones: the exact joint likelihood of the "
        "large images, -log p(small) - log p(large | small) - ... Every value counts once, under the model "
        "of the smallest scale that has it.\n\n"
        "Models with commas between them, A,B,C, are an ensemble: of each value, given those before it, the "
        "mean of the probabilities that the models give it, which is an exact likelihood too. They are of "
        "the same images. The likelihood under each model stands beside it, what the ensemble gains over the "
        "best of them, image by image, and what the mean of the probabilities of whole images would be. A "
        "file whose own name has a comma is that file.\n\n"
        "Of one conditional model alone: that of all values of an image given its small one, and the part of "
        "it in the values that the small one does not give.\n\n"
        "An unconditional model takes images of any size (--size): no weight depends on it. What it knows of "
        "the borders of images it learned at the size that it was trained at. With --size own, or --tile, "
        "bits/dim are the nats of all images divided by ln 2 and by the number of all their values; the mean "
        "of the bits/dim of each image stands beside it. What the tiles of an image cost is added up.",
    .examples = "pixelrnn eval model.safetensors --data t10k-images-idx3-ubyte.gz\n"
                "pixelrnn eval model.safetensors --data photos/ --worst 20 --scores scores.csv\n"
                "pixelrnn eval model.safetensors --data test_batch.bin --limit 1000 --json\n"
                "pixelrnn eval model.safetensors --data photos/ --size own --scores scores.csv\n"
                "pixelrnn eval model.safetensors --data scans/ --tile 128\n"
                "pixelrnn eval one.safetensors,two.safetensors,three.safetensors --data test_batch.bin\n"
                "pixelrnn eval 8x8.safetensors 32x32-given-8x8.safetensors --data test_batch.bin",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

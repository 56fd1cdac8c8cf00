/* pixelrnn score: which images do not belong. */
#include "commands/score.h"
#include "commands/alike.h"
#include "commands/scores.h"
#include "draw/sheet.h"
#include "options/size_option.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/ranks.h"
#include "support/try.h"

#include <string.h>

static const score_settings defaults = {.common = COMMON_DEFAULTS, .data = DATA_DEFAULTS, .zoom = 1};

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(score_settings, "images to score"),
    DATA_READING_OPTIONS(score_settings),
    FIRST_OPTION(score_settings),
    SIZE("limit", offsetof(score_settings, limit), 0, 0,
         "at most so many images, and as many of --anomalous; 0: all"),
    BINARIZE_SEED_OPTION(score_settings),
    SIZE_OPTION(
        score_settings, "HxW|own",
        "of the images, instead of the model's; own: that of the images, which must all have the same"),
    GROUP("Scores, besides nats (the negative log-likelihood); the larger, the less an image belongs"),
    INPUT("background", offsetof(score_settings, background), "MODEL", 0,
          "ratio: nats less those under this model, which is of more general images of the same size and "
          "levels: what makes any image costly falls out (Ren et al. 2019)"),
    INPUT(
        "typical", offsetof(score_settings, typical), "F", 0,
        "typicality: how far nats lie, to either side, from their mean in these images (those that the model "
        "was trained on, or better others like them), in standard deviations (Nalisnick et al. 2019)"),
    SIZE("typical-limit", offsetof(score_settings, typical_limit), 2, OPTION_NO_DEFAULT,
         "at most so many of the images of --typical, spread evenly over them"),
    CHOICE("complexity", offsetof(score_settings, complexity), "none|png|webp", 0,
           "complexity: nats less the length, in nats, of a lossless file of the image: simple images are "
           "likely under any model (Serra et al. 2020)"),
    FLAG("surprise", offsetof(score_settings, surprise), 0,
         "surprise: nats less what the model expected of each value when it knew those before it (the "
         "entropy); and surprise_z: the same in standard deviations of what it expected"),
    GROUP("Groups"),
    SIZE(
        "group", offsetof(score_settings, group), 1, OPTION_NO_DEFAULT,
        "judge groups of N images after each other, each by the mean of its images; the last may be smaller"),
    FLAG("group-folders", offsetof(score_settings, group_folders), 0,
         "judge folders of pictures, each by the mean of its pictures"),
    GROUP("What is known to belong"),
    INPUT("labels", offsetof(score_settings, labels), "F", 0,
          "0 for each image that belongs and 1 for each that does not, for AUROC and average precision: "
          "lines or a .npy in the order of the images; or CSV with columns name (a file) or image (a "
          "number), and label"),
    STRING("normal", offsetof(score_settings, normal), "NAME", 0,
           "the same from folders: pictures in the folder NAME of --data belong, all others do not"),
    INPUT("anomalous", offsetof(score_settings, anomalous), "F", 0,
          "the same from two sets: the images of --data belong, and these do not"),
    INPUT(
        "calibrate", offsetof(score_settings, calibrate), "F", 0,
        "images that belong and that no model was trained on: each score gets a p-value, the share of these "
        "that score as high, as (1 + so many) / (1 + all)"),
    DOUBLE("false-alarms", offsetof(score_settings, false_alarms), 0, 1,
           OPTION_OPEN_MIN | OPTION_OPEN_MAX | OPTION_NO_DEFAULT,
           "print the threshold of each score above which at most this share of what belongs is expected, by "
           "--calibrate, or else by the images that are known to belong"),
    GROUP("Output"),
    FLAG("json", offsetof(score_settings, json), 0,
         "one JSON object on stdout: images, skipped, and of each score its mean, deviation and what labels, "
         "--calibrate and --false-alarms say"),
    SCORES_OPTION(offsetof(score_settings, scores),
                  "its nats and bits per dimension, every score and what it is made of, label and p-values"),
    OUTPUT("sheet", offsetof(score_settings, sheet), "F.png", 0,
           "draw the images that are listed as a contact sheet, with number, score and file"),
    COLUMNS_OPTION(score_settings),
    ZOOM_OPTION(score_settings),
    GROUP("Images that stand out"),
    CHOICE("by", offsetof(score_settings, by), "auto|nats|ratio|typicality|complexity|surprise|surprise_z", 0,
           "the score that lists and sheets go by; auto: of those that are asked for the first of ratio, "
           "complexity, surprise, typicality and nats"),
    CHOICE("sort", offsetof(score_settings, list.sort), "none|worst|best", 0,
           "list images with number, file and score: those that belong least first (worst) or most (best), "
           "10 of them"),
    SIZE("worst", offsetof(score_settings, list.worst), 1, OPTION_NO_DEFAULT, "list the N that belong least"),
    SIZE("best", offsetof(score_settings, list.best), 1, OPTION_NO_DEFAULT, "list the N that belong most"),
    COMMON_OPTIONS,
};

/* ------------------------------------------------------------------------------------- checking */

static int check_known(const score_settings *want) {
    bool known = want->labels || want->normal || want->anomalous;
    if ((want->labels != NULL) + (want->normal != NULL) + (want->anomalous != NULL) > 1) {
        return usage_error("--labels, --normal and --anomalous say the same in three ways: give one of them");
    }
    if (want->false_alarms > 0 && !known && !want->calibrate) {
        return usage_error("--false-alarms needs images that are known to belong: --calibrate, or --labels, "
                           "--normal or --anomalous");
    }
    if (want->typical_limit && !want->typical) {
        return usage_error("--typical-limit is of the images of --typical, which is not given");
    }
    return EXIT_OK;
}

static int check_groups(const score_settings *want) {
    if (want->group && want->group_folders) {
        return usage_error("--group and --group-folders make other groups: give one of them");
    }
    if (want->sheet && (want->group || want->group_folders)) {
        return usage_error("--sheet shows single images, and groups are judged: leave one out");
    }
    return EXIT_OK;
}

/* --by, or what is told least by how complex an image is. */
static int choose_score(scoring *w) {
    const score_settings *want = w->want;
    const bool there[SCORES] = {true,           want->background,
                                want->typical,  want->complexity != COMPLEXITY_NONE,
                                want->surprise, want->surprise};
    static const score_kind order[] = {SCORE_RATIO, SCORE_COMPLEXITY, SCORE_SURPRISE, SCORE_TYPICALITY,
                                       SCORE_NATS};
    static const char *const options_of[SCORES] = {"",           "--background", "--typical", "--complexity",
                                                   "--surprise", "--surprise"};
    if (want->by) {
        const list_settings *list = &want->list;
        if (!list->worst && !list->best && list->sort == SORT_NONE && !want->sheet) {
            return usage_error("--by is of lists and sheets: give --worst, --best, --sort or --sheet too");
        }
        w->by = (score_kind)(want->by - 1);
        return there[w->by] ? EXIT_OK
                            : usage_error("--by %s needs %s", score_names[w->by], options_of[w->by]);
    }
    size_t i = 0;
    while (!there[order[i]]) {
        i++;
    }
    w->by = order[i];
    return EXIT_OK;
}

static int check(scoring *w) {
    const score_settings *want = w->want;
    output_kind kind;
    int code;
    TRY(check_known(want));
    TRY(ranking_check(&want->list));
    TRY(check_groups(want));
    TRY(choose_score(w));
    TRY(scores_check(want->scores));
    if (want->sheet) {
        TRY(output_check("sheet", want->sheet, ALLOW_PNG, &kind));
    } else if (option_given(w->s->args, "columns") || option_given(w->s->args, "zoom")) {
        return usage_error("--columns and --zoom are of --sheet, which is not given");
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------- opening */

static int open_background(scoring *w) {
    session *s = w->s;
    const char *path = w->want->background;
    int code;
    TRY(session_open_other(s, &path, 1));
    if (w->want->size) {
        TRY(session_resize_other(s));
    }
    TRY(alike_check(s->args->operands, s->chain, &path, s->other));
done:
    return code;
}

static int open_anomalous(scoring *w) {
    session *s = w->s;
    data_settings settings = w->want->data;
    const selection which = {0, w->want->limit, &s->more_missing};
    settings.path = w->want->anomalous;
    return session_open_set(s, &settings, &s->config, s->path, &which, &s->valid);
}

static int open_all(scoring *w) {
    session *s = w->s;
    int code;
    TRY(session_open(s));
    TRY(session_open_chain(s));
    if (!session_is_conditional_alone(s)) {
        TRY(session_check_first(s));
    }
    TRY(session_open_sized(s, &w->want->data, w->want->size, w->want->first, w->want->limit));
    if (w->want->background) {
        TRY(open_background(w));
    }
    if (w->want->anomalous) {
        TRY(open_anomalous(w));
    }
done:
    return code;
}

const prnn_data *score_set_of(const scoring *w, size_t *image) {
    bool anomalous = *image >= w->data_count;
    *image -= anomalous ? w->data_count : 0;
    return anomalous ? w->s->valid : w->s->data;
}

/* ---------------------------------------------------------------------------------------- work */

static int run(session *s) {
    scoring w = {.s = s, .want = s->settings};
    int code;
    TRY(check(&w));
    TRY(open_all(&w));
    TRY(score_measure(&w));
    TRY(score_label(&w));
    TRY(score_judge(&w));
    TRY(ranking_make(s, &w.want->list, w.want->sheet != NULL, w.u.scores[w.by], w.u.count, &w.ranking));
    TRY(ranks_agree(s->ctx, EXIT_OK)); /* before any result: labels are read by each rank */
    score_print(&w);
    TRY(ranks_first() ? score_write(&w) : EXIT_OK);
done:
    return code;
}

const struct command command_score = {
    .name = "score",
    .summary = "find what does not belong",
    .operand = "MODEL",
    .many = true,
    .description =
        "Scores images by how little they belong to what the model has learned. The likelihood alone (nats) "
        "is known to fail: images that are simpler than those of the training can be likelier than these. So "
        "there are scores that take out what makes an image likely under any model; docs/anomaly.md says "
        "when to use which, and where each fails. In all of them a larger number means that an image belongs "
        "less.\n\n"
        "With images that are known to belong and others that are known not to, each score gets the area "
        "under its receiver operating characteristic (AUROC: the probability that an image that does not "
        "belong scores higher than one that does, equal scores counting a half) with its 95 % interval "
        "(DeLong et al. 1988), and its average precision.\n\n"
        "Several models are a chain, as for 'pixelrnn eval'. Of one conditional model alone the values count "
        "that its small images do not give, and the background is one that is given the same.",
    .examples =
        "pixelrnn score model.safetensors --data new/ --surprise --worst 20 --scores scores.csv\n"
        "pixelrnn score trousers.safetensors --background clothes.safetensors --data new/ --worst 20 "
        "--sheet worst.png\n"
        "pixelrnn score model.safetensors --data test/ --normal good --complexity png --typical train/\n"
        "pixelrnn score model.safetensors --data new/ --surprise --calibrate valid/ --false-alarms 0.05",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

/* pixelrnn check: the certificate of a model file. */
#include "session/session.h"
#include "support/try.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct settings {
    struct common common;
    size_t positions;
    uint64_t seed;
    bool json;
} settings;

static const settings defaults = {.common = COMMON_DEFAULTS, .positions = 1024};

static const struct option options[] = {
    SIZE(
        "positions", offsetof(settings, positions), 0, 0,
        "values that are changed, at most, chosen by --seed. The plain evaluation changes a 32nd of them, at "
        "least 8; probabilities are added at twice as many divided by the number of levels, at least 8. "
        "0: all, everywhere, which takes long"),
    UINT64("seed", offsetof(settings, seed), 0, 0, "of the images, the changes and the choice of values"),
    FLAG("json", offsetof(settings, json), 0, "one JSON object on stdout"),
    COMMON_OPTIONS,
};

static const char *word(bool good) {
    return good ? "ok" : "FAILED";
}

/* "row 3, column 4, channel 0" */
static void place_text(const prnn_certificate *c, size_t value, char text[96]) {
    size_t channels = (size_t)c->channels, width = (size_t)c->width;
    snprintf(text, 96, "row %zu, column %zu, channel %zu", value / channels / width, value / channels % width,
             value % channels);
}

static void print_causality(const char *name, const prnn_causality *causality, const prnn_certificate *c) {
    uint64_t before = causality->leaks + causality->kept;
    say("%-11s %s: %" PRIu64 " change%s of a value and all after it moved %" PRIu64 " of %" PRIu64
        " conditional%s at or before it, and %" PRIu64 " after it",
        name, word(causality->leaks == 0), causality->changes, plural(causality->changes), causality->leaks,
        before, plural(before), causality->moved);
    if (causality->leaks) {
        char of[96], from[96];
        place_text(c, causality->leak_of, of);
        place_text(c, causality->leak_from, from);
        say("            the conditional of %s moved with values from %s on", of, from);
    }
}

static void print_text(const char *path, const prnn_certificate *found) {
    say("%s", path);
    say("%-11s %s: %" PRIu64 " of %" PRIu64 " weight%s behind masks %s not zero, all %" PRIu64
        " others are finite",
        "masks", word(found->nonzero == 0), found->nonzero, found->masked, plural(found->masked),
        found->nonzero == 1 ? "is" : "are", found->unmasked);
    if (found->nonzero) {
        say("            the first is %s", found->nonzero_name);
    }
    print_causality("kernels", &found->kernels, found);
    print_causality("plain", &found->plain, found);
    say("%-11s %s: logits of the kernels and of a plain evaluation in double differ by %.1e (relative)",
        "agreement", word(found->agrees), found->difference);
    say("%-11s %s: the probabilities of all %d levels, added at %" PRIu64
        " conditional%s, differ from 1 by at most %.1e",
        "sums", word(found->normalised), found->levels, found->sums, plural(found->sums), found->worst_sum);
    say("%-11s %s", "certificate", found->passed ? "passed" : "FAILED");
}

static void print_json_causality(json *j, const char *name, const prnn_causality *causality,
                                 const prnn_certificate *found) {
    report_json_open_object(j, name);
    report_json_uint(j, "changes", causality->changes);
    report_json_uint(j, "kept", causality->kept);
    report_json_uint(j, "leaks", causality->leaks);
    report_json_uint(j, "moved_after", causality->moved);
    if (causality->leaks) {
        char of[96], from[96];
        place_text(found, causality->leak_of, of);
        place_text(found, causality->leak_from, from);
        report_json_string(j, "leak_of", of);
        report_json_string(j, "leak_from", from);
    }
    report_json_close_object(j);
}

static void print_json(const char *path, const prnn_certificate *found) {
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "model", path);
    report_json_bool(&j, "passed", found->passed);
    report_json_uint(&j, "unmasked_weights", found->unmasked);
    report_json_uint(&j, "masked_weights", found->masked);
    report_json_uint(&j, "masked_weights_not_zero", found->nonzero);
    if (found->nonzero) {
        report_json_string(&j, "masked_weight", found->nonzero_name);
    }
    print_json_causality(&j, "kernels", &found->kernels, found);
    print_json_causality(&j, "plain", &found->plain, found);
    report_json_double(&j, "logits_difference", found->difference);
    report_json_bool(&j, "agrees", found->agrees);
    report_json_uint(&j, "sums", found->sums);
    report_json_double(&j, "worst_sum_off", found->worst_sum);
    report_json_bool(&j, "normalised", found->normalised);
    report_json_end(&j);
}

static int check(session *s, prnn_certificate *found) {
    const settings *want = s->settings;
    prnn_check_options how = PRNN_CHECK_OPTIONS_INIT;
    how.positions = want->positions;
    how.seed = want->seed;
    how.progress = progress_callback;
    how.user = &s->bar;
    progress_begin(&s->bar, s->common->quiet, NULL);
    prnn_status status = prnn_check(s->ctx, s->common->operand, &how, found);
    progress_end(&s->bar);
    return exit_code(s->ctx, status);
}

static int run(session *s) {
    const settings *want = s->settings;
    const char *path = s->common->operand;
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    int code;
    TRY(session_open(s));
    TRY(check(s, &found));
    (want->json ? print_json : print_text)(path, &found);
    TRY(found.passed ? EXIT_OK : fail("%s: the certificate failed; do not trust its likelihoods", path));
done:
    return code;
}

const struct command command_check = {
    .name = "check",
    .summary = "prove that a model file leaks nothing",
    .operand = "MODEL",
    .description =
        "Proves on the file itself, by changing values, that no conditional probability depends on a value "
        "at or after its own; that weights behind masks are zero; and that probabilities sum to one. Prints "
        "what was tested; fails with exit code 1 if something is wrong.\n\n"
        "Two images are changed: one drawn from the model and one of noise. The changes are put through the "
        "kernels, as every other command uses them, and through a plain evaluation in double precision that "
        "knows no masks and uses every weight of the file, as another program might. A model that moves "
        "nothing at all, such as one that was not trained, passes: the numbers of conditionals that moved "
        "say so.",
    .examples = "pixelrnn check model.safetensors\n"
                "pixelrnn check model.safetensors --positions 0 --json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ranks = true,
    .run = run,
};

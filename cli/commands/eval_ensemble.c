/* What an ensemble is worth beside its models: the nats of the same images under each of them. */
#include "commands/eval.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/statistics.h"
#include "support/try.h"

/* ------------------------------------------------------------------------------------- numbers */

/* The pairs: what makes an image hard for all models falls out of their differences. */
static int take_gain(evaluation *e) {
    eval_ensemble *m = e->mixed;
    double *gains = session_allocate(e->s, e->count, sizeof *gains);
    int code;
    TRY(check_memory(gains));
    for (size_t i = 0; i < e->count; i++) {
        gains[i] = e->part_nats[i * e->parts + m->best] - e->nats[i];
    }
    mean_and_error(gains, e->count, 1, &m->gain, &m->gain_error);
done:
    return code;
}

static double mean_of_whole(const evaluation *e) {
    double sum = 0;
    for (size_t i = 0; i < e->count; i++) {
        sum += prnn_mixture_nats(e->part_nats + i * e->parts, e->parts);
    }
    return sum / (double)e->count;
}

int eval_sum_up_ensemble(evaluation *e) {
    eval_ensemble *m = e->mixed = session_allocate(e->s, 1, sizeof *e->mixed);
    int code;
    TRY(check_memory(m));
    *m = (eval_ensemble){.members = session_allocate(e->s, e->parts, sizeof *m->members)};
    TRY(check_memory(m->members));
    for (size_t k = 0; k < e->parts; k++) {
        mean_and_error(e->part_nats + k, e->count, e->parts, &m->members[k].mean, &m->members[k].error);
        m->best = m->members[k].mean < m->members[m->best].mean ? k : m->best;
    }
    m->whole = mean_of_whole(e);
    TRY(take_gain(e));
done:
    return code;
}

/* -------------------------------------------------------------------------------------- telling */

void eval_say_ensemble(const evaluation *e) {
    const eval_ensemble *m = e->mixed;
    const char *const *paths = e->s->measured.names.paths;
    char nats[80], bits[32];
    say("ensemble of %zu models: the mean of their probabilities of each value, given those before it",
        e->parts);
    for (size_t k = 0; k < e->parts; k++) {
        say("  %s: %s nats per image, %s bits/dim", paths[k],
            format_with_error(m->members[k].mean, m->members[k].error, 4, nats),
            format_fixed(eval_mean_bits(e, m->members[k].mean), 5, bits));
    }
    say("gain over the best of them, %s, on the same images: %s nats per image, %s bits/dim", paths[m->best],
        format_with_error(m->gain, m->gain_error, 4, nats),
        format_fixed(eval_mean_bits(e, m->gain), 5, bits));
    say("the mean of their probabilities of whole images: %s nats per image",
        format_fixed(m->whole, 4, nats));
}

void eval_ensemble_json(const evaluation *e, json *j) {
    const eval_ensemble *m = e->mixed;
    const char *const *paths = e->s->measured.names.paths;
    report_json_open_array(j, "members");
    for (size_t k = 0; k < e->parts; k++) {
        report_json_open_object(j, NULL);
        j->flat = true;
        report_json_string(j, "model", paths[k]);
        report_json_double(j, "nats", m->members[k].mean);
        report_json_double(j, "nats_stderr", m->members[k].error);
        report_json_double(j, "bits_per_dim", eval_mean_bits(e, m->members[k].mean));
        report_json_close_object(j);
        j->flat = false;
    }
    report_json_close_array(j);
    report_json_string(j, "best_member", paths[m->best]);
    report_json_double(j, "gain_nats", m->gain);
    report_json_double(j, "gain_nats_stderr", m->gain_error);
    report_json_double(j, "gain_bits_per_dim", eval_mean_bits(e, m->gain));
    report_json_double(j, "whole_images_nats", m->whole);
}

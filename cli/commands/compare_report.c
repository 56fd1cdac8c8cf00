#include "commands/compare.h"
#include "support/number.h"
#include "support/report.h"
#include "support/statistics.h"

#include <math.h>
#include <stdio.h>

/* The 95 % interval, in nats. */
static double low(const comparison *c) {
    return c->difference - NORMAL_95 * c->error;
}

static double high(const comparison *c) {
    return c->difference + NORMAL_95 * c->error;
}

static bool is_apart(const comparison *c) {
    return low(c) > 0 || high(c) < 0;
}

/* "a" or "b"; NULL: neither. */
static const char *better(const comparison *c) {
    return c->difference < 0 ? "a" : c->difference > 0 ? "b" : NULL;
}

static double bits(const comparison *c, double nats) {
    return prnn_bits_per_dim(session_last_model(c->s), nats);
}

/* ---------------------------------------------------------------------------------------- JSON */

static void print_side(json *j, const comparison *c, const char *key, const side *d) {
    report_json_open_object(j, key);
    report_json_open_array(j, subject_is_mixed(d->of) ? "ensemble" : "models");
    for (size_t i = 0; i < subject_count(d->of); i++) {
        report_json_string(j, NULL, d->of->names.paths[i]);
    }
    report_json_close_array(j);
    report_json_double(j, "nats", d->mean);
    report_json_double(j, "bits_per_dim", bits(c, d->mean));
    report_json_uint(j, "wins", d->wins);
    report_json_close_object(j);
}

static void print_json(const comparison *c) {
    json j;
    report_json_begin(&j, stdout);
    report_json_string(&j, "data", c->want->data.path);
    report_json_uint(&j, "images", c->count);
    report_json_uint(&j, "skipped", prnn_data_skipped(c->s->data));
    print_side(&j, c, "a", &c->a);
    print_side(&j, c, "b", &c->b);
    report_json_uint(&j, "ties", c->count - c->a.wins - c->b.wins);
    report_json_open_object(&j, "difference");
    report_json_double(&j, "nats", c->difference);
    report_json_double(&j, "nats_stderr", c->error);
    report_json_double(&j, "nats_low", low(c));
    report_json_double(&j, "nats_high", high(c));
    report_json_double(&j, "bits_per_dim", bits(c, c->difference));
    report_json_double(&j, "bits_per_dim_stderr", bits(c, c->error));
    report_json_double(&j, "bits_per_dim_low", bits(c, low(c)));
    report_json_double(&j, "bits_per_dim_high", bits(c, high(c)));
    report_json_close_object(&j);
    if (better(c)) {
        report_json_string(&j, "better", better(c));
    } else {
        report_json_null(&j, "better");
    }
    if (isnan(c->error)) {
        report_json_null(&j, "interval_excludes_0");
    } else {
        report_json_bool(&j, "interval_excludes_0", is_apart(c));
    }
    report_json_end(&j);
}

/* ---------------------------------------------------------------------------------------- text */

/* "A  row.safetensors: 80.1234 nats, 0.14744 bits/dim; more likely on 12 images" */
static void say_side(const comparison *c, const char *letter, const side *d) {
    char nats[32], dims[32];
    say("%s  %s%s: %s nats, %s bits/dim; more likely on %zu image%s", letter, d->name,
        d->operand_count > 1 ? " and those before it" : "", format_fixed(d->mean, 4, nats),
        format_fixed(bits(c, d->mean), 5, dims), d->wins, plural(d->wins));
}

static void say_difference(const comparison *c, double scale, int decimals, const char *unit) {
    char mean[32], error[32], from[32], to[32];
    format_fixed(c->difference * scale, decimals, mean);
    if (isnan(c->error)) {
        say("A - B: %s %s", mean, unit);
        return;
    }
    say("A - B: %s ± %s %s, 95 %% interval %s to %s", mean, format_fixed(c->error * scale, decimals, error),
        unit, format_fixed(low(c) * scale, decimals, from), format_fixed(high(c) * scale, decimals, to));
}

static void say_verdict(const comparison *c) {
    const char *name = c->difference < 0 ? "A" : "B";
    if (isnan(c->error)) {
        say("one image has no interval: give more");
    } else if (is_apart(c)) {
        say("%s is better: the interval (normal approximation) excludes 0", name);
    } else if (better(c)) {
        say("%s is better on these images, but the interval (normal approximation) includes 0", name);
    } else {
        say("neither is better");
    }
}

static void print_text(const comparison *c) {
    say_side(c, "A", &c->a);
    say_side(c, "B", &c->b);
    say_difference(c, 1, 4, "nats per image");
    say_difference(c, bits(c, 1), 5, "bits/dim");
    say_verdict(c);
    say("%zu image%s", c->count, plural(c->count));
}

void compare_print(const comparison *c) {
    (c->want->json ? print_json : print_text)(c);
}

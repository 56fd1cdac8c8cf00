/* Where a model comes from: docs/formats.md lists the keys. They hold nothing but functions of what the run
 * was given, and no time of day, so that the same training writes the same file. */
#include "base/try.h"
#include "data/data.h"
#include "safetensors/format.h"
#include "train/run.h"
#include "train/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char prefix[] = "training.";

enum { PREFIX = 32 };

static void format_prefix(unsigned number, char text[PREFIX]) {
    snprintf(text, PREFIX, "%s%u.", prefix, number);
}

/* The number of the training that a key is of; 0: it is of none. */
static unsigned number_of(const char *key) {
    const char *digits = key + strlen(prefix);
    char *end;
    if (strncmp(key, prefix, strlen(prefix)) != 0 || *digits < '1' || *digits > '9') {
        return 0;
    }
    unsigned long number = strtoul(digits, &end, 10);
    return *end == '.' && number < 1000000 ? (unsigned)number : 0;
}

/* Removes what is known of the first training; false: it is this one. */
static bool forget_first(const prnn_trainer *t, prnn_metadata *m) {
    unsigned first = t->number;
    char begin[PREFIX];
    for (size_t i = 0; i < m->count; i++) {
        unsigned number = number_of(m->entries[i].key);
        first = number && number < first ? number : first;
    }
    format_prefix(first, begin);
    if (first < t->number) {
        prnn_metadata_remove(m, begin, false);
    }
    return first < t->number;
}

/* Options that the others leave without effect are left out. */
static bool matters(const prnn_train_options *o, const char *key) {
    const struct {
        const char *key;
        bool used;
    } rules[] = {{"warmup", o->warmup_steps > 0},
                 {"final-fraction", o->schedule == PRNN_COSINE},
                 {"total-steps", o->schedule == PRNN_COSINE},
                 {"decay-factor", o->schedule == PRNN_STEP},
                 {"decay-epochs", o->schedule == PRNN_STEP},
                 {"beta2", o->optimizer != PRNN_SGD},
                 {"epsilon", o->optimizer != PRNN_SGD},
                 {"clip", o->clip > 0},
                 {"ema", o->ema > 0},
                 {"flip", o->flip},
                 {"shift", o->shift > 0},
                 {"dropout", o->dropout > 0},
                 {"weight-decay", o->weight_decay > 0},
                 {"teacher", o->teacher != NULL},
                 {"teacher-weight", o->teacher != NULL}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].key, key) == 0) {
            return rules[i].used;
        }
    }
    return true;
}

/* Texts that pairs point to. */
typedef struct texts {
    char train[PRNN_METADATA_KEY], valid[PRNN_METADATA_KEY], date[32];
} texts;

/* The names of files are bytes, and metadata are UTF-8. */
static void put_source(prnn_pairs *p, const char *key, const prnn_data *data, char text[PRNN_METADATA_KEY]) {
    if (!data->source) {
        return;
    }
    snprintf(text, PRNN_METADATA_KEY, "%s", data->source);
    for (char *c = text; *c && !prnn_is_utf8(text); c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    prnn_pairs_put(p, key, text);
}

/* The date of a build that is to be reproduced, if the environment gives one: reproducible-builds.org. */
static prnn_status read_date(prnn_context *ctx, char text[32]) {
    static const char variable[] = "SOURCE_DATE_EPOCH";
    static const long long last = 253402300799; /* of the year 9999 */
    const char *given = getenv(variable);
    text[0] = 0;
    if (!given || !*given) {
        return PRNN_OK;
    }
    char *end;
    long long seconds = strtoll(given, &end, 10);
    time_t time = (time_t)seconds;
    struct tm date;
    if (*given < '0' || *given > '9' || *end || seconds > last || !gmtime_r(&time, &date)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the environment variable %s is \"%.40s\": give seconds since 1970, or unset it",
                         variable, given);
    }
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &date);
    return PRNN_OK;
}

prnn_status prnn_provenance_check(prnn_context *ctx) {
    char date[32];
    return read_date(ctx, date);
}

static void put_all(prnn_pairs *p, const prnn_trainer *t, uint64_t step, double nats, texts *names) {
    prnn_pairs_put(p, "version", PRNN_VERSION);
    prnn_pairs_put(p, "arithmetic", t->arithmetic);
    put_source(p, "data", t->train, names->train);
    prnn_pairs_put_u64(p, "images", prnn_data_count(t->train));
    prnn_pairs_put_u64(p, "fingerprint", t->train_print);
    if (t->valid) {
        put_source(p, "valid-data", t->valid, names->valid);
        prnn_pairs_put_u64(p, "valid-images", prnn_data_count(t->valid));
        prnn_pairs_put_u64(p, "valid-fingerprint", t->valid_print);
        prnn_pairs_put_u64(p, "valid-every", t->table.valid_every);
    }
    prnn_settings_put(p, &t->options, t->teacher.print);
    prnn_pairs_put_u64(p, "total-steps", t->table.steps);
    prnn_pairs_put_u64(p, "steps", step);
    if (!isnan(nats)) {
        prnn_pairs_put_readable(p, "valid-nats", nats);
    }
}

/* PRNN_ERROR_ARGUMENT: there is no room. */
static prnn_status set_all(const prnn_trainer *t, const prnn_pairs *p, prnn_metadata *m) {
    char begin[PREFIX], key[PREFIX + 64];
    prnn_status status = PRNN_OK;
    format_prefix(t->number, begin);
    prnn_metadata_remove(m, begin, false);
    for (size_t i = 0; i < p->count; i++) {
        if (matters(&t->options, p->pair[i].key)) {
            snprintf(key, sizeof key, "%s%s", begin, p->pair[i].key);
            TRY(prnn_metadata_set(t->ctx, m, key, p->pair[i].value));
        }
    }
done:
    return status;
}

prnn_status prnn_provenance_make(const prnn_trainer *t, uint64_t step, double nats, prnn_metadata *made) {
    prnn_pairs p = {.count = 0};
    texts names;
    prnn_status status;
    TRY(read_date(t->ctx, names.date));
    if (names.date[0]) {
        prnn_pairs_put(&p, "date", names.date);
    }
    put_all(&p, t, step, nats, &names);
    TRY(prnn_metadata_copy(t->ctx, &t->model->metadata, made));
    do {
        status = set_all(t, &p, made);
    } while (status == PRNN_ERROR_ARGUMENT && forget_first(t, made));
done:
    return status;
}

prnn_status prnn_provenance_begin(prnn_trainer *t, bool goes_on) {
    const prnn_metadata *m = &t->model->metadata;
    unsigned last = 0;
    for (size_t i = 0; i < m->count; i++) {
        unsigned number = number_of(m->entries[i].key);
        last = number > last ? number : last;
    }
    t->number = goes_on && last ? last : last + 1;
    prnn_metadata tried = {0};
    prnn_status status = prnn_provenance_make(t, 0, NAN, &tried);
    prnn_metadata_free(&tried);
    return status;
}

prnn_status prnn_provenance_set(prnn_trainer *t, uint64_t step, double nats) {
    prnn_metadata made = {0};
    prnn_status status = prnn_provenance_make(t, step, nats, &made);
    if (status == PRNN_OK) {
        prnn_metadata_free(&t->model->metadata);
        t->model->metadata = made;
    } else {
        prnn_metadata_free(&made);
    }
    return status;
}

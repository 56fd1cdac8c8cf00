#include "train/settings.h"

#include "train/optimizer.h"

#include <inttypes.h>
#include <stdio.h>

void prnn_pairs_put(prnn_pairs *p, const char *key, const char *value) {
    p->pair[p->count++] = (prnn_safetensors_pair){key, value};
}

void prnn_pairs_put_u64(prnn_pairs *p, const char *key, uint64_t value) {
    snprintf(p->text[p->count], PRNN_PAIR_TEXT, "%" PRIu64, value);
    prnn_pairs_put(p, key, p->text[p->count]);
}

void prnn_pairs_put_double(prnn_pairs *p, const char *key, double value) {
    snprintf(p->text[p->count], PRNN_PAIR_TEXT, "%a", value);
    prnn_pairs_put(p, key, p->text[p->count]);
}

void prnn_pairs_put_readable(prnn_pairs *p, const char *key, double value) {
    snprintf(p->text[p->count], PRNN_PAIR_TEXT, "%.9g", value);
    prnn_pairs_put(p, key, p->text[p->count]);
}

void prnn_settings_put(prnn_pairs *p, const prnn_train_options *o, uint64_t teacher) {
    prnn_pairs_put_u64(p, "batch", (uint64_t)o->batch);
    prnn_pairs_put(p, "optimizer", prnn_optimizer_name(o->optimizer));
    prnn_pairs_put_readable(p, "lr", o->learning_rate);
    prnn_pairs_put(p, "schedule", prnn_schedule_name(o->schedule));
    prnn_pairs_put_readable(p, "warmup", o->warmup_steps);
    prnn_pairs_put_readable(p, "final-fraction", o->final_fraction);
    prnn_pairs_put_readable(p, "decay-factor", o->decay_factor);
    prnn_pairs_put_readable(p, "decay-epochs", o->decay_epochs);
    prnn_pairs_put_readable(p, "beta1", o->beta1);
    prnn_pairs_put_readable(p, "beta2", o->beta2);
    prnn_pairs_put_readable(p, "epsilon", o->epsilon);
    prnn_pairs_put_readable(p, "clip", o->clip);
    prnn_pairs_put_readable(p, "ema", o->ema);
    prnn_pairs_put_u64(p, "seed", o->seed);
    prnn_pairs_put_u64(p, "flip", o->flip);
    prnn_pairs_put_u64(p, "shift", (uint64_t)o->shift);
    prnn_pairs_put_readable(p, "dropout", o->dropout);
    prnn_pairs_put_readable(p, "weight-decay", o->weight_decay);
    prnn_pairs_put_u64(p, "teacher", teacher);
    prnn_pairs_put_readable(p, "teacher-weight", o->teacher ? o->teacher_weight : 0);
}

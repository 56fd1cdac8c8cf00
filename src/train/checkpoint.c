/* Checkpoints: a safetensors file with the weights, the optimizer's moments and the state of the run. */

#include "base/clock.h"
#include "base/file.h"
#include "base/try.h"
#include "config/config.h"
#include "data/data.h"
#include "train/optimizer.h"
#include "train/run.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = PRNN_SETTING, MAX_PAIRS = PRNN_SETTINGS, MAX_BLOCKS = PRNN_BLOCKS };

/* Metadata in the making; the texts belong to it. */
typedef struct pairs {
    prnn_safetensors_pair pair[MAX_PAIRS];
    char text[MAX_PAIRS][TEXT];
    size_t count;
} pairs;

static void put(pairs *p, const char *key, const char *value) {
    p->pair[p->count++] = (prnn_safetensors_pair){key, value};
}

static void put_u64(pairs *p, const char *key, uint64_t value) {
    snprintf(p->text[p->count], TEXT, "%" PRIu64, value);
    put(p, key, p->text[p->count]);
}

/* Hexadecimal keeps every bit. */
static void put_double(pairs *p, const char *key, double value) {
    snprintf(p->text[p->count], TEXT, "%a", value);
    put(p, key, p->text[p->count]);
}

static void put_readable(pairs *p, const char *key, double value) {
    snprintf(p->text[p->count], TEXT, "%.9g", value);
    put(p, key, p->text[p->count]);
}

/* What must be the same for a run to go on as if it had never stopped. The length of the run is not here: it
 * may be made longer. */
static void put_settings(pairs *p, const prnn_trainer *t) {
    const prnn_train_options *o = &t->options;
    put(p, "arithmetic", prnn_context_arithmetic(t->ctx));
    put_u64(p, "training images", prnn_data_count(t->train));
    put_u64(p, "fingerprint of the training images", t->train_print);
    put_u64(p, "validation images", t->valid ? prnn_data_count(t->valid) : 0);
    put_u64(p, "fingerprint of the validation images", t->valid_print);
    put_u64(p, "batch", (uint64_t)o->batch);
    put(p, "optimizer", prnn_optimizer_name(o->optimizer));
    put_readable(p, "lr", o->learning_rate);
    put(p, "schedule", prnn_schedule_name(o->schedule));
    put_readable(p, "warmup", o->warmup_steps);
    put_readable(p, "final-fraction", o->final_fraction);
    put_readable(p, "decay-factor", o->decay_factor);
    put_readable(p, "decay-epochs", o->decay_epochs);
    put_readable(p, "beta1", o->beta1);
    put_readable(p, "beta2", o->beta2);
    put_readable(p, "epsilon", o->epsilon);
    put_readable(p, "clip", o->clip);
    put_readable(p, "ema", o->ema);
    put_u64(p, "seed", o->seed);
    put_u64(p, "valid-every", o->valid_every);
    put_u64(p, "log-every", o->log_every);
}

static void put_state(pairs *p, const prnn_trainer *t) {
    const prnn_train_state *s = &t->state;
    put_u64(p, "step", s->step);
    put_u64(p, "validated", s->validated);
    put_u64(p, "logged", s->logged);
    put_double(p, "seconds", s->seconds + prnn_clock() - t->run_began);
    put_double(p, "nats_sum", s->nats_sum);
    put_double(p, "images", s->images);
    put_double(p, "last_nats", s->last_nats);
    put_double(p, "valid_nats", s->valid_nats);
    put_double(p, "best_nats", s->best_nats);
    put_u64(p, "best_step", s->best_step);
    put_u64(p, "metrics_bytes", s->metrics_bytes);
}

size_t prnn_checkpoint_settings(const prnn_trainer *t, prnn_setting list[PRNN_SETTINGS]) {
    pairs now = {.count = 0};
    put_settings(&now, t);
    for (size_t i = 0; i < now.count; i++) {
        list[i].name = now.pair[i].key;
        snprintf(list[i].value, sizeof list[i].value, "%s", now.pair[i].value);
    }
    return now.count;
}

size_t prnn_checkpoint_blocks(const prnn_trainer *t, prnn_named_block list[PRNN_BLOCKS]) {
    const prnn_named_block all[MAX_BLOCKS] = {{"weights", t->weights},
                                              {"moment1", t->moment1},
                                              {"moment2", t->moment2},
                                              {"ema", t->ema},
                                              {"best", t->best}};
    size_t count = 0;
    for (size_t i = 0; i < MAX_BLOCKS; i++) {
        if (all[i].block.memory) {
            list[count++] = all[i];
        }
    }
    return count;
}

static prnn_status write_checkpoint(prnn_trainer *t, const char *config) {
    pairs p = {.count = 0};
    put(&p, "format", "pixelrnn-checkpoint");
    put(&p, "version", "1");
    put(&p, "config", config);
    put_settings(&p, t);
    put_state(&p, t);
    prnn_named_block blocks[MAX_BLOCKS];
    prnn_view views[MAX_BLOCKS] = {{0}};
    prnn_safetensors_entry entries[MAX_BLOCKS];
    prnn_status status;
    size_t count = prnn_checkpoint_blocks(t, blocks);
    for (size_t i = 0; i < count; i++) {
        TRY(prnn_view_open(t->ctx, t->device, blocks[i].block, &views[i]));
        entries[i] = (prnn_safetensors_entry){.name = blocks[i].name,
                                              .dtype = PRNN_DTYPE_F32,
                                              .rank = 1,
                                              .shape = {t->parameters},
                                              .data = views[i].floats};
    }
    status = prnn_safetensors_write(t->ctx, t->folder.checkpoint, entries, count, p.pair, p.count);
done:
    for (size_t i = 0; i < MAX_BLOCKS; i++) {
        prnn_view_close(&views[i]);
    }
    return status;
}

/* The log must not be shorter on disk than the checkpoint says. */
static prnn_status sync_log(prnn_trainer *t) {
    return !t->metrics || fsync(fileno(t->metrics)) == 0
               ? PRNN_OK
               : prnn_fail_system(t->ctx, errno, "%s: cannot be written to disk", t->folder.metrics);
}

prnn_status prnn_checkpoint_write(prnn_trainer *t) {
    char *config = NULL;
    prnn_status status = PRNN_OK;
    if (t->rank > 0) {
        return PRNN_OK;
    }
    config = prnn_config_to_json(&t->model->network->plan.config);
    if (!config) {
        return prnn_fail(t->ctx, PRNN_ERROR_MEMORY, "not enough memory for a checkpoint");
    }
    TRY(sync_log(t));
    TRY(write_checkpoint(t, config));
    t->saved_at = prnn_clock();
done:
    free(config);
    return status;
}

prnn_status prnn_checkpoint_save(prnn_trainer *t) {
    prnn_status status;
    TRY(prnn_run_check_weights(t));
    status = prnn_checkpoint_write(t);
    status = prnn_ranks_vote(t->ctx, status, NULL, t->state.step);
done:
    return status;
}

/* ---------------------------------------------------------------------------------------- load */

static prnn_status check_settings(prnn_trainer *t, const prnn_safetensors *st) {
    pairs now = {.count = 0};
    put_settings(&now, t);
    for (size_t i = 0; i < now.count; i++) {
        const char *key = now.pair[i].key, *was = prnn_safetensors_metadata(st, key);
        if (!was || strcmp(was, now.pair[i].value) != 0) {
            return prnn_fail(t->ctx, PRNN_ERROR_ARGUMENT,
                             "%s: was made with %s %s, this run has %s; give the same to resume, or start in "
                             "another folder with --init of this checkpoint",
                             t->folder.checkpoint, key, was ? was : "(none)", now.pair[i].value);
        }
    }
    return PRNN_OK;
}

static bool get_u64(const prnn_safetensors *st, const char *key, uint64_t *value) {
    const char *text = prnn_safetensors_metadata(st, key);
    char *end;
    *value = text ? strtoull(text, &end, 10) : 0;
    return text && *text && !*end;
}

static bool get_double(const prnn_safetensors *st, const char *key, double *value) {
    const char *text = prnn_safetensors_metadata(st, key);
    char *end;
    *value = text ? strtod(text, &end) : 0;
    return text && *text && !*end;
}

static bool get_state(const prnn_safetensors *st, prnn_train_state *s) {
    return get_u64(st, "step", &s->step) && get_u64(st, "validated", &s->validated) &&
           get_u64(st, "logged", &s->logged) && get_double(st, "seconds", &s->seconds) &&
           get_double(st, "nats_sum", &s->nats_sum) && get_double(st, "images", &s->images) &&
           get_double(st, "last_nats", &s->last_nats) && get_double(st, "valid_nats", &s->valid_nats) &&
           get_double(st, "best_nats", &s->best_nats) && get_u64(st, "best_step", &s->best_step) &&
           get_u64(st, "metrics_bytes", &s->metrics_bytes);
}

static prnn_status read_state(prnn_trainer *t, const prnn_safetensors *st, prnn_train_state *state) {
    return get_state(st, state)
               ? PRNN_OK
               : prnn_fail(t->ctx, PRNN_ERROR_FORMAT,
                           "%s: the state of its run is incomplete; the checkpoint is damaged",
                           t->folder.checkpoint);
}

static prnn_status check_format(prnn_trainer *t, const prnn_safetensors *st) {
    const char *format = prnn_safetensors_metadata(st, "format");
    if (!format || strcmp(format, "pixelrnn-checkpoint") != 0 || !prnn_safetensors_metadata(st, "config")) {
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT, "%s: is not a checkpoint of pixelrnn",
                         t->folder.checkpoint);
    }
    const char *version = prnn_safetensors_metadata(st, "version");
    if (!version || strcmp(version, "1") != 0) {
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT,
                         "%s: is a checkpoint of version \"%.20s\"; this program reads version 1",
                         t->folder.checkpoint, version ? version : "");
    }
    return PRNN_OK;
}

static prnn_status check_config(prnn_trainer *t, const prnn_safetensors *st) {
    const char *config = prnn_safetensors_metadata(st, "config");
    char *own = prnn_config_to_json(&t->model->network->plan.config);
    prnn_status status = PRNN_OK;
    if (!own) {
        status = prnn_fail(t->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to compare its network",
                           t->folder.checkpoint);
    } else if (strcmp(own, config) != 0) {
        status = prnn_fail(t->ctx, PRNN_ERROR_ARGUMENT,
                           "%s: is of the network %s, this run has %s; give the same to resume",
                           t->folder.checkpoint, config, own);
    }
    free(own);
    return status;
}

static prnn_status read_block(prnn_trainer *t, const prnn_safetensors *st, const prnn_named_block *to) {
    const prnn_safetensors_entry *entry = prnn_safetensors_find(st, to->name);
    if (!entry || entry->dtype != PRNN_DTYPE_F32 || entry->count != t->parameters) {
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT,
                         "%s: its tensor \"%s\" is missing or not %zu F32; the checkpoint is damaged",
                         t->folder.checkpoint, to->name, t->parameters);
    }
    t->device->upload(to->block, entry->data);
    size_t at = t->device->first_not_finite(to->block);
    if (at < t->parameters) {
        float value;
        t->device->download(prnn_block_part(to->block, at, 1), &value);
        return prnn_fail(t->ctx, PRNN_ERROR_FORMAT, "%s: \"%s\"[%zu] is %g; the checkpoint is damaged",
                         t->folder.checkpoint, to->name, at, (double)value);
    }
    return PRNN_OK;
}

static prnn_status read_blocks(prnn_trainer *t, const prnn_safetensors *st) {
    prnn_named_block blocks[MAX_BLOCKS];
    prnn_status status = PRNN_OK;
    size_t count = prnn_checkpoint_blocks(t, blocks);
    for (size_t i = 0; i < count; i++) {
        TRY(read_block(t, st, &blocks[i]));
    }
done:
    return status;
}

prnn_status prnn_checkpoint_load(prnn_trainer *t, bool *found) {
    *found = false;
    prnn_status status = t->rank == 0 ? prnn_file_exists(t->ctx, t->folder.checkpoint, found) : PRNN_OK;
    if (status != PRNN_OK || !*found) {
        return status;
    }
    prnn_safetensors *st = NULL;
    prnn_train_state state;
    TRY(prnn_safetensors_read(t->ctx, t->folder.checkpoint, &st));
    TRY(check_format(t, st));
    TRY(check_config(t, st));
    TRY(check_settings(t, st));
    TRY(read_state(t, st, &state));
    TRY(read_blocks(t, st));
    t->state = state;
done:
    prnn_safetensors_free(st);
    return status;
}

/* Checkpoints: a safetensors file with the weights, the optimizer's moments and the state of the run. */

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "config/config.h"
#include "data/data.h"
#include "train/run.h"
#include "train/settings.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BLOCKS = PRNN_BLOCKS };

/* What must be the same for a run to go on as if it had never stopped. The length of the run is not here, nor
 * is its patience: it may be made longer. */
static void put_settings(prnn_pairs *p, const prnn_trainer *t) {
    const prnn_train_options *o = &t->options;
    prnn_pairs_put(p, "arithmetic", prnn_context_arithmetic(t->ctx));
    prnn_pairs_put_u64(p, "training images", prnn_data_count(t->train));
    prnn_pairs_put_u64(p, "fingerprint of the training images", t->train_print);
    prnn_pairs_put_u64(p, "validation images", t->valid ? prnn_data_count(t->valid) : 0);
    prnn_pairs_put_u64(p, "fingerprint of the validation images", t->valid_print);
    prnn_settings_put(p, o, t->teacher.print);
    prnn_pairs_put_u64(p, "valid-every", o->valid_every);
    prnn_pairs_put_u64(p, "log-every", o->log_every);
}

static void put_state(prnn_pairs *p, const prnn_trainer *t) {
    const prnn_train_state *s = &t->state;
    prnn_pairs_put_u64(p, "step", s->step);
    prnn_pairs_put_u64(p, "validated", s->validated);
    prnn_pairs_put_u64(p, "logged", s->logged);
    prnn_pairs_put_double(p, "seconds", s->seconds + prnn_clock() - t->run_began);
    prnn_pairs_put_double(p, "nats_sum", s->nats_sum);
    prnn_pairs_put_double(p, "images", s->images);
    prnn_pairs_put_double(p, "last_nats", s->last_nats);
    prnn_pairs_put_double(p, "valid_nats", s->valid_nats);
    prnn_pairs_put_double(p, "best_nats", s->best_nats);
    prnn_pairs_put_u64(p, "best_step", s->best_step);
    prnn_pairs_put_u64(p, "metrics_bytes", s->metrics_bytes);
    prnn_pairs_put_u64(p, "not_lower", s->not_lower);
    prnn_pairs_put_u64(p, "overfitted", s->overfitted);
    prnn_pairs_put_double(p, "between_sum", s->between_sum);
    prnn_pairs_put_double(p, "between_images", s->between_images);
    prnn_pairs_put_double(p, "between_nats", s->between_nats);
}

size_t prnn_checkpoint_settings(const prnn_trainer *t, prnn_setting list[PRNN_SETTINGS]) {
    prnn_pairs now = {.count = 0};
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

/* All metadata of a checkpoint: its own, and behind them the model's with their prefix. */
typedef struct all_pairs {
    prnn_metadata model;
    prnn_safetensors_pair *pair; /* (count) */
    char (*keys)[sizeof PRNN_CHECKPOINT_ENTRY + PRNN_METADATA_KEY];
    size_t count;
} all_pairs;

static prnn_status join_pairs(const prnn_trainer *t, const prnn_pairs *own, all_pairs *all) {
    const prnn_train_state *s = &t->state;
    double nats = s->validated == s->step ? s->valid_nats : NAN;
    prnn_status status;
    TRY(prnn_provenance_make(t, s->step, nats, &all->model));
    all->count = own->count + all->model.count;
    all->pair = prnn_alloc(t->ctx, all->count, sizeof *all->pair, "a checkpoint");
    all->keys = prnn_alloc(t->ctx, all->model.count, sizeof *all->keys, "a checkpoint");
    TRY(all->pair && all->keys ? PRNN_OK : PRNN_ERROR_MEMORY);
    memcpy(all->pair, own->pair, own->count * sizeof *own->pair);
    for (size_t i = 0; i < all->model.count; i++) {
        const prnn_metadata_entry *e = &all->model.entries[i];
        snprintf(all->keys[i], sizeof all->keys[i], "%s%s", PRNN_CHECKPOINT_ENTRY, e->key);
        all->pair[own->count + i] = (prnn_safetensors_pair){all->keys[i], e->value};
    }
done:
    return status;
}

static void free_pairs(all_pairs *all) {
    prnn_metadata_free(&all->model);
    prnn_free(all->pair);
    prnn_free(all->keys);
}

static prnn_status write_checkpoint(prnn_trainer *t, const char *config) {
    prnn_pairs p = {.count = 0};
    all_pairs all = {{0}, NULL, NULL, 0};
    prnn_pairs_put(&p, "format", "pixelrnn-checkpoint");
    prnn_pairs_put(&p, "version", "1");
    prnn_pairs_put(&p, "config", config);
    put_settings(&p, t);
    put_state(&p, t);
    prnn_named_block blocks[MAX_BLOCKS];
    prnn_view views[MAX_BLOCKS] = {{0}};
    prnn_safetensors_entry entries[MAX_BLOCKS];
    prnn_status status;
    size_t count = prnn_checkpoint_blocks(t, blocks);
    TRY(join_pairs(t, &p, &all));
    for (size_t i = 0; i < count; i++) {
        TRY(prnn_view_open(t->ctx, t->device, blocks[i].block, &views[i]));
        entries[i] = (prnn_safetensors_entry){.name = blocks[i].name,
                                              .dtype = PRNN_DTYPE_F32,
                                              .rank = 1,
                                              .shape = {t->parameters},
                                              .data = views[i].floats};
    }
    status = prnn_safetensors_write(t->ctx, t->folder.checkpoint, entries, count, all.pair, all.count);
done:
    for (size_t i = 0; i < MAX_BLOCKS; i++) {
        prnn_view_close(&views[i]);
    }
    free_pairs(&all);
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

/* Both are hashes, or 0 for none, which nobody can read. */
static prnn_status fail_teacher(prnn_trainer *t, const char *was, const char *now) {
    bool had = was && strcmp(was, "0") != 0, has = strcmp(now, "0") != 0;
    return prnn_fail(t->ctx, PRNN_ERROR_ARGUMENT,
                     "%s: was made %s; give the same to resume, or start in another folder with --init of "
                     "this checkpoint",
                     t->folder.checkpoint,
                     !had  ? "without a teacher, this run has one"
                     : has ? "with another teacher than this run has (other weights count too)"
                           : "with a teacher, this run has none");
}

static prnn_status check_settings(prnn_trainer *t, const prnn_safetensors *st) {
    prnn_pairs now = {.count = 0};
    put_settings(&now, t);
    for (size_t i = 0; i < now.count; i++) {
        const char *key = now.pair[i].key, *was = prnn_safetensors_metadata(st, key);
        /* What an earlier version did not know was 0. */
        if (strcmp(was ? was : "0", now.pair[i].value) != 0) {
            if (strcmp(key, "teacher") == 0) {
                return fail_teacher(t, was, now.pair[i].value);
            }
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

/* What checkpoints of earlier versions do not have stays as it is. */
static bool get_newer(const prnn_safetensors *st, prnn_train_state *s) {
    return !prnn_safetensors_metadata(st, "not_lower") ||
           (get_u64(st, "not_lower", &s->not_lower) && get_u64(st, "overfitted", &s->overfitted) &&
            get_double(st, "between_sum", &s->between_sum) &&
            get_double(st, "between_images", &s->between_images) &&
            get_double(st, "between_nats", &s->between_nats));
}

static bool get_state(const prnn_safetensors *st, prnn_train_state *s) {
    return get_u64(st, "step", &s->step) && get_u64(st, "validated", &s->validated) &&
           get_u64(st, "logged", &s->logged) && get_double(st, "seconds", &s->seconds) &&
           get_double(st, "nats_sum", &s->nats_sum) && get_double(st, "images", &s->images) &&
           get_double(st, "last_nats", &s->last_nats) && get_double(st, "valid_nats", &s->valid_nats) &&
           get_double(st, "best_nats", &s->best_nats) && get_u64(st, "best_step", &s->best_step) &&
           get_u64(st, "metrics_bytes", &s->metrics_bytes) && get_newer(st, s);
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
    if (own && strcmp(own, config) == 0) {
        free(own);
        return PRNN_OK;
    }
    char *there = own ? prnn_config_unlike(config, own) : NULL;
    char *here = own ? prnn_config_unlike(own, config) : NULL;
    prnn_status status =
        there && here
            ? prnn_fail(t->ctx, PRNN_ERROR_ARGUMENT,
                        "%s: is of another network: it has %s, this run has %s; give the same to resume",
                        t->folder.checkpoint, there, here)
            : prnn_fail(t->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to compare its network",
                        t->folder.checkpoint);
    free(there);
    free(here);
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
    prnn_train_state state = t->state;
    TRY(prnn_safetensors_read(t->ctx, t->folder.checkpoint, &st));
    TRY(check_format(t, st));
    TRY(check_config(t, st));
    TRY(check_settings(t, st));
    TRY(read_state(t, st, &state));
    TRY(read_blocks(t, st));
    TRY(prnn_model_read_metadata(t->ctx, t->folder.checkpoint, st, t->model));
    t->state = state;
done:
    prnn_safetensors_free(st);
    return status;
}

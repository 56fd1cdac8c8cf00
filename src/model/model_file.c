/* The model file: docs/formats.md. */

#include "base/call.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "config/config.h"
#include "model/model.h"
#include "safetensors/format.h"
#include "safetensors/widen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* -------------------------------------------------------------------------------------- tensors */

static void list_entries(const prnn_model *model, prnn_safetensors_entry *entries) {
    const prnn_plan *plan = &model->network->plan;
    for (int t = 0; t < plan->parameter_count; t++) {
        const prnn_parameter *p = &plan->parameters[t];
        entries[t] = (prnn_safetensors_entry){
            .name = p->name,
            .dtype = PRNN_DTYPE_F32,
            .rank = p->rank,
            .shape = {(size_t)p->shape[0], (size_t)p->shape[1], (size_t)p->shape[2], (size_t)p->shape[3]},
            .data = model->weights->parameters + p->offset};
    }
}

static void format_shape(char *text, size_t size, const size_t *shape, int rank) {
    size_t at = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < rank && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%zu", i ? ", " : "", shape[i]);
    }
    if (at < size) {
        snprintf(text + at, size - at, "]");
    }
}

static bool same_shape(const prnn_safetensors_entry *entry, const prnn_parameter *p) {
    bool same = entry->rank == p->rank;
    for (int i = 0; same && i < p->rank; i++) {
        same = entry->shape[i] == (size_t)p->shape[i];
    }
    return same;
}

/* How many bytes all names begin with. */
static size_t measure_common(const prnn_safetensors *st) {
    size_t common = st->count ? strlen(st->entries[0].name) : 0;
    for (size_t i = 1; i < st->count; i++) {
        const char *a = st->entries[0].name, *b = st->entries[i].name;
        size_t n = 0;
        while (n < common && a[n] == b[n]) {
            n++;
        }
        common = n;
    }
    return common;
}

/* The bytes in front of `name` in a file that has it, as all its tensors, only behind a prefix; 0: it has
 * not. */
static size_t find_prefix(const prnn_safetensors *st, const char *name) {
    size_t common = measure_common(st), n = strlen(name);
    for (size_t i = 0; i < st->count; i++) {
        size_t all = strlen(st->entries[i].name);
        if (all > n && all - n <= common && strcmp(st->entries[i].name + all - n, name) == 0) {
            return all - n;
        }
    }
    return 0;
}

static prnn_status fail_missing(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                                const char *name) {
    size_t n = find_prefix(st, name);
    if (n > 0) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: the tensor %s that its config needs is missing: the names of all its tensors "
                         "begin with \"%.*s\"; write them without that",
                         path, name, (int)(n < 80 ? n : 80), st->entries[0].name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                     "%s: the tensor %s that its config needs is missing; write the file with it", path,
                     name);
}

static prnn_status read_entries(prnn_context *ctx, const prnn_model *model, const char *path,
                                const prnn_safetensors *st, float *values) {
    const prnn_plan *plan = &model->network->plan;
    for (int t = 0; t < plan->parameter_count; t++) {
        const prnn_parameter *p = &plan->parameters[t];
        const char *name = p->name;
        const prnn_safetensors_entry *entry = prnn_safetensors_find(st, name);
        if (!entry) {
            return fail_missing(ctx, path, st, name);
        }
        if (!same_shape(entry, p)) {
            char has[160], needs[160];
            size_t shape[4] = {(size_t)p->shape[0], (size_t)p->shape[1], (size_t)p->shape[2],
                               (size_t)p->shape[3]};
            format_shape(has, sizeof has, entry->shape, entry->rank);
            format_shape(needs, sizeof needs, shape, p->rank);
            return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: %s is %s, the config needs %s", path, name, has,
                             needs);
        }
        if (!prnn_widen(entry, values + p->offset)) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: %s is of type %s; save it as F32 (F16, BF16 and F64 are read too)", path,
                             name, prnn_dtype_name(entry->dtype));
        }
    }
    return PRNN_OK;
}

static prnn_status check_unknown(prnn_context *ctx, const prnn_model *model, const char *path,
                                 const prnn_safetensors *st) {
    const prnn_plan *plan = &model->network->plan;
    for (size_t i = 0; i < st->count; i++) {
        int t = 0;
        while (t < plan->parameter_count && strcmp(plan->parameters[t].name, st->entries[i].name) != 0) {
            t++;
        }
        if (t == plan->parameter_count) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its config has no place for the tensor %.80s", path,
                             st->entries[i].name);
        }
    }
    return PRNN_OK;
}

/* ----------------------------------------------------------------------------------- load, save */

#define IN_FOLDER "model.safetensors"

/* A checkpoint of a training is a model too: its weights, or their moving average. */
static bool is_checkpoint(const prnn_safetensors *st) {
    const char *format = prnn_safetensors_metadata(st, "format");
    return format && strcmp(format, "pixelrnn-checkpoint") == 0;
}

static prnn_status read_checkpoint(prnn_context *ctx, const prnn_model *model, const char *path,
                                   const prnn_safetensors *st, float *values) {
    size_t n = model->network->plan.parameter_floats;
    const prnn_safetensors_entry *entry = prnn_safetensors_find(st, "ema");
    entry = entry ? entry : prnn_safetensors_find(st, "weights");
    if (!entry || entry->dtype != PRNN_DTYPE_F32 || entry->count != n) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is a checkpoint without %zu F32 weights; it is damaged",
                         path, n);
    }
    memcpy(values, entry->data, n * sizeof *values);
    return PRNN_OK;
}

static prnn_status check_format(prnn_context *ctx, const char *path, const prnn_safetensors *st) {
    const char *format = prnn_safetensors_metadata(st, "format");
    const char *version = prnn_safetensors_metadata(st, "version");
    if (!format || (strcmp(format, "pixelrnn") != 0 && !is_checkpoint(st))) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: is a safetensors file, but not a pixelrnn model (its metadata has format \"%.40s\", "
            "not \"pixelrnn\")",
            path, format ? format : "");
    }
    if (!version || strcmp(version, "1") != 0) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: is a model file of version \"%.20s\"; this program reads version 1", path,
                         version ? version : "");
    }
    if (!prnn_safetensors_metadata(st, "config")) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: its metadata has no config", path);
    }
    return PRNN_OK;
}

/* ------------------------------------------------------------------------------------- metadata */

/* What a file says in the same place of its own; of a checkpoint all but the model's, which have a prefix. */
static bool is_own(const char *key, bool checkpoint) {
    return checkpoint
               ? strncmp(key, PRNN_CHECKPOINT_ENTRY, strlen(PRNN_CHECKPOINT_ENTRY)) != 0
               : strcmp(key, "format") == 0 || strcmp(key, "version") == 0 || strcmp(key, "config") == 0;
}

typedef struct entry_reader {
    prnn_context *ctx;
    const char *path;
    prnn_model *model;
    bool checkpoint;
} entry_reader;

static prnn_status read_metadata_entry(void *arg, const char *key, const char *value) {
    const entry_reader *r = arg;
    if (is_own(key, r->checkpoint)) {
        return PRNN_OK;
    }
    key += r->checkpoint ? strlen(PRNN_CHECKPOINT_ENTRY) : 0;
    prnn_status status = prnn_model_set_entry(r->ctx, r->model, key, value);
    return status == PRNN_ERROR_ARGUMENT
               ? prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: %s", r->path, prnn_message(r->ctx))
               : status;
}

prnn_status prnn_model_read_metadata(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                                     prnn_model *model) {
    entry_reader r = {ctx, path, model, is_checkpoint(st)};
    prnn_model_clear_entries(model);
    return prnn_safetensors_visit(st, read_metadata_entry, &r);
}

/* A config that asks for far more than the file holds must not make anything large; one that asks for a
 * little more has a tensor that can be named. */
static prnn_status create_for(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                              prnn_model **model) {
    prnn_config config;
    prnn_status status = prnn_config_from_json(ctx, path, prnn_safetensors_metadata(st, "config"), &config);
    if (status != PRNN_OK) {
        return status;
    }
    size_t floats = 0;
    for (size_t i = 0; i < st->count; i++) {
        floats += st->entries[i].count;
    }
    size_t limit = 2 * floats + (1 << 20);
    limit = limit < PRNN_MAX_PARAMETERS ? limit : PRNN_MAX_PARAMETERS;
    status = prnn_model_create_empty(ctx, &config, limit, model);
    if (status == PRNN_ERROR_ARGUMENT) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: holds %zu weights, but its config describes a larger network", path, floats);
    }
    return status;
}

prnn_status prnn_model_read(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                            prnn_model **model, float **values) {
    *model = NULL;
    *values = NULL;
    prnn_status status;
    TRY(check_format(ctx, path, st));
    TRY(create_for(ctx, path, st, model));
    *values = prnn_alloc(ctx, prnn_model_parameter_count(*model, false), sizeof **values, "the weights");
    TRY(*values ? PRNN_OK : PRNN_ERROR_MEMORY);
    if (is_checkpoint(st)) {
        TRY(read_checkpoint(ctx, *model, path, st, *values));
    } else {
        TRY(read_entries(ctx, *model, path, st, *values));
        TRY(check_unknown(ctx, *model, path, st));
    }
    TRY(prnn_model_read_metadata(ctx, path, st, *model));
done:
    if (status != PRNN_OK) {
        prnn_model_free(*model);
        prnn_free(*values);
        *model = NULL;
        *values = NULL;
    }
    return status;
}

prnn_status prnn_model_from_safetensors(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                                        prnn_model **model) {
    float *values = NULL;
    prnn_status status;
    TRY(prnn_model_read(ctx, path, st, model, &values));
    TRY(prnn_model_adopt(ctx, *model, values, path));
done:
    if (status != PRNN_OK) {
        prnn_free(values);
        prnn_model_free(*model);
        *model = NULL;
    }
    return status;
}

/* The path of the model in a folder. */
static prnn_status find_in_folder(prnn_context *ctx, const char *folder, char *path, size_t size) {
    size_t n = strlen(folder);
    snprintf(path, size, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", IN_FOLDER);
    bool there;
    prnn_status status = prnn_file_exists(ctx, path, &there);
    if (status == PRNN_OK && !there) {
        status =
            prnn_fail(ctx, PRNN_ERROR_FILE,
                      "%s: is a folder without a %s; name a model file, or the folder of a training that "
                      "has written one",
                      folder, IN_FOLDER);
    }
    return status;
}

static prnn_status read_container(prnn_context *ctx, const char *path, prnn_safetensors **st) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    prnn_status status;
    TRY(prnn_file_read_any(ctx, path, PRNN_SAFETENSORS_FILE_LIMIT, &bytes, &size));
    TRY(prnn_safetensors_parse(ctx, path, bytes, size, st));
done:
    prnn_free(bytes);
    return status;
}

prnn_status prnn_model_open(prnn_context *ctx, const char *path, char **file, prnn_safetensors **st) {
    *st = NULL;
    size_t size = strlen(path) + sizeof IN_FOLDER + 1;
    *file = prnn_alloc(ctx, size, 1, path);
    if (!*file) {
        return PRNN_ERROR_MEMORY;
    }
    struct stat is;
    prnn_status status;
    if (stat(path, &is) == 0 && S_ISDIR(is.st_mode)) {
        TRY(find_in_folder(ctx, path, *file, size));
    } else {
        snprintf(*file, size, "%s", path);
    }
    TRY(read_container(ctx, *file, st));
done:
    if (status != PRNN_OK) {
        prnn_free(*file);
        *file = NULL;
    }
    return status;
}

prnn_status prnn_model_load(prnn_context *ctx, const char *path, prnn_model **model) {
    PRNN_NOTHING_YET(model);
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(model));
    prnn_safetensors *st = NULL;
    char *file = NULL;
    prnn_status status;
    TRY(prnn_model_open(ctx, path, &file, &st));
    TRY(prnn_model_from_safetensors(ctx, file, st, model));
done:
    prnn_safetensors_free(st);
    prnn_free(file);
    return status;
}

enum { OWN = 3 };

static void list_metadata(const prnn_model *model, const char *config, prnn_safetensors_pair *to) {
    const prnn_safetensors_pair own[OWN] = {{"format", "pixelrnn"}, {"version", "1"}, {"config", config}};
    memcpy(to, own, sizeof own);
    for (size_t i = 0; i < model->metadata.count; i++) {
        const prnn_metadata_entry *e = &model->metadata.entries[i];
        to[OWN + i] = (prnn_safetensors_pair){e->key, e->value};
    }
}

/* A model file as prnn_model_save writes it, into the stream or (NULL) the file `path`. */
static prnn_status put(prnn_context *ctx, const prnn_model *model, const char *path, FILE *stream) {
    size_t count = prnn_model_tensor_count(model), pairs = OWN + model->metadata.count;
    prnn_safetensors_entry *entries = prnn_alloc(ctx, count, sizeof *entries, "the list of tensors");
    prnn_safetensors_pair *metadata = prnn_alloc(ctx, pairs, sizeof *metadata, "the metadata of a model");
    char *config = prnn_config_to_json(&model->network->plan.config);
    prnn_status status;
    TRY(entries && metadata ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(config ? PRNN_OK : prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to write it", path));
    list_entries(model, entries);
    list_metadata(model, config, metadata);
    TRY(stream ? prnn_safetensors_put(ctx, path, stream, entries, count, metadata, pairs)
               : prnn_safetensors_write(ctx, path, entries, count, metadata, pairs));
done:
    free(config);
    prnn_free(metadata);
    prnn_free(entries);
    return status;
}

prnn_status prnn_model_save(prnn_context *ctx, const prnn_model *model, const char *path) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(path));
    return put(ctx, model, path, NULL);
}

prnn_status prnn_model_to_bytes(prnn_context *ctx, const prnn_model *model, uint8_t **bytes, size_t *n) {
    char *memory = NULL;
    FILE *stream = open_memstream(&memory, n);
    prnn_status status = stream ? put(ctx, model, "the model", stream) : PRNN_ERROR_MEMORY;
    bool failed = stream && ferror(stream);
    failed = (stream && fclose(stream) != 0) || failed;
    *bytes = (uint8_t *)memory;
    if (!stream || (failed && status == PRNN_OK)) {
        status = prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for a copy of the model");
    }
    if (status != PRNN_OK) {
        prnn_free(memory);
        *bytes = NULL;
    }
    return status;
}

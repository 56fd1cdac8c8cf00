#include "safetensors/format.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "safetensors/json.h"

#include <stdlib.h>
#include <string.h>

/* NULL: no memory. */
static json_t *describe(const prnn_safetensors_entry *e, size_t begin) {
    json_t *shape = json_array();
    bool ok = shape != NULL;
    for (int i = 0; i < e->rank && ok; i++) {
        ok = json_array_append_new(shape, json_integer((json_int_t)e->shape[i])) == 0;
    }
    if (!ok) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", prnn_dtype_name(e->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)begin + (json_int_t)e->bytes);
}

/* The checked tensors in the order of the file. */
static prnn_status sort_entries(prnn_context *ctx, const char *path, const prnn_safetensors_entry *entries,
                                size_t count, prnn_safetensors_entry *sorted) {
    size_t n = 0, total = 0;
    for (size_t width = 8; width > 0; width /= 2) {
        for (size_t i = 0; i < count; i++) {
            if (prnn_dtype_size(entries[i].dtype) != width) {
                continue;
            }
            prnn_safetensors_entry *e = &sorted[n++];
            *e = entries[i];
            if (e->rank < 0 || e->rank > PRNN_SAFETENSORS_RANK || !prnn_safetensors_measure(e) ||
                __builtin_add_overflow(total, e->bytes, &total) || total > PRNN_SAFETENSORS_FILE_LIMIT) {
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "%s: tensor %.200s cannot be written: its shape is too large", path,
                                 e->name);
            }
            if (!prnn_safetensors_is_printable(e->name) || !strcmp(e->name, PRNN_SAFETENSORS_METADATA)) {
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "%s: tensor number %zu cannot be written under its name; rename it", path,
                                 i);
            }
        }
    }
    return PRNN_OK;
}

static prnn_status fail_text(prnn_context *ctx, const char *path, const char *what, size_t number) {
    return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: the %s %zu cannot be written: it is not UTF-8", path,
                     what, number);
}

static prnn_status fail_memory(prnn_context *ctx, const char *path) {
    return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to write it", path);
}

static prnn_status put_metadata(prnn_context *ctx, const char *path, json_t *header,
                                const prnn_safetensors_pair *metadata, size_t count) {
    if (!count) {
        return PRNN_OK;
    }
    json_t *pairs = json_object();
    if (json_object_set_new(header, PRNN_SAFETENSORS_METADATA, pairs) != 0) {
        return fail_memory(ctx, path);
    }
    for (size_t i = 0; i < count; i++) {
        if (!prnn_is_utf8(metadata[i].key) || !prnn_is_utf8(metadata[i].value)) {
            return fail_text(ctx, path, "metadata", i);
        }
        if (json_object_set_new(pairs, metadata[i].key, json_string(metadata[i].value)) != 0) {
            return fail_memory(ctx, path);
        }
    }
    return PRNN_OK;
}

static prnn_status put_entries(prnn_context *ctx, const char *path, json_t *header,
                               const prnn_safetensors_entry *sorted, size_t count) {
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = sorted[i].name;
        if (json_object_get(header, name)) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: there are two tensors named %.200s; rename one",
                             path, name);
        }
        if (!prnn_is_utf8(name)) {
            return fail_text(ctx, path, "name of tensor", i);
        }
        if (json_object_set_new(header, name, describe(&sorted[i], begin)) != 0) {
            return fail_memory(ctx, path);
        }
        begin += sorted[i].bytes;
    }
    return PRNN_OK;
}

static prnn_status make_header(prnn_context *ctx, const char *path, const prnn_safetensors_entry *sorted,
                               size_t count, const prnn_safetensors_pair *metadata, size_t metadata_count,
                               char **text) {
    *text = NULL;
    json_t *header = json_object();
    prnn_status status;
    TRY(put_metadata(ctx, path, header, metadata, metadata_count));
    TRY(put_entries(ctx, path, header, sorted, count));
    *text = prnn_json_dump(header, JSON_COMPACT);
    TRY(*text ? PRNN_OK : fail_memory(ctx, path));
done:
    json_decref(header);
    return status;
}

static prnn_status put_file(prnn_context *ctx, const char *path, FILE *stream, const char *text,
                            const prnn_safetensors_entry *sorted, size_t count) {
    size_t used = strlen(text);
    uint64_t length = prnn_round_up(used, 8);
    if (length > PRNN_SAFETENSORS_HEADER_LIMIT) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: cannot be written: its header would have %llu bytes, at most %d are allowed",
                         path, (unsigned long long)length, PRNN_SAFETENSORS_HEADER_LIMIT);
    }
    bool ok = fwrite(&length, 1, PRNN_SAFETENSORS_LENGTH, stream) == PRNN_SAFETENSORS_LENGTH &&
              fwrite(text, 1, used, stream) == used &&
              fwrite("        ", 1, length - used, stream) == length - used;
    for (size_t i = 0; i < count && ok; i++) {
        size_t bytes = sorted[i].bytes;
        ok = bytes == 0 || fwrite(sorted[i].data, 1, bytes, stream) == bytes;
    }
    return PRNN_OK; /* the stream knows whether it has failed */
}

prnn_status prnn_safetensors_put(prnn_context *ctx, const char *path, FILE *stream,
                                 const prnn_safetensors_entry *entries, size_t count,
                                 const prnn_safetensors_pair *metadata, size_t metadata_count) {
    prnn_safetensors_entry *sorted = prnn_alloc(ctx, count, sizeof *sorted, path);
    if (!sorted) {
        return PRNN_ERROR_MEMORY;
    }
    char *text = NULL;
    prnn_status status;
    TRY(sort_entries(ctx, path, entries, count, sorted));
    TRY(make_header(ctx, path, sorted, count, metadata, metadata_count, &text));
    TRY(put_file(ctx, path, stream, text, sorted, count));
done:
    free(text);
    prnn_free(sorted);
    return status;
}

prnn_status prnn_safetensors_write(prnn_context *ctx, const char *path, const prnn_safetensors_entry *entries,
                                   size_t count, const prnn_safetensors_pair *metadata,
                                   size_t metadata_count) {
    prnn_file_writer writer;
    prnn_status status = prnn_file_begin(ctx, path, &writer);
    if (status != PRNN_OK) {
        return status;
    }
    status = prnn_safetensors_put(ctx, path, writer.stream, entries, count, metadata, metadata_count);
    if (status != PRNN_OK) {
        prnn_file_abandon(&writer);
        return status;
    }
    return prnn_file_commit(ctx, &writer);
}

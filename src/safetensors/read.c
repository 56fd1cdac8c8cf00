#include "safetensors/format.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "safetensors/foreign.h"
#include "safetensors/json.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    const prnn_safetensors_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

typedef struct reader {
    prnn_context *ctx;
    const char *path;
    const uint8_t *data; /* of the first tensor */
    size_t data_size;
    prnn_safetensors *st;
} reader;

/* data_offsets of an entry while reading: data and bytes hold them until the tensors are copied. */
static size_t entry_begin(const reader *r, const prnn_safetensors_entry *e) {
    return (size_t)((const uint8_t *)e->data - r->data);
}

/* How every sentence about the container ends. */
#define WAY_OUT "the file is damaged or was not written as safetensors; get or write it anew"

static prnn_status read_dtype(const reader *r, const json_t *info, prnn_safetensors_entry *e) {
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    if (!dtype) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: tensor %.200s has no dtype; " WAY_OUT, r->path,
                         e->name);
    }
    if (prnn_dtype_from_name(dtype, &e->dtype)) {
        return PRNN_OK;
    }
    return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                     "%s: tensor %.200s is of the unknown type %.40s; write it as F32 (known are BOOL, U8 to "
                     "U64, I8 to I64, F16, BF16, F32, F64)",
                     r->path, e->name, prnn_safetensors_is_printable(dtype) ? dtype : "?");
}

static prnn_status read_shape(const reader *r, const json_t *info, prnn_safetensors_entry *e) {
    const json_t *shape = json_object_get(info, "shape");
    if (!json_is_array(shape)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: tensor %.200s has no shape; " WAY_OUT, r->path,
                         e->name);
    }
    size_t rank = json_array_size(shape);
    if (rank > PRNN_SAFETENSORS_RANK) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s has %zu dimensions, at most %d are read; reshape it", r->path,
                         e->name, rank, PRNN_SAFETENSORS_RANK);
    }
    e->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *extent = json_array_get(shape, i);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0) {
            return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                             "%s: tensor %.200s: dimension %zu of its shape is not a whole number of at "
                             "least 0; " WAY_OUT,
                             r->path, e->name, i);
        }
        e->shape[i] = (size_t)json_integer_value(extent);
    }
    if (!prnn_safetensors_measure(e)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s has a shape too large for any machine; " WAY_OUT, r->path,
                         e->name);
    }
    return PRNN_OK;
}

static prnn_status read_span(const reader *r, const json_t *info, prnn_safetensors_entry *e) {
    const json_t *span = json_object_get(info, "data_offsets");
    const json_t *first = json_array_get(span, 0), *last = json_array_get(span, 1);
    if (json_array_size(span) != 2 || !json_is_integer(first) || !json_is_integer(last)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s has no data_offsets [begin, end]; " WAY_OUT, r->path, e->name);
    }
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > r->data_size) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s should lie at bytes %lld to %lld, and the file has %zu bytes of "
                         "tensors; it may be cut short: get it anew",
                         r->path, e->name, (long long)begin, (long long)end, r->data_size);
    }
    if ((size_t)(end - begin) != e->bytes) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s has %lld bytes, its shape and type %s need %zu; " WAY_OUT,
                         r->path, e->name, (long long)(end - begin), prnn_dtype_name(e->dtype), e->bytes);
    }
    e->data = r->data + begin;
    return PRNN_OK;
}

static prnn_status read_entry(const reader *r, const char *name, const json_t *info,
                              prnn_safetensors_entry *e) {
    e->name = name;
    if (!prnn_safetensors_is_printable(name)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the name of a tensor has control characters in it; rename it", r->path);
    }
    if (!json_is_object(info)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s is not described by a JSON object; " WAY_OUT, r->path, name);
    }
    prnn_status status;
    TRY(read_dtype(r, info, e));
    TRY(read_shape(r, info, e));
    TRY(read_span(r, info, e));
done:
    return status;
}

static prnn_status check_metadata(const reader *r) {
    json_t *metadata = json_object_get(r->st->header, PRNN_SAFETENSORS_METADATA);
    if (metadata && !json_is_object(metadata)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: " PRNN_SAFETENSORS_METADATA " is not a JSON object; " WAY_OUT, r->path);
    }
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) {
            return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                             "%s: %.200s in " PRNN_SAFETENSORS_METADATA " is not a string; " WAY_OUT, r->path,
                             prnn_safetensors_is_printable(key) ? key : "a value");
        }
    }
    return PRNN_OK;
}

static int by_place(const void *a, const void *b) {
    const prnn_safetensors_entry *x = a, *y = b;
    if (x->data != y->data) {
        return (const uint8_t *)x->data < (const uint8_t *)y->data ? -1 : 1;
    }
    if (x->bytes != y->bytes) {
        return x->bytes < y->bytes ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/* The tensors, sorted by place, must cover the data once and wholly. */
static prnn_status check_cover(const reader *r) {
    size_t end = 0;
    for (size_t i = 0; i < r->st->count; i++) {
        const prnn_safetensors_entry *e = &r->st->entries[i];
        size_t begin = entry_begin(r, e);
        if (begin < end) {
            return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                             "%s: tensors %.200s and %.200s overlap at byte %zu; " WAY_OUT, r->path,
                             e[-1].name, e->name, begin);
        }
        if (begin > end) {
            return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                             "%s: %zu bytes before tensor %.200s belong to no tensor; " WAY_OUT, r->path,
                             begin - end, e->name);
        }
        end = begin + e->bytes;
    }
    if (end != r->data_size) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the last %zu bytes of the file belong to no tensor; " WAY_OUT, r->path,
                         r->data_size - end);
    }
    return PRNN_OK;
}

/* Moves the tensors to memory of their own, where each is aligned. */
static prnn_status copy_tensors(const reader *r) {
    prnn_safetensors *st = r->st;
    size_t total = 0;
    for (size_t i = 0; i < st->count; i++) {
        total += prnn_round_up(st->entries[i].bytes, 64);
    }
    st->data = prnn_alloc(r->ctx, total, 1, r->path);
    st->by_name = prnn_alloc(r->ctx, st->count, sizeof *st->by_name, r->path);
    if (!st->data || !st->by_name) {
        return PRNN_ERROR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < st->count; i++) {
        prnn_safetensors_entry *e = &st->entries[i];
        memcpy(st->data + at, e->data, e->bytes);
        e->data = st->data + at;
        at += prnn_round_up(e->bytes, 64);
        st->by_name[i] = e;
    }
    qsort(st->by_name, st->count, sizeof *st->by_name, by_name);
    return PRNN_OK;
}

static prnn_status read_entries(const reader *r) {
    prnn_safetensors *st = r->st;
    st->entries = prnn_alloc(r->ctx, json_object_size(st->header), sizeof *st->entries, r->path);
    if (!st->entries) {
        return PRNN_ERROR_MEMORY;
    }
    const char *name;
    json_t *info;
    prnn_status status;
    TRY(check_metadata(r));
    json_object_foreach(st->header, name, info) {
        if (strcmp(name, PRNN_SAFETENSORS_METADATA) != 0) {
            TRY(read_entry(r, name, info, &st->entries[st->count++]));
        }
    }
    qsort(st->entries, st->count, sizeof *st->entries, by_place);
    TRY(check_cover(r));
    TRY(copy_tensors(r));
done:
    return status;
}

static prnn_status read_length(const reader *r, const uint8_t *bytes, size_t size, uint64_t *header) {
    if (size < PRNN_SAFETENSORS_LENGTH) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_FORMAT,
            "%s: is not a safetensors file: it has %zu bytes, and the length of the header alone "
            "takes 8; get it anew",
            r->path, size);
    }
    uint64_t length;
    memcpy(&length, bytes, PRNN_SAFETENSORS_LENGTH);
    const char *foreign = prnn_foreign_describe(bytes, size);
    if (foreign) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: %s", r->path, foreign);
    }
    if (length > PRNN_SAFETENSORS_HEADER_LIMIT) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_FORMAT,
            "%s: is not a safetensors file: its header would have %llu bytes, at most %d are read; get or "
            "write it anew",
            r->path, (unsigned long long)length, PRNN_SAFETENSORS_HEADER_LIMIT);
    }
    if (length > size - PRNN_SAFETENSORS_LENGTH) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the header should have %llu bytes, and %zu follow its length; the file is cut "
                         "short or is not a safetensors file",
                         r->path, (unsigned long long)length, size - PRNN_SAFETENSORS_LENGTH);
    }
    *header = length;
    return PRNN_OK;
}

static prnn_status read_header(reader *r, const uint8_t *bytes, size_t size) {
    uint64_t length = 0;
    prnn_status status = read_length(r, bytes, size, &length);
    if (status) {
        return status;
    }
    const char *text = (const char *)bytes + PRNN_SAFETENSORS_LENGTH;
    json_error_t error;
    r->st->header = prnn_json_load(text, (size_t)length, &error);
    if (!r->st->header && !*error.text) {
        return prnn_fail(r->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to read its header", r->path);
    }
    if (!r->st->header) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_FORMAT, "%s: the header is not valid JSON (%s, byte %d); " WAY_OUT, r->path,
            prnn_safetensors_is_printable(error.text) ? error.text : "unexpected characters", error.position);
    }
    if (!json_is_object(r->st->header) || text[0] != '{') {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: the header is not a JSON object; " WAY_OUT, r->path);
    }
    r->data = bytes + PRNN_SAFETENSORS_LENGTH + length;
    r->data_size = size - PRNN_SAFETENSORS_LENGTH - (size_t)length;
    return PRNN_OK;
}

prnn_status prnn_safetensors_parse(prnn_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                                   prnn_safetensors **st) {
    *st = NULL;
    reader r = {.ctx = ctx, .path = path, .st = prnn_alloc(ctx, 1, sizeof **st, path)};
    if (!r.st) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status;
    TRY(read_header(&r, bytes, size));
    TRY(read_entries(&r));
    *st = r.st;
done:
    if (status != PRNN_OK) {
        prnn_safetensors_free(r.st);
    }
    return status;
}

prnn_status prnn_safetensors_read(prnn_context *ctx, const char *path, prnn_safetensors **st) {
    *st = NULL;
    uint8_t *bytes;
    size_t size;
    prnn_status status = prnn_file_read(ctx, path, PRNN_SAFETENSORS_FILE_LIMIT, &bytes, &size);
    if (!status) {
        status = prnn_safetensors_parse(ctx, path, bytes, size, st);
        prnn_free(bytes);
    }
    return status;
}

void prnn_safetensors_free(prnn_safetensors *st) {
    if (!st) {
        return;
    }
    json_decref(st->header);
    prnn_free(st->entries);
    prnn_free(st->by_name);
    prnn_free(st->data);
    prnn_free(st);
}

const prnn_safetensors_entry *prnn_safetensors_find(const prnn_safetensors *st, const char *name) {
    prnn_safetensors_entry wanted = {.name = name};
    const prnn_safetensors_entry *key = &wanted;
    const prnn_safetensors_entry **found =
        bsearch(&key, st->by_name, st->count, sizeof *st->by_name, by_name);
    return found ? *found : NULL;
}

const char *prnn_safetensors_metadata(const prnn_safetensors *st, const char *key) {
    return json_string_value(json_object_get(json_object_get(st->header, PRNN_SAFETENSORS_METADATA), key));
}

prnn_status prnn_safetensors_visit(const prnn_safetensors *st, prnn_safetensors_visitor visit, void *arg) {
    json_t *metadata = json_object_get(st->header, PRNN_SAFETENSORS_METADATA), *value;
    const char *key;
    prnn_status status = PRNN_OK;
    json_object_foreach(metadata, key, value) {
        TRY(visit(arg, key, json_string_value(value)));
    }
done:
    return status;
}

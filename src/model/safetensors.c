#include "model/safetensors.h"

#include "base/file.h"
#include "base/memory.h"
#include "model/foreign.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian, and this reader is for little-endian machines only"
#endif

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100000000 };
#define FILE_LIMIT ((size_t)1 << 40)
#define METADATA "__metadata__"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [PRNN_DTYPE_BOOL] = {"BOOL", 1}, [PRNN_DTYPE_U8] = {"U8", 1},   [PRNN_DTYPE_I8] = {"I8", 1},
    [PRNN_DTYPE_U16] = {"U16", 2},   [PRNN_DTYPE_I16] = {"I16", 2}, [PRNN_DTYPE_F16] = {"F16", 2},
    [PRNN_DTYPE_BF16] = {"BF16", 2}, [PRNN_DTYPE_U32] = {"U32", 4}, [PRNN_DTYPE_I32] = {"I32", 4},
    [PRNN_DTYPE_F32] = {"F32", 4},   [PRNN_DTYPE_U64] = {"U64", 8}, [PRNN_DTYPE_I64] = {"I64", 8},
    [PRNN_DTYPE_F64] = {"F64", 8},
};

enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *prnn_dtype_name(prnn_dtype dtype) {
    return dtypes[dtype].name;
}

size_t prnn_dtype_size(prnn_dtype dtype) {
    return dtypes[dtype].size;
}

/* Sets count and bytes; false if they overflow. */
static bool entry_measure(prnn_safetensors_entry *e) {
    e->count = 1;
    for (int i = 0; i < e->rank; i++) {
        if (__builtin_mul_overflow(e->count, e->shape[i], &e->count)) {
            return false;
        }
    }
    return !__builtin_mul_overflow(e->count, prnn_dtype_size(e->dtype), &e->bytes);
}

/* Names end up in messages and so on terminals. */
static bool is_printable(const char *name) {
    for (; *name; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7f) {
            return false;
        }
    }
    return true;
}

static int by_name(const void *a, const void *b) {
    const prnn_safetensors_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* ------------------------------------------------------------------------------------- reading */

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
    for (int i = 0; i < DTYPES; i++) {
        if (!strcmp(dtype, dtypes[i].name)) {
            e->dtype = (prnn_dtype)i;
            return PRNN_OK;
        }
    }
    return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                     "%s: tensor %.200s is of the unknown type %.40s; write it as F32 (known are BOOL, U8 to "
                     "U64, I8 to I64, F16, BF16, F32, F64)",
                     r->path, e->name, is_printable(dtype) ? dtype : "?");
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
    if (!entry_measure(e)) {
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
    if (!is_printable(name)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the name of a tensor has control characters in it; rename it", r->path);
    }
    if (!json_is_object(info)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: tensor %.200s is not described by a JSON object; " WAY_OUT, r->path, name);
    }
    prnn_status status = read_dtype(r, info, e);
    if (!status) {
        status = read_shape(r, info, e);
    }
    if (!status) {
        status = read_span(r, info, e);
    }
    return status;
}

static prnn_status check_metadata(const reader *r) {
    json_t *metadata = json_object_get(r->st->header, METADATA);
    if (metadata && !json_is_object(metadata)) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: " METADATA " is not a JSON object; " WAY_OUT,
                         r->path);
    }
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) {
            return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                             "%s: %.200s in " METADATA " is not a string; " WAY_OUT, r->path,
                             is_printable(key) ? key : "a value");
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
    prnn_status status = check_metadata(r);
    const char *name;
    json_t *info;
    json_object_foreach(st->header, name, info) {
        if (!status && strcmp(name, METADATA) != 0) {
            status = read_entry(r, name, info, &st->entries[st->count++]);
        }
    }
    if (status) {
        return status;
    }
    qsort(st->entries, st->count, sizeof *st->entries, by_place);
    status = check_cover(r);
    return status ? status : copy_tensors(r);
}

static prnn_status read_length(const reader *r, const uint8_t *bytes, size_t size, uint64_t *header) {
    if (size < LENGTH_BYTES) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_FORMAT,
            "%s: is not a safetensors file: it has %zu bytes, and the length of the header alone "
            "takes 8; get it anew",
            r->path, size);
    }
    uint64_t length;
    memcpy(&length, bytes, LENGTH_BYTES);
    const char *foreign = prnn_foreign_describe(bytes, size);
    if (foreign) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: %s", r->path, foreign);
    }
    if (length > HEADER_LIMIT) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_FORMAT,
            "%s: is not a safetensors file: its header would have %llu bytes, at most %d are read; get or "
            "write it anew",
            r->path, (unsigned long long)length, HEADER_LIMIT);
    }
    if (length > size - LENGTH_BYTES) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the header should have %llu bytes, and %zu follow its length; the file is cut "
                         "short or is not a safetensors file",
                         r->path, (unsigned long long)length, size - LENGTH_BYTES);
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
    const char *text = (const char *)bytes + LENGTH_BYTES;
    json_error_t error;
    r->st->header = prnn_json_load(text, (size_t)length, &error);
    if (!r->st->header && !*error.text) {
        return prnn_fail(r->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to read its header", r->path);
    }
    if (!r->st->header) {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT,
                         "%s: the header is not valid JSON (%s, byte %d); " WAY_OUT, r->path,
                         is_printable(error.text) ? error.text : "unexpected characters", error.position);
    }
    if (!json_is_object(r->st->header) || text[0] != '{') {
        return prnn_fail(r->ctx, PRNN_ERROR_FORMAT, "%s: the header is not a JSON object; " WAY_OUT, r->path);
    }
    r->data = bytes + LENGTH_BYTES + length;
    r->data_size = size - LENGTH_BYTES - (size_t)length;
    return PRNN_OK;
}

prnn_status prnn_safetensors_parse(prnn_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                                   prnn_safetensors **st) {
    *st = NULL;
    reader r = {.ctx = ctx, .path = path, .st = prnn_alloc(ctx, 1, sizeof **st, path)};
    if (!r.st) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = read_header(&r, bytes, size);
    if (!status) {
        status = read_entries(&r);
    }
    if (status) {
        prnn_safetensors_free(r.st);
        return status;
    }
    *st = r.st;
    return PRNN_OK;
}

prnn_status prnn_safetensors_read(prnn_context *ctx, const char *path, prnn_safetensors **st) {
    *st = NULL;
    uint8_t *bytes;
    size_t size;
    prnn_status status = prnn_file_read(ctx, path, FILE_LIMIT, &bytes, &size);
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
    return json_string_value(json_object_get(json_object_get(st->header, METADATA), key));
}

/* ------------------------------------------------------------------------------------- writing */

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
            if (e->rank < 0 || e->rank > PRNN_SAFETENSORS_RANK || !entry_measure(e) ||
                __builtin_add_overflow(total, e->bytes, &total) || total > FILE_LIMIT) {
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "%s: tensor %.200s cannot be written: its shape is too large", path,
                                 e->name);
            }
            if (!is_printable(e->name) || !strcmp(e->name, METADATA)) {
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

/* jansson refuses other text, and does not say whether it was that or memory. */
static bool is_utf8(const char *text) {
    for (const uint8_t *p = (const uint8_t *)text; *p;) {
        int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;
        uint32_t code = more ? *p & (0x3fu >> more) : *p;
        if (more == 3 && (*p < 0xf0 || *p > 0xf4)) {
            return false;
        }
        p++;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80) {
                return false;
            }
            code = code << 6 | (*p & 0x3fu);
        }
        bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
        if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            return false;
        }
    }
    return true;
}

static prnn_status put_metadata(prnn_context *ctx, const char *path, json_t *header,
                                const prnn_safetensors_pair *metadata, size_t count) {
    if (!count) {
        return PRNN_OK;
    }
    json_t *pairs = json_object();
    if (json_object_set_new(header, METADATA, pairs) != 0) {
        return fail_memory(ctx, path);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_utf8(metadata[i].key) || !is_utf8(metadata[i].value)) {
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
        if (!is_utf8(name)) {
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
    prnn_status status = put_metadata(ctx, path, header, metadata, metadata_count);
    if (!status) {
        status = put_entries(ctx, path, header, sorted, count);
    }
    if (!status) {
        *text = json_dumps(header, JSON_COMPACT);
        status = *text ? PRNN_OK : fail_memory(ctx, path);
    }
    json_decref(header);
    return status;
}

static prnn_status write_file(prnn_context *ctx, const char *path, const char *text,
                              const prnn_safetensors_entry *sorted, size_t count) {
    size_t used = strlen(text);
    uint64_t length = prnn_round_up(used, 8);
    if (length > HEADER_LIMIT) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: cannot be written: its header would have %llu bytes, at most %d are allowed",
                         path, (unsigned long long)length, HEADER_LIMIT);
    }
    prnn_file_writer writer;
    prnn_status status = prnn_file_begin(ctx, path, &writer);
    if (status) {
        return status;
    }
    bool ok = fwrite(&length, 1, LENGTH_BYTES, writer.stream) == LENGTH_BYTES &&
              fwrite(text, 1, used, writer.stream) == used &&
              fwrite("        ", 1, length - used, writer.stream) == length - used;
    for (size_t i = 0; i < count && ok; i++) {
        size_t bytes = sorted[i].bytes;
        ok = bytes == 0 || fwrite(sorted[i].data, 1, bytes, writer.stream) == bytes;
    }
    return prnn_file_commit(ctx, &writer); /* knows whether the stream has failed */
}

prnn_status prnn_safetensors_write(prnn_context *ctx, const char *path, const prnn_safetensors_entry *entries,
                                   size_t count, const prnn_safetensors_pair *metadata,
                                   size_t metadata_count) {
    prnn_safetensors_entry *sorted = prnn_alloc(ctx, count, sizeof *sorted, path);
    if (!sorted) {
        return PRNN_ERROR_MEMORY;
    }
    char *text = NULL;
    prnn_status status = sort_entries(ctx, path, entries, count, sorted);
    if (!status) {
        status = make_header(ctx, path, sorted, count, metadata, metadata_count, &text);
    }
    if (!status) {
        status = write_file(ctx, path, text, sorted, count);
    }
    free(text);
    prnn_free(sorted);
    return status;
}

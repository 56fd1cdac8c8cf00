#include "model/metadata.h"

#include "base/try.h"
#include "safetensors/format.h"

#include <stdlib.h>
#include <string.h>

/* The number of its entry; m->count: there is none. */
static size_t find(const prnn_metadata *m, const char *key) {
    size_t i = 0;
    while (i < m->count && strcmp(m->entries[i].key, key) != 0) {
        i++;
    }
    return i;
}

static size_t bytes_of(const prnn_metadata_entry *e) {
    return strlen(e->key) + strlen(e->value);
}

static prnn_status check_texts(prnn_context *ctx, const char *key, const char *value) {
    size_t length = strlen(key);
    if (length < 1 || length > PRNN_METADATA_KEY || !prnn_is_utf8(key)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a key of metadata has %zu bytes%s: choose 1 to %d bytes of UTF-8", length,
                         prnn_is_utf8(key) ? "" : ", which are not UTF-8", PRNN_METADATA_KEY);
    }
    length = strlen(value);
    if (length > PRNN_METADATA_VALUE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the metadata \"%s\" has %zu bytes, at most %d are kept: shorten it", key, length,
                         PRNN_METADATA_VALUE);
    }
    return prnn_is_utf8(value)
               ? PRNN_OK
               : prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "the metadata \"%s\" is not UTF-8: encode it so", key);
}

/* In place of entry `at`, or behind the last one. */
static prnn_status check_room(prnn_context *ctx, const prnn_metadata *m, size_t at, size_t bytes) {
    size_t rest = m->bytes - (at < m->count ? bytes_of(&m->entries[at]) : 0);
    if (at == PRNN_METADATA_ENTRIES || rest + bytes > PRNN_METADATA_BYTES) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "more metadata than a model keeps: at most %d entries and %d bytes; remove some",
                         PRNN_METADATA_ENTRIES, PRNN_METADATA_BYTES);
    }
    return PRNN_OK;
}

static void free_entry(prnn_metadata *m, prnn_metadata_entry *e) {
    m->bytes -= bytes_of(e);
    free(e->key);
    free(e->value);
}

static prnn_status store(prnn_context *ctx, prnn_metadata *m, size_t at, const char *key, const char *value) {
    prnn_metadata_entry made = {strdup(key), strdup(value)};
    prnn_metadata_entry *grown = m->entries;
    if (at == m->count) {
        grown = realloc(m->entries, (m->count + 1) * sizeof *grown);
        m->entries = grown ? grown : m->entries;
    }
    if (!made.key || !made.value || !grown) {
        free(made.key);
        free(made.value);
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for the metadata of a model");
    }
    if (at < m->count) {
        free_entry(m, &m->entries[at]);
    } else {
        m->count++;
    }
    m->entries[at] = made;
    m->bytes += bytes_of(&made);
    return PRNN_OK;
}

prnn_status prnn_metadata_set(prnn_context *ctx, prnn_metadata *m, const char *key, const char *value) {
    size_t at = find(m, key);
    prnn_status status;
    TRY(check_texts(ctx, key, value));
    TRY(check_room(ctx, m, at, strlen(key) + strlen(value)));
    TRY(store(ctx, m, at, key, value));
done:
    return status;
}

const char *prnn_metadata_get(const prnn_metadata *m, const char *key) {
    size_t at = find(m, key);
    return at < m->count ? m->entries[at].value : NULL;
}

void prnn_metadata_remove(prnn_metadata *m, const char *key, bool whole) {
    size_t kept = 0, length = strlen(key) + whole; /* with the 0 at its end */
    for (size_t i = 0; i < m->count; i++) {
        if (strncmp(m->entries[i].key, key, length) == 0) {
            free_entry(m, &m->entries[i]);
        } else {
            m->entries[kept++] = m->entries[i];
        }
    }
    m->count = kept;
}

prnn_status prnn_metadata_copy(prnn_context *ctx, const prnn_metadata *from, prnn_metadata *to) {
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < from->count; i++) {
        TRY(store(ctx, to, i, from->entries[i].key, from->entries[i].value));
    }
done:
    if (status != PRNN_OK) {
        prnn_metadata_free(to);
    }
    return status;
}

void prnn_metadata_free(prnn_metadata *m) {
    for (size_t i = 0; i < m->count; i++) {
        free(m->entries[i].key);
        free(m->entries[i].value);
    }
    free(m->entries);
    *m = (prnn_metadata){0};
}

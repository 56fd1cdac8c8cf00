/* What a model says of itself beside its config: texts under keys, in the order in which they came. */
#ifndef PRNN_MODEL_METADATA_H
#define PRNN_MODEL_METADATA_H

#include "base/message.h"

/* What is kept at most, so that a file cannot make its readers hold or print what nobody wrote for them. */
enum {
    PRNN_METADATA_ENTRIES = 1024,
    PRNN_METADATA_KEY = 256,         /* bytes of a key */
    PRNN_METADATA_VALUE = 64 * 1024, /* of a value */
    PRNN_METADATA_BYTES = 1 << 20    /* of all keys and values */
};

typedef struct prnn_metadata_entry {
    char *key, *value; /* malloc */
} prnn_metadata_entry;

typedef struct prnn_metadata {
    prnn_metadata_entry *entries;
    size_t count, bytes;
} prnn_metadata;

/* Sets an entry: a new one comes last, one that is there keeps its place. PRNN_ERROR_ARGUMENT: the key or the
 * value is not UTF-8, or one of the limits is exceeded. A failure changes nothing. */
prnn_status prnn_metadata_set(prnn_context *ctx, prnn_metadata *m, const char *key, const char *value);

/* NULL: there is none. */
const char *prnn_metadata_get(const prnn_metadata *m, const char *key);

/* Removes the entries whose keys begin so; `whole`: that is the whole key. */
void prnn_metadata_remove(prnn_metadata *m, const char *key, bool whole);

/* *to, which is empty, becomes the same; it is empty after a failure. */
prnn_status prnn_metadata_copy(prnn_context *ctx, const prnn_metadata *from, prnn_metadata *to);

/* Leaves it empty. */
void prnn_metadata_free(prnn_metadata *m);

#endif

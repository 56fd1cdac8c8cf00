#include "safetensors/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands before the text: a string as long as it. */
static size_t lead_bytes(size_t length) {
    return length + 4;
}

/* ["xxx...",TEXT]: jansson drops a character of a string, without a word, where the buffer for it cannot
 * grow. The first string makes it grow as far as any other needs it, and shows whether it did. */
static char *wrap(const char *text, size_t length) {
    size_t lead = lead_bytes(length);
    char *all = length < SIZE_MAX / 4 ? malloc(lead + length + 1) : NULL;
    if (all) {
        memcpy(all, "[\"", 2);
        memset(all + 2, 'x', length);
        memcpy(all + 2 + length, "\",", 2);
        memcpy(all + lead, text, length);
        all[lead + length] = ']';
    }
    return all;
}

/* Says that there is no memory. */
static json_t *fail_memory(json_error_t *error) {
    memset(error, 0, sizeof *error);
    return NULL;
}

json_t *prnn_json_load(const char *text, size_t length, json_error_t *error) {
    char *all = wrap(text, length);
    if (!all) {
        return fail_memory(error);
    }
    errno = 0;
    json_t *both = json_loadb(all, lead_bytes(length) + length + 1, JSON_REJECT_DUPLICATES, error);
    bool short_of_memory = errno == ENOMEM; /* of which jansson says that the text is wrong */
    free(all);
    if (!both) {
        error->position -= (int)lead_bytes(length);
        return short_of_memory ? fail_memory(error) : NULL;
    }
    json_t *value = json_incref(json_array_get(both, 1));
    bool whole = json_string_length(json_array_get(both, 0)) == length, one = json_array_size(both) == 2;
    json_decref(both);
    if (!whole || !one) {
        json_decref(value);
        fail_memory(error);
        snprintf(error->text, sizeof error->text, "%s", whole ? "more than one value" : "");
        return NULL;
    }
    return value;
}

/* jansson leaves out a key, without a word, where the buffer for the text cannot grow: so none grows here. */
char *prnn_json_dump(const json_t *value, size_t flags) {
    size_t length = json_dumpb(value, NULL, 0, flags); /* 0: not enough memory */
    char *text = length ? malloc(length + 1) : NULL;
    if (text && json_dumpb(value, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    if (text) {
        text[length] = '\0';
    }
    return text;
}

/* JSON text to the values of jansson and back, so that no letter is lost when memory runs out. */
#ifndef PRNN_SAFETENSORS_JSON_H
#define PRNN_SAFETENSORS_JSON_H

#include "base/message.h"

#include <jansson.h>

/* The value in `length` bytes of text, to be given back with json_decref; keys that occur twice are an error.
 * NULL: *error says what is wrong, at which byte, or, if it has no text, that there is not enough memory. */
json_t *prnn_json_load(const char *text, size_t length, json_error_t *error);

/* The text of a value, with jansson's `flags`; free with free(). NULL: not enough memory. */
char *prnn_json_dump(const json_t *value, size_t flags);

#endif

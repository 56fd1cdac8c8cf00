/* JSON text to the values of jansson. */
#ifndef PRNN_MODEL_JSON_H
#define PRNN_MODEL_JSON_H

#include "base/context.h"

#include <jansson.h>

/* The value in `length` bytes of text, to be given back with json_decref; keys that occur twice are an error.
 * NULL: *error says what is wrong, at which byte, or, if it has no text, that there is not enough memory. */
json_t *prnn_json_load(const char *text, size_t length, json_error_t *error);

#endif

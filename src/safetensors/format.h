/* What reading and writing of the format share. */
#ifndef PRNN_SAFETENSORS_FORMAT_H
#define PRNN_SAFETENSORS_FORMAT_H

#include "safetensors/safetensors.h"

enum { PRNN_SAFETENSORS_LENGTH = 8, PRNN_SAFETENSORS_HEADER_LIMIT = 100000000 }; /* bytes */
#define PRNN_SAFETENSORS_FILE_LIMIT ((size_t)1 << 40)
#define PRNN_SAFETENSORS_METADATA "__metadata__"

/* Sets count and bytes; false if they overflow. */
bool prnn_safetensors_measure(prnn_safetensors_entry *e);

/* Names end up in messages and so on terminals. */
bool prnn_safetensors_is_printable(const char *name);

/* jansson refuses other text, and does not say whether it was that or memory. */
bool prnn_is_utf8(const char *text);

/* False: there is none of this name. */
bool prnn_dtype_from_name(const char *name, prnn_dtype *dtype);

#endif

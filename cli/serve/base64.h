/* Bytes as text (RFC 4648, section 4). */
#ifndef PIXELRNN_CLI_SERVE_BASE64_H
#define PIXELRNN_CLI_SERVE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes that so much text can stand for. */
size_t base64_most(size_t length);

/* Reads `length` characters into `bytes`, which has room for base64_most(length); *size: how many they were.
 * False for what is no base64: another character, a wrong length, bits behind the last byte. */
bool base64_read(const char *text, size_t length, uint8_t *bytes, size_t *size);

/* Characters of so many bytes, without an end. */
size_t base64_length(size_t size);
/* Writes base64_length(size) characters, and no end. */
void base64_write(const uint8_t *bytes, size_t size, char *text);

#endif

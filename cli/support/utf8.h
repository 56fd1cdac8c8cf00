/* File names, titles and cells of other people's files may hold any bytes. */
#ifndef PIXELRNN_CLI_SUPPORT_UTF8_H
#define PIXELRNN_CLI_SUPPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the UTF-8 sequence at `text`, which ends with 0 (RFC 3629), or 0 if it is none. */
size_t utf8_length(const char *text);

/* Whether the UTF-8 sequence at `s` is a control character: U+0000 to U+001F, U+007F to U+009F. */
bool utf8_is_control(const char *s);

#endif

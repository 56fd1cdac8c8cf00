/* Text files that are read whole. */
#ifndef PIXELRNN_CLI_SUPPORT_TEXT_H
#define PIXELRNN_CLI_SUPPORT_TEXT_H

#include <stddef.h>

/* The file's text, to be freed; NULL after a sentence if it cannot be read, is no file (a pipe, say), has
 * more than `limit` bytes, or holds a zero byte. `what` completes "... is needed". */
char *text_read(const char *path, size_t limit, const char *what);

#endif

/* Text files that are read whole. */
#ifndef PIXELRNN_CLI_SUPPORT_TEXT_H
#define PIXELRNN_CLI_SUPPORT_TEXT_H

#include <stddef.h>

/* The text of a file or pipe, to be freed; NULL after a sentence if it cannot be read, is neither, has more
 * than `limit` bytes, or holds a zero byte. `what` completes "... is needed". */
char *text_read(const char *path, size_t limit, const char *what);

#endif

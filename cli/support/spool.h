/* What comes through a pipe, as a file that can be read again and again. */
#ifndef PIXELRNN_CLI_SUPPORT_SPOOL_H
#define PIXELRNN_CLI_SUPPORT_SPOOL_H

#include <stdbool.h>

enum { SPOOL_PATH = 32 };

/* If `path` is a pipe, copies what comes through it into a file without a name, in TMPDIR or /tmp, whose path
 * is then in `file`, which has room for SPOOL_PATH bytes, and *piped is true: /dev/stdin and /dev/fd/N stay
 * what they are called. The file is gone with the process. 0 or an exit code. */
int spool_pipe(const char *path, char *file, bool *piped);

#endif

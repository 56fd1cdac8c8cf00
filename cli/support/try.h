/* Steps that can fail, one after the other: the library's idiom (src/base/try.h), with exit codes. */
#ifndef PIXELRNN_CLI_SUPPORT_TRY_H
#define PIXELRNN_CLI_SUPPORT_TRY_H

#include "support/report.h"

/* TRY(call): the exit code that `call` returns becomes `code`, a variable of the function; unless it is
 * EXIT_OK, goes to the label `done`, where the function gives back what it has and returns `code`. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        code = (call);                                                                                       \
        if (code != EXIT_OK) {                                                                               \
            goto done;                                                                                       \
        }                                                                                                    \
    } while (0)

#endif

/* The files that a command line names. */
#ifndef PIXELRNN_CLI_OPTIONS_FILES_H
#define PIXELRNN_CLI_OPTIONS_FILES_H

#include "options/options.h"

/* No output is an input, another output, or a file in a folder of data. Operands and the rows of type
 * OPTION_INPUT and OPTION_OUTPUT are all that is read and written. 0 or an exit code. */
int files_check(const arguments *args);

#endif

/* Writing a data set into one .npy file, with a progress bar. */
#ifndef PIXELRNN_CLI_CONVERSION_H
#define PIXELRNN_CLI_CONVERSION_H

#include "setup.h"
#include "skipped.h"

/* Converts `path` to `out`; says on stderr what was skipped, and on stdout what was written. 0 or an exit
 * code. */
int convert_data(prnn_context *ctx, const struct common *common, const char *path,
                 const prnn_data_options *options, const char *out, skipped *missing);

#endif

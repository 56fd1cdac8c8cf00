/* Config files: `key = value` lines, the keys are the long options without the dashes. */
#ifndef PIXELRNN_CLI_OPTIONS_CONFIG_H
#define PIXELRNN_CLI_OPTIONS_CONFIG_H

#include "options/options.h"

/* Sets all options again: defaults < preset < config file < command line. Preset and file may be NULL. The
 * text of the file is kept in memory, as options point into it. Returns 0 or an exit code. */
int config_layer(arguments *args, const char *preset, const char *file);

/* What the help says about the format. */
extern const char config_help[];

#endif

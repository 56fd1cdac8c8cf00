/* Config files and presets: `key = value` lines, the keys are the long options without the dashes. */
#ifndef PIXELRNN_CLI_CONFIG_H
#define PIXELRNN_CLI_CONFIG_H

#include "options.h"

/* Sets all options again: defaults < preset < config file < command line. Preset and file may be NULL. The
 * text of the file is kept in memory, as options point into it. Returns 0 or an exit code. */
int config_layer(arguments *args, const char *preset, const char *file);

/* What the help says about the format. */
extern const char config_help[];

size_t preset_count(void);
const char *preset_name(size_t i);
const char *preset_summary(size_t i);
/* In the format of a config file, or NULL. */
const char *preset_text(const char *name);
/* Says that there is no such preset; returns EXIT_USAGE. */
int preset_unknown(const char *name);

#endif

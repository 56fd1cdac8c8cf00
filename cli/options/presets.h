/* The paper's configurations, in the format of a config file. */
#ifndef PIXELRNN_CLI_OPTIONS_PRESETS_H
#define PIXELRNN_CLI_OPTIONS_PRESETS_H

#include <stddef.h>

size_t preset_count(void);
const char *preset_name(size_t i);
const char *preset_summary(size_t i);
/* Lines of a config file, or NULL. */
const char *preset_text(const char *name);
/* Says that there is no such preset; returns EXIT_USAGE. */
int preset_unknown(const char *name);

#endif

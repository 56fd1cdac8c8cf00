/* Ctrl-C and the like. */
#ifndef PIXELRNN_CLI_SUPPORT_STOP_H
#define PIXELRNN_CLI_SUPPORT_STOP_H

#include <stdbool.h>

/* From now on the first SIGINT, SIGTERM or SIGHUP only asks to stop, and the second one ends the program. */
void stop_catch(void);
bool stop_asked(void);

#endif

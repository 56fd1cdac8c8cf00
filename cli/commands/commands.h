/* The commands of the program: one file each, and a line in the table of commands.c. */
#ifndef PIXELRNN_CLI_COMMANDS_COMMANDS_H
#define PIXELRNN_CLI_COMMANDS_COMMANDS_H

#include "options/options.h"

/* In the order of the help; ends with NULL. */
extern const struct command *const commands[];

#endif

/* --help and the man page, from the tables of the commands. All write to stdout. */
#ifndef PIXELRNN_CLI_OPTIONS_HELP_H
#define PIXELRNN_CLI_OPTIONS_HELP_H

#include "options/options.h"

/* "pixelrnn --help": all commands. */
void help_overview(const struct command *const *commands);
/* "pixelrnn COMMAND --help". */
void help_command(const struct command *command);
/* The man page in roff, man macros. `commands` ends with NULL. */
void help_man(const struct command *const *commands);

/* What may be given as MODEL. */
extern const char help_model[];

/* Used by both: "--layers N"; the help of an option with its default; what stands in the synopsis. */
void help_term(const struct option *row, char *text, size_t size);
void help_text(const struct command *command, const struct option *row, char *text, size_t size);
void help_synopsis(const struct command *command, char *text, size_t size);

#endif

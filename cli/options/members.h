/* The models that an operand, or the value of an option, names: those of an ensemble, with commas between
 * them. */
#ifndef PIXELRNN_CLI_OPTIONS_MEMBERS_H
#define PIXELRNN_CLI_OPTIONS_MEMBERS_H

#include "options/options.h"

typedef struct members {
    const char **paths;
    size_t count;
    char *text; /* of the paths, if the word was cut */
} members;

/* Of a command that takes ensembles: the parts of the word between its commas, unless there is a file of the
 * whole name. Else the word itself, alone; what looks like an ensemble there is refused. 0 or an exit code;
 * free with members_free in any case. */
int members_find(const struct command *command, const char *word, members *m);
void members_free(members *m);

#endif

/* What shells complete, from the tables of the commands, as the help is. All write to stdout. */
#ifndef PIXELRNN_CLI_OPTIONS_COMPLETION_H
#define PIXELRNN_CLI_OPTIONS_COMPLETION_H

#include "options/options.h"

/* Scripts for the three shells; `commands` ends with NULL. */
void completion_bash(const struct command *const *commands);
void completion_zsh(const struct command *const *commands);
void completion_fish(const struct command *const *commands);

/* What follows an option. */
typedef enum completion_kind {
    COMPLETION_NOTHING, /* a flag */
    COMPLETION_WORDS,
    COMPLETION_FILES,
    COMPLETION_TEXT /* a number or text that nobody else knows */
} completion_kind;

completion_kind completion_of(const struct option *row);

/* The words that may follow the option, separated by spaces. */
void completion_put_words(const struct option *row);

/* The names of all commands, separated by spaces. */
void completion_put_commands(const struct command *const *commands);

/* What the option is for, in a few words. */
void completion_brief(const struct option *row, char *text, size_t size);

#endif

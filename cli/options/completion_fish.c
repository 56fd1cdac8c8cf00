/* Completion for fish. */
#include "options/completion.h"

#include <stdio.h>

static void put_quoted(const char *text) {
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
    putchar('\'');
}

static void begin_line(const struct command *command) {
    printf("complete -c pixelrnn -n '__fish_seen_subcommand_from %s'", command->name);
}

static void put_option(const struct command *command, const struct option *row) {
    char brief[512];
    completion_brief(row, brief, sizeof brief);
    begin_line(command);
    printf(" -l %s", row->name);
    switch (completion_of(row)) {
    case COMPLETION_WORDS:
        fputs(" -x -a '", stdout);
        completion_put_words(row);
        putchar('\'');
        break;
    case COMPLETION_FILES:
        fputs(" -r -F", stdout);
        break;
    case COMPLETION_TEXT:
        fputs(" -x", stdout);
        break;
    case COMPLETION_NOTHING:
        break;
    }
    fputs(" -d ", stdout);
    put_quoted(brief);
    putchar('\n');
}

static void put_command(const struct command *command) {
    printf("complete -c pixelrnn -n __fish_use_subcommand -a %s -d ", command->name);
    put_quoted(command->summary);
    putchar('\n');
    if (command->operand) {
        begin_line(command);
        puts(" -F");
    }
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].type != OPTION_GROUP) {
            put_option(command, &command->options[i]);
        }
    }
}

void completion_fish(const struct command *const *commands) {
    puts("# Completion of pixelrnn for fish, as `pixelrnn help --completion fish` prints it.\n"
         "complete -c pixelrnn -f");
    for (const struct command *const *command = commands; *command; command++) {
        put_command(*command);
    }
    puts("complete -c pixelrnn -n __fish_use_subcommand -a help -d 'what a command does'");
    fputs("complete -c pixelrnn -n '__fish_seen_subcommand_from help' -a '", stdout);
    completion_put_commands(commands);
    puts("'");
}

/* Completion for zsh. */
#include "options/completion.h"

#include <stdio.h>

/* Within single quotes; brackets and colons mean something to _arguments and _describe. */
static void put_quoted(const char *text) {
    for (; *text; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
        } else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\') {
            printf("\\%c", *text);
        } else {
            putchar(*text);
        }
    }
}

static void put_option(const struct option *row) {
    completion_kind kind = completion_of(row);
    char brief[512];
    completion_brief(row, brief, sizeof brief);
    printf("            '--%s%s[", row->name, kind == COMPLETION_NOTHING ? "" : "=");
    put_quoted(brief);
    putchar(']');
    if (kind != COMPLETION_NOTHING) {
        printf(":%s:", row->value ? row->value : "choice");
    }
    if (kind == COMPLETION_WORDS) {
        putchar('(');
        completion_put_words(row);
        putchar(')');
    } else if (kind == COMPLETION_FILES) {
        fputs("_files", stdout);
    }
    puts("' \\");
}

static void put_command(const struct command *command) {
    printf("    %s)\n        _arguments -S \\\n", command->name);
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].type != OPTION_GROUP) {
            put_option(&command->options[i]);
        }
    }
    if (command->operand) {
        printf("            '%s:%s:_files' \\\n", command->many || command->before ? "*" : "",
               command->operand);
    }
    puts("            && return 0\n        ;;");
}

void completion_zsh(const struct command *const *commands) {
    puts("#compdef pixelrnn\n"
         "# Completion of pixelrnn for zsh, as `pixelrnn help --completion zsh` prints it.\n"
         "_pixelrnn() {\n"
         "    local -a commands\n"
         "    commands=(");
    for (size_t i = 0; commands[i]; i++) {
        printf("        '%s:", commands[i]->name);
        put_quoted(commands[i]->summary);
        puts("'");
    }
    puts("        'help:what a command does'\n"
         "    )\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _describe -t commands command commands\n"
         "        return\n"
         "    fi\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case $words[1] in");
    for (const struct command *const *command = commands; *command; command++) {
        put_command(*command);
    }
    puts("    help) _describe -t commands command commands ;;\n"
         "    esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _pixelrnn ]; then\n"
         "    _pixelrnn \"$@\"\n"
         "else\n"
         "    compdef _pixelrnn pixelrnn\n"
         "fi");
}

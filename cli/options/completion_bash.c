/* Completion for bash, 4 and later, with and without the package bash-completion. */
#include "options/completion.h"

#include <stdio.h>

static void put_options(const struct command *command) {
    printf("        options=\"");
    bool first = true;
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].type != OPTION_GROUP) {
            printf("%s--%s", first ? "" : " ", command->options[i].name);
            first = false;
        }
    }
    puts("\"");
}

/* "            --data | --out)": the options of a kind; false if there are none. */
static bool put_pattern(const struct command *command, completion_kind kind) {
    bool any = false;
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *row = &command->options[i];
        if (row->type != OPTION_GROUP && completion_of(row) == kind) {
            printf("%s--%s", any ? " | " : "        ", row->name);
            any = true;
        }
    }
    fputs(any ? ") " : "", stdout);
    return any;
}

static void put_command(const struct command *command) {
    printf("    %s)\n", command->name);
    put_options(command);
    if (command->operand) {
        puts("        others=files");
    }
    puts("        case $option in");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *row = &command->options[i];
        if (row->type != OPTION_GROUP && completion_of(row) == COMPLETION_WORDS) {
            printf("        --%s) kind=words words=\"", row->name);
            completion_put_words(row);
            puts("\" ;;");
        }
    }
    if (put_pattern(command, COMPLETION_FILES)) {
        puts("kind=files ;;");
    }
    if (put_pattern(command, COMPLETION_TEXT)) {
        puts("kind=text ;;");
    }
    puts("        esac\n        ;;");
}

void completion_bash(const struct command *const *commands) {
    puts("# Completion of pixelrnn for bash, as `pixelrnn help --completion bash` prints it.\n"
         "# shellcheck shell=bash\n"
         "_pixelrnn() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    local kind=none words='' options='' others=none\n"
         "    # --name=VALUE is three words\n"
         "    if [ \"$word\" = = ]; then\n"
         "        word=''\n"
         "    elif [ \"$option\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
         "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    fi\n"
         "    COMPREPLY=()\n"
         "    case ${COMP_WORDS[1]} in");
    for (const struct command *const *command = commands; *command; command++) {
        put_command(*command);
    }
    fputs("    help) kind=words words=\"", stdout);
    completion_put_commands(commands);
    fputs("\" ;;\n    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        kind=words words=\"", stdout);
    completion_put_commands(commands);
    puts(" help --help --version\"\n    elif [ $kind = none ]; then\n"
         "        kind=$others\n"
         "        if [ \"${word:0:1}\" = - ] || [ $kind = none ]; then\n"
         "            kind=words words=$options\n"
         "        fi\n"
         "    fi\n"
         "    case $kind in\n"
         "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\") ;;\n"
         "    files)\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        ;;\n"
         "    esac\n"
         "}\n"
         "complete -F _pixelrnn pixelrnn");
}

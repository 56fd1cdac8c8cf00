#include "options/help.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 80, INDENT = 26 };

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void help_term(const struct option *row, char *text, size_t size) {
    const char *value = row->words ? row->words : row->value;
    snprintf(text, size, "--%s%s%s", row->name, value ? " " : "", value ? value : "");
}

void help_text(const struct command *command, const struct option *row, char *text, size_t size) {
    char value[256];
    snprintf(text, size, "%s", row->help);
    if (row->traits & OPTION_REQUIRED) {
        append(text, size, " (required)");
    } else if (!(row->traits & OPTION_NO_DEFAULT)) {
        option_format(row, command->defaults, value, sizeof value);
        if (*value) {
            append(text, size, " (default %s)", value);
        }
    }
}

void help_synopsis(const struct command *command, char *text, size_t size) {
    snprintf(text, size, "pixelrnn %s", command->name);
    if (command->operand) {
        if (command->before) {
            append(text, size, " [%s]", command->before);
        }
        append(text, size, command->optional ? " [%s%s]" : " %s%s", command->operand,
               command->many ? "..." : "");
    }
    for (size_t i = 0; i < command->option_count; i++) {
        char term[256];
        if (command->options[i].traits & OPTION_REQUIRED) {
            help_term(&command->options[i], term, sizeof term);
            append(text, size, " %s", term);
        }
    }
    append(text, size, "%s%s [options]", command->synopsis ? " " : "",
           command->synopsis ? command->synopsis : "");
}

/* Prints words from column `column` on, lines after the first begin at `indent`; a newline in the text
 * begins a line. */
static void print_wrapped(const char *text, size_t column, size_t indent) {
    while (*text) {
        if (*text == '\n') {
            printf("\n%*s", (int)indent, "");
            column = indent;
            text++;
            continue;
        }
        size_t n = strcspn(text, " \n");
        if (column > indent && column + n >= WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        fwrite(text, 1, n, stdout);
        column += n;
        text += n;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_option(const struct command *command, const struct option *row) {
    char term[256], text[1024];
    help_term(row, term, sizeof term);
    help_text(command, row, text, sizeof text);
    if (strlen(term) > INDENT - 4) {
        printf("  %s\n%*s", term, INDENT, "");
    } else {
        printf("  %-*s", INDENT - 2, term);
    }
    print_wrapped(text, INDENT, INDENT);
}

const char help_model[] = "A MODEL is a model file, a checkpoint, a pipe that brings one (- for stdin), or a "
                          "folder such as a training's, whose model.safetensors is read.";

void help_command(const struct command *command) {
    char synopsis[1024];
    help_synopsis(command, synopsis, sizeof synopsis);
    printf("usage: %s\n\n", synopsis);
    print_wrapped(command->description, 0, 0);
    if (command->operand && strcmp(command->operand, "MODEL") == 0) {
        putchar('\n');
        print_wrapped(help_model, 0, 0);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *row = &command->options[i];
        if (row->type == OPTION_GROUP) {
            printf("\n%s\n", row->help);
        } else {
            print_option(command, row);
        }
    }
    if (command->examples) {
        printf("\nExamples\n");
        for (const char *line = command->examples; *line;) {
            size_t n = strcspn(line, "\n");
            printf("  %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
    }
}

void help_overview(const struct command *const *commands) {
    printf("usage: pixelrnn COMMAND [options]\n\n"
           "Exact-likelihood image models: Row LSTM, Diagonal BiLSTM and PixelCNN of\n"
           "\"Pixel Recurrent Neural Networks\" (van den Oord et al., 2016).\n\nCommands\n");
    for (; *commands; commands++) {
        printf("  %-10s %s\n", (*commands)->name, (*commands)->summary);
    }
    printf("  %-10s %s\n", "help", "what a command does: pixelrnn help COMMAND");
    printf("\npixelrnn --version prints the version, pixelrnn help --completion bash|zsh|fish\n"
           "what a shell needs to complete commands and options.\n\n"
           "The exit code is 0 (done), 1 (failed, or stopped before the end) or 2 (the command\n"
           "line is wrong).\n");
}

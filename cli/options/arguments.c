/* The command line. */
#include "options/options.h"

#include "options/files.h"
#include "support/ranks.h"
#include "support/try.h"

#include <stdio.h>
#include <string.h>

void arguments_reset(arguments *args) {
    memcpy(args->settings, args->command->defaults, args->command->settings_size);
    memset(args->source, FROM_DEFAULT, sizeof args->source);
    args->operand_count = 0;
}

option_source option_given(const arguments *args, const char *name) {
    int row = option_find(args->command, name, strlen(name));
    return row < 0 ? FROM_DEFAULT : (option_source)args->source[row];
}

static int unknown_option(const struct command *command, const char *name) {
    const char *nearest = option_nearest(command, name);
    if (nearest) {
        return usage_error("unknown option --%s; did you mean --%s?", name, nearest);
    }
    return usage_error("unknown option --%s; 'pixelrnn %s --help' lists the options", name, command->name);
}

static int given_twice(const arguments *args, int row, const char *label, const char *text) {
    const struct option *option = &args->command->options[row];
    char before[512];
    if (option->type == OPTION_FLAG) {
        return usage_error("%s is given twice: leave one out", label);
    }
    option_format(option, args->settings, before, sizeof before);
    return usage_error("%s is given twice, as '%s' and as '%s': leave one out", label, before, text);
}

/* Reads the option at argv[*at] and moves *at behind it. */
static int parse_option(arguments *args, int *at) {
    const char *name = args->argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const char *text = name[length] ? name + length + 1 : NULL;
    char label[64];
    snprintf(label, sizeof label, "--%.*s", (int)(length < 60 ? length : 60), name);
    *at += 1;
    int row = option_find(args->command, name, length);
    if (row < 0) {
        return unknown_option(args->command, label + 2);
    }
    if (!text && args->command->options[row].type == OPTION_FLAG) {
        text = "true";
    }
    if (!text) {
        if (*at >= args->argc) {
            return usage_error("%s needs a value", label);
        }
        text = args->argv[*at];
        /* A file may be called --quiet, but a forgotten value is what it is. */
        if (strncmp(text, "--", 2) == 0) {
            return usage_error("%s needs a value, and %s follows (%s=VALUE takes any)", label, text, label);
        }
        *at += 1;
    }
    if (args->source[row] == FROM_COMMAND_LINE) {
        return given_twice(args, row, label, text);
    }
    return option_set(args, row, label, text, FROM_COMMAND_LINE);
}

static int parse_operand(arguments *args, const char *word) {
    struct common *common = args->settings;
    if (!args->command->operand) {
        return usage_error("'%s' is not expected: 'pixelrnn %s' takes options only", word,
                           args->command->name);
    }
    bool room = args->command->many || (args->command->before && args->operand_count == 1);
    if (common->operand && !room) {
        return usage_error("'%s' is not expected: there is one %s, '%s'", word, args->command->operand,
                           common->operand);
    }
    if (!*word) {
        return usage_error("%s is empty", args->command->operand);
    }
    word = option_input_path(word);
    common->operand = common->operand ? common->operand : word;
    if (args->operands) {
        args->operands[args->operand_count++] = word;
    }
    return 0;
}

int arguments_parse(arguments *args) {
    bool operands_only = false;
    int code = 0;
    for (int i = 0; i < args->argc;) {
        const char *word = args->argv[i];
        if (operands_only || word[0] != '-' || !word[1]) {
            TRY(parse_operand(args, word));
            i++;
        } else if (strcmp(word, "--") == 0) {
            operands_only = true;
            i++;
        } else if (word[1] == '-') {
            TRY(parse_option(args, &i));
        } else if (strcmp(word, "-h") == 0) {
            ((struct common *)args->settings)->help = true;
            i++;
        } else {
            TRY(usage_error("unknown option %s; options begin with two dashes", word));
        }
    }
done:
    return code;
}

/* Whether --binarize sample is given, in whatever way. */
static bool is_drawn(const arguments *args) {
    int row = option_find(args->command, "binarize", strlen("binarize")), drawn = 0;
    if (row >= 0) {
        memcpy(&drawn, (const char *)args->settings + args->command->options[row].offset, sizeof drawn);
    }
    return drawn != 0;
}

int arguments_check(const arguments *args) {
    const struct command *command = args->command;
    if (command->operand && !command->optional && !((const struct common *)args->settings)->operand) {
        return usage_error("%s is missing: pixelrnn %s %s ...", command->operand, command->name,
                           command->operand);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *row = &command->options[i];
        if ((row->traits & OPTION_REQUIRED) && args->source[i] == FROM_DEFAULT) {
            return usage_error("--%s %s is missing; 'pixelrnn %s --help' says more", row->name, row->value,
                               command->name);
        }
        if ((row->traits & OPTION_OF_DRAW) && args->source[i] == FROM_COMMAND_LINE && !is_drawn(args)) {
            return usage_error("--%s has no effect without --binarize sample", row->name);
        }
    }
    return ranks_first() ? files_check(args) : EXIT_OK; /* nobody else writes */
}

#include "options/config.h"

#include "options/presets.h"
#include "support/report.h"
#include "support/text.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 1 << 20 };

const char config_help[] =
    "A config file has one 'key = value' a line; the keys are the options of train without their dashes, a "
    "flag is true or false, and # begins a comment. The command line overrides the file, and the file a "
    "preset. 'pixelrnn train --show-preset NAME > my.conf' makes one to start from.";

/* Cuts spaces at both ends, in place. */
static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1])) {
        n--;
    }
    text[n] = 0;
    return text;
}

/* A # begins a comment at the start of a line or after a space, so that file names may hold one. */
static void cut_comment(char *line) {
    for (char *c = line; *c; c++) {
        if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = 0;
            return;
        }
    }
}

static int unknown_key(const arguments *args, const char *file, int line, const char *key) {
    const char *nearest = option_nearest(args->command, key);
    if (nearest) {
        return usage_error("%s:%d: unknown key '%s'; did you mean '%s'?", file, line, key, nearest);
    }
    return usage_error("%s:%d: unknown key '%s'; keys are the options of 'pixelrnn %s' without dashes", file,
                       line, key, args->command->name);
}

static int read_line(arguments *args, const char *file, int number, char *line, option_source source) {
    cut_comment(line);
    line = trim(line);
    if (!*line) {
        return 0;
    }
    char *equals = strchr(line, '=');
    if (!equals) {
        return usage_error("%s:%d: '%s' is not of the form 'key = value'", file, number, line);
    }
    *equals = 0;
    const char *key = trim(line);
    int row = option_find(args->command, key, strlen(key));
    if (row < 0) {
        return unknown_key(args, file, number, key);
    }
    if (args->command->options[row].traits & OPTION_ACTION) {
        return usage_error("%s:%d: '%s' belongs on the command line only", file, number, key);
    }
    if (args->source[row] == source) {
        return usage_error("%s:%d: '%s' is given twice", file, number, key);
    }
    char label[512];
    snprintf(label, sizeof label, "%s:%d: %s", file, number, key);
    return option_set(args, row, label, trim(equals + 1), source);
}

/* `text` is changed, and must outlive the settings. */
static int read_text(arguments *args, const char *file, char *text, option_source source) {
    int code = 0;
    for (int number = 1; text; number++) {
        char *end = strchr(text, '\n');
        if (end) {
            *end++ = 0;
        }
        TRY(read_line(args, file, number, text, source));
        text = end;
    }
done:
    return code;
}

/* Texts that options point into; a command has at most one preset and one file. */
static char *kept[2];

static int keep_and_read(arguments *args, int slot, const char *name, char *text, option_source source) {
    free(kept[slot]);
    kept[slot] = text;
    return text ? read_text(args, name, text, source) : EXIT_FAILED;
}

int config_layer(arguments *args, const char *preset, const char *file) {
    int code;
    arguments_reset(args);
    if (preset) {
        const char *text = preset_text(preset);
        TRY(text ? keep_and_read(args, 0, preset, strdup(text), FROM_PRESET) : preset_unknown(preset));
    }
    if (file) {
        TRY(keep_and_read(args, 1, file, text_read(file, CONFIG_LIMIT, "a config file"), FROM_CONFIG));
    }
    TRY(arguments_parse(args));
done:
    return code;
}

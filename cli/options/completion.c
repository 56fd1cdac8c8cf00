#include "options/completion.h"

#include "options/presets.h"

#include <stdio.h>
#include <string.h>

static bool is_preset(const struct option *row) {
    return row->type == OPTION_STRING &&
           (strcmp(row->name, "preset") == 0 || strcmp(row->name, "show-preset") == 0);
}

completion_kind completion_of(const struct option *row) {
    if (row->words || is_preset(row)) {
        return COMPLETION_WORDS;
    }
    switch (row->type) {
    case OPTION_FLAG:
        return COMPLETION_NOTHING;
    case OPTION_INPUT:
    case OPTION_OUTPUT:
        return COMPLETION_FILES;
    default:
        return COMPLETION_TEXT;
    }
}

void completion_put_words(const struct option *row) {
    for (const char *word = row->words; word && *word; word++) {
        putchar(*word == '|' ? ' ' : *word);
    }
    for (size_t i = 0; !row->words && i < preset_count(); i++) {
        printf("%s%s", i ? " " : "", preset_name(i));
    }
}

void completion_put_commands(const struct command *const *commands) {
    for (size_t i = 0; commands[i]; i++) {
        printf("%s%s", i ? " " : "", commands[i]->name);
    }
}

/* Whether a shorter help could end in front of here. */
static bool is_end(const struct option *row, const char *at) {
    bool words = row->words != NULL; /* the help says what each means */
    return *at == ';' || (*at == ':' && !words) || strncmp(at, ". ", 2) == 0 || strncmp(at, " (", 2) == 0;
}

void completion_brief(const struct option *row, char *text, size_t size) {
    enum { SHORTEST = 8, LONGEST = 72 };
    size_t n = strlen(row->help) < SHORTEST ? strlen(row->help) : SHORTEST;
    while (row->help[n] && !is_end(row, row->help + n)) {
        n++;
    }
    bool cut = n > LONGEST;
    for (n = cut ? LONGEST : n; cut && row->help[n] != ' ';) {
        n--;
    }
    snprintf(text, size, "%.*s%s", (int)n, row->help, cut ? " ..." : "");
}

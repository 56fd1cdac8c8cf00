#include "options/options.h"

#include "support/distance.h"
#include "support/number.h"
#include "support/report.h"

#include <stdio.h>
#include <string.h>

static void *field(void *settings, const struct option *row) {
    return (char *)settings + row->offset;
}

/* ---------------------------------------------------------------------------------------- names */

int option_find(const struct command *command, const char *name, size_t length) {
    for (size_t i = 0; i < command->option_count; i++) {
        const char *known = command->options[i].name;
        if (known && strlen(known) == length && memcmp(known, name, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *option_nearest(const struct command *command, const char *name) {
    nearest n = {.written = name};
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].name) {
            nearest_try(&n, command->options[i].name);
        }
    }
    return n.known;
}

/* --------------------------------------------------------------------------------------- values */

/* Number of `text` among the words "a|b|c", or -1. */
static int find_word(const char *words, const char *text) {
    size_t length = strlen(text);
    int number = 0;
    for (const char *word = words; word; number++) {
        size_t n = strcspn(word, "|");
        if (n == length && memcmp(word, text, n) == 0) {
            return number;
        }
        word = word[n] ? word + n + 1 : NULL;
    }
    return -1;
}

static int set_int(void *to, const struct option *row, const char *label, const char *text) {
    int value;
    if (row->words) {
        if (find_word(row->words, text) < 0 || !parse_int(text, &value)) {
            return usage_error("%s: '%s' is not one of %s (%s)", label, text, row->words, row->help);
        }
    } else if (!parse_int(text, &value) || value < row->minimum || value > row->maximum) {
        return usage_error("%s: '%s' is not a whole number from %.0f to %.0f", label, text, row->minimum,
                           row->maximum);
    }
    memcpy(to, &value, sizeof value);
    return 0;
}

static int set_unsigned(void *to, const struct option *row, const char *label, const char *text) {
    /* NOLINTNEXTLINE(bugprone-branch-clone): not where a size has 32 bits */
    uint64_t value, maximum = row->type == OPTION_SIZE ? SIZE_MAX : UINT64_MAX;
    if (!parse_uint64(text, &value) || (double)value < row->minimum || value > maximum) {
        return usage_error("%s: '%s' is not a whole number from %.0f to %llu", label, text, row->minimum,
                           (unsigned long long)maximum);
    }
    if (row->type == OPTION_SIZE) {
        size_t size = (size_t)value;
        memcpy(to, &size, sizeof size);
    } else {
        memcpy(to, &value, sizeof value);
    }
    return 0;
}

static int set_double(void *to, const struct option *row, const char *label, const char *text) {
    double value;
    bool open_min = row->traits & OPTION_OPEN_MIN, open_max = row->traits & OPTION_OPEN_MAX;
    bool ok = parse_double(text, &value);
    ok = ok && (open_min ? value > row->minimum : value >= row->minimum);
    ok = ok && (open_max ? value < row->maximum : value <= row->maximum);
    if (!ok) {
        return usage_error("%s: '%s' is not a number %s %g %s %s%g", label, text, open_min ? "above" : "from",
                           row->minimum, open_min ? "and" : "to",
                           open_max   ? "below "
                           : open_min ? "up to "
                                      : "",
                           row->maximum);
    }
    memcpy(to, &value, sizeof value);
    return 0;
}

static int set_choice(void *to, const struct option *row, const char *label, const char *text) {
    int number = find_word(row->words, text);
    if (number < 0) {
        return usage_error("%s: '%s' is not one of %s", label, text, row->words);
    }
    memcpy(to, &number, sizeof number);
    return 0;
}

const char *option_input_path(const char *word) {
    return strcmp(word, "-") == 0 ? "/dev/stdin" : word;
}

static int set_string(void *to, const struct option *row, const char *label, const char *text) {
    if (row->type == OPTION_OUTPUT && strcmp(text, "-") == 0) {
        return usage_error(
            "%s: '-' is no name of a file, and nothing is written to standard output: name one, ./- if "
            "it is to be called so",
            label);
    }
    const char *value = row->type == OPTION_INPUT ? option_input_path(text) : text;
    memcpy(to, &value, sizeof value);
    return 0;
}

static int set_value(void *to, const struct option *row, const char *label, const char *text) {
    switch (row->type) {
    case OPTION_FLAG:
        return parse_bool(text, to) ? 0 : usage_error("%s: '%s' is not true or false", label, text);
    case OPTION_INT:
        return set_int(to, row, label, text);
    case OPTION_SIZE:
    case OPTION_UINT64:
        return set_unsigned(to, row, label, text);
    case OPTION_DOUBLE:
        return set_double(to, row, label, text);
    case OPTION_CHOICE:
        return set_choice(to, row, label, text);
    case OPTION_STRING:
    case OPTION_INPUT:
    case OPTION_OUTPUT:
        if (!*text) {
            return usage_error("%s: the value is empty", label);
        }
        return set_string(to, row, label, text);
    case OPTION_GROUP:
        break;
    }
    return 0;
}

int option_set(arguments *args, int row, const char *label, const char *text, option_source source) {
    const struct option *option = &args->command->options[row];
    int failed = set_value(field(args->settings, option), option, label, text);
    args->source[row] = (unsigned char)source;
    return failed;
}

void option_format(const struct option *row, const void *settings, char *text, size_t size) {
    const void *from = (const char *)settings + row->offset;
    char number[32];
    const char *string = "";
    switch (row->type) {
    case OPTION_FLAG:
        string = *(const bool *)from ? "true" : "false";
        break;
    case OPTION_INT:
        snprintf(number, sizeof number, "%d", *(const int *)from);
        string = number;
        break;
    case OPTION_SIZE:
        snprintf(number, sizeof number, "%zu", *(const size_t *)from);
        string = number;
        break;
    case OPTION_UINT64:
        snprintf(number, sizeof number, "%llu", (unsigned long long)*(const uint64_t *)from);
        string = number;
        break;
    case OPTION_DOUBLE:
        format_double(*(const double *)from, number);
        string = number;
        break;
    case OPTION_STRING:
    case OPTION_INPUT:
    case OPTION_OUTPUT:
        memcpy(&string, from, sizeof string);
        string = string ? string : "";
        break;
    case OPTION_CHOICE: {
        int index;
        memcpy(&index, from, sizeof index);
        string = row->words;
        while (index-- > 0) {
            string = strchr(string, '|') + 1;
        }
        snprintf(text, size, "%.*s", (int)strcspn(string, "|"), string);
        return;
    }
    case OPTION_GROUP:
        break;
    }
    snprintf(text, size, "%s", string);
}

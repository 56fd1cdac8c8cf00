#include "options/files.h"

#include "options/members.h"
#include "support/memory.h"
#include "support/place.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES = 3 };

/* What a folder stands for, by what the help calls the value; one of another value stands for all in it. */
static const struct {
    const char *value, *names[NAMES];
} folders[] = {
    {"MODEL", {"model.safetensors"}},
    {"RUN", {"metrics.csv"}},
    {"DIR", {"model.safetensors", "metrics.csv", "checkpoint.safetensors"}},
};

enum { FOLDERS = sizeof folders / sizeof folders[0] };

typedef struct file {
    char *label; /* "--data images/" */
    bool output;
    bool member; /* one of a folder's names */
    place at;
} file;

typedef struct files {
    file *all;
    size_t count;
} files;

/* ------------------------------------------------------------------------------ what there is */

static char *format_text(const char *a, const char *between, const char *b) {
    size_t room = strlen(a) + strlen(between) + strlen(b) + 1;
    char *text = malloc(room);
    if (text) {
        snprintf(text, room, "%s%s%s", a, between, b);
    }
    return text;
}

/* For so many more. */
static int make_room(files *f, size_t more) {
    file *all = realloc(f->all, (f->count + more) * sizeof *all);
    if (!all) {
        return fail_memory();
    }
    f->all = all;
    return EXIT_OK;
}

static int add_file(files *f, const char *option, const char *path, bool output, bool member) {
    file *next = &f->all[f->count++];
    *next = (file){.output = output, .member = member};
    next->label = format_text(option, " ", path);
    return next->label ? place_find(path, &next->at) : fail_memory();
}

static int add_member(files *f, const char *option, const char *folder, const char *name, bool output) {
    bool slash = folder[strlen(folder) - 1] == '/';
    char *path = format_text(folder, slash ? "" : "/", name);
    int code;
    TRY(check_memory(path));
    TRY(add_file(f, option, path, output, true));
done:
    free(path);
    return code;
}

static const char *const *names_of(const char *value) {
    for (size_t i = 0; i < FOLDERS; i++) {
        if (strcmp(folders[i].value, value) == 0) {
            return folders[i].names;
        }
    }
    return NULL;
}

static int add_path(files *f, const char *option, const char *value, const char *path, bool output) {
    const char *const *names = names_of(value);
    place at = {0};
    int code;
    TRY(place_find(path, &at));
    if (!names || (!output && !at.folder)) {
        TRY(add_file(f, option, path, output, false));
    }
    for (size_t i = 0; names && (output || at.folder) && i < NAMES && names[i]; i++) {
        TRY(add_member(f, option, path, names[i], output));
    }
done:
    place_free(&at);
    return code;
}

/* All models of an ensemble. */
static int add_members(files *f, const struct command *command, const char *option, const char *value,
                       const char *word) {
    members m;
    int code;
    TRY(members_find(command, word, &m));
    TRY(make_room(f, NAMES * m.count));
    for (size_t i = 0; i < m.count; i++) {
        TRY(add_path(f, option, value, m.paths[i], false));
    }
done:
    members_free(&m);
    return code;
}

static int add_option(files *f, const arguments *args, const struct option *row) {
    const char *path;
    char option[64];
    int code = EXIT_OK;
    memcpy(&path, (const char *)args->settings + row->offset, sizeof path);
    snprintf(option, sizeof option, "--%s", row->name);
    if (!path) {
        return EXIT_OK;
    }
    if (row->traits & OPTION_MODELS) {
        return add_members(f, args->command, option, row->value, path);
    }
    TRY(make_room(f, NAMES));
    code = add_path(f, option, row->value, path, row->type == OPTION_OUTPUT);
done:
    return code;
}

static int collect(files *f, const arguments *args) {
    const struct command *command = args->command;
    int code = EXIT_OK;
    for (size_t i = 0; i < command->option_count; i++) {
        option_type type = command->options[i].type;
        if (type == OPTION_INPUT || type == OPTION_OUTPUT) {
            TRY(add_option(f, args, &command->options[i]));
        }
    }
    for (size_t i = 0; i < args->operand_count; i++) {
        TRY(add_members(f, command, command->operand, command->operand, args->operands[i]));
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------- what collides */

static bool is_png(const file *f) {
    size_t n = strlen(f->at.entry);
    return n > 4 && strcasecmp(f->at.entry + n - 4, ".png") == 0;
}

static int compare(const file *out, const file *other) {
    const place *at = &out->at;
    if (place_same(at, &other->at)) {
        return other->output ? usage_error("%s is also %s, and one would overwrite the other: name another",
                                           out->label, other->label)
                             : usage_error("%s is also %s, which would be lost: name another", out->label,
                                           other->label);
    }
    if (other->output || out->member) {
        return EXIT_OK;
    }
    if (at->there && place_holds(&other->at, at)) {
        return at->folder
                   ? usage_error("%s is a folder in %s, whose files could be lost: name one outside it",
                                 out->label, other->label)
                   : usage_error("%s is a file in %s, and would be lost: name one outside that folder",
                                 out->label, other->label);
    }
    if (is_png(other) && place_holds(at, &other->at)) {
        return usage_error("%s holds %s, which could be lost: name another folder", out->label, other->label);
    }
    return EXIT_OK;
}

/* What comes through a pipe comes once. */
static int compare_pipes(const file *a, const file *b) {
    return a->at.pipe && b->at.pipe && place_same(&a->at, &b->at)
               ? usage_error("%s is also %s, and a pipe can be read only once: write it into a file first",
                             b->label, a->label)
               : EXIT_OK;
}

static int compare_all(const files *f) {
    int code = EXIT_OK;
    for (size_t i = 0; i < f->count; i++) {
        for (size_t k = 0; k < i; k++) {
            TRY(compare_pipes(&f->all[k], &f->all[i]));
        }
        for (size_t k = 0; f->all[i].output && k < f->count; k++) {
            bool seen = k <= i && f->all[k].output;
            TRY(seen ? EXIT_OK : compare(&f->all[i], &f->all[k]));
        }
    }
done:
    return code;
}

int files_check(const arguments *args) {
    files f = {NULL, 0};
    int code;
    TRY(collect(&f, args));
    TRY(compare_all(&f));
done:
    for (size_t i = 0; i < f.count; i++) {
        free(f.all[i].label);
        place_free(&f.all[i].at);
    }
    free(f.all);
    return code;
}

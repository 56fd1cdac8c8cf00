#include "support/skipped.h"

#include "support/escape.h"
#include "support/output.h"
#include "support/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_text(skipped *s, const char *text) {
    size_t n = strlen(text);
    if (s->room - s->size < n + 1) {
        size_t room = 2 * s->room + n + 1;
        char *all = realloc(s->all, room);
        if (!all) {
            s->lost = true;
            return;
        }
        s->all = all;
        s->room = room;
    }
    memcpy(s->all + s->size, text, n);
    s->all[s->size + n] = 0;
    s->size += n + 1;
}

void skipped_note(void *user, const char *path, const char *why) {
    skipped *s = user;
    if (s->count < SKIPPED_SHOWN) {
        s->first[s->count] = strdup(why);
    }
    if (s->keep) {
        keep_text(s, path);
        keep_text(s, why);
    }
    s->count++;
}

void skipped_print(const skipped *s) {
    if (s->count) {
        note("%zu file%s skipped:", s->count, plural(s->count));
    }
    for (size_t i = 0; i < s->count && i < SKIPPED_SHOWN; i++) {
        note("  %s", s->first[i] ? s->first[i] : "(no memory for its name)");
    }
    if (s->count > SKIPPED_SHOWN) {
        note("  and %zu more", s->count - SKIPPED_SHOWN);
    }
}

bool skipped_next(const skipped *s, size_t *at, const char **path, const char **why) {
    if (*at >= s->size) {
        return false;
    }
    *path = s->all + *at;
    *why = *path + strlen(*path) + 1;
    *at = (size_t)(*why - s->all) + strlen(*why) + 1;
    return true;
}

int skipped_write(const skipped *s, const char *path) {
    if (s->lost) {
        return fail_memory();
    }
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) {
        return fail_memory();
    }
    const char *unused, *why;
    for (size_t at = 0; skipped_next(s, &at, &unused, &why);) {
        put_escaped(f, why);
        fputc('\n', f);
    }
    bool whole = !ferror(f);
    int code = fclose(f) == 0 && whole ? output_write(path, text, size) : fail_memory();
    free(text);
    return code;
}

void skipped_free(skipped *s) {
    for (size_t i = 0; i < SKIPPED_SHOWN; i++) {
        free(s->first[i]);
    }
    free(s->all);
    *s = (skipped){0};
}

#include "support/skipped.h"

#include "support/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_line(skipped *s, const char *why) {
    size_t n = strlen(why);
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
    memcpy(s->all + s->size, why, n);
    s->all[s->size + n] = '\n';
    s->size += n + 1;
}

void skipped_note(void *user, const char *path, const char *why) {
    skipped *s = user;
    (void)path; /* the sentence names it */
    if (s->count < SKIPPED_SHOWN) {
        s->first[s->count] = strdup(why);
    }
    if (s->keep) {
        keep_line(s, why);
    }
    s->count++;
}

void skipped_print(const skipped *s) {
    if (s->count) {
        fprintf(stderr, "%zu file%s skipped:\n", s->count, s->count == 1 ? "" : "s");
    }
    for (size_t i = 0; i < s->count && i < SKIPPED_SHOWN; i++) {
        fprintf(stderr, "  %s\n", s->first[i] ? s->first[i] : "(no memory for its name)");
    }
    if (s->count > SKIPPED_SHOWN) {
        fprintf(stderr, "  and %zu more\n", s->count - SKIPPED_SHOWN);
    }
}

int skipped_write(const skipped *s, const char *path) {
    if (s->lost) {
        return fail_memory();
    }
    FILE *f = fopen(path, "w");
    if (!f) {
        return fail("--skipped %s: cannot be written: %s", path, strerror(errno));
    }
    bool ok = fwrite(s->all ? s->all : "", 1, s->size, f) == s->size;
    int why = errno;
    if (fclose(f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    return ok ? 0 : fail("--skipped %s: cannot be written: %s", path, strerror(why));
}

void skipped_free(skipped *s) {
    for (size_t i = 0; i < SKIPPED_SHOWN; i++) {
        free(s->first[i]);
    }
    free(s->all);
    *s = (skipped){0};
}

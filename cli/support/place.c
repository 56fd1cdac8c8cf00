#include "support/place.h"

#include "support/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *join(const char *folder, const char *name, size_t n) {
    size_t length = strlen(folder), room = length + n + 2;
    char *path = malloc(room);
    if (path) {
        bool slash = length > 0 && folder[length - 1] == '/';
        snprintf(path, room, "%s%s%.*s", folder, slash ? "" : "/", (int)n, name);
    }
    return path;
}

/* Folders that are not there yet have no links. NULL: no memory. */
static char *entry_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    char *folder = begin ? strndup(path, begin) : strdup(".");
    if (!folder) {
        return NULL;
    }
    char *real = realpath(folder, NULL);
    if (!real) {
        real = begin && begin < end ? entry_of(folder) : strdup(folder);
    }
    free(folder);
    char *entry = real ? join(real, path + begin, end - begin) : NULL;
    free(real);
    return entry;
}

int place_find(const char *path, place *p) {
    struct stat st;
    *p = (place){.there = stat(path, &st) == 0};
    p->folder = p->there && S_ISDIR(st.st_mode);
    p->pipe = p->there && S_ISFIFO(st.st_mode);
    if (p->there) {
        p->device = st.st_dev;
        p->inode = st.st_ino;
        p->end = realpath(path, NULL);
    }
    /* "." and ".." are no names of entries. */
    p->entry = p->folder && p->end ? strdup(p->end) : entry_of(path);
    if (!p->end && p->entry) {
        p->end = strdup(p->entry);
    }
    return p->entry && p->end ? EXIT_OK : fail_memory();
}

void place_free(place *p) {
    free(p->entry);
    free(p->end);
    *p = (place){0};
}

bool place_same(const place *a, const place *b) {
    bool one_file = a->there && b->there && a->device == b->device && a->inode == b->inode;
    return one_file || strcmp(a->entry, b->entry) == 0;
}

static bool below(const char *folder, const char *path) {
    size_t n = strlen(folder);
    return strncmp(folder, path, n) == 0 && (path[n] == '/' || (n > 0 && folder[n - 1] == '/')) && path[n];
}

bool place_holds(const place *folder, const place *p) {
    return folder->folder && (below(folder->end, p->entry) || below(folder->end, p->end));
}

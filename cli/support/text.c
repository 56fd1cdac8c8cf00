#include "support/text.h"

#include "support/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Opening a device may do something to it. */
static FILE *open_file(const char *path) {
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
        fail("%s: is neither a file nor a pipe", path);
        return NULL;
    }
    FILE *file = there ? fopen(path, "rb") : NULL;
    if (!file) {
        fail("%s: cannot be opened: %s", path, strerror(errno));
    }
    return file;
}

/* Editors and spreadsheets put a byte order mark in front of UTF-8. */
static void cut_mark(char *text) {
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = strlen(mark);
    if (strncmp(text, mark, n) == 0) {
        memmove(text, text + n, strlen(text + n) + 1);
    }
}

/* The bytes up to the end, but no more than one above the limit, with room for a 0; NULL: no memory. A pipe
 * does not say how many they are. */
static char *read_bytes(FILE *file, size_t limit, size_t *n) {
    size_t room = 4096;
    char *text = malloc(room + 1);
    *n = 0;
    while (text && *n <= limit) {
        size_t got = fread(text + *n, 1, room - *n, file);
        *n += got;
        if (got == 0) {
            break;
        }
        if (*n == room) {
            room *= 2;
            char *larger = realloc(text, room + 1);
            if (!larger) {
                free(text);
            }
            text = larger;
        }
    }
    return text;
}

static char *read_stream(const char *path, FILE *file, size_t limit, const char *what) {
    size_t n;
    char *text = read_bytes(file, limit, &n);
    if (!text) {
        fail_memory();
    } else if (ferror(file)) {
        fail("%s: cannot be read: %s", path, strerror(errno));
    } else if (n > limit) {
        fail("%s: is too large for %s (at most %zu bytes are read)", path, what, limit);
    } else if (memchr(text, 0, n)) {
        fail("%s: is not a text file, and %s is needed", path, what);
    } else {
        text[n] = 0;
        cut_mark(text);
        return text;
    }
    free(text);
    return NULL;
}

char *text_read(const char *path, size_t limit, const char *what) {
    FILE *file = open_file(path);
    char *text = file ? read_stream(path, file, limit, what) : NULL;
    if (file) {
        fclose(file);
    }
    return text;
}
